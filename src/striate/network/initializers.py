"""Descriptions of initializers. `engines/initialization.py` draws the weights."""

from dataclasses import dataclass, fields
from math import prod
from typing import Any

from striate.errors import NetworkError, nearest
from striate.network import settings as check


@dataclass(frozen=True)
class Initializer:
    """Base of all initializers. Raise NetworkError for a setting that is not a finite number."""

    def __post_init__(self) -> None:
        for field in fields(self):
            accept = check.not_negative if field.name == "stddev" else check.number
            check.convert(self, type(self).__name__, accept, field.name)


@dataclass(frozen=True)
class Normal(Initializer):
    """Normal distribution with `mean` and standard deviation `stddev`."""

    mean: float = 0.0
    stddev: float = 0.05


@dataclass(frozen=True)
class TruncatedNormal(Initializer):
    """Normal distribution, truncated at two standard deviations from the mean."""

    mean: float = 0.0
    stddev: float = 0.05


@dataclass(frozen=True)
class Uniform(Initializer):
    """Uniform distribution between `minimum` and `maximum`."""

    minimum: float = -0.05
    maximum: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.minimum > self.maximum:
            raise NetworkError(f"Uniform: expected minimum below maximum, received {self.minimum} and {self.maximum}.")


@dataclass(frozen=True)
class GlorotUniform(Initializer):
    """Uniform within ±√(6 / (fan_in + fan_out)). Source: Glorot and Bengio 2010."""


@dataclass(frozen=True)
class GlorotNormal(Initializer):
    """Truncated normal of variance 2 / (fan_in + fan_out). Source: Glorot and Bengio 2010."""


@dataclass(frozen=True)
class HeUniform(Initializer):
    """Uniform within ±√(6 / fan_in). Source: He et al. 2015, "Delving deep into rectifiers"."""


@dataclass(frozen=True)
class HeNormal(Initializer):
    """Truncated normal of variance 2 / fan_in. Source: He et al. 2015, "Delving deep into rectifiers"."""


@dataclass(frozen=True)
class Constant(Initializer):
    """All values equal to `value`."""

    value: float = 0.0


@dataclass(frozen=True)
class Zeros(Initializer):
    """All values 0."""


@dataclass(frozen=True)
class Ones(Initializer):
    """All values 1."""


@dataclass(frozen=True)
class Values(Initializer):
    """Given values, as tuples or lists nested to the number of axes of the parameter."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        check.convert(self, "Values", _numbers, "values")
        _nested_shape(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the values."""
        return _nested_shape(self.values)


def _numbers(values: Any) -> Any:
    return tuple(map(_numbers, values)) if isinstance(values, list | tuple) else check.number(values)


def _nested_shape(values: Any) -> tuple[int, ...]:
    if not isinstance(values, tuple):
        return ()
    inner = {_nested_shape(value) for value in values}
    if len(inner) != 1:
        raise NetworkError("Values: expected rows of equal length, and at least one number.")
    return (len(values), *inner.pop())


INITIALIZERS: dict[str, type[Initializer]] = {
    "normal": Normal,
    "random_normal": Normal,
    "truncated_normal": TruncatedNormal,
    "uniform": Uniform,
    "random_uniform": Uniform,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "constant": Constant,
    "zeros": Zeros,
    "ones": Ones,
}


def get_initializer(initializer: str | Initializer) -> Initializer:
    """Return an initializer by its Keras name, or the initializer itself.

    Args:
        initializer: A name such as "glorot_uniform", or an initializer such as HeNormal().

    Returns:
        The initializer.

    Raises:
        NetworkError: The name is unknown, or the value is neither a name nor an initializer.
    """
    if isinstance(initializer, Initializer):
        return initializer
    if not isinstance(initializer, str):
        raise NetworkError(f"Expected an initializer or its name, received {initializer!r}.")
    if initializer not in INITIALIZERS:
        raise NetworkError(f"There is no initializer '{initializer}'.{nearest(initializer, INITIALIZERS)}")
    return INITIALIZERS[initializer]()


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return fan-in and fan-out of a kernel, as in Keras.

    Args:
        shape: The shape of the kernel: the window, then input and output channels.

    Returns:
        (fan_in, fan_out).

    Example:
        >>> fans((3, 3, 16, 32))
        (144, 288)
    """
    if len(shape) < 2:
        return prod(shape), prod(shape)
    *window, inputs, outputs = shape
    return prod(window) * inputs, prod(window) * outputs
