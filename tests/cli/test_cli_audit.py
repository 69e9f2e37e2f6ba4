"""A folder with planted faults, from the audit over the edited table to a corrected training."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from striate.images import encode_png

from .conftest import Cli, run
from .test_cli_extract import SMALL, write_shapes

SWAPPED = ("줄무늬/=disc.png", "discs/stripes.png")


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A place with the folder images/ and its audit in audits/images/, and what was printed."""
    place = tmp_path_factory.mktemp("audit")
    images = place / "images"
    write_shapes(images / "줄무늬", 30, 0, stripes=True)
    write_shapes(images / "discs", 30, 1, stripes=False)
    (images / "discs" / "그림 3.png").rename(images / SWAPPED[0])
    (images / "줄무늬" / "그림 4.png").rename(images / SWAPPED[1])
    (images / "discs" / "black.png").write_bytes(encode_png(np.zeros((64, 64, 3), np.uint8)))
    shutil.copy(images / "discs" / "그림 9.png", images / "줄무늬" / "copy.png")
    (images / "discs" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    before = {file: file.read_bytes() for file in images.rglob("*.*")}
    result = run("data", "audit", "images", cwd=place)
    assert result.returncode == 0, result.stderr
    assert {file: file.read_bytes() for file in images.rglob("*.*")} == before
    return place, result.stdout


def read(place: Path) -> list[dict[str, str]]:
    with (place / "audits" / "images" / "audit.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_audit_finds_what_was_planted(audited: tuple[Path, str]) -> None:
    place, printed = audited
    rows = read(place)
    labels = {row["file"]: (row["given"], row["suggested"]) for row in rows if row["kind"] == "label"}
    assert labels[SWAPPED[0]] == ("줄무늬", "discs") and labels[SWAPPED[1]] == ("discs", "줄무늬")
    assert len(labels) <= 5
    pairs = [{row["file"], row["other_file"]} for row in rows if row["kind"] == "duplicate"]
    assert pairs[0] == {"줄무늬/copy.png", "discs/그림 9.png"}  # identical, with different labels
    assert [row["measure"] for row in rows if row["kind"] == "duplicate"].count("1.0000") == 1
    assert [row["file"] for row in rows if row["kind"] == "uniform"] == ["discs/black.png"]
    assert all(row["action"] == "" for row in rows)
    assert " with different labels" in printed and "1 uniform" in printed
    assert "write 'exclude' or 'relabel' in the column 'action'" in printed
    assert "striate train images --exclude audits/images/audit.csv" in printed
    assert "broken.png" in printed
    page = re.sub(r"<[^>]+>", "", (place / "audits" / "images" / "audit.html").read_text("utf-8"))
    assert "줄무늬/=disc.png" in page and "striate train images --exclude" in page


def test_training_applies_the_edited_table(audited: tuple[Path, str]) -> None:
    place, _ = audited
    rows = read(place)
    for row in rows:
        if row["file"] in SWAPPED and row["kind"] == "label":
            row["action"] = "relabel"
        if row["kind"] == "uniform" or (row["kind"] == "duplicate" and row["measure"] == "1.0000"):
            row["action"] = "exclude"
    with (place / "edited.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    result = run("train", "images", "--exclude", "edited.csv", "--out", "run", *SMALL, cwd=place)
    assert result.returncode == 0, result.stderr
    note = re.search(
        r"Corrections of the user: 2 images \((.*)\) left out, 2 images \((.*)\) relabeled\.", result.stdout
    )
    assert note and "'discs/black.png'" in note[1] and f"'{SWAPPED[0]}' as 'discs'" in note[2]
    assert "Corrections of the user: 2 images" in (place / "run" / "report.html").read_text("utf-8")
    recorded = json.loads((place / "run" / "config.json").read_text("utf-8"))["plan"]["corrections"]
    duplicate = next(row["file"] for row in rows if row["kind"] == "duplicate")
    assert recorded == {SWAPPED[0]: "discs", SWAPPED[1]: "줄무늬", "discs/black.png": None, duplicate: None}
    again = run("data", "audit", "images", "--exclude", "edited.csv", "--out", "again", cwd=place)
    assert note[0] in again.stdout, again.stderr
    left = list(csv.DictReader((place / "again/audit.csv").read_text("utf-8-sig").splitlines()))
    assert not {"label", "uniform"} & {row["kind"] for row in left}
    kept = {row["file"]: row["suggested"] or None for row in left if row["action"]}  # earlier corrections are kept
    assert kept == recorded and {row["action"] for row in left if row["kind"] == "correction"} == {"exclude", "relabel"}
    (place / "edited.csv").unlink()  # the run records what was corrected
    assert run("evaluate", "run", cwd=place).returncode == 0
    assert json.loads((place / "run" / "metrics.json").read_text("utf-8"))["images"] == 60


def test_results_are_never_overwritten_nor_among_the_images(audited: tuple[Path, str], cli: Cli) -> None:
    place, _ = audited
    again = run("data", "audit", "images", "--out", "audits/images", cwd=place)
    assert again.returncode == 1 and "already contains audit.html, which you may have edited" in again.stderr
    inside = run("data", "audit", "images", "--out", "images/audit", cwd=place)
    assert inside.returncode == 2 and "where Striate never writes" in inside.stderr
    assert (
        "no kind of unusual images 'tny'. Did you mean 'tiny'"
        in run("data", "audit", "images", "--threshold", "tny=3", cwd=place).stderr
    )
    assert "--exclude is for a folder of images" in cli("train", "mnist5k", "--exclude", "x.csv").stderr


def test_report_of_a_training_lists_suspicious_labels(audited: tuple[Path, str]) -> None:
    place, _ = audited
    result = run("train", "images", "--out", "plain", *SMALL, cwd=place)
    assert result.returncode == 0, result.stderr
    assert re.search(
        r"\d+ of \d+ images used for training may be wrong; see the report\. To check all images by three "
        r"cross-validations, which may suggest others: striate data audit", result.stdout,
    )  # fmt: skip
    report = (place / "plain" / "report.html").read_text("utf-8")
    section = report[report.index('<section id="suspicious"') :]
    assert "줄무늬/=disc.png" in section[: section.index("</section>")]
    recorded = json.loads((place / "plain" / "config.json").read_text("utf-8"))["extraction"]["suspicious"]
    assert ("줄무늬", "discs") in {(item["given"], item["suggested"]) for item in recorded}
