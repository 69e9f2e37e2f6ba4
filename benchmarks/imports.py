"""Time `import striate` in fresh processes, and measure the size of an installation."""

import argparse
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import machine

ROOT = Path(__file__).parent.parent
IMPORT = "import time; start = time.perf_counter(); import striate; print(time.perf_counter() - start)"


def import_seconds(python: Path | str) -> float:
    return float(subprocess.run([python, "-c", IMPORT], capture_output=True, encoding="utf-8", check=True).stdout)


def megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def installed(folder: Path) -> tuple[Path, float]:
    """Install Striate into a new environment; return its interpreter, and by how many MB the installation grew it."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    before = megabytes(folder)
    subprocess.run([python, "-m", "pip", "install", "--quiet", ROOT], check=True)
    return python, megabytes(folder) - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=11)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        python, size = installed(Path(folder))
        seconds = [import_seconds(python) for _ in range(runs)]
    print(f"`pip install .`: {size:.0f} MB including dependencies")
    print(
        f"`import striate`: median {statistics.median(seconds):.3f} s "
        f"({min(seconds):.3f}–{max(seconds):.3f}), {runs} fresh processes"
    )
    print(machine.description())


if __name__ == "__main__":
    main()
