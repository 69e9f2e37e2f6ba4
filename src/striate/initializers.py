"""The initializers, importable as in Keras: `from striate.initializers import HeNormal`."""

from striate.network.initializers import (
    Constant,
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
    Values,
    VarianceScaling,
    Zeros,
    get_initializer,
)

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity", "Initializer", "LecunNormal",
    "LecunUniform", "Normal", "Ones", "Orthogonal", "OrthogonalInitializer", "RandomNormal", "RandomUniform",
    "TruncatedNormal", "Uniform", "Values", "VarianceScaling", "Zeros", "get", "glorot_normal", "glorot_uniform",
    "he_normal", "he_uniform", "lecun_normal", "lecun_uniform", "ones", "orthogonal", "random_normal",
    "random_uniform", "truncated_normal", "variance_scaling", "zeros",
]  # fmt: skip

RandomNormal = random_normal = Normal
Identity = IdentityMatrix
OrthogonalInitializer = orthogonal = Orthogonal
glorot_normal, glorot_uniform, he_normal, he_uniform = GlorotNormal, GlorotUniform, HeNormal, HeUniform
lecun_normal, lecun_uniform, truncated_normal = LecunNormal, LecunUniform, TruncatedNormal
ones, zeros, variance_scaling, get = Ones, Zeros, VarianceScaling, get_initializer


def RandomUniform(minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> Uniform:  # noqa: N802
    """Return the uniform distribution between `minval` and `maxval`."""
    return Uniform(minval, maxval, seed=seed)


random_uniform = RandomUniform
