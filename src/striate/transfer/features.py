"""Compute the features of all images of a data set with ONNX Runtime, and cache them on disk."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from striate._types import Array
from striate.data import Dataset
from striate.data.cache import CacheError, Metadata, load_or_make
from striate.data.parallel import progress_bar
from striate.network import Network
from striate.transfer.bases import Base, classifier_input, with_features

if TYPE_CHECKING:
    from striate.engines.onnxruntime import OnnxEngine

Features = Mapping[str, Array]  # float32 (N, F) by the name of the feature layer

VERSION = 1  # of how features are computed; increase it to invalidate cached features
BATCH_SIZE = 64  # images per engine call; the engine distributes them over the cores


def extract_features(base: Base, data: Dataset) -> tuple[Features, Features, Features]:
    """Return the features of the training, validation and test images.

    Args:
        base: The base that computes them.
        data: The data set.

    Returns:
        For each part float32 (N, F) by feature layer.
    """
    parts = (data.train.x, data.validation.x, data.test.x)
    sizes = [shape[0] for shape in base.network.output_shapes]
    count = sum(map(len, parts))

    def make(file: BinaryIO) -> Metadata:
        for rows in _compute(base, parts, count):
            file.write(rows.data)
        return {}

    try:
        rows = load_or_make(_key(base, data), (count, sum(sizes)), make, lambda metadata: True, np.float32).x[:]
    except CacheError:
        rows = np.concatenate(list(_compute(base, parts, count)))
    ends = np.cumsum([len(part) for part in parts])[:-1]
    train, validation, test = (_by_layer(part, base.feature_layers, sizes) for part in np.split(rows, ends))
    return train, validation, test


def predict_with_features(
    network: Network, weights: Mapping[str, Array], parts: Sequence[Any]
) -> list[tuple[Array, Array]]:
    """Compute what a base with a head predicts, and the features that the head reads.

    Args:
        network: The base with its head.
        weights: Of the network, by name.
        parts: Images (N, H, W, C).

    Returns:
        For each part probabilities (N, K) and features (N, F).
    """
    from striate.engines.onnxruntime import OnnxEngine

    engine = OnnxEngine(with_features(network, classifier_input(network)), weights)
    with progress_bar("computing features", sum(map(len, parts))) as advance:
        return [_predict_part(engine, part, advance) for part in parts]


def _predict_part(engine: "OnnxEngine", part: Any, advance: Callable[[int], object]) -> tuple[Array, Array]:
    batches = [engine.forward([part[:0]]), *_outputs(engine, part, advance)]
    probabilities, features = (np.concatenate(outputs) for outputs in zip(*batches, strict=True))
    return probabilities, features


def _outputs(engine: "OnnxEngine", part: Any, advance: Callable[[int], object]) -> Iterator[tuple[Array, ...]]:
    """Yield the network's outputs for the images of a part (N, H, W, C), batch by batch in order."""
    for start in range(0, len(part), BATCH_SIZE):
        outputs = engine.forward([part[start : start + BATCH_SIZE]])
        yield outputs
        advance(len(outputs[0]))


def runtime_version() -> str:
    """Return the version of ONNX Runtime, which computes the features."""
    import onnxruntime

    return str(onnxruntime.__version__)


def _key(base: Base, data: Dataset) -> str:
    """Return 32 hexadecimal digits that change with an image, a split, the policy, the base or the engine."""
    described = [VERSION, runtime_version(), base.network.to_json(), data.policy, data.fingerprint]
    described += [base.ranges] if base.ranges else []
    state = hashlib.blake2b("\n".join(map(str, described)).encode(), digest_size=16)
    for name in sorted(base.weights):
        state.update(np.ascontiguousarray(base.weights[name]).data)
    return state.hexdigest()


def _compute(base: Base, parts: Sequence[Any], count: int) -> Iterator[Array]:
    """Yield the features of all layers side by side, float32 (n, F), batch by batch in order."""
    from striate.engines.onnxruntime import OnnxEngine

    engine = OnnxEngine(base.network, base.weights, ranges=base.ranges)
    with progress_bar("computing features", count) as advance:
        for part in parts:
            for outputs in _outputs(engine, part, advance):
                yield np.ascontiguousarray(np.concatenate(outputs, axis=1), np.float32)


def _by_layer(rows: Array, layers: Sequence[str], sizes: Sequence[int]) -> Features:
    ends = accumulate(sizes)
    return {layer: rows[:, end - size : end] for layer, end, size in zip(layers, ends, sizes, strict=True)}
