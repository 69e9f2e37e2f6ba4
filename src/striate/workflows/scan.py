"""Look through a folder of photographs before training on it: what is there, what is damaged, what is double."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.layout import Layout, read_layout
from striate.data.split import PARTS, TRAINING, copies, digest_bytes
from striate.data.workers import cut, in_order, progress
from striate.errors import DataError
from striate.images import Header, check_image, read_file

AT_ONCE = 16  # files for a thread before it reports
FEW_IN_CLASS = 20
UNEVEN = 3.0  # times the smallest class
MANY_FAULTS = 0.02

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Fault:
    """A file that training would leave out, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Scan:
    """What lies in a folder of photographs.

    images: readable ones, of `bytes` in all; formats: how many of each. sizes: (width, height) in pixels of the
    smallest, the median and the largest picture by area. parts: those that the folder is cut into, if it is.
    classes: images of each, one number for each part, or a single one. unreadable: what training leaves out.
    copies: groups of files of one class that are the same byte for byte; across: of several classes.
    notes: what else is left out, and doubts.
    """

    folder: str
    images: int
    bytes: int
    formats: dict[str, int]
    sizes: dict[str, tuple[int, int]]
    parts: tuple[str, ...]
    classes: dict[str, tuple[int, ...]]
    unreadable: tuple[Fault, ...]
    copies: tuple[tuple[str, ...], ...]
    across: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self) | {"advice": self.advice}

    @property
    def untaught(self) -> tuple[str, ...]:
        """Classes without training images, where the folder is cut into parts."""
        training = self.parts.index(PARTS[TRAINING]) if self.parts else 0
        return tuple(name for name, numbers in self.classes.items() if not numbers[training])

    @property
    def advice(self) -> str:
        """One sentence on the gravest thing."""
        counts = {name: sum(numbers) for name, numbers in self.classes.items()}
        fewest, most = min(counts, key=counts.__getitem__), max(counts.values())
        faults, files = len(self.unreadable), self.images + len(self.unreadable)
        if self.untaught:
            names = ", ".join(f"'{name}'" for name in self.untaught)
            return f"Nothing can be learnt of {names} without training images: add some."
        if self.across:
            return "Decide for each picture that is in several classes where it belongs: the network is told both."
        if faults > MANY_FAULTS * files:
            return f"{faults:,} of {files:,} files cannot be read: see whether they can be had whole."
        if counts[fewest] < FEW_IN_CLASS:
            images = "1 image" if counts[fewest] == 1 else f"{counts[fewest]} images"
            return f"Class '{fewest}' has {images}, too few to learn from and to test on: add more."
        if most >= UNEVEN * counts[fewest]:
            ratio = f"{most / counts[fewest]:.1f}"
            return f"The largest class has {ratio} times the images of '{fewest}': train with --set class_weights=true."
        return f"Nothing stands in the way of: striate train {shlex.quote(self.folder)}"


@dataclass(frozen=True)
class _Seen:
    """One readable file."""

    header: Header
    bytes: int
    digest: int


def scan(path: str | Path) -> Scan:
    """Look through path/CLASS/… as training would. Raises DataError where training would find nothing to learn."""
    layout = read_layout(path)
    seen = _look(layout)
    found = [item for item in seen if isinstance(item, _Seen)]
    faults = tuple(item for item in seen if isinstance(item, Fault))
    if not found:
        raise DataError(f"None of the {len(faults):,} pictures in '{path}' can be read. {faults[0].reason}")
    good = np.flatnonzero([isinstance(item, _Seen) for item in seen])
    same = [good[rows] for rows in copies(np.array([item.digest for item in found], np.uint64))]
    parts = sorted(set(layout.parts.tolist())) if layout.parts.any() else []
    return Scan(
        folder=str(path),
        images=len(found),
        bytes=sum(item.bytes for item in found),
        formats=dict(Counter(item.header.format for item in found).most_common()),
        sizes=_sizes([(item.header.width, item.header.height) for item in found]),
        parts=tuple(PARTS[part] for part in parts),
        classes=_counts(layout, good, parts),
        unreadable=faults,
        copies=tuple(_names(layout, rows) for rows in same if not np.ptp(layout.y[rows])),
        across=tuple(_names(layout, rows) for rows in same if np.ptp(layout.y[rows])),
        notes=(*layout.notes, *_leaks(layout, same)),
    )


def _look(layout: Layout) -> list[_Seen | Fault]:
    seen: list[_Seen | Fault] = []
    with progress("looking at pictures", len(layout.files)) as advance:
        for block in in_order(lambda rows: [_look_at(layout, row) for row in rows], cut(len(layout.files), AT_ONCE)):
            seen += block
            advance(len(block))
    return seen


def _look_at(layout: Layout, row: int) -> _Seen | Fault:
    name = layout.names[row]
    try:
        content = read_file(layout.files[row], name)
        header = check_image(content, name)
    except DataError as error:
        return Fault(name, str(error))
    return _Seen(header, len(content), int(digest_bytes([content], 0)[0]))


def _sizes(sizes: Sequence[tuple[int, int]]) -> dict[str, tuple[int, int]]:
    by_area = sorted(sizes, key=lambda size: size[0] * size[1])
    return {"smallest": by_area[0], "median": by_area[len(by_area) // 2], "largest": by_area[-1]}


def _counts(layout: Layout, good: Rows, parts: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Images of each class, one number for each part; all in one where there are none."""
    counts = np.zeros((len(layout.classes), len(PARTS)), int)
    np.add.at(counts, (layout.y[good], layout.parts[good]), 1)
    return {name: tuple(row[parts or [0]].tolist()) for name, row in zip(layout.classes, counts, strict=True)}


def _names(layout: Layout, rows: Rows) -> tuple[str, ...]:
    return tuple(layout.names[row] for row in rows)


def _leaks(layout: Layout, same: Sequence[Rows]) -> list[str]:
    crossing = [rows for rows in same if np.ptp(layout.parts[rows])]
    if not crossing:
        return []
    pictures = "1 picture is" if len(crossing) == 1 else f"{len(crossing):,} pictures are"
    return [f"{pictures} in several parts at once, the first is '{layout.names[crossing[0][0]]}'."]
