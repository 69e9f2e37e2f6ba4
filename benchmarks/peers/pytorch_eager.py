"""The three networks in PyTorch, eager and float32, trained by the loop of its tutorials."""

import common
import torch
from torch import nn


def simple_convnet():
    network = nn.Sequential(
        nn.Conv2d(1, 30, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(30 * 12 * 12, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )
    return initialize(network, lambda weight: nn.init.normal_(weight, std=0.01), bias=0.0)


def lenet5():
    network = nn.Sequential(
        nn.ZeroPad2d(2),
        nn.Conv2d(1, 6, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(16, 120, 5),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(84, 10),
    )
    return initialize(network, lambda weight: nn.init.trunc_normal_(weight, std=0.1, a=-0.2, b=0.2), bias=0.1)


def mnist_cnn():
    blocks = [
        part
        for channels, filters in ((1, 32), (32, 64), (64, 128))
        for part in (
            nn.Conv2d(channels, filters, 3, padding="same"),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),  # "same": 28 → 14 → 7 → 4
        )
    ]
    head = [nn.Flatten(), nn.Linear(4 * 4 * 128, 256), nn.ReLU(), nn.Dropout(0.4), nn.Linear(256, 10)]
    return nn.Sequential(*blocks, *head)


def initialize(network, fill, bias):
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            fill(layer.weight)
            nn.init.constant_(layer.bias, bias)
    return network


def build(name):
    torch.manual_seed(0)
    torch.set_num_threads(common.THREADS)
    network = {"simple-convnet": simple_convnet, "lenet5": lenet5, "mnist-cnn": mnist_cnn}[name]()
    network.train()
    criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.Adam(network.parameters(), lr=1e-3)

    def step(images, classes):
        x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255  # (N, H, W, C) → (N, C, H, W)
        optimizer.zero_grad()
        loss = criterion(network(x), torch.from_numpy(classes))
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


if __name__ == "__main__":
    common.run("PyTorch, eager", build, common.parser().parse_args(), torch=torch.__version__)
