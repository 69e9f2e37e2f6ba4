import json
from pathlib import Path

import numpy as np
import pytest

from striate.data import Augmentation
from striate.engines.optimizers import SGD, AdamW
from striate.errors import RunError, UsageError
from striate.training import ConstantSchedule, Recipe, Run, RunRecord, StepDecay
from striate.training.checkpoint import Checkpoint, CheckpointFolder


def test_recipe_json_round_trip() -> None:
    recipes = [
        Recipe(),
        Recipe(
            3, 7, AdamW(0.01, weight_decay=0.1), StepDecay(0.1, 2), Augmentation(zoom=(0.9, 1.1)), label_smoothing=0.1
        ),
        Recipe(optimizer=SGD(0.1, momentum=0.9, nesterov=True), schedule=ConstantSchedule(), seed=9),
    ]
    for recipe in recipes:
        assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs must be an integer, 1 or more; received 0"),
        ({"batch_size": 2.5}, r"batch_size must be an integer, 1 or more; received 2\.5"),
        ({"seed": -1}, "seed must be an integer, 0 or more; received -1"),
        ({"label_smoothing": 1.0}, "label_smoothing must be at least 0 and below 1; received 1.0"),
    ],
)
def test_invalid_recipes_raise(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Recipe(**settings)  # type: ignore[arg-type]


def test_unknown_settings_raise() -> None:
    with pytest.raises(UsageError, match=r"no setting 'epoch'\. Did you mean 'epochs'"):
        Recipe.from_dict({"epoch": 3})


def test_run_can_be_created_and_opened(tmp_path: Path) -> None:
    run = Run.create(RunRecord(Recipe(epochs=3), "abc"), tmp_path / "r")
    again = Run.open(run.path)
    assert again.recipe == Recipe(epochs=3)
    assert again.record == run.record


def test_runs_without_a_given_folder_get_different_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [Run.create(RunRecord(Recipe(), "abc"), name="lenet5").path.as_posix() for _ in range(3)]
    assert paths == ["runs/lenet5", "runs/lenet5-2", "runs/lenet5-3"]


def test_existing_run_is_never_overwritten(tmp_path: Path) -> None:
    Run.create(RunRecord(Recipe(epochs=3), "abc"), tmp_path)
    with pytest.raises(RunError, match=r"' already contains a run\. Continue it with --resume, or choose another"):
        Run.create(RunRecord(Recipe(epochs=4), "abc"), tmp_path)
    assert Run.open(tmp_path).recipe.epochs == 3


def test_opening_a_folder_without_a_run_raises(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run folder, such as runs/NAME: it has no config\.json"):
        Run.open(tmp_path)
    for content in ("{", "[]", '{"recipe": {"optimizer": {}}}', '{"recipe": 3}'):
        (tmp_path / "config.json").write_text(content, encoding="utf-8")
        with pytest.raises(RunError, match=r"config\.json' is damaged"):
            Run.open(tmp_path)


def test_runs_can_be_extended(tmp_path: Path) -> None:
    run = Run.create(RunRecord(Recipe(epochs=3), "abc"), tmp_path)
    with pytest.raises(RunError, match=r"has 3 epochs\. It can be extended to more epochs, but not reduced to 2"):
        run.extend(2)
    run.extend(5)
    assert Run.open(tmp_path).recipe.epochs == 5


def test_other_data_raise(tmp_path: Path) -> None:
    run = Run.create(RunRecord(Recipe(), "abc"), tmp_path)
    run.require_data("abc")
    with pytest.raises(RunError, match=r"different data \(fingerprint abc, now xyz\).*accuracy that is too high"):
        run.require_data("xyz")


def test_history_round_trip(tmp_path: Path) -> None:
    run = Run.create(RunRecord(Recipe(), "abc"), tmp_path)
    assert run.read_history() == {}
    history = {"loss": [0.1 + 0.2, 1e-300], "val_accuracy": [1.0, 1 / 3]}
    run.write_history(history)
    assert run.read_history() == history
    assert (tmp_path / "history.csv").read_text(encoding="utf-8").splitlines()[0] == "epoch,loss,val_accuracy"


def checkpoint(number: float) -> Checkpoint:
    array = np.full((2, 2), number, np.float32)
    state = {
        "position": {"epoch": 3},
        "callbacks": {"Mine": {"best": None, "kept": {"C1/kernel": array}, "list": [1, 0.1]}},
    }
    return Checkpoint({"C1/kernel": array}, {"C1/kernel/mean": array, "iterations": np.array([4])}, state)


def same(found: Checkpoint | None, expected: Checkpoint) -> bool:
    assert found is not None
    for mine, theirs in ((found.weights, expected.weights), (found.slots, expected.slots)):
        assert mine.keys() == theirs.keys()
        assert all(mine[name].dtype == theirs[name].dtype for name in mine)
    kept = found.state["callbacks"]["Mine"].pop("kept")
    expected_kept = expected.state["callbacks"]["Mine"].pop("kept")
    assert found.state == expected.state
    return bool(np.array_equal(kept["C1/kernel"], expected_kept["C1/kernel"]))


def test_checkpoint_round_trip_with_arrays_in_the_state(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints")
    assert folder.load() is None
    folder.save(checkpoint(1), 7)
    assert same(folder.load(), checkpoint(1))


def test_two_newest_checkpoints_are_kept(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    for step in (9, 10, 100):
        folder.save(checkpoint(step), step)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "step-0000000010.safetensors",
        "step-0000000100.safetensors",
    ]
    assert same(folder.load(), checkpoint(100))


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "foreign"])
def test_damaged_checkpoint_is_reported_and_the_previous_one_used(tmp_path: Path, damage: str) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(checkpoint(1), 1)
    newest = folder.save(checkpoint(2), 2)
    data = newest.read_bytes()
    flipped = data[:-1] + bytes([data[-1] ^ 1])
    newest.write_bytes({"cut": data[:-9], "flip": flipped, "empty": b"", "foreign": b"x" * 99}[damage])
    with pytest.warns(UserWarning, match=r"step-0000000002\.safetensors' is .*The checkpoint before it is used"):
        found = folder.load()
    assert same(found, checkpoint(1))
    folder.save(checkpoint(3), 3)
    assert same(folder.load(), checkpoint(3))
