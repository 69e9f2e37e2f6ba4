"""Merge layers if the result is the same: scales into the weights before them, activations into layers."""

from dataclasses import replace

import numpy as np

from striate._types import Array
from striate.network import (
    Activation,
    AveragePool2D,
    Conv2D,
    Conv2DTranspose,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    GroupNormalization,
    Layer,
    LayerNormalization,
    MaxPool2D,
    Rescale,
)
from striate.onnx.importing.network_builder import ImportedLayer

GLOBAL_POOLS: dict[type[Layer], type[Layer]] = {AveragePool2D: GlobalAveragePool2D, MaxPool2D: GlobalMaxPool2D}
ROUNDING = 1e-7  # a scale this close to 1 comes from rounding: 35 · float32(1 / 35)
WEIGHTED = (Conv2D, Dense, DepthwiseConv2D)


def fuse_layers(layers: list[ImportedLayer], outputs: list[int]) -> tuple[list[ImportedLayer], list[int]]:
    """Merge layers and drop those that no output needs.

    A scale after a convolution or dense layer goes into its weights, an offset into its bias, an activation becomes
    its activation; consecutive scales become one. Two layers are merged only if nothing else reads the value between
    them.

    Args:
        layers: The layers in order.
        outputs: The indices of the layers whose outputs are the network's.

    Returns:
        The remaining layers, and the indices of the outputs among them.
    """
    reader_counts = _reader_counts(layers, outputs)
    new_index: dict[int, int] = {}
    kept: list[ImportedLayer] = []
    kept_readers: list[int] = []
    for index, layer in enumerate(layers):
        if not reader_counts[index]:
            new_index[index] = -1
            continue
        target = _merge_or_append(
            kept, kept_readers, replace(layer, inputs=tuple(new_index[source] for source in layer.inputs))
        )
        if _is_identity(kept[target]):
            (before,) = kept[target].inputs
            kept_readers[before] += reader_counts[index] - 1
            target = before
        else:
            kept_readers[target] = reader_counts[index]
        new_index[index] = target
    return _without_unused(kept, [new_index[output] for output in outputs])


def _merge_or_append(kept: list[ImportedLayer], kept_readers: list[int], layer: ImportedLayer) -> int:
    """Merge a layer into the one before it, or append it; return its index."""
    merged_into = _merge(kept, kept_readers, layer)
    if merged_into is not None:
        return merged_into
    kept.append(layer)
    kept_readers.append(0)
    return len(kept) - 1


def _without_unused(layers: list[ImportedLayer], outputs: list[int]) -> tuple[list[ImportedLayer], list[int]]:
    needed = [index for index, count in enumerate(_reader_counts(layers, outputs)) if count]
    new_index = {index: position for position, index in enumerate(needed)}
    kept = [replace(layers[i], inputs=tuple(new_index[source] for source in layers[i].inputs)) for i in needed]
    return kept, [new_index[output] for output in outputs]


def _reader_counts(layers: list[ImportedLayer], outputs: list[int]) -> list[int]:
    """Return the number of needed layers and outputs that read each layer; 0 if it is not needed itself."""
    counts = [0] * len(layers)
    for output in outputs:
        counts[output] += 1
    for index in reversed(range(len(layers))):
        for source in layers[index].inputs if counts[index] else ():
            counts[source] += 1
    return counts


def _is_identity(layer: ImportedLayer) -> bool:
    """Return whether a layer is a scale of 1, up to the rounding of the file's float32 and of their products."""
    if not isinstance(layer.layer, Rescale) or layer.layer.offset != 0.0:
        return False
    return isinstance(layer.layer.scale, float) and abs(layer.layer.scale - 1) < ROUNDING


def _merge(kept: list[ImportedLayer], kept_readers: list[int], layer: ImportedLayer) -> int | None:
    """Merge a layer into the one it reads, if possible, and return the index of that one."""
    if not isinstance(layer.layer, Activation | Flatten | Rescale):
        return None
    (source,) = layer.inputs
    if kept_readers[source] != 1:
        return None
    if isinstance(layer.layer, Flatten):
        merged = _as_global_pooling(kept, kept[source])
    elif isinstance(layer.layer, Rescale):
        merged = _with_scale(kept[source], layer.layer)
    else:
        merged = _with_activation(kept[source], layer.layer.activation)
    if merged is None:
        return None
    kept[source] = merged
    return source


def _as_global_pooling(kept: list[ImportedLayer], layer: ImportedLayer) -> ImportedLayer | None:
    """Return global pooling for a flattened pooling whose window covers the whole maps; None for other layers."""
    whole = GLOBAL_POOLS.get(type(layer.layer))
    if whole is None or layer.layer.window is None or layer.shape[:2] != (1, 1):
        return None
    size = kept[layer.inputs[0]].shape[:2]
    if layer.layer.window.kernel != size or layer.layer.window.padded(size) != size:
        return None
    return replace(layer, layer=whole(), shape=layer.shape[2:])


def _with_activation(layer: ImportedLayer, activation: str) -> ImportedLayer | None:
    if isinstance(layer.layer, (*WEIGHTED, Conv2DTranspose)) and layer.layer.activation == "linear":
        return replace(layer, layer=replace(layer.layer, activation=activation))
    return None


def _with_scale(layer: ImportedLayer, rescale: Rescale) -> ImportedLayer | None:
    scale, offset = np.asarray(rescale.scale), np.asarray(rescale.offset)
    if isinstance(layer.layer, Rescale):
        first_scale, first_offset = np.asarray(layer.layer.scale), np.asarray(layer.layer.offset)
        combined = replace(
            layer.layer, scale=_setting(first_scale * scale), offset=_setting(first_offset * scale + offset)
        )
        return replace(layer, layer=combined)
    if isinstance(layer.layer, LayerNormalization | GroupNormalization):
        gamma, beta = layer.weights["gamma"] * scale, layer.weights["beta"] * scale + offset
        weights = {"gamma": gamma.astype(np.float32), "beta": beta.astype(np.float32)}
        return replace(layer, weights=weights)
    if not isinstance(layer.layer, WEIGHTED) or layer.layer.activation != "linear":
        return None
    weights = dict(layer.weights)
    if (scale != 1).any():
        weights["kernel"] = (weights["kernel"] * scale).astype(np.float32)  # the outputs are its last axis
    bias = weights.get("bias", np.zeros(weights["kernel"].shape[-1])) * scale + offset
    weights["bias"] = bias.astype(np.float32)
    return replace(layer, layer=replace(layer.layer, use_bias=True), weights=weights)


def _setting(numbers: Array) -> float | tuple[float, ...]:
    return tuple(map(float, numbers)) if numbers.ndim else float(numbers)
