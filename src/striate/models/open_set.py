"""Detect images of none of the classes by the features of a network that was trained from scratch."""

from math import prod
from typing import Any, Protocol

import numpy as np

from striate._types import Array, Weights
from striate.data import Dataset, Images
from striate.data.digests import digest_images
from striate.engines.base import Engine
from striate.engines.choose import make_engine
from striate.errors import DataError, UsageError
from striate.network import Network
from striate.tasks import Task
from striate.training import check_inputs, predict_in_batches
from striate.transfer.feature_output import open_set_layer, summary_size, with_features
from striate.transfer.open_set import OpenSetDetector
from striate.transfer.open_set_fitting import MAX_IMAGES, NOT_HELD_OUT, FittedDetector, fit_detector

MIN_HELD_OUT = 5  # images that the network was not trained on; fewer do not determine a threshold
MAX_HELD_OUT = 5_000
# Multiply-adds of the comparison of one image: a share of those of the network, but at least MIN_WORK.
WORK_SHARE, MIN_WORK = 0.025, 100_000


class NetworkModel(Protocol):
    """The part of `Model` that computes features."""

    @property
    def network(self) -> Network:
        """The description of the network."""

    @property
    def named_weights(self) -> Weights:
        """All parameters by full name."""

    @property
    def engine(self) -> Engine:
        """The engine that runs the network."""


def check_parts(network: Network, task: Task, x: Any, y: Any, validation_data: Any) -> tuple[Images, Images, int]:
    """Check the images with which `Model.fit_unknown` was called.

    Args:
        network: The network of the model.
        task: What the model predicts.
        x: Images, or a data set.
        y: Their classes; None for a data set.
        validation_data: Images and classes; None for a data set.

    Returns:
        Training images, held-out images, and the number of classes.

    Raises:
        DataError: If they do not match the network, or there are too few.
        UsageError: If the network is not a classifier, or something is missing.
    """
    if len(network.outputs) != 1 or task is not Task.CLASSIFICATION:
        raise UsageError(
            f"fit_unknown is for networks with one output that predict one class; '{network.name}' does not."
        )
    if isinstance(x, Dataset):
        pairs = [(part.x, part.y) for part in (x.train, x.validation)]
    elif y is None or validation_data is None:
        missing = "y" if y is None else "validation_data"
        raise UsageError(f"{missing} is missing: fit_unknown needs x, y and validation_data=(x, y), or a data set.")
    else:
        pairs = [(x, y), validation_data]
    classes = network.output_shapes[0][-1]
    train, held_out = (_check_part(network, *pair, classes) for pair in pairs)
    if len(held_out) < MIN_HELD_OUT:
        raise DataError(
            f"fit_unknown needs at least {MIN_HELD_OUT} validation images for the threshold; received {len(held_out)}."
        )
    return train, held_out, max(classes, 2)


def _check_part(network: Network, x: Any, y: Any, classes: int) -> Images:
    (pixels,), numbers = check_inputs(network, x), np.asarray(y)
    if numbers.ndim == 2:
        numbers = numbers.argmax(axis=1) if numbers.shape[1] > 1 else numbers[:, 0]  # one-hot rows, or a column
    if numbers.shape != (len(pixels),):
        raise DataError(f"There are {len(pixels)} images, but classes of shape {np.shape(y)}; each image needs one.")
    whole = numbers.astype(np.int64)
    if (whole != numbers).any() or whole.min(initial=0) < 0 or whole.max(initial=0) >= max(classes, 2):
        raise DataError(f"The classes of fit_unknown must be numbers from 0 to {max(classes, 2) - 1}.")
    return Images(pixels, whole)


def predict_with_features(model: NetworkModel, x: Any) -> tuple[Array, Array | None]:
    """Compute the outputs of a network and the features that its detector compares, in one pass.

    In distributed training, each process computes a part of the images; all processes must call this.

    Args:
        model: The model; its engine computes the features.
        x: N images as the model takes them; N may be 0.

    Returns:
        The first output (N, K), and the features (N, F) for `fit_open_set`; None if it fits no detector to this
        network.
    """
    compared = _compared_features(model.network)
    engine = _features_engine(model, *compared) if compared else model.engine
    inputs = check_inputs(engine.network, x) if len(x) else (x,)
    outputs = predict_in_batches(engine, inputs, distributed=True)
    return outputs[0], outputs[1] if compared else None


def fit_open_set(
    model: NetworkModel, train: Images, held_out: Images, classes: int, held_out_features: Array | None = None
) -> FittedDetector | None:
    """Fit a detector to the output of one layer of a trained network.

    It compares images with training images, and its threshold comes from held-out images.

    Args:
        model: The trained model; its engine computes the features.
        train: Images that it was trained on, each of one class.
        held_out: Images that it was not trained on, such as the validation images.
        classes: The number of classes.
        held_out_features: Features (N, F) of the held-out images from `predict_with_features`; None computes them.

    Returns:
        The detector; None if there are fewer than five held-out images, or the network has another form than a chain
        of layers with weights at its end.
    """
    compared = _compared_features(model.network)
    if compared is None or len(held_out) < MIN_HELD_OUT:
        return None
    layer, size = compared
    known, tested = train.take(_choose_evenly(train, MAX_IMAGES)), _choose_evenly(held_out, MAX_HELD_OUT)
    if held_out_features is None:
        features = _features(model, layer, size, held_out.take(tested).x)
    else:
        features = held_out_features[tested]
    return fit_detector(
        np.concatenate([_features(model, layer, size, known.x), features]),
        np.concatenate([known.y, held_out.y[tested]]),
        classes,
        np.repeat([NOT_HELD_OUT, 0], [len(known), len(tested)]),
        layer,
        groups=None
        if known.groups is None or held_out.groups is None
        else np.concatenate([known.groups, held_out.groups[tested]]),
        max_images=_affordable(model.network, size),
        digests=np.concatenate([_digests(known), _digests(held_out)[tested]]),
    )


def _compared_features(network: Network) -> tuple[str, int] | None:
    """Return the layer whose output is compared, and the number of features; None if there is no such layer."""
    layer = open_set_layer(network)
    if layer is None:
        return None
    (shape,) = (node.shape for node in network.nodes if node.layer.name == layer)
    return layer, summary_size(shape) or prod(shape)


def open_set_distances(model: NetworkModel, detector: OpenSetDetector, x: Any) -> Array:
    """Compute how far images are from the training images.

    Args:
        model: The model; its engine computes the features.
        detector: Its detector.
        x: N images as the model takes them.

    Returns:
        Float64 (N,), as `OpenSetDetector.distances` returns them.
    """
    return detector.distances(_features(model, detector.layer, detector.size, x)) if len(x) else np.zeros(0)


def _features(model: NetworkModel, layer: str, size: int, x: Any) -> Array:
    """Return the features (N, F) of images."""
    engine = _features_engine(model, layer, size)
    return predict_in_batches(engine, check_inputs(engine.network, x))[1]


def _features_engine(model: NetworkModel, layer: str, size: int) -> Engine:
    """Return an engine like that of the model, whose second output is the features."""
    network = with_features(model.network, layer, size)
    return make_engine(model.engine.name, network, model.named_weights, **_device(model.engine))


def _device(engine: Engine) -> dict[str, str]:
    return {"device": str(engine.device)} if engine.name == "torch" else {}


def _digests(images: Images) -> Array:
    """Return uint64 (N,), which do not change with the rounding of features."""
    return digest_images(images.x, 0) if images.digests is None else images.digests


def _choose_evenly(images: Images, count: int) -> Array:
    """Return the rows of at most `count` images, chosen by their content, from the classes in turn."""
    digests = _digests(images)
    order = np.lexsort((digests, images.y))
    rank = np.arange(len(order)) - np.searchsorted(images.y[order], images.y[order])  # within its class
    return np.sort(order[np.lexsort((digests[order], rank))][:count])


def _affordable(network: Network, size: int) -> int:
    """Return with how many images to compare, so that it takes little of the time of a prediction."""
    return int(max(WORK_SHARE * network.multiply_adds, MIN_WORK) / size)
