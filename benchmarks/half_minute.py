"""Time `striate train` on a folder of photographs, with and without cached pixels, and `striate predict` on its files.

python benchmarks/half_minute.py [FOLDER] [--splits 5] [--precision float32]
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


def run(arguments: list[str], cache: Path) -> tuple[float, float]:
    """Run a command of Striate; return wall-clock seconds and CPU seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = os.environ | {"STRIATE_CACHE": str(cache)}
    subprocess.run([*STRIATE, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def accuracy(out: Path) -> float:
    """Return the test accuracy of a run."""
    return float(json.loads((out / "metrics.json").read_text("utf-8"))["accuracy"]["value"])


def main() -> None:
    parser = argparse.ArgumentParser()
    default = Path(os.environ.get("STRIATE_DATA", ".")) / "dogs-vs-cats"
    parser.add_argument("folder", type=Path, nargs="?", default=default)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--precision", help="of the features; without it, as Striate chooses")
    args = parser.parse_args()
    print(description())
    options, rows = ["--precision", args.precision] if args.precision else [], []
    for seed in range(args.splits):
        with tempfile.TemporaryDirectory() as root:
            folder, cache = Path(root) / "photos", Path(root) / "cache"
            split(args.folder, folder, seed)
            outs = [Path(root) / name for name in ("cold", "warm")]
            train = [["train", str(folder), "--out", str(out), "--quiet", *options] for out in outs]
            predict = ["predict", str(outs[0]), str(folder), "--csv", f"{root}/table.csv"]
            cold, warm, predicted = (run(arguments, cache) for arguments in (*train, predict))
            test = accuracy(outs[0])
        rows.append((*cold, *warm, *predicted, test))
        print(f"split {seed}: cold {cold[0]:.1f} s ({cold[1]:.1f} CPU), warm {warm[0]:.1f} s ({warm[1]:.1f} CPU), "
              f"predict {predicted[0]:.1f} s ({predicted[1]:.1f} CPU), test {100 * test:.2f} %",
              flush=True)  # fmt: skip
    names = ("cold wall s", "cold cpu s", "warm wall s", "warm cpu s", "predict wall s", "predict cpu s", "test")
    for name, values in zip(names, np.array(rows).T, strict=True):
        print(
            f"{name:12} mean {values.mean():.4g}, standard deviation {values.std(ddof=1) if len(values) > 1 else 0:.2g}"
        )


if __name__ == "__main__":
    main()
