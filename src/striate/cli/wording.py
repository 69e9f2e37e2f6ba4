"""Texts that several commands print."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from striate.cli.output import entry
from striate.language import localized, localized_setting, translate

if TYPE_CHECKING:
    from striate.evaluation import Estimate, Evaluation
    from striate.evaluation.multilabel import MultilabelEvaluation
    from striate.evaluation.regression import RegressionEvaluation
    from striate.evaluation.tasks import AnyEvaluation
    from striate.workflows.prepare import PreparedRun


MAX_NOTES = 10


def first(notes: Iterable[str], where: str = "") -> Iterator[str]:
    """Yield the first ten notes, and a line with the number of the others.

    Args:
        notes: The notes.
        where: What follows the number of the others, such as where they are listed.

    Yields:
        Lines.
    """
    notes = list(notes)
    yield from notes[:MAX_NOTES]
    if len(notes) > MAX_NOTES:
        yield translate("… and {n:,} more", n=len(notes) - MAX_NOTES) + (translate(where) if where else "")


def run_lines(prepared: "PreparedRun") -> Iterator[str]:
    """Yield lines on the model, why it was chosen, the data and the recipe of a run.

    Args:
        prepared: The run.

    Yields:
        Lines.
    """
    from striate.workflows.report import describe_recipe

    data, network, plan = prepared.data, prepared.network, prepared.plan
    chosen = "".join(f", {name} {value}" for name, value in plan.settings.items())
    times = translate(" × {n}, probabilities averaged", n=plan.ensemble) if plan.ensemble > 1 else ""
    cost = translate(
        "{parameters:,} parameters, {adds:,} multiply-adds for one image",
        parameters=network.parameter_count, adds=network.multiply_adds,
    )  # fmt: skip
    yield entry("model", f"{plan.model}{chosen}{times}: {cost}")
    if plan.because:
        yield entry("", translate("because {reason}", reason="; ".join(map(localized, plan.because.split("; ")))))
    parts = translate(
        "{train:,} training, {validation:,} validation and {test:,} test images",
        train=len(data.train), validation=len(data.validation), test=len(data.test),
    )  # fmt: skip
    if plan.folds:
        parts = translate(
            "{n:,} images, tested by {folds}-fold cross-validation, then all used for training",
            n=len(data.train), folds=plan.folds,
        )  # fmt: skip
    counted = localized(data.task.counted(len(data.classes)))
    yield entry("data", f"{data.name}: {counted}, {'×'.join(map(str, data.shape))}; {parts}")
    recipe = (f"{localized_setting(name)} {localized_setting(value)}" for name, value in describe_recipe(plan).items())
    yield entry("recipe", ", ".join(recipe))


def counted_images(count: int) -> str:
    """Return, for example, 1 image or 1,234 images."""
    return translate("1 image") if count == 1 else translate("{n:,} images", n=count)


def file_size(size: int) -> str:
    """Return a size in bytes as text, for example 12.3 MB or 4.5 kB."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def headlines(evaluation: "AnyEvaluation") -> list[str]:
    """Return the most important figures of an evaluation, one or two lines.

    Args:
        evaluation: The metrics.

    Returns:
        The lines.
    """
    from striate.evaluation import Evaluation
    from striate.evaluation.multilabel import MultilabelEvaluation

    if isinstance(evaluation, Evaluation):
        more = (leak_line(evaluation), uneven_line(evaluation), fold_line(evaluation))
        return [accuracy_line(evaluation), *filter(None, more)]
    lines = _label_lines(evaluation) if isinstance(evaluation, MultilabelEvaluation) else _target_lines(evaluation)
    return [*lines, *filter(None, [fold_line(evaluation)])]


def fold_line(evaluation: "AnyEvaluation") -> str | None:
    """List the main figure of each fold of a cross-validation.

    Args:
        evaluation: The metrics.

    Returns:
        For example "by fold: 91.2, 93.4, 90.0, 95.1, 92.7 %"; None if there are no folds, or too many.
    """
    first = evaluation.targets[0].name if hasattr(evaluation, "targets") and len(evaluation.targets) > 1 else ""
    values = [next(iter(each.figures.values())) for each in evaluation.by_fold if each.name == first]
    if not values:
        return None
    if "mae" in evaluation.by_fold[0].figures:
        return translate("by fold: {values}", values=", ".join(f"{value:.4g}" for value in values))
    shares = ", ".join("–" if value is None else f"{100 * value:.1f}" for value in values)
    return translate("by fold: {values}", values=f"{shares} %")


def _label_lines(evaluation: "MultilabelEvaluation") -> list[str]:
    what = translate("test mAP")
    if evaluation.folds:
        what = translate("mAP in {folds}-fold cross-validation", folds=evaluation.folds)
    return [
        translate(
            "{what} {value} on {images:,} images; chance level {chance:.1f} %",
            what=what,
            value=percent(evaluation.mean_average_precision),
            images=evaluation.n_images,
            chance=100 * evaluation.chance,
        ),
        translate(
            "mean F1 {f1}, all labels correct {exact}",
            f1=percent(evaluation.macro_f1),
            exact=percent(evaluation.exact_match),
        ),
    ]


def _target_lines(evaluation: "RegressionEvaluation") -> list[str]:
    lines, text = list[str](), "'{name}': mean absolute error {error} on {images:,} test images"
    if evaluation.folds:
        text = "'{name}': mean absolute error {error} in {folds}-fold cross-validation of {images:,} images"
    for target in evaluation.targets:
        lines += [
            translate(
                text, name=target.name, error=decimal(target.mae), images=evaluation.n_images, folds=evaluation.folds,
            ),
            translate(
                "R² {r2}; the mean absolute error of always predicting the median is {baseline:.4g}",
                r2=decimal(target.r2), baseline=target.baseline_mae,
            ),
        ]  # fmt: skip
        if target.half_width is not None:
            lines.append(
                translate(
                    "the prediction interval ± {width:.4g} contains {share} of the true values (nominal coverage "
                    "{coverage:g} %)",
                    width=target.half_width, share=percent(target.covered), coverage=100 * evaluation.coverage,
                )
            )  # fmt: skip
    return lines


def decimal(estimate: "Estimate", *, interval: bool = True) -> str:
    """Format a number with its interval.

    Args:
        estimate: The number.
        interval: Whether the interval is shown.

    Returns:
        For example "3.214 (95 % interval 2.98 … 3.5)", or "3.214" alone; a dash if it is unknown.
    """
    if estimate.value is None:
        return "–"
    if estimate.low is None or estimate.high is None or not interval:
        return f"{estimate.value:.4g}"
    return translate("{value:.4g} (95 % interval {low:.4g} … {high:.4g})", **vars(estimate))


def accuracy_line(evaluation: "Evaluation") -> str:
    """Describe the accuracy in one line.

    Args:
        evaluation: The metrics.

    Returns:
        For example "test accuracy 98.91 % (95 % interval 98.69 … 99.10), 109 errors in 10,000 images".
    """
    wrong = evaluation.n_images - evaluation.correct
    text = "1 error in {images:,} images" if wrong == 1 else "{wrong:,} errors in {images:,} images"
    errors = translate(text, wrong=wrong, images=evaluation.n_images)
    what = translate("test accuracy")
    if evaluation.folds:
        what = translate("accuracy in {folds}-fold cross-validation", folds=evaluation.folds)
    low, value, high = evaluation.accuracy.low, evaluation.accuracy.value, evaluation.accuracy.high
    if evaluation.interval_first and low is not None and value is not None and high is not None:
        return translate(
            "{what} {low:.1f} … {high:.1f} % (95 % interval), {value:.2f} % measured: {errors}",
            what=what, low=100 * low, high=100 * high, value=100 * value, errors=errors,
        )  # fmt: skip
    return f"{what} {percent(evaluation.accuracy)}, {errors}"


def uncertain_line(evaluation: "AnyEvaluation") -> str | None:
    """Recommend cross-validation if the test images, or their groups, are too few.

    Args:
        evaluation: The metrics.

    Returns:
        The sentence; None if the interval of the accuracy, mAP or mean absolute error is narrow enough.
    """
    if not evaluation.is_uncertain:
        return None
    return translate(
        "This interval is wide, because the test images, or the groups that they belong to, are few. --folds 5 tests "
        "on all images, each with a model that was trained without it."
    )


def leak_line(evaluation: "Evaluation") -> str | None:
    """Describe the accuracy without the test images that have near-copies in training.

    Args:
        evaluation: The metrics.

    Returns:
        For example "20 of 100 test images have near-duplicates in the training or validation split; without them: …";
            None if there are none.
    """
    clean = evaluation.without_leaks
    if clean is None:
        return None
    leaked = evaluation.n_images - clean.n_images
    text = (
        "1 of {images:,} test images has a near-duplicate in the training or validation split; without it: {accuracy}"
        if leaked == 1
        else "{leaked:,} of {images:,} test images have near-duplicates in the training or validation split; without "
        "them: {accuracy}"
    )
    return translate(text, leaked=leaked, images=evaluation.n_images, accuracy=accuracy_line(clean))


def uneven_line(evaluation: "Evaluation") -> str | None:
    """Describe the balanced accuracy and the lowest recall of imbalanced classes.

    Args:
        evaluation: The metrics.

    Returns:
        For example "balanced accuracy 81.20 % (95 % interval …), lowest recall: 'trash' 54.00 % (…)"; None if the
            classes are balanced.
    """
    if not evaluation.imbalanced:
        return None
    worst = evaluation.worst_class
    return translate(
        "balanced accuracy {accuracy}, lowest recall: '{name}' {recall}",
        accuracy=percent(evaluation.macro["recall"]), name=worst.name, recall=percent(worst.recall),
    )  # fmt: skip


def percent(estimate: "Estimate", *, interval: bool = True) -> str:
    """Format a proportion with its interval.

    Args:
        estimate: The proportion, 0 … 1.
        interval: Whether the interval is shown.

    Returns:
        For example "98.91 % (95 % interval 98.69 … 99.10)", or "98.91 %" alone; a dash if it is unknown.
    """
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "–"
    value = f"{100 * estimate.value:.2f} %"
    if not interval:
        return value
    return translate(
        "{value} (95 % interval {low:.2f} … {high:.2f})", value=value, low=100 * estimate.low, high=100 * estimate.high
    )
