"""Compare training in two processes of one thread each with one process of two threads, with the same global batch.

Prints images per second over the epochs after the first, and their ratio.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import machine
from photos import NETWORKS, add_photos, copy_photos
from turns import in_turn, spread, versions

TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_photos(parser)
    parser.add_argument("--python", default=sys.executable, help="with Striate and torch")
    return parser.parse_args()


def main() -> None:
    args = arguments()
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
