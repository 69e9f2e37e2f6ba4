"""Fine-tuning from plan to run folder: both ends of it, forced, and what hangs on the weights."""

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
from striate.model import Model
from striate.training import Run
from striate.transfer.bases import open_base
from striate.transfer.features import predict_with_features
from striate.transfer.fine_tuning import HeldOutScore
from striate.transfer.open_set import OpenSetDetector
from striate.workflows.plan import make_plan
from striate.workflows.prepare import prepare
from striate.workflows.run_record import TrainingRun
from striate.workflows.train import reopen, start, train

SHAPE = (48, 48, 3)
TORCH = EngineSettings("torch", "cpu", "float32")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def draw(folder: Path, count: int, seed: int, *, standing: bool, grey: bool = False) -> None:
    """Noise with faint stripes that stand or lie."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:48, :48]
    for number in range(count):
        stripes = np.sin((x if standing else y) * rng.uniform(0.7, 1.1) + rng.uniform(0, 6))
        pixels = 128 + 12 * stripes[..., None] + rng.normal(0, 45, (48, 48, 1 if grey else 3))
        (folder / f"{number}.png").write_bytes(encode_png(pixels.clip(0, 255).astype(np.uint8).squeeze()))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("stripes") / "줄무늬"
    draw(place / "서다", 40, 0, standing=True)
    draw(place / "lying", 40, 1, standing=False)
    return place


def tuned(pictures: Path, out: Path, said: list[str], **asked: Any) -> TrainingRun:
    settings: dict[str, Any] = {
        "epochs": 2,
        "sets": {"input_shape": "[48,48,3]"},
        "engine": TORCH,
        "method": "fine-tune",
    } | asked
    prepared = prepare(make_plan(str(pictures), **settings))
    return train(prepared, start(prepared, out), verbose=0, echo=said.append).run


@pytest.fixture(scope="module")
def better(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingRun, list[str]]:
    """A run in which each stage is taken for better than what was before, and what was said. Leave it as it is."""
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HeldOutScore, "is_better_than", lambda self, other: True)
        return tuned(pictures, tmp_path_factory.mktemp("better") / "run", said), said


def in_order(texts: list[str], said: list[str]) -> bool:
    """Whether each text begins a line, one after another."""
    lines = iter(said)
    return all(any(line.startswith(text) for line in lines) for text in texts)


def test_stages_come_in_order(better: tuple[TrainingRun, list[str]]) -> None:
    run, said = better
    stages = ["Features: ", "Head: ", "Fine-tuning: upper layers, then all layers, up to 2 epochs of ", "Engine: torch",
              "Upper layers: loss ", "All layers: loss "]  # fmt: skip
    assert in_order(stages, said)
    found = run.record.fine_tuning
    assert found
    assert list(found.scores) == ["start", "upper layers", "all layers"]
    assert found.kept == "all layers"
    report = (run.path / "report.html").read_text("utf-8")
    for text in ("fine-tuning, start", "fine-tuning, all layers", "held-out images", "test, start and kept"):
        assert text in report
    parts = [Run.open(run.path / name).read_history() for name in ("1-upper", "2-all")]
    assert run.read_history() == {name: parts[0][name] + parts[1][name] for name in parts[0]}
    rates = run.read_history()["learning_rate"]
    assert max(rates[:2]) > 5 * max(rates[2:])


def test_frozen_weights_stay_bit_for_bit(better: tuple[TrainingRun, list[str]]) -> None:
    run, _ = better
    before: dict[str, Array] = open_base("efficientnet-lite0", SHAPE).weights
    for name in ("1-upper", "2-all"):
        stage = Run.open(run.path / name)
        after = st.load(stage.model_path).weights
        changed = {key.split("/")[0] for key in before if not np.array_equal(after[key], before[key])}
        assert changed == {key.split("/")[0] for key in before} - set(stage.recipe.frozen)
        before = {key: after[key] for key in before}


def test_what_hangs_on_the_features_is_learnt_anew(better: tuple[TrainingRun, list[str]], pictures: Path) -> None:
    """Its pictures are as far from the classes' centres as pictures should be; threshold and test are the model's."""
    run, _ = better
    model, last = st.load(run.model_path), st.load(run.path / "2-all" / "model.safetensors")
    np.testing.assert_array_equal(model.weights["head/kernel"], last.weights["head/kernel"])
    assert model.policy
    x = np.stack([model.policy.read(file) for file in sorted(pictures.rglob("*.png"))])
    [(p, rows)] = predict_with_features(model.network, model.weights, [x])
    detector = OpenSetDetector.from_extras(model.extras)
    assert detector
    assert 0.5 < detector.distances(rows).mean() < 1.5
    np.testing.assert_allclose(detector.mean, rows.mean(axis=0), atol=0.3 * rows.std())
    assert run.record.extraction
    assert run.record.extraction.distance_threshold == pytest.approx(float(detector.threshold), rel=1e-5)
    assert run.record.unknown_threshold == model.figures["unknown_threshold"]
    assert model.figures["unknown_threshold"] <= p.max()
    right = json.loads((run.path / "metrics.json").read_text("utf-8"))["accuracy"]["value"]
    assert run.record.fine_tuning
    assert run.record.fine_tuning.test_kept == pytest.approx(right)


@pytest.mark.parametrize(
    "lost", [("2-all", "1-upper"), ("2-all",), ()], ids=["extraction", "a stage", "all but the end"]
)
def test_a_run_that_was_cut_off_goes_on_to_the_same_bits(
    better: tuple[TrainingRun, list[str]], lost: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the extraction; after an epoch of the first stage; after all stages."""
    monkeypatch.setattr(HeldOutScore, "is_better_than", lambda self, other: True)
    run, _ = better
    copy = shutil.copytree(run.path, tmp_path / "copy")
    for name in lost:
        shutil.rmtree(copy / name)
    if lost == ("2-all",):
        max((copy / "1-upper/checkpoints").glob("step-*")).unlink()
    for name in ("metrics.json", "model.safetensors", "history.csv"):
        (copy / name).unlink()
    train(*reopen(copy), verbose=0, echo=lambda text: None)
    for name in ("model.safetensors", "metrics.json", "history.csv"):
        assert (copy / name).read_bytes() == (run.path / name).read_bytes(), name


@pytest.mark.parametrize("how", ["worse", "diverging"])
def test_what_does_not_help_is_undone(
    pictures: Path, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is then, bit for bit, the one that the extraction alone makes."""
    if how == "diverging":
        monkeypatch.setattr(
            Model, "train", lambda *_, **__: (_ for _ in ()).throw(TrainingError("The loss became nan."))
        )
    said: list[str] = []
    rates = {"learning_rate": 0.5, "sets": {"input_shape": "[48,48,3]", "clip_norm": "null"}}
    run = tuned(pictures, tmp_path / "tuned", said, epochs=1, **rates)
    assert run.record.fine_tuning
    assert run.record.fine_tuning.kept == "start"
    end = "upper layers: The loss became nan." if how == "diverging" else "no clear gain, so the start is kept"
    assert any(end in line for line in said)
    plain = tuned(pictures, tmp_path / "plain", [], method="features", base="efficientnet-lite0", epochs=None,
                  engine=EngineSettings())  # fmt: skip
    for name in ("model.safetensors", "metrics.json"):
        assert (run.path / name).read_bytes() == (plain.path / name).read_bytes(), name
    assert "the start; no stage was clearly better" in (run.path / "report.html").read_text("utf-8")


@pytest.mark.parametrize(("each", "grey", "base"), [
    (10, False, "efficientnet-lite1"), (3, False, None), (10, True, None),
])  # fmt: skip
def test_few_pictures_and_grey_ones(tmp_path: Path, each: int, grey: bool, base: str | None) -> None:
    for part, seed in (("train", 0), ("test", 9)):
        draw(tmp_path / "p" / part / "a", each, seed, standing=True, grey=grey)
        draw(tmp_path / "p" / part / "b", each, seed + 1, standing=False, grey=grey)
    run = tuned(tmp_path / "p", tmp_path / "run", [], base=base, epochs=1)
    assert run.record.fine_tuning
    assert run.record.fine_tuning.held_out >= 2
    assert st.load(run.model_path).name == (base or "efficientnet-lite0")


def test_where_nothing_can_be_held_out_the_start_is_kept(tmp_path: Path) -> None:
    for part, count, seed in (("train", 1, 0), ("test", 3, 9)):
        for number in range(4):
            draw(tmp_path / "p" / part / str(number), count, seed + number, standing=number % 2 == 0)
    said: list[str] = []
    run = tuned(tmp_path / "p", tmp_path / "run", said, epochs=1)
    assert run.record.fine_tuning
    assert run.record.fine_tuning.held_out == 0
    assert "Fine-tuning: no image can be held out to compare the stages on, so the start is kept" in said
    assert run.record.fine_tuning
    assert run.record.fine_tuning.kept == "start"
