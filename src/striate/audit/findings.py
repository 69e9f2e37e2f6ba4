"""What an audit of a folder found, and the table audit.csv, in which the user says what to do about it."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from striate._types import Array
from striate.audit.label_errors import LabelErrors, find_label_errors
from striate.audit.unusual import CommonIssue, ImageIssue, UnusualImage
from striate.data.corrections import EXCLUDE, RELABEL
from striate.data.tables import escape_formula

MAX_DEVIATION = 2.0  # distance of a correct number from its prediction, in half widths of the 90 % interval
NOTABLE_DIFFERENCE = 0.1  # of the numbers of two duplicates, in interquartile ranges of all numbers
LABEL, DUPLICATE, CORRECTION = "label", "duplicate", "correction"  # kinds of rows besides those of `ImageIssue`
COLUMNS = ("file", "kind", "given", "suggested", "measure", "threshold", "other_file", "action")


@dataclass(frozen=True)
class SuspiciousLabel:
    """One image whose label is probably wrong.

    Attributes:
        index: Number of the image.
        given: Name of the given class; all given labels or numbers, separated by "; ".
        suggested: Name of the most probable other class; the labels or numbers that are more probable.
        probability: Held-out probability of the given class, or of the least probable given label, 0 … 1.
        suggested_probability: Probability of the suggested class or label, 0 … 1.
        deviation: For numbers, the distance from the held-out prediction, in half widths of its interval; for them the
            two probabilities are 0.
    """

    index: int
    given: str
    suggested: str
    probability: float
    suggested_probability: float
    deviation: float | None = None


@dataclass(frozen=True)
class AppliedCorrection:
    """A correction of an earlier audit, with which this one was made.

    Attributes:
        name: The file, relative to the folder.
        given: Its class, labels or numbers before.
        new: Those that it got; None if it was left out.
    """

    name: str
    given: str
    new: str | None


@dataclass(frozen=True)
class DuplicatePair:
    """Two images that show the same.

    Attributes:
        first: Number of the first image.
        second: Number of the second one.
        differ: Whether their labels contradict each other.
        similarity: 1 for identical files, less for others.
    """

    first: int
    second: int
    differ: bool
    similarity: float = 1.0


@dataclass(frozen=True)
class FolderAudit:
    """What an audit of a folder found.

    Attributes:
        folder: Name of the folder.
        names: Files, relative to the folder.
        labels: The given class, labels or numbers of each file as text.
        model: The network that computed the features.
        accuracy: Share of the images that held-out classifiers classified as labeled; None without classes.
        rate: Estimated share of wrong labels; for numbers, the share of those far from their predictions; None if
            labels were not checked.
        suspicious: Labels that are probably wrong, the most suspicious first.
        duplicates: Pairs of images that show the same, those with different labels first.
        unusual: Unusual images by kind.
        common: Kinds that apply to many of the images, of which only those that stand out are listed.
        thresholds: Thresholds of the kinds.
        notes: Sentences for the user, such as on files that cannot be read.
        corrections: Corrections of an earlier audit that were applied before.
    """

    folder: str
    names: tuple[str, ...]
    labels: tuple[str, ...]
    model: str
    accuracy: float | None
    rate: float | None
    suspicious: tuple[SuspiciousLabel, ...]
    duplicates: tuple[DuplicatePair, ...]
    unusual: tuple[UnusualImage, ...]
    common: tuple[CommonIssue, ...]
    thresholds: Mapping[ImageIssue, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    corrections: tuple[AppliedCorrection, ...] = ()

    @property
    def contradictions(self) -> int:
        """Number of pairs of duplicates with different labels."""
        return sum(pair.differ for pair in self.duplicates)

    @property
    def has_findings(self) -> bool:
        """Whether the table has rows that the user can act on."""
        return bool(self.suspicious or self.duplicates or self.unusual)


def suspicious_labels(
    probabilities: Array, y: Array, classes: Sequence[str], indices: Array | None = None
) -> tuple[LabelErrors, tuple[SuspiciousLabel, ...]]:
    """Find labels that are probably wrong.

    Args:
        probabilities: Held-out probabilities (N, K).
        y: Class numbers (N,).
        classes: Names.
        indices: Numbers of the images, (N,); None: 0, 1, 2, ….

    Returns:
        The result of `label_errors`, and the images to check.
    """
    errors = find_label_errors(probabilities, y)
    listed = tuple(
        SuspiciousLabel(
            index=int(row if indices is None else indices[row]), given=classes[y[row]], suggested=classes[other],
            probability=float(probabilities[row, y[row]]), suggested_probability=float(probabilities[row, other]),
        )
        for row, other in zip(errors.indices, errors.suggested[errors.indices], strict=True)
    )  # fmt: skip
    return errors, listed


def suspicious_label_sets(
    probabilities: Array, y: Array, classes: Sequence[str]
) -> tuple[float, tuple[SuspiciousLabel, ...]]:
    """Find images with labels that are probably missing or wrong, where each may have several.

    Each label of each image is checked against its absence; the share of wrong ones is estimated from all together.

    Args:
        probabilities: Held-out probabilities (N, K) of the labels.
        y: 0 and 1 for each label (N, K).
        classes: Names of the labels.

    Returns:
        The estimated share of wrong labels among all, and the images to check, the most suspicious first.
    """
    given = np.where(y > 0, probabilities, 1 - probabilities)  # (N, K), of each label or its absence
    flat = probabilities.ravel()
    errors = find_label_errors(np.stack([1 - flat, flat], axis=1), y.ravel().astype(np.int64))
    wrong = np.zeros(y.shape, bool)
    wrong.ravel()[errors.indices] = True
    worst = np.where(wrong, given, 1).min(axis=1)
    listed = tuple(
        SuspiciousLabel(
            int(row), _label_set(y[row] > 0, classes), _label_set((y[row] > 0) != wrong[row], classes),
            float(worst[row]), float(1 - worst[row]),
        )
        for row in np.argsort(worst, kind="stable")[: int(wrong.any(axis=1).sum())]
    )  # fmt: skip
    return errors.rate, listed


def suspicious_values(
    predicted: Array, y: Array, half_widths: Array, limit: float = MAX_DEVIATION
) -> tuple[float, tuple[SuspiciousLabel, ...]]:
    """Find images whose number is far from what their features predict.

    Args:
        predicted: Held-out predictions (N, T).
        y: The given numbers (N, T).
        half_widths: Half widths of the intervals that contain 90 % of the numbers, (T,).
        limit: From how many half widths on a number is suspicious.

    Returns:
        The share of suspicious images, and these, the farthest first.
    """
    deviations = (np.abs(predicted - y) / np.maximum(half_widths, 1e-12)).max(axis=1)
    order = np.argsort(-deviations, kind="stable")[: int((deviations > limit).sum())]
    listed = tuple(
        SuspiciousLabel(int(row), _numbers(y[row]), _numbers(predicted[row]), 0.0, 0.0, float(deviations[row]))
        for row in order
    )
    return len(listed) / len(y), listed


def labels_differ(y: Array, first: Array, second: Array) -> Array:
    """Return for pairs of images that show the same whether their labels contradict each other.

    Numbers that were measured twice are rarely equal, so they contradict each other only if one of the numbers of an
    image differs by more than a tenth of the range between the quartiles of all images.

    Args:
        y: Class numbers (N,), 0 and 1 for each label (N, K), or numbers, float (N, T).
        first: Rows of the first images (P,).
        second: Rows of the second images (P,).

    Returns:
        bool (P,).

    Example:
        >>> ages = np.array([[20.0], [20.5], [30.0], [40.0]])
        >>> labels_differ(ages, np.array([0, 0]), np.array([1, 2])).tolist()
        [False, True]
    """
    if y.dtype.kind != "f":
        unequal = y[first] != y[second]
    else:
        low, high = np.percentile(y, [25, 75], axis=0)
        unequal = np.abs(y[first] - y[second]) > NOTABLE_DIFFERENCE * (high - low)
    return np.asarray(unequal.any(axis=tuple(range(1, y.ndim))))


def _label_set(has: Array, classes: Sequence[str]) -> str:
    return "; ".join(name for name, chosen in zip(classes, has, strict=True) if chosen)


def _numbers(values: Array) -> str:
    return "; ".join(f"{value:.4g}" for value in values)


def audit_table(audit: FolderAudit) -> str:
    """Return the text of audit.csv: one row for each finding, with an empty action, and for each earlier correction.

    Args:
        audit: The findings.

    Returns:
        Rows separated by commas, with a byte order mark, from which spreadsheet programs recognize UTF-8. Cells that
        spreadsheet programs would run as formulas begin with an apostrophe.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([escape_formula(cell) for cell in row] for row in _rows(audit))
    return "\ufeff" + text.getvalue()


def _rows(audit: FolderAudit) -> Iterator[tuple[str, ...]]:
    for earlier in audit.corrections:
        action = EXCLUDE if earlier.new is None else RELABEL
        yield earlier.name, CORRECTION, earlier.given, earlier.new or "", "", "", "", action
    for item in audit.suspicious:
        measure = f"{item.probability if item.deviation is None else item.deviation:.4f}"
        yield audit.names[item.index], LABEL, item.given, item.suggested, measure, "", "", ""
    for pair in audit.duplicates:
        first, second = (audit.names[row] for row in (pair.first, pair.second))
        yield second, DUPLICATE, audit.labels[pair.second], "", f"{pair.similarity:.4f}", "", first, ""
    for found in audit.unusual:
        threshold = f"{audit.thresholds[found.kind]:g}"
        yield (
            audit.names[found.index],
            found.kind,
            audit.labels[found.index],
            "",
            f"{found.measure:.4g}",
            threshold,
            "",
            "",
        )
