"""striate predict: the predicted class of image files."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from striate.cli.help import Command
from striate.cli.output import echo, echo_json, echo_line, heads
from striate.language import localized, translate
from striate.text import table

if TYPE_CHECKING:
    from striate.workflows.predict import AnyPrediction


@click.command(cls=Command)
@click.argument("trained", metavar="RUN_OR_MODEL")
@click.argument("paths", nargs=-1, required=True, metavar="FILES…")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def predict(trained: str, paths: tuple[str, ...], as_json: bool) -> None:
    """Predict the classes of image FILES and of all images in folders.

    Images are marked unknown if they are too unlike the training images or, for a model that cannot tell, if the
    probability is too low. A model of several labels prints those whose probability reaches their threshold, one of
    numbers each number with its prediction interval. The exit status is 1 if a file cannot be read.
    """
    from striate.images import UnreadableFile
    from striate.workflows.predict import find_files, predict_files
    from striate.workflows.trained_model import open_trained_model

    model = open_trained_model(trained)
    for note in model.notes:
        echo_line(localized(note), err=True)
    files, unreadable = find_files(paths)
    results = list(predict_files(model, files))
    unreadable += [result for result in results if isinstance(result, UnreadableFile)]
    predictions = [result for result in results if not isinstance(result, UnreadableFile)]
    if as_json:
        echo_json([vars(prediction) for prediction in predictions])
    elif predictions:
        echo("\n".join(_table(predictions)))
    for item in unreadable:
        echo_line(localized(f"Skipped: {item.reason}"), err=True)
    sys.exit(1 if unreadable else 0)


def _table(predictions: "Sequence[AnyPrediction]") -> list[str]:
    """Return the lines of a table of predictions, which are all of the same task."""
    from striate.workflows.predict import PredictedLabels, Prediction

    head = heads("image", "predicted class", "probability", "")
    rows: list[tuple[str, ...]] = []
    for p in predictions:
        unknown = translate("unknown") if p.unknown else ""
        if isinstance(p, Prediction):
            rows.append((p.path, p.label, f"{100 * p.probability:.1f} %", unknown))
        elif isinstance(p, PredictedLabels):
            head = heads("image", "labels", "")
            labels = ", ".join(f"{name} {100 * p.probabilities[name]:.1f} %" for name in p.labels)
            rows.append((p.path, labels or "–", unknown))
        else:
            head = (*heads("image", "number", "value"), translate("{share:g} % interval", share=100 * p.coverage), "")
            for name, value in p.values.items():
                low, high = p.intervals.get(name, (value, value))
                rows.append((p.path, name, f"{value:.4g}", f"± {(high - low) / 2:.4g}" if p.intervals else "", unknown))
    return table([head, *rows], right=[2] if len(head) > 3 else [])
