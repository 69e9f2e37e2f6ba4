"""Audit a folder of images: labels that are probably wrong, images that show the same, and unusual images."""

import itertools
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from striate._types import Array
from striate.audit.findings import (
    AppliedCorrection,
    DuplicatePair,
    FolderAudit,
    SuspiciousLabel,
    audit_table,
    labels_differ,
    suspicious_label_sets,
    suspicious_labels,
    suspicious_values,
)
from striate.audit.unusual import (
    ImageIssue,
    check_thresholds,
    find_unusual,
    measure_pixels,
    measure_sizes,
    outlier_scores,
)
from striate.data import Dataset, Images
from striate.data.corrections import apply_corrections, read_corrections
from striate.data.dataset import content_fingerprint
from striate.data.digests import Digests
from striate.data.folder import ReadableImages, read_images
from striate.data.groups import (
    GroupNumbers,
    grouped_folds,
    identical_groups,
    join_named,
    join_near_duplicates,
    near_duplicate_files,
    read_groups,
    rows_of_groups,
    without_mirror_images_of_other_classes,
)
from striate.data.labels import LabelFile, labeled_layout
from striate.data.layout import Layout
from striate.data.near_duplicates import NearDuplicates
from striate.data.parallel import chunk_ranges, map_ordered, progress_bar
from striate.engines.losses import log_softmax
from striate.errors import RunError
from striate.evaluation.audit_page import write_audit_page
from striate.files import atomic_write
from striate.images import ImagePolicy, check_image, read_file
from striate.tasks import Task
from striate.transfer.bases import Base, check_base, open_base
from striate.transfer.features import Features, extract_features
from striate.transfer.linear_head import fit_linear_head, fold_count
from striate.transfer.task_heads import conformal_half_widths, fit_task_head, task_folds
from striate.workflows.plan import data_options
from striate.workflows.plan_checks import check_outside
from striate.workflows.strategy import BASE

ROOT = Path("audits")
PAGE, TABLE = "audit.html", "audit.csv"
REPEATS = 3  # number of cross-validations with different folds
SHUFFLE = 0x9E3779B97F4A7C15  # odd, so that multiplying by it modulo 2**64 reorders digests
MIN_TASK_IMAGES = 20  # different images, from which several labels or numbers are checked
BLOCK = 64  # images that a thread measures at a time


@dataclass(frozen=True, eq=False)
class AuditResult:
    """The findings, and the images that they are about.

    Attributes:
        audit: The findings.
        images: Pixels by the row of `audit.names`, uint8 (H, W, C) each, as the network sees them.
    """

    audit: FolderAudit
    images: Any


def audit_folder(
    path: str | Path, *, labels: LabelFile | None = None, base: str | None = None,
    groups: str | Path | None = None, thresholds: Mapping[str, Any] | None = None, exclude: str | Path | None = None,
) -> AuditResult:  # fmt: skip
    """Audit a folder of images path/CLASS/…, or one with a CSV file of labels.

    All images, also those in train, val and test folders, are divided into folds; the label of each is checked by a
    linear head that was fitted to the features of the other folds. Images that show the same are in the same fold.

    Args:
        path: The folder.
        labels: The CSV file; None: each subfolder is a class.
        base: Id of the pretrained network that computes the features; None: that of `striate train`.
        groups: CSV file with file,group: images that belong together are in the same fold.
        thresholds: For unusual images, by the name of a kind.
        exclude: CSV file of an earlier audit, whose corrections are applied first.

    Returns:
        The findings.

    Raises:
        UsageError: If the base or a threshold is unknown.
        DataError: If the folder has fewer than two classes, or no image can be read.
    """
    limits = check_thresholds(thresholds or {})
    check_base(base or BASE)
    layout, opened = labeled_layout(path, labels), open_base(base or BASE)
    applied: tuple[AppliedCorrection, ...] = ()
    if exclude is not None:
        corrections, given = read_corrections(exclude, layout), _label_texts(layout, layout.y)
        before = zip(layout.names, given, strict=True)
        applied = tuple(AppliedCorrection(name, old, corrections[name]) for name, old in before if name in corrections)
        layout = apply_corrections(layout, corrections)
    policy = _policy(opened)
    found = read_images(layout, policy)
    files = tuple(layout.files[row] for row in found.rows)
    names = found.images.names or ()
    features = _features(opened, layout, found, policy)
    near, near_notes = near_duplicate_files(layout.folder, files, names)
    numbers, group_notes = _groups(layout, found, near, groups)
    texts = _label_texts(layout, found.images.y)
    duplicates = _duplicates(found, near)
    measures = {
        **_measure_pixels(found.images.x),
        **measure_sizes(_sizes(files)),
        ImageIssue.OUTLIER: outlier_scores(features[opened.top]),
    }
    unusual, common = find_unusual(measures, limits)
    rate, suspicious, accuracy = _check_labels(layout, found, features, numbers)

    def differing_first(pair: DuplicatePair) -> tuple[bool, float]:
        return not pair.differ, -pair.similarity

    audit = FolderAudit(
        folder=layout.name, names=names, labels=texts, model=opened.name, accuracy=accuracy,
        rate=rate, suspicious=suspicious,
        duplicates=tuple(sorted(duplicates, key=differing_first)),
        unusual=unusual, common=common, thresholds=limits,
        notes=(*layout.notes, *found.notes, *near_notes, *group_notes), corrections=applied,
    )  # fmt: skip
    return AuditResult(audit, found.images.x)


def features_of_folder(path: str | Path, base: str = BASE) -> tuple[Layout, Features, Digests]:
    """Compute the features by which `audit_folder` checks labels, for benchmarks.

    Args:
        path: A folder of images, all of which can be read.
        base: Id of the pretrained network.

    Returns:
        The layout, the features (N, F) by feature layer, and the digests (N,) of the files.
    """
    layout, opened = labeled_layout(path), open_base(base)
    policy = _policy(opened)
    found = read_images(layout, policy)
    return layout, _features(opened, layout, found, policy), found.digests


def results_folder(folder: str | Path, out: str | Path | None = None) -> Path:
    """Return the folder for the page and the table, and check it before the images are read.

    Args:
        folder: The folder of images.
        out: The requested folder; None: the first of audits/NAME, audits/NAME-2, … that does not exist.

    Returns:
        The folder.

    Raises:
        UsageError: If it would be inside the folder of images.
        RunError: If it contains an audit already, whose table the user may have edited.
    """
    images = Path(folder).resolve()
    out = Path(out) if out else _first_unused(ROOT / images.name)
    check_outside(out, images, "folder")
    for name in (PAGE, TABLE):
        if (out / name).exists():
            raise RunError(f"'{out}' already contains {name}, which you may have edited. Choose another folder.")
    return out


def write_audit(
    result: AuditResult, folder: str | Path, out: Path, *,
    labels: LabelFile | None = None, groups: str | Path | None = None,
) -> str:  # fmt: skip
    """Write the page audit.html and the table audit.csv.

    Args:
        result: The findings.
        folder: The folder of images.
        out: The folder for page and table, which is created.
        labels: The CSV file with the labels, if there is one.
        groups: CSV file with file,group, if there is one.

    Returns:
        The command that trains on the same labels and groups with the edited table.
    """
    options = data_options(labels, groups)
    command = shlex.join(["striate", "train", str(folder), *options, "--exclude", str(out / TABLE)])
    write_audit_page(out / PAGE, result.audit, result.images, command)
    atomic_write(out / TABLE, audit_table(result.audit))
    return command


def _first_unused(path: Path) -> Path:
    candidates = itertools.chain([path], (path.with_name(f"{path.name}-{number}") for number in itertools.count(2)))
    return next(candidate for candidate in candidates if not candidate.exists())


def _policy(base: Base) -> ImagePolicy:
    height, width, channels = base.original.input_shapes[0]
    return ImagePolicy(height, width, channels)


def _features(base: Base, layout: Layout, found: ReadableImages, policy: ImagePolicy) -> Features:
    """Return the features (N, F) of all images by feature layer; they are cached regardless of labels."""
    nothing = np.zeros(0, np.intp)
    unlabeled = Images(found.images.x, np.zeros(len(found.images), np.int64), found.images.names)
    content = content_fingerprint((), [(found.digests, unlabeled.y)])
    data = Dataset(layout.name, (), unlabeled, unlabeled.take(nothing), unlabeled.take(nothing), policy, content)
    return extract_features(base, data)[0]


def _duplicates(found: ReadableImages, near: NearDuplicates) -> list[DuplicatePair]:
    y = found.images.y
    near = without_mirror_images_of_other_classes(near, labels_differ(y, *near.pairs.T))
    identical = [(rows[0], other) for rows in rows_of_groups(identical_groups(found.digests)) for other in rows[1:]]
    first, second = np.array([*identical, *near.pairs.tolist()], np.intp).reshape(-1, 2).T
    differ = labels_differ(y, first, second).tolist()
    similarity = [1.0] * len(identical) + near.similarity.tolist()
    return list(map(DuplicatePair, first.tolist(), second.tolist(), differ, similarity))


def _groups(
    layout: Layout, found: ReadableImages, near: NearDuplicates, table: str | Path | None
) -> tuple[GroupNumbers, tuple[str, ...]]:
    """Return the groups (N,) of images that stay in one fold, and notes."""
    groups, notes = join_near_duplicates(identical_groups(found.digests), near)
    if table is None:
        return groups, tuple(notes)
    named = read_groups(table, layout.folder.name, found.images.names or ())
    return join_named(groups, named.numbers), (*notes, *named.notes)


def _measure_pixels(x: Any) -> dict[ImageIssue, Array]:
    parts: list[dict[ImageIssue, Array]] = []
    blocks = chunk_ranges(len(x), BLOCK)
    with progress_bar("measuring images", len(x)) as advance:
        for part in map_ordered(lambda rows: measure_pixels(x[rows.start : rows.stop]), blocks):
            parts.append(part)
            advance(len(part[ImageIssue.BLURRY]))
    return {kind: np.concatenate([part[kind] for part in parts]) for kind in parts[0]}


def _sizes(files: Sequence[Path]) -> list[tuple[int, int]]:
    def measure(rows: range) -> list[tuple[int, int]]:
        headers = (check_image(read_file(file), file) for file in files[rows.start : rows.stop])
        return [(header.width, header.height) for header in headers]

    def blocks() -> Iterator[tuple[int, int]]:
        with progress_bar("measuring files", len(files)) as advance:
            for block in map_ordered(measure, chunk_ranges(len(files), BLOCK)):
                yield from block
                advance(len(block))

    return list(blocks())


def _check_labels(
    layout: Layout, found: ReadableImages, features: Features, groups: GroupNumbers
) -> tuple[float | None, tuple[SuspiciousLabel, ...], float | None]:
    """Return the share of wrong labels, the images to check, and the accuracy on held-out images; nothing if too few.

    The accuracy is for classes only.
    """
    y = found.images.y
    if layout.task is not Task.CLASSIFICATION:
        return *_check_task_labels(layout, y, np.concatenate([*features.values()], axis=1), groups), None
    if len(np.unique(y)) < 2:
        return None, (), None
    probabilities, checked = held_out_probabilities(features, y, len(layout.classes), found.digests, groups)
    accuracy = float((probabilities.argmax(axis=1) == y).mean())
    rows = np.flatnonzero(checked)
    if not len(rows):
        return None, (), accuracy
    errors, suspicious = suspicious_labels(probabilities[rows], y[rows], layout.classes, rows)
    return errors.rate, suspicious, accuracy


def _check_task_labels(
    layout: Layout, y: Array, x: Array, groups: GroupNumbers
) -> tuple[float | None, tuple[SuspiciousLabel, ...]]:
    """Check several labels, or numbers, by a head on the features (N, F), fitted without the image."""
    if len(np.unique(groups)) < MIN_TASK_IMAGES or (y == y[0]).all():
        return None, ()
    with progress_bar("checking labels", len(y)) as advance:
        fitted = fit_task_head(layout.task, x, y, task_folds(layout.task, x, y, groups))
        advance(len(y))
    if layout.task is Task.MULTILABEL:
        return suspicious_label_sets(fitted.held_out, y, layout.classes)
    return suspicious_values(fitted.held_out, y, conformal_half_widths(fitted.held_out - y))


def held_out_probabilities(
    features: Features, y: Array, classes: int, digests: Digests, groups: GroupNumbers
) -> tuple[Array, Array]:
    """Compute probabilities of all images by cross-validation, repeated with other folds and averaged.

    A single cross-validation depends on which images happen to share a fold; the mean finds a few more label errors.

    Args:
        features: Features of the images, (N, F) by feature layer; all layers are used together.
        y: Class numbers (N,).
        classes: The number of classes K.
        digests: Digests of the files, (N,).
        groups: Integers (N,); images with the same number stay in one fold.

    Returns:
        Probabilities (N, K), each row by heads that were fitted without this image; and whether each image can be
        checked (N,), because other images of its class were in the other folds.
    """
    x = np.concatenate([*features.values()], axis=1)
    count = fold_count(len(y), x.shape[1] * classes)
    total, checked = np.zeros((len(y), classes)), np.ones(len(y), bool)
    with progress_bar("checking labels", REPEATS * len(y)) as advance:
        for number in range(REPEATS):
            keys = digests * np.uint64(SHUFFLE**number % 2**64)
            folds = grouped_folds(keys, groups, y, count)
            total += log_softmax(fit_linear_head(x, y, classes, folds).logits)
            checked &= _has_other_of_class(y, folds)
            advance(len(y))
    return np.exp(log_softmax(total / REPEATS)), checked


def _has_other_of_class(y: Array, folds: Array) -> Array:
    """Return for each image (N,) whether another fold has images of its class."""
    total = np.bincount(y)
    in_fold = np.zeros((int(folds.max()) + 1, len(total)), np.int64)
    np.add.at(in_fold, (folds, y), 1)
    return np.asarray(total[y] > in_fold[folds, y])


def _label_texts(layout: Layout, y: Array) -> tuple[str, ...]:
    if layout.task is Task.CLASSIFICATION:
        return tuple(layout.classes[number] for number in y)
    if layout.task is Task.MULTILABEL:
        return tuple("; ".join(name for name, has in zip(layout.classes, row, strict=True) if has) for row in y)
    return tuple("; ".join(f"{value:g}" for value in row) for row in y)
