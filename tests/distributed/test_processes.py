"""Reading torchrun's environment, and invalid environments."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import striate as st
from striate.engines.choose import EngineSettings, choose
from striate.errors import UsageError
from striate.processes import ProcessInfo, cores, current_process
from striate.training import Run, RunRecord
from striate.training.inference import rows_of_process
from striate.workflows.plan import TrainingPlan, make_plan
from striate.workflows.run_record import TrainingRecord, TrainingRun
from striate.workflows.torchrun import local_rank_0_first, on_rank_0, run_before_restart
from striate.zoo import network

Torchrun = Callable[..., None]


@pytest.fixture
def torchrun(monkeypatch: pytest.MonkeyPatch) -> Torchrun:
    """Set the environment variables that torchrun sets for its processes."""

    def call(
        rank: int = 0, world_size: int = 2, launch: str = "first", restarts: int = 0, local_world_size: int = 2
    ) -> None:
        variables = {
            "RANK": rank, "WORLD_SIZE": world_size,
            "LOCAL_RANK": rank % local_world_size, "LOCAL_WORLD_SIZE": local_world_size,
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": 29500, "TORCHELASTIC_RUN_ID": launch,
            "TORCHELASTIC_RESTART_COUNT": restarts,
        }  # fmt: skip
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))

    return call


def create_run(plan: TrainingPlan, path: Path) -> None:
    TrainingRun.create(TrainingRecord(plan.recipe, "0", plan=plan, launch=current_process().launch), path)


def test_single_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert current_process() == ProcessInfo(
        rank=0, world_size=1, local_rank=0, local_world_size=1, launch=None, named=False, restarted=False
    )
    monkeypatch.setenv("RANK", "3")  # the environment of another program: it gives no address of the other processes
    assert current_process() == ProcessInfo()
    assert on_rank_0(lambda: 7) == local_rank_0_first(lambda: 7) == 7


def test_process_info_is_read_from_torchruns_environment(torchrun: Torchrun) -> None:
    torchrun(rank=5, world_size=6, local_world_size=4, restarts=1)
    assert current_process() == ProcessInfo(5, 6, 1, 4, launch="first", named=True, restarted=True)
    torchrun(launch="none")
    assert current_process() == ProcessInfo(0, 2, 0, 2, launch=f"process {os.getppid()}", named=False, restarted=False)


def test_processes_on_one_machine_share_its_cores(torchrun: Torchrun) -> None:
    single_process = cores()
    torchrun(local_world_size=1)
    assert cores() == single_process
    torchrun(local_world_size=1000)
    assert cores() == 1


@pytest.mark.parametrize("world_size", [1, 2, 3, 7])
def test_each_sample_belongs_to_exactly_one_process(world_size: int) -> None:
    engine = st.zoo.build("mlp").engine
    engine.world_size = world_size
    parts = []
    for engine.rank in range(world_size):
        parts.append(rows_of_process(engine, 5))
    assert [row for part in parts for row in part] == [0, 1, 2, 3, 4]
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_several_processes_require_pytorch(torchrun: Torchrun) -> None:
    torchrun()
    assert choose(network("mlp"), EngineSettings()).engine == "torch"
    assert choose(network("mlp"), EngineSettings(), alone=True).engine == "numpy"
    with pytest.raises(UsageError, match="The NumPy engine does not support several processes: use the engine 'torch'"):
        EngineSettings("numpy").check(training=True)


def test_batch_needs_a_sample_for_each_process() -> None:
    model = st.zoo.build("mlp")
    model.compile(engine="numpy")
    model.engine.world_size = 4
    x, y = np.zeros((8, 28, 28, 1), np.uint8), np.arange(8)
    with pytest.raises(UsageError, match=r"4 processes share each batch, and batch_size=3 leaves some of them without"):
        model.fit(x, y, batch_size=3, verbose=0)


def test_only_the_first_process_writes(torchrun: Torchrun, tmp_path: Path) -> None:
    plan = make_plan("mnist5k", "mlp")
    torchrun(rank=1)
    model = st.zoo.build("mlp")
    model.save(tmp_path / "model.safetensors")
    model.save_weights(tmp_path / "weights.safetensors")
    Run.create(RunRecord(plan.recipe, "0"), tmp_path / "run").write_history({"loss": [1.0]})
    assert list(tmp_path.iterdir()) == []


def test_run_is_found_again_by_its_launch(torchrun: Torchrun, tmp_path: Path) -> None:
    plan, other = make_plan("mnist5k", "mlp"), make_plan("mnist5k", "mlp", epochs=77)
    torchrun(launch="first")
    create_run(plan, tmp_path)
    assert run_before_restart(plan, tmp_path) == tmp_path
    assert run_before_restart(other, tmp_path) is None
    torchrun(launch="second")
    assert run_before_restart(plan, tmp_path) is None


def test_finished_run_is_not_reused_by_the_next_launch_of_its_name(torchrun: Torchrun, tmp_path: Path) -> None:
    plan = make_plan("mnist5k", "mlp")
    torchrun()
    create_run(plan, tmp_path)
    (tmp_path / "metrics.json").touch()
    assert run_before_restart(plan, tmp_path) is None
    torchrun(restarts=1)
    assert run_before_restart(plan, tmp_path) == tmp_path


def test_launch_without_a_name_finds_its_run_only_after_a_restart(torchrun: Torchrun, tmp_path: Path) -> None:
    plan = make_plan("mnist5k", "mlp")
    torchrun(launch="none")
    create_run(plan, tmp_path)
    assert run_before_restart(plan, tmp_path) is None
    torchrun(launch="none", restarts=1)
    assert run_before_restart(plan, tmp_path) == tmp_path
