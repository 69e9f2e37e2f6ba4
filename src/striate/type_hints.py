"""Compare arguments with the type hints of a function, leniently."""

import operator
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from os import PathLike
from pathlib import PurePath
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

NAMES = {int: "an integer", float: "a number", bool: "True or False", str: "a string", type(None): "None"}
PLURALS = {int: " integers", float: " numbers", str: " strings"}
ABSTRACT = {Mapping: "a mapping", Sequence: "a list", Collection: "a list", Iterable: "a list"}


@cache
def hints_of(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Resolve the type hints of a function.

    Args:
        function: The function.

    Returns:
        The hints by argument, without those that cannot be resolved.
    """
    try:
        return get_type_hints(function)
    except Exception:  # a name that is imported for type checkers only
        annotations = getattr(function, "__annotations__", {})
        return {name: hint for name, hint in annotations.items() if not isinstance(hint, str)}


def matches(value: Any, hint: Any) -> bool:
    """Return whether a value matches a type hint.

    NumPy numbers count as numbers, lists as tuples, and strings as paths. If the type cannot be determined, the value
    counts as a match.

    Args:
        value: The value.
        hint: The type hint.

    Returns:
        False if the value is certainly of another type.

    Example:
        >>> matches(3, float), matches("3", float), matches([1, 2], tuple[int, int])
        (True, False, True)
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(matches(value, part) for part in arguments)
    if origin is Literal:
        return any(type(value) is type(part) and value == part for part in arguments) or _equals_a_number(value, hint)
    return _matches_plain(value, hint) if origin is None else _matches_generic(value, origin, arguments)


def _matches_plain(value: Any, hint: Any) -> bool:
    if hint in (int, float):
        return _is_number(value, hint)
    if hint is bool:
        return isinstance(value, bool) or type(value).__name__ == "bool"  # numpy.bool
    if hint is Any or not isinstance(hint, type) or getattr(hint, "_is_protocol", False):
        return hint is not None or value is None
    return isinstance(value, (str, PathLike) if issubclass(hint, PurePath) else hint)


def _equals_a_number(value: Any, hint: Any) -> bool:
    return _is_number(value, int) and any(isinstance(part, int) and value == part for part in get_args(hint))


def _is_number(value: Any, kind: type) -> bool:
    if isinstance(value, bool | str | bytes):
        return False
    try:
        operator.index(value) if kind is int else float(value)
    except (TypeError, ValueError):
        return False
    except OverflowError:
        return True
    return True


def _matches_generic(value: Any, origin: Any, arguments: tuple[Any, ...]) -> bool:
    if origin.__module__.partition(".")[0] == "numpy":
        return hasattr(value, "shape") and hasattr(value, "dtype")
    if origin is Callable:
        return callable(value)
    if origin is tuple:
        return isinstance(value, tuple | list) and _items_match(value, arguments)
    if origin in ABSTRACT and origin is not Mapping:
        return _matches_list(value, origin, arguments[0])
    return isinstance(value, origin) if isinstance(origin, type) else True


def _items_match(values: Sequence[Any], hints: tuple[Any, ...]) -> bool:
    kinds = (hints[0],) * len(values) if ... in hints else hints
    return len(values) == len(kinds) and all(map(matches, values, kinds))


def _matches_list(value: Any, origin: Any, item: Any) -> bool:
    if hasattr(value, "shape"):  # arrays are not registered as sequences
        strings = item is not str or getattr(getattr(value, "dtype", None), "kind", "") in "UO"
        return bool(value.shape) and strings and get_origin(item) is not tuple
    if origin is Sequence and isinstance(value, list | tuple):
        return all(matches(part, item) for part in value)
    return isinstance(value, origin) and not isinstance(value, str | bytes)


def describe_hint(hint: Any) -> str:
    """Return a type hint in words.

    Example:
        >>> describe_hint(int | tuple[int, int]), describe_hint(str | None)
        ('an integer or a list of 2 integers', 'a string or None')
    """
    parts = list(dict.fromkeys(_in_words(part) for part in _parts(hint)))
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def _parts(hint: Any) -> list[Any]:
    if get_origin(hint) in (Union, types.UnionType):
        parts = [inner for part in get_args(hint) for inner in _parts(part)]
        paths = any(getattr(get_origin(part), "__name__", "") == "PathLike" for part in parts)
        kept = [part for part in parts if not (paths and part is str)]
        return sorted(kept, key=lambda part: part is type(None))
    return [hint]


def _in_words(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return f"one of {', '.join(map(repr, arguments))}"
    if origin is None:
        name = NAMES.get(hint) or _with_article(getattr(hint, "__name__", str(hint)))
        return "a path" if isinstance(hint, type) and issubclass(hint, PurePath) else name
    if origin is tuple:
        return "a list" if ... in arguments else f"a list of {len(arguments)}{PLURALS.get(arguments[0], '')}"
    if origin.__module__.partition(".")[0] == "numpy":
        return "an array"
    if getattr(origin, "__name__", "") == "PathLike":
        return "a path"
    return "a function" if origin is Callable else ABSTRACT.get(origin) or _with_article(origin.__name__)


def _with_article(name: str) -> str:
    return f"{'an' if name[:1] in 'AEIOUaeiou' else 'a'} {name}"


def is_simple(hint: Any) -> bool:
    """Return whether a hint is for a string or a truth value, for which other values could be mistaken."""
    return set(_parts(hint)) <= {str, bool, type(None)}
