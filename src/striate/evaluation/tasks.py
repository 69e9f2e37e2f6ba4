"""The metrics that belong to a task."""

from collections.abc import Sequence

from striate._types import Array
from striate.evaluation.evaluate import Evaluation, evaluate
from striate.evaluation.multilabel import MultilabelEvaluation, evaluate_labels
from striate.evaluation.regression import RegressionEvaluation, evaluate_regression
from striate.tasks import Decision, Task

AnyEvaluation = Evaluation | MultilabelEvaluation | RegressionEvaluation


def evaluate_task(
    decision: Decision, outputs: Array, y: Array, classes: Sequence[str], names: Sequence[str] | None = None,
    folds: int = 0, groups: Array | None = None, fold: Array | None = None,
) -> AnyEvaluation:  # fmt: skip
    """Compare the outputs of a model with the true labels.

    Args:
        decision: What is predicted, and how outputs become predictions.
        outputs: Probabilities of classes or labels, or values (N, K).
        y: As in `striate.data.Images`.
        classes: Names of the classes, labels or targets.
        names: File names of the images, if there are any.
        folds: Number of folds if the outputs come from cross-validation.
        groups: Integers (N,), the same for images that belong together, if known.
        fold: Number of the fold of each image (N,), if known.

    Returns:
        All metrics of the task.

    Raises:
        DataError: If shapes or values are invalid, or there are no images.
    """
    if decision.task is Task.MULTILABEL:
        return evaluate_labels(
            outputs, y, classes, decision.thresholds_for(len(classes)), names, folds=folds, fold=fold, groups=groups
        )
    if decision.task is Task.REGRESSION:
        return evaluate_regression(
            outputs, y, classes, decision.half_widths, names, decision.coverage, folds=folds, fold=fold, groups=groups
        )
    return evaluate(outputs, y, classes, names, groups, folds=folds, fold=fold)
