"""The verdict on overfitting: given for overfitting, and not given for noise."""

import numpy as np
import pytest

from striate.evaluation import learning_curves

EPOCHS = np.arange(1, 21)
FALLING = (0.5 * np.exp(-EPOCHS / 4)).tolist()


def test_rising_validation_loss_with_falling_training_loss_is_overfitting() -> None:
    validation = 0.4 * np.exp(-EPOCHS / 2) + 0.1 + 0.005 * np.maximum(0, EPOCHS - 6)
    found = learning_curves({"loss": FALLING, "val_loss": validation.tolist()})
    assert found.diagnosis == "overfitting"
    assert found.best is not None and found.columns["epoch"][found.best] in (6, 7, 8)
    assert found.val_loss_increase is not None and found.val_loss_increase > 0.4


def test_falling_validation_loss_is_learning() -> None:
    assert learning_curves({"loss": FALLING, "val_loss": [v + 0.1 for v in FALLING]}).diagnosis == "improving"


def test_noise_on_a_plateau_is_rarely_overfitting() -> None:
    rng = np.random.default_rng(1)
    level = 0.3 * np.exp(-EPOCHS / 2) + 0.2
    verdicts = [
        learning_curves({"loss": FALLING, "val_loss": (level + rng.normal(0, 0.02, 20)).tolist()}).diagnosis
        for _ in range(300)
    ]
    assert verdicts.count("overfitting") < 15


def test_rising_training_loss_is_not_overfitting() -> None:
    bump = [*FALLING[:10], *(0.9 for _ in range(10))]
    assert learning_curves({"loss": bump, "val_loss": bump}).diagnosis == "converged"


@pytest.mark.parametrize(
    ("history", "verdict"),
    [
        ({"loss": [1, 0.5], "val_loss": [1, 2]}, "too_short"),
        ({"loss": FALLING}, "no_validation"),
        ({"loss": FALLING, "val_loss": [None] * 20}, "no_validation"),
        ({}, "no_validation"),
    ],
)
def test_verdicts_without_enough_epochs_or_validation(history: dict[str, list[float]], verdict: str) -> None:
    assert learning_curves(history).diagnosis == verdict


def test_gap_between_training_and_validation_accuracy() -> None:
    found = learning_curves({"accuracy": [0.5, 0.99], "val_accuracy": [0.6, 0.9], "loss": [1, 0.5]})
    assert found.generalization_gap == pytest.approx(0.09)
    assert learning_curves({"accuracy": [0.5]}).generalization_gap is None


def test_missing_and_infinite_values_become_gaps() -> None:
    losses = [0.9, float("inf"), None, "", "0.5", 0.45]
    found = learning_curves({"loss": [6, 5, 4, 3, 2, 1], "val_loss": losses, "val_accuracy": [0.5, 0.6]})
    assert found.best == 5
    assert np.isnan(found.columns["val_loss"]).tolist() == [False, True, True, True, False, False]
    assert np.isnan(found.columns["val_accuracy"]).tolist() == [True] * 4 + [False] * 2  # belongs to the last epochs
