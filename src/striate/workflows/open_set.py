"""Fit the open-set detector of a network that was trained from scratch."""

import numpy as np

from striate._types import Array
from striate.data import Dataset, Images
from striate.data.digests import digest_images
from striate.engines.base import Engine
from striate.models import Model
from striate.network import Network
from striate.tasks import Task
from striate.transfer.feature_output import open_set_layer, with_features
from striate.transfer.open_set_fitting import MAX_IMAGES, NOT_HELD_OUT, FittedDetector, fit_detector

MIN_HELD_OUT = 5  # validation images; fewer do not determine a threshold
MAX_HELD_OUT = 5_000
# Multiply-adds of the comparison of one image: a share of those of the network, but at least MIN_WORK.
WORK_SHARE, MIN_WORK = 0.025, 100_000


def fit_open_set(model: Model, data: Dataset) -> tuple[FittedDetector, Array] | None:
    """Fit a detector to the output of one layer of a trained network.

    It compares images with training images, and its threshold comes from the validation images, on which nothing was
    trained.

    Args:
        model: The trained model; its engine computes the features.
        data: The data that it was trained on.

    Returns:
        The detector, and the distances (N,) of the test images; None if there are too few validation images, or images
        do not have one class each.
    """
    if data.task is not Task.CLASSIFICATION or len(data.validation) < MIN_HELD_OUT:
        return None
    layer = open_set_layer(model.network)
    if layer is None:
        return None
    both = Model.from_network(with_features(model.network, layer))
    both.use_engine(model.engine.name, **_device(model.engine))
    both.named_weights = model.named_weights
    parts = compared, held_out = _take_evenly(data.train, MAX_IMAGES), _take_evenly(data.validation, MAX_HELD_OUT)
    x = np.concatenate([both.predict(images.x)[1] for images in parts])
    y, folds = np.concatenate([compared.y, held_out.y]), np.repeat([NOT_HELD_OUT, 0], [len(compared), len(held_out)])
    fitted = fit_detector(
        x,
        y,
        len(data.classes),
        folds,
        layer,
        max_images=_affordable(model.network, x.shape[1]),
        digests=np.concatenate(list(map(_digests, parts))),
    )
    return fitted, fitted.detector.distances(both.predict(data.test.x)[1]) if len(data.test) else np.zeros(0)


def _device(engine: Engine) -> dict[str, str]:
    return {"device": str(engine.device)} if engine.name == "torch" else {}


def _digests(images: Images) -> Array:
    """Return uint64 (N,), which do not change with the rounding of features."""
    return digest_images(images.x, 0) if images.digests is None else images.digests


def _take_evenly(images: Images, count: int) -> Images:
    """Return at most `count` images, chosen by their content, from the classes in turn."""
    digests = _digests(images)
    order = np.lexsort((digests, images.y))
    rank = np.arange(len(order)) - np.searchsorted(images.y[order], images.y[order])  # within its class
    return images.take(np.sort(order[np.lexsort((digests[order], rank))][:count]))


def _affordable(network: Network, size: int) -> int:
    """Return with how many images to compare, so that it takes little of the time of a prediction."""
    return int(max(WORK_SHARE * network.multiply_adds, MIN_WORK) / size)
