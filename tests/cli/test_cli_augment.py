"""The command `striate augment`: the preview of originals and augmented copies, and its errors."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from striate.cli import augment as command
from striate.data import PHOTO_PRESETS, PRESETS, Augmentation, load
from striate.errors import DataError, UsageError
from striate.images import read_image
from striate.images.sheet import Tile, draw_sheet
from striate.workflows.augment import draw_preview
from striate.workflows.plan import make_plan

from .conftest import Cli


def tiles_of(path: Path, size: int, columns: int) -> list[list[NDArray[np.uint8]]]:
    """The images on the preview, row by row, found by the color of the background."""
    sheet = read_image(path)
    background = (sheet == sheet[0, 0]).all(axis=2)
    used = np.flatnonzero(~background[: 18 + 8 + size].all(axis=0))
    lefts = [used[0] + column * (size + 8) + (8 if column else 0) for column in range(columns + 1)]
    tops = range(18 + 8, sheet.shape[0] - size, size + 18 + 8)
    return [[sheet[top : top + size, left : left + size] for left in lefts] for top in tops]


def test_preview_of_a_folder(cli: Cli, photographs: Path, tmp_path: Path) -> None:
    result = cli("augment", photographs, "--out", "preview.png", "--rows", "3", "--columns", "4")
    assert result.returncode == 0, result.stderr
    assert result.stdout == (
        "standard rotation 10, flip_horizontal yes, crop 0.35–1, crop_aspect 0.75–1.333, fill reflect, brightness 0.3, "
        "contrast 0.3, saturation 0.3, hue 0.02\npreview  preview.png\n"
    )
    rows = tiles_of(tmp_path / "preview.png", 176, 4)
    assert len(rows) == 3
    channels = [int(row[0].mean(axis=(0, 1)).argmax()) for row in rows]
    assert channels in ([0, 2, 0], [2, 0, 2])  # red and blue in turn
    for original, *others in rows:
        assert all(np.abs(other.astype(int) - original).mean() > 5 for other in others)
    assert not list(photographs.rglob("preview.png"))


def test_preview_of_digits_shows_training_images_and_augmented_copies(tmp_path: Path) -> None:
    settings = draw_preview("mnist5k", tmp_path / "a.png", preset="light", rows=10, columns=2, seed=3)
    assert settings == "rotation 10, shift 0.07143, zoom 0.9–1.1"
    data = load("mnist5k").train
    rows = tiles_of(tmp_path / "a.png", 112, 2)
    x = np.stack([data.x[data.y == label][0] for label in range(10)])
    changed = [PRESETS["light"].apply(x, np.arange(10), 3, epoch) for epoch in range(2)]
    for label, row in enumerate(rows):
        for tile, pixels in zip(row, (x[label], changed[0][label], changed[1][label]), strict=True):
            assert np.array_equal(tile[::4, ::4], np.repeat(pixels, 3, axis=2))


def test_same_seed_gives_the_same_preview(tmp_path: Path) -> None:
    bytes_of = []
    for seed in (0, 0, 1):
        draw_preview("mnist5k", tmp_path / "a.png", rows=2, columns=2, seed=seed)
        bytes_of.append((tmp_path / "a.png").read_bytes())
    assert bytes_of[0] == bytes_of[1] != bytes_of[2]


def test_settings_are_accepted_with_and_without_prefix(photographs: Path, tmp_path: Path) -> None:
    sets = {"augmentation.mixup": "0.2", "crop": "[0.5,0.6]", "fill": "edge"}
    settings = draw_preview(str(photographs), tmp_path / "a.png", preset="none", sets=sets, rows=2, columns=1)
    assert settings == "crop 0.5–0.6, fill edge, mixup 0.2"
    assert draw_preview(str(photographs), tmp_path / "a.png", preset="none", rows=1, columns=1) == "no changes"


def test_images_come_from_the_training_part_and_damaged_ones_are_skipped(photographs: Path, tmp_path: Path) -> None:
    for part in ("train", "val"):
        for name in ("빨강", "파랑"):
            (tmp_path / "photos" / part / name).mkdir(parents=True)
            (tmp_path / "photos" / part / name / "0.png").write_bytes((photographs / name / "그림 0.png").read_bytes())
    (tmp_path / "photos" / "train" / "빨강" / "00.jpg").write_bytes(b"")
    draw_preview(str(tmp_path / "photos"), tmp_path / "a.png", rows=9, columns=1)
    assert len(tiles_of(tmp_path / "a.png", 176, 1)) == 2  # of the training part


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"preset": "strng"}, r"There is no augmentation 'strng'\. Did you mean 'strong'"),
        ({"sets": {"mixp": "1"}}, r"no setting 'mixp'\. Did you mean 'mixup'"),
        ({"sets": {"rotation": "much"}}, r"rotation must be a number; received 'much'"),
        ({"sets": {"crop": "0.5"}}, r"crop must be a list of 2 numbers; received 0\.5"),
        ({"data": "mnst5k"}, r"There is no data set or folder 'mnst5k'\. Did you mean 'mnist5k'"),
        ({"out": "sheet.jpg"}, r"--out must end in \.png; received 'sheet\.jpg'"),
    ],
)
def test_invalid_arguments_are_errors(given: dict[str, Any], message: str, tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"data": "mnist5k", "out": tmp_path / "a.png"} | given
    with pytest.raises(UsageError, match=message):
        draw_preview(arguments.pop("data"), arguments.pop("out"), **arguments)
    assert not (tmp_path / "a.png").exists()


def test_image_folder_is_never_written_to_and_must_have_readable_images(photographs: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError,
        match=r"is inside your image folder '.*', where Striate never writes. Choose another file with --out",
    ):
        draw_preview(str(photographs), photographs / "빨강" / "preview.png")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(b"no image")
    with pytest.raises(
        DataError, match=r"None of the training images in '.*' can be read\. For the reasons, see: striate data scan"
    ):
        draw_preview(str(tmp_path), Path("elsewhere.png"))


def test_captions_in_any_script_stay_below_their_image() -> None:
    tile = np.zeros((120, 120, 3), np.uint8)
    plain, long = (draw_sheet(["original"], [[Tile(tile, text)]]) for text in ("66 % cat", "66 % " + "cat" * 40))
    assert plain.shape == long.shape
    assert (plain[-20:] != plain[0, 0]).any()
    assert (long[-20:, -8:] == long[0, 0]).all()
    korean = draw_sheet(["original"], [[Tile(tile, "고양이")]])
    assert (korean[-20:] != korean[0, 0]).any()


def test_command_offers_the_existing_presets() -> None:
    assert set(command.PRESETS) == set(PRESETS) == set(PHOTO_PRESETS)


def test_train_uses_the_presets_for_the_kind_of_data(photographs: Path) -> None:
    assert (
        make_plan(str(photographs), augment="strong", method="scratch").recipe.augmentation == PHOTO_PRESETS["strong"]
    )
    assert make_plan("mnist5k", augment="strong").recipe.augmentation == PRESETS["strong"]
    some = make_plan(
        str(photographs),
        method="scratch",
        augment="light",
        sets={"augmentation.mixup": "0.2", "augmentation.zoom": "[1,2]"},
    )
    augmentation = some.recipe.augmentation
    assert isinstance(augmentation, Augmentation)
    assert (augmentation.mixup, augmentation.zoom, augmentation.fill) == (0.2, (1, 2), "reflect")
