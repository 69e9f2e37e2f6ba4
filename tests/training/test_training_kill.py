"""A training that is killed at any moment and taken up again leaves the same bits as one left alone."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

JOB = Path(__file__).with_name("training_job.py")


def start(run: Path, *arguments: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, str(JOB), str(run), *arguments], stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def finish(run: Path, *arguments: str) -> float:
    """Let the job end by itself; returns the seconds its training took."""
    began = time.monotonic()
    output, _ = (process := start(run, *arguments)).communicate(timeout=120)
    assert process.returncode == 0, output
    return time.monotonic() - began


def killed(run: Path, seconds: float) -> bool:
    """Kill the job some time after it began; whether it was still running."""
    process = start(run)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()
    return process.returncode != 0


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    run = tmp_path_factory.mktemp("alone") / "run"
    return run, finish(run)


@pytest.mark.parametrize("attempt", range(3))
def test_killed_run_ends_with_the_same_bits(alone: tuple[Path, float], tmp_path: Path, attempt: int) -> None:
    reference, seconds = alone
    run = tmp_path / "실행"
    kills = sum(killed(run, random.uniform(0, seconds / 3)) for _ in range(5))
    assert kills >= 2, "the job is too short to be killed"
    finish(run)
    for name in ("model.safetensors", "history.csv", "config.json"):
        assert (run / name).read_bytes() == (reference / name).read_bytes(), name
    assert not list(run.rglob("*.tmp"))


def test_extending_gives_the_same_bits_however_often_the_run_was_killed(tmp_path: Path) -> None:
    calm, restless = tmp_path / "calm", tmp_path / "restless"
    seconds = finish(calm)
    finish(calm, "16")
    while not (restless / "checkpoints").is_dir():
        killed(restless, random.uniform(0, seconds / 2))
    finish(restless, "16")
    assert (calm / "model.safetensors").read_bytes() == (restless / "model.safetensors").read_bytes()
