"""A run that is killed at any time and resumed gives the same bits as an uninterrupted one."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

JOB = Path(__file__).with_name("training_job.py")


def start(run: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start the job. Arguments: the engine, and optionally the number of epochs to extend to."""
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}  # PyTorch's threads wait for each other on a busy machine
    command = [sys.executable, str(JOB), str(run), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", env=one_thread)
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def finish(run: Path, *arguments: str) -> None:
    """Wait until the job ends."""
    output, _ = (process := start(run, *arguments)).communicate(timeout=300)
    assert process.returncode == 0, output


def kill(run: Path, engine: str) -> None:
    """Kill the job at a random time during its next two epochs."""
    process = start(run, engine)
    assert process.stdout
    for _ in range(random.randrange(50)):
        assert process.stdout.readline() == "step\n"
    process.kill()
    process.communicate()
    assert process.returncode != 0


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Uninterrupted runs by engine."""
    runs = {engine: tmp_path_factory.mktemp(engine) / "run" for engine in ("numpy", "torch")}
    for engine, run in runs.items():
        finish(run, engine)
    return runs


@pytest.mark.parametrize(("engine", "kills"), [("numpy", 5), ("numpy", 5), ("numpy", 5), ("torch", 2)])
def test_killed_run_ends_with_identical_bits(
    uninterrupted: dict[str, Path], tmp_path: Path, engine: str, kills: int
) -> None:
    run = tmp_path / "실행"
    for _ in range(kills):
        kill(run, engine)
    finish(run, engine)
    for name in ("model.safetensors", "history.csv", "config.json"):
        assert (run / name).read_bytes() == (uninterrupted[engine] / name).read_bytes(), name
    assert not list(run.rglob("*.tmp"))


def test_extending_gives_identical_bits_after_any_number_of_kills(tmp_path: Path) -> None:
    calm, restless = tmp_path / "calm", tmp_path / "restless"
    finish(calm, "numpy")
    finish(calm, "numpy", "16")
    while not (restless / "checkpoints").is_dir():
        kill(restless, "numpy")
    finish(restless, "numpy", "16")
    assert (calm / "model.safetensors").read_bytes() == (restless / "model.safetensors").read_bytes()
