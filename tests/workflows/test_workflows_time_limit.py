"""`--minutes`: time is measured, and what would take too long is not tried. Clocks are simulated."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate.images import encode_png
from striate.transfer import extraction
from striate.transfer.bases import ALL_LAYERS
from striate.transfer.linear_head import PENALTIES, content_folds, fit_linear_head
from striate.workflows import strategy, time_limit
from striate.workflows.plan import make_plan
from striate.workflows.strategy import FolderSummary, Method, strategy_for
from striate.workflows.time_limit import FINAL_SECONDS, StopInTime, TimeLimit, seconds_per_image

PHOTOGRAPHS = FolderSummary(images=2002, classes=2, side=500, gray=False, cores=2, minutes=0.4, fast_int8=True)


class Clock:
    """A clock that advances by `step` seconds whenever it is read."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 100.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def test_remaining_time_leaves_room_for_the_report() -> None:
    clock = Clock()
    limit = TimeLimit.start(0.5, clock)
    clock.now += 10
    assert limit.remaining() == 20 - FINAL_SECONDS


@pytest.mark.parametrize(("time_factor", "size", "int8"), [
    (1, 224, False), (1.4, 224, True), (1.8, 160, True), (2.5, 128, True), (50, 128, True),
])  # fmt: skip
def test_slow_machines_compute_in_integers_and_then_on_smaller_images(
    time_factor: float, size: int, int8: bool
) -> None:
    chosen = strategy_for(replace(PHOTOGRAPHS, time_factor=time_factor))
    assert chosen.settings.get("input_shape", (224, 224, 3))[0] == size
    assert chosen.int8 == int8
    assert ("computes in 8-bit integers to keep to 0.4 minutes" in chosen.because) == int8
    assert ("yet this is more than the 0.4 minutes requested" in chosen.because) == (time_factor == 50)
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
    monkeypatch.setattr(time_limit, "cores", lambda: 1)
    files = sorted(folder.rglob("*.png"))
    (folder / "a" / "0.png").write_bytes(b"no image")
    assert seconds_per_image("efficientnet-lite0", files, 32, Clock(2)) == pytest.approx(4 / 7, rel=0.01)


def test_measured_time_decides(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(seconds: float) -> Any:
        monkeypatch.setattr(strategy, "seconds_per_image", lambda *_: seconds)
        return make_plan(str(folder), minutes=0.1)

    assert measured(0.001).settings == {}
    slow = measured(10.0)
    assert slow.settings == {"input_shape": (128, 128, 3)}
    assert "more than the 0.1 minutes requested" in slow.because
    assert slow.int8 == ("8-bit integers" in slow.because)


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
        heads, skipped = extraction.fit_heads(Base(), wide, y, 3, folds, lambda end=end: end - clock.now)  # type: ignore[arg-type,misc]
        assert (list(heads), skipped) == (tried, len(tried) == 1)


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
