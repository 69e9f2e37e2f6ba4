"""PyTorch modules with torchvision's attribute names, written for the tests."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


class BasicBlock(nn.Module):
    def __init__(self, inputs: int, filters: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, filters, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.downsample = shortcut(inputs, filters, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, filters: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, filters, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.conv3 = nn.Conv2d(filters, 4 * filters, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * filters)
        self.downsample = shortcut(inputs, 4 * filters, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        return functional.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Return the shortcut of a block; empty if the shape does not change."""
    if inputs == outputs and stride == 1:
        return nn.Sequential()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class ResNet(nn.Module):
    def __init__(self, block: type[BasicBlock | Bottleneck], counts: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for stage, count in enumerate(counts, start=1):
            layers = []
            for number in range(count):
                filters = 32 << stage
                layers.append(block(inputs, filters, 2 if stage > 1 and number == 0 else 1))
                inputs = filters * (4 if block is Bottleneck else 1)
            self.add_module(f"layer{stage}", nn.Sequential(*layers))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(standardized(x)))), 3, 2, 1)
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
        return self.fc(x.mean((2, 3)))  # type: ignore[no-any-return]


class VGG16(nn.Module):
    """Without torchvision's adaptive pooling, which has no effect at 224; size: of the maps that are flattened."""

    def __init__(self, size: tuple[int, int], classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for filters, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            for _ in range(count):
                layers += [nn.Conv2d(inputs, filters, 3, padding=1), nn.ReLU()]
                inputs = filters
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(512 * size[0] * size[1], 4096), nn.ReLU(), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(standardized(x)).flatten(1))  # type: ignore[no-any-return]


class ConvBN(nn.Module):
    def __init__(self, inputs: int, filters: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, filters, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(filters, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    def __init__(self, inputs: int, one: int, red3: int, three: int, red5: int, five: int, pool: int) -> None:
        super().__init__()
        self.branch1 = ConvBN(inputs, one, 1)
        self.branch2 = nn.Sequential(ConvBN(inputs, red3, 1), ConvBN(red3, three, 3))
        self.branch3 = nn.Sequential(ConvBN(inputs, red5, 1), ConvBN(red5, five, 3))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), ConvBN(inputs, pool, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class GoogLeNet(nn.Module):
    """With the auxiliary classifiers, which are in the published file but not in our network."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = ConvBN(3, 64, 7, 2), ConvBN(64, 64, 1), ConvBN(64, 192, 3)
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.inception4a = Inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = Inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = Inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = Inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = Inception(528, 256, 160, 320, 32, 128, 128)
        self.inception5a = Inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = Inception(832, 384, 192, 384, 48, 128, 128)
        self.aux1, self.aux2 = nn.Sequential(ConvBN(512, 128, 1)), nn.Sequential(ConvBN(528, 128, 1))
        self.fc = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        # As torchvision's transform_input: standardized pixels scaled to −1..1.
        x = functional.max_pool2d(self.conv1(x / 127.5 - 1), 3, 2, ceil_mode=True)
        x = functional.max_pool2d(self.conv3(self.conv2(x)), 3, 2, ceil_mode=True)
        x = functional.max_pool2d(self.inception3b(self.inception3a(x)), 3, 2, ceil_mode=True)
        for place in "abcde":
            x = self.get_submodule(f"inception4{place}")(x)
        x = self.inception5b(self.inception5a(functional.max_pool2d(x, 2, 2, ceil_mode=True)))
        return self.fc(x.mean((2, 3)))  # type: ignore[no-any-return]


def standardized(x: Tensor) -> Tensor:
    """Return pixels 0..255 (N, 3, H, W) as torchvision prepares them."""
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (x / 255 - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)


def unset(build: Callable[[], nn.Module]) -> nn.Module:
    """Return a module without initial weights, for `randomized`, because PyTorch needs seconds to draw those of VGG."""
    with torch.device("meta"):
        module = build()
    module = module.to_empty(device="cpu")
    for name, tensor in module.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.zero_()
    return module


def randomized(module: nn.Module, x: Tensor, seed: int = 0) -> nn.Module:
    """Return the module for inference, with random weights and statistics and logits of x with standard deviation 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.ndim > 1:
                tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=generator)
            elif name.endswith(("weight", "running_var")):
                tensor.uniform_(0.7, 1.3, generator=generator)
            elif tensor.is_floating_point():
                tensor.normal_(0, 0.1, generator=generator)
        head = [part for part in module.modules() if isinstance(part, nn.Linear)][-1]
        head.weight.div_(module.eval()(x).std(0).mean())
        head.bias.sub_(module(x).mean(0))
    return module
