"""Train what a plan says, measure it on the test images, and leave a run folder with a report."""

import json
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from striate._types import Array
from striate.errors import DataError, RunError, StriateError, UsageError
from striate.evaluation import Evaluation, evaluate
from striate.files import atomic_write
from striate.model import Model
from striate.processes import ProcessInfo, current_process
from striate.training import check_inputs, predict_in_batches
from striate.training.callbacks import Callback, ReduceLROnPlateau
from striate.training.progress import Verbose
from striate.training.run import ROOT
from striate.training.tensorboard import TensorBoard
from striate.transfer.open_set import TradeOff, probability_threshold
from striate.workflows import run_record
from striate.workflows.extract_features import check_enough, extract_job
from striate.workflows.fine_tune import fine_tune_job
from striate.workflows.plan import TrainingPlan, is_folder
from striate.workflows.prepare import PreparedRun, make_model, prepare
from striate.workflows.run_record import RecordEngine, TrainingRecord, TrainingRun
from striate.workflows.strategy import Method
from striate.workflows.trained_model import THRESHOLD, average, member_path

T = TypeVar("T")
Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Result:
    """What a training led to. evaluation: on the test images. seconds: of training, in all sittings not killed."""

    run: TrainingRun
    evaluation: Evaluation
    seconds: float

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.run.path / "report.html"


@dataclass(frozen=True, eq=False)
class _Outputs:
    """Probabilities (N, classes) on the validation and on the test images."""

    validation: Array
    test: Array


def start(job: PreparedRun, out: str | os.PathLike[str] | None = None) -> TrainingRun:
    """A new run folder for a job. Raises RunError when `out` holds a run, DataError without test images."""
    if not len(job.data.test):
        raise DataError(
            f"'{job.data.name}' is too small: no image fell into its test part. Add images: ten of each class are a "
            f"beginning. striate data scan {shlex.quote(str(job.plan.data))} shows what is there."
        )
    plan = job.plan
    if plan.base:
        check_enough(job.data)
    record = TrainingRecord(
        plan.recipe, job.data.fingerprint, plan=plan, versions=run_record.versions(), hardware=run_record.hardware(),
        started=run_record.now(), launch=current_process().launch,
    )  # fmt: skip
    return agree(lambda: TrainingRun.create(record, out, _run_name(plan)))


def begun(plan: TrainingPlan, out: str | os.PathLike[str] | None) -> Path | None:
    """The run of this plan that torchrun already began, before it started the processes again."""
    return begun_before(plan, sorted(ROOT.glob(f"{_run_name(plan)}*")) if out is None else [Path(out)])


def check_place(data: str | None, out: str | os.PathLike[str] | None) -> None:
    """Before the folder of pictures is looked through: raise UsageError when the run would lie in it.

    That folder is never written to.
    """
    if data and is_folder(data) and Path(out or ROOT).resolve().is_relative_to(Path(data).resolve()):
        raise UsageError(
            f"The run would lie in '{data}', among your pictures, where Striate never writes. "
            "Give another folder with --out."
        )


def check_out(out: str | os.PathLike[str] | None) -> None:
    """Before the data are loaded: raise RunError when the folder already holds a run, or a file that a run writes."""
    if out is None:
        return
    if (Path(out) / "config.json").exists():
        raise RunError(f"{out} already holds a run. Go on with it by --resume {out}, or give another folder.")
    for name in ("model.safetensors", "metrics.json", "report.html"):
        if (Path(out) / name).exists():
            raise RunError(f"{out} holds a {name}, which the run would replace. Give another folder with --out.")


def reopen(path: str | os.PathLike[str], epochs: int | None = None) -> tuple[PreparedRun, TrainingRun]:
    """The job of a run that is to go on, to more epochs if asked. Raises RunError where it cannot."""
    run, trained = agree(lambda: _opened(path))
    plan = run.record.plan
    if plan.base and epochs is not None:
        what = "fine-tunes in stages" if plan.method is Method.FINE_TUNE else "fits a head to features"
        raise UsageError(f"{run.path} {what}, which has no epochs to add: leave --epochs out.")
    job = one_first(lambda: prepare(plan, has_checkpoint=trained))
    run.require_data(job.data.fingerprint)
    if epochs is not None:
        run.extend(epochs)
    return replace(job, plan=run.record.plan), run


def _opened(path: str | os.PathLike[str]) -> tuple[TrainingRun, bool]:
    """The run, and whether it has a checkpoint."""
    run = TrainingRun.open(path)
    return run, run.record.plan.ensemble == 1 and run.checkpoints.begun


def train(job: PreparedRun, run: TrainingRun, *, verbose: Verbose = "auto", say: Say = print) -> Result:
    """Train a job, or go on where its run stands; write metrics.json and report.html.

    say: told of the engine, and of each member of an ensemble. Of several processes only the first writes.
    Raises KeyboardInterrupt, with how to go on, after Ctrl-C.
    """
    run.require_data(job.data.fingerprint)
    with _resumable(run):
        if job.plan.base:
            found = (
                fine_tune_job(job, run, say, verbose)
                if job.plan.method is Method.FINE_TUNE
                else extract_job(job, run, say)
            )
            extracted = replace(job, network=found.model.network)
            return _finish(extracted, run, found.test, found.model, found.trade_offs)
        if job.plan.ensemble == 1:
            return _train_one(job, run, verbose, say)[0]
        return _train_members(job, run, verbose, say)


@contextmanager
def _resumable(run: TrainingRun) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Stopped. Go on with: striate train --resume {run.path}") from None


def _train_one(job: PreparedRun, run: TrainingRun, verbose: Verbose, say: Say) -> tuple[Result, _Outputs]:
    plan = run.record.plan
    model, reason = make_model(replace(job, plan=plan))
    callbacks = [RecordEngine(run, reason, say), *_callbacks(plan, run)]
    with run.timed():
        model.train(job.data, run.recipe, run=run, callbacks=callbacks, verbose=verbose)
    outputs = _Outputs(*(_predict(model, part.x) for part in (job.data.validation, job.data.test)))
    model.figures |= {THRESHOLD: probability_threshold(outputs.validation, job.data.validation.y)}
    model.save(run.model_path)
    run.record.unknown_threshold = model.figures[THRESHOLD]
    return _finish(job, run, outputs.test, model), outputs


def _predict(model: Model, x: Array) -> Array:
    """Probabilities (N, classes), each process taking its part of the pictures."""
    return predict_in_batches(model.engine, check_inputs(model.network, x), together=True)[0]


def _train_members(job: PreparedRun, run: TrainingRun, verbose: Verbose, say: Say) -> Result:
    seconds, outputs = 0.0, []
    for number in range(job.plan.ensemble):
        say(f"member {number + 1} of {job.plan.ensemble}")
        member = replace(job, plan=job.plan.member(number))
        path = member_path(run, number)
        folder = agree(partial(_begun_member, path)) or start(member, path)
        if folder.recipe.epochs < run.recipe.epochs:
            folder.extend(run.recipe.epochs)
        result, found = _train_one(member, folder, verbose, say)
        seconds += result.seconds
        outputs.append(found)
    joined = _Outputs(average([o.validation for o in outputs]), average([o.test for o in outputs]))
    run.record.seconds = seconds
    run.record.unknown_threshold = probability_threshold(joined.validation, job.data.validation.y)
    return _finish(job, run, joined.test)


def _begun_member(path: Path) -> TrainingRun | None:
    return TrainingRun.open(path) if (path / "config.json").exists() else None


def _callbacks(plan: TrainingPlan, run: TrainingRun) -> list[Callback]:
    callbacks: list[Callback] = []
    if plan.plateau:
        callbacks.append(ReduceLROnPlateau(factor=0.5, patience=2))
    if plan.tensorboard and run.written_here:
        callbacks.append(TensorBoard(run.path / "tensorboard"))
    return callbacks


def _finish(
    job: PreparedRun, run: TrainingRun, outputs: Array, model: Model | None = None, trade_offs: Sequence[TradeOff] = ()
) -> Result:
    """Measure the probabilities (N, classes) of the test images, and write figures and report."""
    from striate.workflows.report import write_run_report

    test = job.data.test
    evaluation = evaluate(outputs, test.y, job.data.classes, test.names)
    if run.written_here:
        run.write_record()
        atomic_write(run.path / "metrics.json", json.dumps(evaluation.to_dict(), ensure_ascii=False) + "\n")
        write_run_report(job, run, evaluation, model, trade_offs)
    return Result(run, evaluation, run.record.seconds)


def _run_name(plan: TrainingPlan) -> str:
    name = Path(plan.data).name if plan.base and plan.because else f"{Path(plan.data).name}-{plan.model}"
    return name if plan.ensemble == 1 else f"{name}-x{plan.ensemble}"


def agree(ask: Callable[[], T]) -> T:
    """What the first process finds, in all of them. Where it fails, it says why, and the others leave quietly."""
    here = current_process()
    if here.world_size == 1:
        return ask()
    from striate.engines.torch.distributed import join_group, share

    join_group()
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
    from striate.engines.torch.distributed import barrier, join_group

    join_group()
    if here.local_rank == 0:
        found = work()
    barrier()
    return found if here.local_rank == 0 else work()


def begun_before(plan: TrainingPlan, candidates: list[Path]) -> Path | None:
    """The run that torchrun began before it started the processes again, if it is among these folders."""
    here = current_process()
    if here.launch is None or not (here.restarted or here.named):
        return None
    return next((path for path in candidates if _is_ours(path, plan, here)), None)


def _is_ours(path: Path, plan: TrainingPlan, here: ProcessInfo) -> bool:
    try:
        record = TrainingRun.open(path).record
    except RunError:
        return False
    asked = (plan.recipe, plan.data, plan.model, here.launch)
    if asked != (record.recipe, record.plan.data, record.plan.model, record.launch):
        return False
    # A launch of the same name may come after one that is through.
    return here.restarted or not (path / "metrics.json").exists()
