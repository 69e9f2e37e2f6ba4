"""Commands write nothing about the user outside Striate's own cache."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import striate as st
from striate.images import ImagePolicy, encode_png
from striate.network import Dense, Flatten, Input

SOURCE = Path(st.__file__).parents[1]


def run(home: Path, *command: str | Path) -> list[Path]:
    """Run Python as a user whose home folder is empty; return the files that it left there."""
    removed = {"ORT_DISABLE_TELEMETRY", "STRIATE_CACHE"}
    env = {name: value for name, value in os.environ.items() if name not in removed and not name.startswith("XDG_")}
    home.mkdir()
    env |= {"HOME": str(home), "USERPROFILE": str(home), "LOCALAPPDATA": str(home), "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, *map(str, command)], env=env, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return [path.relative_to(home) for path in home.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of two classes, beside an image."""
    folder = tmp_path_factory.mktemp("model")
    model = st.Sequential([Input((4, 4, 1)), Flatten(), Dense(2, activation="softmax")])
    model.classes, model.policy = ("dark", "light"), ImagePolicy(4, 4, 1, "stretch")
    model.save(folder / "model.safetensors")
    (folder / "image.png").write_bytes(encode_png(np.zeros((4, 4, 1), np.uint8)))
    return folder


def test_export_runs_onnx_runtime_and_leaves_nothing_in_the_home_folder(model: Path, tmp_path: Path) -> None:
    command = ("export", model / "model.safetensors", "--to", tmp_path / "m.onnx", "--images", model / "image.png")
    assert run(tmp_path / "home", "-m", "striate", *command) == []
    assert (tmp_path / "m.onnx").exists()


def test_onnx_runtime_imported_by_a_user_after_striate_leaves_nothing(tmp_path: Path) -> None:
    assert run(tmp_path / "home", "-c", "import striate, onnxruntime") == []
