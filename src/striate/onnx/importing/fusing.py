"""Layers put together that belong together: scales into the weights before them, activations into their layer."""

from dataclasses import replace

import numpy as np

from striate._types import Array
from striate.network import Activation, Conv2D, Dense, DepthwiseConv2D, Rescale
from striate.onnx.importing.building import Step

WEIGHTED = (Conv2D, Dense, DepthwiseConv2D)


def fuse(steps: list[Step], ends: list[int]) -> tuple[list[Step], list[int]]:
    """The steps that the outputs (ends) need, with as few layers as make the same function; and the new outputs.

    A scale that follows a convolution or dense layer goes into its weights, a bias that follows becomes its bias; an
    activation becomes its activation; scales in a row become one. Only where nobody else reads what is in between.
    """
    readers = _readers(steps, ends)
    places: dict[int, int] = {}  # where each step went
    kept: list[Step] = []
    count: list[int] = []  # readers of each that is kept
    for index, step in enumerate(steps):
        if not readers[index]:
            places[index] = -1
            continue
        place = _placed(kept, count, replace(step, sources=tuple(places[source] for source in step.sources)))
        if _is_nothing(kept[place]):
            (before,) = kept[place].sources
            count[before], place = count[before] - 1, before
            count[before] += readers[index]
        else:
            count[place] = readers[index]
        places[index] = place
    return _pruned(kept, [places[end] for end in ends])


def _placed(kept: list[Step], readers: list[int], step: Step) -> int:
    """The place of a step among those that are kept, its own or that of the one that took it in."""
    place = _merged(kept, readers, step)
    if place is not None:
        return place
    kept.append(step)
    readers.append(0)
    return len(kept) - 1


def _pruned(steps: list[Step], ends: list[int]) -> tuple[list[Step], list[int]]:
    """Without the steps that no output needs."""
    needed = [index for index, count in enumerate(_readers(steps, ends)) if count]
    places = {index: place for place, index in enumerate(needed)}
    kept = [replace(steps[i], sources=tuple(places[source] for source in steps[i].sources)) for i in needed]
    return kept, [places[end] for end in ends]


def _readers(steps: list[Step], ends: list[int]) -> list[int]:
    """How many needed steps and outputs read each step; 0 for those that are not needed."""
    counts = [0] * len(steps)
    for end in ends:
        counts[end] += 1
    for index in reversed(range(len(steps))):
        for source in steps[index].sources if counts[index] else ():
            counts[source] += 1
    return counts


def _is_nothing(step: Step) -> bool:
    """Whether a step hands on what it is given."""
    return isinstance(step.layer, Rescale) and (step.layer.scale, step.layer.offset) == (1.0, 0.0)


def _merged(kept: list[Step], readers: list[int], step: Step) -> int | None:
    """The place of the step that took this one in, if one can. readers: of each step that is kept."""
    if not isinstance(step.layer, Activation | Rescale):
        return None
    (source,) = step.sources
    before = kept[source]
    if readers[source] != 1:
        return None
    if isinstance(step.layer, Rescale):
        together = _rescaled(before, step.layer)
    else:
        together = _activated(before, step.layer.activation)
    if together is None:
        return None
    kept[source] = together
    return source


def _activated(step: Step, activation: str) -> Step | None:
    if isinstance(step.layer, WEIGHTED) and step.layer.activation == "linear":
        return replace(step, layer=replace(step.layer, activation=activation))
    return None


def _rescaled(step: Step, after: Rescale) -> Step | None:
    scale, offset = np.asarray(after.scale), np.asarray(after.offset)
    if isinstance(step.layer, Rescale):
        first, shift = np.asarray(step.layer.scale), np.asarray(step.layer.offset)
        layer = replace(step.layer, scale=_setting(first * scale), offset=_setting(shift * scale + offset))
        return replace(step, layer=layer)
    if not isinstance(step.layer, WEIGHTED) or step.layer.activation != "linear":
        return None
    weights = dict(step.weights)
    if (scale != 1).any():
        weights["kernel"] = (weights["kernel"] * scale).astype(np.float32)  # its last axis is that of the outputs
    bias = weights.get("bias", np.zeros(weights["kernel"].shape[-1])) * scale + offset
    weights["bias"] = bias.astype(np.float32)
    return replace(step, layer=replace(step.layer, use_bias=True), weights=weights)


def _setting(numbers: Array) -> float | tuple[float, ...]:
    return tuple(map(float, numbers)) if numbers.ndim else float(numbers)
