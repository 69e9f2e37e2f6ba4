"""Make a data set of a person's own folder of pictures: one subfolder for each class."""

import os
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from striate.data.dataset import Dataset, Images, check_room
from striate.data.split import digest_bytes, split_all
from striate.errors import DataError
from striate.images import ImagePolicy, decode_image, images_below


@dataclass(frozen=True)
class _Read:
    """One file: the digest of its bytes, or why it is left out."""

    digest: int = 0
    fault: str | None = None


def load_folder(path: str | Path, height: int, width: int, channels: int = 3, seed: int = 0) -> Dataset:
    """The pictures in path/CLASS/… and below, in memory, cut 80/10/10 by the bytes of the files.

    Class numbers follow the sorted names of the subfolders. A file that cannot be read is left out, and a note says
    why. The folder is never written to. Raises DataError if there are fewer than two classes with pictures.
    """
    folder = Path(path)
    policy = ImagePolicy(height, width, channels, "crop")
    classes, files, notes = _scan(folder)
    check_room(len(files), policy.shape)
    x = np.zeros((len(files), *policy.shape), np.uint8)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoders let other threads run
        reads = list(pool.map(lambda job: _read(job[0], policy, job[1], seed), zip(files, x, strict=True)))
    good = np.array([read.fault is None for read in reads])
    y = np.array([classes.index(_class_of(file, folder)) for file in files], np.int64)
    names = tuple(file.relative_to(folder).as_posix() for file in files)
    notes += [f"Left out: {read.fault}" for read in reads if read.fault]
    digests = np.array([read.digest for read in reads], np.uint64)[good]
    return split_all(
        folder.resolve().name, classes, Images(x, y, names).take(good), policy, digests=digests, notes=notes
    )


def _scan(folder: Path) -> tuple[list[str], list[Path], list[str]]:
    """Class names, files, and notes on what is not part of the data set."""
    try:
        inside = sorted(item for item in folder.iterdir() if not item.name.startswith("."))
    except OSError as error:
        raise DataError(f"The folder '{folder}' cannot be read: {error.strerror or error}.") from error
    found = {item: images_below(item) for item in inside if item.is_dir()}
    filled = [item for item, files in found.items() if files]
    if len(filled) < 2:
        raise DataError(
            f"'{folder}' should hold a subfolder of pictures for each class, at least two; "
            f"found {len(filled)}{': ' + filled[0].name if filled else ''}."
        )
    notes = [f"Left out: the folder '{item.name}' holds no pictures." for item, files in found.items() if not files]
    loose = [item.name for item in inside if item.is_file()]
    if loose:
        files = "1 file" if len(loose) == 1 else f"{len(loose)} files"
        notes.append(f"Left out: {files} outside the class folders, the first is '{loose[0]}'.")
    classes = sorted({_class_name(item) for item in filled})
    return classes, [file for item in filled for file in found[item]], notes


def _class_name(folder: Path) -> str:
    """Its name with composed letters: macOS writes 한글 and é in pieces, other systems in one."""
    return unicodedata.normalize("NFC", folder.name)


def _class_of(file: Path, folder: Path) -> str:
    return _class_name(folder / file.relative_to(folder).parts[0])


def _read(file: Path, policy: ImagePolicy, out: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", seed: int) -> _Read:
    """Put the picture into `out` (H, W, C)."""
    try:
        content = file.read_bytes()
        out[:] = policy.apply(decode_image(content, file))
    except DataError as error:
        return _Read(fault=str(error))
    except OSError as error:
        return _Read(fault=f"{file} cannot be read: {error.strerror or error}.")
    return _Read(digest=int(digest_bytes([content], seed)[0]))
