"""striate predict: the predicted class of image files."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from striate.cli.help import Command
from striate.cli.output import echo, echo_json, echo_line, heads
from striate.cli.wording import counted_images
from striate.language import localized, translate
from striate.processes import current_process
from striate.text import table

if TYPE_CHECKING:
    from striate.workflows.predict import AnyPrediction
    from striate.workflows.sort_images import ImageSorter

MAX_LISTED = 10  # files that could not be read
IMAGE = ""  # the name under which all images are counted


@click.command(
    cls=Command,
    examples=("striate predict runs/photos new/", "striate predict runs/photos new/ --csv out.csv --all-classes"),
)
@click.argument("trained", metavar="RUN_OR_MODEL")
@click.argument("paths", nargs=-1, required=True, metavar="FILES…")
@click.option("--json", "as_json", is_flag=True, help="Print the predictions as a JSON list.")
@click.option("--csv", "csv_file", metavar="FILE", help="Write a CSV file with a row for each image.")
@click.option("--jsonl", "jsonl_file", metavar="FILE", help="Write a JSON Lines file with a line for each image.")
@click.option("--resume", is_flag=True, help="Continue an incomplete file of --csv or --jsonl.")
@click.option("--top", type=click.IntRange(min=1), metavar="K", help="Show the K most probable classes.")
@click.option("--all-classes", is_flag=True, help="Show the probabilities of all classes.")
@click.option(
    "--threshold", type=click.FloatRange(0, 1), metavar="P",
    help="Mark images with a probability below P as unknown; multi-label models: predict the labels that reach P.",
)  # fmt: skip
@click.option("--sort-into", metavar="FOLDER", help="Copy the images into FOLDER/CLASS/ and FOLDER/unknown/.")
@click.option("--move", is_flag=True, help="With --sort-into: move the images instead of copying them.")
def predict(
    trained: str, paths: tuple[str, ...], as_json: bool, csv_file: str | None, jsonl_file: str | None, resume: bool,
    top: int | None, all_classes: bool, threshold: float | None, sort_into: str | None, move: bool,
) -> None:  # fmt: skip
    """Predict the classes of image FILES and of all images in folders.

    "-" reads file names from standard input, one per line, or separated by null bytes (find -print0).

    Images that differ too much from the training images are marked unknown. A model that cannot detect this marks
    images whose highest probability is too low. A multi-label model prints the labels whose probability reaches their
    threshold, and a regression model prints each value with its prediction interval. The exit status is 1 if a file
    cannot be read.
    """
    from striate.images import UnreadableFile
    from striate.workflows.predict import iter_input_files, predict_files
    from striate.workflows.prediction_files import json_content, open_prediction_file
    from striate.workflows.shared_predictions import check_shared, file_of_process, files_of_process, join_parts
    from striate.workflows.sort_images import image_sorter
    from striate.workflows.trained_model import open_trained_model

    process = current_process()
    check_shared(csv_file or jsonl_file, standard_input="-" in paths, sorts=bool(sort_into) or as_json)
    model = open_trained_model(trained)
    for note in () if process.rank else model.notes:
        echo_line(localized(note), err=True)
    sorter = image_sorter(sort_into, model, move=move)
    files, total = iter_input_files(paths, sys.stdin.buffer, sorter.folder if sorter else None)
    predictions: list[AnyPrediction] = []
    content: list[dict[str, Any]] = []
    counts: Counter[str] = Counter()
    reasons: list[str] = []  # why files could not be read
    unreadable = 0
    shown = len(model.classes) if all_classes else top or 0
    files = files_of_process(files)
    several = process.world_size > 1
    with open_prediction_file(
        model, csv_file and file_of_process(csv_file), jsonl_file and file_of_process(jsonl_file),
        resume=resume or several, top=top or 0, all_classes=all_classes,
    ) as file:  # fmt: skip
        if file and file.done:
            one = "'{path}' has 1 row already; continuing with the other images."
            several_rows = "'{path}' has {rows:,} rows already; continuing with the other images."
            text = one if file.done == 1 else several_rows
            echo_line(translate(text, path=file.path, rows=file.done), err=True)
        results = predict_files(
            model, file.remaining(files) if file else files, total=total,
            top=shown, threshold=threshold,
        )  # fmt: skip
        results = sorter.put(results) if sorter else results
        for result in file.write(results) if file else results:
            if as_json:
                content.append(json_content(result))
            if isinstance(result, UnreadableFile):
                unreadable += 1
                reasons += [result.reason] if unreadable <= MAX_LISTED or not file else []
            elif not (as_json or file or sorter):
                predictions.append(result)
            elif file or sorter:
                counts.update(_kinds(result))
    written = csv_file or jsonl_file
    counts, unreadable = join_parts(written, file, counts, unreadable)
    if as_json:
        echo_json(content)
    elif predictions:
        echo("\n".join(_table(predictions)))
    for line in _summary(counts, written if file else None, sorter):
        echo_line(line, err=as_json)
    for reason in reasons:
        echo_line(localized(f"Skipped: {reason}"), err=True)
    if unreadable and file:
        text = "Files that could not be read: {count:,}; '{path}' lists all of them."
        echo_line(translate(text, count=unreadable, path=written), err=True)
    sys.exit(1 if unreadable and not several else 0)  # with another status, torchrun starts all processes again


def _kinds(result: "AnyPrediction") -> tuple[str, ...]:
    """Return under which names a result is counted: as an image, and as its class or each of its labels."""
    from striate.workflows.predict import PredictedLabels, Prediction

    if result.unknown:
        return IMAGE, translate("unknown")
    if isinstance(result, PredictedLabels):
        return IMAGE, *(result.labels or (translate("no label"),))
    return (IMAGE, result.label) if isinstance(result, Prediction) else (IMAGE,)


def _summary(counts: Counter[str], written: str | None, sorter: "ImageSorter | None") -> Iterator[str]:
    """Yield lines on what was predicted, if it was not printed, and where it was written."""
    if images := counts.pop(IMAGE, 0):
        kinds = ", ".join(f"{name} {count:,}" for name, count in counts.most_common(MAX_LISTED))
        more = translate(", {n:,} more", n=len(counts) - MAX_LISTED) if len(counts) > MAX_LISTED else ""
        several = translate("; by label") if counts.total() > images else ""
        yield counted_images(images) + several + (f": {kinds}{more}" if kinds else "")
    if written:
        yield translate("written  {path}", path=written)
    if sorter:
        text = "sorted   {folder}: {n:,} moved" if sorter.moves else "sorted   {folder}: {n:,} copied"
        present = translate(", {n:,} already there", n=sorter.present) if sorter.present else ""
        yield translate(text, folder=sorter.folder, n=sorter.total) + present


def _table(predictions: "Sequence[AnyPrediction]") -> list[str]:
    """Return the lines of a table of predictions, which are all of the same task."""
    from striate.workflows.predict import PredictedLabels, Prediction

    top = any(isinstance(p, Prediction) and p.probabilities for p in predictions)
    head = heads("image", "predicted class", "probability", "remarks", *(["most probable"] if top else []))
    rows: list[tuple[str, ...]] = []
    for p in predictions:
        unknown = translate("unknown") if p.unknown else ""
        if isinstance(p, Prediction):
            best = ", ".join(f"{name} {100 * value:.1f} %" for name, value in p.probabilities.items())
            rows.append((p.path, p.label, f"{100 * p.probability:.1f} %", unknown, *([best] if top else [])))
        elif isinstance(p, PredictedLabels):
            head = heads("image", "labels", "remarks")
            labels = ", ".join(f"{name} {100 * p.probabilities[name]:.1f} %" for name in p.labels)
            rows.append((p.path, labels or "–", unknown))
        else:
            interval = translate("{share:g} % interval", share=100 * p.coverage)
            head = (*heads("image", "target", "value"), interval, *heads("remarks"))
            for name, value in p.values.items():
                low, high = p.intervals.get(name, (value, value))
                rows.append((p.path, name, f"{value:.4g}", f"± {(high - low) / 2:.4g}" if p.intervals else "", unknown))
    return table([head, *rows], right=[2] if len(head) > 3 else [])
