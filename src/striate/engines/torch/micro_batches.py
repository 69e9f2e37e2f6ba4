"""Micro-batches: a training step on parts of its batch, one after another, so that its memory is bounded.

The gradients of the parts add up to those of the batch, as long as no layer mixes samples. Batch normalization does
unless it is frozen, as in fine-tuning.
"""

from collections.abc import Collection, Sequence
from math import ceil, prod
from typing import TypeVar

from striate.engines.arrays import row_slices
from striate.network import BatchNormalization, Network

MAX_MAP_VALUES = 1 << 28  # of a micro-batch: 1 GB in float32, of which the backward pass needs about half

T = TypeVar("T")


def micro_batches(network: Network, frozen: Collection[str], count: int) -> list[slice]:
    """Divide a batch into parts of nearly the same size whose feature maps take a limited memory.

    Args:
        network: The network.
        frozen: Names of layers that run in inference mode.
        count: Number of samples.

    Returns:
        The samples of each part, in order; one part if a layer may mix samples.

    Example:
        >>> from striate import zoo
        >>> micro_batches(zoo.network("vgg16", input_shape=(224, 224, 3)), (), 32)
        [slice(0, 16, None), slice(16, 32, None)]
    """
    parts = ceil(count * sum(prod(node.shape) for node in network.nodes) / MAX_MAP_VALUES)
    if parts <= 1 or not all(_separates_samples(node.layer, frozen) for node in network.nodes):
        return [slice(0, count)]
    return row_slices(count, ceil(count / parts))


def _separates_samples(layer: object, frozen: Collection[str]) -> bool:
    """Return whether a layer computes each sample alone; a user's own layer may not."""
    if isinstance(layer, BatchNormalization):
        return str(layer.name) in frozen
    return type(layer).__module__.startswith("striate.")


def take(values: Sequence[T], part: slice) -> list[T]:
    """Return these samples of each array or tensor; None stays None."""
    return [value if value is None else value[part] for value in values]  # type: ignore[index]
