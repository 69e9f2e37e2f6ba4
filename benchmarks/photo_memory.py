"""Peak memory with many photographs: decoding them, and one epoch of batches, beyond the program itself.

The photographs are copies of a few with different bytes at the end, so that all files differ. Together with their
pixels they take about 9 GB in a temporary folder, which is removed afterwards.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path

import machine

FEED = Path(__file__).parent / "peers" / "photos_feed.py"


def multiply(photos: Path, count: int, folder: Path) -> Path:
    """Write `count` copies of the photographs into the same classes."""
    originals = [(file.parent.name, file.read_bytes()) for file in sorted(photos.glob("*/*.jpg"))]
    for number, (label, content) in enumerate(islice(cycle(originals), count)):
        file = folder / label / f"{number:06}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content + number.to_bytes(4, "big"))  # decoders ignore bytes after the end of a JPEG
    return folder


def feed(photos: Path, size: int, cache: Path) -> dict[str, float]:
    command = [sys.executable, str(FEED), "--photos", str(photos), "--size", str(size)]
    environment = os.environ | {"STRIATE_CACHE": str(cache)}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    results: dict[str, float] = json.loads(done.stdout)
    return results


def row(start: str, results: dict[str, float]) -> str:
    program = results["imports_mb"]
    above = (f"{results[name] - program:,.0f}" for name in ("open_mb", "epoch_mb"))
    seconds = (f"{results[name]:.1f}" for name in ("open_seconds", "epoch_seconds"))
    return f"| {start} | {program:,.0f} | {' | '.join([*above, *seconds])} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    photos = Path(os.environ.get("STRIATE_DATA", "data")) / "dogs-vs-cats"
    parser.add_argument("--photos", type=Path, default=photos, help="a folder for each class, with JPEG files")
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--size", type=int, default=224, help="side in pixels")
    parser.add_argument("--folder", type=Path, help="parent of the temporary folder")
    args = parser.parse_args()
    hardware = machine.description()
    print(
        "| start | program, MB | + loading, MB | + one epoch, MB | loading, s | epoch, s |\n|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        many = multiply(args.photos, args.images, Path(folder) / "photos")
        for start in ("first", "second"):
            print(row(start, feed(many, args.size, Path(folder) / "cache")), flush=True)
    print(f"\n{hardware}; {args.images:,} photographs at {args.size}×{args.size}.")
    print(f"Command: `{machine.command()}`")


if __name__ == "__main__":
    main()
