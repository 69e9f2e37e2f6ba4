"""Time `striate train` on a folder of photographs, with and without cached pixels, over several splits.

python benchmarks/half_minute.py [FOLDER] [--splits 5]
"""

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import STRIATE, description

from striate.data.digests import digest_bytes
from striate.data.layout import read_layout
from striate.data.split import assign_parts

PARTS = ("train", "val", "test")


def split(source: Path, folder: Path, seed: int) -> None:
    """Link the photographs into train, val and test, by their content and a seed."""
    layout = read_layout(source)
    sides = assign_parts(digest_bytes((file.read_bytes() for file in layout.files), seed), 0.1, 0.1)
    for file, label, part in zip(layout.files, layout.y, sides, strict=True):
        link = folder / PARTS[part] / layout.classes[label] / file.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file.resolve())


def run(folder: Path, out: Path, cache: Path) -> tuple[float, float, float]:
    """Return wall-clock seconds, CPU seconds and test accuracy."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [*STRIATE, "train", str(folder), "--out", str(out), "--quiet"]
    subprocess.run(command, check=True, env=os.environ | {"STRIATE_CACHE": str(cache)}, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used, json.loads((out / "metrics.json").read_text("utf-8"))["accuracy"]["value"]


def main() -> None:
    parser = argparse.ArgumentParser()
    default = Path(os.environ.get("STRIATE_DATA", ".")) / "dogs-vs-cats"
    parser.add_argument("folder", type=Path, nargs="?", default=default)
    parser.add_argument("--splits", type=int, default=5)
    args = parser.parse_args()
    print(description())
    rows = []
    for seed in range(args.splits):
        with tempfile.TemporaryDirectory() as root:
            folder, cache = Path(root) / "photos", Path(root) / "cache"
            split(args.folder, folder, seed)
            cold, warm = (run(folder, Path(root) / name, cache) for name in ("cold", "warm"))
        rows.append((*cold, *warm))
        print(f"split {seed}: cold {cold[0]:.1f} s ({cold[1]:.1f} CPU), warm {warm[0]:.1f} s ({warm[1]:.1f} "
              f"CPU), test {100 * cold[2]:.2f} %", flush=True)  # fmt: skip
    names = ("cold wall s", "cold cpu s", "test", "warm wall s", "warm cpu s", "test")
    for name, values in zip(names, np.array(rows).T, strict=True):
        print(
            f"{name:12} mean {values.mean():.4g}, standard deviation {values.std(ddof=1) if len(values) > 1 else 0:.2g}"
        )


if __name__ == "__main__":
    main()
