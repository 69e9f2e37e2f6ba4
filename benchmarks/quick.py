"""Time all of `striate train mnist --model mnist-quick`, start to report, for some seeds, with its test accuracy."""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import machine


def trained(seed: int, out: Path) -> tuple[float, float]:
    """Seconds of wall time and test accuracy in percent."""
    train = [*machine.STRIATE, "train", "mnist", "--model", "mnist-quick", "--out", str(out), "--seed", str(seed)]
    start = time.perf_counter()
    subprocess.run(train, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    metrics = json.loads((out / "metrics.json").read_text("utf-8"))
    return seconds, 100 * metrics["accuracy"]["value"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0")
    seeds = range(parser.parse_args().seeds)
    print("| seed | seconds | test accuracy % |\n|---|---|---|")
    results = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            seconds, accuracy = trained(seed, Path(folder) / "run")
        results.append((seconds, accuracy))
        print(f"| {seed} | {seconds:.2f} | {accuracy:.2f} |", flush=True)
    seconds, accuracies = zip(*results, strict=True)
    sd = statistics.stdev(accuracies) if len(seeds) > 1 else 0.0
    print(f"\nmedian {statistics.median(seconds):.2f} s; accuracy {statistics.mean(accuracies):.3f} ± {sd:.3f} % (sd)")
    print(machine.described())


if __name__ == "__main__":
    main()
