"""The features of all pictures of a data set, computed once by ONNX Runtime and then taken from the disk."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from striate._types import Array
from striate.data import Dataset
from striate.data.cache import Facts, NoRoomError, keep
from striate.data.workers import progress
from striate.network import Network
from striate.transfer.bases import Base, with_features

if TYPE_CHECKING:
    from striate.engines.onnxruntime import OnnxEngine

Features = Mapping[str, Array]

VERSION = 1  # of how features are computed; a higher one makes all anew
AT_ONCE = 64  # pictures handed to the engine, which divides them among the cores


def features(base: Base, data: Dataset) -> tuple[Features, Features, Features]:
    """Float32 (N, F) by tap, of the training, validation and test pictures."""
    parts = (data.train.x, data.validation.x, data.test.x)
    sizes = [shape[0] for shape in base.network.output_shapes]
    count = sum(map(len, parts))

    def make(file: BinaryIO) -> Facts:
        for rows in _computed(base, parts, count):
            file.write(rows.data)
        return {}

    try:
        all_rows = keep(_key(base, data), (count, sum(sizes)), make, lambda facts: True, np.float32).x[:]
    except NoRoomError:
        all_rows = np.concatenate(list(_computed(base, parts, count)))
    cuts = np.cumsum([len(part) for part in parts])[:-1]
    train, validation, test = (_by_tap(rows, base.taps, sizes) for rows in np.split(all_rows, cuts))
    return train, validation, test


def answers(network: Network, weights: Mapping[str, Array], parts: Sequence[Any]) -> list[tuple[Array, Array]]:
    """Of a network that is a base with a head: for each part (N, H, W, C) probabilities (N, K) and features (N, F)."""
    from striate.engines.onnxruntime import OnnxEngine

    engine = OnnxEngine(with_features(network), weights)
    with progress("looking at pictures", sum(map(len, parts))) as advance:
        return [_answers(engine, part, advance) for part in parts]


def _answers(engine: "OnnxEngine", part: Any, advance: Callable[[int], object]) -> tuple[Array, Array]:
    found = [engine.forward([part[:0]]), *_outputs(engine, part, advance)]
    probabilities, rows = (np.concatenate(outputs) for outputs in zip(*found, strict=True))
    return probabilities, rows


def _outputs(engine: "OnnxEngine", part: Any, advance: Callable[[int], object]) -> Iterator[tuple[Array, ...]]:
    """What the engine finds in the pictures of a part (N, H, W, C), batch after batch in order."""
    for start in range(0, len(part), AT_ONCE):
        outputs = engine.forward([part[start : start + AT_ONCE]])
        yield outputs
        advance(len(outputs[0]))


def _key(base: Base, data: Dataset) -> str:
    """32 hexadecimal digits that change when a picture, a part, the policy or the base does."""
    import onnxruntime

    versions = f"features {VERSION} {onnxruntime.__version__} {base.name} {base.taps}"
    state = hashlib.blake2b(f"{versions} {data.policy} {data.fingerprint}".encode(), digest_size=16)
    for name in sorted(base.weights):
        state.update(np.ascontiguousarray(base.weights[name]).data)
    return state.hexdigest()


def _computed(base: Base, parts: Sequence[Any], count: int) -> Iterator[Array]:
    """The features of all taps side by side, float32 (n, F), batch after batch in order."""
    from striate.engines.onnxruntime import OnnxEngine

    engine = OnnxEngine(base.network, base.weights)
    with progress("looking at pictures", count) as advance:
        for part in parts:
            for outputs in _outputs(engine, part, advance):
                yield np.ascontiguousarray(np.concatenate(outputs, axis=1), np.float32)


def _by_tap(rows: Array, taps: Sequence[str], sizes: Sequence[int]) -> Features:
    ends = accumulate(sizes)
    return {tap: rows[:, end - size : end] for tap, end, size in zip(taps, ends, sizes, strict=True)}
