"""What fine-tuning leaves as it is, which pictures it learns from, and whether what came of it is better."""

from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from striate._types import Array
from striate.data import Dataset, Images
from striate.data.split import digest_images
from striate.network import BatchNormalization, Network

UPPER = 1 / 3  # of the multiply-adds are in the upper layers
ENOUGH = 50  # pictures by which validation can decide; where it has fewer, it gets some of those for training
HELD = 5  # one in so many of those
CLEARLY = 1.0  # standard errors by which the loss must fall


def normalizations(network: Network) -> tuple[str, ...]:
    """Names of the batch normalisations.

    Fine-tuning leaves them as they are: a few batches of a few pictures know less of the statistics than a million did.
    """
    return tuple(str(node.layer.name) for node in network.nodes if isinstance(node.layer, BatchNormalization))


def lower_layers(network: Network) -> tuple[str, ...]:
    """Names of the layers, from the input on, below the last third of the multiply-adds."""
    costs = [node.layer.multiply_adds(*network.shapes_into(node)) for node in network.nodes]
    below = (1 - UPPER) * sum(costs)
    return tuple(str(n.layer.name) for n, done in zip(network.nodes, accumulate(costs), strict=True) if done <= below)


def set_apart(data: Dataset) -> Array:
    """Bool (N,): which training pictures are added to those of validation, so that it can decide.

    None where validation is large enough. Else every fifth of each class by its content, copies together; of a class
    with a single picture none.
    """
    chosen = np.zeros(len(data.train), bool)
    if len(data.validation) >= ENOUGH:
        return chosen
    marks = digest_images(data.train.x, ~0)
    for number in range(len(data.classes)):
        rows = np.flatnonzero(data.train.y == number)
        known, place = np.unique(marks[rows], return_inverse=True)
        chosen[rows] = (place % HELD == 0) & (len(known) > 1)
    return chosen


def divided(data: Dataset, apart: Array) -> Dataset:
    """The data with those training pictures moved to validation."""
    if not apart.any():
        return data
    moved, held = data.train.take(apart), data.validation
    both = Images(np.concatenate([held.x[:], moved.x[:]]), np.concatenate([held.y, moved.y]))
    return replace(data, train=data.train.take(~apart), validation=both)


@dataclass(frozen=True, eq=False)
class Judged:
    """How a model does on the pictures held out. losses: cross-entropy of each, (N,). right: bool (N,)."""

    losses: Array
    right: Array

    @classmethod
    def of(cls, probabilities: Array, y: Array) -> "Judged":
        """From probabilities (N, K) and class numbers (N,)."""
        own = probabilities[np.arange(len(y)), y]
        return cls(-np.log(np.maximum(own, 1e-12)), probabilities.argmax(axis=1) == y)

    @property
    def loss(self) -> float:
        """Their mean."""
        return float(self.losses.mean())

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float(self.right.mean())

    def beats(self, other: "Judged") -> bool:
        """Whether the loss is lower by more than chance would have it, and no fewer answers are right."""
        gain = other.losses - self.losses
        error = gain.std() / np.sqrt(len(gain))
        return bool(gain.mean() > CLEARLY * error and self.right.sum() >= other.right.sum())
