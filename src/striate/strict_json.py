"""Standard JSON: no NaN is written, and values that are read have a limited depth."""

import json
import math
from typing import Any

MAX_DEPTH = 100  # levels of nested lists and objects; a network description has about six


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Return a value as JSON.

    Args:
        value: Dictionaries, lists, tuples, strings, numbers, booleans and None.
        indent: Spaces per level; None writes one line.

    Returns:
        The text. Numbers that are not finite, which JSON does not have, are written as null.

    Example:
        >>> dumps({"accuracy": 0.5, "loss": float("nan")})
        '{"accuracy": 0.5, "loss": null}'
    """
    text = _dumps(value, indent=indent, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")  # paths can contain bytes that are not valid text


def canonical(value: Any) -> str:
    """Return a value as compact ASCII JSON, as in the header of a model file."""
    return _dumps(value, separators=(",", ":"))


def canonical_with_nan(value: Any) -> str:
    """Return the same text, but with NaN, as in the checksums of older files."""
    return json.dumps(value, separators=(",", ":"))


def loads(text: str | bytes) -> Any:
    """Return the value that a JSON text describes.

    Args:
        text: The text; bytes are UTF-8.

    Returns:
        Dictionaries, lists, strings, numbers, booleans and None.

    Raises:
        ValueError: If the text is not JSON, or is nested more than MAX_DEPTH deep.
    """
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError(f"it is nested more than {MAX_DEPTH} deep") from error
    level = [value]
    for _ in range(MAX_DEPTH):
        items = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [part for item in items for part in item if isinstance(part, dict | list)]
    if level:
        raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
    return value


def _dumps(value: Any, **options: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False, **options)
    except ValueError:
        return json.dumps(_without_nan(value), allow_nan=False, **options)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
