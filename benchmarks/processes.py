"""Train on photographs in two processes of one thread each, and in one process of two threads, in turn.

Speeds of the epochs after the first, the same global batch; the table gives the ratio of the two.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import machine
from photos import NETWORKS, add_photos, copied
from turns import in_turn, spread, versions

TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_photos(parser)
    parser.add_argument("--python", default=sys.executable, help="with Striate and torch")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    hardware = machine.described()
    print(
        "| network | one process, images/s | two processes, images/s | two against one (min–max) |\n|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        photos = copied(asked, Path(folder) / "photos")
        environment = os.environ | {"STRIATE_CACHE": f"{folder}/cache"}
        environment.pop("OMP_NUM_THREADS", None)  # each side sets its own
        for network in asked.network or NETWORKS:
            job = ["photos_striate.py", "--photos", str(photos), "--network", network, "--epochs", str(asked.epochs)]
            results = in_turn([[asked.python, *job], [asked.python, *TORCHRUN, *job]], asked.rounds, environment)
            one, two = ([each["images_per_second"] for each in rounds] for rounds in results.values())
            ratio = spread([b / a for a, b in zip(one, two, strict=True)], 2)
            print(f"| `{network}` | {spread(one, 1)} | {spread(two, 1)} | {ratio} |", flush=True)
    print(f"\n{hardware}; {asked.images} photographs, batches of 32 in all; {asked.rounds} rounds in turn, gloo.")
    print(f"Versions: {versions([results])}.")
    print(f"Command: `{machine.command()}`")


if __name__ == "__main__":
    main()
