"""`torchrun -m striate train` gives what `striate train` gives, in one run folder, also after a process was lost."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from .conftest import Finished, run

ACCIDENT = Path(__file__).with_name("accident_job.py")
# Batch normalisation, dropout, augmentation, mixup and cutmix, class weights, clipped gradients, averaged weights. The
# last of 10 batches has 2 samples, so that the third process has none of them.
ARGS = (
    "--model", "mnist-best", "--set", "input_shape=[16,16,3]", "--epochs", "3", "--batch-size", "11",
    "--optimizer", "momentum", "--augment", "strong", "--set", "class_weights=true", "--set", "clip_norm=1.0",
    "--set", "average=0.5", "--set", "label_smoothing=0.1", "--engine", "torch", "--out", "run",
)  # fmt: skip
Runs = dict[int, tuple[Path, Finished]]


@pytest.fixture(scope="module")
def runs(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """By the number of processes: the folder that the training was started in, and what it printed."""
    folders = {count: tmp_path_factory.mktemp(f"processes-{count}") for count in (1, 2, 3)}
    done = {n: run(n, "-m", "striate", "train", photographs, *ARGS, cwd=folder) for n, folder in folders.items()}
    for count, finished in done.items():
        assert finished.returncode == 0, finished.stderr
        assert "Traceback" not in finished.stderr, count
    return {count: (folders[count], done[count]) for count in folders}


def assert_same_weights(found: Path, expected: Path) -> None:
    weights, wanted = (load_file(folder / "run" / "model.safetensors") for folder in (found, expected))
    assert set(weights) == set(wanted)
    for name in wanted:
        np.testing.assert_allclose(weights[name], wanted[name], rtol=0, atol=1e-5, err_msg=name)


def history(folder: Path) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.loadtxt(folder / "run" / "history.csv", delimiter=",", skiprows=1)


@pytest.mark.parametrize("count", [2, 3])
def test_weights_are_those_of_one_process(runs: Runs, count: int) -> None:
    assert_same_weights(runs[count][0], runs[1][0])


@pytest.mark.parametrize("count", [2, 3])
def test_figures_are_those_of_one_process_and_each_image_counts_once(runs: Runs, count: int) -> None:
    together, alone = runs[count][0], runs[1][0]
    np.testing.assert_allclose(history(together), history(alone), rtol=0, atol=1e-5)
    found, wanted = (json.loads((folder / "run" / "metrics.json").read_text("utf-8")) for folder in (together, alone))
    assert found["confusion"]["counts"] == wanted["confusion"]["counts"]


def test_one_process_writes_and_speaks(runs: Runs) -> None:
    (alone, said), (together, heard) = runs[1], runs[3]
    assert sorted(alone.rglob("*")) == [alone / path.relative_to(together) for path in sorted(together.rglob("*"))]
    lines, others = (text.stdout.splitlines() for text in (said, heard))
    assert [line.partition(" ")[0] for line in others] == [line.partition(" ")[0] for line in lines]


def test_a_killed_process_is_started_again_and_the_run_ends_with_the_same_bits(
    runs: Runs, photographs: Path, tmp_path: Path
) -> None:
    done = run(2, ACCIDENT, "killed", "train", photographs, *ARGS, cwd=tmp_path, options=("--max-restarts", "1"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "accident").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["accident", "run"]
    for name in ("model.safetensors", "history.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (runs[2][0] / "run" / name).read_bytes(), name


def test_all_stop_at_one_step_and_another_number_of_processes_goes_on(
    runs: Runs, photographs: Path, tmp_path: Path
) -> None:
    done = run(3, ACCIDENT, "stopped", "train", photographs, *ARGS, cwd=tmp_path)
    assert done.returncode != 0
    assert done.stderr.count("Stopped. Go on with: striate train --resume run") == 1
    assert max((tmp_path / "run" / "checkpoints").iterdir()).name == "step-0000000013.safetensors"
    done = run(2, "-m", "striate", "train", "--resume", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert_same_weights(tmp_path, runs[1][0])
    np.testing.assert_allclose(history(tmp_path), history(runs[1][0]), rtol=0, atol=1e-5)
