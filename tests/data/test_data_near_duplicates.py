"""Near-duplicates: altered copies are found, different images of the same kind are not."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from striate.data import decoding, groups, load_folder, near_duplicates
from striate.data.gray_levels import (
    MAD_TO_STD,
    MIN_DEVIATION_SHARE,
    color_differences,
    gray_level_stats,
    gray_levels,
)
from striate.data.groups import near_duplicate_files
from striate.data.near_duplicates import THUMBNAILS, NearDuplicates, find_near_duplicates
from striate.images import ImagePolicy

Change = Callable[[Image.Image], Image.Image]
SMALL = ImagePolicy(8, 8)


def scene(seed: int) -> Image.Image:
    """A drawing of random shapes on a smooth ground, as unlike others as photographs are."""
    rng = np.random.default_rng(seed)
    ground = Image.fromarray(rng.integers(60, 200, (3, 4, 3), dtype=np.uint8)).resize(
        (160, 120), Image.Resampling.BICUBIC
    )
    draw = ImageDraw.Draw(ground)
    for _ in range(25):
        x, y, w, h = rng.integers((0, 0, 5, 5), (150, 110, 50, 50)).tolist()
        color = tuple(rng.integers(0, 256, 3).tolist())
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)((x, y, x + w, y + h), fill=color)
    return ground


def saved(image: Image.Image, quality: int = 85) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def watermarked(image: Image.Image) -> Image.Image:
    image = image.copy()
    ImageDraw.Draw(image).text((90, 95), "© sample", fill=(255, 255, 255), font_size=14)
    return image


CHANGES: dict[str, Change] = {
    "saved again": lambda image: Image.open(io.BytesIO(saved(image, 30))),
    "resized": lambda image: image.resize((70, 60)),
    "cropped": lambda image: image.crop((20, 5, 158, 112)),
    "mirrored": ImageOps.mirror,
    "mirrored and cropped": lambda image: ImageOps.mirror(image).crop((10, 8, 155, 118)),
    "brightened": lambda image: ImageEnhance.Brightness(image).enhance(1.25),
    "darkened": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    "turned": lambda image: image.rotate(5, Image.Resampling.BILINEAR),
    "turned and cropped": lambda image: image.rotate(-4, Image.Resampling.BILINEAR).crop((6, 7, 154, 113)),
    "watermarked": watermarked,
}
SCENES = [scene(seed) for seed in range(60)]


def thumbnails(images: list[Image.Image]) -> np.ndarray:
    return np.stack([THUMBNAILS.decode(saved(image)) for image in images])


@pytest.mark.parametrize("change", CHANGES)
def test_altered_copies_are_found_and_nothing_else(change: str) -> None:
    copies = [CHANGES[change](image) for image in SCENES[:20]]
    pairs = find_near_duplicates(thumbnails([*SCENES, *copies])).pairs.tolist()
    assert all(second == first + 60 for first, second in pairs)
    assert len(pairs) >= 19


def test_statistics_of_gray_levels_are_medians() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (6, 64, 64), dtype=np.uint8)
    x[1], x[2, :, :32], x[3, :8] = 7, 255, 0
    stats = gray_level_stats(x)
    flat = x.reshape(6, -1).astype(float)
    median = np.median(flat, axis=1)
    assert np.array_equal(stats.median, median)
    of_median = MAD_TO_STD * np.median(np.abs(flat - median[:, None]), axis=1)
    assert np.allclose(stats.deviation, np.maximum(of_median, MIN_DEVIATION_SHARE * flat.std(axis=1)))
    assert stats.varied_tiles.tolist() == [64, 0, 32, 56, 64, 64]


def drawing(seed: int) -> Image.Image:
    """A few strokes of ink on white paper, as in letters: most pixels are equal."""
    rng = np.random.default_rng(seed)
    paper = Image.new("RGB", (96, 96), "white")
    points = rng.integers(20, 76, (5, 2)).tolist()
    ImageDraw.Draw(paper).line([tuple(point) for point in points], fill="black", width=int(rng.integers(4, 9)))
    return paper


@pytest.mark.parametrize("change", ["saved again", "resized", "mirrored"])
def test_altered_copies_of_drawings_are_found_and_nothing_else(change: str) -> None:
    drawings = [drawing(seed) for seed in range(40)]
    change_of = CHANGES[change] if change != "resized" else lambda image: image.resize((67, 67))
    copies = [change_of(image) for image in drawings[:20]]
    pairs = find_near_duplicates(thumbnails([*drawings, *copies])).pairs.tolist()
    assert all(second == first + 40 for first, second in pairs)
    assert len(pairs) >= 19


def face(seed: int) -> Image.Image:
    """A round face: eyes and mouth differ a little from face to face."""
    rng = np.random.default_rng(seed)
    paper = Image.new("RGB", (64, 64), "white")
    draw = ImageDraw.Draw(paper)
    draw.ellipse((6, 6, 58, 58), fill=(170, 170, 170), outline="black", width=3)
    left, right, y, wide, high, mouth = rng.integers((18, 36, 20, 4, 4, 40), (26, 46, 28, 9, 11, 48)).tolist()
    for x in (left, right):
        draw.ellipse((x, y, x + wide, y + high), fill="black")
    draw.line((left, mouth, 32, mouth + int(rng.integers(-6, 9)), right, mouth), fill="black", width=3)
    return paper


def test_different_images_that_resemble_each_other_are_not_joined() -> None:
    faces = [face(seed) for seed in range(36)]
    copies = [Image.open(io.BytesIO(saved(image, 60))) for image in faces[:6]]
    found = find_near_duplicates(thumbnails([*faces, *copies]))
    assert found.images_resemble
    pairs = set(map(tuple, found.pairs.tolist()))
    assert len(pairs & {(row, 36 + row) for row in range(6)}) >= 5
    assert sum(second - first != 36 for first, second in pairs) <= 2


def test_mirror_images_of_another_class_are_no_copies_where_images_resemble_each_other() -> None:
    pairs, similarity, mirrored = np.array([[0, 1], [2, 3], [4, 5]]), np.ones(3, np.float32), np.array([1, 1, 0], bool)
    differ = np.array([True, False, True])  # b and d, b and b, b and p
    for resemble, kept in ((True, [[2, 3], [4, 5]]), (False, pairs.tolist())):
        found = NearDuplicates(pairs, similarity, mirrored, resemble)
        assert groups.without_mirror_images_of_other_classes(found, differ).pairs.tolist() == kept


def test_frames_of_a_video_are_found() -> None:
    wide = [scene(seed).resize((320, 240)) for seed in range(100, 104)]
    frames = [image.crop((2 * t, t, 2 * t + 240, t + 180)) for image in wide for t in range(10)]
    found = find_near_duplicates(thumbnails([*SCENES, *frames]))
    assert not found.images_resemble
    pairs = found.pairs - 60
    assert (pairs >= 0).all() and (pairs[:, 0] // 10 == pairs[:, 1] // 10).all()
    assert {(10 * v + t, 10 * v + t + 1) for v in range(4) for t in range(9)} <= set(map(tuple, pairs.tolist()))


def test_pairs_do_not_depend_on_order_threads_or_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x = thumbnails([*SCENES[:20], *(CHANGES["cropped"](image) for image in SCENES[:20])])
    expected = find_near_duplicates(x)
    monkeypatch.setattr(near_duplicates, "BLOCK_VALUES", 70)
    monkeypatch.setattr(near_duplicates, "PAIRS_PER_BLOCK", 3)
    monkeypatch.setattr(near_duplicates, "MAX_PREPARED", 10)
    found = find_near_duplicates(x)
    assert np.array_equal(found.pairs, expected.pairs)
    assert np.allclose(found.similarity, expected.similarity, atol=1e-4)
    order = np.random.default_rng(0).permutation(40)
    pairs = np.sort(order[find_near_duplicates(x[order]).pairs], axis=1)
    assert sorted(pairs.tolist()) == expected.pairs.tolist()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_blank_images_are_not_compared(value: int) -> None:
    x = np.full((30, *THUMBNAILS.shape), value, np.uint8)
    x += np.random.default_rng(0).integers(0, 2, x.shape, dtype=np.uint8) if value < 255 else np.uint8(0)
    assert len(find_near_duplicates(x).pairs) == 0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_images(count: int) -> None:
    x = thumbnails([SCENES[0]] * 2)[:count]
    assert len(find_near_duplicates(x).pairs) == (count == 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folders photos/a and photos/b with 15 images each, and an altered copy of every one."""
    for number, image in enumerate(SCENES[:30]):
        for name, content in (("", saved(image)), (" copy", saved(list(CHANGES.values())[number % 4](image), 60))):
            file = tmp_path / "photos" / "ab"[number % 2] / f"{number:02}{name}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    (tmp_path / "photos/a/broken.jpg").write_bytes(b"broken")
    return tmp_path / "photos"


def test_copies_stay_in_one_part_whatever_the_network_sees(folder: Path) -> None:
    splits = []
    for policy in (SMALL, ImagePolicy(20, 30, 1, "pad")):
        data = load_folder(folder, policy)
        parts = [set(part.names or ()) for part in (data.train, data.validation, data.test)]
        for part in parts:
            assert {name.replace(" copy", "") for name in part if " copy" in name} == {
                name for name in part if " copy" not in name
            }
        assert all(parts)
        assert not data.leaked.any()
        splits.append(parts)
    assert splits[0] == splits[1]


def test_near_duplicates_are_searched_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = tuple(sorted(folder.rglob("*.jpg")))
    names = [file.name for file in files]
    first, notes = near_duplicate_files(folder, files, names)
    assert [(names[a], names[b]) for a, b in first.pairs] == [
        (f"{number:02} copy.jpg", f"{number:02}.jpg") for number in (*range(0, 30, 2), *range(1, 30, 2))
    ]
    assert not notes

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(near_duplicates, "_compare_candidates", fail)
    monkeypatch.setattr(decoding, "_decode", fail)
    again, _ = near_duplicate_files(folder, files, names)
    assert np.array_equal(first.pairs, again.pairs) and np.array_equal(first.similarity, again.similarity)


@pytest.mark.parametrize("size", [224, 16])
def test_thumbnails_are_made_in_the_pass_that_decodes(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are those of the files alone, whatever the size of the images; files that cannot be read have none."""
    contents = [saved(SCENES[0].resize((1200, 900))), b"not an image", saved(SCENES[1].convert("L")), saved(SCENES[2])]
    files = tuple(tmp_path / f"{number}.jpg" for number in range(len(contents)))
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    names, policy = [file.name for file in files], ImagePolicy(size, size)
    pixels = groups.decode_with_thumbnails(tmp_path, files, names, policy)
    monkeypatch.setattr(decoding, "_decode", None)
    thumbnails = decoding.decode_files(tmp_path, files, names, THUMBNAILS)
    for row in (0, 2, 3):
        assert np.array_equal(pixels.x[row], policy.decode(contents[row]))
        assert np.array_equal(thumbnails.x[row], THUMBNAILS.decode(contents[row]))
    assert not thumbnails.x[1].any()
    assert pixels.unreadable == thumbnails.unreadable
    assert list(pixels.unreadable) == [1]
    assert np.array_equal(pixels.digests, thumbnails.digests)


def test_near_duplicates_are_found_without_a_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(folder / "a"))
    before = sorted(folder.rglob("*"))
    files = tuple(sorted(folder.rglob("*.jpg")))
    assert len(near_duplicate_files(folder, files, [file.name for file in files])[0].pairs) == 30
    assert sorted(folder.rglob("*")) == before


def test_given_parts_stay_and_leaked_test_images_are_marked(tmp_path: Path) -> None:
    for number, image in enumerate(SCENES[:36]):
        file = tmp_path / ("train", "val", "test")[number // 12] / "ab"[number % 2] / f"{number:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        image.save(file)
    CHANGES["cropped"](SCENES[26]).save(tmp_path / "train/a/cropped.png")
    CHANGES["mirrored"](SCENES[27]).save(tmp_path / "val/b/mirrored.png")
    data = load_folder(tmp_path, SMALL)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [13, 13, 12]
    assert data.test.names is not None
    assert {data.test.names[row] for row in np.flatnonzero(data.leaked)} == {"test/a/26.png", "test/b/27.png"}


def texture(seed: int) -> Image.Image:
    """A faint gray texture, such as that of a metal surface."""
    rng = np.random.default_rng(seed)
    coarse, fine = (
        np.asarray(
            Image.fromarray(rng.normal(0, std, (n, n)).astype(np.float32)).resize((200, 200), Image.Resampling.BICUBIC)
        )
        for n, std in ((7, 12), (50, 9))
    )
    return Image.fromarray((120 + coarse + fine).clip(0, 255).astype(np.uint8)).convert("RGB")


@pytest.mark.parametrize("change", ["text", "turned"])
def test_copies_of_faint_textures_are_found_although_text_or_corners_outweigh_them(change: str) -> None:
    def altered(image: Image.Image) -> Image.Image:
        if change == "turned":
            return image.rotate(4, Image.Resampling.BILINEAR, fillcolor=(255, 255, 255))
        image = image.copy()
        ImageDraw.Draw(image).text((10, 60), "© sample.com", fill=(255, 255, 255), font_size=28)
        return image

    originals = [texture(seed) for seed in range(40)]
    pairs = find_near_duplicates(thumbnails([*originals, *map(altered, originals[:10])])).pairs.tolist()
    assert all(second == first + 40 for first, second in pairs)
    assert len(pairs) >= 9


def test_similar_strokes_are_no_near_duplicates() -> None:
    strokes = []
    for number in range(30):
        image = Image.new("L", (28, 28))
        slant = number % 10
        ImageDraw.Draw(image).line((12 + slant // 2, 3 + number // 10, 14 - slant // 2, 24), fill=255, width=2)
        strokes.append(image.convert("RGB"))
    similarity = find_near_duplicates(thumbnails(strokes)).similarity
    assert (similarity >= 0.95).all()


def test_a_common_frame_makes_no_near_duplicates() -> None:
    framed = [image.copy() for image in SCENES[:20]]
    for image in framed:
        ImageDraw.Draw(image).rectangle((0, 0, 159, 119), outline=(250, 250, 250), width=16)
    assert len(find_near_duplicates(thumbnails(framed)).pairs) == 0


def house(seed: int, color: tuple[int, int, int]) -> Image.Image:
    """A house on white paper: its size, its place and its door depend on the seed."""
    rng = np.random.default_rng(seed)
    paper = Image.new("RGB", (96, 96), "white")
    draw = ImageDraw.Draw(paper)
    left, top, right, door = rng.integers((8, 30, 56, 4), (24, 44, 90, 16)).tolist()
    draw.rectangle((left, top, right, 88), fill=color, outline="black")
    draw.polygon([(left, top), ((left + right) // 2, int(rng.integers(2, 22))), (right, top)], fill=color)
    draw.rectangle((left + door, int(rng.integers(50, 70)), left + 2 * door + 6, 88), fill=(60, 60, 60))
    return paper


@pytest.mark.parametrize("change", ["saved again", "mirrored", "gray"])
def test_drawings_that_differ_only_in_color_are_no_near_duplicates(change: str) -> None:
    """Red, green and blue are nearly equally bright; a copy without color is still found."""
    colors = (200, 60, 60), (45, 130, 45), (90, 90, 240)
    changes: dict[str, Change] = {**CHANGES, "gray": lambda image: image.convert("L")}
    drawings = [house(seed, color) for seed in range(12) for color in colors]
    copies = [changes[change](image) for image in drawings[::3]]
    pairs = find_near_duplicates(thumbnails([*drawings, *copies])).pairs.tolist()
    wanted = {(3 * number, 36 + number) for number in range(12)}
    assert len(wanted & set(map(tuple, pairs))) >= 11
    if change != "gray":
        assert not [pair for pair in pairs if len({row % 3 if row < 36 else 0 for row in pair}) > 1]


def wall(seed: int) -> Image.Image:
    """Bluish gray posters on a yellowish wall, which becomes white if it is brightened."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (160, 120), (235, 225, 190))
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y, w, h, gray = rng.integers((10, 10, 15, 15, 60), (120, 85, 45, 40, 140)).tolist()
        draw.rectangle((x, y, x + w, y + h), fill=(gray, gray, gray + 40))
    return image


def test_copies_so_bright_that_colors_are_clipped_are_found() -> None:
    walls = [wall(seed) for seed in range(20)]
    copies = [ImageEnhance.Brightness(image).enhance(1.35) for image in walls]
    pairs = find_near_duplicates(thumbnails([*walls, *copies])).pairs.tolist()
    assert len(pairs) >= 19 and all(second == first + 20 for first, second in pairs)


def test_thumbnails_have_gray_levels_and_colors() -> None:
    x = np.zeros((96, 120, 3), np.uint8)
    x[:48], x[48:] = (200, 40, 40), (40, 90, 200)
    colored, gray = (THUMBNAILS.apply(pixels)[None] for pixels in (x, x[..., 0]))
    expected = np.asarray(Image.fromarray(x).convert("YCbCr"), np.float32)
    assert abs(gray_levels(colored)[0, [10, 50], 30] - expected[[20, 80], 50, 0]).max() <= 1
    colors = color_differences(colored)[0]
    for row, pixel in ((3, 20), (12, 80)):
        assert np.abs(colors[:, row, 5] - expected[pixel, 50, 1:] + 128).max() <= 1
    assert not color_differences(gray).any()
