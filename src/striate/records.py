"""Decode records: check values from JSON against the type hints of dataclasses."""

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
MAX_INTEGER = 2**63 - 1
MAX_FILE = 1 << 24  # bytes of a file that holds a record


def decode(kind: type[T], values: Any, name: str = "") -> T:
    """Return a dataclass from its values by name.

    Args:
        kind: The dataclass. Its fields are str, int, float, bool, None, Any, enums, dataclasses, mappings with string
            keys, tuples of any length, and unions of these.
        values: The values, from JSON.
        name: Name of the record in messages.

    Returns:
        The record.

    Raises:
        ValueError: If an entry is missing, unknown, of another type, or a number that is not finite or too large.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Point:
        ...     x: float
        ...     y: float = 0.0
        >>> decode(Point, {"x": 1})
        Point(x=1.0, y=0.0)
    """
    if not isinstance(values, Mapping):
        _raise_wrong_type(name or kind.__name__, "an object", values)
    hints, known = get_type_hints(kind), {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(values) - set(known)):
        raise ValueError(f"'{_join(name, unknown[0])}' is unknown")
    required = {key for key, item in known.items() if item.default is MISSING and item.default_factory is MISSING}
    if missing := sorted(required - set(values)):
        raise ValueError(f"'{_join(name, missing[0])}' is missing")
    return kind(**{key: decode_value(hints[key], value, _join(name, key)) for key, value in values.items()})


def decode_value(hint: Any, value: Any, name: str = "value") -> Any:
    """Return a value converted to the type of a hint. Raise ValueError like `decode`.

    Args:
        hint: The type.
        value: The value, as JSON has it.
        name: Its name in the message.

    Returns:
        The converted value.

    Raises:
        ValueError: If the value does not match the type.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _decode_union(arguments, value, name)
    if origin is not None:
        return _decode_container(origin, arguments, value, name)
    if is_dataclass(hint) and isinstance(hint, type):
        return decode(hint, value, name)
    if hint in (int, float):
        return _decode_number(hint, value, name)
    return _decode_plain(hint, value, name)


def _decode_container(origin: Any, arguments: tuple[Any, ...], value: Any, name: str) -> Any:
    if origin is tuple:
        if not isinstance(value, list | tuple):
            _raise_wrong_type(name, "a list", value)
        return tuple(decode_value(arguments[0], item, name) for item in value)
    if not isinstance(value, Mapping):
        _raise_wrong_type(name, "an object", value)
    return {str(key): decode_value(arguments[1], item, _join(name, str(key))) for key, item in value.items()}


def _decode_plain(hint: Any, value: Any, name: str) -> Any:
    if hint is Any:
        return value
    if issubclass(hint, Enum):
        return hint(value)
    if type(value) is not hint:
        _raise_wrong_type(name, {str: "a text", bool: "true or false"}[hint], value)
    return value


def _decode_union(kinds: tuple[Any, ...], value: Any, name: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    errors = []
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return decode_value(kind, value, name)
        except ValueError as error:
            errors.append(error)
    raise errors[0]


def _decode_number(hint: type, value: Any, name: str) -> Any:
    if type(value) not in (int, hint) or (type(value) is int and abs(value) > MAX_INTEGER):
        _raise_wrong_type(name, "an integer" if hint is int else "a number", value)
    if not math.isfinite(value):
        _raise_wrong_type(name, "a finite number", value)
    return hint(value)


def _raise_wrong_type(name: str, expected: str, value: Any) -> NoReturn:
    text = repr(value)
    raise ValueError(f"'{name}' is not {expected}: {text if len(text) <= 40 else text[:40] + '…'}")


def _join(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key
