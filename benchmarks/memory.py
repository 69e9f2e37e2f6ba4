"""Peak resident memory of `striate train`, with data and report: of mnist-cnn, or of fine-tuning on photographs.

python benchmarks/memory.py [--fine-tune FOLDER]
"""

import argparse
import resource  # Linux and macOS only
import subprocess
import sys
import tempfile
from pathlib import Path

import machine


def peak_megabytes() -> float:
    """Return the peak of the finished child processes; Linux reports KiB, macOS bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6


def megabytes_below(folder: Path) -> float:
    """Return the size of all files in a folder and below."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fine-tune", type=Path, metavar="FOLDER", help="fine-tune EfficientNet-Lite0 in float32")
    folder = parser.parse_args().fine_tune
    train = ["train", "mnist", "--model", "mnist-cnn", "--epochs", "1"]
    if folder:
        train = ["train", str(folder), "--method", "fine-tune", "--epochs", "1", "--precision", "float32"]
    with tempfile.TemporaryDirectory() as root:
        run = Path(root, "run")
        subprocess.run([*machine.STRIATE, *train, "--out", str(run)], check=True, stdout=subprocess.DEVNULL)
        print(
            f"`striate {' '.join(train)}`: {peak_megabytes():.0f} MB peak, run folder {megabytes_below(run):.0f} MB, "
            f"on {machine.description()}"
        )


if __name__ == "__main__":
    main()
