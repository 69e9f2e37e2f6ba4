"""Descriptions of initializers. `engines/initialization.py` draws the weights."""

import re
from dataclasses import dataclass, field, fields
from math import isfinite, prod
from typing import Any

from striate.arguments import check_constructor
from striate.errors import NetworkError, nearest
from striate.network import settings as check


@dataclass(frozen=True)
class Initializer:
    """Base of all initializers. Raise NetworkError for a setting that is not a finite number.

    Attributes:
        seed: Decides the values, 0 or more; None: the seed of the model and the name of the parameter decide.
    """

    seed: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for each in fields(self):
            if each.name != "seed" or self.seed is not None:
                check.convert(self, type(self).__name__, _CHECKS.get(each.name, check.number), each.name)

    def get_config(self) -> dict[str, Any]:
        """Return the settings by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Initializer":
        """Return an initializer with the settings that `get_config` returned."""
        return cls(**config)

    def __call__(self, shape: Any, dtype: Any = None, **_: Any) -> Any:
        """Raise NetworkError: an initializer is a description."""
        raise NetworkError(
            f"{type(self).__name__} describes initial values, and a network draws them. Pass it to a layer, or draw an "
            "array with NumPy or striate.random."
        )


_CHECKS = {
    "seed": check.integer,
    "stddev": check.not_negative,
    "scale": check.above_zero,
    "mode": check.one_of("fan_in", "fan_out", "fan_avg"),
    "distribution": check.one_of("truncated_normal", "untruncated_normal", "uniform"),
}


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
class LecunUniform(Initializer):
    """Uniform within ±√(3 / fan_in). Source: LeCun et al. 1998, "Efficient BackProp"."""


@dataclass(frozen=True)
class LecunNormal(Initializer):
    """Truncated normal of variance 1 / fan_in. Source: LeCun et al. 1998, "Efficient BackProp"."""


@dataclass(frozen=True)
class VarianceScaling(Initializer):
    """A distribution of variance `scale` / n, where n is fan_in, fan_out or their mean (fan_avg).

    Attributes:
        scale: Above 0.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal", "untruncated_normal" or "uniform".
    """

    scale: float = 1.0
    mode: str = "fan_in"
    distribution: str = "truncated_normal"


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """A matrix with orthogonal columns or rows, times `gain`; axes of a kernel but the last count as rows.

    Source: Saxe, McClelland, Ganguli 2014.
    """

    gain: float = 1.0


@dataclass(frozen=True)
class IdentityMatrix(Initializer):
    """The identity matrix times `gain`, for kernels with two axes."""

    gain: float = 1.0


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
class FromValues(Initializer):
    """Given values, as tuples or lists nested to the number of axes of the parameter."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        check.convert(self, "FromValues", _numbers, "values")
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
        raise NetworkError("FromValues: expected rows of equal length, and at least one number.")
    return (len(values), *inner.pop())


for _kind in (
    Initializer, Normal, TruncatedNormal, Uniform, GlorotUniform, GlorotNormal, HeUniform, HeNormal, LecunUniform,
    LecunNormal, VarianceScaling, Orthogonal, IdentityMatrix, Constant, Zeros, Ones, FromValues,
):  # fmt: skip
    check_constructor(_kind)

InitializerLike = Any  # what `get_initializer` accepts

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
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
    "variance_scaling": VarianceScaling,
    "orthogonal": Orthogonal,
    "identity": IdentityMatrix,
    "constant": Constant,
    "zeros": Zeros,
    "ones": Ones,
}


def get_initializer(initializer: InitializerLike) -> Initializer:
    """Return the initializer that a value means.

    Args:
        initializer: A name such as "glorot_uniform" or "HeNormal", an initializer such as HeNormal() or its class, one
            number for all values, or an array or nested list of the parameter's shape.

    Returns:
        The initializer.

    Raises:
        NetworkError: If the name is unknown, or the value is something else.

    Example:
        >>> get_initializer("HeNormal"), get_initializer(0.1), get_initializer([1, 2])
        (HeNormal(seed=None), Constant(seed=None, value=0.1), FromValues(seed=None, values=(1.0, 2.0)))
    """
    if isinstance(initializer, type) and issubclass(initializer, Initializer):
        return initializer()
    if isinstance(initializer, Initializer):
        return initializer
    if isinstance(initializer, str):
        snake_case = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", initializer).lower()
        if snake_case in INITIALIZERS:
            return INITIALIZERS[snake_case]()
        raise NetworkError(f"There is no initializer '{initializer}'.{nearest(snake_case, INITIALIZERS)}")
    values = initializer.tolist() if hasattr(initializer, "tolist") else initializer
    if isinstance(values, int | float) and not isinstance(values, bool) and isfinite(values):
        return Constant(values)
    if isinstance(values, list | tuple):
        return FromValues(tuple(values))
    if callable(initializer):
        raise NetworkError(
            "A function cannot be an initializer, because a network is data and may be saved. Pass an array of the "
            "shape of the weights, or set them after building: layer.set_weights([kernel, bias])."
        )
    raise NetworkError(f"Expected an initializer, its name, a number or an array, received {initializer!r}.")


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
