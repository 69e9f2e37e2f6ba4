"""The initializers, importable as in Keras: `from striate.initializers import HeNormal`."""

from typing import Any

from striate.errors import UsageError, raise_for_serialization
from striate.network.initializers import (
    Constant,
    FromValues,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    IdentityMatrix,
    Initializer,
    LecunNormal,
    LecunUniform,
    Normal,
    Ones,
    Orthogonal,
    TruncatedNormal,
    Uniform,
    VarianceScaling,
    Zeros,
    get_initializer,
)

__all__ = [
    "Constant",
    "FromValues",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Normal",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "Uniform",
    "VarianceScaling",
    "Zeros",
    "constant",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]  # fmt: skip

RandomNormal = random_normal = Normal
Identity = IdentityInitializer = IdentityMatrix
OrthogonalInitializer = orthogonal = Orthogonal
glorot_normal, glorot_uniform, he_normal, he_uniform = GlorotNormal, GlorotUniform, HeNormal, HeUniform
lecun_normal, lecun_uniform, truncated_normal = LecunNormal, LecunUniform, TruncatedNormal
ones, zeros, constant, variance_scaling = Ones, Zeros, Constant, VarianceScaling
identity = IdentityMatrix


def RandomUniform(minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> Uniform:  # noqa: N802
    """Return a uniform distribution.

    Args:
        minval: Smallest value.
        maxval: Largest value.
        seed: Seed of the values; None: by the name of the parameter.

    Returns:
        The initializer.
    """
    return Uniform(minval, maxval, seed=seed)


def get(identifier: Any) -> Initializer | None:
    """Return the initializer for a name, a number, an array or an initializer; None for None."""
    return None if identifier is None else get_initializer(identifier)


random_uniform = RandomUniform


def __getattr__(name: str) -> Any:
    raise_for_serialization("initializers", name)
    if name in ("STFT", "STFTInitializer", "stft"):
        raise UsageError(f"Striate has no {name}: it is for sounds.")
    raise AttributeError(f"module 'striate.initializers' has no attribute '{name}'")
