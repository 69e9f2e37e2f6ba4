"""What PyTorch itself exports of functions that can be written in several ways imports and agrees."""

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.numpy import NumpyEngine
from striate.onnx.importing import import_onnx

from .graphs import runtime_outputs

pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch's own warnings about its exporter
C, SIDE = 4, 6


class Applied(nn.Module):
    """A function of x and of modules."""

    def __init__(self, function: Callable[..., Tensor], *parts: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.parts)


def conv(filters: int = 8, channels: int = C) -> nn.Module:
    return nn.Conv2d(channels, filters, 3, padding=1)


def dense(units: int, features: int = C * SIDE * SIDE) -> nn.Module:
    return nn.Linear(features, units)


def last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1)


def first(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2)


def spread(x: Tensor) -> Tensor:
    return x - x.mean(1, keepdim=True)


class ChannelAttention(nn.Module):
    """Efficient channel attention, as in timm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.conv(x.mean((2, 3)).view(x.shape[0], 1, -1))
        return x * torch.sigmoid(gate).view(x.shape[0], -1, 1, 1).expand_as(x)


MODULES: dict[str, Callable[[], nn.Module]] = {
    "gelu": lambda: Applied(lambda x, c: F.gelu(c(x)), conv()),
    "gelu tanh": lambda: Applied(lambda x, c: F.gelu(c(x), approximate="tanh"), conv()),
    "mish": lambda: Applied(lambda x, c: F.mish(c(x)), conv()),
    "softplus": nn.Softplus,
    "celu": lambda: nn.CELU(0.5),
    "log sigmoid": nn.LogSigmoid,
    "tanh shrink": nn.Tanhshrink,
    "layer norm": lambda: Applied(lambda x, c, n: first(n(last(c(x)))), conv(), nn.LayerNorm(8)),
    "layer norm by hand": lambda: Applied(
        lambda x: spread(x) / torch.sqrt(spread(x).pow(2).mean(1, keepdim=True) + 1e-6)
    ),
    "convnext block": lambda: Applied(
        lambda x, d, n, a, b: x + first(b(F.gelu(a(n(last(d(x))))))),
        nn.Conv2d(C, C, 7, padding=3, groups=C), nn.LayerNorm(C), dense(16, C), dense(C, 16),
    ),
    "group norm": lambda: Applied(lambda x, c, n: n(c(x)), conv(), nn.GroupNorm(4, 8)),
    "one group": lambda: Applied(lambda x, c, n: n(c(x)), conv(), nn.GroupNorm(1, 8)),
    "instance norm": lambda: nn.InstanceNorm2d(C, affine=True),
    "normalize": lambda: Applied(lambda x, d: F.normalize(d(x.flatten(1))), dense(5)),
    "normalize channels": lambda: Applied(lambda x: F.normalize(x, dim=1)),
    "upsample": lambda: nn.Upsample(scale_factor=2),
    "upsample bilinear": lambda: nn.Upsample(scale_factor=2, mode="bilinear"),
    "interpolate to a size": lambda: Applied(lambda x: F.interpolate(x, size=(12, 12), mode="bilinear")),
    "interpolate to twice its size": lambda: Applied(
        lambda x: F.interpolate(x, size=(x.shape[2] * 2, x.shape[3] * 2))
    ),
    "transposed": lambda: nn.ConvTranspose2d(C, 3, 4, 2, 1),
    "transposed, output padding": lambda: nn.ConvTranspose2d(C, 3, 3, 2, 1, output_padding=1),
    "shuffle": lambda: Applied(
        lambda x: x.view(x.size(0), 2, 2, SIDE, SIDE).transpose(1, 2).contiguous().view(x.size(0), -1, SIDE, SIDE)
    ),
    "concat pool": lambda: Applied(
        lambda x: torch.cat([F.adaptive_max_pool2d(x, 1), F.adaptive_avg_pool2d(x, 1)], 1).flatten(1)
    ),
    "average + max": lambda: Applied(
        lambda x: (0.5 * (F.adaptive_avg_pool2d(x, 1) + F.max_pool2d(x, SIDE))).flatten(1)
    ),
    "mean twice": lambda: Applied(lambda x: x.mean(-1).mean(-1)),
    "mean twice, kept": lambda: Applied(lambda x: x.mean(3, keepdim=True).mean(2, keepdim=True).flatten(1)),
    "view, mean": lambda: Applied(lambda x: x.view(x.size(0), x.size(1), -1).mean(2)),
    "view, max": lambda: Applied(lambda x: x.view(x.size(0), x.size(1), -1).max(2)[0]),
    "sum / n": lambda: Applied(lambda x: x.sum((2, 3)) / SIDE**2),
    "gate, expand_as": lambda: Applied(
        lambda x, d: x * torch.sigmoid(d(x.mean((2, 3)))).view(x.size(0), x.size(1), 1, 1).expand_as(x), dense(C, C)
    ),
    "gate, None and expand": lambda: Applied(
        lambda x, d: x * torch.sigmoid(d(x.mean((2, 3))))[:, :, None, None].expand(-1, -1, x.shape[2], x.shape[3]),
        dense(C, C),
    ),
    "grey, expand": lambda: Applied(lambda x, c: c(x[:, :1].expand(-1, 3, -1, -1)), conv(2, 3)),
    "grey, repeat": lambda: Applied(lambda x, c: c(x[:, :1].repeat(1, 3, 1, 1)), conv(2, 3)),
    "flip": lambda: Applied(lambda x: x.flip(1)),
    "reversed by index": lambda: Applied(lambda x: x[:, [3, 2, 1, 0]]),
    "squeeze": lambda: Applied(lambda x, d: d(x.flatten(1)).squeeze(1), dense(1)),
    "squeeze, sigmoid": lambda: Applied(lambda x, d: torch.sigmoid(d(x.flatten(1)).squeeze(-1)), dense(1)),
    "view(-1)": lambda: Applied(lambda x, d: d(x.flatten(1)).view(-1), dense(1)),
    "first unit": lambda: Applied(lambda x, d: d(x.flatten(1))[:, 0], dense(3)),
    "maximum": lambda: Applied(lambda x, a, b: torch.maximum(a(x), b(x)), conv(), conv()),
    "max feature map": lambda: Applied(lambda x: torch.max(*x.chunk(2, 1))),
    "channel attention": ChannelAttention,
    "spatial attention": lambda: Applied(
        lambda x, c: x * torch.sigmoid(c(torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True)[0]], 1))),
        nn.Conv2d(2, 1, 3, padding=1),
    ),
    "generalized mean": lambda: Applied(
        lambda x: F.avg_pool2d(x.clamp(min=1e-6).pow(3), (SIDE, SIDE)).pow(1 / 3).flatten(1)
    ),
    "filter response": lambda: Applied(
        lambda x: torch.maximum(
            x * torch.rsqrt(x.pow(2).mean((2, 3), keepdim=True) + 1e-6), torch.arange(4.0).view(1, C, 1, 1) - 2
        )
    ),
    "pixel shuffle": lambda: nn.PixelShuffle(2),
    "softsign": nn.Softsign,
    "mean of a stack": lambda: Applied(
        lambda x, a, b: torch.stack([a(x.flatten(1)), b(x.flatten(1))]).mean(0), dense(3), dense(3)
    ),
    "upsample align_corners": lambda: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
    "row to maps": lambda: Applied(lambda x, c: c(x.flatten(1).view(-1, C, SIDE, SIDE)), conv()),
}  # fmt: skip


@pytest.mark.parametrize("opset", [13, 17])
@pytest.mark.parametrize("name", MODULES)
def test_exported_by_pytorch(tmp_path: Path, name: str, opset: int) -> None:
    torch.manual_seed(0)
    module, x = MODULES[name]().eval(), torch.randn(2, C, SIDE, SIDE)
    buffer: Any = io.BytesIO()
    settings: dict[str, Any] = {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": {"x": {0: "N"}}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), buffer, opset_version=opset, dynamo=False, **settings)
    path = tmp_path / "model.onnx"
    path.write_bytes(buffer.getvalue())
    imported = import_onnx(path)
    own = NumpyEngine(imported.network, imported.weights).forward([x.numpy()])[0]
    (expected,) = runtime_outputs(buffer.getvalue(), x.numpy())
    own = own.transpose(0, 3, 1, 2) if own.ndim == 4 else own
    np.testing.assert_allclose(own.reshape(expected.shape), expected, rtol=1e-5, atol=1e-5)
