"""striate predict: the predicted class of image files."""

import sys

import click

from striate.cli.output import echo, echo_json, echo_line
from striate.text import table


@click.command()
@click.argument("trained", metavar="RUN_OR_MODEL")
@click.argument("paths", nargs=-1, required=True, metavar="FILES…")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def predict(trained: str, paths: tuple[str, ...], as_json: bool) -> None:
    """Predict the classes of image FILES and of all images in folders.

    Images are marked unknown if they are too unlike the training images or, for a model that cannot tell, if the
    probability is too low. The exit status is 1 if a file cannot be read.
    """
    from striate.images import UnreadableFile
    from striate.workflows.predict import Prediction, find_files, predict_files
    from striate.workflows.trained_model import open_trained_model

    model = open_trained_model(trained)
    for note in model.notes:
        echo_line(note, err=True)
    files, unreadable = find_files(paths)
    results = list(predict_files(model, files))
    unreadable += [result for result in results if isinstance(result, UnreadableFile)]
    predictions = [result for result in results if isinstance(result, Prediction)]
    if as_json:
        echo_json([vars(prediction) for prediction in predictions])
    elif predictions:
        rows = [(p.path, p.label, f"{100 * p.probability:.1f} %", "unknown" if p.unknown else "") for p in predictions]
        echo("\n".join(table([("image", "predicted class", "probability", ""), *rows], right=[2])))
    for item in unreadable:
        echo_line(f"Skipped: {item.reason}", err=True)
    sys.exit(1 if unreadable else 0)
