"""AlexNet and ResNet-18 in PyTorch, eager and float32, fed by a DataLoader with two workers that decode with Pillow."""

import math
import random
import time

import common
import numpy as np
import photos_common
import PIL
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def alexnet(classes):
    return nn.Sequential(
        nn.Conv2d(3, 96, 11, stride=4),
        nn.ReLU(inplace=True),
        nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0),  # PyTorch divides alpha by the size: 2e-5 a neighbour
        nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 384, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Flatten(),
        nn.Linear(6 * 6 * 256, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(4096, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(4096, classes),
    )


class BasicBlock(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Identity()
        if stride != 1 or channels != filters:
            projection = nn.Conv2d(channels, filters, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(filters))

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


def resnet18(classes):
    stem = [nn.Conv2d(3, 64, 7, 2, padding=3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
    stages = [
        BasicBlock(channels, filters, stride)
        for channels, filters, first in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2))
        for channels, stride in ((channels, first), (filters, 1))
    ]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes)]
    return nn.Sequential(*stem, nn.MaxPool2d(3, 2, padding=1), *stages, *head)


def random_box(width, height):
    """Return left, top, right and bottom of a random crop, drawn as by RandomResizedCrop."""
    for _ in range(10):
        area = width * height * random.uniform(*photos_common.AREA)
        aspect = math.exp(random.uniform(*map(math.log, photos_common.ASPECT)))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            left, top = random.randint(0, width - w), random.randint(0, height - h)
            return left, top, left + w, top + h
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


class Photographs(Dataset):
    def __init__(self, folder, size):
        self.size = size
        self.classes = sorted(path.name for path in folder.iterdir())
        self.files = [(file, index) for index, name in enumerate(self.classes) for file in (folder / name).iterdir()]

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        file, target = self.files[index]
        with Image.open(file) as opened:
            image = opened.convert("RGB")
        image = image.crop(random_box(*image.size)).resize((self.size, self.size), Image.Resampling.BILINEAR)
        if random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        x = (torch.from_numpy(np.array(image)).float() / 255 - MEAN) / STD
        return x.permute(2, 0, 1).contiguous(), target  # (H, W, C) → (C, H, W)


def main():
    args = photos_common.arguments()
    torch.manual_seed(0)
    torch.set_num_threads(common.THREADS)
    data = Photographs(args.photos, photos_common.SIZES[args.network])
    loader = DataLoader(data, args.batch, shuffle=True, num_workers=2, persistent_workers=True)
    network = {"alexnet": alexnet, "resnet18": resnet18}[args.network](len(data.classes)).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=photos_common.LEARNING_RATE, momentum=photos_common.MOMENTUM)
    criterion, seconds, losses = nn.CrossEntropyLoss(), [], []
    for _ in range(args.epochs):
        start = time.perf_counter()
        for images, targets in loader:
            optimizer.zero_grad()
            loss = criterion(network(images), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    versions = {"torch": torch.__version__, "pillow": PIL.__version__}
    photos_common.report("PyTorch, eager", args, seconds, losses[-1], parameters, **versions)


if __name__ == "__main__":
    main()
