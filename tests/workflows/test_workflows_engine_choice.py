"""Engine and precision are chosen in a trial, once: the choice is recorded before anything is computed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import striate as st
from striate.data import from_arrays
from striate.engines import choose, trial
from striate.engines.choose import EngineSettings
from striate.engines.torch import engine as torch_engine
from striate.images import encode_png
from striate.language import Language, localized, use_language
from striate.training import Recipe, Run, RunRecord
from striate.workflows import trained_model
from striate.workflows.plan import make_plan
from striate.workflows.prepare import prepare
from striate.workflows.run_folder import reopen, start
from striate.workflows.run_record import TrainingRun
from striate.workflows.train import train
from striate.workflows.trained_model import with_fast_engine

TORCH = EngineSettings("torch", "cpu")


class KilledError(Exception):
    """Stands for a kill."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("with_torch", [True, False])
@pytest.mark.parametrize(("filters", "engine"), [(2, "numpy"), (2000, "onnx")])
def test_large_networks_predict_with_onnx_runtime_with_and_without_torch(
    monkeypatch: pytest.MonkeyPatch, with_torch: bool, filters: int, engine: str
) -> None:
    monkeypatch.setattr(choose, "installed", lambda package: with_torch)
    monkeypatch.setattr(trained_model, "accelerator", lambda: None)
    monkeypatch.setattr(choose, "accelerator", lambda: None)
    model = st.Sequential([st.layers.Input((30, 30, 1)), st.layers.Conv2D(filters, 3), st.layers.Flatten()])
    assert with_fast_engine(model).engine.name == engine


def measure(monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    """Make all trials from now on come to this result."""
    monkeypatch.setattr(torch_engine, "faster_precision", lambda *_: precision)


def killed_at(line: str) -> Any:
    def echo(text: str) -> None:
        if text.startswith(line):
            raise KilledError

    return echo


def begin(folder: Path, data: str, echo: Any = lambda text: None, **asked: Any) -> TrainingRun:
    settings: dict[str, Any] = {"engine": TORCH, "epochs": 1} | asked
    prepared = prepare(make_plan(data, **settings))
    return train(prepared, start(prepared, folder), verbose=0, echo=echo).run


def resume(folder: Path) -> TrainingRun:
    prepared, run = reopen(folder)
    return train(prepared, run, verbose=0, echo=lambda text: None).run


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for name, channel in (("red", 0), ("blue", 2)):
        (folder / name).mkdir()
        for number in range(30):
            pixels = rng.integers(0, 200, (40, 40, 3), dtype=np.uint8)
            pixels[:, :, channel] //= 2
            (folder / name / f"{number}.png").write_bytes(encode_png(pixels))
    return folder


@pytest.mark.parametrize("ensemble", [1, 2])
def test_restart_keeps_the_engine_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ensemble: int) -> None:
    asked = {"model": "mnist-quick", "ensemble": ensemble}
    measure(monkeypatch, "bfloat16")
    undisturbed = begin(tmp_path / "undisturbed", "mnist5k", **asked)
    with pytest.raises(KilledError):
        begin(tmp_path / "killed", "mnist5k", killed_at("Engine: " if ensemble == 1 else "member 1"), **asked)
    measure(monkeypatch, "float32")
    run = resume(tmp_path / "killed")
    assert run.record.plan.precision == "bfloat16"
    assert str(run.record.engine_reason).endswith("bfloat16 was faster in a trial")
    for name in (
        ["model.safetensors"] if ensemble == 1 else ["member-1/model.safetensors", "member-2/model.safetensors"]
    ):
        assert (run.path / name).read_bytes() == (undisturbed.path / name).read_bytes()


def predict(monkeypatch: pytest.MonkeyPatch, **seconds: float) -> None:
    """Make all trials of engines from now on come to this result for four steps."""
    monkeypatch.setattr(trial, "MIN_SECONDS", 0)
    monkeypatch.setattr(trial, "ROUND_SECONDS", 0)
    monkeypatch.setattr(trial, "shortest_times", lambda runs, clock: {name: seconds[name] for name in runs})


def test_restart_keeps_the_engine_that_was_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predict(monkeypatch, numpy=0.4, torch=0.2)
    with pytest.raises(KilledError):
        begin(tmp_path / "killed", "mnist5k", killed_at("member 1"), model="mnist-quick", ensemble=2,
              engine=EngineSettings(device="cpu"))  # fmt: skip
    predict(monkeypatch, numpy=0.2, torch=0.4)
    lines: list[str] = []
    prepared, run = reopen(tmp_path / "killed")
    record = train(prepared, run, verbose=0, echo=lines.append).run.record
    assert record.plan.engine == "torch"
    steps = -(-4_000 * 2 // record.recipe.batch_size)
    reason = f"a short trial estimates {0.05 * steps:.0f} seconds with PyTorch and {0.1 * steps:.0f} with NumPy"
    assert record.engine_reason == reason
    assert any(line.startswith("Engine: torch on cpu") and line.endswith(reason) for line in lines)
    assert localized(reason) == reason
    with use_language(Language.KOREAN):
        assert localized(reason).startswith("시험해 보니 학습 시간이 PyTorch로는 약 ")


def test_trial_changes_no_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"model": "mnist-quick", "seed": 4}
    plain = begin(tmp_path / "plain", "mnist5k", engine=EngineSettings("numpy"), **asked)
    monkeypatch.setattr(trial, "MIN_SECONDS", 0)
    monkeypatch.setattr(choose, "MIN_SPEEDUP", 1e9)
    tried = begin(tmp_path / "tried", "mnist5k", engine=EngineSettings(), **asked)
    assert str(tried.record.engine_reason).startswith("a short trial estimates ")
    assert tried.model_path.read_bytes() == plain.model_path.read_bytes()


def test_fine_tuning_keeps_the_precision(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure(monkeypatch, "bfloat16")
    with pytest.raises(KilledError):
        begin(tmp_path / "run", str(images), killed_at("Features: "), method="fine-tune",
              sets={"input_shape": "[48,48,3]"})  # fmt: skip
    measure(monkeypatch, "float32")
    run = resume(tmp_path / "run")
    inner = Run.open(run.path / "all-layers")
    assert run.record.plan.precision == inner.record.precision == "bfloat16"


def test_run_of_the_python_interface_keeps_the_engine_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    data = from_arrays(rng.integers(0, 255, (200, 28, 28, 1)).astype(np.uint8), rng.integers(0, 2, 200))
    for recorded, measured in (("bfloat16", "bfloat16"), ("bfloat16", "float32")):
        measure(monkeypatch, measured)
        model = st.Model.from_network(st.zoo.network("mnist-quick", classes=2))
        model.use_engine("torch", device="cpu")
        exists = (tmp_path / "config.json").exists()
        run = Run.open(tmp_path) if exists else Run.create(RunRecord(Recipe(1), data.fingerprint), tmp_path)
        model.train(data, run=run, verbose=0)
        assert model.engine.precision == recorded
        assert Run.open(tmp_path).record.precision == recorded


def test_temporary_files_of_a_killed_process_are_removed(images: Path, tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        begin(tmp_path / "run", str(images), killed_at("Features: "), method="fine-tune",
              sets={"input_shape": "[48,48,3]"})  # fmt: skip
    left = tmp_path / "run" / ".model.safetensors.4711.tmp"
    left.write_bytes(b"half a model")
    prepared, run = reopen(tmp_path / "run")
    with pytest.raises(KilledError):
        train(prepared, run, verbose=0, echo=killed_at("Features: "))
    assert not left.exists()
