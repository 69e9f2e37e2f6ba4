"""Fold batch normalization into the weights of the convolution or dense layer directly before it."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from striate._types import Array, Weights
from striate.network import BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Network

FOLDABLE = (Conv2D, DepthwiseConv2D, Dense)


def fold_batch_norms(network: Network, weights: Mapping[str, Array]) -> tuple[Weights, frozenset[int]]:
    """Fold every batch normalization that can be folded.

    Args:
        network: The network.
        weights: Its parameters by full name.

    Returns:
        The weights, float64 where they changed, and the indices of the nodes that are no longer needed: their
        output is their input. A layer without a bias gets one.
    """
    folded = dict(weights)
    skipped = frozenset(index for index in range(len(network.nodes)) if _can_fold(network, index))
    for index in skipped:
        layer, (source,) = network.nodes[index].layer, network.nodes[index].inputs
        assert isinstance(layer, BatchNormalization)
        before = str(network.nodes[source].layer.name)
        scale, shift = _scale_and_shift(layer, weights)
        bias = folded.get(f"{before}/bias", 0.0)
        folded[f"{before}/kernel"] = folded[f"{before}/kernel"] * scale  # the outputs are the last axis
        folded[f"{before}/bias"] = bias * scale + shift
    return folded, skipped


def _scale_and_shift(layer: BatchNormalization, weights: Mapping[str, Array]) -> tuple[Array, Array]:
    """Return float64 (C,) each: in inference a batch normalization is y = x · scale + shift."""
    mean, variance = (np.asarray(weights[f"{layer.name}/moving_{part}"], "float64") for part in ("mean", "variance"))
    scale = weights.get(f"{layer.name}/gamma", 1.0) / np.sqrt(variance + layer.epsilon)
    return scale, weights.get(f"{layer.name}/beta", 0.0) - mean * scale


def _can_fold(network: Network, index: int) -> bool:
    """Return whether a node normalizes the output of a linear layer whose output has no other use."""
    node = network.nodes[index]
    if not isinstance(node.layer, BatchNormalization):
        return False
    (source,) = node.inputs
    layer = network.nodes[source].layer
    if not isinstance(layer, FOLDABLE) or layer.activation != "linear" or source in network.outputs:
        return False
    readers = Counter(i for other in network.nodes for i in other.inputs)
    return readers[source] == 1 and sum(other.layer is layer for other in network.nodes) == 1
