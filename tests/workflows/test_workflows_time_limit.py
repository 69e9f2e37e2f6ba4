"""`--minutes`: time is measured, and what would take too long is not tried. Clocks are simulated."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate.data import load_folder
from striate.data.layout import read_layout
from striate.errors import UsageError
from striate.images import ImagePolicy, encode_png
from striate.time_limit import FINAL_SECONDS, TimeLimit
from striate.transfer import extraction, features, linear_head
from striate.transfer.bases import ALL_LAYERS, open_base
from striate.transfer.extraction import NotTried
from striate.transfer.linear_head import PENALTIES, content_folds, fit_linear_head
from striate.workflows import strategy, training_time
from striate.workflows.features_in_time import compute_in_time
from striate.workflows.known_features import cached_inputs, remember_features
from striate.workflows.plan import make_plan
from striate.workflows.prepare import prepare
from striate.workflows.run_folder import start
from striate.workflows.strategy import FolderSummary, Method, strategy_for
from striate.workflows.training_time import StopInTime, seconds_per_image

PHOTOGRAPHS = FolderSummary(images=2002, classes=2, side=500, gray=False, cores=2, minutes=0.4, fast_int8=True)


class Clock:
    """A clock that advances by `step` seconds whenever it is read."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 100.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def test_remaining_time_leaves_room_for_the_report() -> None:
    clock, processor = Clock(), Clock()
    processor.now = 1.0  # used before the limit was set
    limit = TimeLimit.start(0.5, clock, processor)
    clock.now += 9
    processor.now += 9
    assert limit.remaining() == 20 - FINAL_SECONDS


def test_the_time_after_training_is_longer_if_other_programs_run() -> None:
    clock, processor = Clock(), Clock()
    processor.now = 0.0
    limit = TimeLimit.start(1, clock, processor)
    clock.now += 20
    processor.now += 5
    assert limit.remaining() == 40 - 4 * FINAL_SECONDS


@pytest.mark.parametrize(("time_factor", "size", "int8"), [
    (1, 224, False), (1.3, 224, True), (1.7, 160, True), (2.1, 128, True),
])  # fmt: skip
def test_slow_machines_compute_in_integers_and_then_on_smaller_images(
    time_factor: float, size: int, int8: bool
) -> None:
    chosen = strategy_for(replace(PHOTOGRAPHS, time_factor=time_factor))
    assert chosen.settings.get("input_shape", (224, 224, 3))[0] == size
    assert chosen.int8 == int8
    assert ("computes in 8-bit integers to stay within 0.4 minutes" in chosen.because) == int8
    without = strategy_for(replace(PHOTOGRAPHS, time_factor=time_factor, fast_int8=False))
    assert not without.int8


def test_fine_tuning_does_not_fit_on_a_slow_machine() -> None:
    many = replace(PHOTOGRAPHS, minutes=30, torch=True)
    assert strategy_for(many).method is Method.FINE_TUNE
    assert strategy_for(replace(many, time_factor=20)).method is Method.FEATURES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(6):
            pixels = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
            (tmp_path / name / f"{number}.png").write_bytes(encode_png(pixels))
    return tmp_path


def test_time_is_measured_on_images_of_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_time, "cores", lambda: 1)
    files = sorted(folder.rglob("*.png"))
    (folder / "a" / "0.png").write_bytes(b"no image")
    assert seconds_per_image("efficientnet-lite0", files, 32, Clock(2)) == pytest.approx(4 / 7, rel=0.01)


def test_measured_time_decides(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(seconds: float) -> Any:
        monkeypatch.setattr(strategy, "seconds_per_image", lambda *_: seconds)
        return make_plan(str(folder), minutes=0.1)

    assert measured(0.001).settings == {}
    slow = measured(0.028)
    assert slow.settings == {"input_shape": (128, 128, 3)}
    assert slow.int8 == ("8-bit integers" in slow.because)
    with pytest.raises(UsageError, match=r"--minutes 0\.1 is too short"):
        measured(10.0)


@pytest.mark.parametrize(("step", "size"), [(5.0, 128), (0.1, 224)])
def test_features_that_would_be_late_are_computed_in_less_time(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: float, size: int
) -> None:
    monkeypatch.setattr(features, "BATCH_SIZE", 2)
    monkeypatch.setattr("striate.engines.onnxruntime.products_are_exact", lambda: True)
    prepared = prepare(make_plan(str(folder), folds=0))
    run, printed = start(prepared, tmp_path.parent / f"run {step}"), list[str]()
    found = compute_in_time(prepared, run, printed.append, lambda: 4.0, Clock(step))
    assert found.data.shape[0] == size
    assert found.plan.int8 == (step == 5 or prepared.plan.int8)
    assert (run.record.plan.settings, run.record.plan.int8) == (found.plan.settings, found.plan.int8)
    assert printed == ["Because of the time limit: features at 128 pixels, in 8-bit integers"] * (step == 5)
    assert ("because of the time limit, features at 128 pixels, in 8-bit" in run.record.plan.because) is (step == 5)
    assert found.base
    assert features.are_cached(found.base, found.data)
    assert found.data.fingerprint == prepared.data.fingerprint
    run.release()


def blobs() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 90)
    x = rng.normal(size=(90, 12)) + 1.5 * np.eye(3)[y] @ rng.normal(size=(3, 12))
    return x.astype(np.float32), y


def test_head_ends_its_search_when_time_runs_out() -> None:
    x, y = blobs()
    folds = content_folds(x, y, 3)
    usual = fit_linear_head(x, y, 3, folds)
    generous = fit_linear_head(x, y, 3, folds, (), lambda: 1e6)
    np.testing.assert_array_equal(generous.head.kernel, usual.head.kernel)
    clock = Clock(1)
    hurried = fit_linear_head(x, y, 3, folds, (), lambda: 120 - clock())
    assert 1 <= len(hurried.losses) < len(usual.losses)
    assert list(hurried.losses) == list(PENALTIES[: len(hurried.losses)])
    assert np.isfinite(hurried.head.kernel).all()


def test_a_hurried_head_for_many_classes_is_nearly_as_accurate(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = blobs()
    folds = content_folds(x, y, 3)
    usual = fit_linear_head(x, y, 3, folds)
    monkeypatch.setattr(linear_head, "SMALL_WORK", 0)  # as if each step took long
    hurried = fit_linear_head(x, y, 3, folds, (), lambda: -1.0)
    assert len(hurried.losses) == 1
    assert hurried.accuracy > usual.accuracy - 0.05
    np.testing.assert_allclose(hurried.loss, usual.loss, atol=0.1)


def test_features_that_would_take_too_long_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = blobs()
    y[::4] = 0  # not all are easy
    wide = {ALL_LAYERS: np.concatenate([x, x], axis=1), "top": x}
    clock = Clock()

    class Base:
        top = "top"

        def block_sizes(self, layer: str) -> tuple[int, ...]:
            return ()

    def fit(*args: Any) -> Any:
        clock.now += 10
        return fit_linear_head(*args[:5])

    monkeypatch.setattr(extraction, "fit_linear_head", fit)
    folds = content_folds(x, y, 3)
    for seconds, tried in ((25, ["top"]), (35, ["top", ALL_LAYERS])):
        end = clock.now + seconds
        heads, not_tried = extraction.fit_heads(Base(), wide, y, 3, folds, lambda end=end: end - clock.now)  # type: ignore[arg-type,misc]
        assert (list(heads), not_tried) == (tried, NotTried.TIME if len(tried) == 1 else None)


def test_training_ends_before_the_epoch_that_would_be_late() -> None:
    class Trained:
        stop_training = False

    clock, epochs = Clock(), 0
    callback, model = StopInTime(50, clock), Trained()
    callback.set_model(model)  # type: ignore[arg-type]
    callback.on_train_begin()
    while not model.stop_training:
        callback.on_epoch_begin(epochs)
        clock.now += 12
        callback.on_epoch_end(epochs)
        epochs += 1
    assert epochs == 4


def test_training_ends_within_an_epoch_that_is_too_long() -> None:
    class Trained:
        stop_training = False

    clock, model = Clock(), Trained()
    callback = StopInTime(50, clock)
    callback.set_model(model)  # type: ignore[arg-type]
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    for passed, stopped in ((30, False), (30, True)):
        clock.now += passed
        callback.on_train_batch_end(0)
        assert model.stop_training is stopped


def test_cached_features_take_no_time() -> None:
    hurried = replace(PHOTOGRAPHS, minutes=0.15, classes=2)
    with pytest.raises(UsageError, match="is too short"):
        strategy_for(hurried)
    chosen = strategy_for(replace(hurried, cached=frozenset({(224, False)})))
    assert (chosen.method, chosen.settings, chosen.int8) == (Method.FEATURES, {}, False)
    smaller = strategy_for(replace(hurried, cached=frozenset({(160, True)})))
    assert (smaller.settings, smaller.int8) == ({"input_shape": (160, 160, 3)}, True)


def test_features_are_known_to_be_cached_until_a_file_changes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    photos = Path(shutil.copytree(folder, tmp_path / "photos"))
    layout, inputs = read_layout(photos), [(224, False), (32, False)]
    base = open_base(strategy.BASE, (32, 32, 3))
    data = load_folder(photos, ImagePolicy(32, 32))
    remember_features(layout, strategy.BASE, base, data)
    assert cached_inputs(layout, strategy.BASE, inputs) == frozenset()  # they were never computed
    features.extract_features(base, data)
    assert cached_inputs(layout, strategy.BASE, inputs) == {(32, False)}
    assert cached_inputs(layout, "mobilenet", inputs) == frozenset()
    os.utime(layout.files[0], (1, 1))
    assert cached_inputs(read_layout(photos), strategy.BASE, inputs) == frozenset()
    for record in (tmp_path / "cache" / "known-features").iterdir():
        record.write_text("[1")
    assert cached_inputs(layout, strategy.BASE, inputs) == frozenset()
