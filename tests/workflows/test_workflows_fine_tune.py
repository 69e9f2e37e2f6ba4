"""Fine-tuning from the plan to the run folder: both outcomes, and what is recomputed from the weights."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import striate as st
from striate._types import Array
from striate.engines.choose import EngineSettings
from striate.errors import TrainingError
from striate.images import encode_png
from striate.models import Model
from striate.training import Run
from striate.transfer.bases import open_base
from striate.transfer.features import predict_with_features
from striate.transfer.fine_tuning import HeldOutScore
from striate.transfer.open_set import OpenSetDetector
from striate.workflows import fine_tune
from striate.workflows.fine_tune import discard_training
from striate.workflows.plan import make_plan
from striate.workflows.prepare import prepare
from striate.workflows.run_folder import reopen, start
from striate.workflows.run_record import TrainingRun
from striate.workflows.train import train
from striate.workflows.training_time import StopInTime

SHAPE = (48, 48, 3)
TORCH = EngineSettings("torch", "cpu", "float32")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def draw(folder: Path, count: int, seed: int, *, standing: bool, gray: bool = False) -> None:
    """Write noise with faint vertical or horizontal stripes."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:48, :48]
    for number in range(count):
        stripes = np.sin((x if standing else y) * rng.uniform(0.7, 1.1) + rng.uniform(0, 6))
        pixels = 128 + 12 * stripes[..., None] + rng.normal(0, 45, (48, 48, 1 if gray else 3))
        (folder / f"{number}.png").write_bytes(encode_png(pixels.clip(0, 255).astype(np.uint8).squeeze()))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stripes") / "줄무늬"
    draw(folder / "서다", 40, 0, standing=True)
    draw(folder / "lying", 40, 1, standing=False)
    return folder


def fine_tune_run(images: Path, out: Path, messages: list[str], **options: Any) -> TrainingRun:
    settings: dict[str, Any] = {
        "epochs": 2,
        "sets": {"input_shape": "[48,48,3]"},
        "engine": TORCH,
        "method": "fine-tune",
    } | options
    prepared = prepare(make_plan(str(images), **settings))
    return train(prepared, start(prepared, out), verbose=0, echo=messages.append).run


@pytest.fixture(scope="module")
def improving_run(images: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingRun, list[str]]:
    """A run in which no model is clearly better than another, before its training is discarded, and its messages.

    Tests must not change it.
    """
    messages: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HeldOutScore, "is_better_than", lambda self, other: False)
        patch.setattr(fine_tune, "discard_training", lambda run: None)
        return fine_tune_run(images, tmp_path_factory.mktemp("better") / "run", messages), messages


def test_finished_run_keeps_one_model_and_no_checkpoints(
    improving_run: tuple[TrainingRun, list[str]], tmp_path: Path
) -> None:
    unfinished, _ = improving_run
    run = TrainingRun.open(shutil.copytree(unfinished.path, tmp_path / "run"))
    discard_training(run)
    files = {path.relative_to(run.path).as_posix(): path.stat().st_size for path in run.path.rglob("*.*")}
    files |= {name: 0 for name in files if name.endswith("report.html")}
    assert sum(files.values()) < 1.2 * files["model.safetensors"]
    inner = {f"all-layers/{name}" for name in ("config.json", "history.csv")}
    assert files.keys() - inner == {
        "config.json", "history.csv", "metrics.json", "model.safetensors", "predictions.safetensors", "report.html",
    }  # fmt: skip


def appear_in_order(texts: list[str], messages: list[str]) -> bool:
    """Return whether each text begins a line, in this order."""
    lines = iter(messages)
    return all(any(line.startswith(text) for line in lines) for text in texts)


def test_training_runs_in_order(improving_run: tuple[TrainingRun, list[str]]) -> None:
    run, messages = improving_run
    lines = ["Features: ", "Classifier: ", "Fine-tuning: all layers for at most 2 epochs of ", "Engine: torch",
              "Halfway: loss ", "All layers: loss "]  # fmt: skip
    assert appear_in_order(lines, messages)
    found = run.record.fine_tuning
    assert found
    assert list(found.scores) == ["start", "halfway", "all layers"]
    assert found.kept == "halfway"
    report = (run.path / "report.html").read_text("utf-8")
    for text in (
        "fine-tuning, start",
        "fine-tuning, all layers",
        "fine-tuning, halfway",
        "held-out images",
        "test, start and kept",
    ):
        assert text in report
    assert run.read_history() == Run.open(run.path / "all-layers").read_history()


def test_frozen_weights_stay_identical(improving_run: tuple[TrainingRun, list[str]]) -> None:
    run, _ = improving_run
    before: dict[str, Array] = open_base("efficientnet-lite0", SHAPE).weights
    inner = Run.open(run.path / "all-layers")
    after = st.load(inner.model_path).named_weights
    changed = {key.split("/")[0] for key in before if key in after and not np.array_equal(after[key], before[key])}
    assert changed == {key.split("/")[0] for key in before if key in after} - set(inner.recipe.frozen_layers)
    kept = st.load(run.model_path).named_weights  # halfway
    for key in before.keys() & after.keys() & kept.keys():
        np.testing.assert_allclose(kept[key], (before[key] + after[key]) / 2, rtol=1e-4, atol=1e-7)


def test_detector_and_thresholds_are_recomputed_from_the_new_features(
    improving_run: tuple[TrainingRun, list[str]], images: Path
) -> None:
    """Distances of its images are typical; thresholds and test results are the final model's."""
    run, _ = improving_run
    model = st.load(run.model_path)
    assert model.policy
    x = np.stack([model.policy.read(file) for file in sorted(images.rglob("*.png"))])
    [(p, rows)] = predict_with_features(model.network, model.named_weights, [x])
    detector = OpenSetDetector.from_extras(model.extras)
    assert detector
    assert 0.5 < detector.distances(rows).mean() < 1.5
    mean = detector.neighbors.mean(axis=0)
    assert rows.mean(axis=0) @ mean > 0.95 * np.linalg.norm(rows.mean(axis=0)) * np.linalg.norm(mean)
    assert run.record.extraction
    assert run.record.extraction.distance_threshold == pytest.approx(float(detector.threshold), rel=1e-5)
    assert run.record.unknown_threshold == model.figures["unknown_threshold"]
    assert model.figures["unknown_threshold"] <= p.max()
    right = json.loads((run.path / "metrics.json").read_text("utf-8"))["accuracy"]["value"]
    assert run.record.fine_tuning
    assert run.record.fine_tuning.test_kept == pytest.approx(right)


@pytest.mark.parametrize("lost", ["all", "an epoch", "nothing"], ids=["extraction", "an epoch", "all but the end"])
def test_interrupted_run_ends_with_identical_bits(
    improving_run: tuple[TrainingRun, list[str]], lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the extraction; after an epoch; after the training."""
    monkeypatch.setattr(HeldOutScore, "is_better_than", lambda self, other: False)
    run, _ = improving_run
    copy = shutil.copytree(run.path, tmp_path / "copy")
    if lost == "all":
        shutil.rmtree(copy / "all-layers")
    if lost == "an epoch":
        max((copy / "all-layers/checkpoints").glob("step-*")).unlink()
    for name in ("metrics.json", "model.safetensors", "history.csv"):
        (copy / name).unlink()
    train(*reopen(copy), verbose=0, echo=lambda text: None)
    for name in ("model.safetensors", "metrics.json", "history.csv"):
        assert (copy / name).read_bytes() == (run.path / name).read_bytes(), name


@pytest.mark.parametrize("how", ["worse", "diverging"])
def test_training_without_improvement_is_discarded(
    images: Path, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model then equals, bit for bit, the result of feature extraction."""
    if how == "diverging":
        monkeypatch.setattr(
            Model, "train", lambda *_, **__: (_ for _ in ()).throw(TrainingError("The loss became nan."))
        )
    messages: list[str] = []
    answers = iter([True, False])  # the start is clearly better than halfway; all layers are not than the start
    monkeypatch.setattr(HeldOutScore, "is_better_than", lambda self, other: next(answers))
    rates = {"learning_rate": 0.5, "sets": {"input_shape": "[48,48,3]", "global_clipnorm": "null"}}
    run = fine_tune_run(images, tmp_path / "tuned", messages, epochs=1, **rates)
    assert run.record.fine_tuning
    assert run.record.fine_tuning.kept == "start"
    end = (
        "All layers: The loss became nan." if how == "diverging" else ("clearly worse, so the initial network is kept")
    )
    assert any(end in line for line in messages)
    plain = fine_tune_run(images, tmp_path / "plain", [], method="features", base="efficientnet-lite0", epochs=None,
                  folds=0, engine=EngineSettings(precision="float32"))  # fmt: skip
    for name in ("model.safetensors", "metrics.json"):
        assert (run.path / name).read_bytes() == (plain.path / name).read_bytes(), name
    assert "the start; nothing was clearly better" in (run.path / "report.html").read_text("utf-8")


def test_all_layers_are_kept_if_clearly_better(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HeldOutScore, "is_better_than", lambda self, other: True)
    run = fine_tune_run(images, tmp_path / "run", [], epochs=1)
    assert run.record.fine_tuning
    assert run.record.fine_tuning.kept == "all layers"


def test_time_is_left_for_what_follows_training(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One second passes at each call of the clock: to fit a head, and to compute features of the held-out images."""
    prepared = prepare(make_plan(
        str(images), method="fine-tune", epochs=1, sets={"input_shape": "[48,48,3]"}, engine=TORCH,
    ))  # fmt: skip
    given: list[float] = []
    monkeypatch.setattr(fine_tune, "monotonic", iter(range(100)).__next__)

    def stop_in_time(seconds: float) -> StopInTime:
        given.append(seconds)
        return StopInTime(seconds)

    monkeypatch.setattr(fine_tune, "StopInTime", stop_in_time)
    record = train(prepared, start(prepared, tmp_path / "run"), verbose=0, echo=lambda _: None, remaining=lambda: 60.0)
    found, data = record.run.record.fine_tuning, prepared.data
    assert found
    images_fitted = len(data.train) + len(data.validation)
    after = 2 * (1 + images_fitted / found.held_out) + (images_fitted + len(data.test)) / found.held_out
    assert given == [pytest.approx(60 - after)]


@pytest.mark.parametrize(("each", "gray", "base"), [
    (10, False, "efficientnet-lite1"), (3, False, None), (10, True, None),
])  # fmt: skip
def test_few_images_and_gray_images(tmp_path: Path, each: int, gray: bool, base: str | None) -> None:
    for part, seed in (("train", 0), ("test", 9)):
        draw(tmp_path / "p" / part / "a", each, seed, standing=True, gray=gray)
        draw(tmp_path / "p" / part / "b", each, seed + 1, standing=False, gray=gray)
    run = fine_tune_run(tmp_path / "p", tmp_path / "run", [], base=base, epochs=1)
    assert run.record.fine_tuning
    assert run.record.fine_tuning.held_out >= 2
    assert st.load(run.model_path).name == (base or "efficientnet-lite0")
    assert [path.parent for path in run.path.rglob("*.safetensors")] == [run.path, run.path]


def test_start_is_kept_if_no_images_can_be_held_out(tmp_path: Path) -> None:
    for part, count, seed in (("train", 1, 0), ("test", 3, 9)):
        for number in range(4):
            draw(tmp_path / "p" / part / str(number), count, seed + number, standing=number % 2 == 0)
    messages: list[str] = []
    run = fine_tune_run(tmp_path / "p", tmp_path / "run", messages, epochs=1)
    assert run.record.fine_tuning
    assert run.record.fine_tuning.held_out == 0
    assert "Fine-tuning: no image can be held out for the comparison, so the initial network is kept" in messages
    assert run.record.fine_tuning
    assert run.record.fine_tuning.kept == "start"
