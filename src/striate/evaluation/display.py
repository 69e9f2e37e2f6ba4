"""What an evaluation shows of itself: in a few lines, and as tables with the errors as images in a notebook."""

from typing import TYPE_CHECKING

import numpy as np

from striate import notebook
from striate.evaluation.intervals import Estimate
from striate.images import thumbnail_url
from striate.text import counted

if TYPE_CHECKING:
    from striate.evaluation.evaluate import Evaluation
    from striate.evaluation.multilabel import MultilabelEvaluation
    from striate.evaluation.regression import RegressionEvaluation

MAX_CLASSES = 20  # with more classes, confused pairs are listed in place of the confusion matrix
MAX_PAIRS = 10
MAX_ERRORS = 12  # shown as images


def describe_evaluation(evaluation: "Evaluation") -> str:
    """Return accuracy, loss and number of errors in one line.

    Args:
        evaluation: The metrics.

    Returns:
        For example "accuracy 98.86 % (95 % interval …), loss 0.0400, 6 errors in 528 images".
    """
    errors = evaluation.n_images - evaluation.correct
    counts = f"{counted(errors, 'error')} in {counted(evaluation.n_images, 'image')}"
    return f"accuracy {_percent(evaluation.accuracy)}, loss {evaluation.loss.value or 0:.4f}, {counts}"


def _percent(estimate: Estimate) -> str:
    value, low, high = (f"{100 * (number or 0):.2f}" for number in (estimate.value, estimate.low, estimate.high))
    return f"{value} % (95 % interval {low} … {high})"


def evaluation_html(evaluation: "Evaluation") -> str:
    """Return the metrics, the confusion matrix or the most confused pairs, and the most confident errors.

    Args:
        evaluation: The metrics.

    Returns:
        HTML for a notebook.
    """
    parts = [notebook.heading("Evaluation", describe_evaluation(evaluation))]
    parts.append(_matrix(evaluation) if len(evaluation.classes) <= MAX_CLASSES else _pairs(evaluation))
    if evaluation.x is not None and evaluation.errors:
        parts.append("<div><small>Errors, the most confident first: true class → predicted class</small></div>")
        for error in evaluation.errors[:MAX_ERRORS]:
            source = thumbnail_url(np.asarray(evaluation.x[np.array([error.index])])[0])
            caption = f"{error.true} → {error.predicted} {100 * error.confidence:.0f} %"
            parts.append(notebook.image(source, caption))
    return notebook.block(*parts)


def labels_html(evaluation: "MultilabelEvaluation") -> str:
    """Return the metrics of a multilabel model, a row for each label, and the worst errors.

    Args:
        evaluation: The metrics.

    Returns:
        HTML for a notebook.
    """
    figures = {
        "mean average precision": _percent(evaluation.mean_average_precision),
        "mean F1": _percent(evaluation.macro_f1),
        "all labels correct": _percent(evaluation.exact_match),
        "loss": f"{evaluation.loss:.4f}",
    }
    head = ["label", "images", "average precision", "precision", "recall", "F1"]
    rows = [
        (each.name, each.support, *map(_short, (each.average_precision, each.precision, each.recall, each.f1)))
        for each in evaluation.per_class
    ]
    wrong = [
        (error.path or error.index, ", ".join(error.missed), ", ".join(error.extra)) for error in evaluation.errors
    ]
    return notebook.block(
        notebook.heading("Evaluation", counted(evaluation.n_images, "image")),
        notebook.facts(figures),
        notebook.table(head, rows, right=range(1, len(head))),
        notebook.table(["image with the largest errors", "missed", "extra"], wrong[:MAX_ERRORS]) if wrong else "",
    )


def regression_html(evaluation: "RegressionEvaluation") -> str:
    """Return the errors of each predicted number, and the largest errors.

    Args:
        evaluation: The metrics.

    Returns:
        HTML for a notebook.
    """
    head = ["target", "mean absolute error", "95 % interval", "of the median", "root mean squared error", "R²"]
    rows = [
        (
            each.name, _number(each.mae.value), f"{_number(each.mae.low)} … {_number(each.mae.high)}",
            _number(each.baseline_mae), _number(each.rmse.value), _number(each.r2.value),
        )
        for each in evaluation.targets
    ]  # fmt: skip
    errors = [
        (error.path or error.index, error.name, _number(error.true), _number(error.predicted))
        for error in evaluation.errors[:MAX_ERRORS]
    ]
    return notebook.block(
        notebook.heading("Evaluation", counted(evaluation.n_images, "image")),
        notebook.table(head, rows, right=range(1, len(head))),
        notebook.table(["image with the largest errors", "target", "true", "predicted"], errors, right=(2, 3)),
    )


def _short(estimate: Estimate) -> str:
    return "–" if estimate.value is None else f"{100 * estimate.value:.1f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _matrix(evaluation: "Evaluation") -> str:
    """Return the confusion matrix with a darker cell the more images of its class it holds."""
    names = [notebook.escape(name) for name in evaluation.classes]
    head = "".join(f'<th class="n">{name}</th>' for name in names)
    lines = [f"<tr><th>true ↓ predicted →</th>{head}</tr>"]
    for row, (name, counts) in enumerate(zip(names, evaluation.confusion_matrix.tolist(), strict=True)):
        cells = []
        for column, count in enumerate(counts):
            color = "66,133,244" if row == column else "240,100,46"
            share = (count / sum(counts)) ** 0.5 if count else 0
            style = f' style="background:rgba({color},{0.6 * share:.2f})"' if count else ""
            cells.append(f'<td class="n"{style}>{count or "·"}</td>')
        lines.append(f"<tr><td>{name}</td>{''.join(cells)}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _pairs(evaluation: "Evaluation") -> str:
    rows = [(p.true, p.predicted, p.count, f"{p.percent:.1f} %") for p in evaluation.pairs[:MAX_PAIRS]]
    return notebook.table(["true class", "predicted class", "images", "of the true class"], rows, right=(2, 3))
