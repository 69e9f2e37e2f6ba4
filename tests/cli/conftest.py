"""Fixtures that run the command line, usually in a separate process, in an empty folder."""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import striate
from striate.cli import main
from striate.images import encode_png

SOURCE = Path(striate.__file__).parents[1]
Finished = subprocess.CompletedProcess[str]
Cli = Callable[..., Finished]


def environment(**changes: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "STRIATE_DEBUG"}
    return inherited | {"PYTHONPATH": str(SOURCE), "PYTHONWARNINGS": "error", "PYTHONIOENCODING": "utf-8"} | changes


def without_torch(folder: Path) -> dict[str, str]:
    """Return the environment of a Python in which PyTorch is not installed, as after `pip install striate`."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text('import sys\n\nsys.modules["torch"] = None\n', "utf-8")
    return environment(PYTHONPATH=os.pathsep.join([str(folder), str(SOURCE)]))


def run(*args: str | Path, cwd: Path, env: dict[str, str] | None = None) -> Finished:
    command = [sys.executable, "-m", "striate", *map(str, args)]
    result = subprocess.run(
        command, cwd=cwd, env=environment(**(env or {})), capture_output=True, text=True, encoding="utf-8", check=False
    )
    if not env:
        assert "Traceback" not in result.stderr
    return result


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """A function that runs `striate …` in the temporary folder of the test."""

    def call(*args: str | Path, env: dict[str, str] | None = None) -> Finished:
        return run(*args, cwd=tmp_path, env=env)

    return call


@pytest.fixture
def cli_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """As `cli`, but in this process, which need not import the packages again: for commands that fail at once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STRIATE_DEBUG", raising=False)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # which the command replaces

    def call(*args: str | Path) -> Finished:
        command = ["striate", *map(str, args)]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        assert isinstance(stopped.value.code, int)
        return Finished(command, stopped.value.code, printed.out, printed.err)

    return call


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Finished]:
    """A finished run of mnist-quick on mnist5k, and its printed output. Tests must not change it."""
    folder = tmp_path_factory.mktemp("trained")
    result = run("train", "--model", "mnist-quick", "--epochs", "4", "--seed", "3", "--out", "quick", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder / "quick", result


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two classes with Korean names: 빨강 is mostly red, 파랑 mostly blue; one file is not an image."""
    folder = tmp_path_factory.mktemp("data") / "우리 사진"
    rng = np.random.default_rng(0)
    for name, channel in (("빨강", 0), ("파랑", 2)):
        (folder / name).mkdir(parents=True)
        for number in range(40):
            pixels = rng.integers(0, 120, (20, 24, 3), dtype=np.uint8)
            pixels[:, :, channel] += 120
            (folder / name / f"그림 {number}.png").write_bytes(encode_png(pixels))
    (folder / "빨강" / "망가진.jpg").write_bytes(b"not an image")
    return folder
