"""Compute the features of all images of a data set with ONNX Runtime, and cache them on disk."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from striate._types import Array
from striate.data import Dataset
from striate.data.cache import CacheError, Metadata, is_cached, load_or_make
from striate.data.parallel import map_ordered, progress_bar
from striate.network import Network
from striate.transfer.bases import Base, classifier_input
from striate.transfer.feature_output import with_features

if TYPE_CHECKING:
    from striate.engines.onnxruntime import OnnxEngine

Features = Mapping[str, Array]  # float32 (N, F) by the name of the feature layer
Check = Callable[[int, int], None]
Batch = tuple[int, int, int]  # the number of a part of the data set, and the first image and that after the last

CACHE_VERSION = 1  # increase it to invalidate cached features
BATCH_SIZE = 64  # images per engine call; the engine distributes them over the cores


def extract_features(base: Base, data: Dataset, check: Check | None = None) -> tuple[Features, Features, Features]:
    """Return the features of the training, validation and test images.

    Args:
        base: The base that computes them.
        data: The data set.
        check: Called with the numbers of finished and of all images after each batch that is computed; it may raise an
            error to end the computation.

    Returns:
        For each part float32 (N, F) by feature layer, mapped from the cache and not writable.
    """
    return _by_part(_all_rows(base, data, check), base, data)


def compute_features(base: Base, data: Dataset) -> tuple[Features, Features, Features]:
    """Compute the features of the training, validation and test images, without the cache.

    Args:
        base: The base that computes them.
        data: The data set.

    Returns:
        For each part float32 (N, F) by feature layer.
    """
    return _by_part(np.concatenate(list(_compute(base, data, None))), base, data)


def _by_part(rows: Array, base: Base, data: Dataset) -> tuple[Features, Features, Features]:
    first, second = np.cumsum([len(part) for part in _parts(data)])[:-1]
    return _by_layer(rows[:first], base), _by_layer(rows[first:second], base), _by_layer(rows[second:], base)


def features_to_fit(base: Base, data: Dataset) -> tuple[Features, Features]:
    """Return the features of `extract_features`, with those of the training and validation images together.

    Args:
        base: The base that computes them.
        data: The data set.

    Returns:
        For the training and validation images, and for the test images, float32 (N, F) by feature layer.
    """
    end = len(data.train.x) + len(data.validation.x)
    rows = _all_rows(base, data)
    return _by_layer(rows[:end], base), _by_layer(rows[end:], base)


def _all_rows(base: Base, data: Dataset, check: Check | None = None) -> Array:
    """Return the features of all layers side by side, float32 (N, F), of the images of all parts."""
    try:
        return store_features(base, data, (rows.data for rows in _compute(base, data, check)))
    except CacheError:
        return np.concatenate(list(_compute(base, data, check)))


def store_features(base: Base, data: Dataset, content: Iterable[bytes | memoryview]) -> Array:
    """Return the features of all images from the cache, or store them there.

    Args:
        base: The base that computes them.
        data: The data set.
        content: The bytes of float32 (N, F), in the order of `feature_batches`; read only if they are not cached.

    Returns:
        The features of all layers side by side, float32 (N, F), mapped from the file.

    Raises:
        CacheError: If they cannot be written.
    """

    def make(file: BinaryIO) -> Metadata:
        for block in content:
            file.write(block)
        return {}

    return load_or_make(
        feature_key(base, data), feature_shape(base, data), make, lambda metadata: True, np.float32
    ).x.memmap


def are_cached(base: Base, data: Dataset) -> bool:
    """Return whether features are in the cache.

    Args:
        base: The base.
        data: The data set.

    Returns:
        Whether `extract_features` would load them.
    """
    return is_cached(feature_key(base, data), feature_shape(base, data), np.float32)


def feature_batches(data: Dataset) -> list[Batch]:
    """Divide images into batches for feature extraction.

    The batches are always the same, so that the features are, to the bit.

    Args:
        data: The data set.

    Returns:
        The number of the part and a range of its images, for each batch in order.
    """
    return [
        (number, start, min(start + BATCH_SIZE, len(part)))
        for number, part in enumerate(_parts(data))
        for start in range(0, len(part), BATCH_SIZE)
    ]


class FeatureComputer:
    """Computes the features of batches of a data set.

    Args:
        base: The base.
        data: The data set.
    """

    def __init__(self, base: Base, data: Dataset) -> None:
        from striate.engines.onnxruntime import OnnxEngine

        self._engine = OnnxEngine(base.network, base.weights, ranges=base.ranges)
        self._parts = _parts(data)

    def rows(self, batch: Batch) -> Array:
        """Return the features of all layers side by side, float32 (n, F)."""
        number, start, stop = batch
        outputs = self._engine.forward([self._parts[number][start:stop]])
        return np.ascontiguousarray(np.concatenate(outputs, axis=1), np.float32)


def _parts(data: Dataset) -> tuple[Any, Any, Any]:
    return data.train.x, data.validation.x, data.test.x


def feature_shape(base: Base, data: Dataset) -> tuple[int, int]:
    """Return the shape (N, F) of the features of all layers side by side.

    Args:
        base: The base.
        data: The data set.
    """
    return sum(map(len, _parts(data))), sum(shape[0] for shape in base.network.output_shapes)


def predict_with_features(
    network: Network, weights: Mapping[str, Array], parts: Sequence[Any]
) -> list[tuple[Array, Array]]:
    """Compute what a base with a head predicts, and the features that the head reads.

    Args:
        network: The base with its head.
        weights: Weights of the network, by name.
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


def feature_key(base: Base, data: Dataset) -> str:
    """Compute the key of features in the cache.

    Args:
        base: The base.
        data: The data set.

    Returns:
        32 hexadecimal digits that change with an image, a split, the policy, the base or the engine.
    """
    described = [CACHE_VERSION, runtime_version(), base.network.to_json(), data.policy, data.fingerprint]
    described += [base.ranges] if base.ranges else []
    state = hashlib.blake2b("\n".join(map(str, described)).encode(), digest_size=16)
    for name in sorted(base.weights):
        state.update(np.ascontiguousarray(base.weights[name]).data)
    return state.hexdigest()


def _compute(base: Base, data: Dataset, check: Check | None) -> Iterator[Array]:
    """Yield the features of all layers side by side, float32 (n, F), batch by batch in order."""
    computer, batches = FeatureComputer(base, data), feature_batches(data)
    # Threads read and join batches while others compute; a check needs the time of each batch alone.
    computed = map(computer.rows, batches) if check else map_ordered(computer.rows, batches)
    done, total = 0, sum(map(len, _parts(data)))
    with progress_bar("computing features", total) as advance:
        for rows in computed:
            yield rows
            advance(len(rows))
            done += len(rows)
            if check:
                check(done, total)


def _by_layer(rows: Array, base: Base) -> Features:
    sizes = [shape[0] for shape in base.network.output_shapes]
    layers = zip(base.feature_layers, accumulate(sizes), sizes, strict=True)
    return {layer: rows[:, end - size : end] for layer, end, size in layers}
