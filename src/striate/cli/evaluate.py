"""striate evaluate: metrics of a trained model on test images."""

from typing import TYPE_CHECKING

import click

from striate.cli import options
from striate.cli.help import Command
from striate.cli.output import echo, echo_json, echo_line, echo_note, entry, heads
from striate.language import translate
from striate.processes import current_process

if TYPE_CHECKING:
    from striate.evaluation import Estimate, Evaluation
    from striate.evaluation.costs import ExpectedCost
    from striate.evaluation.multilabel import MultilabelEvaluation
    from striate.evaluation.regression import RegressionEvaluation
    from striate.workflows.evaluate import EvaluationResult

MAX_PAIRS = 5  # number of confused pairs of classes
MAX_ERRORS = 10  # number of the largest errors that are listed


@click.command(cls=Command, examples=("striate evaluate runs/photos", "striate evaluate runs/photos more/ --json"))
@click.argument("trained", metavar="RUN_OR_MODEL")
@click.argument("data", required=False)
@options.labels
@options.label_column
@click.option(
    "--costs",
    metavar="FILE",
    help="CSV file with the cost matrix: a row for each true class, a column for each predicted class.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all metrics as JSON.")
def evaluate(
    trained: str,
    data: str | None,
    labels: str | None,
    label_columns: tuple[str, ...],
    costs: str | None,
    as_json: bool,
) -> None:
    """Evaluate a trained model on the test images of DATA (default: the data it was trained on)."""
    from striate.cli.wording import first
    from striate.workflows.evaluate import evaluate_model, measure_costs
    from striate.workflows.torchrun import local_rank_0_first
    from striate.workflows.trained_model import open_trained_model

    model = local_rank_0_first(lambda: open_trained_model(trained))
    result = evaluate_model(model, data, labels, label_columns)
    if current_process().rank:  # in distributed evaluation, only rank 0 prints
        return
    cost = measure_costs(result, costs) if costs else None
    for note in first((*model.notes, *result.notes)):
        echo_note(note, err=True)
    if as_json:
        echo_json(result.evaluation.to_dict() | ({"costs": cost.to_dict()} if cost else {}))
        return
    _show(result)
    if cost:
        _show_costs(cost)


def _show_costs(cost: "ExpectedCost") -> None:
    from striate.cli.wording import counted_images, decimal
    from striate.text import display_width

    def amount(estimate: "Estimate") -> str:
        return decimal(estimate, interval=estimate.low is not None)

    label = translate("mean cost per image:")
    text = "{amount} if the most probable class is predicted"
    echo(entry(label, translate(text, amount=amount(cost.most_probable)), display_width(label) + 1))
    text = "{amount} if the class with the lowest expected cost is predicted; the prediction differs for {images}"
    cheapest = translate(text, amount=amount(cost.cheapest), images=counted_images(cost.changed))
    echo(entry("", cheapest, display_width(label) + 1))


def _show(result: "EvaluationResult") -> None:
    from striate.cli.wording import headlines
    from striate.evaluation import Evaluation
    from striate.evaluation.multilabel import MultilabelEvaluation

    headline, *more = headlines(result.evaluation)
    echo_line(f"{result.data}: {headline}")
    for line in more:
        echo_line(line)
    echo()
    if isinstance(result.evaluation, Evaluation):
        _show_classes(result.evaluation)
    elif isinstance(result.evaluation, MultilabelEvaluation):
        _show_labels(result.evaluation)
    else:
        _show_errors(result.evaluation)


def _show_labels(evaluation: "MultilabelEvaluation") -> None:
    from striate.cli.wording import percent
    from striate.text import table

    rows = [heads("label", "images", "AP", "recall", "precision", "F1", "threshold")]
    for label in evaluation.per_class:
        shown = (percent(e, interval=False) for e in (label.average_precision, label.recall, label.precision, label.f1))
        rows.append((label.name, f"{label.support:,}", *shown, f"{label.threshold:.2f}"))
    echo("\n".join(table(rows, right=range(1, 7))))


def _show_errors(evaluation: "RegressionEvaluation") -> None:
    from striate.text import table

    rows = [heads("largest errors", "target", "true", "predicted")]
    rows += [
        (error.path or translate("image {n}", n=error.index), error.name, f"{error.true:.4g}", f"{error.predicted:.4g}")
        for error in evaluation.errors[:MAX_ERRORS]
    ]
    echo("\n".join(table(rows, right=[2, 3])))


def _show_classes(evaluation: "Evaluation") -> None:
    from striate.cli.wording import percent
    from striate.text import table

    rows = [heads("class", "images", "recall", "precision", "F1")]
    for metrics in evaluation.per_class:
        values = (percent(value, interval=False) for value in (metrics.recall, metrics.precision, metrics.f1))
        rows.append((metrics.name, f"{metrics.support:,}", *values))
    echo("\n".join(table(rows, right=range(1, 5))))
    for pair in evaluation.pairs[:MAX_PAIRS]:
        text = "{share:.1f} % of '{true}' were predicted as '{predicted}' ({count})"
        echo(translate(text, share=pair.percent, true=pair.true, predicted=pair.predicted, count=pair.count))
