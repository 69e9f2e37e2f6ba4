"""Peak resident memory of `striate train mnist --model mnist-cnn`, including data and report."""

import resource  # Linux and macOS only
import subprocess
import sys
import tempfile

import machine


def peak_megabytes() -> float:
    """Return the peak of the finished child processes; Linux reports KiB, macOS bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        train = ["train", "mnist", "--model", "mnist-cnn", "--epochs", "1"]
        subprocess.run([*machine.STRIATE, *train, "--out", f"{folder}/run"], check=True, stdout=subprocess.DEVNULL)
    print(f"`striate {' '.join(train)}`: {peak_megabytes():.0f} MB peak, on {machine.description()}")


if __name__ == "__main__":
    main()
