"""What an audit of a folder found, and the table audit.csv, in which the user says what to do about it."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from striate._types import Array
from striate.audit.label_errors import LabelErrors, label_errors
from striate.audit.unusual import Kind, UnusualImage
from striate.data.tables import escape_formula

LABEL, DUPLICATE = "label", "duplicate"  # kinds of findings besides those of `Kind`
COLUMNS = ("file", "kind", "given", "suggested", "measure", "threshold", "other_file", "action")


@dataclass(frozen=True)
class SuspiciousLabel:
    """One image whose label is probably wrong.

    Attributes:
        row: Number of the image.
        given: Name of the given class.
        suggested: Name of the most probable other class.
        probability: Held-out probability of the given class, 0 … 1.
        suggested_probability: Probability of the suggested class, 0 … 1.
    """

    row: int
    given: str
    suggested: str
    probability: float
    suggested_probability: float


@dataclass(frozen=True)
class DuplicatePair:
    """Two images that show the same.

    Attributes:
        first: Number of the first image.
        second: Number of the second one.
        similarity: 1 for identical files, less for others.
    """

    first: int
    second: int
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
        rate: Estimated share of wrong labels; None without classes.
        suspicious: Labels that are probably wrong, the most suspicious first.
        duplicates: Pairs of images that show the same, those with different labels first.
        unusual: Unusual images by kind.
        common: Kinds that apply to most of the images and are therefore not listed.
        thresholds: Thresholds of the kinds.
        notes: Sentences for the user, such as on files that cannot be read.
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
    common: tuple[Kind, ...]
    thresholds: Mapping[Kind, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def contradictions(self) -> int:
        """Number of pairs of duplicates with different labels."""
        return sum(self.labels[pair.first] != self.labels[pair.second] for pair in self.duplicates)

    @property
    def has_findings(self) -> bool:
        """Whether the table has rows that the user can act on."""
        return bool(self.suspicious or self.duplicates or self.unusual)


def suspicious_labels(
    probabilities: Array, y: Array, classes: Sequence[str], rows: Array | None = None
) -> tuple[LabelErrors, tuple[SuspiciousLabel, ...]]:
    """Find labels that are probably wrong.

    Args:
        probabilities: Held-out probabilities (N, K).
        y: Class numbers (N,).
        classes: Names.
        rows: Numbers of the images, (N,); None: 0, 1, 2, ….

    Returns:
        The result of `label_errors`, and the images to check.
    """
    errors = label_errors(probabilities, y)
    listed = tuple(
        SuspiciousLabel(
            row=int(row if rows is None else rows[row]), given=classes[y[row]], suggested=classes[other],
            probability=float(probabilities[row, y[row]]), suggested_probability=float(probabilities[row, other]),
        )
        for row, other in zip(errors.rows, errors.suggested[errors.rows], strict=True)
    )  # fmt: skip
    return errors, listed


def audit_table(audit: FolderAudit) -> str:
    """Return the text of audit.csv: one row for each finding, with an empty action.

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
    for item in audit.suspicious:
        measure = f"{item.probability:.4f}"
        yield audit.names[item.row], LABEL, item.given, item.suggested, measure, "", "", ""
    for pair in audit.duplicates:
        first, second = (audit.names[row] for row in (pair.first, pair.second))
        yield second, DUPLICATE, audit.labels[pair.second], "", f"{pair.similarity:.4f}", "", first, ""
    for found in audit.unusual:
        threshold = f"{audit.thresholds[found.kind]:g}"
        yield audit.names[found.row], found.kind, audit.labels[found.row], "", f"{found.measure:.4g}", threshold, "", ""
