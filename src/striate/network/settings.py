"""Checks of layer settings: each function returns the canonical form of a value, or raises NetworkError for another."""

from collections.abc import Callable
from operator import index
from typing import Any

from striate.errors import NetworkError, similar
from striate.network.shapes import IntPair, Margins, Padding

MAX_FLOAT32 = 3.4e38
FORBIDDEN_IN_NAMES = frozenset('/\\:*?"<>|')  # characters that names of files cannot contain


def convert(owner: object, label: str, check: Callable[[Any], Any], setting: str) -> None:
    """Convert a setting of a frozen dataclass to its canonical form.

    Args:
        owner: The dataclass.
        label: Name of the object, for the message.
        check: Converts a value, or raises NetworkError.
        setting: Name of the setting.

    Raises:
        NetworkError: If the value is wrong; the message names label and setting.
    """
    try:
        object.__setattr__(owner, setting, check(getattr(owner, setting)))
    except NetworkError as error:
        raise NetworkError(f"{label}: {setting}: {error}") from None


def integer(value: Any, least: int = 0) -> int:
    """Check an integer; those of NumPy become int.

    Args:
        value: What was received.
        least: Smallest allowed value.

    Returns:
        The integer.

    Raises:
        NetworkError: If it is not an integer, or too small.
    """
    error = NetworkError(f"expected an integer of at least {least}, received {value!r}.")
    if isinstance(value, bool):
        raise error
    try:
        number = index(value)
    except TypeError:
        raise error from None
    if number < least:
        raise error
    return number


def positive(value: Any) -> int:
    """Accept an integer above 0."""
    return integer(value, least=1)


def pair(value: Any) -> IntPair:
    """Check integers above 0 for both axes.

    Args:
        value: One integer for both axes, or a pair (y, x).

    Returns:
        (y, x).

    Raises:
        NetworkError: If the value is neither.
    """
    if not isinstance(value, list | tuple):
        return positive(value), positive(value)
    if len(value) != 2:
        raise NetworkError(f"expected an integer or a pair (y, x), received {value!r}.")
    return positive(value[0]), positive(value[1])


def margins(value: Any) -> Margins:
    """Check explicit padding.

    Args:
        value: n, (y, x), or ((top, bottom), (left, right)).

    Returns:
        ((top, bottom), (left, right)).

    Raises:
        NetworkError: If the value is none of these.
    """
    if not isinstance(value, list | tuple):
        value = (value, value)
    if len(value) != 2:
        raise NetworkError(f"expected n, (y, x) or ((top, bottom), (left, right)), received {value!r}.")
    return _sides(value[0]), _sides(value[1])


def _sides(value: Any) -> IntPair:
    if not isinstance(value, list | tuple):
        return integer(value), integer(value)
    if len(value) != 2:
        raise NetworkError(f"expected zeros before and after as (before, after), received {value!r}.")
    return integer(value[0]), integer(value[1])


def padding(value: Any) -> Padding:
    """Check the padding of a window.

    Args:
        value: "valid", "same" (in any case) or explicit padding.

    Returns:
        The padding.

    Raises:
        NetworkError: If the value is none of these.
    """
    if not isinstance(value, str):
        return margins(value)
    name = value.lower()
    if name not in ("valid", "same"):
        raise NetworkError(
            f"expected 'valid', 'same' or numbers, received {value!r}.{similar(value, ('valid', 'same'))}"
        )
    return name


def number(value: Any) -> float:
    """Check a real number that is finite in float32, in which engines compute.

    Args:
        value: What was received.

    Returns:
        The number.

    Raises:
        NetworkError: If it is not such a number.
    """
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        result = float("nan")
    if isinstance(value, str | bool) or not abs(result) <= MAX_FLOAT32:
        raise NetworkError(f"expected a finite number, received {value!r}.")
    return result


def not_negative(value: Any) -> float:
    """Check a finite number of at least 0.

    Args:
        value: What was received.

    Returns:
        The number.

    Raises:
        NetworkError: If it is not such a number.
    """
    result = number(value)
    if result < 0:
        raise NetworkError(f"expected a number of at least 0, received {value!r}.")
    return result


def above_zero(value: Any) -> float:
    """Check a finite number above 0.

    Args:
        value: What was received.

    Returns:
        The number.

    Raises:
        NetworkError: If it is not such a number.
    """
    result = number(value)
    if result <= 0:
        raise NetworkError(f"expected a number above 0, received {value!r}.")
    return result


def fraction(value: Any) -> float:
    """Check a number from 0 up to, but not including, 1.

    Args:
        value: What was received.

    Returns:
        The number.

    Raises:
        NetworkError: If it is not such a number.
    """
    result = number(value)
    if not 0 <= result < 1:
        raise NetworkError(f"expected a number from 0 up to, but not including, 1, received {value!r}.")
    return result


def flag(value: Any) -> bool:
    """Check a truth value.

    Args:
        value: What was received.

    Returns:
        The truth value.

    Raises:
        NetworkError: If it is neither True nor False.
    """
    if not isinstance(value, bool):
        raise NetworkError(f"expected True or False, received {value!r}.")
    return value


def per_channel(value: Any) -> float | tuple[float, ...]:
    """Accept one number for all channels, or a tuple with one number per channel."""
    if not isinstance(value, list | tuple):
        return number(value)
    return tuple(number(item) for item in value)


def one_of(*choices: str) -> Callable[[Any], str]:
    """Return a check that accepts only the given strings."""

    def check(value: Any) -> str:
        if value not in choices:
            hint = similar(value, choices) if isinstance(value, str) else ""
            raise NetworkError(f"expected one of {', '.join(map(repr, choices))}, received {value!r}.{hint}")
        return str(value)

    return check


def check_name(name: object) -> None:
    """Check that a name can be part of the names of files and parameters.

    Args:
        name: The name.

    Raises:
        NetworkError: If the name is not a string, is empty, or contains characters that such names cannot contain.
    """
    if not isinstance(name, str) or not name or name != name.strip() or name.endswith("."):
        raise NetworkError(f"Expected a name without spaces or dots at its ends, received {name!r}.")
    if not name.isprintable() or FORBIDDEN_IN_NAMES & set(name):
        raise NetworkError(f'The name {name!r} cannot be part of a file name. Leave out / \\ : * ? " < > |.')
