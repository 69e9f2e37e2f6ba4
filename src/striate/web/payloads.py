"""What the explorer page requests, as JSON values, which the server sends and a lesson contains."""

import base64
from typing import Any

import numpy as np

from striate._types import Array
from striate.errors import StriateError
from striate.explain import Cells, Region, Unit
from striate.explain.estimates import Estimate
from striate.web.errors import error_payload
from striate.workflows.explore import TRAINING, Explorer

MAX_CHANNELS = 64  # feature maps or filters in one payload
MAX_LIVE_MAPS, MAX_LIVE_ROWS = 12, 56  # feature maps that follow a drawing or the camera, and rows of each


def model_payload(explorer: Explorer) -> dict[str, Any]:
    """Return the network, the classes, and the predictions of all images.

    Args:
        explorer: The model and its images.

    Returns:
        JSON values.
    """
    images, nodes = explorer.images, explorer.model.network.nodes
    return {
        "name": explorer.name, "classes": explorer.classes, "notes": explorer.notes,
        "input": explorer.policy.shape, "is_classifier": explorer.is_classifier,
        "draw": explorer.policy.fit == "digit" and explorer.policy.channels == 1,
        "count": len(images.x), "training": len(explorer.images_of(TRAINING)), "predicted": images.predicted.tolist(),
        "probabilities": np.round(images.probabilities.astype(float), 6).tolist(),
        "labels": None if images.labels is None else images.labels.tolist(),
        "nodes": [
            {
                "name": str(node.layer.name), "kind": node.layer.kind, "shape": node.shape, "inputs": node.inputs,
                "activation": str(getattr(node.layer, "activation", None) or "linear"),
            }
            for node in nodes
        ],
        "output": explorer.model.network.outputs[0], "multiply_adds": explorer.cost,
        "graph": explorer.graph().to_dict(),
    }  # fmt: skip


def image_payload(explorer: Explorer, key: str) -> dict[str, Any]:
    """Return an image and its prediction.

    Args:
        explorer: The model and its images.
        key: The key of the image.

    Returns:
        JSON values.

    Raises:
        UsageError: If there is no such image.
    """
    return {
        "id": key, "pixels": as_json(explorer.pixels(key)), "probabilities": explorer.probabilities(key).tolist(),
        "label": explorer.label(key), "name": explorer.file(key),
    }  # fmt: skip


def maps_payload(
    explorer: Explorer, key: str, node: int, first: int, *, by_number: bool = False, count: int = MAX_CHANNELS
) -> dict[str, Any]:
    """Return feature maps of a layer, those with the strongest response first, or in the order of the channels.

    Args:
        explorer: The model and its images.
        key: The key of the image.
        node: Number of the layer.
        first: Rank of the first map to return.
        by_number: Whether in the order of the channels.
        count: Number of maps, or less if there are fewer.

    Returns:
        JSON values.

    Raises:
        UsageError: If there is no such image.
        NetworkError: If there is no such layer.
    """
    maps = explorer.trace(key).maps(node)
    strength, order = _by_strength(maps)
    order = np.arange(len(order)) if by_number else order
    shown = order[first : first + count] if maps.ndim == 3 else order
    return {
        "order": shown.tolist(), "maps": as_json(maps[..., shown]), "lowest": float(maps.min()),
        "highest": float(maps.max()), "silent": int((strength == 0).sum()), "channels": len(order),
    }  # fmt: skip


def live_payload(explorer: Explorer, key: str, node: int) -> dict[str, Any]:
    """Return a drawn or filmed image, its prediction and some maps of a layer, small enough for a stream.

    Args:
        explorer: The model and its images.
        key: The key of the image.
        node: Number of the layer.

    Returns:
        JSON values.

    Raises:
        UsageError: If there is no such image.
        NetworkError: If there is no such layer.
    """
    payload = image_payload(explorer, key)
    maps = explorer.trace(key).maps(node)
    if maps.ndim != 3:
        return payload | {"maps": None}
    order = _by_strength(maps)[1][:MAX_LIVE_MAPS]
    stride = -(-max(maps.shape[:2]) // MAX_LIVE_ROWS)
    return payload | {
        "maps": {
            "order": order.tolist(), "maps": as_json(maps[::stride, ::stride, order]), "lowest": float(maps.min()),
            "highest": float(maps.max()), "stride": stride,
        }
    }  # fmt: skip


def unit_payload(explorer: Explorer, key: str, node: int, position: tuple[int, int, int]) -> dict[str, Any]:
    """Return the arithmetic of a unit, its map, and its receptive field.

    Args:
        explorer: The model and its images.
        key: The key of the image.
        node: Number of the layer.
        position: (y, x, channel) of the unit in the layer's output.

    Returns:
        JSON values.

    Raises:
        UsageError: If there is no such image or unit.
        NetworkError: If there is no such layer.
    """
    unit, region = explorer.unit(key, node, position)
    maps = explorer.trace(key).maps(node)
    return {
        **_unit(unit),
        "map": as_json(maps[..., position[2]]) if maps.ndim == 3 else None,
        "region": None if region is None else region_payload(region),
    }


def region_payload(region: Region) -> dict[str, Any]:
    """Return the receptive field of a unit, clipped to the image and unclipped.

    Args:
        region: The receptive field.

    Returns:
        JSON values.
    """
    return {
        "rows": region.rows, "columns": region.columns,
        "unclipped_rows": region.unclipped_rows, "unclipped_columns": region.unclipped_columns,
    }  # fmt: skip


def estimate_payload(method: str, class_index: int, estimate: Estimate | StriateError) -> dict[str, Any]:
    """Return how far the attribution of a class score to the pixels is.

    Args:
        method: The method.
        class_index: Number of the class.
        estimate: The next estimate, or why there is none.

    Returns:
        Numbers of steps, the attribution if it is new, and the problem if there is one.
    """
    payload: dict[str, Any] = {"method": method, "class": class_index}
    if isinstance(estimate, StriateError):
        return payload | error_payload(str(estimate), "problem")
    payload |= {"done": estimate.done, "total": estimate.total}
    if estimate.found is None:
        return payload
    found = estimate.found
    return payload | {
        "values": as_json(found.values), "score": found.score, "layer": found.layer,
        "baseline_score": found.baseline_score, "sum": float(found.values.sum(dtype=float)),
    }  # fmt: skip


def filters_payload(explorer: Explorer, node: int) -> dict[str, Any]:
    """Return the filters of a convolution.

    Args:
        explorer: The model and its images.
        node: Number of the layer.

    Returns:
        JSON values; for a run also the filters before and during training.

    Raises:
        UsageError: If the layer has no filters.
    """
    stages = explorer.filters(node)
    return {
        "largest": max(stage.largest for stage in stages), "shape": stages[-1].kernel.shape,
        "stages": [
            {"step": stage.step, "kernel": as_json(stage.kernel[:, :, :MAX_CHANNELS, :MAX_CHANNELS])}
            for stage in stages
        ],
    }  # fmt: skip


def as_json(array: Array) -> dict[str, Any]:
    """Return an array as its shape, its dtype, and its numbers in base64, exactly.

    Args:
        array: Numbers of any shape.

    Returns:
        JSON values.

    Example:
        >>> as_json(np.array([1.0]))
        {'shape': (1,), 'dtype': 'float64', 'data': 'AAAAAAAA8D8='}
    """
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return {"shape": array.shape, "dtype": array.dtype.name, "data": base64.b64encode(little.tobytes()).decode()}


def _by_strength(maps: Array) -> tuple[Array, Array]:
    """Return the largest magnitude in each channel of maps (…, C), and the channels with the strongest first."""
    strength = np.abs(maps).reshape(-1, maps.shape[-1]).max(axis=0)
    return strength, np.argsort(-strength, kind="stable")


def _unit(unit: Unit) -> dict[str, Any]:
    return {
        "layer": unit.layer, "kind": unit.kind, "node": unit.node, "position": unit.position,
        "operation": unit.operation, "bias": _finite(unit.bias), "total": _finite(unit.pre_activation),
        "activation": unit.activation, "output": _finite(unit.output), "engine_output": _finite(unit.engine_output),
        "winner": unit.argmax, "numbers": {name: _finite(value) for name, value in unit.statistics.items()},
        "channel_totals": None if unit.channel_pre_activations is None else unit.channel_pre_activations.tolist(),
        "inputs": [_cells(cells) for cells in unit.inputs],
    }  # fmt: skip


def _cells(cells: Cells) -> dict[str, Any]:
    optional = {"weights": cells.weights, "terms": cells.products}
    return {
        "layer": cells.layer, "node": cells.node, "shape": cells.shape, "rows": cells.rows.tolist(),
        "columns": cells.columns.tolist(), "channels": cells.channels.tolist(), "values": as_json(cells.values),
        "inside": as_json(cells.mask.astype(np.uint8)),
        **{name: None if found is None else as_json(found) for name, found in optional.items()},
    }  # fmt: skip


def _finite(number: float | None) -> float | None:
    return None if number is None or not np.isfinite(number) else float(number)
