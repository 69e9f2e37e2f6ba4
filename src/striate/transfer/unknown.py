"""Whether a picture is of none of the classes: how far its features lie from those of every class."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from striate._types import Array
from striate.errors import ModelFileError
from striate.transfer.scale import Scale

DIRECTIONS = 16
PRIOR = 5  # pictures' worth of trust that features vary within a class as they do over all
ROUNDS = 4  # of the iteration that finds the directions
REFUSED = 0.01  # of the real pictures, held out
NEVER = -1  # the fold of pictures that are not held out
SHARES = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2)  # that the report tells of


@dataclass(frozen=True, eq=False)
class OpenSetDetector:
    """A Gaussian for each class in the space of features, all of one covariance.

    mean, deviation: (F,); features x become z = (x − mean) / deviation. directions: (F, D), orthonormal, in which z
    varies most within a class. spreads: (D,), its standard deviations along them. rest: () along all others.
    centres: (K, F), of the classes. limit: (); what is farther from all classes is unknown.
    Source: Tipping, Bishop 1999, "Probabilistic principal component analysis", for the covariance; Lee et al. 2018, "A
    simple unified framework for detecting out-of-distribution samples", for the distance.
    """

    mean: Array
    deviation: Array
    directions: Array
    spreads: Array
    rest: Array
    centres: Array
    limit: Array

    def distances(self, x: Array) -> Array:
        """Float64 (N,): of features x (N, F) the distance from the nearest class, about 1 for real pictures."""
        z = Scale(self.mean, self.deviation).apply(x)
        u, v = z @ self.directions, self.centres @ self.directions  # (N, D), (K, D)
        across = np.maximum(_squares(z, self.centres) - _squares(u, v), 0)
        squares = _squares(u / self.spreads, v / self.spreads) + across / self.rest**2
        return np.asarray(np.sqrt(np.maximum(squares.min(axis=1), 0) / z.shape[1]), np.float64)

    def unknown(self, x: Array) -> Array:
        """Bool (N,): whether features x (N, F) are farther from all classes than the limit."""
        return np.asarray(self.distances(x) > self.limit)

    def to_arrays(self) -> dict[str, Array]:
        """Float32 arrays by name, to be kept in a model's file."""
        return {name: np.asarray(value, np.float32) for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> "OpenSetDetector":
        """What `to_arrays` gave. Raises ModelFileError for arrays that are missing or do not fit together."""
        try:
            found = cls(**arrays)
            (size, most), classes = found.directions.shape, len(found.centres)
        except (TypeError, ValueError) as error:
            raise ModelFileError(f"What the model knows of unknown pictures is not whole: {error}.") from error
        shapes = {
            "mean": (size,),
            "deviation": (size,),
            "spreads": (most,),
            "rest": (),
            "limit": (),
            "centres": (classes, size),
        }
        for name, shape in shapes.items():
            if arrays[name].shape != shape:
                raise ModelFileError(
                    f"What the model knows of unknown pictures: '{name}' has shape {arrays[name].shape}, not {shape}."
                )
        return found


@dataclass(frozen=True)
class TradeOff:
    """What a limit costs. refused: share of real pictures, held out, beyond the limit."""

    refused: float
    limit: float


def fit_open_set(
    x: Array, y: Array, classes: int, folds: Array, refused: float = REFUSED
) -> tuple[OpenSetDetector, tuple[TradeOff, ...]]:
    """What is usual for features x (N, F) of classes y (N,), and what other limits would cost.

    folds: (N,), as for the head, or NEVER. refused: the share of real pictures that the limit may call unknown; the
    limit comes from distances of pictures from Gaussians that never saw them, where they are held out at all.
    """
    scale = Scale.of(x)
    z = scale.apply(x)
    held, trust = np.empty(len(x)), len(x) / (len(x) + PRIOR)
    for fold in np.unique(folds[folds != NEVER]):
        out = folds == fold
        held[out] = _gaussians(z[~out], y[~out], classes, trust).distances(z[out])
    held = held[folds != NEVER]
    usual = _gaussians(z, y, classes, trust)
    limit = np.asarray(np.quantile(held, 1 - refused, method="higher"))
    trade = tuple(TradeOff(share, float(np.quantile(held, 1 - share, method="higher"))) for share in SHARES)
    found = OpenSetDetector(
        scale.mean, scale.deviation, usual.directions, usual.spreads, usual.rest, usual.centres, limit
    )
    return found, trade


def _gaussians(z: Array, y: Array, classes: int, trust: float) -> OpenSetDetector:
    """Of scaled features z (N, F); without a limit. trust: 0 … 1, in the variances of these pictures."""
    known = [number for number in range(classes) if (y == number).any()]
    centres = np.stack([z[y == number].mean(axis=0) for number in known])
    within = z - centres[np.searchsorted(known, y)]
    freedom = max(1, len(z) - len(known))
    directions = _widest(within, max(1, min(DIRECTIONS, freedom // 3)))
    size = z.shape[1]
    along = ((within @ directions) ** 2).sum(axis=0) / freedom
    across = ((within**2).sum() / freedom - along.sum()) / max(1, size - len(along))
    spreads, rest = (np.sqrt(trust * np.maximum(variance, 0) + 1 - trust) for variance in (along, across))
    return OpenSetDetector(np.zeros(size), np.ones(size), directions, spreads, rest, centres, np.asarray(np.inf))


def _squares(rows: Array, others: Array) -> Array:
    """Squared distances (N, K) of rows (N, F) from others (K, F)."""
    own, theirs = ((x.astype(np.float64) ** 2).sum(axis=1) for x in (rows, others))
    return np.asarray(own[:, None] + theirs - 2.0 * (rows @ others.T))


def _widest(within: Array, count: int) -> Array:
    """Orthonormal directions (F, count) in which rows (N, F) vary most, by iteration on a subspace; always the same."""
    size = within.shape[1]
    if not within.any():  # one picture of each class: any directions will do
        return np.eye(size, count)
    basis = np.random.default_rng(0).standard_normal((size, min(count + 8, size))).astype(within.dtype)
    for _ in range(ROUNDS):
        basis = _orthonormal(within.T @ (within @ basis))
    along = within @ basis
    _, turned = np.linalg.eigh(along.T @ along)  # the widest last
    return np.asarray(basis @ turned[:, ::-1][:, :count])


def _orthonormal(columns: Array) -> Array:
    """An orthonormal basis (F, D) of what columns (F, D) span; by products alone, which is quicker than a QR."""
    values, turned = np.linalg.eigh(columns.T.astype(np.float64) @ columns)
    kept = values > values[-1] * 1e-10
    return np.asarray((columns @ turned[:, kept]) / np.sqrt(values[kept]), columns.dtype)
