"""Batch normalisations that follow a convolution or dense layer directly become part of its weights."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from striate._types import Array, Weights
from striate.network import BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Network

FOLDABLE = (Conv2D, DepthwiseConv2D, Dense)


def fold(network: Network, weights: Mapping[str, Array]) -> tuple[Weights, frozenset[int]]:
    """The weights with every batch normalisation folded that can be, and the indices of the nodes this leaves idle.

    A layer that had no bias gets one. Weights are float64 where they changed.
    """
    folded = dict(weights)
    idle = frozenset(index for index in range(len(network.nodes)) if _folds(network, index))
    for index in idle:
        layer, (source,) = network.nodes[index].layer, network.nodes[index].inputs
        assert isinstance(layer, BatchNormalization)
        before = str(network.nodes[source].layer.name)
        scale, shift = _factors(layer, weights)
        bias = folded.get(f"{before}/bias", 0.0)
        folded[f"{before}/kernel"] = folded[f"{before}/kernel"] * scale  # the outputs are the last axis
        folded[f"{before}/bias"] = bias * scale + shift
    return folded, idle


def _factors(layer: BatchNormalization, weights: Mapping[str, Array]) -> tuple[Array, Array]:
    """(scale, shift), each float64 (C,), of a batch normalisation in inference: y = x · scale + shift."""
    mean, variance = (np.asarray(weights[f"{layer.name}/moving_{part}"], "float64") for part in ("mean", "variance"))
    scale = weights.get(f"{layer.name}/gamma", 1.0) / np.sqrt(variance + layer.epsilon)
    return scale, weights.get(f"{layer.name}/beta", 0.0) - mean * scale


def _folds(network: Network, index: int) -> bool:
    """Whether this node only scales what one layer, linear and used once, hands to nobody else."""
    node = network.nodes[index]
    if not isinstance(node.layer, BatchNormalization):
        return False
    (source,) = node.inputs
    layer = network.nodes[source].layer
    if not isinstance(layer, FOLDABLE) or layer.activation != "linear" or source in network.outputs:
        return False
    readers = Counter(i for other in network.nodes for i in other.inputs)
    return readers[source] == 1 and sum(other.layer is layer for other in network.nodes) == 1
