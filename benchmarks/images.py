"""Decode a folder of JPEG photographs to square crops with Striate and other libraries, in images per second.

Striate reads, hashes, decodes and resizes the files and stores the pixels on disk; the others read, decode and resize.
Other work on the machine disturbs images per second, so the CPU time per image is printed too: two idle cores process
2 / (CPU time) images per second.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import machine
import numpy as np

from striate.data.decoding import decode_files
from striate.data.layout import read_layout
from striate.images import ImagePolicy

THREADS = 2
Pass = Callable[[Path, Sequence[Path], int], None]


def striate(photos: Path, files: Sequence[Path], size: int) -> None:
    layout = read_layout(photos)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STRIATE_CACHE"] = folder
        decode_files(photos, layout.files, layout.names, ImagePolicy(size, size))


def pillow(photos: Path, files: Sequence[Path], size: int) -> None:
    """Decode the full image, then resize it, as most training scripts do."""
    from PIL import Image, ImageOps

    def read(file: Path) -> Any:
        with Image.open(file) as image:
            return np.asarray(ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BILINEAR))

    _in_threads(read, files)


def opencv(photos: Path, files: Sequence[Path], size: int) -> None:
    """Resize by area averaging, OpenCV's method without aliasing."""
    import cv2

    cv2.setNumThreads(1)

    def read(file: Path) -> Any:
        pixels = cv2.imread(str(file))
        height, width = pixels.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        return cv2.resize(pixels[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)

    _in_threads(read, files)


def _in_threads(read: Callable[[Path], Any], files: Sequence[Path]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(read, files):
            pass


def peers() -> dict[str, Pass]:
    found: dict[str, Pass] = {"Striate": striate, "Pillow": pillow}
    try:
        import cv2
    except ImportError:
        return found
    return found | {f"OpenCV {cv2.__version__}": opencv}


def timed(run: Pass, photos: Path, files: Sequence[Path], size: int) -> tuple[float, float]:
    """Return images per second of wall-clock time, and CPU milliseconds per image."""
    wall, cpu = time.perf_counter(), time.process_time()
    run(photos, files, size)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return len(files) / wall, 1000 * cpu / len(files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    photos = Path(os.environ.get("STRIATE_DATA", "data")) / "dogs-vs-cats"
    parser.add_argument("--photos", type=Path, default=photos, help="a folder for each class, with JPEG files")
    parser.add_argument("--size", type=int, action="append", help="side in pixels; may be repeated [64, 224]")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    hardware, files = machine.description(), sorted(args.photos.glob("*/*.jpg"))
    for file in files:
        file.read_bytes()  # so that all read from the page cache
    print("| side | library | images/s: median (min–max) | CPU ms/image: median (min–max) |\n|---|---|---|---|")
    for size in args.size or (64, 224):
        results: dict[str, list[tuple[float, float]]] = {}
        for _ in range(args.rounds):
            for name, run in peers().items():
                results.setdefault(name, []).append(timed(run, args.photos, files, size))
        for name, rounds in results.items():
            rates, costs = zip(*rounds, strict=True)
            print(f"| {size} | {name} | {spread(rates, 0)} | {spread(costs, 2)} |", flush=True)
    print(f"\n{hardware}; {THREADS} threads; {len(files):,} photographs; {args.rounds} alternating rounds.")
    print(f"Command: `{machine.command()}`")


def spread(values: Sequence[float], digits: int) -> str:
    middle, low, high = (f"{value:,.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({low}–{high})"


if __name__ == "__main__":
    main()
