"""Networks in typical PyTorch style, exported by PyTorch, give the same numbers here."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from striate.engines.choose import make_engine
from striate.onnx.importing import import_onnx

from .graphs import runtime_outputs

pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch's own warnings about its exporter


class Residual(nn.Module):
    """A bottleneck as in torchvision's ResNet."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=2, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.downsample = nn.Sequential(
            nn.Conv2d(channels, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(torch.relu(self.bn2(self.conv2(y)))))
        out: torch.Tensor = torch.relu(y + self.downsample(x))
        return out


def resnet() -> nn.Module:
    stem = [nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    blocks = [Residual(8, 4, 1), Residual(16, 8, 2)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 5))


class Inverted(nn.Module):
    """An inverted residual with squeeze-and-excitation, as in MobileNetV3 and EfficientNet."""

    def __init__(self, channels: int, act: nn.Module, gate: nn.Module) -> None:
        super().__init__()
        wide = 3 * channels
        self.expand = nn.Sequential(nn.Conv2d(channels, wide, 1), nn.BatchNorm2d(wide), act)
        self.depthwise = nn.Sequential(nn.Conv2d(wide, wide, 5, 1, 2, groups=wide), nn.BatchNorm2d(wide), act)
        squeeze = [nn.AdaptiveAvgPool2d(1), nn.Conv2d(wide, 4, 1), nn.ReLU(), nn.Conv2d(4, wide, 1)]
        self.gate = nn.Sequential(*squeeze, gate)
        self.project = nn.Sequential(nn.Conv2d(wide, channels, 1), nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.depthwise(self.expand(x))
        out: torch.Tensor = x + self.project(y * self.gate(y))
        return out


def mobilenet_v2() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU6(),
        nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.BatchNorm2d(8), nn.ReLU6(), nn.Conv2d(8, 6, 1), nn.BatchNorm2d(6),
        nn.Dropout(0.2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5), nn.Softmax(1),
    )  # fmt: skip


def mobilenet_v3() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.Hardswish(), Inverted(8, nn.Hardswish(), nn.Hardsigmoid()),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
    )  # fmt: skip


def efficientnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.SiLU(), Inverted(8, nn.SiLU(), nn.Sigmoid()), Inverted(8, nn.SiLU(), nn.Sigmoid()),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
    )  # fmt: skip


def vgg() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.LeakyReLU(0.1), nn.MaxPool2d(2, ceil_mode=True),
        nn.Conv2d(4, 6, (3, 2), padding="same"), nn.PReLU(6), nn.AvgPool2d(3, 2, 1),
        nn.Flatten(), nn.Linear(6 * 9 * 8, 12), nn.ELU(), nn.Linear(12, 5), nn.LogSoftmax(1),
    )  # fmt: skip


class View(nn.Module):
    """Flattening by sizes taken from the tensor, as in older code; dense connections; separate padding."""

    def __init__(self) -> None:
        super().__init__()
        self.pad = nn.ZeroPad2d((1, 2, 0, 1))
        self.first, self.second = nn.Conv2d(3, 4, 3, dilation=2), nn.Conv2d(7, 5, 1)
        self.last = nn.Linear(5 * 33 * 31, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = nn.functional.interpolate(x, size=(33, 31)) if x.shape[2] != 33 else x
        y = torch.cat([y, torch.tanh(nn.functional.pad(self.first(self.pad(y)), (0, 1, 1, 2)))], 1)
        y = torch.clamp(self.second(y), -0.5, 0.7)
        out: torch.Tensor = self.last(y.view(y.size(0), -1))
        return out


class Shuffled(nn.Module):
    """Images normalized channel by channel, halved channels and a shuffle, as in GoogLeNet and ShuffleNet V2."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.branch = nn.Conv2d(3, 8, 3, 2), nn.Conv2d(4, 4, 3, 1, 1, groups=4)
        self.last = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.cat([torch.unsqueeze(x[:, i], 1) * (0.4 + 0.1 * i) - 0.1 * i for i in range(3)], 1)
        kept, changed = torch.relu(self.stem(x)).chunk(2, dim=1)
        y = torch.cat([kept, self.branch(changed)], 1)
        n, c, h, w = y.shape
        y = y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        out: torch.Tensor = self.last(torch.cat([y[:, :6], y[:, 6:].sigmoid()], 1).mean([2, 3]))
        return out


NETWORKS = {
    "resnet": resnet, "mobilenet v2": mobilenet_v2, "mobilenet v3": mobilenet_v3, "efficientnet": efficientnet,
    "vgg": vgg, "view": View, "shuffled": Shuffled,
}  # fmt: skip


def exported(module: nn.Module, x: torch.Tensor, **settings: Any) -> bytes:
    file: Any = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), file, dynamo=False, **settings)
    return bytes(file.getvalue())


@pytest.mark.parametrize("fold", [True, False], ids=["folded", "as trained"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_pytorch(name: str, fold: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = NETWORKS[name]().eval()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean)  # type: ignore[arg-type]
            nn.init.uniform_(layer.running_var, 0.5, 2)  # type: ignore[arg-type]
    x = torch.randn(2, 3, 33, 31)
    mode = torch.onnx.TrainingMode.EVAL if fold else torch.onnx.TrainingMode.PRESERVE
    content = exported(
        module, x, training=mode, do_constant_folding=fold, input_names=["image"],
        dynamic_axes={"image": {0: "batch"}} if fold else None,
    )  # fmt: skip
    (tmp_path / "model.onnx").write_bytes(content)
    result = import_onnx(tmp_path / "model.onnx")
    (expected,) = runtime_outputs(content, x.numpy())
    with torch.no_grad():
        np.testing.assert_allclose(module(x).numpy(), expected, rtol=0, atol=1e-4)
    for engine in ("numpy", "torch", "onnx"):
        (found,) = make_engine(engine, result.network, result.weights).forward([x.numpy()])
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-4, atol=1e-4)


def test_names_are_those_of_the_module(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(exported(View(), torch.zeros(1, 3, 33, 31)))
    result = import_onnx(tmp_path / "model.onnx")
    assert {"first/kernel", "second/kernel", "last/bias"} <= result.weights.keys()
    assert result.network.output_shapes == ((5,),)
