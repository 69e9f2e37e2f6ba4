"""Texts that several commands print."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from striate.evaluation import Estimate, Evaluation
    from striate.evaluation.multilabel import MultilabelEvaluation
    from striate.evaluation.regression import RegressionEvaluation
    from striate.evaluation.tasks import AnyEvaluation
    from striate.workflows.prepare import PreparedRun


MOST_NOTES = 10


def first(notes: Iterable[str], where: str = "") -> Iterator[str]:
    """Yield the first ten notes, and a line with the number of the others."""
    notes = list(notes)
    yield from notes[:MOST_NOTES]
    if len(notes) > MOST_NOTES:
        yield f"… and {len(notes) - MOST_NOTES:,} more{where}"


def run_lines(prepared: "PreparedRun") -> Iterator[str]:
    """Yield lines on the model, why it was chosen, the data and the recipe of a run."""
    from striate.workflows.report import describe_recipe

    data, network, plan = prepared.data, prepared.network, prepared.plan
    chosen = "".join(f", {name} {value}" for name, value in plan.settings.items())
    times = f" × {plan.ensemble}, probabilities averaged" if plan.ensemble > 1 else ""
    yield (
        f"model   {plan.model}{chosen}{times}: {network.parameter_count:,} parameters, "
        f"{network.multiply_adds:,} multiply-adds for one image"
    )
    if plan.because:
        yield f"        because {plan.because}"
    parts = f"{len(data.train):,} images to train, {len(data.validation):,} to validate, {len(data.test):,} to test"
    if plan.folds:
        parts = f"{len(data.train):,} images, all tested by {plan.folds}-fold cross-validation and then trained on"
    yield f"data    {data.name}: {data.task.counted(len(data.classes))}, {'×'.join(map(str, data.shape))}; {parts}"
    yield f"recipe  {', '.join(f'{name} {value}' for name, value in describe_recipe(plan).items())}"


def file_size(size: int) -> str:
    """Return a size in bytes as text, for example 12.3 MB or 4.5 kB."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def headlines(evaluation: "AnyEvaluation") -> list[str]:
    """Return the most important figures of an evaluation, one or two lines."""
    from striate.evaluation import Evaluation
    from striate.evaluation.multilabel import MultilabelEvaluation

    if isinstance(evaluation, Evaluation):
        return [accuracy_line(evaluation), *filter(None, [leak_line(evaluation), uneven_line(evaluation)])]
    if isinstance(evaluation, MultilabelEvaluation):
        return _label_lines(evaluation)
    return _number_lines(evaluation)


def _label_lines(evaluation: "MultilabelEvaluation") -> list[str]:
    return [
        f"test mAP {percent(evaluation.mean_average_precision)} in {evaluation.images:,} images; chance level "
        f"{100 * evaluation.chance:.1f} %",
        f"mean F1 {percent(evaluation.macro_f1)}, all labels right {percent(evaluation.exact_match)}",
    ]


def _number_lines(evaluation: "RegressionEvaluation") -> list[str]:
    lines = []
    for number in evaluation.numbers:
        lines += [
            f"'{number.name}': mean absolute error {decimal(number.mae)} in {evaluation.images:,} test images",
            f"R² {decimal(number.r2)}; always predicting the median is wrong by {number.baseline_mae:.4g} on average",
        ]
        if number.half_width is not None:
            lines.append(
                f"± {number.half_width:.4g} contains {percent(number.covered)} of the true values; it was "
                f"chosen to contain {100 * evaluation.coverage:g} %"
            )
    return lines


def decimal(estimate: "Estimate", *, interval: bool = True) -> str:
    """For example: 3.214 (95 % interval 2.98 … 3.5), or 3.214 alone; a dash where nothing is known."""
    if estimate.value is None:
        return "–"
    if estimate.low is None or estimate.high is None or not interval:
        return f"{estimate.value:.4g}"
    return f"{estimate.value:.4g} (95 % interval {estimate.low:.4g} … {estimate.high:.4g})"


def accuracy_line(evaluation: "Evaluation") -> str:
    """Return, for example: test accuracy 98.91 % (95 % interval 98.69 … 99.10), 109 errors in 10,000 images."""
    wrong = evaluation.images - evaluation.correct
    errors = f"{'1 error' if wrong == 1 else f'{wrong:,} errors'} in {evaluation.images:,} images"
    what = f"accuracy in {evaluation.folds}-fold cross-validation" if evaluation.folds else "test accuracy"
    low, value, high = evaluation.accuracy.low, evaluation.accuracy.value, evaluation.accuracy.high
    if evaluation.interval_leads and low is not None and value is not None and high is not None:
        return f"{what} {100 * low:.1f} … {100 * high:.1f} % (95 % interval), {100 * value:.2f} % measured: {errors}"
    return f"{what} {percent(evaluation.accuracy)}, {errors}"


def leak_line(evaluation: "Evaluation") -> str | None:
    """For example: 20 of 100 test images have near-copies in training; without them: accuracy 81.25 % (…), …."""
    clean = evaluation.without_leaks
    if clean is None:
        return None
    leaked = evaluation.images - clean.images
    have = "has a near-copy" if leaked == 1 else "have near-copies"
    return (
        f"{leaked:,} of {evaluation.images:,} test images {have} in the training or validation part; without "
        f"{'it' if leaked == 1 else 'them'}: {accuracy_line(clean)}"
    )


def uneven_line(evaluation: "Evaluation") -> str | None:
    """For example: balanced accuracy 81.20 % (95 % interval …), lowest recall: 'trash' 54.00 % (…); None if even."""
    if not evaluation.uneven:
        return None
    worst = evaluation.worst_class
    return (
        f"balanced accuracy {percent(evaluation.macro['recall'])}, "
        f"lowest recall: '{worst.name}' {percent(worst.recall)}"
    )


def percent(estimate: "Estimate", *, interval: bool = True) -> str:
    """Return, for example, 98.91 % (95 % interval 98.69 … 99.10), or 98.91 % alone; a dash if it is unknown."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "–"
    value = f"{100 * estimate.value:.2f} %"
    return f"{value} (95 % interval {100 * estimate.low:.2f} … {100 * estimate.high:.2f})" if interval else value
