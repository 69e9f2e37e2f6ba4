"""Run folders: the record, checkpoints and history of one training in one place."""

import csv
import io
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from striate import strict_json
from striate.errors import RunError, UsageError
from striate.files import atomic_write
from striate.locks import lock_folder, locked_folder, release_folder
from striate.notebook import Page
from striate.processes import current_process
from striate.records import MAX_FILE, decode_value
from striate.text import printable
from striate.training.checkpoint import CheckpointFolder
from striate.training.recipe import Recipe

ROOT = Path("runs")
"""Parent of the run folders for which no path was given."""


@dataclass
class RunRecord:
    """The content of a run's config.json.

    Attributes:
        recipe: How the run trains.
        fingerprint: Fingerprint of its data.
        precision: The number format that training computes in; None before the first step.
    """

    recipe: Recipe
    fingerprint: str
    precision: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the record as values for JSON."""
        return {"recipe": self.recipe.to_dict(), "fingerprint": self.fingerprint, "precision": self.precision}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the record that `to_dict` described.

        Raises:
            KeyError: If an entry is missing. UsageError, TypeError and ValueError if one is invalid.
        """
        fingerprint, precision = decode_value(str, values["fingerprint"]), decode_value(str | None, values["precision"])
        return cls(Recipe.from_dict(values["recipe"]), fingerprint, precision)

    def extend(self, epochs: int) -> None:
        """Set the total number of epochs."""
        self.recipe = replace(self.recipe, epochs=epochs)


class Run:
    """One run folder. `Run.create` makes a new one, `Run.open` opens an existing one.

    Attributes:
        path: The folder.
        record: The content of its config.json; call `write_record` after changing it.
        checkpoints: Its checkpoints.
    """

    record_type: ClassVar[type[RunRecord]] = RunRecord

    def __init__(self, path: Path, record: RunRecord) -> None:
        self.path = path
        self.record = record
        self.checkpoints = CheckpointFolder(path / "checkpoints")

    @classmethod
    def create(cls, record: RunRecord, out: str | os.PathLike[str] | None = None, name: str = "run") -> Self:
        """Create a run folder.

        Args:
            record: What config.json will contain.
            out: The folder; by default the first of runs/NAME, runs/NAME-2, … that does not exist.
            name: NAME in the default folder.

        Returns:
            The run.

        Raises:
            RunError: If `out` already contains a run (a run is never overwritten), or another process uses it.
        """
        if current_process().rank:  # only the first process writes
            return cls(Path(out or ROOT / name), record)
        path = _make_unused_folder(name) if out is None else Path(out)
        _make_folder(path)
        with locked_folder(path):
            if (path / "config.json").exists():
                raise RunError(
                    f"'{path}' already contains a run. Continue it with --resume, or choose another folder with --out."
                )
            run = cls(path, record)
            run.write_record()
        return run

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open the run in a folder.

        Args:
            path: The folder.

        Returns:
            The run.

        Raises:
            RunError: If the folder contains no run, or its config.json is damaged.
        """
        path = Path(path)
        file = path / "config.json"
        if not file.is_file():
            raise RunError(f"'{path}' is not a run folder, such as runs/NAME: it has no config.json.")
        try:
            record = cls.record_type.from_dict(read_json(file))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, UsageError) as error:
            raise RunError(
                f"'{file}' is damaged, so the run cannot be used ({_reason(error)}). Start a new run."
            ) from error
        return cls(path, record)

    @property
    def recipe(self) -> Recipe:
        """How the run trains."""
        return self.record.recipe

    @property
    def written_here(self) -> bool:
        """Whether this process writes to the folder: in distributed training, only rank 0 does."""
        return current_process().rank == 0

    @property
    def model_path(self) -> Path:
        """Path of the trained model, which may not exist yet."""
        return self.path / "model.safetensors"

    def lock(self) -> None:
        """Keep other processes from training in this folder until `release` or the end of this process.

        Raises:
            RunError: If another process is training in it.
        """
        if self.written_here:
            lock_folder(self.path)

    def release(self) -> None:
        """Let other processes train in this folder and the runs in it."""
        release_folder(self.path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the folder; a lock that was taken before is kept. Raise RunError as `lock` does."""
        with locked_folder(self.path) if self.written_here else nullcontext():
            yield

    def extend(self, epochs: int) -> None:
        """Set a larger total number of epochs.

        Args:
            epochs: The number.

        Raises:
            RunError: If it is smaller than the present one.
        """
        planned = self.recipe.epochs
        if epochs < planned:
            raise RunError(
                f"The run '{self.path}' has {planned} epochs. It can be extended to more epochs, but not reduced to "
                f"{epochs}."
            )
        self.record.extend(epochs)
        self.write_record()

    def require_data(self, fingerprint: str) -> None:
        """Check that the data are those with which the run was started.

        Args:
            fingerprint: Fingerprint of the data set.

        Raises:
            RunError: If the run began with other data.
        """
        if fingerprint == self.record.fingerprint:
            return
        raise RunError(
            f"'{self.path}' was started with different data (fingerprint {self.record.fingerprint}, now "
            f"{fingerprint}). Resumed, it could train on test images and report an accuracy that is too high. Restore "
            "the data, or start a new run."
        )

    def write_history(self, history: Mapping[str, Sequence[float]]) -> None:
        """Write history.csv: one row for each epoch, counted from 1.

        Args:
            history: Values by name, one for each epoch.
        """
        if not self.written_here:
            return
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["epoch", *history])
        writer.writerows([epoch, *row] for epoch, row in enumerate(zip(*history.values(), strict=True), start=1))
        atomic_write(self.path / "history.csv", text.getvalue())

    def read_history(self) -> dict[str, list[float]]:
        """Return the columns of history.csv by name; empty before the first epoch has ended.

        Raises:
            RunError: If the file is damaged.
        """
        file = self.path / "history.csv"
        if not file.exists():
            return {}
        try:
            return _parse_history(_read_text(file))
        except (ValueError, csv.Error) as error:
            raise RunError(f"'{file}' is damaged ({_reason(error)}). Start a new run.") from error

    def report(self) -> Page:
        """Return report.html, which a notebook shows below the cell.

        Returns:
            The page.

        Raises:
            RunError: If it cannot be read.
        """
        try:
            return Page((self.path / "report.html").read_text("utf-8"), f"Report of {self.path}")
        except OSError as error:
            raise RunError(f"'{self.path}' has no report that can be read: {error.strerror or error}.") from error

    def __repr__(self) -> str:
        history = self.read_history()
        if not history:  # fitting to features has no epochs
            return f"<Run '{self.path}': {'trained' if self.model_path.exists() else 'no epoch done'}>"
        last = ", ".join(f"{name} {values[-1]:.4f}" for name, values in history.items() if values)
        return f"<Run '{self.path}': {len(history['loss'])} of {self.recipe.epochs} epochs; {last}>"

    def _repr_html_(self) -> str:
        from striate.training.display import run_html

        return run_html(self)

    def write_record(self) -> None:
        """Write config.json. In distributed training, only rank 0 writes."""
        if self.written_here:
            content = strict_json.dumps(self.record.to_dict(), indent=2)
            atomic_write(self.path / "config.json", content + "\n")


def read_json(file: Path) -> Any:
    """Return the content of a JSON file in a run folder.

    Raises:
        ValueError: If it is not JSON, or implausibly large. RunError if it cannot be read.
    """
    return strict_json.loads(_read_text(file))


def _read_text(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_FILE:
            raise ValueError(f"it has more than {MAX_FILE:,} bytes")
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise RunError(f"'{file}' could not be read: {error.strerror or error}.") from error


def _parse_history(text: str) -> dict[str, list[float]]:
    head, *rows = list(csv.reader(io.StringIO(text), strict=True)) or [[]]
    if not head or head[0] != "epoch" or len(set(head)) < len(head):
        raise ValueError("its first line does not contain the names of the columns")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(head) or row[0] != str(number):
            raise ValueError(f"line {number + 1} is not that of epoch {number}")
    history = {name: [float(row[index]) for row in rows] for index, name in enumerate(head) if index}
    for number, loss in enumerate(history.get("loss", ()), start=1):  # training stops at a loss that is not finite
        if not math.isfinite(loss):
            raise ValueError(f"the loss of epoch {number} is {loss}")
    return history


def _reason(error: Exception) -> str:
    """Return the error as a part of a sentence."""
    text = f"{error} is missing" if isinstance(error, KeyError) else str(error).rstrip(".")
    return printable(text if len(text) <= 200 else text[:200] + "…")


def _make_unused_folder(name: str) -> Path:
    """Create and return the first folder that does not exist; two processes never get the same one."""
    number = 1
    while True:
        path = ROOT / (name if number == 1 else f"{name}-{number}")
        _make_folder(path.parent)
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        except OSError as error:
            raise RunError(f"'{path}' could not be created: {error.strerror or error}.") from error
        else:
            return path


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"'{path}' could not be created: {error.strerror or error}.") from error
