"""The learning-rate finder: suggestions for known loss curves, and the steps it takes."""

import math
from typing import Any

import numpy as np
import pytest

import striate as st
from striate.data import Augmentation
from striate.engines.base import TrainingSettings
from striate.engines.initialization import initial_weights
from striate.engines.losses import CategoricalCrossentropy
from striate.engines.optimizers import SGD
from striate.network import Dense, Flatten, Input, Rescale
from striate.training import Recipe, Samples, check_samples
from striate.training.loader import BatchLoader
from striate.training.lr_finder import MAX_RATE, MIN_RATE, STEPS, analyze_sweep, sweep_learning_rate

RATES = np.geomspace(MIN_RATE, MAX_RATE, STEPS)


def loss_curve(fall: float, rise: float = math.inf, noise: float = 0.0) -> Any:
    """Return a loss that falls from 2 to 1 near one rate, and diverges from another rate on."""
    position = np.log10(RATES)
    down = 2 - 1 / (1 + np.exp(-6 * (position - np.log10(fall))))
    up = np.where(rise <= RATES, 10.0 ** (1 + position - np.log10(rise)), 0) if rise < math.inf else 0
    return down + up + noise * np.random.default_rng(0).standard_normal(len(RATES))


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("fall", [1e-4, 1e-3, 1e-2])
def test_suggested_rate_is_where_the_loss_falls_fastest(fall: float, noise: float) -> None:
    sweep = analyze_sweep(RATES, loss_curve(fall, rise=100 * fall, noise=noise))
    assert sweep.steepest is not None
    assert fall / 1.6 < sweep.steepest < fall * 1.6
    assert 4 * fall < sweep.lowest <= 100 * fall


def test_loss_that_never_falls_gives_no_suggestion() -> None:
    sweep = analyze_sweep(RATES, np.full(STEPS, 0.7) + 0.01 * np.random.default_rng(0).standard_normal(STEPS))
    assert sweep.steepest is None
    assert sweep.diverged is None


def test_nan_loss_counts_as_divergence() -> None:
    losses = loss_curve(1e-3)
    losses[100:] = math.nan
    sweep = analyze_sweep(RATES[:101], losses[:101])
    assert sweep.diverged == RATES[100]
    assert len(sweep.rates) == len(sweep.losses) == len(sweep.smooth) == 100
    assert np.isfinite(sweep.smooth).all()


def samples(n: int = 60) -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    y = generator.integers(0, 3, n)
    x = generator.integers(0, 120, (n, 6, 5, 1)) + 60 * y[:, None, None, None]
    return x.astype(np.uint8), y


def model() -> st.Model:
    made = st.Sequential([Input((6, 5, 1)), Rescale(), Flatten(), Dense(3, activation="softmax", name="d")])
    made.compile(SGD())
    return made


def test_each_step_is_a_training_step_with_its_rate() -> None:
    """The sweep written by hand, over several epochs, with augmentation."""
    recipe = Recipe(batch_size=25, optimizer=SGD(), augmentation=Augmentation(rotation=20), seed=3)
    found, own = model(), model()
    train: Samples = check_samples(own.network, own.losses, *samples())
    seen: list[tuple[int, float, float]] = []
    sweep = sweep_learning_rate(found, recipe, train, steps=8, on_step=lambda *args: seen.append(args))
    own.engine.weights = initial_weights(own.network, 0)
    own.engine.compile(TrainingSettings(SGD(), [CategoricalCrossentropy()]))
    losses: list[float] = []
    feed, rates = BatchLoader(train, recipe, own.engine), np.geomspace(MIN_RATE, MAX_RATE, 8)
    for epoch in range(3):
        for batch, size in feed.epoch(epoch):
            if len(losses) < 8:
                rate = float(rates[len(losses)])
                step = len(losses)
                result = own.engine.train_step(
                    batch.inputs, batch.targets, learning_rate=rate, step=step, global_batch=size
                )
                losses.append(result.loss)
    assert sweep.rates == pytest.approx(rates)
    assert sweep.losses == tuple(losses)
    assert [step for step, _, _ in seen] == list(range(8))
    assert [loss for _, _, loss in seen] == losses


def test_finder_stops_when_the_loss_diverges() -> None:
    """A linear network with a squared loss grows without bound."""
    made = st.Sequential([Input((6, 5, 1)), Flatten(), Dense(1)])
    made.compile(SGD())
    x, y = samples()
    train = check_samples(made.network, made.losses, x, y.astype(np.float32))
    with np.errstate(all="ignore"):
        sweep = sweep_learning_rate(made, Recipe(batch_size=20), train)
    assert sweep.diverged is not None
    assert sweep.diverged < 1e-2
    assert len(sweep.rates) < STEPS
