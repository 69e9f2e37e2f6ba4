"""The learning-rate finder: one sweep from tiny to huge rates over training batches, and where the loss fell fastest.

Source: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3, arXiv:1506.01186.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from math import isfinite

import numpy as np

from striate._types import Array
from striate.training.callback import Trainee
from striate.training.feed import Feed
from striate.training.recipe import Recipe
from striate.training.samples import Samples

LOWEST, HIGHEST, STEPS = 1e-6, 10.0, 140  # twenty steps for each power of ten
WINDOW = 4  # steps to either side over which losses are averaged
BEGINNING = 10  # steps, before which no loss is taken to run away
DIVERGED = 4.0  # times the lowest mean, and the loss runs away
WORTH = 0.05  # of the first mean loss must be gained for the sweep to say something
Watch = Callable[[int, float, float], None]


@dataclass(frozen=True)
class Sweep:
    """What a sweep found.

    rates, losses: learning rate and loss of each step; smooth: losses averaged over their neighbours.
    steepest: the rate at which the loss fell fastest for a relative change of the rate; None where it never fell.
    lowest: the rate of the lowest smooth loss. diverged: the rate at which the loss ran away, None where it did not.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smooth: tuple[float, ...]
    steepest: float | None
    lowest: float
    diverged: float | None


def find_rate(
    model: Trainee, recipe: Recipe, train: Samples, *, steps: int = STEPS, watch: Watch | None = None
) -> Sweep:
    """Train a compiled model for so many steps with rising rates; it is spoilt afterwards, so give one of its own.

    The batches are those of a training by the recipe. watch: told the step from 0, its rate and its loss.
    """
    rates = np.geomspace(LOWEST, HIGHEST, steps)
    losses: list[float] = []
    with closing(_batches(Feed(train, recipe, model.engine))) as batches:
        for step, (rate, (batch, size)) in enumerate(zip(rates.tolist(), batches, strict=False)):
            result = model.engine.train_step(
                batch.inputs, batch.targets, learning_rate=rate, step=step, global_batch=size
            )
            losses.append(result.loss)
            if watch:
                watch(step, rate, result.loss)
            if _ran_away(losses):
                break
    return judge(rates[: len(losses)], np.array(losses))


def judge(rates: Array, losses: Array) -> Sweep:
    """What the losses (N,) at rising rates (N,) mean; they end where the loss ran away."""
    diverged = float(rates[-1]) if _ran_away(losses.tolist()) else None
    known = np.isfinite(losses)
    rates, losses = rates[known], losses[known]
    smooth = _smoothed(losses)
    low, slope = int(smooth.argmin()), np.gradient(_smoothed(smooth), np.log(rates))
    fell = smooth[low] < (1 - WORTH) * smooth[0]
    steepest = float(rates[slope[: low + 1].argmin()]) if fell else None
    return Sweep(
        tuple(rates.tolist()), tuple(losses.tolist()), tuple(smooth.tolist()), steepest, float(rates[low]), diverged
    )


def _batches(feed: Feed) -> Generator[tuple[Samples, int], None, None]:
    """Epoch after epoch."""
    for epoch in count():
        yield from feed.epoch(epoch)


def _smoothed(losses: Array) -> Array:
    """Means over a window about each number (N,), which is cut off at both ends."""
    window = np.ones(min(2 * WINDOW + 1, len(losses)))
    sums: Array = np.convolve(losses, window, "same")
    return np.asarray(sums / np.convolve(np.ones(len(losses)), window, "same"))


def _ran_away(losses: Sequence[float]) -> bool:
    if not isfinite(losses[-1]):
        return True
    means = _smoothed(np.array(losses))
    return len(losses) > BEGINNING and float(np.mean(losses[-WINDOW:])) > DIVERGED * float(means.min())
