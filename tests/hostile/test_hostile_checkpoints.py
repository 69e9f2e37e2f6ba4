"""Checkpoints whose state says what cannot be, with a checksum that fits."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import striate as st
from striate.engines.weight_files import load_weights, save_weights
from striate.errors import RunError
from striate.network import Dense, Flatten, Input
from striate.training import Recipe, Run, RunRecord
from striate.training.callbacks import History
from striate.training.checkpoint import Checkpoint, CheckpointFolder
from striate.training.monitors import EarlyStopping
from striate.training.position import Counters, Position, TrainingState, restore_attributes

VALUES: tuple[Any, ...] = (None, "x", -1, 2.5, 10**30, [], {}, [["x"]], {"a": "x"}, math.nan, math.inf)


def state() -> dict[str, Any]:
    position = Position(cycle_end=3, epoch=1, batch=2, count=20, sums=[1.0, 2.0])
    return TrainingState(position, Counters(12, 1, 0.1, {"loss": 0.5}), {"History-1": {"epoch": [0]}}).to_dict()


def test_a_state_is_read_as_it_was_written() -> None:
    assert TrainingState.from_dict(state(), 10, 2).to_dict() == state()


@pytest.mark.parametrize("part", ["position", "model", "callbacks"])
def test_every_value_of_the_state_may_be_wrong(part: str) -> None:
    refused = 0
    for key in state()[part]:
        for value in VALUES:
            wrong = state()
            wrong[part][key] = value
            try:
                found = TrainingState.from_dict(wrong, 10, 2)
            except ValueError:
                refused += 1
                continue
            assert found.position.batch <= 10
            assert found.model.learning_rate >= 0
    assert refused >= len(state()[part]) * len(VALUES) / 2


@pytest.mark.parametrize("change", [
    lambda state: state["model"].update(predict=1),
    lambda state: state["position"].update(cycle=1),
    lambda state: state["position"].update(batch=10**9),
    lambda state: state["callbacks"].update({"History-1": {"on_epoch_end": 1}}),
    lambda state: state["callbacks"].update({"History-1": {"history": "x"}}),
    lambda state: state.clear(),
])  # fmt: skip
def test_a_checkpoint_cannot_set_anything_else(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    x = np.random.default_rng(0).integers(0, 256, (40, 3, 3, 1), np.uint8)
    data = st.data.from_arrays(x, np.arange(40) % 2, ["a", "b"])
    run = Run.create(RunRecord(Recipe(1, 10), data.fingerprint), tmp_path / "run")
    model = st.Sequential([Input((3, 3, 1)), Flatten(), Dense(2, activation="softmax")])
    model.train(data, run=run, verbose=0)
    (path,) = sorted(run.checkpoints.path.glob("step-*"))[-1:]
    arrays, metadata = load_weights(path)
    change(metadata["state"])
    save_weights(path, arrays, metadata)
    run.extend(2)
    with pytest.raises(RunError, match=r"The checkpoint in '.*checkpoints' is damaged: .*\. Start a new run\."):
        model.train(data, run=run, verbose=0)
    assert callable(model.predict)


def test_numbers_that_are_not_finite_are_kept(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    written = {"best": math.inf, "wait": np.float64(-math.inf), "history": {"loss": [math.nan, 0.5]}}
    path = folder.save(Checkpoint({}, {}, written), 1)
    assert b"Infinity" not in path.read_bytes()
    loaded = folder.load()
    assert loaded is not None
    assert repr(loaded.state) == "{'best': inf, 'wait': -inf, 'history': {'loss': [nan, 0.5]}}"


def test_callbacks_take_only_what_they_remember() -> None:
    stopping = EarlyStopping()
    stopping.restore({"best": 1, "wait": 2, "best_weights": {"a": np.zeros(2)}})
    assert (stopping.best, stopping.wait) == (1, 2)
    for callback, values in (
        (stopping, {"patience": 3}), (stopping, {"wait": "x"}), (stopping, {"best_weights": [1]}),
        (History(), {"model": 1}), (History(), {"history": []}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"has no state|not of type"):
            restore_attributes(callback, callback.saved_attributes, values)
