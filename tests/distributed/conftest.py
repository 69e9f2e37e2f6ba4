"""Several processes on this machine, started as a person starts them: by torchrun."""

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

ACCIDENT = Path(__file__).with_name("accident_job.py")
# Batch normalisation, dropout, augmentation, mixup and cutmix, class weights, clipped gradients, averaged weights. The
# last of 10 batches has 2 samples, so that the third process has none of them.
ARGS = (
    "--model", "mnist-best", "--set", "input_shape=[16,16,3]", "--epochs", "3", "--batch-size", "11",
    "--optimizer", "momentum", "--augment", "strong", "--set", "class_weights=true", "--set", "clip_norm=1.0",
    "--set", "average=0.5", "--set", "label_smoothing=0.1", "--engine", "torch", "--out", "run",
)  # fmt: skip

pytest.importorskip("torch", reason="several processes train together on PyTorch, which is not installed")


def environment(**changes: str) -> dict[str, str]:
    """That of a person who has set nothing."""
    kept = {name: value for name, value in os.environ.items() if name not in ("STRIATE_DEBUG", "OMP_NUM_THREADS")}
    return kept | {"PYTHONPATH": str(SOURCE), "PYTHONIOENCODING": "utf-8"} | changes


def torchrun(processes: int, *args: str | Path, options: tuple[str, ...] = ()) -> list[str]:
    """The command for `torchrun --nproc-per-node N ARGS`; for one process, without torchrun."""
    several = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes), *options]
    launcher = several if processes > 1 or options else []
    return [sys.executable, *launcher, *map(str, args)]


def run(processes: int, *args: str | Path, cwd: Path, options: tuple[str, ...] = ()) -> Finished:
    """Run the command to its end."""
    return subprocess.run(
        torchrun(processes, *args, options=options), cwd=cwd, env=environment(), capture_output=True,
        encoding="utf-8", check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three classes: 101 pictures to train, 11 to validate, 17 to test, which neither 2 nor 3 divides."""
    folder = tmp_path_factory.mktemp("data") / "우리 사진"
    draw = np.random.default_rng(0)
    for channel, name in enumerate(("빨강", "초록", "파랑")):
        (folder / name).mkdir(parents=True)
        for number in range(43):
            pixels = draw.integers(0, 160, (20, 24, 3), dtype=np.uint8)
            pixels[:, :, channel] += 60
            (folder / name / f"그림 {number}.png").write_bytes(encode_png(pixels))
    return folder


@pytest.fixture(scope="session")
def alone(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A training in one process: the folder that it was started in, and what it printed."""
    folder = tmp_path_factory.mktemp("alone")
    done = run(1, "-m", "striate", "train", photographs, *ARGS, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def assert_same_weights(found: Path, expected: Path) -> None:
    weights, wanted = (load_file(folder / "run" / "model.safetensors") for folder in (found, expected))
    assert set(weights) == set(wanted)
    for name in wanted:
        np.testing.assert_allclose(weights[name], wanted[name], rtol=0, atol=1e-5, err_msg=name)
