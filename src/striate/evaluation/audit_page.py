"""The page of `striate data audit`: suspicious labels, duplicates and unusual images as thumbnails."""

import os
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from striate._types import Array
from striate.audit.findings import FolderAudit
from striate.audit.unusual import UNUSUAL_BELOW, ImageIssue
from striate.evaluation.charts import thumbnail
from striate.evaluation.label_cards import MAX_LABELS, label_card
from striate.evaluation.report import render
from striate.evaluation.sections import number
from striate.files import atomic_write

MAX_PAIRS = 150  # number of pairs shown with images; all findings are in the table
MAX_UNUSUAL = 60  # number of images shown for each kind

Images = Sequence[Array] | Array


def write_audit_page(
    path: str | os.PathLike[str], audit: FolderAudit, images: Images, command: str
) -> None:  # fmt: skip
    """Write the page to a file, atomically.

    Args:
        path: The file.
        audit: The findings.
        images: Pixels by the row of `audit.names`, uint8 (H, W, C) each.
        command: That trains with the edited table.

    Raises:
        RunError: If it cannot be written.
    """
    atomic_write(path, render_audit_page(audit, images, command).encode("utf-8"))


def render_audit_page(audit: FolderAudit, images: Images, command: str) -> str:
    """Return the page as HTML.

    Args:
        audit: The findings.
        images: Pixels by the row of `audit.names`.
        command: That trains with the edited table.

    Returns:
        A self-contained page.
    """
    return render(
        "audit.html.j2",
        a=audit,
        command=command,
        labels=[label_card(i, audit.names[i.index], images[i.index]) for i in audit.suspicious[:MAX_LABELS]],
        numbers=any(item.deviation is not None for item in audit.suspicious),
        pairs=_pairs(audit, images),
        kinds=_kinds(audit, images),
        unusual_images=len({item.index for item in audit.unusual}),
        rate=None if audit.rate is None else f"{100 * audit.rate:.1f}%",
    )


def _pairs(audit: FolderAudit, images: Images) -> list[dict[str, Any]]:
    return [
        {
            "differ": pair.differ,
            "similarity": f"{pair.similarity:.3g}",
            "sides": [
                {"image": thumbnail(np.asarray(images[row])), "name": audit.names[row], "label": audit.labels[row]}
                for row in (pair.first, pair.second)
            ],
        }
        for pair in audit.duplicates[:MAX_PAIRS]
    ]


def _kinds(audit: FolderAudit, images: Images) -> list[dict[str, Any]]:
    kinds: list[dict[str, Any]] = []
    for kind, group in groupby(audit.unusual, key=lambda item: item.kind):
        found = list(group)
        cards = [
            {
                "image": thumbnail(np.asarray(images[item.index])),
                "name": audit.names[item.index],
                "label": audit.labels[item.index],
                "measure": f"{item.measure:.3g}",
            }
            for item in found[:MAX_UNUSUAL]
        ]
        kinds.append({"kind": kind, "count": len(found), "cards": cards})
    common = {issue.kind: issue.count for issue in audit.common}
    kinds += [{"kind": kind, "count": 0, "cards": []} for kind in common.keys() - {entry["kind"] for entry in kinds}]
    for entry in kinds:
        entry["beyond"] = number(common[entry["kind"]]) if entry["kind"] in common else None
        entry["limit"] = "audit_below" if entry["kind"] in UNUSUAL_BELOW else "audit_above"
        entry["threshold"] = f"{audit.thresholds[entry['kind']]:g}"
        entry["shown"] = number(len(entry["cards"]))
    return sorted(kinds, key=lambda entry: list(ImageIssue).index(entry["kind"]))
