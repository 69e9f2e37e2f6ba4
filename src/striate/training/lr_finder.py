"""The learning-rate finder: increase the rate from step to step, and find where the loss falls fastest.

Source: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3, arXiv:1506.01186.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from math import isfinite

import numpy as np

from striate._types import Array
from striate.training.loader import BatchLoader
from striate.training.recipe import Recipe
from striate.training.samples import Samples
from striate.training.trainable_model import TrainableModel

MIN_RATE, MAX_RATE, STEPS = 1e-6, 10.0, 140  # twenty steps for each power of ten
WINDOW = 4  # steps on either side over which losses are averaged
MIN_STEPS = 10  # number of steps before the loss may count as diverged
DIVERGED = 4.0  # times the lowest smooth loss, above which the loss has diverged
MIN_GAIN = 0.05  # minimum decrease, as a fraction of the first smooth loss, for a suggestion
StepCallback = Callable[[int, float, float], None]


@dataclass(frozen=True)
class LearningRateSweep:
    """The result of a sweep.

    Attributes:
        rates: The learning rate of each step.
        losses: The loss of each step.
        smooth: The losses averaged over their neighbors.
        steepest: The rate at which the loss fell fastest for a relative change of the rate; None if it never fell.
        lowest: The rate of the lowest smooth loss.
        diverged: The rate at which the loss diverged; None if it did not.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smooth: tuple[float, ...]
    steepest: float | None
    lowest: float
    diverged: float | None


def sweep_learning_rate(
    model: TrainableModel, recipe: Recipe, train: Samples, *, steps: int = STEPS, on_step: StepCallback | None = None
) -> LearningRateSweep:
    """Train a compiled model for a few steps with rising learning rates.

    Args:
        model: A compiled model. Its weights are changed and not useful afterwards.
        recipe: Determines the batches, as in training.
        train: The training samples.
        steps: Maximum number of steps; fewer if the loss diverges.
        on_step: Called with each step from 0, its rate and its loss.

    Returns:
        The result of the sweep.
    """
    rates = np.geomspace(MIN_RATE, MAX_RATE, steps)
    losses: list[float] = []
    with closing(_endless(BatchLoader(train, recipe, model.engine))) as batches:
        for step, (rate, (batch, size)) in enumerate(zip(rates.tolist(), batches, strict=False)):
            result = model.engine.train_step(
                batch.inputs, batch.targets, learning_rate=rate, step=step, global_batch=size,
                sample_weights=batch.weights,
            )  # fmt: skip
            losses.append(result.loss)
            if on_step:
                on_step(step, rate, result.loss)
            if _has_diverged(losses):
                break
    return analyze_sweep(rates[: len(losses)], np.array(losses))


def analyze_sweep(rates: Array, losses: Array) -> LearningRateSweep:
    """Find where the loss fell fastest, was lowest, and diverged.

    Args:
        rates: Rising learning rates (N,).
        losses: The loss (N,) of each; they end where the loss diverged.

    Returns:
        The result of the sweep.
    """
    diverged = float(rates[-1]) if _has_diverged(losses.tolist()) else None
    finite = np.isfinite(losses)
    rates, losses = rates[finite], losses[finite]
    smooth = _smooth(losses)
    low, slope = int(smooth.argmin()), np.gradient(_smooth(smooth), np.log(rates))
    fell = smooth[low] < (1 - MIN_GAIN) * smooth[0]
    steepest = float(rates[slope[: low + 1].argmin()]) if fell else None
    return LearningRateSweep(
        tuple(rates.tolist()), tuple(losses.tolist()), tuple(smooth.tolist()), steepest, float(rates[low]), diverged
    )


def _endless(loader: BatchLoader) -> Generator[tuple[Samples, int], None, None]:
    for epoch in count():
        yield from loader.epoch(epoch)


def _smooth(losses: Array) -> Array:
    """Return the mean over a window around each number (N,); the window is cut off at both ends."""
    window = np.ones(min(2 * WINDOW + 1, len(losses)))
    sums: Array = np.convolve(losses, window, "same")
    return np.asarray(sums / np.convolve(np.ones(len(losses)), window, "same"))


def _has_diverged(losses: Sequence[float]) -> bool:
    if not isfinite(losses[-1]):
        return True
    means = _smooth(np.array(losses))
    return len(losses) > MIN_STEPS and float(np.mean(losses[-WINDOW:])) > DIVERGED * float(means.min())
