"""A training that is killed at any moment and taken up again leaves the same bits as one left alone."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

JOB = Path(__file__).with_name("training_job.py")


def start(run: Path, *arguments: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, str(JOB), str(run), *arguments], stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def finish(run: Path, *arguments: str) -> None:
    """Let the job end by itself."""
    output, _ = (process := start(run, *arguments)).communicate(timeout=300)
    assert process.returncode == 0, output


def kill(run: Path) -> None:
    """Kill the job somewhere in its next epoch, or in the one after."""
    process = start(run)
    assert process.stdout
    for _ in range(random.randrange(50)):
        assert process.stdout.readline() == "step\n"
    process.kill()
    process.communicate()
    assert process.returncode != 0


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("alone") / "run"
    finish(run)
    return run


@pytest.mark.parametrize("attempt", range(3))
def test_killed_run_ends_with_the_same_bits(alone: Path, tmp_path: Path, attempt: int) -> None:
    run = tmp_path / "실행"
    for _ in range(5):
        kill(run)
    finish(run)
    for name in ("model.safetensors", "history.csv", "config.json"):
        assert (run / name).read_bytes() == (alone / name).read_bytes(), name
    assert not list(run.rglob("*.tmp"))


def test_extending_gives_the_same_bits_however_often_the_run_was_killed(tmp_path: Path) -> None:
    calm, restless = tmp_path / "calm", tmp_path / "restless"
    finish(calm)
    finish(calm, "16")
    while not (restless / "checkpoints").is_dir():
        kill(restless)
    finish(restless, "16")
    assert (calm / "model.safetensors").read_bytes() == (restless / "model.safetensors").read_bytes()
