"""Train on, evaluate and predict folders of more and more small images: time and memory, and an estimate for a million.

python benchmarks/scale.py [--images 10000 20000 40000] [--size 32]

The images are 24×24 PNG files of random textures, colored by their class; no two are alike. Memory is what the process
allocates (VmHWM also counts pages of mapped files, which the system may drop). The slope is that between the smallest
and the largest number.
"""

import argparse
import os
import re
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import STRIATE, command, description

from striate.images import encode_png

CLASSES = 5
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Cost:
    """Seconds of a command, of the clock and of the processor, and megabytes, allocated and with mapped files."""

    wall: float
    processor: float
    allocated: float
    resident: float


def make_images(folder: Path, first: int, last: int) -> None:
    """Write the images with these numbers."""
    rng = np.random.default_rng(first)
    for number in range(first, last):
        target = folder / f"class-{number % CLASSES}" / f"{number // 5000:04d}"
        target.mkdir(parents=True, exist_ok=True)
        coarse = rng.integers(0, 200, (4, 4, 3)).repeat(6, 0).repeat(6, 1)
        coarse[..., number % 3] += 10 * (number % CLASSES)
        pixels = np.clip(coarse + rng.integers(0, 40, (24, 24, 3)), 0, 255).astype(np.uint8)
        (target / f"{number:07d}.png").write_bytes(encode_png(pixels))


def measure(arguments: list[str], environment: dict[str, str]) -> Cost:
    """Run striate with these arguments."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        [*STRIATE, *arguments], env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    allocated = resident = 0.0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
        except OSError:
            continue
        found = dict(re.findall(r"(RssAnon|VmRSS):\s+(\d+)", status))
        allocated = max(allocated, int(found.get("RssAnon", 0)) / 1000)
        resident = max(resident, int(found.get("VmRSS", 0)) / 1000)
        time.sleep(POLL_SECONDS)
    if process.returncode:
        raise SystemExit(f"striate {' '.join(arguments)}: exit status {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(time.perf_counter() - began, processor, allocated, resident)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 20_000, 40_000])
    parser.add_argument("--size", type=int, default=32, help="of the network's input")
    args = parser.parse_args()
    print(f"{description()}\n{command()}\n", flush=True)
    print("| command | images | wall, s | processor, s | allocated, MB | with mapped files, MB |")
    costs: dict[str, list[Cost]] = {"train": [], "evaluate": [], "predict": []}
    with tempfile.TemporaryDirectory() as name:
        folder, done = Path(name), 0
        environment = {"STRIATE_CACHE": f"{name}/cache"}
        base = ["--base", "efficientnet-lite0", "--set", f"input_shape=[{args.size},{args.size},3]", "--folds", "0"]
        for count in args.images:
            make_images(folder / "images", done, count)
            done = count
            run, images = str(folder / f"run-{count}"), str(folder / "images")
            for kind, arguments in (
                ("train", ["train", images, *base, "--out", run]),
                ("evaluate", ["evaluate", run, images]),
                ("predict", ["predict", run, images, "--csv", f"{run}/out.csv"]),
            ):  # fmt: skip
                cost = measure(arguments, environment)
                costs[kind].append(cost)
                print(
                    f"| {kind} | {count:,} | {cost.wall:.1f} | {cost.processor:.1f} | {cost.allocated:.0f} | "
                    f"{cost.resident:.0f} |", flush=True,
                )  # fmt: skip
    added = args.images[-1] - args.images[0]
    for kind, found in costs.items():
        first, last = found[0], found[-1]
        minutes = (last.processor - first.processor) / added * 1e6 / 60
        gigabytes = (last.allocated - first.allocated) / added * 1e6 / 1000
        print(f"\n{kind}, per million: {minutes:.0f} minutes of one core, {gigabytes:.1f} GB allocated", flush=True)


if __name__ == "__main__":
    main()
