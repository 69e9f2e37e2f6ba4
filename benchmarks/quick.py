"""Time `striate train mnist --model mnist-quick`, from start to report, and its test accuracy over several seeds."""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import machine


def train(seed: int, out: Path) -> tuple[float, float]:
    """Return wall-clock seconds and test accuracy in percent."""
    command = [*machine.STRIATE, "train", "mnist", "--model", "mnist-quick", "--out", str(out), "--seed", str(seed)]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    metrics = json.loads((out / "metrics.json").read_text("utf-8"))
    return seconds, 100 * metrics["accuracy"]["value"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds, from 0")
    seeds = range(parser.parse_args().seeds)
    print("| seed | seconds | test accuracy % |\n|---|---|---|")
    results = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            seconds, accuracy = train(seed, Path(folder) / "run")
        results.append((seconds, accuracy))
        print(f"| {seed} | {seconds:.2f} | {accuracy:.2f} |", flush=True)
    seconds, accuracies = zip(*results, strict=True)
    deviation = statistics.stdev(accuracies) if len(seeds) > 1 else 0.0
    print(f"\nmedian {statistics.median(seconds):.2f} s")
    print(f"accuracy: mean {statistics.mean(accuracies):.3f} %, standard deviation {deviation:.3f} %")
    print(machine.description())


if __name__ == "__main__":
    main()
