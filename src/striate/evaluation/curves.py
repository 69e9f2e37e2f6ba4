"""Learning curves, and the detection of overfitting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Diagnosis = Literal["overfitting", "improving", "converged", "too_short", "no_validation"]

METRICS = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
TAIL = 3  # epochs averaged at the end, so that one outlier does not decide
MIN_RISE = 0.05  # smallest reported rise, as a fraction of the best validation loss
MIN_EPOCHS = 5


@dataclass(frozen=True)
class LearningCurves:
    """The history of a training run by column, with a diagnosis of overfitting.

    Attributes:
        columns: Epoch, and those of loss, accuracy, val_loss, val_accuracy and learning_rate that were recorded; NaN
            for missing values.
        best: Index of the epoch with the lowest validation loss.
        val_loss_increase: Mean validation loss of the last epochs above the best, as a fraction of the best.
        val_loss_noise: Standard deviation of the validation loss around its trend.
        generalization_gap: Final training accuracy − final validation accuracy.
        diagnosis: "overfitting": the validation loss rose by more than its noise while the training loss kept falling;
            "improving": the best epoch is among the last three; "converged": neither; "too_short": fewer than five
            epochs; "no_validation": there is no validation loss.
    """

    columns: dict[str, NDArray[np.float64]]
    best: int | None
    val_loss_increase: float | None
    val_loss_noise: float | None
    generalization_gap: float | None
    diagnosis: Diagnosis


def learning_curves(history: Mapping[str, Sequence[Any]]) -> LearningCurves:
    """Analyze the history of a training run.

    Overfitting is reported if the mean validation loss of the last three epochs (of those after the best, if fewer)
    is above the best by more than 5 % of it and by more than four times the noise, and the training loss of the same
    epochs is below that of the best epoch. The noise is estimated from the median absolute second difference, in which
    a linear trend cancels.

    Args:
        history: One list of values for each of `loss`, `accuracy`, `val_loss`, `val_accuracy` and `learning_rate`, as
            in `History.history`; others are ignored. A shorter list belongs to the last epochs.

    Returns:
        The curves, with epochs numbered from 1, and the diagnosis.
    """
    columns = _columns(history)
    gap = _gap(columns)
    if "val_loss" not in columns:
        return LearningCurves(columns, None, None, None, gap, "no_validation")
    validation = columns["val_loss"]
    recorded = np.flatnonzero(np.isfinite(validation))
    best = int(recorded[validation[recorded].argmin()])
    tail = recorded[recorded > best][-TAIL:]
    noise = _noise(validation[recorded])
    rise = float(validation[tail].mean() - validation[best]) if len(tail) else 0.0
    training_fell = len(tail) > 0 and "loss" in columns and bool(columns["loss"][tail].mean() < columns["loss"][best])
    relative_rise = rise / max(float(validation[best]), 1e-12)
    diagnosis = _diagnose(
        len(recorded), len(recorded[recorded > best]), training_fell and rise > 4 * noise and relative_rise > MIN_RISE
    )
    return LearningCurves(columns, best, relative_rise, noise, gap, diagnosis)


def _columns(history: Mapping[str, Sequence[Any]]) -> dict[str, NDArray[np.float64]]:
    recorded = {name: [_number(value) for value in history[name]] for name in METRICS if name in history}
    epochs = max(map(len, recorded.values()), default=0)
    columns = {"epoch": np.arange(1.0, epochs + 1)}
    for name, values in recorded.items():
        if any(map(isfinite, values)):
            columns[name] = np.array([float("nan")] * (epochs - len(values)) + values)
    return columns


def _number(value: Any) -> float:
    """Convert to float; missing, empty and infinite values become NaN."""
    number = float("nan" if value in (None, "") else value)
    return number if isfinite(number) else float("nan")


def _gap(columns: Mapping[str, NDArray[np.float64]]) -> float | None:
    if "accuracy" not in columns or "val_accuracy" not in columns:
        return None
    gap = float(columns["accuracy"][-1] - columns["val_accuracy"][-1])
    return gap if isfinite(gap) else None


def _noise(validation: NDArray[np.float64]) -> float:
    second_differences = np.diff(validation, n=2)
    if len(second_differences) == 0:
        return 0.0
    # The variance of a second difference is (1 + 4 + 1) σ²; 1.4826 converts the median absolute deviation to σ.
    return float(1.4826 * np.median(np.abs(second_differences)) / np.sqrt(6))


def _diagnose(epochs: int, since_best: int, overfits: bool) -> Diagnosis:
    if epochs < MIN_EPOCHS:
        return "too_short"
    if overfits:
        return "overfitting"
    return "improving" if since_best < TAIL else "converged"
