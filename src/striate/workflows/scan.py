"""Inspect a folder of images before training: formats, sizes, damaged files, copies and class counts."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.digests import Digests, digest_bytes
from striate.data.groups import group_files, identical_groups, rows_of_groups
from striate.data.labels import LabelFile, labeled_layout
from striate.data.layout import Layout
from striate.data.parallel import chunk_ranges, map_ordered, progress_bar
from striate.data.split import MIN_WEIGHTED, PARTS, TRAINING, count_labels
from striate.errors import DataError
from striate.evaluation.evaluate import IMBALANCE
from striate.images import ImageHeader, UnreadableFile, check_image, read_file
from striate.tasks import Task
from striate.workflows.plan import data_options

BATCH_SIZE = 16  # files that a thread reads before it reports progress
MAX_NAMED = 10  # classes that one sentence names
MIN_CLASS_SIZE = 20  # images; smaller classes are reported
MIN_UNREADABLE_SHARE = 0.02  # share of all files from which unreadable files are reported

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class FolderScan:
    """What a folder of images contains.

    Attributes:
        folder: The folder.
        images: Number of readable images.
        bytes: Size of the readable files together.
        formats: Number of images of each file format.
        sizes: (width, height) in pixels of the smallest, median and largest image by area.
        size_counts: Number of images of each (width, height).
        parts: Names of the parts (training, validation, test) if the folder is split, else empty.
        classes: Number of images of each class or label: one number per part, or a single one if the folder is not
            split. Empty for regression.
        unreadable: Files that training would leave out.
        copies: Groups of identical files within one class.
        conflicts: Groups of identical files in several classes, or with different labels or numbers.
        near_duplicates: Groups of images of one class that show nearly the same, but are not identical.
        near_conflicts: Such groups of images in several classes, or with different labels; numbers may differ a little.
        notes: Sentences on other files that are left out, and on possible problems.
        task: What the labels are.
        targets: For regression, minimum, median and maximum of each target.
        options: Further options of the command that trains on the folder.
    """

    folder: str
    images: int
    bytes: int
    formats: dict[str, int]
    sizes: dict[str, tuple[int, int]]
    size_counts: dict[tuple[int, int], int]
    parts: tuple[str, ...]
    classes: dict[str, tuple[int, ...]]
    unreadable: tuple[UnreadableFile, ...]
    copies: tuple[tuple[str, ...], ...]
    conflicts: tuple[tuple[str, ...], ...]
    near_duplicates: tuple[tuple[str, ...], ...]
    near_conflicts: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    task: Task = Task.CLASSIFICATION
    targets: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the scan and the advice as values for JSON."""
        unreadable = [{"file": item.file, "reason": item.reason} for item in self.unreadable]
        counts = [[*size, count] for size, count in self.size_counts.items()]
        return asdict(self) | {"unreadable": unreadable, "size_counts": counts, "advice": self.advice}

    @property
    def classes_without_training_images(self) -> tuple[str, ...]:
        """Classes that cannot be learned because the training part has no images of them."""
        return tuple(name for name, count in self._training_counts.items() if not count)

    @property
    def _training_counts(self) -> dict[str, int]:
        """Number of training images of each class; of all images if the folder is not split."""
        training = self.parts.index(PARTS[TRAINING]) if self.parts else 0
        return {name: counts[training] for name, counts in self.classes.items()}

    @property
    def advice(self) -> str:
        """What to do about each problem, the most serious first; if there is none, the command to train."""
        if self.problems:
            return " ".join(self.problems)
        left_out = self.unreadable or self.copies or self.near_duplicates or self.notes
        found = "No other problems found" if left_out else "No problems found"
        return f"{found}. To train: {shlex.join(['striate', 'train', self.folder, *self.options])}"

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences on what should be fixed before training, the most serious first."""
        unreadable, files = len(self.unreadable), self.images + len(self.unreadable)
        found = []
        if missing := self.classes_without_training_images:
            names = ", ".join(f"'{name}'" for name in missing)
            found.append(f"There are no training images of {names}, so the network cannot learn them. Add some.")
        one_class = self.task is Task.CLASSIFICATION
        if self.conflicts:
            found.append(
                "Some images are in more than one class, so their labels contradict each other. Keep each image in one "
                "class only."
                if one_class
                else "Some identical images have different labels. Correct them, or keep one of the images."
            )
        if self.near_conflicts:
            found.append(
                "Some near-duplicates are in different classes. Check which class is correct."
                if one_class
                else "Some near-duplicates have different labels. Check which labels are correct."
            )
        if unreadable > MIN_UNREADABLE_SHARE * files:
            found.append(f"{unreadable:,} of {files:,} files cannot be read. Replace them with undamaged files.")
        return (*found, *self._class_problems(missing))

    def _class_problems(self, missing: Sequence[str]) -> list[str]:
        """Return sentences on classes or labels with few images; those in `missing` have been named."""
        counts = {name: sum(numbers) for name, numbers in self.classes.items()}
        if small := {n: count for n, count in counts.items() if count < MIN_CLASS_SIZE and n not in missing}:
            return [_describe_small(small, self.task)]
        counts = {name: count for name, count in self._training_counts.items() if count >= MIN_WEIGHTED}
        if self.task is not Task.CLASSIFICATION or not counts:
            return []
        few, many = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
        if counts[many] > IMBALANCE * counts[few]:
            ratio = f"{counts[many] / counts[few]:.1f}"
            return [
                f"Class '{many}' has {ratio} times as many images as '{few}'. "
                "If all classes matter equally, train with --set class_weights=true."
            ]
        return []


def _describe_small(counts: Mapping[str, int], task: Task) -> str:
    """Return a sentence on the classes or labels with too few images, given their numbers of images."""
    order = sorted(counts, key=counts.__getitem__)
    named = [f"'{name}' ({counts[name]})" for name in order[:MAX_NAMED]]
    one, several = ("Class", "classes") if task is Task.CLASSIFICATION else ("Label", "labels")
    if len(order) == 1:
        images = "1 image" if counts[order[0]] == 1 else f"{counts[order[0]]} images"
        return f"{one} '{order[0]}' has {images}, too few to train and test on. Add more."
    more = f" and {len(order) - MAX_NAMED} more" if len(order) > MAX_NAMED else ""
    return f"{len(order)} {several} have too few images to train and test on: {', '.join(named)}{more}. Add more."


@dataclass(frozen=True)
class _ReadableFile:
    header: ImageHeader
    bytes: int
    digest: int


def scan_folder(path: str | Path, labels: LabelFile | None = None) -> FolderScan:
    """Inspect a folder of images path/CLASS/…, or with a CSV file of labels, the way training would read it.

    Args:
        path: The folder.
        labels: The CSV file; None: each subfolder is a class.

    Returns:
        What the folder contains.

    Raises:
        DataError: If there are fewer than two classes, or no image can be read.
    """
    layout = labeled_layout(path, labels)
    files = _read_all(layout)
    readable = [item for item in files if isinstance(item, _ReadableFile)]
    unreadable = tuple(item for item in files if isinstance(item, UnreadableFile))
    if not readable:
        raise DataError(f"None of the {len(unreadable):,} images in '{path}' can be read. {unreadable[0].reason}")
    rows = np.flatnonzero([isinstance(item, _ReadableFile) for item in files])
    digests = np.array([item.digest for item in readable], np.uint64)
    identical = [rows[group] for group in rows_of_groups(identical_groups(digests))]
    near, near_notes = _near_duplicates(layout, rows, digests)
    contradict = [layout.task is not Task.REGRESSION and _differ(layout, group) for group in near]
    parts = sorted(set(layout.parts.tolist())) if layout.parts.any() else []
    return FolderScan(
        folder=str(path),
        images=len(readable),
        bytes=sum(item.bytes for item in readable),
        formats=dict(Counter(item.header.format for item in readable).most_common()),
        sizes=_sizes([(item.header.width, item.header.height) for item in readable]),
        size_counts=dict(sorted(Counter((item.header.width, item.header.height) for item in readable).items())),
        parts=tuple(PARTS[part] for part in parts),
        classes=_counts(layout, rows, parts),
        unreadable=unreadable,
        copies=tuple(_names(layout, group) for group in identical if not _differ(layout, group)),
        conflicts=tuple(_names(layout, group) for group in identical if _differ(layout, group)),
        near_duplicates=tuple(_names(layout, group) for group, bad in zip(near, contradict, strict=True) if not bad),
        near_conflicts=tuple(_names(layout, group) for group, bad in zip(near, contradict, strict=True) if bad),
        notes=(
            *layout.notes,
            *near_notes,
            *_leaks(layout, identical, "1 image is", "{:,} images are"),
            *_leaks(layout, near, "1 group of near-duplicates is", "{:,} groups of near-duplicates are"),
        ),
        task=layout.task,
        targets=_target_ranges(layout, rows),
        options=tuple(data_options(labels)),
    )


def _near_duplicates(layout: Layout, rows: Rows, digests: Digests) -> tuple[list[Rows], list[str]]:
    """Return the groups of near-duplicates among the readable rows that are not all identical, and notes."""
    every = np.zeros(len(layout.files), np.uint64)
    every[rows] = digests
    groups, notes = group_files(layout.folder, layout.files, layout.names, every)
    found = [rows[group] for group in rows_of_groups(groups[rows])]
    return [group for group in found if len(set(every[group].tolist())) > 1], notes


def _differ(layout: Layout, rows: Rows) -> bool:
    return bool((layout.y[rows] != layout.y[rows[0]]).any())


def _target_ranges(layout: Layout, rows: Rows) -> dict[str, tuple[float, ...]]:
    if layout.task is not Task.REGRESSION:
        return {}
    quantiles = np.quantile(layout.y[rows], (0, 0.5, 1), axis=0).T
    return {name: tuple(map(float, values)) for name, values in zip(layout.classes, quantiles, strict=True)}


def _read_all(layout: Layout) -> list[_ReadableFile | UnreadableFile]:
    files: list[_ReadableFile | UnreadableFile] = []
    batches = chunk_ranges(len(layout.files), BATCH_SIZE)
    with progress_bar("scanning images", len(layout.files)) as advance:
        for batch in map_ordered(lambda rows: [_read_one(layout, row) for row in rows], batches):
            files += batch
            advance(len(batch))
    return files


def _read_one(layout: Layout, row: int) -> _ReadableFile | UnreadableFile:
    name = layout.names[row]
    try:
        content = read_file(layout.files[row], name)
        header = check_image(content, name)
    except DataError as error:
        return UnreadableFile(name, str(error))
    return _ReadableFile(header, len(content), int(digest_bytes([content], 0)[0]))


def _sizes(sizes: Sequence[tuple[int, int]]) -> dict[str, tuple[int, int]]:
    by_area = sorted(sizes, key=lambda size: size[0] * size[1])
    return {"smallest": by_area[0], "median": by_area[len(by_area) // 2], "largest": by_area[-1]}


def _counts(layout: Layout, rows: Rows, parts: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Count the images of each class or label: one number per part, or a single one if the folder is not split."""
    if layout.task is Task.REGRESSION:
        return {}
    y, in_part = layout.y[rows], layout.parts[rows]
    counts = np.stack([count_labels(y[in_part == part], len(layout.classes)) for part in range(len(PARTS))], axis=1)
    return {name: tuple(row[parts or [0]].tolist()) for name, row in zip(layout.classes, counts, strict=True)}


def _names(layout: Layout, rows: Rows) -> tuple[str, ...]:
    return tuple(layout.names[row] for row in rows)


def _leaks(layout: Layout, groups: Sequence[Rows], one: str, several: str) -> list[str]:
    """Return a note if the same or nearly the same image is in several parts, such as training and test.

    Args:
        layout: The files.
        groups: Rows of images that are the same or nearly so.
        one: Subject and verb of the note on one group.
        several: The same for several groups, with a placeholder for their number.

    Returns:
        The note, if there is any.
    """
    leaks = [group for group in groups if np.ptp(layout.parts[group])]
    if not leaks:
        return []
    return [
        f"{one if len(leaks) == 1 else several.format(len(leaks))} in more than one of training, validation and test, "
        f"so the test accuracy may be too high; an example is '{layout.names[leaks[0][0]]}'."
    ]
