"""Two separate machines connected by a network train together, also after one of them failed."""

import subprocess
from pathlib import Path

from .conftest import (
    ADDRESSES,
    ARGS,
    FAILING_JOB,
    assert_same_weights,
    needs_namespaces,
    start_in_namespace,
    torchrun,
)

OPTIONS = (
    "--nnodes", "2", "--max-restarts", "2", "--rdzv-backend", "c10d", "--rdzv-id", "first", "--rdzv-endpoint",
    f"{ADDRESSES[0]}:29400",
)  # fmt: skip


def start(number: int, folder: Path, photographs: Path) -> "subprocess.Popen[str]":
    address = ("--local-addr", ADDRESSES[number])
    # A failed machine is noticed within 8 s; 15 s are allowed.
    host = ("--rdzv-conf", f"is_host={1 - number},keep_alive_interval=2,keep_alive_max_attempt=4")
    command = torchrun(1, FAILING_JOB, "lost", "train", photographs, *ARGS, options=(*OPTIONS, *address, *host))
    return start_in_namespace(number, command, folder, OMP_NUM_THREADS="1", TORCH_DISABLE_SHARE_RDZV_TCP_STORE="1")


@needs_namespaces
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
