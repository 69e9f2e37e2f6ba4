"""Fine-tuning on a folder of photographs: accuracy before and after, over several splits.

python benchmarks/fine_tune.py [FOLDER] [--splits 5] [--first 0] [--out FOLDER] [-- OPTIONS of striate train]
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from half_minute import split
from machine import STRIATE, description


def tune(photographs: Path, out: Path, options: list[str]) -> tuple[dict[str, Any], float]:
    """Return the results of a run, and its wall-clock time in seconds."""
    began = time.perf_counter()
    command = [*STRIATE, "train", str(photographs), "--method", "fine-tune", "--out", str(out), *options]
    with (out.parent / f"{out.name}.log").open("w", encoding="utf-8") as log:
        subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT)
    return json.loads((out / "config.json").read_text("utf-8"))["fine_tuning"], time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    default = Path(os.environ.get("STRIATE_DATA", ".")) / "dogs-vs-cats"
    parser.add_argument("folder", type=Path, nargs="?", default=default)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first split")
    parser.add_argument("--out", type=Path, help="folder for the runs")
    args, options = parser.parse_known_args()
    out = args.out or Path(tempfile.mkdtemp())
    out.mkdir(parents=True, exist_ok=True)
    print(description())
    rows = []
    for seed in range(args.first, args.first + args.splits):
        photographs = out / f"photos-{seed}"
        if not photographs.exists():
            split(args.folder, photographs, seed)
        result, seconds = tune(photographs, out / f"split-{seed}", [option for option in options if option != "--"])
        rows.append((100 * result["test_start"], 100 * result["test_kept"], seconds))
        stages = ", ".join(
            f"{name} {100 * figures['accuracy']:.2f} % loss {figures['loss']:.4f}"
            for name, figures in result["scores"].items()
        )
        test = f"test {rows[-1][0]:.2f} → {rows[-1][1]:.2f} %"
        print(f"split {seed}: {test}, kept {result['kept']}; validation: {stages}; {seconds:.0f} s", flush=True)
    for name, values in zip(("start", "kept", "seconds"), np.array(rows).T, strict=True):
        spread = values.std(ddof=1) if len(values) > 1 else 0
        print(f"{name:8} mean {values.mean():.2f}, standard deviation {spread:.2f}")


if __name__ == "__main__":
    main()
