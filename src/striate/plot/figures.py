"""Plots of figures: curves of a training, the confusion matrix, and how well probabilities are calibrated."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from striate._types import Array
from striate.arguments import describe, explain_arguments
from striate.errors import DataError, UsageError
from striate.evaluation import Bin, Evaluation, metrics, row_percentages
from striate.evaluation.checks import check_probabilities
from striate.evaluation.metrics import reliability
from striate.plot.canvas import TRAINING, VALIDATION, fonts, new_axes, short
from striate.text import printable
from striate.training import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_NUMBERED_CLASSES = 20  # classes of a confusion matrix whose cells have numbers
LONG_NAME = 4  # letters from which names below the matrix are turned


@explain_arguments
def curves(*history: Any, axes: Any = None) -> Any:
    """Plot loss and metrics over the epochs, for training and validation images; of several trainings in one figure.

    Args:
        history: What `fit` returned, its `history`, or a run. To compare several trainings, pass them one after the
            other, or a dictionary of them by name; each has a color, and its validation is dashed.
        axes: Axes to draw into, one for each of loss and metrics; None for a new figure.

    Returns:
        The axes, an array with one for each value.

    Raises:
        UsageError: If there is no value to plot, axes have another number, or Matplotlib is not installed.

    Example:
        >>> import striate as st
        >>> [ax.get_title() for ax in st.plot.curves({"loss": [1.0, 0.5], "val_loss": [1.1, 0.7]})]
        ['loss']
        >>> compared = st.plot.curves({"Adam": {"loss": [1.0, 0.5]}, "SGD": {"loss": [1.0, 0.8]}})
        >>> [line.get_label() for line in compared[0].lines]
        ['Adam', 'SGD']
    """
    trainings = {name: _values(given) for name, given in _by_name(history).items()}
    names = list(dict.fromkeys(name for values in trainings.values() for name in values if _is_plotted(name, values)))
    if not names:
        raise UsageError("There is nothing to plot: the history has no epochs.")
    with fonts():
        panels = _panels(axes, len(names))
        for ax, name in zip(panels, names, strict=True):
            if len(trainings) == 1:
                (values,) = trainings.values()
                _plot_epochs(ax, values, name, color=TRAINING, label="training")
                _plot_epochs(ax, values, f"val_{name}", color=VALIDATION, label="validation")
            else:
                for number, (training, values) in enumerate(trainings.items()):
                    color = f"C{number}"
                    _plot_epochs(ax, values, name, color=color, label=training)
                    _plot_epochs(ax, values, f"val_{name}", color=color, label=f"{training}, validation", ls="--")
            ax.set(title=printable(name), xlabel="epoch")
            ax.xaxis.get_major_locator().set_params(integer=True)
            ax.grid(alpha=0.3)
            if len(ax.lines) > 1:
                ax.legend(frameon=False)
    return panels


def _plot_epochs(
    ax: Any, values: Mapping[str, Sequence[float]], key: str, *, color: str, label: str, ls: str = "-"
) -> None:
    """Plot a loss or metric over the epochs, if the history has it."""
    points = np.asarray(values.get(key, ()), float)
    if len(points):
        marker = "o" if len(points) <= 30 else ""
        epochs = np.arange(1, len(points) + 1)
        ax.plot(epochs, points, marker, ls=ls, ms=3.5, color=color, label=printable(label))


def _by_name(histories: Sequence[Any]) -> Mapping[str, Any]:
    """Return several trainings by name, or one by any name."""
    if len(histories) == 1 and isinstance(histories[0], list | tuple):
        histories = histories[0]
    first = histories[0] if histories else None
    if len(histories) == 1 and isinstance(first, Mapping) and any(_is_training(value) for value in first.values()):
        return {str(name): value for name, value in first.items()}
    return {f"training {number}": history for number, history in enumerate(histories, 1)}


def _is_training(value: Any) -> bool:
    return isinstance(value, Run | Mapping) or isinstance(getattr(value, "history", None), Mapping)


def _values(history: Any) -> Mapping[str, Sequence[float]]:
    values = history.read_history() if isinstance(history, Run) else getattr(history, "history", history)
    if not isinstance(values, Mapping) or not all(np.ndim(each) == 1 for each in values.values()):
        raise UsageError(
            f"history must be what fit returned, a Run, or a dictionary of them by name; received {describe(history)}."
        )
    return values


def _is_plotted(name: str, values: Mapping[str, Sequence[float]]) -> bool:
    return not name.startswith("val_") and name != "learning_rate" and len(values[name]) > 0


def _panels(axes: Any, count: int) -> Any:
    import matplotlib.pyplot as plt

    if axes is None:
        return plt.subplots(1, count, figsize=(4.2 * count, 3.1), squeeze=False, layout="constrained")[1][0]
    panels = np.atleast_1d(np.array(axes, dtype=object)).ravel()
    if len(panels) != count:
        raise UsageError(f"There are {count} values to plot, and axes has {len(panels)}: pass one for each.")
    return np.array([new_axes(ax, 0, 0) for ax in panels])


@explain_arguments
def confusion_matrix(
    labels: Evaluation | Any, predictions: Any = None, *, classes: Sequence[str] | None = None, ax: Any = None
) -> "Axes":
    """Plot the confusion matrix: rows are true classes, columns predicted classes.

    Args:
        labels: An evaluation; or the true class numbers (N,).
        predictions: Predicted class numbers (N,), or probabilities (N, classes).
        classes: Names of the classes; None for numbers.
        ax: Axes to draw into; None for a new figure.

    Returns:
        The axes.

    Raises:
        DataError: If labels and predictions do not match.
        UsageError: If there are no predictions, or Matplotlib is not installed.

    Example:
        >>> import striate as st
        >>> ax = st.plot.confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], classes=["cat", "dog"])
        >>> [text.get_text() for text in ax.texts]
        ['1', '1', '2']
    """
    if isinstance(labels, Evaluation):
        counts, names = labels.confusion_matrix, labels.classes
    else:
        true, predicted = class_numbers(labels, predictions)
        count = max(len(classes or ()), int(max(true.max(), predicted.max())) + 1)
        counts = metrics.confusion_matrix(true, predicted, count)
        names = tuple(classes or map(str, range(count)))
        if len(names) != count:
            raise DataError(f"There are {len(names)} names of classes, but the class numbers go up to {count - 1}.")
    size = len(names)
    with fonts():
        side = min(max(3.2, 0.42 * size + 1.4), 9.0)
        drawn = new_axes(ax, side, side)
        drawn.imshow(np.sqrt(row_percentages(counts)), cmap="Blues", vmin=0, vmax=10)
        step = -(-size // 40)
        shown = [printable(short(name)) for name in names[::step]]
        turned = max(map(len, shown)) >= LONG_NAME
        drawn.set_xticks(range(0, size, step), shown, rotation=45 if turned else 0, ha="right" if turned else "center")
        drawn.set_yticks(range(0, size, step), shown)
        drawn.set(xlabel="predicted class", ylabel="true class")
        if size <= MAX_NUMBERED_CLASSES:
            percents = row_percentages(counts)
            for row, column in zip(*counts.nonzero(), strict=True):
                color = "white" if percents[row, column] > 40 else "black"
                drawn.text(column, row, f"{counts[row, column]}", ha="center", va="center", color=color, fontsize=9)
    return drawn


def class_numbers(labels: Any, predictions: Any) -> tuple[Array, Array]:
    """Convert labels and predictions to class numbers.

    Args:
        labels: Class numbers (N,), or rows (N, classes).
        predictions: The same, or probabilities (N, classes).

    Returns:
        True and predicted class numbers, (N,) each.

    Raises:
        DataError: If their numbers differ, or there are none.
        UsageError: If the predictions are missing.
    """
    if predictions is None:
        raise UsageError("predictions are missing: pass class numbers (N,), or probabilities (N, classes).")
    true, predicted = as_classes(labels, "labels"), as_classes(predictions, "predictions")
    if len(true) != len(predicted) or not len(true):
        raise DataError(f"Each label needs one prediction; received {len(true)} labels and {len(predicted)}.")
    return true, predicted


def as_classes(values: Any, what: str) -> Array:
    """Convert rows with one number for each class to class numbers.

    Args:
        values: Class numbers (N,), or rows (N, classes).
        what: What they are, for the message.

    Returns:
        int64 (N,).

    Raises:
        DataError: If the values are neither.
    """
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] > 1:
        numbers: Array = array.argmax(axis=1)
        return numbers
    array = array.reshape(-1)
    if array.dtype.kind not in "iub" or (len(array) and array.min() < 0):
        raise DataError(f"{what} must be class numbers (N,) from 0, or rows (N, classes); received {describe(values)}.")
    return array.astype(np.int64)


@explain_arguments
def calibration(labels: Evaluation | Any, probabilities: Any = None, *, ax: Any = None) -> "Axes":
    """Plot the accuracy of predictions against their probability; on the diagonal, both are equal.

    Args:
        labels: An evaluation; or the true class numbers (N,).
        probabilities: Predicted probabilities (N, classes).
        ax: Axes to draw into; None for a new figure.

    Returns:
        The axes. A dot is a group of images, the larger the more images, with the 95 % interval of its accuracy.

    Raises:
        DataError: If labels and probabilities do not match, or a number is not a probability.
        UsageError: If there are no probabilities, or Matplotlib is not installed.

    Example:
        >>> import striate as st
        >>> ax = st.plot.calibration([0, 1], [[0.9, 0.1], [0.4, 0.6]])
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('predicted probability', 'accuracy')
    """
    bins = labels.bins if isinstance(labels, Evaluation) else _bins(labels, probabilities)
    total = sum(b.count for b in bins)
    with fonts():
        drawn = new_axes(ax, 3.6, 3.6)
        drawn.plot([0, 1], [0, 1], color="gray", lw=1, ls="--")
        for b in bins:
            drawn.plot([b.confidence] * 2, [b.accuracy.low or 0, b.accuracy.high or 0], color=TRAINING, lw=1, alpha=0.6)
        sizes = [20 + 180 * b.count / total for b in bins]
        drawn.scatter(
            [b.confidence for b in bins], [b.accuracy.value or 0 for b in bins], sizes, color=TRAINING, zorder=3
        )
        drawn.set(
            xlim=(-0.03, 1.05), ylim=(-0.03, 1.05), aspect="equal", xlabel="predicted probability", ylabel="accuracy"
        )
        drawn.grid(alpha=0.3)
    return drawn


def _bins(labels: Any, probabilities: Any) -> tuple[Bin, ...]:
    rows = np.asarray(probabilities)
    if probabilities is None or rows.ndim != 2:
        raise UsageError(
            f"probabilities must be rows (N, classes); received {describe(probabilities)}. For "
            "example: st.plot.calibration(y, model.predict(x))."
        )
    check_probabilities(rows)
    return reliability(rows, class_numbers(labels, rows)[0])
