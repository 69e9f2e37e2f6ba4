"""Multi-label and regression models: metrics on new images and coverage of the intervals, over several splits.

The images are made of others, so that the truth is known: collages of flowers, whose labels are the kinds in them, and
scattered MNIST digits, whose number is to be counted. The labels are read from CSV files, as users have them.

python benchmarks/tasks.py [--splits 5] [--images 600] [--size 128]
"""

import argparse
import csv
import os
import tempfile
from pathlib import Path

import numpy as np
from machine import command, description
from PIL import Image

import striate
from striate._types import Array
from striate.data import Dataset, load, load_folder
from striate.evaluation.multilabel import MultilabelEvaluation
from striate.evaluation.regression import RegressionEvaluation
from striate.evaluation.tasks import AnyEvaluation, evaluate_task
from striate.images import ImagePolicy
from striate.models import Model
from striate.network import Network
from striate.network.outputs import with_output_activation
from striate.tasks import Task
from striate.training import Recipe
from striate.transfer.bases import open_base
from striate.transfer.extraction import fit_task_on_features
from striate.transfer.task_heads import choose_decision
from striate.zoo.registry import network

TILE = 112  # pixels of one photograph in a collage of four
CANVAS = 112  # pixels on which digits are scattered


def write_collages(folder: Path, flowers: Path, count: int) -> str:
    """Write collages of four tiles from one to three kinds of flowers; return the CSV file of their labels."""
    rng = np.random.default_rng(0)
    kinds = sorted(path.name for path in flowers.iterdir() if path.is_dir())
    files = {kind: sorted((flowers / kind).iterdir()) for kind in kinds}
    rows = []
    for number in range(count):
        chosen = sorted(rng.choice(kinds, rng.integers(1, 4), replace=False).tolist())
        tiles = [*chosen, *rng.choice(chosen, 4 - len(chosen))]
        collage = Image.new("RGB", (2 * TILE, 2 * TILE))
        for place, kind in zip(rng.permutation(4).tolist(), tiles, strict=True):
            with Image.open(files[kind][rng.integers(len(files[kind]))]) as image:
                collage.paste(image.convert("RGB").resize((TILE, TILE)), (place % 2 * TILE, place // 2 * TILE))
        collage.save(folder / f"{number}.png")
        rows.append((f"{number}.png", ";".join(chosen)))
    return _write(folder, "labels", rows)


def write_digits(folder: Path, count: int) -> str:
    """Write canvases with 0 to 9 digits, which may touch; return the CSV file of their numbers."""
    rng = np.random.default_rng(1)
    digits = load("mnist5k").train.x
    rows = []
    for number in range(count):
        canvas, amount = np.zeros((CANVAS, CANVAS), np.uint8), int(rng.integers(0, 10))
        for _ in range(amount):
            top, left = rng.integers(0, CANVAS - 28, 2)
            place = canvas[top : top + 28, left : left + 28]
            np.maximum(place, digits[rng.integers(len(digits))][:, :, 0], out=place)
        Image.fromarray(np.maximum(canvas, rng.integers(0, 20, canvas.shape, dtype=np.uint8))).save(
            folder / f"{number}.png"
        )
        rows.append((f"{number}.png", str(amount)))
    return _write(folder, "count", rows)


def _write(folder: Path, name: str, rows: list[tuple[str, str]]) -> str:
    path = folder / "labels.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", name), *rows])
    return str(path)


def by_features(data: Dataset) -> AnyEvaluation:
    found = fit_task_on_features(open_base("efficientnet-lite0", data.shape), data)
    return evaluate_task(found.fitted.decision, found.test, data.test.y, data.classes)


def from_scratch(data: Dataset, epochs: int) -> AnyEvaluation:
    plain: Network = network("tutorial-cnn", input_shape=data.shape, classes=len(data.classes))
    model = Model.from_network(with_output_activation(plain, data.task.activation))
    model.train(data, Recipe(epochs=epochs, batch_size=32), verbose=0)
    held_out: Array = model.predict(data.validation.x)
    decision = choose_decision(data.task, held_out, data.validation.y)
    return evaluate_task(decision, model.predict(data.test.x), data.test.y, data.classes)


def figures(evaluation: AnyEvaluation) -> dict[str, float]:
    if isinstance(evaluation, MultilabelEvaluation):
        return {
            "mAP": evaluation.mean_average_precision.value or 0, "chance": evaluation.chance,
            "mean F1": evaluation.macro_f1.value or 0, "all labels correct": evaluation.exact_match.value or 0,
        }  # fmt: skip
    assert isinstance(evaluation, RegressionEvaluation)
    (number,) = evaluation.targets
    return {
        "mean absolute error": number.mae.value or 0, "of the median": number.baseline_mae, "R2": number.r2.value or 0,
        "half width": number.half_width or 0, "covered": number.covered.value or 0,
    }  # fmt: skip


def show(title: str, results: list[dict[str, float]]) -> None:
    print(title, flush=True)
    for name in results[0]:
        values = np.array([result[name] for result in results])
        print(f"  {name:20} median {np.median(values):.3f}, {values.min():.3f} to {values.max():.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=15)
    args = parser.parse_args()
    print(f"{command()}\n{description()}; striate {striate.__version__}, numpy {np.__version__}")
    flowers = Path(os.environ.get("STRIATE_DATA", ".")) / "flowers"
    with tempfile.TemporaryDirectory() as place:
        collages, digits = Path(place, "collages"), Path(place, "digits")
        collages.mkdir()
        digits.mkdir()
        tasks = {
            "kinds of flowers in collages": (collages, write_collages(collages, flowers, args.images), Task.MULTILABEL),
            "number of digits": (digits, write_digits(digits, args.images), Task.REGRESSION),
        }
        for title, (folder, labels, task) in tasks.items():
            policy = ImagePolicy(args.size, args.size)
            splits = [load_folder(folder, policy, seed, labels=labels, task=task) for seed in range(args.splits)]
            show(f"{title}, features", [figures(by_features(data)) for data in splits])
            if task is Task.REGRESSION:
                small = [load_folder(folder, ImagePolicy(56, 56, 1), seed, labels=labels, task=task)
                         for seed in range(args.splits)]  # fmt: skip
                show(f"{title}, from scratch", [figures(from_scratch(data, args.epochs)) for data in small])


if __name__ == "__main__":
    main()
