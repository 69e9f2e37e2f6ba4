"""Worked examples of convolution and pooling: every number is printed and must equal the result worked out by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from striate._types import Array, Echo
from striate.data import load
from striate.language import translate
from striate.models import Model
from striate.network import AveragePool2D, Conv2D, Input, Layer, MaxPool2D, Network
from striate.systems.system import DemoResult

Table = Sequence[Sequence[float]]

PATTERN = [[1, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1]]
FILTER = [[2, 0, 1], [0, 1, 2], [1, 0, 2]]
ONE_TO_NINE = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
NUMBERS = [[12, 20, 30, 0], [8, 12, 2, 0], [34, 70, 37, 4], [112, 100, 25, 12]]
SUMS_VALID, SUMS_SAME = [[12, 16], [24, 28]], [[12, 16, 9], [24, 28, 15], [15, 17, 9]]


def toy_convolutions(echo: Echo, seed: int = 0) -> DemoResult:
    """Run all examples on the engine and compare them with the results worked out by hand.

    Args:
        echo: Prints a line.
        seed: Not used; all demonstrations have it.

    Returns:
        The result.
    """
    examples = [*_convolutions(), *_sums(), *_pools()]
    exact = [_check(echo, *example) for example in examples]
    exact += _check_digit(echo)
    return DemoResult(f"{sum(exact)} of {len(exact)} examples exact", all(exact))


def _convolutions() -> list[tuple[str, Table, Layer, Table, Table | None]]:
    tiled = np.tile(PATTERN, (2, 2))[:7, :7].tolist()
    padded = [[7, 12, 10, 2], [4, 15, 16, 10], [10, 6, 15, 6], [8, 10, 4, 3]]
    strided = [[15, 17, 15], [17, 15, 17], [15, 17, 15]]
    return [
        ("convolution 3×3, valid", PATTERN, _conv(FILTER), [[15, 16], [6, 15]], FILTER),
        ("convolution 3×3, zero padding 1", PATTERN, _conv(FILTER, padding=1), padded, FILTER),
        ("convolution 3×3, stride 2, on 7×7", tiled, _conv(FILTER, strides=2), strided, FILTER),
    ]


def _sums() -> list[tuple[str, Table, Layer, Table, Table | None]]:
    examples: list[tuple[str, Table, Layer, Table, Table | None]] = []
    for factor in (1, 10, -1):
        kernel = [[factor, factor], [factor, factor]]
        for padding, sums in (("valid", SUMS_VALID), ("same", SUMS_SAME)):
            expected = [[factor * number for number in row] for row in sums]
            title = translate("convolution 2×2 of all {factor}, {padding}", factor=factor, padding=padding)
            examples.append((title, ONE_TO_NINE, _conv(kernel, padding=padding), expected, kernel))
    return examples


def _pools() -> list[tuple[str, Table, Layer, Table, Table | None]]:
    return [
        ("max pool 2×2", NUMBERS, MaxPool2D(2), [[20, 30], [112, 37]], None),
        ("average pool 2×2", NUMBERS, AveragePool2D(2), [[13, 8], [79, 19.5]], None),
    ]


def _conv(kernel: Table, **settings: Any) -> Conv2D:
    return Conv2D(1, len(kernel), use_bias=False, name="conv", **settings)


def _check(echo: Echo, title: str, image: Table, layer: Layer, expected: Table, kernel: Table | None) -> bool:
    x = np.array(image, np.float32)[None, :, :, None]  # (H, W) → (1, H, W, 1)
    model = Model.from_network(Network.sequential([Input(x.shape[1:]), layer]))
    if kernel is not None:
        model.named_weights = {
            "conv/kernel": np.array(kernel, np.float32)[:, :, None, None]
        }  # (KH, KW) → (KH, KW, 1, 1)
    result = model.predict(x)[0, :, :, 0]
    exact = bool(np.array_equal(result, expected))
    echo(f"{translate(title)}: {translate('exact' if exact else 'WRONG')}")
    for line in _side_by_side(image, *([kernel] if kernel else []), result.tolist()):
        echo(f"  {line}")
    return exact


def _check_digit(echo: Echo) -> list[bool]:
    """Check the output sizes of a convolution and a pooling with stride 2."""
    image = load("mnist5k").test.x[:1].astype(np.float32)
    layers = [Input(image.shape[1:]), Conv2D(5, 3, 2, "same", name="conv"), MaxPool2D(2, 2, "same", name="pool")]
    shapes: dict[str, Array] = Model.from_network(Network.sequential(layers)).engine.activations([image])
    conv, pool = (shapes[name].shape[1:] for name in ("conv", "pool"))
    for title, shape in (("stride-2 same convolution, 5 filters", conv), ("the same, then a stride-2 same pool", pool)):
        text = "a 28×28 digit through {title}: {shape}"
        echo(translate(text, title=translate(title), shape="×".join(map(str, shape))))
    return [conv == (14, 14, 5), pool == (7, 7, 5)]


def _side_by_side(*tables: Table) -> list[str]:
    """Return the lines of several tables side by side, an arrow before the last."""
    height = max(map(len, tables))
    blocks = [[" ".join(f"{number:4g}" for number in row) for row in table] for table in tables]
    filled = [block + [" " * len(block[0])] * (height - len(block)) for block in blocks]
    signs = ["   "] * (len(tables) - 2) + [" → "]
    return [
        "".join(part + (signs[i] if i < len(signs) and row == 0 else "   ") for i, part in enumerate(parts)).rstrip()
        for row, parts in enumerate(zip(*filled, strict=True))
    ]
