"""The audit of folders of every kind: tiny, with parts, with labels from a CSV file."""

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from striate.audit.unusual import ImageIssue
from striate.data.labels import LabelFile
from striate.errors import DataError, UsageError
from striate.images import encode_png
from striate.tasks import Task
from striate.workflows.audit import audit_folder, results_folder, write_audit

Draw = Callable[[str, int, bool], None]


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    """A function that writes an image of stripes or of noise on a gradient into photos/."""

    def write(name: str, seed: int, stripes: bool) -> None:
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:64, :64]
        shape = 127 * (1 + np.sin((x if seed % 2 else y) / rng.uniform(1, 3) + rng.uniform(0, 6)))
        pixels = (shape if stripes else 2 * (x + y))[..., None] * rng.uniform(0.5, 1, 3) + rng.normal(0, 9, (64, 64, 3))
        file = tmp_path / "photos" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encode_png(pixels.clip(0, 255).astype(np.uint8)))

    return write


def test_classes_of_one_image_and_few_images(tmp_path: Path, draw: Draw) -> None:
    for number in range(4):
        draw(f"stripes/{number}.png", number, True)
        draw(f"noise/{number}.png", number, False)
    draw("single/1.png", 9, True)
    audit = audit_folder(tmp_path / "photos").audit
    assert len(audit.names) == 9 and audit.accuracy is not None
    assert "single/1.png" not in {audit.names[item.index] for item in audit.suspicious}  # nothing to judge it by


def test_two_images_of_two_classes(tmp_path: Path, draw: Draw) -> None:
    draw("a/1.png", 0, True)
    draw("b/1.png", 1, False)
    audit = audit_folder(tmp_path / "photos").audit
    assert (audit.suspicious, audit.rate) == ((), None)


def test_all_parts_are_audited(tmp_path: Path, draw: Draw) -> None:
    for part in ("train", "test"):
        for number in range(3):
            draw(f"{part}/stripes/{number}.png", 2 * number + (part == "test"), True)
            draw(f"{part}/noise/{number}.png", 2 * number + (part == "test"), False)
    shutil.copy(tmp_path / "photos/train/noise/0.png", tmp_path / "photos/test/noise/copy.png")
    audit = audit_folder(tmp_path / "photos").audit
    assert len(audit.names) == 13
    found = {frozenset((audit.names[pair.first], audit.names[pair.second])) for pair in audit.duplicates}
    assert frozenset(("train/noise/0.png", "test/noise/copy.png")) in found


@pytest.mark.parametrize(
    ("task", "rows", "texts"),
    [
        (Task.CLASSIFICATION, ("a", "b"), {"a", "b"}),
        (Task.MULTILABEL, ("red;round", "round"), {"red; round", "round"}),
        (Task.REGRESSION, ("1.5", "3"), {"1.5", "3"}),
    ],
)
def test_labels_from_a_csv_file(tmp_path: Path, draw: Draw, task: Task, rows: tuple[str, str], texts: set[str]) -> None:
    lines = ["file,label"]
    for number in range(8):
        draw(f"{number}.png", number, number % 2 == 0)
        lines.append(f'{number}.png,"{rows[number % 2]}"')
    black = encode_png(np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "photos" / "8.png").write_bytes(black)
    table = tmp_path / "labels.csv"
    table.write_text("\n".join([*lines, f'8.png,"{rows[0]}"']) + "\n", "utf-8")
    audit = audit_folder(tmp_path / "photos", labels=LabelFile(str(table), task)).audit
    assert set(audit.labels) == texts
    assert (audit.rate is None) == (task is not Task.CLASSIFICATION)
    kinds = {(audit.names[item.index], item.kind) for item in audit.unusual}
    assert {("8.png", ImageIssue.LOW_INFORMATION), ("8.png", ImageIssue.LOW_RESOLUTION)} <= kinds


def test_duplicates_with_nearly_equal_numbers_do_not_contradict_each_other(tmp_path: Path, draw: Draw) -> None:
    lines = ["file,weight", "near.png,0.1", "far.png,9"]
    for number in range(8):
        draw(f"{number}.png", number, True)
        lines.append(f"{number}.png,{number}")
    for name, copied in (("near", 0), ("far", 1)):
        shutil.copy(tmp_path / f"photos/{copied}.png", tmp_path / f"photos/{name}.png")
    (tmp_path / "weights.csv").write_text("\n".join(lines))
    labels = LabelFile(str(tmp_path / "weights.csv"), Task.REGRESSION)
    audit = audit_folder(tmp_path / "photos", labels=labels).audit
    identical = [pair for pair in audit.duplicates if pair.similarity == 1]
    names = [({audit.names[pair.first], audit.names[pair.second]}, pair.differ) for pair in identical]
    assert names == [({"1.png", "far.png"}, True), ({"0.png", "near.png"}, False)]


def test_images_of_one_group_are_judged_without_each_other(tmp_path: Path, draw: Draw) -> None:
    rows = ["file,group"]
    for number in range(6):
        draw(f"stripes/{number}.png", number, True)
        draw(f"noise/{number}.png", number, False)
        rows.append(f"stripes/{number}.png,one")
    table = tmp_path / "groups.csv"
    table.write_text("\n".join(rows) + "\n", "utf-8")
    audit = audit_folder(tmp_path / "photos", groups=table).audit
    # All stripes are in one group, so no other stripes are left to judge them by.
    assert {audit.names[item.index].split("/")[0] for item in audit.suspicious} <= {"noise"}


def test_errors_before_any_work(tmp_path: Path, draw: Draw) -> None:
    draw("a/1.png", 0, True)
    with pytest.raises(DataError, match="at least two subfolders"):
        audit_folder(tmp_path / "photos")
    with pytest.raises(UsageError, match="'efficientnet-lite9'"):
        audit_folder(tmp_path / "photos", base="efficientnet-lite9")
    with pytest.raises(UsageError, match="threshold of 'dark' must be a number"):
        audit_folder(tmp_path / "photos", thresholds={"dark": "low"})
    (tmp_path / "photos" / "a" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "photos" / "b").mkdir()
    (tmp_path / "photos" / "b" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DataError, match="None of the 2 images"):
        audit_folder(tmp_path / "photos")


def test_default_folder_is_new_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert results_folder("photos") == Path("audits/photos")
    (tmp_path / "audits" / "photos").mkdir(parents=True)
    assert results_folder("photos/") == Path("audits/photos-2")
    monkeypatch.chdir(tmp_path.parent)
    with pytest.raises(UsageError, match="is inside your image folder"):
        results_folder(tmp_path.parent)


def test_suggested_command_reads_the_same_labels_and_groups(tmp_path: Path, draw: Draw) -> None:
    for number in range(4):
        draw(f"{number}.png", number, number % 2 == 0)
    table, groups = tmp_path / "my labels.csv", tmp_path / "groups.csv"
    table.write_text("file,age,height\n" + "".join(f"{n}.png,{n},{2 * n}\n" for n in range(4)), "utf-8")
    groups.write_text("file,group\n" + "".join(f"{n}.png,{n}\n" for n in range(4)), "utf-8")
    labels = LabelFile(str(table), Task.REGRESSION, ("age", "height"))
    result = audit_folder(tmp_path / "photos", labels=labels, groups=groups)
    place = tmp_path / "out"
    command = write_audit(result, tmp_path / "photos", place, labels=labels, groups=groups)
    assert shlex.split(command) == [
        "striate", "train", str(tmp_path / "photos"), "--labels", str(table), "--task", "regression",
        "--label-column", "age", "--label-column", "height", "--groups", str(groups),
        "--exclude", str(place / "audit.csv"),
    ]  # fmt: skip
