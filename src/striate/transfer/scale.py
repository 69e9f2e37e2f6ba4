"""Features brought to one scale, with care where there are few pictures to tell it by."""

from dataclasses import dataclass

import numpy as np

from striate._types import Array

PRIOR = 100  # pictures' worth of trust that all features vary alike


@dataclass(frozen=True, eq=False)
class Scale:
    """Features (N, F) to mean 0 and about deviation 1. mean, deviation: (F,)."""

    mean: Array
    deviation: Array

    @classmethod
    def of(cls, x: Array) -> "Scale":
        """That of these features; where there are few, their variances are drawn to the mean of all."""
        mean, variance = x.mean(axis=0, dtype=np.float64), x.var(axis=0, dtype=np.float64)
        trust = len(x) / (len(x) + PRIOR)
        shrunk = trust * variance + (1 - trust) * variance.mean()
        return cls(mean, np.sqrt(shrunk + 1e-12))

    def apply(self, x: Array) -> Array:
        """Float32 (N, F)."""
        return np.asarray((x - self.mean) / self.deviation, np.float32)
