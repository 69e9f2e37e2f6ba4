"""Fine-tuning: the network that is trained, which images are held out, and whether the tuned model is better."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from striate._types import Array, Weights
from striate.data import Dataset, Images
from striate.data.dataset import join_groups
from striate.data.digests import digest_images
from striate.data.groups import smallest_of_group
from striate.engines.losses import FITTED_FLOOR, log_probabilities
from striate.network import BatchNormalization, Network
from striate.tasks import Task
from striate.transfer.bases import Base, classifier
from striate.transfer.feature_output import unused_name
from striate.transfer.standardization import FeatureScaler
from striate.transfer.task_heads import sample_losses

STANDARDIZE = "standardize"  # the layer before the classifier during fine-tuning
EPSILON = 1e-12  # of this layer
MIN_VALIDATION = 50  # number of validation images below which training images are added
HELD_OUT_EVERY = 5  # every fifth training image is added
HELD_OUT_KEY = ~0  # key of the digests that choose them, unlike the seed of any split
MIN_STANDARD_ERRORS = 1.0  # decrease of the loss, in standard errors, from which a model is better


def batch_normalizations(network: Network) -> tuple[str, ...]:
    """Return the names of the batch normalizations, which fine-tuning leaves frozen.

    Statistics estimated from a few small batches are less accurate than those of the pretraining data.
    """
    return tuple(str(node.layer.name) for node in network.nodes if isinstance(node.layer, BatchNormalization))


def with_standardization(
    network: Network, weights: Mapping[str, Array], scaler: FeatureScaler
) -> tuple[Network, Weights]:
    """Standardize the features that the classifier reads, without changing the outputs.

    Features of different layers have very different scales, which one learning rate does not suit.

    Args:
        network: A base with its head.
        weights: Its weights.
        scaler: Fitted to the features.

    Returns:
        The network with a batch normalization before its classifier, and its weights.
    """
    entries = [(node.layer, node.inputs) for node in network.nodes]
    index, last = network.outputs[0], classifier(network)
    name = STANDARDIZE if STANDARDIZE not in {layer.name for layer, _ in entries} else unused_name(entries)
    layer = BatchNormalization(epsilon=EPSILON, center=False, scale=False, name=name)
    entries[index] = (layer, entries[index][1])
    entries.append((last, (index,)))
    kernel, bias = f"{last.name}/kernel", f"{last.name}/bias"
    changed = {
        f"{name}/moving_mean": scaler.mean,
        f"{name}/moving_variance": np.square(scaler.std),
        kernel: weights[kernel] * scaler.std[:, None],
        bias: weights[bias] + scaler.mean @ weights[kernel],
    }
    arrays = dict(weights) | {key: np.asarray(value, np.float32) for key, value in changed.items()}
    return Network.from_entries(network.name, entries, network.inputs, (len(entries) - 1,)), arrays


def without_standardization(network: Network, weights: Mapping[str, Array], scaler: FeatureScaler) -> Weights:
    """Return the weights of a network for those of `with_standardization`.

    Args:
        network: The network without standardization.
        weights: The weights with it.
        scaler: The same.

    Returns:
        Weights that give the same outputs.
    """
    name = classifier(network).name
    kernel = weights[f"{name}/kernel"] / scaler.std[:, None]
    bias = weights[f"{name}/bias"] - scaler.mean @ kernel
    arrays = dict(weights) | {f"{name}/kernel": kernel, f"{name}/bias": bias}
    return {p.name: np.ascontiguousarray(arrays[p.name], np.float32) for p in network.parameters}


def between(base: Base, weights: Mapping[str, Array], share: float) -> Base:
    """Return the base with weights between its own and others.

    Args:
        base: The base.
        weights: The others, at least those of the layers that were trained.
        share: 0: its own, 1: the others.

    Returns:
        The changed base.

    Source:
        Wortsman et al. 2022, "Robust fine-tuning of zero-shot models".
    """
    changed = {
        name: np.asarray(own + share * (weights[name] - own), np.float32) if name in weights else own
        for name, own in base.weights.items()
    }
    return replace(base, weights=changed)


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
