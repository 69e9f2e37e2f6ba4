"""Check arguments, so that a wrong call raises a UsageError with a clear message."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, wraps
from operator import index
from typing import Any, ParamSpec, TypeVar

from striate.errors import StriateError, UsageError, nearest
from striate.type_hints import describe_hint, hints_of, is_simple, matches

P = ParamSpec("P")
R = TypeVar("R")
Class = TypeVar("Class", bound=type)


def check_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Raise UsageError for wrong arguments of a function (a decorator).

    Wrong are unknown, missing and surplus arguments, and those that do not match their type hints.

    Args:
        function: The function, with type hints.

    Returns:
        The function that checks.
    """
    return _wrap_with_checks(function, lambda hint: True)


def explain_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate like `check_arguments` a function whose own error messages are better than those from type hints.

    Before the call, only strings and truth values are checked, because other values could be mistaken for them. A
    StriateError of the function is kept; any other error is replaced if an argument does not match its type hint.

    Args:
        function: The function, with type hints.

    Returns:
        The function that checks.
    """
    return _wrap_with_checks(function, is_simple)


def _wrap_with_checks(function: Callable[P, R], first: Callable[[Any], bool]) -> Callable[P, R]:
    """Return a function that checks its arguments: before the call, those whose type hint `first` selects."""

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if message := _wrong_type(function, args, kwargs, first):
            raise UsageError(message)
        try:
            return function(*args, **kwargs)
        except (StriateError, MemoryError):
            raise
        except Exception as error:
            message = _reason(function, args, kwargs, error)
            if message is None:
                raise
            raise UsageError(message) from error.__cause__

    return checked


def check_constructor(kind: Class) -> Class:
    """Apply `explain_arguments` to the constructor of a class (a class decorator, above @dataclass).

    All arguments must match their type hints, because a constructor may only store them.

    Args:
        kind: The class.

    Returns:
        The class.
    """
    if "__init__" not in vars(kind):
        return kind
    original = kind.__init__  # type: ignore[misc]
    checked = _wrap_with_checks(original, lambda hint: False)

    @wraps(original)
    def initialize(self: Any, *args: Any, **kwargs: Any) -> None:
        checked(self, *args, **kwargs)
        if message := _wrong_type(original, (self, *args), kwargs):
            raise UsageError(message)

    kind.__init__ = initialize  # type: ignore[misc]
    return kind


def check_methods(kind: Class) -> Class:
    """Apply `explain_arguments` to the constructor and all public methods of a class, as a decorator.

    Args:
        kind: The class.

    Returns:
        The class.
    """
    for name, member in list(vars(kind).items()):
        if name.startswith("_"):
            continue
        if isinstance(member, classmethod):
            setattr(kind, name, classmethod(explain_arguments(member.__func__)))
        elif inspect.isfunction(member):
            setattr(kind, name, explain_arguments(member))
    return check_constructor(kind)


def _reason(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], error: Exception
) -> str | None:
    """Return why a call failed, if its arguments are the reason."""
    trace = error.__traceback__ and error.__traceback__.tb_next
    if isinstance(error, TypeError) and trace is None and (message := _explain(function, args, kwargs)):
        return message  # not from within the function
    return _wrong_type(function, args, kwargs)


@cache
def _parameters(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    return tuple(inspect.signature(function).parameters.values())


def _given_arguments(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[tuple[inspect.Parameter, Any]]:
    """Yield each parameter that was given, with its value."""
    for parameter, value in zip(_parameters(function), args, strict=False):
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            break
        yield parameter, value
    for parameter in _parameters(function):
        if parameter.name in kwargs and parameter.kind is not parameter.VAR_KEYWORD:
            yield parameter, kwargs[parameter.name]


def _wrong_type(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any],
    checked: Callable[[Any], bool] = lambda hint: True,
) -> str | None:  # fmt: skip
    """Return a message on the first argument that does not match its type hint, of those whose hint is checked."""
    hints = hints_of(function)
    for parameter, value in _given_arguments(function, args, kwargs):
        hint = hints.get(parameter.name, Any)
        if value is parameter.default or not checked(hint) or matches(value, hint):
            continue
        return f"{_name(function, args)}: {parameter.name} must be {describe_hint(hint)}; received {describe(value)}."
    return None


def _name(function: Callable[..., Any], args: tuple[Any, ...]) -> str:
    """Return the name of a function for messages; that of a method begins with the class of the object."""
    owner, _, method = function.__qualname__.rpartition(".")
    if owner and args and hasattr(args[0], method):
        kind = args[0] if isinstance(args[0], type) else type(args[0])
        return kind.__name__ if method == "__init__" else f"{kind.__name__}.{method}"
    return function.__qualname__.removesuffix(".__init__")


def _explain(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    name = _name(function, args)
    parameters = list(_parameters(function))
    if parameters and parameters[0].name in ("self", "cls"):
        parameters, args = parameters[1:], args[1:]
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    for keyword in kwargs:
        if keyword not in named:
            return f"{name} has no argument '{keyword}'.{nearest(keyword, named) if named else ''}"
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    if len(args) > len(positional):
        wanted = ", ".join(positional) or "none"
        return f"{name} received {len(args)} arguments by position and takes at most {len(positional)} ({wanted})."
    twice = [given for given in positional[: len(args)] if given in kwargs]
    if twice:
        return f"{name} received '{twice[0]}' twice, by position and by name."
    needed = [p.name for p in parameters if p.default is p.empty and p.name in named[len(args) :]]
    missing = [wanted for wanted in needed if wanted not in kwargs]
    return f"{name} needs the argument '{missing[0]}'." if missing else None


def check_names(owner: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Check names, such as those of keyword arguments.

    Args:
        owner: What they belong to, for the message.
        given: The names.
        known: The names that are allowed.

    Raises:
        UsageError: If a name is not allowed; the message suggests the nearest one.
    """
    for name in given:
        if name not in known:
            raise UsageError(f"{owner} has no argument '{name}'.{nearest(name, known)}")


def describe(value: Any) -> str:
    """Describe a received value for a message.

    Args:
        value: Any object.

    Returns:
        For example "5", "'relu'" or "an array of shape (3, 4)".
    """
    if isinstance(value, type):
        return f"the class {value.__name__}; write {value.__name__}(…) to make one"
    if callable(value) and hasattr(value, "__name__"):
        return f"the function {value.__name__}"
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"an array of shape {tuple(value.shape)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def check_integer(name: str, value: Any, least: int = 0, most: int | None = None) -> int:
    """Check an argument that must be an integer.

    Args:
        name: Name of the argument, for the message.
        value: What was received.
        least: Smallest allowed value.
        most: Largest allowed value; None: no limit.

    Returns:
        The value as an int.

    Raises:
        UsageError: If it is not an integer, or out of range.
    """
    try:
        number = None if isinstance(value, bool) else index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise UsageError(f"{name} must be an integer, {least} or more; received {describe(value)}.")
    if most is not None and number > most:
        raise UsageError(f"{name} must be at most {most}.")
    return number


def check_number(name: str, value: Any) -> float:
    """Check an argument that must be a real number.

    Args:
        name: Name of the argument, for the message.
        value: What was received.

    Returns:
        The value as a float.

    Raises:
        UsageError: If it is not a real number.
    """
    try:
        if not isinstance(value, str | bool):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise UsageError(f"{name} must be a number; received {describe(value)}.")
