"""From the features of a data set to a classifier: which depth of the base, which head, and what is unknown to it."""

from dataclasses import dataclass

import numpy as np

from striate._types import Array
from striate.data import Dataset
from striate.transfer.bases import TOP, Base
from striate.transfer.features import Features, features
from striate.transfer.head import Fitted, content_folds, fit_head, log_softmax
from striate.transfer.open_set import OpenSetDetector, fit_detector

GOOD = 0.97  # of the pictures held out; where TOP gets so many right, no other depth is tried
CLEARLY = 2.0  # standard errors by which another depth must be better


@dataclass(frozen=True, eq=False)
class Extracted:
    """tap: the depth of the base. test: probabilities (N, K) of the test pictures. distances: (N,), theirs.

    tried: by tap, the cross-entropy on pictures held out.
    """

    tap: str
    fitted: Fitted
    detector: OpenSetDetector
    thresholds: dict[float, float]
    test: Array
    distances: Array
    tried: dict[str, float]


def extract(base: Base, data: Dataset) -> Extracted:
    """A head on the features of a data set, learnt from training and validation pictures together."""
    train, validation, test = features(base, data)
    y, classes = np.concatenate([data.train.y, data.validation.y]), len(data.classes)
    x = {tap: np.concatenate([train[tap], validation[tap]]) for tap in base.taps}
    folds = content_folds(x[TOP], y, classes)
    found = _heads(x, y, classes, folds)
    tap = _best(found)
    detector, thresholds = fit_detector(x[tap], y, classes, folds)
    probabilities = np.exp(log_softmax(found[tap].head.logits(test[tap]))).astype(np.float32)
    tried = {name: fitted.loss for name, fitted in found.items()}
    return Extracted(tap, found[tap], detector, thresholds, probabilities, detector.distances(test[tap]), tried)


def _heads(x: Features, y: Array, classes: int, folds: Array) -> dict[str, Fitted]:
    """By tap; only that of TOP where it is good."""
    found = {TOP: fit_head(x[TOP], y, classes, folds)}
    if found[TOP].accuracy < GOOD:
        found |= {tap: fit_head(x[tap], y, classes, folds) for tap in x if tap != TOP}
    return found


def _best(found: dict[str, Fitted]) -> str:
    """The tap with the least cross-entropy, if it is clearly better than TOP."""
    best = min(found, key=lambda tap: found[tap].loss)
    gain = found[TOP].losses_each - found[best].losses_each
    error = gain.std() / np.sqrt(len(gain))
    return best if gain.mean() > CLEARLY * error else TOP
