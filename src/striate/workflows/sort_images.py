"""Copy or move image files into one folder for each predicted class. Nothing is overwritten."""

import errno
import filecmp
import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from striate.errors import RunError, UsageError
from striate.files import NO_SPACE
from striate.images import UnreadableFile
from striate.tasks import Task
from striate.workflows.predict import AnyPrediction, Prediction
from striate.workflows.trained_model import TrainedModel

UNKNOWN = "unknown"
UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]|[. ]+$|^[. ]+')  # not allowed in names of folders on some system
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # names of devices on Windows
MAX_NAME_BYTES = 200  # bytes of the name of a folder; file systems allow 255


def image_sorter(folder: str | None, trained: TrainedModel, *, move: bool) -> "ImageSorter | None":
    """Make the sorter for `striate predict --sort-into`.

    Args:
        folder: The folder to sort into; None: images are not sorted.
        trained: The model.
        move: Whether images are moved rather than copied.

    Returns:
        The sorter; None without a folder.

    Raises:
        UsageError: If there is no folder to move images into.
    """
    if folder is None and move:
        raise UsageError("--move needs --sort-into FOLDER.")
    return None if folder is None else ImageSorter(folder, trained, move=move)


class ImageSorter:
    """Puts image files into the subfolders of a folder, one for each class and one for unknown images.

    Args:
        folder: The folder; it is made if it does not exist.
        trained: A model that predicts one class.
        move: Move the files instead of copying them.

    Attributes:
        folder: The folder.
        moves: Whether files are moved.
        total: How many files were put there.
        present: How many were there already, with the same name and content.

    Raises:
        UsageError: If the model does not predict one class.
    """

    def __init__(self, folder: str, trained: TrainedModel, *, move: bool = False) -> None:
        task = trained.decision.task
        if task is not Task.CLASSIFICATION:
            raise UsageError(f"--sort-into needs a model that predicts one class; this one is for {task}.")
        self.folder, self.moves, self.total, self.present = Path(folder), move, 0, 0
        self._names = folder_names(trained.classes)

    def put(self, results: Iterable[AnyPrediction | UnreadableFile]) -> Iterator[AnyPrediction | UnreadableFile]:
        """Copy or move the file of each result.

        Args:
            results: Results of `predict_files`.

        Yields:
            The same results; in place of a file that has disappeared, the reason.

        Raises:
            RunError: If the disk is full, or the folder cannot be written.
        """
        for result in results:
            yield self._put(result) if isinstance(result, Prediction) else result

    def _put(self, result: Prediction) -> Prediction | UnreadableFile:
        name = UNKNOWN if result.unknown else self._names[result.label]
        try:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            is_new = place_file(Path(result.path), self.folder / name, move=self.moves)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise RunError(
                    f"The disk is full: '{result.path}' was not put into '{self.folder / name}'. Files that were put "
                    "there before are complete. Free some space and repeat the command."
                ) from error
            if not Path(result.path).exists():
                return UnreadableFile(result.path, f"'{result.path}' disappeared before it could be sorted.")
            raise RunError(f"'{result.path}' cannot be put into '{self.folder / name}': {error.strerror}.") from error
        self.total += is_new
        self.present += not is_new
        return result


def folder_names(classes: Sequence[str]) -> dict[str, str]:
    """Return the name of a folder for each class: its own name, unless file systems do not allow it.

    Args:
        classes: Names of the classes.

    Returns:
        The names of the folders by class.

    Example:
        >>> folder_names(["cat", "../dog", "Cat", "unknown"])
        {'cat': 'cat', '../dog': '__dog', 'Cat': 'Cat (2)', 'unknown': 'unknown (2)'}
    """
    names: dict[str, str] = {}
    taken = {UNKNOWN}  # compared as file systems do that ignore upper and lower case
    for name in classes:
        safe = (
            UNSAFE.sub("_", unicodedata.normalize("NFC", name))
            .encode("utf-8", "ignore")[:MAX_NAME_BYTES]
            .decode("utf-8", "ignore")
        )
        safe = f"_{safe}" if RESERVED.fullmatch(safe) or not safe else safe
        chosen, number = safe, 1
        while chosen.casefold() in taken:
            number += 1
            chosen = f"{safe} ({number})"
        taken.add(chosen.casefold())
        names[name] = chosen
    return names


def place_file(source: Path, folder: Path, *, move: bool) -> bool:
    """Copy or move a file into a folder under its name, or with a number if another file has that name.

    A file that was copied before, with the same name and content, is not copied again.

    Args:
        source: The file.
        folder: An existing folder.
        move: Move instead of copy. The source is deleted only after its copy is complete.

    Returns:
        Whether it was put there; False if it was there already.

    Raises:
        OSError: If it cannot be read or written; no incomplete file remains.
    """
    number, target = 1, folder / source.name
    while True:
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))  # reserves the name
            break
        except FileExistsError:
            if target.is_file() and (
                target.samefile(source) or (not move and filecmp.cmp(source, target, shallow=False))
            ):
                return False
            number += 1
            target = folder / f"{source.stem} ({number}){source.suffix}"
    try:
        _fill(source, target, move)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return True


def _fill(source: Path, target: Path, move: bool) -> None:
    if move and not source.is_symlink():  # a relative link would lead elsewhere
        try:
            source.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:  # another file system
                raise
        else:
            return
    temporary = target.with_name(f".{os.getpid()}.tmp")
    try:
        shutil.copy2(source, temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if move:
        source.unlink()
