"""Collect the data of a lesson: all answers of the explorer for a few images, packed into bytes."""

import gzip
from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from striate._types import Array
from striate.errors import UsageError
from striate.explain import Cells, Region, Trace, Unit
from striate.explain.receptive_field import Fields
from striate.explain.units import as_maps
from striate.images import thumbnail_url
from striate.strict_json import canonical
from striate.web.payloads import (
    estimate_payload,
    filters_payload,
    image_payload,
    maps_payload,
    model_payload,
    region_payload,
)
from striate.workflows.explore import Explorer

MAX_UNITS = 150_000  # units of all images whose computation is included; more take minutes and many megabytes
MAX_CLASSES_WITH_UNITS, MAX_CLASSES = 10, 3  # classes explained in a lesson with and without units
MAX_MAPS = 24  # feature maps of a layer in a lesson without units
THUMBNAIL_SIZE = 112
ALIGNMENT = 8  # bytes
Progress = Callable[[int, int], object]


def lesson_data(explorer: Explorer, keys: Sequence[str], progress: Progress | None = None) -> tuple[bytes, int | None]:
    """Return the content of a lesson.

    Args:
        explorer: The model and its images.
        keys: Keys of the images.
        progress: Called with the numbers of steps done and of all.

    Returns:
        A gzip file of a JSON header and the arrays that it names; and the number of units if it is so large that the
        arithmetic of single units is left out, else None.
    """
    pack, network = _Pack(), explorer.model.network
    count = len(keys) * sum(int(np.prod(node.shape)) for node in network.nodes)
    exact = count <= MAX_UNITS
    classes = {
        key: _classes_to_explain(explorer, key, MAX_CLASSES_WITH_UNITS if exact else MAX_CLASSES) for key in keys
    }
    steps = _Steps(len(keys) * len(network.nodes) + sum(map(len, classes.values())), progress)
    answers: dict[str, Any] = {"model": _model(explorer, keys), **_filters(explorer)}
    tables: dict[str, Any] = {}
    for number, key in enumerate(keys):
        path = f"images/{number}"
        info = image_payload(explorer, key)
        answers[path] = {**info, "id": str(number), "explained": classes[key]}
        for index in classes[key]:
            answers[f"{path}/attributions?class={index}"] = _attributions(explorer, key, index)
            steps.advance()
        for node in range(len(network.nodes)):
            if exact:
                tables[f"{number}/{node}"] = _units(pack, explorer.trace(key), node)
            else:
                answers[f"{path}/maps/{node}"] = _first_maps(explorer, key, node)
            steps.advance()
    header = {
        "answers": pack.replaced(answers, exact=exact), "units": tables, "regions": _regions(explorer) if exact else [],
        "integers": pack.integers.content(pack, np.int32), "weights": pack.weights.content(pack, np.float32),
        "exact_weights": pack.exact.content(pack, np.float64), "count": count, "limit": MAX_UNITS,
        "thumbnails": {n: thumbnail_url(explorer.pixels(key), THUMBNAIL_SIZE) for n, key in enumerate(keys)},
    }  # fmt: skip
    return pack.compressed(header), None if exact else count


class _Steps:
    """Counts the steps of the work, and reports them."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def advance(self) -> None:
        """Count a step."""
        self._done += 1
        if self._progress:
            self._progress(self._done, self._total)


def _filters(explorer: Explorer) -> dict[str, Any]:
    """Return the filters of each layer that has some, by the path of their request."""
    found: dict[str, Any] = {}
    for node in range(len(explorer.model.network.nodes)):
        try:
            found[f"filters/{node}"] = filters_payload(explorer, node)
        except UsageError:
            continue  # a layer without filters
    return found


def _model(explorer: Explorer, keys: Sequence[str]) -> dict[str, Any]:
    """Return the answer about the model for the images of the lesson alone."""
    answer, labels = model_payload(explorer), explorer.images.labels
    known = labels is not None and all(not key.startswith("u") for key in keys)
    probabilities = [explorer.probabilities(key) for key in keys]
    views = ["network", "why", "filter"]
    return {
        **answer, "notes": [], "count": len(keys), "keys": list(keys),
        "views": views if len(keys) == 1 else ["images", *views],
        "predicted": [int(found.argmax()) for found in probabilities],
        "probabilities": [float(found.max()) for found in probabilities],
        "labels": [int(labels[int(key)]) for key in keys] if known and labels is not None else None,
    }  # fmt: skip


def _classes_to_explain(explorer: Explorer, key: str, count: int) -> list[int]:
    """Return the classes that are explained: the most probable ones, and the true one."""
    order = np.argsort(-explorer.probabilities(key), kind="stable")[:count].tolist()
    label = explorer.label(key)
    return order if label is None or label in order else [*order, label]


def _attributions(explorer: Explorer, key: str, index: int) -> list[dict[str, Any]]:
    """Return the last answer of each method for a class."""
    found = {method: (number, estimate) for method, number, estimate in explorer.attributions(key, [index])}
    return [estimate_payload(method, *last) for method, last in found.items()]


def _first_maps(explorer: Explorer, key: str, node: int) -> dict[str, Any]:
    answer = maps_payload(explorer, key, node, 0, count=MAX_MAPS)
    return {**answer, "channels": len(answer["order"])}  # the page offers no more


class _Pool:
    """Distinct arrays, each stored once."""

    def __init__(self) -> None:
        self._arrays: list[Array] = []
        self._numbers: dict[tuple[tuple[int, ...], bytes], int] = {}

    def add(self, array: Array) -> int:
        """Return the number of an array in the pool."""
        key = array.shape, array.tobytes()
        if key not in self._numbers:
            self._numbers[key] = len(self._arrays)
            self._arrays.append(array)
        return self._numbers[key]

    def content(self, pack: "_Pack", dtype: type) -> dict[str, Any]:
        """Return all numbers one after another, and where each array starts."""
        starts = np.cumsum([0, *(array.size for array in self._arrays)])
        flat = np.concatenate([np.zeros(0), *(array.ravel() for array in self._arrays)])
        return {"values": pack.add(flat.astype(dtype)), "starts": pack.add(starts.astype(np.int32))}


class _Pack:
    """Arrays, one after another."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.integers, self.weights, self.exact = _Pool(), _Pool(), _Pool()

    def add(self, array: Array) -> dict[str, Any]:
        """Add an array, and return how the header names it."""
        content = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        content += bytes(-len(content) % ALIGNMENT)
        named = {"shape": array.shape, "dtype": array.dtype.name, "at": self._size}
        self._parts.append(content)
        self._size += len(content)
        return named

    def weight(self, array: Array | None) -> int:
        """Return the number of an array of weights: 2 n in single precision if that is exact, else 2 n + 1; or −1."""
        if array is None:
            return -1
        single = array.astype(np.float32)
        return 2 * self.weights.add(single) if np.array_equal(single, array) else 2 * self.exact.add(array) + 1

    def replaced(self, value: Any, *, exact: bool) -> Any:
        """Return an answer with its arrays added to the pack; if not `exact`, in 256 levels."""
        if isinstance(value, dict):
            if value.keys() == {"shape", "dtype", "data"}:
                array = np.frombuffer(b64decode(value["data"]), value["dtype"]).reshape(value["shape"])
                return self.add(array) if exact or array.dtype == np.uint8 else self._quantize(array)
            return {name: self.replaced(part, exact=exact) for name, part in value.items()}
        return [self.replaced(part, exact=exact) for part in value] if isinstance(value, list | tuple) else value

    def _quantize(self, array: Array) -> dict[str, Any]:
        low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
        step = (high - low) / 255 or 1.0
        return {**self.add(np.round((array - low) / step).astype(np.uint8)), "low": low, "step": step}

    def compressed(self, header: dict[str, Any]) -> bytes:
        """Return the header and the arrays as a gzip file: the length of the header, the header, the arrays."""
        text = canonical(header).encode()
        text += b" " * (-(len(text) + 4) % ALIGNMENT)
        return gzip.compress(len(text).to_bytes(4, "little") + text + b"".join(self._parts), mtime=0)


def _units(pack: _Pack, trace: Trace, node: int) -> dict[str, Any]:
    """Return the arithmetic of all units of a node."""
    values = trace.maps(node)
    shape = as_maps(trace.network.nodes[node].shape)
    units = [trace.unit(node, place) for place in np.ndindex(shape)]
    first = units[0]
    parts = max(len(unit.inputs) for unit in units)
    columns = [_part(pack, [unit.inputs[slot] if slot < len(unit.inputs) else None for unit in units])
               for slot in range(parts)]  # fmt: skip
    totals = None
    if first.channel_pre_activations is not None:
        totals = pack.add(np.stack([unit.channel_pre_activations for unit in units[:: shape[2]]]))  # type: ignore[misc]
    return {
        "operation": first.operation, "activation": first.activation, "values": pack.add(values),
        "total": pack.add(np.array([unit.pre_activation for unit in units], np.float32)),
        "output": pack.add(np.array([unit.output for unit in units], np.float32)),
        "bias": None if first.bias is None else pack.add(np.array([unit.bias for unit in units], np.float32)),
        "winner": None if first.argmax is None else pack.add(np.array([unit.argmax for unit in units], np.int32)),
        "names": list(first.statistics),
        "numbers": pack.add(np.array([_numbers(pack, unit) for unit in units], np.int32)),
        "parts": columns, "totals": totals,
    }  # fmt: skip


def _numbers(pack: _Pack, unit: Unit) -> int:
    return pack.weight(np.array(list(unit.statistics.values()), float)) if unit.statistics else -1


def _part(pack: _Pack, cells: Sequence[Cells | None]) -> dict[str, Any]:
    """Return what the units of a node read from one input, as columns with one number for each unit."""
    rows = [
        (-1, 0, 0, 0, -1, 0) if part is None else (
            part.node, *(pack.integers.add(axis.astype(np.int32)) for axis in (part.rows, part.columns, part.channels)),
            pack.weight(part.weights), _terms(part),
        )
        for part in cells
    ]  # fmt: skip
    names = ("node", "rows", "columns", "channels", "weights", "terms")
    return {
        name: pack.add(np.array(column, np.int32)) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


def _terms(cells: Cells) -> int:
    """Return how the products follow from values and weights: 0 none, 1 product, 2 square, 3 squared difference."""
    if cells.products is None:
        return 0
    if cells.weights is None:
        expected, code = cells.values**2, 2
    elif np.allclose(cells.products, cells.values * cells.weights, rtol=1e-6, atol=0):
        expected, code = cells.products, 1
    else:
        expected, code = (cells.values - cells.weights) ** 2, 3
    if not np.allclose(cells.products, expected, rtol=1e-6, atol=1e-30):
        raise UsageError(f"The products of the cells of '{cells.layer}' are neither products nor squares.")
    return code


def _regions(explorer: Explorer) -> list[dict[str, Any] | None]:
    """Return the receptive fields of each node; None if each unit reads one cell, and so has the field of this cell."""
    network = explorer.model.network
    fields = Fields(network)
    return [_region_table(fields, node) for node in range(len(network.nodes))]


def _region_table(fields: Fields, node: int) -> dict[str, Any] | None:
    """Return the rows of the receptive fields by y and the columns by x, for groups of channels with equal fields."""
    height, width, channels = as_maps(fields.network.nodes[node].shape)
    rule = fields.rules[node]
    if not rule.input_window(0, 0, 0):
        return {"input": True}
    lines = [rule.input_window(y, 0, 0) for y in range(height)] + [rule.input_window(0, x, 0) for x in range(width)]
    if all(len(reads) == 1 and len(reads[0].rows) == len(reads[0].columns) == len(reads[0].channels) == 1
           for reads in lines):  # fmt: skip
        return None
    middle = height // 2, width // 2
    corners = ((0, 0), middle, (height - 1, width - 1))
    groups: dict[tuple[Region | None, ...], int] = {}
    group_of: list[int] = []
    first: list[int] = []
    signatures: dict[tuple[tuple[int, bytes], ...], int] = {}
    for channel in range(channels):
        signature = tuple((part.source, part.channels.tobytes()) for part in rule.input_window(*middle, channel))
        if signature not in signatures:
            seen = tuple(_region(fields, node, y, x, channel) for y, x in corners)
            if seen not in groups:
                groups[seen] = len(first)
                first.append(channel)
            signatures[signature] = groups[seen]
        group_of.append(signatures[signature])
    tables: list[dict[str, Any]] = []
    for channel in first:
        if _moves_axes(fields, node):
            each = [_region(fields, node, y, x, channel) for y, x in np.ndindex(height, width)]
            tables.append({"each": [_region_payload(found) for found in each]})
            continue
        down = [_region(fields, node, y, middle[1], channel) for y in range(height)]
        along = [_region(fields, node, middle[0], x, channel) for x in range(width)]
        tables.append(
            {"rows": [_region_payload(found) for found in down], "columns": [_region_payload(found) for found in along]}
        )
    return {"groups": group_of, "tables": tables}


def _moves_axes(fields: Fields, node: int) -> bool:
    """Return whether rows that a unit sees may depend on its column, as after Permute."""
    read = {node}
    for number in range(node, -1, -1):
        if number in read:
            read.update(fields.network.nodes[number].inputs)
    return any(fields.rules[number].input_window_from == "all" for number in read)


def _region(fields: Fields, node: int, y: int, x: int, channel: int) -> Region | None:
    try:
        return fields.region(node, y, x, channel)
    except UsageError:
        return None


def _region_payload(region: Region | None) -> dict[str, Any] | None:
    return None if region is None else region_payload(region)
