"""Several processes on this machine, or on two machines connected by a network, started as a user would."""

import os
import subprocess
import sys
from collections.abc import Iterator
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
    "--set", "class_weights=true", "--set", "global_clipnorm=1.0",
    "--set", "ema_decay=0.5", "--set", "label_smoothing=0.1", "--engine", "torch", "--out", "run",
)  # fmt: skip

NAMES = [f"striate-{os.getpid()}-{number}" for number in (1, 2)]
ADDRESSES = ["10.77.0.1", "10.77.0.2"]
needs_namespaces = pytest.mark.skipif(sys.platform != "linux", reason="needs network namespaces of Linux")

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


def run(processes: int, *args: str | Path, cwd: Path, options: tuple[str, ...] = (), **variables: str) -> Finished:
    """Run the command to completion."""
    return subprocess.run(
        torchrun(processes, *args, options=options), cwd=cwd, env=environment(**variables), capture_output=True,
        encoding="utf-8", check=False, timeout=300,
    )  # fmt: skip


def call(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def connect() -> None:
    """Connect two network namespaces by a virtual cable."""
    for name in NAMES:
        call("ip", "netns", "add", name)
    call("ip", "link", "add", "cable", "netns", NAMES[0], "type", "veth", "peer", "name", "cable", "netns", NAMES[1])
    for name, address in zip(NAMES, ADDRESSES, strict=True):
        call("ip", "-n", name, "address", "add", f"{address}/24", "dev", "cable")
        for device in ("lo", "cable"):
            call("ip", "-n", name, "link", "set", device, "up")


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[list[Path]]:
    """The folder of each machine."""
    try:
        connect()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"network namespaces need Linux, ip and the right to use them: {error}")
    try:
        folders = [tmp_path / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
        yield folders
    finally:
        for name in NAMES:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def start_in_namespace(number: int, command: list[str], folder: Path, **variables: str) -> "subprocess.Popen[str]":
    """Start a command on one of the machines, in its folder."""
    variables |= {"GLOO_SOCKET_IFNAME": "cable", "STRIATE_CACHE": str(folder / "cache")}
    return subprocess.Popen(
        ["ip", "netns", "exec", NAMES[number], *command], cwd=folder, env=environment(**variables),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
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
