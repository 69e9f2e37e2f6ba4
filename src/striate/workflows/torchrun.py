"""Several processes that torchrun starts to train together: what one of them does for all, and runs it began before."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from striate.errors import RunError, StriateError
from striate.processes import ProcessInfo, all_cores, current_process
from striate.training.run import ROOT
from striate.workflows.plan import TrainingPlan
from striate.workflows.run_record import TrainingRun

T = TypeVar("T")


def on_rank_0(work: Callable[[], T]) -> T:
    """Call a function in the process of rank 0, and send its result to all processes.

    Args:
        work: The function.

    Returns:
        Its result, in all processes.

    Raises:
        StriateError: If the function failed; in the process of rank 0 only.
        SystemExit: If the function failed in the process of rank 0; the other processes exit with status 1.
    """
    process = current_process()
    if process.world_size == 1:
        return work()
    from striate.engines.torch.distributed import broadcast, join_group

    join_group()
    try:
        with all_cores():  # the other processes wait
            value = work() if process.rank == 0 else None
    except StriateError:
        broadcast((None, True))
        raise
    result, failed = broadcast((value, False))
    if failed:
        raise SystemExit(1)
    return result  # type: ignore[return-value]


def only_on_rank_0(work: Callable[[], T]) -> T | None:
    """Call a function in the process of rank 0, for a result that the other processes do not need or compute later.

    Args:
        work: The function.

    Returns:
        Its result; None in the other processes.

    Raises:
        StriateError: If the function failed; in the process of rank 0 only.
        SystemExit: If the function failed in the process of rank 0; the other processes exit with status 1.
    """
    results: list[T] = []
    on_rank_0(lambda: results.append(work()))
    return results[0] if results else None


def local_rank_0_first(work: Callable[[], T]) -> T:
    """Call a function in one process of each machine first, so that the others can use the files that it writes.

    If it fails on a machine, all processes exit with status 1, and only the one that called it prints why.

    Args:
        work: The function.

    Returns:
        Its result, in all processes.

    Raises:
        StriateError: If it failed in this process.
        SystemExit: If it failed in another process.
    """
    process = current_process()
    if process.world_size == 1:
        return work()
    from striate.engines.torch.distributed import gather_values, join_group

    join_group()
    if process.local_rank == 0:
        try:
            with all_cores():  # the other processes of the machine wait
                result = work()
        except StriateError:
            gather_values(True)
            raise
    if any(gather_values(False)):
        raise SystemExit(1)
    return result if process.local_rank == 0 else work()


def leave_to_rank_0() -> None:
    """Let rank 0 do the rest alone: the other ranks wait until it calls `release_others`, and exit."""
    process = current_process()
    if process.world_size > 1 and process.rank > 0:
        from striate.engines.torch.distributed import barrier

        barrier()
        raise SystemExit(0)


def release_others() -> None:
    """Let the ranks exit that `leave_to_rank_0` keeps waiting."""
    if current_process().world_size > 1:
        from striate.engines.torch.distributed import barrier

        barrier()


def run_before_restart(plan: TrainingPlan, out: str | os.PathLike[str] | None) -> Path | None:
    """Find the run of this plan that torchrun began before it restarted the processes.

    Args:
        plan: The plan.
        out: The run folder; None for one in runs/.

    Returns:
        The run folder; None if there is none.
    """
    process = current_process()
    if process.launch is None or not (process.restarted or process.named):
        return None
    candidates = sorted(ROOT.glob(f"{run_name(plan)}*")) if out is None else [Path(out)]
    return next((path for path in candidates if _is_same_launch(path, plan, process)), None)


def _is_same_launch(path: Path, plan: TrainingPlan, process: ProcessInfo) -> bool:
    try:
        record = TrainingRun.open(path).record
    except RunError:
        return False
    expected = (plan.recipe, plan.data, plan.model, process.launch)
    if expected != (record.recipe, record.plan.data, record.plan.model, record.launch):
        return False
    # A launch of the same name may follow one that has finished.
    return process.restarted or not (path / "metrics.json").exists()


def run_name(plan: TrainingPlan) -> str:
    """Return the name of a plan's run folder, without the number that distinguishes several."""
    name = Path(plan.data).name if plan.base and plan.because else f"{Path(plan.data).name}-{Path(plan.model).stem}"
    return name if plan.ensemble == 1 else f"{name}-x{plan.ensemble}"
