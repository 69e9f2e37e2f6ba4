"""`torchrun -m striate train` gives the results of `striate train` in one run folder, also after a process failed."""

import json
from pathlib import Path

import numpy as np

from .conftest import ARGS, FAILING_JOB, Finished, assert_same_weights, run


def history(folder: Path) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.loadtxt(folder / "run" / "history.csv", delimiter=",", skiprows=1)


def confusion(folder: Path) -> object:
    return json.loads((folder / "run" / "metrics.json").read_text("utf-8"))["confusion"]["counts"]


def assert_equals_single_process(folder: Path, single_process: Path) -> None:
    """Assert equal weights and metrics: each image counts once in training, validation and test."""
    assert_same_weights(folder, single_process)
    np.testing.assert_allclose(history(folder), history(single_process), rtol=0, atol=1e-5)
    assert confusion(folder) == confusion(single_process)


def assert_only_rank_0_wrote_and_printed(
    result: Finished, expected_output: str, folder: Path, single_process: Path
) -> None:
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert [line.partition(" ")[0] for line in result.stdout.splitlines()] == [
        line.partition(" ")[0] for line in expected_output.splitlines()
    ]
    assert files_in(folder) == files_in(single_process)


def files_in(folder: Path) -> list[Path]:
    """Return all files except checkpoints, whose times of writing vary."""
    actual = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    return [path for path in actual if not path.name.startswith("step-")]


def test_three_processes_equal_a_single_process(
    single_process: tuple[Path, str], photographs: Path, tmp_path: Path
) -> None:
    result = run(3, "-m", "striate", "train", photographs, *ARGS, cwd=tmp_path)
    assert_only_rank_0_wrote_and_printed(result, single_process[1], tmp_path, single_process[0])
    assert_equals_single_process(tmp_path, single_process[0])


def test_two_processes_equal_a_single_process_and_a_killed_one_gives_identical_bits(
    single_process: tuple[Path, str], photographs: Path, tmp_path: Path
) -> None:
    undisturbed, interrupted = tmp_path / "undisturbed", tmp_path / "interrupted"
    for folder in (undisturbed, interrupted):
        folder.mkdir()
    result = run(2, "-m", "striate", "train", photographs, *ARGS, cwd=undisturbed)
    assert_only_rank_0_wrote_and_printed(result, single_process[1], undisturbed, single_process[0])
    assert_equals_single_process(undisturbed, single_process[0])

    result = run(
        2, FAILING_JOB, "killed", "train", photographs, *ARGS, cwd=interrupted, options=("--max-restarts", "1")
    )
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in interrupted.iterdir()) == ["failed", "run"]
    for name in ("model.safetensors", "history.csv"):
        assert (interrupted / "run" / name).read_bytes() == (undisturbed / "run" / name).read_bytes(), name


def test_all_processes_stop_at_one_step_and_another_number_of_processes_resumes(
    single_process: tuple[Path, str], photographs: Path, tmp_path: Path
) -> None:
    result = run(2, FAILING_JOB, "stopped", "train", photographs, *ARGS, cwd=tmp_path)
    assert result.returncode != 0
    assert result.stderr.count("Stopped. Continue with: striate train --resume run") == 1
    assert max((tmp_path / "run" / "checkpoints").iterdir()).name == "step-0000000013.safetensors"
    result = run(1, "-m", "striate", "train", "--resume", "run", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert_equals_single_process(tmp_path, single_process[0])
