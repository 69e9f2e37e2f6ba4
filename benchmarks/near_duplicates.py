"""How many altered copies of images are found, how many pairs a folder has, and the time for 10,000 images.

python benchmarks/near_duplicates.py [FOLDER …] [--copies 500] [--images 10000] [--sheets FOLDER]

A copy counts as found if it is paired with its original, among all images of the folder. The pairs within a folder are
near-duplicates or errors: only a look at them can tell, on the sheets.
"""

import argparse
import io
import os
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from machine import description
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from striate._types import Array
from striate.data.near_duplicates import THUMBNAILS, find_near_duplicates
from striate.images import find_images, read_file, read_image

FOLDERS = ("dogs-vs-cats", "flowers", "trash", "sign-digits", "steel-defects", "other")
SMOOTH = Image.Resampling.BILINEAR
Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def saved_again(image: Image.Image, rng: np.random.Generator, quality: int | None = None) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=int(rng.integers(30, 80)) if quality is None else quality)
    return Image.open(out)


def resized(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    scale = rng.uniform(0.4, 0.9) if rng.random() < 0.7 else rng.uniform(1.1, 1.6)
    return image.resize((max(8, round(image.width * scale)), max(8, round(image.height * scale))), SMOOTH)


def cropped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    width, height = (round(side * rng.uniform(0.85, 0.95)) for side in image.size)
    left, top = int(rng.integers(image.width - width + 1)), int(rng.integers(image.height - height + 1))
    return image.crop((left, top, left + width, top + height))


def mirrored(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return ImageOps.mirror(image)


def brightened(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(rng.choice([rng.uniform(0.6, 0.8), rng.uniform(1.2, 1.5)]))


def rotated(image: Image.Image, rng: np.random.Generator, *, cut: bool) -> Image.Image:
    """Turn by 1 to 5 degrees; the empty corners are cut off, or stay black or white."""
    angle = rng.uniform(1, 5) * rng.choice([-1, 1])
    fill = int(rng.choice([0, 255]))
    found = image.rotate(angle, SMOOTH, fillcolor=(fill, fill, fill))
    if not cut:
        return found
    slope = np.tan(np.deg2rad(abs(angle))) / 2
    left, top = round(image.height * slope) + 1, round(image.width * slope) + 1
    return found.crop((left, top, image.width - left, image.height - top))


def watermarked(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Write a line, or a pattern over the whole image, in half-transparent white."""
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    size = max(8, round(min(image.size) * rng.uniform(0.08, 0.2)))
    font = ImageFont.load_default(size)
    if rng.random() < 0.5:
        place = image.width * rng.uniform(0.02, 0.4), image.height * rng.uniform(0.1, 0.8)
        draw.text(place, "© sample.com", font=font, fill=(255, 255, 255, int(rng.integers(110, 230))))
    else:
        for y in range(0, image.height, 3 * size):
            fill = (255, 255, 255, int(rng.integers(80, 140)))
            draw.text((image.width * 0.05, y), "SAMPLE SAMPLE SAMPLE", font=font, fill=fill)
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


CHANGES: dict[str, Change] = {
    "saved again": saved_again, "resized": resized, "cropped": cropped, "mirrored": mirrored, "brightened": brightened,
    "rotated": partial(rotated, cut=False), "rotated, cut": partial(rotated, cut=True), "watermarked": watermarked,
}  # fmt: skip


def thumbnail_of(image: Image.Image) -> Array:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=85)
    return THUMBNAILS.decode(out.getvalue())


def write_sheet(path: Path, files: list[Path], pairs: Array, similarity: Array) -> None:
    """Write the pairs, the least similar first, six in a row."""
    order = np.argsort(similarity)[:120]
    if not len(order):
        return
    sheet = Image.new("RGB", (6 * 230, 130 * -(-len(order) // 6)), "white")
    for place, pair in enumerate(order):
        left, top = place % 6 * 230, place // 6 * 130
        for column, row in enumerate(pairs[pair]):
            sheet.paste(Image.fromarray(read_image(files[row])).resize((112, 112)), (left + 113 * column, top))
        ImageDraw.Draw(sheet).text((left, top + 114), f"{similarity[pair]:.3f}", fill="black")
    sheet.save(path)


def measure_folder(folder: Path, copies: int, sheets: Path | None) -> str:
    files = sorted(find_images([folder]))
    originals = np.stack([THUMBNAILS.decode(read_file(file)) for file in files])
    began = time.perf_counter()
    found = find_near_duplicates(originals)
    seconds = time.perf_counter() - began
    if sheets:
        sheets.mkdir(parents=True, exist_ok=True)
        write_sheet(sheets / f"{folder.name}.png", files, found.pairs, found.similarity)
    shares = []
    for change in CHANGES.values():
        rng = np.random.default_rng(0)
        rows = np.sort(rng.choice(len(files), min(copies, len(files)), replace=False))
        altered = [thumbnail_of(change(Image.fromarray(read_image(files[row])), rng)) for row in rows]
        pairs = find_near_duplicates(np.concatenate([originals, np.stack(altered)])).pairs
        wanted = {(int(row), len(files) + number) for number, row in enumerate(rows)}
        shares.append(100 * len(wanted & set(map(tuple, pairs.tolist()))) / len(rows))
    cells = " | ".join(f"{share:.1f}" for share in shares)
    return f"| {folder.name} | {len(files):,} | {cells} | {len(found.pairs)} | {seconds:.1f} |"


def measure_time(folders: list[Path], count: int) -> None:
    """Measure the search among `count` images: parts of the folders' images, each at a random place and size."""
    rng = np.random.default_rng(0)
    images = [read_image(file) for folder in folders for file in find_images([folder])]
    thumbnails = np.empty((count, *THUMBNAILS.shape), np.uint8)
    for number in range(count):
        image = Image.fromarray(images[number % len(images)])
        side = rng.uniform(0.4, 1) if number >= len(images) else 1.0
        width, height = max(1, int(image.width * side)), max(1, int(image.height * side))
        left, top = rng.integers(image.width - width + 1), rng.integers(image.height - height + 1)
        thumbnails[number] = THUMBNAILS.apply(np.asarray(image.crop((left, top, left + width, top + height))))
    del images
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    found = find_near_duplicates(thumbnails)
    after = resource.getrusage(resource.RUSAGE_SELF)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{count:,} images: {time.perf_counter() - began:.1f} s, {processor:.1f} s of processor time, "
        f"{len(found.pairs):,} pairs"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    root = Path(os.environ.get("STRIATE_DATA", "."))
    parser.add_argument("folders", type=Path, nargs="*", default=[root / name for name in FOLDERS])
    parser.add_argument("--copies", type=int, default=500, help="altered copies of each kind")
    parser.add_argument("--images", type=int, default=10_000, help="images for the measurement of time")
    parser.add_argument("--sheets", type=Path, help="write the pairs of each folder as an image into this folder")
    args = parser.parse_args()
    print(description())
    print("Copies found in percent, pairs within the folder, seconds")
    print(f"| folder | images | {' | '.join(CHANGES)} | pairs | s |")
    for folder in args.folders:
        print(measure_folder(folder, args.copies, args.sheets), flush=True)
    measure_time(args.folders, args.images)


if __name__ == "__main__":
    main()
