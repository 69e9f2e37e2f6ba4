"""Make a data set of a person's own folder of pictures: one subfolder for each class."""

from pathlib import Path

import numpy as np

from striate.data.dataset import Dataset, Images
from striate.data.layout import read_layout
from striate.data.pictures import read_pictures
from striate.data.split import Digests, copies, digest_bytes, split_all
from striate.errors import DataError
from striate.images import ImagePolicy


def load_folder(path: str | Path, policy: ImagePolicy, seed: int = 0) -> Dataset:
    """The pictures in path/CLASS/… and below, brought to the policy's size, cut 80/10/10 by the bytes of the files.

    Parts that the folder has already (path/train/CLASS/…, val or validation, test) are kept. Class numbers follow the
    sorted names of the subfolders. A file that cannot be read is left out, and a note says why. The folder is never
    written to; the pixels lie in a cache outside it.
    Raises DataError if there are fewer than two classes with pictures, none can be read, or there is no room for the
    pixels.
    """
    layout = read_layout(path)
    read = read_pictures(layout.folder, layout.files, layout.names, policy)
    good = np.array([row not in read.faults for row in range(len(layout.files))])
    if not good.any():
        first = next(iter(read.faults.values()))
        raise DataError(f"None of the {len(good):,} pictures in '{path}' can be read. {first.reason}")
    images = Images(read.x, layout.y, layout.names).take(good)
    digests = _keyed(read.digests[good], seed)
    faults = [f"Left out: {fault.reason}" for fault in read.faults.values()]
    notes = [*filter(None, [read.note]), *layout.notes, *_doubts(images, digests), *faults]
    return split_all(
        layout.folder.resolve().name, layout.classes, images, policy, digests=digests, given=layout.parts[good],
        notes=notes,
    )  # fmt: skip


def _keyed(digests: Digests, seed: int) -> Digests:
    """Digests that decide the parts for this seed; those of seed 0 are kept beside the pixels."""
    return digest_bytes((digest.tobytes() for digest in digests.astype("<u8")), seed) if seed else digests


def _doubts(images: Images, digests: Digests) -> list[str]:
    """A sentence on pictures that are in two classes, byte for byte."""
    double = [rows for rows in copies(digests) if np.ptp(images.y[rows])]
    if not double or images.names is None:
        return []
    first, second = (images.names[row] for row in double[0][:2])
    pictures = "1 picture is" if len(double) == 1 else f"{len(double):,} pictures are"
    return [f"{pictures} in several classes at once, the first is '{first}', also '{second}'."]
