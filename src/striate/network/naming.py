"""Default names of layers, as in Keras: conv2d, conv2d_1, …; in a block, block.conv2d."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from striate.errors import NetworkError
from striate.network.layers.base import Layer, Tensor

Path = tuple[object, ...]


def named_layers(tensors: Iterable[Tensor]) -> dict[int, Layer]:
    """Return a named copy of each layer, by the `id` of the original.

    Args:
        tensors: All tensors of the network in topological order.

    Returns:
        The copies.

    Raises:
        NetworkError: Two layers or blocks in the same block have the same name.
    """
    paths: dict[int, Path] = {}
    for tensor in tensors:
        paths.setdefault(id(tensor.layer), (*tensor.scope, tensor.layer))
    names = _names(paths.values())
    return {key: _rename(path, names) for key, path in paths.items()}


def _rename(path: Path, names: dict[int, str]) -> Layer:
    layer = path[-1]
    assert isinstance(layer, Layer)
    return replace(layer, name=".".join(names[id(part)] for part in path))


def _names(paths: Iterable[Path]) -> dict[int, str]:
    """Return the name of every layer and block by `id`. Raise NetworkError for duplicates within a block."""
    members: dict[int, dict[int, object]] = defaultdict(dict)
    for path in paths:
        for parent, part in zip((None, *path), path, strict=False):
            members[id(parent)][id(part)] = part
    names: dict[int, str] = {}
    for parts in members.values():
        names |= _names_of(list(parts.values()))
    return names


def _names_of(parts: list[object]) -> dict[int, str]:
    names: dict[int, str] = {}
    taken: dict[str, object] = {}
    for part in parts:
        name = getattr(part, "name", None)
        if name is None:
            continue
        if name in taken:
            raise NetworkError(duplicate_message(name, taken[name], part))
        names[id(part)], taken[name] = name, part
    for part in parts:
        if id(part) not in names:
            name = _next_free(_snake_case(type(part).__name__), taken)
            names[id(part)], taken[name] = name, part
    return names


def duplicate_message(name: str, first: object, second: object) -> str:
    """Return the error message for two layers with the same name."""
    kinds = f"{type(first).__name__} and {type(second).__name__}"
    return (
        f"Two layers are named '{name}' ({kinds}). "
        "Give them different names, or use one layer object twice to share its weights."
    )


def _next_free(stem: str, taken: dict[str, object]) -> str:
    name, count = stem, 0
    while name in taken:
        count += 1
        name = f"{stem}_{count}"
    return name


def _snake_case(kind: str) -> str:
    words = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
