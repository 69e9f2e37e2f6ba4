"""Groups of images that stay in one part: those a table names, and the limits of chains of similar images."""

from pathlib import Path

import numpy as np
import pytest

from striate.data import Dataset, load_folder
from striate.data.groups import join_named, join_near_duplicates, join_pairs, read_groups
from striate.data.near_duplicates import NearDuplicates
from striate.errors import DataError
from striate.images import ImagePolicy

SMALL = ImagePolicy(8, 8)


def near(pairs: list[tuple[int, int]], similarity: float) -> NearDuplicates:
    return NearDuplicates(
        np.array(pairs, np.int64).reshape(-1, 2),
        np.full(len(pairs), similarity, np.float32),
        np.zeros(len(pairs), bool),
    )


def part_of(data: Dataset) -> dict[str, int]:
    parts = (data.train, data.validation, data.test)
    return {Path(name).name: number for number, part in enumerate(parts) for name in part.names or ()}


def test_groups_of_pairs_are_connected_components() -> None:
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, 200, (90, 2))
    groups = join_pairs(np.arange(200), pairs)
    linked = np.eye(200, dtype=bool)
    linked[pairs[:, 0], pairs[:, 1]] = linked[pairs[:, 1], pairs[:, 0]] = True
    for _ in range(8):
        linked = linked @ linked
    assert np.array_equal(groups[:, None] == groups, linked)
    assert np.array_equal(join_named(np.arange(200), groups), groups)


def test_chains_of_weakly_similar_images_are_cut() -> None:
    chain = [(row, row + 1) for row in range(60)]
    groups, notes = join_near_duplicates(np.arange(300), near(chain, 0.88))
    assert len(set(groups)) == 300 and not notes
    groups, notes = join_near_duplicates(np.arange(300), near(chain, 0.98))  # a video
    assert len(set(groups)) == 240 and not notes
    groups, notes = join_near_duplicates(np.arange(300), near(chain[:10], 0.88))
    assert len(set(groups)) == 290


def test_group_that_covers_everything_is_dissolved_except_for_identical_images() -> None:
    identical = np.arange(100)
    identical[99] = 98
    groups, [note] = join_near_duplicates(identical, near([(row, row + 1) for row in range(98)], 0.99))
    assert len(set(groups)) == 99 and groups[98] == groups[99]
    assert note.startswith("100 images are near-duplicates, too many to keep them in one split")


@pytest.fixture
def people(photos: Path) -> Path:
    """A table of the images of ten people, of four cats and four dogs each."""
    files = sorted(photos.rglob("*.jpg"))
    table = photos.parent / "people.csv"
    table.write_text("".join(f"{file.name};사람 {number % 10}\n" for number, file in enumerate(files)), "cp949")
    return table


def test_images_of_a_named_group_stay_in_one_part(photos: Path, people: Path) -> None:
    data = load_folder(photos, SMALL, groups=people)
    parts = part_of(data)
    files = sorted(photos.rglob("*.jpg"))
    by_person = [{parts[file.name] for file in files[person::10]} for person in range(10)]
    assert all(len(found) == 1 for found in by_person)
    assert sorted(found.pop() for found in by_person) == [0] * 8 + [1, 2]
    assert not data.notes
    again = load_folder(photos, SMALL, seed=1, groups=people)
    assert part_of(again) != parts


def test_table_that_does_not_fit_the_folder_is_described(photos: Path, people: Path) -> None:
    text = people.read_text("cp949").splitlines()
    people.write_text("\n".join([*text[5:], "gone.jpg;x", text[-1]]), "utf-8")
    notes = load_folder(photos, SMALL, groups=people).notes
    assert notes[0] == f"'{people}' names 1 file that is not there: 'gone.jpg'."
    assert notes[1] == f"'{people}' names 1 file more than once: 'dog/1039.jpg'."
    assert notes[2] == (
        f"5 images are not in '{people}' and grouped by content alone: 'cat/0000.jpg', 'cat/0001.jpg', 'cat/0002.jpg' "
        "and 2 more."
    )


NAMES = ["cat/1.jpg", "cat/2.jpg", "dog/1.jpg"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "cat/1.jpg,a\ncat/2.jpg,a\ndog/1.jpg,a\n",
            r"all images belong to one group, 'a', so the test split would be empty",
        ),
        ("cat/1.jpg,a\ncat/1.jpg,b\n", r"line 2: 'cat/1\.jpg' is in two groups, 'a' and 'b'\. Leave one"),
        ("1.jpg,a\n", r"line 1: '1\.jpg' may be 'cat/1\.jpg', 'dog/1\.jpg'\. Write the path below 'photos'"),
        (
            "x.jpg,a\ny.jpg,b\n",
            r"refers to no image in 'photos': there is no file 'x\.jpg'\. Write paths such as 'cat/1\.jpg'",
        ),
        ("cat/1.jpg,\n", r"line 1: the group of 'cat/1\.jpg' is empty"),
        ("file,name,group\ncat/1.jpg,x,a\n", r"has 3 columns, but a table of groups has two: file and group"),
        ("cat/1.jpg\n", r"it has one column"),
    ],
)
def test_unusable_table_of_groups_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "groups.csv").write_text(text, "utf-8")
    with pytest.raises(DataError, match=message):
        read_groups(tmp_path / "groups.csv", "photos", NAMES)


def test_named_and_near_groups_are_joined() -> None:
    groups, _ = join_near_duplicates(np.arange(6), near([(0, 3)], 0.9))
    assert join_named(groups, np.array([7, 7, 1, 2, 2, 3])).tolist() == [0, 0, 2, 0, 0, 5]


@pytest.mark.parametrize(("groups", "noted"), [("aab", True), ("abc", False)])
def test_group_of_most_images_is_noted(tmp_path: Path, groups: str, noted: bool) -> None:
    table = tmp_path / "people.csv"
    table.write_text("".join(f"{name},{group}\n" for name, group in zip(NAMES, groups, strict=True)), "utf-8")
    notes = read_groups(table, "photos", NAMES).notes
    assert any("puts 2 of 3 images into one group, 'a'" in note for note in notes) == noted
