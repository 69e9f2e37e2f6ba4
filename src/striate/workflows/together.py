"""What the processes of one training agree on before there is an engine: a run, and who reads the data first."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from striate.errors import RunError, StriateError
from striate.processes import ProcessInfo, current_process
from striate.training import Run
from striate.workflows.plan import TrainingPlan

T = TypeVar("T")

LAUNCH = "launch"


def agree(ask: Callable[[], T]) -> T:
    """What the first process finds, in all of them. Where it fails, it says why, and the others leave quietly."""
    here = current_process()
    if here.world_size == 1:
        return ask()
    from striate.engines.torch.distributed import join, share

    join()
    try:
        found = ask() if here.rank == 0 else None
    except StriateError:
        share((None, True))
        raise
    answer, failed = share((found, False))
    if failed:
        raise SystemExit(1)
    return answer  # type: ignore[return-value]


def one_first(work: Callable[[], T]) -> T:
    """The work's result; of the processes on each machine one does it before the others, who find files it left."""
    here = current_process()
    if here.world_size == 1:
        return work()
    from striate.engines.torch.distributed import join, meet

    join()
    if here.local_rank == 0:
        found = work()
    meet()
    return found if here.local_rank == 0 else work()


def begun_before(plan: TrainingPlan, candidates: list[Path]) -> Path | None:
    """The run that torchrun began before it started the processes again, if it is among these folders."""
    here = current_process()
    if here.launch is None or not (here.restarted or here.named):
        return None
    return next((path for path in candidates if _is_ours(path, plan, here)), None)


def _is_ours(path: Path, plan: TrainingPlan, here: ProcessInfo) -> bool:
    try:
        run = Run.open(path)
    except RunError:
        return False
    asked = {"data": plan.data, "model": plan.model, LAUNCH: here.launch}
    if run.recipe != plan.recipe or any(run.config.get(name) != value for name, value in asked.items()):
        return False
    # A launch of the same name may come after one that is through.
    return here.restarted or not (path / "metrics.json").exists()
