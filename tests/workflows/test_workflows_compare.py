"""Runs are compared on the images that all of them were tested on."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from striate.data import Images, load
from striate.data.split import pool
from striate.errors import DataError, ModelFileError, RunError, UsageError
from striate.evaluation import Evaluation
from striate.tasks import Decision, Task
from striate.workflows.compare import compare_runs
from striate.workflows.plan import make_plan
from striate.workflows.predictions import FILE_NAME, Predictions, read_predictions
from striate.workflows.run_record import TrainingRecord, TrainingRun

DIGITS = load("mnist5k")


def write_run(path: Path, images: Images, accuracy: float, seed: int = 0, folds: int = 0) -> Predictions:
    """Write a run folder with predictions of which about a share `accuracy` is correct."""
    plan = make_plan("mnist5k")
    run = TrainingRun.create(TrainingRecord(plan.recipe, DIGITS.fingerprint, plan=plan), path, "run")
    rng = np.random.default_rng(seed)
    answers = np.where(rng.random(len(images)) < accuracy, images.y, (images.y + 1) % 10)
    probabilities = np.where(np.arange(10) == answers[:, None], 0.82, 0.02)
    predictions = Predictions.of(
        DIGITS.classes, probabilities, images, np.arange(len(images)) % folds if folds else None
    )
    predictions.write(run.path)
    return predictions


def test_the_better_run_is_found_and_shown(tmp_path: Path) -> None:
    for name, accuracy in (("a", 0.8), ("b", 0.95)):
        write_run(tmp_path / name, DIGITS.test, accuracy)
    found = compare_runs([tmp_path / "a", tmp_path / "b"])
    (pair,) = found.comparison.pairs
    assert (pair.first, pair.second, pair.significant) == ("a", "b", True)
    assert found.shared == len(DIGITS.test) and found.page == tmp_path / "b/comparison.html"
    page = found.page.read_text("utf-8").replace("\u2060", "")  # word joiners of the Korean texts
    assert page.count("data:image/png") == min(120, len(found.comparison.disagreements))
    assert "“b” is better than “a”" in page and "‘b’의 정확도가 ‘a’보다" in page
    assert "http://" not in page and "https://" not in page


def test_images_are_matched_by_content_and_classes_by_name(tmp_path: Path) -> None:
    whole = pool(DIGITS).train
    first = write_run(tmp_path / "a", whole, 0.9, folds=5)
    order = np.random.default_rng(1).permutation(len(DIGITS.test))[:300]
    write_run(tmp_path / "b", DIGITS.test.take(order), 0.9, seed=3)
    stored = read_predictions(tmp_path / "b")
    assert stored is not None
    turned = replace(stored, classes=DIGITS.classes[::-1], probabilities=stored.probabilities[:, ::-1],
                     labels=9 - stored.labels)  # fmt: skip
    turned.write(tmp_path / "b")
    found = compare_runs([tmp_path / "a", tmp_path / "b"]).comparison
    right = dict(
        zip(first.digests.tolist(), (first.probabilities.argmax(axis=1) == first.labels).tolist(), strict=True)
    )
    assert found.n_images == 300
    assert found.evaluations["a"].correct == sum(right[digest] for digest in stored.digests.tolist())
    of_b = stored.evaluation()
    assert isinstance(of_b, Evaluation)
    assert found.evaluations["b"].correct == of_b.correct


def test_images_whose_classes_differ_are_left_out(tmp_path: Path) -> None:
    write_run(tmp_path / "a", DIGITS.test, 0.9)
    changed = replace(DIGITS.test, y=np.where(np.arange(len(DIGITS.test)) < 7, 9 - DIGITS.test.y, DIGITS.test.y))
    write_run(tmp_path / "b", changed, 0.9)
    found = compare_runs([tmp_path / "a", tmp_path / "b"])
    assert (found.contradicting, found.comparison.n_images) == (7, len(DIGITS.test) - 7)
    assert "their class differs between the runs: 7 of the images" in found.page.read_text("utf-8")


def test_runs_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    for name in ("old/run", "new/run"):
        write_run(tmp_path / name, DIGITS.test, 0.9)
    found = compare_runs([tmp_path / "old/run", tmp_path / "new/run"])
    assert list(found.comparison.evaluations) == ["old/run", "new/run"]


def test_what_cannot_be_compared_is_explained(tmp_path: Path) -> None:
    write_run(tmp_path / "a", DIGITS.test, 0.9)
    write_run(tmp_path / "b", DIGITS.validation, 0.9)
    with pytest.raises(DataError, match=r"no test image in common; they have .* Train them on the same images"):
        compare_runs([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(UsageError, match="at least two runs; received 1"):
        compare_runs([tmp_path / "a"])
    with pytest.raises(UsageError, match="The same run is given twice"):
        compare_runs([tmp_path / "a", tmp_path / "a"])
    stored = read_predictions(tmp_path / "b")
    assert stored is not None
    several = replace(stored, labels=np.eye(10, dtype=np.uint8)[stored.labels], decision=Decision(Task.MULTILABEL))
    several.write(tmp_path / "b")
    with pytest.raises(UsageError, match=r"predict one class .* is multilabel"):
        compare_runs([tmp_path / "a", tmp_path / "b"])
    (tmp_path / "b" / FILE_NAME).unlink()
    with pytest.raises(RunError, match="holds no predictions to compare"):
        compare_runs([tmp_path / "a", tmp_path / "b"])
    (tmp_path / "b" / FILE_NAME).write_bytes((tmp_path / "a" / FILE_NAME).read_bytes()[:-5])
    with pytest.raises(ModelFileError, match="is damaged"):
        compare_runs([tmp_path / "a", tmp_path / "b"])


def test_command_prints_figures_and_json(tmp_path: Path) -> None:
    for number, name in enumerate("abc"):
        write_run(tmp_path / name, DIGITS.test, 0.9, number)
    command = [sys.executable, "-m", "striate", "compare", "a", "b", "c"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=True)
    assert f"{len(DIGITS.test)} shared test images" in shown.stdout
    assert shown.stdout.count("p after Holm's correction") == 3
    plain = subprocess.run([*command, "--json"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    content = json.loads(plain.stdout)
    assert content["images"] == len(DIGITS.test) and len(content["pairs"]) == 3
