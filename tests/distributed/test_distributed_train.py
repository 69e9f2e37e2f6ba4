"""`torchrun -m striate train` gives what `striate train` gives, in one run folder, also after a process was lost."""

import json
from pathlib import Path

import numpy as np

from .conftest import ACCIDENT, ARGS, Finished, assert_same_weights, run


def history(folder: Path) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.loadtxt(folder / "run" / "history.csv", delimiter=",", skiprows=1)


def confusion(folder: Path) -> object:
    return json.loads((folder / "run" / "metrics.json").read_text("utf-8"))["confusion"]["counts"]


def assert_as_alone(folder: Path, alone: Path) -> None:
    """The same weights, and the same figures: each image counts once, in training, validation and test."""
    assert_same_weights(folder, alone)
    np.testing.assert_allclose(history(folder), history(alone), rtol=0, atol=1e-5)
    assert confusion(folder) == confusion(alone)


def assert_one_wrote_and_spoke(done: Finished, said: str, folder: Path, alone: Path) -> None:
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert [line.partition(" ")[0] for line in done.stdout.splitlines()] == [
        line.partition(" ")[0] for line in said.splitlines()
    ]
    assert files_in(folder) == files_in(alone)


def files_in(folder: Path) -> list[Path]:
    """All but the checkpoints, for the clock decides when one is written."""
    found = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    return [path for path in found if not path.name.startswith("step-")]


def test_three_processes_train_as_one(alone: tuple[Path, str], photographs: Path, tmp_path: Path) -> None:
    done = run(3, "-m", "striate", "train", photographs, *ARGS, cwd=tmp_path)
    assert_one_wrote_and_spoke(done, alone[1], tmp_path, alone[0])
    assert_as_alone(tmp_path, alone[0])


def test_two_processes_train_as_one_and_to_the_same_bits_where_one_was_killed(
    alone: tuple[Path, str], photographs: Path, tmp_path: Path
) -> None:
    calm, restless = tmp_path / "calm", tmp_path / "restless"
    for folder in (calm, restless):
        folder.mkdir()
    done = run(2, "-m", "striate", "train", photographs, *ARGS, cwd=calm)
    assert_one_wrote_and_spoke(done, alone[1], calm, alone[0])
    assert_as_alone(calm, alone[0])

    done = run(2, ACCIDENT, "killed", "train", photographs, *ARGS, cwd=restless, options=("--max-restarts", "1"))
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in restless.iterdir()) == ["accident", "run"]
    for name in ("model.safetensors", "history.csv"):
        assert (restless / "run" / name).read_bytes() == (calm / "run" / name).read_bytes(), name


def test_all_stop_at_one_step_and_another_number_of_processes_goes_on(
    alone: tuple[Path, str], photographs: Path, tmp_path: Path
) -> None:
    done = run(2, ACCIDENT, "stopped", "train", photographs, *ARGS, cwd=tmp_path)
    assert done.returncode != 0
    assert done.stderr.count("Stopped. Continue with: striate train --resume run") == 1
    assert max((tmp_path / "run" / "checkpoints").iterdir()).name == "step-0000000013.safetensors"
    done = run(1, "-m", "striate", "train", "--resume", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert_as_alone(tmp_path, alone[0])
