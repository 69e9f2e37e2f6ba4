"""Create the run folder of a training or open it again, and say how long the training takes."""

import os
import shlex
from dataclasses import replace
from functools import partial
from pathlib import Path

from striate.engines.choose import accelerator
from striate.errors import DataError, RunError, UsageError
from striate.processes import cores, current_process
from striate.training.run import ROOT
from striate.workflows import run_record
from striate.workflows.extract_features import check_enough
from striate.workflows.plan import is_folder
from striate.workflows.plan_checks import check_outside
from striate.workflows.prepare import PreparedRun, prepare
from striate.workflows.run_record import TrainingRecord, TrainingRun
from striate.workflows.strategy import Method, describe_seconds, fine_tuning_seconds, training_seconds
from striate.workflows.torchrun import local_rank_0_first, on_rank_0, run_name
from striate.workflows.trained_model import member_path

LONG_SECONDS = 300  # training time above which an estimate is printed


def start(prepared: PreparedRun, out: str | os.PathLike[str] | None = None) -> TrainingRun:
    """Create the run folder of a prepared run; no other process can train in it until `train` has returned.

    Args:
        prepared: The prepared run.
        out: The folder; by default a new one in runs/.

    Returns:
        The run.

    Raises:
        DataError: If there are too few images.
    """
    if not len(prepared.data.test) and not prepared.plan.folds:
        raise DataError(
            f"'{prepared.data.name}' is too small: its test split is empty. Add images, about ten or more per class. "
            f"To list its contents, run: striate data scan {shlex.quote(str(prepared.plan.data))}"
        )
    plan = prepared.plan
    if plan.base:
        check_enough(prepared.data)
    record = TrainingRecord(
        plan.recipe, prepared.data.fingerprint, plan=plan, versions=run_record.versions(plan),
        hardware=run_record.hardware(), started=run_record.now(), launch=current_process().launch,
    )  # fmt: skip
    return on_rank_0(lambda: _create(record, out))


def _create(record: TrainingRecord, out: str | os.PathLike[str] | None) -> TrainingRun:
    run = TrainingRun.create(record, out, run_name(record.plan))
    run.lock()
    return run


def check_run_folder(data: str | None, out: str | os.PathLike[str] | None) -> None:
    """Check, before the folder of images is read, that the run folder is not inside it, where Striate never writes.

    Args:
        data: Name of the data set, or the folder.
        out: The run folder.

    Raises:
        UsageError: If it is.
    """
    if data and is_folder(data):
        check_outside(out or ROOT, data, "folder")


def check_out(out: str | os.PathLike[str] | None) -> None:
    """Check, before the data are loaded, that a run folder would not overwrite anything.

    Args:
        out: The folder; None for a new one.

    Raises:
        RunError: If it already contains a run, or a file that a run writes.
    """
    if out is None:
        return
    if (Path(out) / "config.json").exists():
        raise RunError(
            f"'{out}' already contains a run. Continue it with --resume, or choose another folder with --out."
        )
    for name in ("model.safetensors", "metrics.json", "report.html"):
        if (Path(out) / name).exists():
            raise RunError(f"'{out}' contains a {name}, which the run would replace. Choose another folder with --out.")


def reopen(path: str | os.PathLike[str], epochs: int | None = None) -> tuple[PreparedRun, TrainingRun]:
    """Open and prepare a run to continue it.

    Args:
        path: The run folder.
        epochs: New total number of epochs; None: as planned.

    Returns:
        The prepared run, and its folder.

    Raises:
        RunError: If the run began with other data; the message names images that cannot be read.
        UsageError: If `epochs` is given for a method without epochs to add.
    """
    run, trained = on_rank_0(lambda: _open_locked(path))
    plan = run.record.plan
    if plan.base and epochs is not None:
        what = "fine-tunes a base" if plan.method is Method.FINE_TUNE else "fits a classifier to features"
        raise UsageError(f"'{run.path}' {what}, which has no epochs to add: leave --epochs out.")
    prepared = local_rank_0_first(lambda: prepare(plan, has_checkpoint=trained))
    try:
        run.require_data(prepared.data.fingerprint)
    except RunError as error:
        unreadable = [f"Left out: {file.reason}" for file in prepared.data.unreadable[:1]]  # the most frequent reason
        raise RunError(" ".join([str(error), *unreadable])) from None
    if epochs is not None:
        run.extend(epochs)
    return replace(prepared, plan=run.record.plan), run


def is_finished(path: str | os.PathLike[str], epochs: int | None) -> bool:
    """Return whether a run has nothing to continue: it is complete, and `epochs` asks for no more than it has.

    Args:
        path: The run folder.
        epochs: New total number of epochs; None: as planned.

    Raises:
        RunError: If it is not a run folder.
    """
    run = TrainingRun.open(path)
    plan = run.record.plan
    planned = run.recipe.epochs
    if run.record.finished_epochs != planned or not (epochs is None or (epochs == planned and not plan.base)):
        return False
    folders = [run.path] if plan.ensemble == 1 else [member_path(run, number) for number in range(plan.ensemble)]
    return all((folder / run.model_path.name).exists() for folder in folders) and (run.path / "report.html").exists()


def _open_locked(path: str | os.PathLike[str]) -> tuple[TrainingRun, bool]:
    """Return the run, locked, and whether it has a checkpoint."""
    TrainingRun.open(path).lock()
    run = TrainingRun.open(path)  # read again: another process may have changed it before the lock was taken
    return run, run.record.plan.ensemble == 1 and run.checkpoints.begun


def long_run_note(prepared: PreparedRun, run: TrainingRun) -> str | None:
    """Return a sentence on about how long training takes; None for feature extraction and up to five minutes.

    Args:
        prepared: The prepared run.
        run: Its folder; finished epochs are not counted.
    """
    plan = prepared.plan
    if plan.method is Method.FEATURES:
        return None
    device = None if plan.device == "cpu" or plan.engine == "numpy" else accelerator()
    trainings = plan.folds or 1  # folds - 1 times on all images for cross-validation, and once for the model
    where = f"on {device}" if device else f"on {cores()} {'core' if cores() == 1 else 'cores'}"
    if plan.method is Method.FINE_TUNE:
        passes = len(prepared.data.train) * run.recipe.epochs * trainings
        seconds = fine_tuning_seconds(passes, prepared.network.multiply_adds, device, cores())
        return f"Fine-tuning takes about {describe_seconds(seconds)} {where}, less if it stops early."
    done = 0 if plan.ensemble > 1 else len(run.read_history().get("loss", ()))
    passes = len(prepared.data.train) * max(0, run.recipe.epochs - done) * plan.ensemble * trainings
    shared = current_process().world_size
    seconds = training_seconds(passes, prepared.network, device, cores()) / shared
    if seconds <= LONG_SECONDS:
        return None
    return (
        f"This training takes about {describe_seconds(seconds)} {where}. Fewer --epochs or a smaller --model take "
        "less time; after Ctrl-C it can be continued."
    )


def continued(prepared: PreparedRun, path: Path, run: TrainingRun) -> TrainingRun:
    """Open or create the folder of a run inside another, such as that of a member or a fold.

    Args:
        prepared: The prepared run of the inner folder.
        path: The inner folder.
        run: The outer run, whose engine and number of epochs it takes over.

    Returns:
        The inner run.
    """
    folder = on_rank_0(partial(_open_started, path)) or start(prepared, path)
    folder.record.engine_reason = run.record.engine_reason
    if folder.recipe.epochs < run.recipe.epochs:
        folder.extend(run.recipe.epochs)
    return folder


def _open_started(path: Path) -> TrainingRun | None:
    return TrainingRun.open(path) if (path / "config.json").exists() else None
