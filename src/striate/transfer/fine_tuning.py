"""Fine-tuning: which layers stay frozen, which images are held out, and whether the tuned model is better."""

from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from striate._types import Array
from striate.data import Dataset, Images
from striate.data.dataset import join_groups
from striate.data.digests import digest_images
from striate.data.groups import smallest_of_group
from striate.engines.losses import FITTED_FLOOR, log_probabilities
from striate.network import BatchNormalization, Network
from striate.tasks import Task
from striate.transfer.task_heads import sample_losses

UPPER_SHARE = 1 / 3  # share of the multiply-adds in the upper layers
MIN_VALIDATION = 50  # number of validation images below which training images are added
HELD_OUT_EVERY = 5  # every fifth training image is added
HELD_OUT_KEY = ~0  # key of the digests that choose them, unlike the seed of any split
MIN_STANDARD_ERRORS = 1.0  # decrease of the loss, in standard errors, from which a model is better


def batch_normalizations(network: Network) -> tuple[str, ...]:
    """Return the names of the batch normalizations, which fine-tuning leaves frozen.

    Statistics estimated from a few small batches are less accurate than those of the pretraining data.
    """
    return tuple(str(node.layer.name) for node in network.nodes if isinstance(node.layer, BatchNormalization))


def lower_layers(network: Network) -> tuple[str, ...]:
    """Return the names of the first layers, which account for two thirds of the multiply-adds.

    Args:
        network: The network.

    Returns:
        Names of the layers.
    """
    costs = [node.layer.multiply_adds(*network.shapes_into(node)) for node in network.nodes]
    limit = (1 - UPPER_SHARE) * sum(costs)
    cumulative = accumulate(costs)
    return tuple(str(node.layer.name) for node, cost in zip(network.nodes, cumulative, strict=True) if cost <= limit)


def held_out_rows(data: Dataset) -> Array:
    """Choose training images to add to the validation images, so that there are enough to compare models.

    Args:
        data: The data set.

    Returns:
        Bool (N,), over the training images. All False if there are enough validation images. Otherwise every fifth
        distinct image of each class, in the order of their digests; images of a group stay together, and a class with
        a single group is left unchanged. For other tasks, every fifth distinct image.
    """
    chosen = np.zeros(len(data.train), bool)
    if len(data.validation) >= MIN_VALIDATION:
        return chosen
    digests = digest_images(data.train.x, HELD_OUT_KEY)
    if data.train.groups is not None:
        digests = smallest_of_group(digests, data.train.groups)
    y = data.train.y if data.task is Task.CLASSIFICATION else np.zeros(len(data.train), np.int64)
    for number in np.unique(y):
        rows = np.flatnonzero(y == number)
        distinct, rank = np.unique(digests[rows], return_inverse=True)
        chosen[rows] = (rank % HELD_OUT_EVERY == 0) & (len(distinct) > 1)
    return chosen


def move_to_validation(data: Dataset, rows: Array) -> Dataset:
    """Move training images to the validation images.

    Args:
        data: The data set.
        rows: Bool (N,), over the training images.

    Returns:
        The changed data set.
    """
    if not rows.any():
        return data
    moved, validation = data.train.take(rows), data.validation
    both = Images(
        np.concatenate([validation.x[:], moved.x[:]]), np.concatenate([validation.y, moved.y]),
        groups=join_groups([validation, moved]),
    )  # fmt: skip
    return replace(data, train=data.train.take(~rows), validation=both)


@dataclass(frozen=True, eq=False)
class HeldOutScore:
    """The performance of a model on held-out images.

    Attributes:
        losses: The loss of each image, (N,).
        correct: Whether each image is classified correctly, bool (N,); for labels, whether all of them are correct; for
            numbers, False.
    """

    losses: Array
    correct: Array

    @classmethod
    def from_probabilities(cls, probabilities: Array, y: Array) -> "HeldOutScore":
        """Compute the score of a classifier.

        Args:
            probabilities: (N, K).
            y: Class numbers (N,).

        Returns:
            The score.
        """
        true = probabilities[np.arange(len(y)), y]
        return cls(-log_probabilities(true, FITTED_FLOOR), probabilities.argmax(axis=1) == y)

    @classmethod
    def from_outputs(cls, task: Task, outputs: Array, y: Array) -> "HeldOutScore":
        """Compute the score of a model for any task.

        Args:
            task: The task.
            outputs: (N, K).
            y: As in `striate.data.Images`.

        Returns:
            The score.
        """
        if task is Task.CLASSIFICATION:
            return cls.from_probabilities(outputs, y)
        correct = (outputs > 0.5) == (y > 0) if task is Task.MULTILABEL else np.zeros(y.shape, bool)
        return cls(sample_losses(task, outputs, y), np.asarray(correct.all(axis=1)))

    @property
    def loss(self) -> float:
        """The mean loss."""
        return float(self.losses.mean())

    @property
    def accuracy(self) -> float:
        """The share of images that are classified correctly."""
        return float(self.correct.mean())

    def is_better_than(self, other: "HeldOutScore") -> bool:
        """Compare with another score on the same images.

        Args:
            other: The other score.

        Returns:
            Whether the loss is lower by more than a standard error, and no fewer images are correct.
        """
        gain = other.losses - self.losses
        standard_error = gain.std() / np.sqrt(len(gain))
        return bool(gain.mean() > MIN_STANDARD_ERRORS * standard_error and self.correct.sum() >= other.correct.sum())
