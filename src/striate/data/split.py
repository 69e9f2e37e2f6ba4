"""Decide from content alone which pictures are for training, which for validation, which for testing."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Dataset, Images, fingerprint
from striate.data.stored import Stored
from striate.errors import DataError
from striate.images import ImagePolicy

Digests = NDArray[np.uint64]
PARTS = ("training", "validation", "test")
TRAINING, VALIDATION, TEST = range(3)
NOWHERE = -1


def digest_bytes(contents: Iterable[Any], seed: int) -> Digests:
    """One 64-bit number (N,) for each bytes-like object: BLAKE2b keyed with the seed. Source: RFC 7693."""
    key, blake = (seed % 2**64).to_bytes(8, "little"), hashlib.blake2b
    joined = b"".join([blake(content, digest_size=8, key=key).digest() for content in contents])
    return np.frombuffer(joined, "<u8").astype(np.uint64)


def digest_images(x: Any, seed: int) -> Digests:
    """One 64-bit number (N,) for the pixels of each image of x (N, H, W, C), which may lie in a file."""
    if isinstance(x, Stored):
        return digest_bytes((image.reshape(-1).data for image in x), seed)
    if not len(x):
        return np.zeros(0, np.uint64)
    size = x.nbytes // len(x)
    content = np.ascontiguousarray(x).reshape(-1).view(np.uint8).data
    return digest_bytes((content[start : start + size] for start in range(0, x.nbytes, size)), seed)


def copies(digests: Digests) -> list[NDArray[np.intp]]:
    """The rows of each group of images that are the same byte for byte, in the order of their first rows."""
    order = np.argsort(digests, kind="stable")
    starts = np.flatnonzero(np.diff(digests[order])) + 1
    groups = [rows for rows in np.split(order, starts) if len(rows) > 1]
    return sorted(groups, key=lambda rows: int(rows[0]))


def side(digests: Digests, validation: float, test: float) -> NDArray[np.int8]:
    """0 for training, 1 for validation, 2 for test, by each digest alone; the parts are fractions of 0 … 1.

    The test part is cut first, so that another validation part leaves it as it is.
    """
    place = digests / 2.0**64
    return np.where(place < test, 2, np.where(place < test + validation, 1, 0)).astype(np.int8)


def split_all(
    name: str, classes: Sequence[str], images: Images, policy: ImagePolicy, *, digests: Digests,
    given: NDArray[np.int8] | None = None, validation: float = 0.1, test: float = 0.1, notes: Sequence[str] = (),
) -> Dataset:  # fmt: skip
    """A data set of three parts cut from `images` by their digests (N,).

    given: (N,) the parts they lie in already; then only a part that has no images is cut from the training images.
    An image that is also in the test part, byte for byte, is left out of the others, and one that is also in the
    validation part out of training; notes say so.
    """
    given = np.zeros(len(images), np.int8) if given is None else given
    cut = side(digests, 0 if VALIDATION in given else validation, 0 if TEST in given else test)
    sides = np.where(given == TRAINING, cut, given)
    notes = list(notes)
    for part, other in ((TRAINING, TEST), (VALIDATION, TEST), (TRAINING, VALIDATION)):
        leaked = (sides == part) & np.isin(digests, digests[sides == other])
        sides[leaked] = NOWHERE
        notes += _leak_notes(int(leaked.sum()), PARTS[part], PARTS[other])
    rows = [np.flatnonzero(sides == number) for number in range(3)]
    parts = [images.take(part) for part in rows]
    return _assemble(name, classes, parts, policy, digests=[digests[part] for part in rows], notes=notes)


def split_train(
    name: str, classes: Sequence[str], train: Images, test: Images, policy: ImagePolicy, *, seed: int,
    validation: float = 0.1, notes: Sequence[str] = (),
) -> Dataset:  # fmt: skip
    """A data set whose test part is given; validation is cut from `train`.

    Training images that are also test images, byte for byte, are left out, and a note says so.
    """
    digests, tested = digest_images(train.x, seed), digest_images(test.x, seed)
    leaked = np.isin(digests, tested)
    notes = [*notes, *_leak_notes(int(leaked.sum()), PARTS[TRAINING], PARTS[TEST])]
    sides = np.where(leaked, np.int8(NOWHERE), side(digests, validation, 0))
    rows = [np.flatnonzero(sides == number) for number in range(2)]
    parts = [*(train.take(part) for part in rows), test]
    return _assemble(name, classes, parts, policy, digests=[*(digests[part] for part in rows), tested], notes=notes)


def _leak_notes(count: int, part: str, other: str) -> list[str]:
    if not count:
        return []
    images = f"1 {part} image is" if count == 1 else f"{count:,} {part} images are"
    return [f"{images} also in the {other} part; left out of {part}."]


def _assemble(
    name: str, classes: Sequence[str], parts: Sequence[Images], policy: ImagePolicy, *,
    digests: Sequence[Digests], notes: Sequence[str],
) -> Dataset:  # fmt: skip
    counts = np.array([np.bincount(part.y, minlength=len(classes)) for part in parts])  # (parts, classes)
    if counts.sum() == 0:
        raise DataError(f"The data set '{name}' is empty.")
    if np.count_nonzero(counts.sum(axis=0)) < 2:
        raise DataError(f"The data set '{name}' has images of one class only; a classifier needs at least two.")
    if counts[0].sum() == 0:
        raise DataError(f"The data set '{name}' is too small: no image fell into the training part.")
    mark = fingerprint(classes, [(digest, part.y) for digest, part in zip(digests, parts, strict=True)])
    notes = (*notes, *_gaps(classes, counts))
    train, validation, test = parts
    return Dataset(name, tuple(classes), train, validation, test, policy, mark, notes)


def _gaps(classes: Sequence[str], counts: NDArray[Any]) -> list[str]:
    """A sentence for each class of which a part has none."""
    notes = []
    for label, of_class in zip(classes, counts.T, strict=True):
        missing = [part for part, count in zip(PARTS, of_class, strict=True) if not count]
        total = int(of_class.sum())
        if not total:
            notes.append(f"Class '{label}' has no images.")
        elif missing:
            images = "1 image" if total == 1 else f"{total} images"
            notes.append(f"Class '{label}' has only {images}: none for {' and '.join(missing)}.")
    return notes
