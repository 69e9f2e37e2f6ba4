"""Compare two processes of one thread each with one process of two threads.

python benchmarks/processes.py                      train networks with the same global batch
python benchmarks/processes.py --features [FOLDER]  `striate train --method features` on a folder of photographs

Prints images per second and their ratio: of trainings over the epochs after the first, of features from image files to
the report, without the start of the commands (the slope between a third of the photographs and all of them).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine
from photos import NETWORKS, add_photos, copy_photos
from turns import in_turn, spread, versions

TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_photos(parser)
    parser.add_argument("--python", default=sys.executable, help="with Striate and torch")
    default = Path(os.environ.get("STRIATE_DATA", ".")) / "dogs-vs-cats"
    parser.add_argument("--features", type=Path, nargs="?", const=default, help="a folder with a folder for each class")
    return parser.parse_args()


def link_share(photos: Path, target: Path, step: int) -> int:
    """Link each `step`-th photograph of each class; return their number."""
    files = [file for folder in sorted(photos.iterdir()) for file in sorted(folder.iterdir())[::step]]
    for file in files:
        link = target / file.parent.name / file.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file.resolve())
    return len(files)


def seconds(command: list[str]) -> float:
    """Run a command with an empty cache; return wall-clock seconds."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"STRIATE_CACHE": cache}
        environment.pop("OMP_NUM_THREADS", None)  # each process sets its own
        began = time.perf_counter()
        subprocess.run([*command, "--out", f"{cache}/run"], check=True, env=environment, capture_output=True)
        return time.perf_counter() - began


def compare_features(args: argparse.Namespace) -> None:
    hardware = machine.description()
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / "third", Path(name) / "all"]
        counts = [link_share(args.features, folder, step) for folder, step in zip(folders, (3, 1), strict=True)]
        speeds: dict[str, list[float]] = {"one process": [], "two processes": []}
        print("| round | processes | images/s | start and end, s |\n|---|---|---|---|")
        for number in range(args.rounds):
            for kind, launcher in zip(speeds, ([], TORCHRUN), strict=True):
                command = [args.python, *launcher, "-m", "striate", "train"]
                fewer, more = (seconds([*command, str(folder), "--method", "features"]) for folder in folders)
                speeds[kind].append((counts[1] - counts[0]) / (more - fewer))
                rest = more - counts[1] / speeds[kind][-1]
                print(f"| {number + 1} | {kind} | {speeds[kind][-1]:.1f} | {rest:.1f} |", flush=True)
        one, two = speeds.values()
    print(f"\nTwo processes / one: {spread([b / a for a, b in zip(one, two, strict=True)], 2)}")
    print(f"{hardware}; {counts[1]:,} photographs, nothing cached; {args.rounds} alternating rounds.")
    print(f"Command: `{machine.command()}`")


def main() -> None:
    args = arguments()
    if args.features:
        compare_features(args)
    else:
        compare_trainings(args)


def compare_trainings(args: argparse.Namespace) -> None:
    hardware = machine.description()
    print("| network | one process, images/s | two processes, images/s | two / one (min–max) |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        photos = copy_photos(args, Path(folder) / "photos")
        environment = os.environ | {"STRIATE_CACHE": f"{folder}/cache"}
        environment.pop("OMP_NUM_THREADS", None)  # each process sets its own
        for network in args.network or NETWORKS:
            script = ["photos_striate.py", "--photos", str(photos), "--network", network, "--epochs", str(args.epochs)]
            results = in_turn([[args.python, *script], [args.python, *TORCHRUN, *script]], args.rounds, environment)
            one, two = ([each["images_per_second"] for each in rounds] for rounds in results.values())
            ratio = spread([b / a for a, b in zip(one, two, strict=True)], 2)
            print(f"| `{network}` | {spread(one, 1)} | {spread(two, 1)} | {ratio} |", flush=True)
    print(f"\n{hardware}; {args.images} photographs, global batches of 32; {args.rounds} alternating rounds, gloo.")
    print(f"Versions: {versions([results])}.")
    print(f"Command: `{machine.command()}`")


if __name__ == "__main__":
    main()
