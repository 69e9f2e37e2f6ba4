"""Two separate machines connected by a network train together, also after one of them failed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import ARGS, FAILING_JOB, assert_same_weights, environment, torchrun

NAMES = [f"striate-{os.getpid()}-{number}" for number in (1, 2)]
ADDRESSES = ["10.77.0.1", "10.77.0.2"]
OPTIONS = (
    "--nnodes", "2", "--max-restarts", "2", "--rdzv-backend", "c10d", "--rdzv-id", "first", "--rdzv-endpoint",
    f"{ADDRESSES[0]}:29400",
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


def start(number: int, folder: Path, photographs: Path) -> "subprocess.Popen[str]":
    address = ("--local-addr", ADDRESSES[number])
    # A failed machine is noticed within 8 s; 15 s are allowed.
    host = ("--rdzv-conf", f"is_host={1 - number},keep_alive_interval=2,keep_alive_max_attempt=4")
    command = torchrun(1, FAILING_JOB, "lost", "train", photographs, *ARGS, options=(*OPTIONS, *address, *host))
    variables = {
        "GLOO_SOCKET_IFNAME": "cable", "OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
        "STRIATE_CACHE": str(folder / "cache"),
    }  # fmt: skip
    return subprocess.Popen(
        ["ip", "netns", "exec", NAMES[number], *command], cwd=folder, env=environment(**variables),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="needs network namespaces of Linux")
def test_failed_machine_rejoins_and_the_run_equals_a_single_process(
    single_process: tuple[Path, str], machines: list[Path], photographs: Path
) -> None:
    processes = [start(number, folder, photographs) for number, folder in enumerate(machines)]
    try:
        processes[1].wait(timeout=200)
        assert (machines[1] / "failed").exists()
        processes.append(start(1, machines[1], photographs))
        first, _, again = (process.communicate(timeout=200)[0] for process in processes)
    finally:
        for process in processes:
            process.kill()
    assert processes[0].returncode == 0, first
    assert processes[2].returncode == 0, again
    assert_same_weights(machines[0], single_process[0])
    assert "epoch 2/3" in first
    assert "epoch" not in again
    assert sorted(path.name for path in machines[1].iterdir()) == ["cache", "failed"]
