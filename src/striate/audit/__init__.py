"""Find probable label errors and unusual images in a folder. Computation only."""

from striate.audit.label_errors import LabelErrors, find_label_errors
from striate.audit.unusual import (
    THRESHOLDS,
    CommonIssue,
    ImageIssue,
    UnusualImage,
    blur,
    find_unusual,
    measure_pixels,
    measure_sizes,
    outlier_scores,
)

__all__ = [
    "THRESHOLDS",
    "CommonIssue",
    "ImageIssue",
    "LabelErrors",
    "UnusualImage",
    "blur",
    "find_label_errors",
    "find_unusual",
    "measure_pixels",
    "measure_sizes",
    "outlier_scores",
]  # fmt: skip
