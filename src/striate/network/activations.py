"""The names of activation functions, and those with parameters, such as "leaky_relu(negative_slope=0.1)"."""

import re
from collections.abc import Mapping
from math import inf
from typing import Any

from striate.errors import NetworkError, nearest

LEAK = 0.2  # slope of leaky_relu below 0: Keras's negative_slope
GELU_CUBIC = 0.044715  # coefficient of x³ in gelu_tanh: Hendrycks and Gimpel 2016, section 2
TANH_SCALE, TANH_SLOPE = 1.7159, 2.0 / 3.0  # A and S of scaled_tanh: LeCun et al. 1998, section II.B and appendix A
ACTIVATIONS = (
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu_exact", "gelu_tanh", "silu", "mish", "softplus",
    "softsign", "sigmoid", "log_sigmoid", "hard_sigmoid", "hard_swish", "hard_tanh", "tanh", "scaled_tanh",
    "exponential", "softmax", "softmin", "log_softmax",
)  # fmt: skip
ALIASES = {"gelu": "gelu_exact", "swish": "silu", "hard_silu": "hard_swish"}  # names in Keras
PARAMETERS: dict[str, dict[str, float]] = {  # with their defaults
    "relu": {"max_value": inf, "negative_slope": 0.0, "threshold": 0.0},
    "leaky_relu": {"negative_slope": LEAK},
    "elu": {"alpha": 1.0},
}
ActivationLike = Any  # what `get_activation` accepts


def get_activation(value: ActivationLike) -> str:
    """Return the canonical name of an activation.

    Args:
        value: A name, None for "linear", a function of `striate.activations`, or a layer that is only an activation,
            such as ReLU() or LeakyReLU(0.1).

    Returns:
        The name, with its parameters if they are not the defaults.

    Raises:
        NetworkError: If there is no such activation.

    Example:
        >>> get_activation("swish"), get_activation(None), get_activation("elu(alpha=0.5)")
        ('silu', 'linear', 'elu(alpha=0.5)')
    """
    if value is None:
        return "linear"
    if not isinstance(value, str):
        value = getattr(value, "activation_name", value)
    if not isinstance(value, str):
        raise NetworkError(_not_an_activation(value))
    base, given = _parse(value)
    base = ALIASES.get(base, base)
    if base not in ACTIVATIONS:
        known = (*ACTIVATIONS, *ALIASES)
        raise NetworkError(f"there is no activation '{value}'.{nearest(value, known)}")
    return activation_name(base, given)


def _not_an_activation(value: Any) -> str:
    if callable(value) and hasattr(value, "__name__"):
        return (
            f"expected the name of an activation, received the function {value.__name__}. A network is data, so a "
            "custom function must be a layer: CONTRIBUTING.md says which files."
        )
    return f"expected the name of an activation, received {value!r}."


def activation_name(base: str, given: Mapping[str, float]) -> str:
    """Return the name of an activation with parameters.

    Args:
        base: Name of the activation without parameters.
        given: The parameters.

    Returns:
        The name, in which parameters that have their default are left out.

    Raises:
        NetworkError: If the activation has no such parameter, or a value is out of range.
    """
    defaults = PARAMETERS.get(base, {})
    for name, number in given.items():
        if name not in defaults:
            raise NetworkError(f"the activation '{base}' has no parameter '{name}'.")
        if not number >= 0:
            raise NetworkError(f"{name}: expected a number of at least 0, received {number}.")
    if base == "relu" and {**defaults, **given} == {**defaults, "max_value": 6}:
        return "relu6"
    changed = [f"{name}={float(given[name])}" for name in defaults if given.get(name, defaults[name]) != defaults[name]]
    return f"{base}({', '.join(changed)})" if changed else base


def activation_parts(name: str) -> tuple[str, dict[str, float]]:
    """Split the canonical name of an activation.

    Args:
        name: From `get_activation`.

    Returns:
        The name without parameters, and all parameters with their values.

    Example:
        >>> activation_parts("leaky_relu"), activation_parts("elu(alpha=0.5)")
        (('leaky_relu', {'negative_slope': 0.2}), ('elu', {'alpha': 0.5}))
    """
    base, given = _parse(name)
    return base, {**PARAMETERS.get(base, {}), **given}


def _parse(name: str) -> tuple[str, dict[str, float]]:
    match = re.fullmatch(r"(\w+)(?:\((.*)\))?", name)
    base, inside = (match[1], match[2]) if match else (name, None)
    try:
        pairs = (part.split("=") for part in inside.split(",")) if inside else ()
        return base, {key.strip(): float(value) for key, value in pairs}
    except ValueError:
        raise NetworkError(f"expected an activation such as 'elu(alpha=0.5)', received {name!r}.") from None
