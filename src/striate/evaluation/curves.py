"""Learning curves, and the point from which the network learnt its training images by heart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["overfitting", "learning", "settled", "too_short", "no_validation"]

FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
TAIL = 3  # epochs averaged at the end, so that one bad epoch does not decide
LEAST_RISE = 0.05  # of the best validation loss: less than that is nobody's worry
LEAST_EPOCHS = 5


@dataclass(frozen=True)
class LearningCurves:
    """The history of a training by column, with a verdict.

    columns: epoch, loss, accuracy, val_loss, val_accuracy, learning_rate, those that were recorded; NaN where one epoch
    lacks a figure. best: index of the epoch with the lowest validation loss. rise: how far the validation loss of the
    last epochs lies above the best, as a share of it. noise: the usual jump of the validation loss from epoch to epoch.
    gap: last training accuracy − last validation accuracy.
    verdict: "overfitting": the validation loss rose from its best by more than noise while the training loss kept
    falling; "learning": the best epoch is among the last three; "settled": neither;
    "too_short": fewer than five epochs; "no_validation": nothing to judge by.
    """

    columns: dict[str, NDArray[np.float64]]
    best: int | None
    rise: float | None
    noise: float | None
    gap: float | None
    verdict: Verdict


def learning_curves(history: Mapping[str, Sequence[Any]]) -> LearningCurves:
    """Curves from one list of values for each figure, as `History.history` holds them.

    Figures: `loss`, `accuracy`, `val_loss`, `val_accuracy`, `learning_rate`; others are ignored. A shorter list belongs
    to the last epochs. Epochs are numbered from 1.

    The rule for overfitting: the mean validation loss of the last three epochs (of those after the best, if fewer)
    lies above the best by more than 5 % of it and by more than four times the noise, and the training loss of the same
    epochs is below that of the best epoch. The noise is the standard deviation of the validation loss about its trend:
    the median absolute second difference, scaled for normal noise (a straight trend cancels in it).
    """
    columns = _columns(history)
    gap = _gap(columns)
    if "val_loss" not in columns:
        return LearningCurves(columns, None, None, None, gap, "no_validation")
    validation = columns["val_loss"]
    seen = np.flatnonzero(np.isfinite(validation))
    best = int(seen[validation[seen].argmin()])
    tail = seen[seen > best][-TAIL:]
    noise = _noise(validation[seen])
    rise = float(validation[tail].mean() - validation[best]) if len(tail) else 0.0
    fell = len(tail) > 0 and "loss" in columns and bool(columns["loss"][tail].mean() < columns["loss"][best])
    share = rise / max(float(validation[best]), 1e-12)
    verdict = _verdict(len(seen), len(seen[seen > best]), fell and rise > 4 * noise and share > LEAST_RISE)
    return LearningCurves(columns, best, share, noise, gap, verdict)


def _columns(history: Mapping[str, Sequence[Any]]) -> dict[str, NDArray[np.float64]]:
    recorded = {name: [_number(value) for value in history[name]] for name in FIGURES if name in history}
    epochs = max(map(len, recorded.values()), default=0)
    columns = {"epoch": np.arange(1.0, epochs + 1)}
    for name, values in recorded.items():
        if any(map(isfinite, values)):
            columns[name] = np.array([float("nan")] * (epochs - len(values)) + values)
    return columns


def _number(value: Any) -> float:
    """A float; NaN for what is missing, empty or infinite."""
    number = float("nan" if value in (None, "") else value)
    return number if isfinite(number) else float("nan")


def _gap(columns: Mapping[str, NDArray[np.float64]]) -> float | None:
    if "accuracy" not in columns or "val_accuracy" not in columns:
        return None
    gap = float(columns["accuracy"][-1] - columns["val_accuracy"][-1])
    return gap if isfinite(gap) else None


def _noise(validation: NDArray[np.float64]) -> float:
    bends = np.diff(validation, n=2)
    if len(bends) == 0:
        return 0.0
    return float(1.4826 * np.median(np.abs(bends)) / np.sqrt(6))  # Var of a second difference: (1 + 4 + 1) σ²


def _verdict(epochs: int, since_best: int, overfits: bool) -> Verdict:
    if epochs < LEAST_EPOCHS:
        return "too_short"
    if overfits:
        return "overfitting"
    return "learning" if since_best < TAIL else "settled"
