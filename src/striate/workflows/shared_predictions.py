"""Predictions by all processes that torchrun started, each image by one of them, in one file."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from striate.errors import RunError, UsageError
from striate.files import atomic_write
from striate.images import UnreadableFile
from striate.processes import current_process
from striate.workflows.predict import BATCH_SIZE
from striate.workflows.prediction_files import PredictionFile
from striate.workflows.torchrun import on_rank_0

Files = Iterable[Path | UnreadableFile]


def check_shared(path: str | None, *, standard_input: bool, sorts: bool) -> None:
    """Check that several processes can predict together.

    Args:
        path: The file of --csv or --jsonl.
        standard_input: Whether the names come from there.
        sorts: Whether the images are sorted.

    Raises:
        UsageError: If they cannot, or the file exists.
    """
    if current_process().world_size == 1:
        return
    if path is None or standard_input or sorts:
        raise UsageError(
            "With torchrun, predict reads files and folders and writes one file: name it with --csv or --jsonl, and "
            "leave out --sort-into, --json and '-'."
        )

    def check() -> None:
        if Path(path).exists():
            raise UsageError(f"'{path}' exists already. Choose another name.")

    on_rank_0(check)


def file_of_process(path: str) -> str:
    """Return the file in which this process writes its rows; a restarted process continues it."""
    process = current_process()
    return path if process.world_size == 1 else str(_part(Path(path), process.rank, process.world_size))


def _part(path: Path, rank: int, world_size: int) -> Path:
    return path.with_name(f".{path.name}.part{rank + 1}of{world_size}")


def files_of_process(files: Files) -> Iterator[Path | UnreadableFile]:
    """Yield the image files of this process: every n-th batch, if there are n processes.

    Args:
        files: All files.

    Yields:
        Those of this process.
    """
    process = current_process()
    rest, number = iter(files), 0
    while batch := list(islice(rest, BATCH_SIZE)):
        if number % process.world_size == process.rank:
            yield from batch
        number += 1


def join_parts(
    path: str | None, file: PredictionFile | None, counts: Counter[str], unreadable: int
) -> tuple[Counter[str], int]:
    """Wait for all processes, and join their files to one with the rows in the order of one process; rank 0 returns.

    Args:
        path: The file to write.
        file: That of this process.
        counts: Images of this process, all of them and by what was predicted.
        unreadable: Its number of files that could not be read.

    Returns:
        Both numbers for all processes.

    Raises:
        RunError: If the file cannot be written, or that of another process is not on this machine.
        SystemExit: In all processes but that of rank 0.
    """
    process = current_process()
    if process.world_size == 1 or path is None or file is None:
        return counts, unreadable
    from striate.engines.torch.distributed import gather_values

    found = gather_values((counts, unreadable))
    parts = [_part(Path(path), rank, process.world_size) for rank in range(process.world_size)]

    def join() -> None:
        missing = [part for part in parts if not part.is_file()]
        if missing:
            raise RunError(f"'{missing[0]}' of another process is not here. Write to a disk that all machines share.")
        atomic_write(path, lambda target: _write_rows(target, parts, file))
        for part in parts:
            part.unlink()

    on_rank_0(join)
    if process.rank:
        raise SystemExit(0)
    return sum((each for each, _ in found), Counter()), sum(count for _, count in found)


def _write_rows(target: BinaryIO, parts: list[Path], file: PredictionFile) -> None:
    target.write(file.header)
    rows = [file.rows(part) for part in parts]
    number = 0
    while batch := list(islice(rows[number % len(rows)], BATCH_SIZE)):
        target.writelines(batch)
        number += 1
