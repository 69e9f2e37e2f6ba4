"""Checks of arguments: what a caller passes wrongly becomes one clear sentence."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from operator import index
from typing import Any, ParamSpec, TypeVar

from striate.errors import UsageError, nearest

P = ParamSpec("P")
R = TypeVar("R")
Class = TypeVar("Class", bound=type)


def check_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Refuse unknown, missing and surplus arguments of a function with a UsageError (a decorator)."""

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise  # from within the function
            message = _explain(function, args, kwargs)
            if message is None:
                raise
            raise UsageError(message) from None

    return checked


def check_constructor(kind: Class) -> Class:
    """Apply `check_arguments` to the constructor of a class (a class decorator, above @dataclass)."""
    if "__init__" in vars(kind):
        kind.__init__ = check_arguments(kind.__init__)  # type: ignore[misc]
    return kind


def check_methods(kind: Class) -> Class:
    """Apply `check_arguments` to the constructor and all public methods of a class (a class decorator)."""
    for name, member in list(vars(kind).items()):
        if name.startswith("_"):
            continue
        if isinstance(member, classmethod):
            setattr(kind, name, classmethod(check_arguments(member.__func__)))
        elif inspect.isfunction(member):
            setattr(kind, name, check_arguments(member))
    return check_constructor(kind)


def _explain(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    signature = inspect.signature(function)
    name = function.__qualname__.removesuffix(".__init__")
    parameters = list(signature.parameters.values())
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
    """Raise UsageError for the first name that is not known."""
    for name in given:
        if name not in known:
            raise UsageError(f"{owner} has no argument '{name}'.{nearest(name, known)}")


def describe(value: Any) -> str:
    """Return how a message names a value that was received."""
    if isinstance(value, type):
        return f"the class {value.__name__}; write {value.__name__}(…) to make one"
    if callable(value) and hasattr(value, "__name__"):
        return f"the function {value.__name__}"
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"an array of shape {tuple(value.shape)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def check_whole(name: str, value: Any, least: int = 0, most: int | None = None) -> int:
    """Return an integer of at least `least`, and at most `most`, as an int. Raise UsageError for anything else."""
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
    """Return a real number as a float. Raise UsageError for anything else."""
    try:
        if not isinstance(value, str | bool):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise UsageError(f"{name} must be a number; received {describe(value)}.")
