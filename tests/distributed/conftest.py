"""Several processes on this machine, started by torchrun as a user would."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import striate
from striate.images import encode_png

SOURCE = Path(striate.__file__).parents[1]
Finished = subprocess.CompletedProcess[str]

FAILING_JOB = Path(__file__).with_name("failing_job.py")
# Batch normalization, dropout, augmentation, mixup and cutmix, class weights, clipped gradients, averaged weights. The
# last of 10 batches has 2 samples, so the third process has none of them. At the usual rate of 0.01,
# rounding alone grows to 2e-3 in these 30 steps: a single process with one thread differs by as much from one with two.
ARGS = (
    "--model", "mnist-best", "--set", "input_shape=[16,16,3]", "--epochs", "3", "--batch-size", "11",
    "--optimizer", "momentum", "--learning-rate", "0.001", "--augment", "strong",
    "--set", "class_weights=true", "--set", "clip_norm=1.0",
    "--set", "average=0.5", "--set", "label_smoothing=0.1", "--engine", "torch", "--out", "run",
)  # fmt: skip

pytest.importorskip("torch", reason="several processes train together on PyTorch, which is not installed")


def environment(**changes: str) -> dict[str, str]:
    """Return the environment without any variables of Striate, torchrun or OpenMP."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("STRIATE_DEBUG", "OMP_NUM_THREADS")}
    return inherited | {"PYTHONPATH": str(SOURCE), "PYTHONIOENCODING": "utf-8"} | changes


def torchrun(processes: int, *args: str | Path, options: tuple[str, ...] = ()) -> list[str]:
    """Return the command for `torchrun --nproc-per-node N ARGS`; for one process, without torchrun."""
    several = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes), *options]
    launcher = several if processes > 1 or options else []
    return [sys.executable, *launcher, *map(str, args)]


def run(processes: int, *args: str | Path, cwd: Path, options: tuple[str, ...] = ()) -> Finished:
    """Run the command to completion."""
    return subprocess.run(
        torchrun(processes, *args, options=options), cwd=cwd, env=environment(), capture_output=True,
        encoding="utf-8", check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three classes: 101 training, 13 validation and 13 test images, not multiples of 2 or 3."""
    folder = tmp_path_factory.mktemp("data") / "우리 사진"
    draw = np.random.default_rng(0)
    for channel, (name, images) in enumerate((("빨강", 40), ("초록", 47), ("파랑", 40))):
        (folder / name).mkdir(parents=True)
        for number in range(images):
            pixels = draw.integers(0, 160, (20, 24, 3), dtype=np.uint8)
            pixels[:, :, channel] += 60
            (folder / name / f"그림 {number}.png").write_bytes(encode_png(pixels))
    return folder


@pytest.fixture(scope="session")
def single_process(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A training run in one process: its working folder, and its printed output."""
    folder = tmp_path_factory.mktemp("single_process")
    result = run(1, "-m", "striate", "train", photographs, *ARGS, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder, result.stdout


def assert_same_weights(actual: Path, expected: Path) -> None:
    weights, expected_weights = (load_file(folder / "run" / "model.safetensors") for folder in (actual, expected))
    assert set(weights) == set(expected_weights)
    for name in expected_weights:
        actual_values, expected_values = (np.asarray(of[name], np.float64) for of in (weights, expected_weights))
        if name.startswith("unknown:"):  # computed from features, which differ by the rounding of all weights
            scale = max(1.0, np.abs(expected_values).max())
            np.testing.assert_allclose(actual_values, expected_values, rtol=0, atol=0.01 * scale, err_msg=name)
        else:
            np.testing.assert_allclose(actual_values, expected_values, rtol=0, atol=1e-5, err_msg=name)
