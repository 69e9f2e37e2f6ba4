"""Check the time limit of `striate train --minutes`: requested and measured minutes of the command, without caches.

python benchmarks/minutes.py [FOLDER …] [--minutes 0.2 0.5 1 2] [--rounds 3] [--threads 2]

Without folders: dogs-vs-cats and flowers of STRIATE_DATA, and 525 classes of four of their images each. With
--threads, as many threads of other processes compute beside it.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from machine import STRIATE, description

from striate.images import find_images

CLASSES, PER_CLASS = 525, 4


def write_many_classes(root: Path, folder: Path) -> Path:
    files = [file for name in ("dogs-vs-cats", "flowers") for file in sorted(find_images([root / name]))]
    order = np.random.default_rng(0).permutation(len(files))[: CLASSES * PER_CLASS]
    for place, row in enumerate(order):
        target = folder / f"class{place // PER_CLASS:03}" / f"{place}{files[row].suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files[row], target)
    return folder


def compute_forever() -> None:
    x = np.ones((200, 200))
    while True:
        x @ x


@contextmanager
def other_programs(count: int) -> Iterator[None]:
    programs = [multiprocessing.Process(target=compute_forever, daemon=True) for _ in range(count)]
    for program in programs:
        program.start()
    try:
        yield
    finally:
        for program in programs:
            program.terminate()


def measure(folder: Path, minutes: float) -> str:
    """Return a row: seconds asked and taken, and what was trained; or that the limit was refused, and how soon."""
    with tempfile.TemporaryDirectory() as root:
        out, began = Path(root) / "run", time.perf_counter()
        done = subprocess.run(
            [*STRIATE, "train", str(folder), "--minutes", str(minutes), "--out", str(out), "--quiet"],
            env=os.environ | {"STRIATE_CACHE": f"{root}/cache"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        taken = time.perf_counter() - began
        cells = [folder.name, f"{60 * minutes:g}", f"{taken:.1f}", f"{taken / 60 / minutes:.2f}"]
        if done.returncode:
            cells.append(" ".join(done.stderr.split()))
        else:
            plan = json.loads((out / "config.json").read_text("utf-8"))["plan"]
            figures = json.loads((out / "metrics.json").read_text("utf-8"))
            size, digits = plan["settings"].get("input_shape", [224])[0], "int8" if plan["int8"] else "float32"
            cells.append(f"{plan['method']}, {size} pixels, {digits}, {100 * figures['accuracy']['value']:.1f} %")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--minutes", type=float, nargs="*", default=[0.2, 0.5, 1.0, 2.0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="of other programs that compute at the same time")
    args = parser.parse_args()
    print(description())
    print("| folder | seconds asked | taken | taken / asked | trained, test accuracy |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as made, other_programs(args.threads):
        root = Path(os.environ.get("STRIATE_DATA", "."))
        many = [] if args.folders else [write_many_classes(root, Path(made) / f"{CLASSES}-classes")]
        for folder in args.folders or [root / "dogs-vs-cats", root / "flowers", *many]:
            for minutes in args.minutes:
                for _ in range(args.rounds):
                    print(measure(folder, minutes), flush=True)


if __name__ == "__main__":
    main()
