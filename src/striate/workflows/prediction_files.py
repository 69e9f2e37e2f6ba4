"""Write predictions to a CSV or JSON Lines file row by row, and continue a file that was not finished."""

import csv
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from striate import strict_json
from striate._types import Array
from striate.data.tables import escape_formula, unescape_formula
from striate.errors import DataError, RunError, UsageError
from striate.files import NO_SPACE
from striate.images import UnreadableFile
from striate.locks import try_lock
from striate.tasks import Task
from striate.workflows.predict import AnyPrediction, PredictedLabels, Prediction
from striate.workflows.trained_model import TrainedModel

CSV, JSON_LINES = "csv", "jsonl"
ENCODING = {"encoding": "utf-8", "errors": "surrogateescape"}  # names of files may hold bytes that are not text


def open_prediction_file(
    trained: TrainedModel, csv_file: str | None, jsonl_file: str | None, *, resume: bool, top: int, all_classes: bool
) -> AbstractContextManager["PredictionFile | None"]:
    """Open the file that the options name.

    Args:
        trained: The model.
        csv_file: Name of a CSV file.
        jsonl_file: Name of a JSON Lines file.
        resume: As in `PredictionFile`.
        top: As in `PredictionFile`.
        all_classes: As in `PredictionFile`.

    Returns:
        The file, for a `with` statement; None if neither is named.

    Raises:
        UsageError: If they name two, or there is nothing to resume.
    """
    if csv_file and jsonl_file:
        raise UsageError("--csv and --jsonl cannot be combined; choose one of them.")
    path = csv_file or jsonl_file
    if path is None and resume:
        raise UsageError("--resume continues the file of --csv or --jsonl; none is given.")
    if path is None:
        return nullcontext()
    form = CSV if csv_file else JSON_LINES
    return PredictionFile(path, form, trained, top=top, all_classes=all_classes, resume=resume)


class PredictionFile(AbstractContextManager["PredictionFile"]):
    """A file that gets one row for each image file, also for those that cannot be read.

    Args:
        path: The file, which must not exist unless `resume` is True.
        form: CSV or JSON_LINES.
        trained: The model.
        top: As in `predict_files`; a CSV file has two columns for each of these classes.
        all_classes: Whether a CSV file has a column with the probability of each class.
        resume: Continue the file: an incomplete last row is removed, and `remaining` leaves out the other images.

    Raises:
        UsageError: If the file exists, or was written with other columns.
        RunError: If it cannot be written, or another process is writing it.
    """

    def __init__(
        self, path: str, form: str, trained: TrainedModel, *, top: int = 0, all_classes: bool = False,
        resume: bool = False,
    ) -> None:  # fmt: skip
        self.path, self._form = Path(path), form
        self._columns = _columns(trained, top, all_classes)
        self._done: Array = np.empty(0, np.uint64)
        exists = self.path.exists()
        if exists and not resume:
            raise UsageError(f"'{path}' exists already. Choose another name, or continue it with --resume.")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("r+b" if exists else "xb")
        except OSError as error:
            raise self._write_error(error) from error
        try:
            self._begin(exists)
        except BaseException:
            self._file.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError as failure:
            raise self._write_error(failure) from failure

    @property
    def done(self) -> int:
        """Number of rows that the file had when it was opened."""
        return len(self._done)

    def remaining(self, files: Iterable[Path | UnreadableFile]) -> Iterator[Path | UnreadableFile]:
        """Yield the image files that had no row when this file was opened.

        Args:
            files: The files to predict.

        Yields:
            Those without a row.
        """
        for file in files:
            digest = _digest(file.file if isinstance(file, UnreadableFile) else str(file))
            place = int(np.searchsorted(self._done, digest))
            if place == self.done or self._done[place] != digest:
                yield file

    def write(self, results: Iterable[AnyPrediction | UnreadableFile]) -> Iterator[AnyPrediction | UnreadableFile]:
        """Write a row for each result.

        Args:
            results: Results of `predict_files`.

        Yields:
            The same results, each after its row was written.

        Raises:
            RunError: If the file cannot be written, for example because the disk is full.
        """
        for result in results:
            try:
                self._write(self._text(result))
            except OSError as error:
                raise self._write_error(error) from error
            yield result

    def rows(self, path: Path) -> Iterator[bytes]:
        """Yield the complete rows of another file with the same columns, without its header.

        Args:
            path: The other file.

        Yields:
            Each row as bytes, with its end.
        """
        start = 0
        with path.open("rb") as names, path.open("rb") as content:
            for name, end in self._read_csv(names) if self._form == CSV else self._read_json(names):
                row = content.read(end - start)
                start = end
                if name is not None:
                    yield row

    @property
    def header(self) -> bytes:
        """The first row of a CSV file; nothing in JSON Lines."""
        return _csv_row(self._columns).encode(**ENCODING) if self._form == CSV else b""

    def _begin(self, exists: bool) -> None:
        """Lock the file, and go to the end of its last complete row."""
        with suppress(OSError):  # the file system has no locks
            if not try_lock(self._file):
                raise RunError(f"Another process is writing '{self.path}'. Wait until it ends, or choose another name.")
        size = self._read_done() if exists else 0
        try:
            self._file.truncate(size)
            self._file.seek(size)
            if self._form == CSV and not size:
                self._write(_csv_row(self._columns))
        except OSError as error:
            raise self._write_error(error) from error

    def _text(self, result: AnyPrediction | UnreadableFile) -> str:
        if self._form == JSON_LINES:
            return strict_json.dumps(json_content(result)) + "\n"
        cells = _cells(result)
        return _csv_row(cells.get(column, "") for column in self._columns)

    def _write(self, text: str) -> None:
        self._file.write(text.encode(**ENCODING))
        self._file.flush()  # if the process is killed, no image has been moved without its row

    def _write_error(self, error: OSError) -> RunError:
        if error.errno in NO_SPACE:
            return RunError(
                f"The disk is full: '{self.path}' is incomplete. Free some space and repeat the command with --resume, "
                "which continues the file."
            )
        return RunError(f"'{self.path}' could not be written: {error.strerror or error}.")

    def _read_done(self) -> int:
        """Read which image files have a row; return the number of bytes up to the end of the last complete row."""
        digests: list[int] = []
        size = 0
        try:
            with self.path.open("rb") as file:
                rows = self._read_csv(file) if self._form == CSV else self._read_json(file)
                for name, end in rows:
                    digests += [] if name is None else [_digest(name)]
                    size = end
        except OSError as error:
            raise RunError(f"'{self.path}' cannot be read: {error.strerror or error}.") from error
        except csv.Error as error:
            raise DataError(
                f"'{self.path}' cannot be continued: it is not a table of predictions ({error})."
            ) from error
        self._done = np.unique(np.array(digests, np.uint64))
        return size

    def _read_csv(self, file: io.BufferedReader) -> Iterator[tuple[str | None, int]]:
        """Yield the name of the image file of each complete row, None for the header, and where the row ends."""
        lines = _Lines(file)
        for number, row in enumerate(_csv_rows(lines)):
            cells = [unescape_formula(cell) for cell in row]
            if number == 0 and lines.is_complete and cells != self._columns:
                raise UsageError(
                    f"'{self.path}' has other columns ({', '.join(cells)[:200]}) than these predictions "
                    f"({', '.join(self._columns)[:200]}). Use the model and options it was started with, or another "
                    "file."
                )
            if lines.is_complete and len(cells) == len(self._columns):
                yield cells[0] if number else None, lines.end

    def _read_json(self, file: io.BufferedReader) -> Iterator[tuple[str | None, int]]:
        end = 0
        for number, line in enumerate(file, 1):
            end += len(line)
            if not line.endswith(b"\n"):
                return
            try:
                row = strict_json.loads(line)
                if "path" in row:
                    raise UsageError(
                        f"'{self.path}' was begun by an earlier version of Striate, whose rows have 'path' in place of "
                        "'file'. Choose another name for the new predictions."
                    )
                yield str(row["file"]), end
            except (ValueError, TypeError, KeyError) as error:
                raise DataError(f"Line {number} of '{self.path}' is not a prediction of Striate.") from error


class _Lines:
    """The lines of a file as text.

    Attributes:
        end: Number of bytes up to the end of the last line that was read.
        is_complete: Whether that line ends with a line break.
        at_end: Whether all lines were read.
    """

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self.end, self.is_complete, self.at_end = 0, True, False

    def __iter__(self) -> Iterator[str]:
        for line in self._file:
            self.end += len(line)
            self.is_complete = line.endswith(b"\n")
            yield line.decode(**ENCODING)
        self.at_end = True


def _csv_rows(lines: _Lines) -> Iterator[list[str]]:
    """Yield the rows of a table, also if the file ends within a cell, where a quotation mark is missing."""
    try:
        yield from csv.reader(lines, strict=True)
    except csv.Error:
        if not lines.at_end:
            raise


def _digest(file: str) -> int:
    return int.from_bytes(blake2b(os.fsencode(file), digest_size=8).digest(), "little")


def _columns(trained: TrainedModel, top: int, all_classes: bool) -> list[str]:
    task, classes = trained.decision.task, trained.classes
    if task is Task.CLASSIFICATION:
        ranks = [f"{what}_{rank}" for rank in range(2, min(top, len(classes)) + 1) for what in ("label", "probability")]
        return [
            "file",
            "label",
            "probability",
            *ranks,
            *_of_classes(classes if all_classes else ()),
            "unknown",
            "error",
        ]
    if task is Task.MULTILABEL:
        return ["file", "labels", *_of_classes(classes), "unknown", "error"]
    ends = ("", "_low", "_high") if trained.decision.half_widths else ("",)
    return ["file", *(f"{name}{end}" for name in classes for end in ends), "unknown", "error"]


def _of_classes(names: Iterable[str]) -> list[str]:
    return [f"p({name})" for name in names]


def _cells(result: AnyPrediction | UnreadableFile) -> dict[str, str | float]:
    """Return the cells of a row by column, also of columns that the file does not have."""
    if isinstance(result, UnreadableFile):
        return {"file": result.file, "error": result.reason}
    cells: dict[str, str | float] = {"file": result.path, "unknown": "yes" if result.unknown else "no"}
    if isinstance(result, Prediction):
        cells |= {"label": result.label, "probability": result.probability}
        for rank, (name, probability) in enumerate(result.probabilities.items(), 1):
            cells |= {f"label_{rank}": name, f"probability_{rank}": probability, f"p({name})": probability}
    elif isinstance(result, PredictedLabels):
        cells["labels"] = ";".join(result.labels)
        cells |= dict(zip(_of_classes(result.probabilities), result.probabilities.values(), strict=True))
    else:
        for name, value in result.values.items():
            low, high = result.intervals.get(name, (value, value))
            cells |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return cells


def _csv_row(cells: Iterable[str | float]) -> str:
    buffer = io.StringIO()
    escaped = [escape_formula(cell) if isinstance(cell, str) else cell for cell in cells]
    # The writer does not quote a carriage return by itself, but the reader takes it for the end of a row.
    quote_all = any("\r" in str(cell) for cell in escaped)
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL)
    writer.writerow(escaped)
    return buffer.getvalue()


def json_content(result: AnyPrediction | UnreadableFile) -> dict[str, Any]:
    """Return a result as JSON values; probabilities of other classes only where they were requested."""
    if isinstance(result, UnreadableFile):
        return {"file": result.file, "error": result.reason}
    values = {
        name: value for name, value in vars(result).items() if name != "path" and (name != "probabilities" or value)
    }
    return {"file": result.path} | values
