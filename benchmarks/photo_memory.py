"""Peak memory with many photographs: the first pass, and an epoch of batches, above that of the program itself.

The photographs are copies of a few, each with other bytes at its end, so that no two are the same file. They and their
pixels take about 9 GB of a temporary folder, which is removed afterwards; --folder says where.
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


def multiplied(photos: Path, count: int, folder: Path) -> Path:
    """`count` photographs, in the classes of those they are copies of."""
    originals = [(file.parent.name, file.read_bytes()) for file in sorted(photos.glob("*/*.jpg"))]
    for number, (label, content) in enumerate(islice(cycle(originals), count)):
        file = folder / label / f"{number:06}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content + number.to_bytes(4, "big"))  # what follows a JPEG's end is not read
    return folder


def fed(photos: Path, size: int, cache: Path) -> dict[str, float]:
    command = [sys.executable, str(FEED), "--photos", str(photos), "--size", str(size)]
    environment = os.environ | {"STRIATE_CACHE": str(cache)}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def row(start: str, found: dict[str, float]) -> str:
    own = found["imports_mb"]
    above = (f"{found[name] - own:,.0f}" for name in ("open_mb", "epoch_mb"))
    return (
        f"| {start} | {own:,.0f} | {' | '.join(above)} | {found['open_seconds']:.1f} | {found['epoch_seconds']:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    photos = Path(os.environ.get("STRIATE_DATA", "data")) / "dogs-vs-cats"
    parser.add_argument("--photos", type=Path, default=photos, help="a folder for each class, with JPEG files")
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--size", type=int, default=224, help="pixels of a side")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    asked = parser.parse_args()
    hardware = machine.described()
    print(
        "| start | program, MB | + opened, MB | + an epoch, MB | opened in s | epoch in s |\n|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        many = multiplied(asked.photos, asked.images, Path(folder) / "photos")
        for start in ("first", "second"):
            print(row(start, fed(many, asked.size, Path(folder) / "cache")), flush=True)
    print(f"\n{hardware}; {asked.images:,} photographs at {asked.size}×{asked.size}.")
    print(f"Command: `{machine.command()}`")


if __name__ == "__main__":
    main()
