"""Compare training on photographs in Striate, PyTorch and Keras, end to end from JPEG files to updated weights.

Prints images per second over the epochs after the first. The frameworks run alternately, each in a fresh process.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import machine
from turns import Results, in_turn, spread, versions

NETWORKS = ("alexnet", "resnet18")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_photos(parser)
    parser.add_argument("--python", default=sys.executable, help="with Striate and torch")
    parser.add_argument("--torch-python", help="with torch and Pillow; without it PyTorch is skipped")
    parser.add_argument("--keras-python", help="with keras and tensorflow; without it Keras is skipped")
    parser.add_argument("--without-striate", action="store_true", help="run the other frameworks only")
    return parser.parse_args()


def add_photos(parser: argparse.ArgumentParser) -> None:
    """Add the arguments on networks, photographs, epochs and rounds."""
    photos = Path(os.environ.get("STRIATE_DATA", "data")) / "dogs-vs-cats"
    parser.add_argument("--photos", type=Path, default=photos, help="a folder for each class, with JPEG files")
    parser.add_argument("--images", type=int, default=320, help="number of photographs, the same of each class")
    parser.add_argument("--network", choices=NETWORKS, action="append", help="one network; may be repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2, help="the first is not counted")


def copy_photos(args: argparse.Namespace, folder: Path) -> Path:
    """Copy photographs into "train", and a few into "val" and "test", which Striate needs; return "train"."""
    classes = sorted(path for path in args.photos.iterdir() if path.is_dir())
    each = args.images // len(classes)
    for source in classes:
        files = sorted(source.glob("*.jpg"))
        for part, chosen in (("train", files[:each]), ("val", files[each:][:4]), ("test", files[each:][4:8])):
            (folder / part / source.name).mkdir(parents=True)
            for file in chosen:
                shutil.copy(file, folder / part / source.name)
    return folder / "train"


def commands(args: argparse.Namespace, network: str, photos: Path) -> list[list[str]]:
    """Return the command of each framework, in the order of each round."""
    sides = [] if args.without_striate else [[args.python, "photos_striate.py"]]
    if args.torch_python:
        sides.append([args.torch_python, "photos_torch.py"])
    if args.keras_python:
        sides.append([args.keras_python, "photos_keras.py"])
        sides.append([args.keras_python, "photos_keras.py", "--cache"])
    options = ["--photos", str(photos), "--network", network, "--epochs", str(args.epochs)]
    return [[*side, *options] for side in sides]


def check_same_network(results: Results) -> None:
    parameters = {peer: rounds[0]["parameters"] for peer, rounds in results.items()}
    if len(set(parameters.values())) > 1:
        sys.exit(f"The networks differ in their trainable parameters: {parameters}")


def row(network: str, peer: str, results: Results) -> str:
    rates = [result["images_per_second"] for result in results[peer]]
    first = statistics.median(result["seconds"][0] for result in results[peer])
    striate = [result["images_per_second"] for result in results.get("Striate", [])]
    ratio = spread([own / rate for rate, own in zip(rates, striate, strict=True)], 2) if striate else "–"
    return f"| `{network}` | {peer} | {spread(rates, 1)} | {first:.1f} | {ratio} |"


def main() -> None:
    args = arguments()
    hardware = machine.description()
    all_results = {}
    with tempfile.TemporaryDirectory() as folder:
        photos = copy_photos(args, Path(folder) / "photos")
        environment = os.environ | {"STRIATE_CACHE": f"{folder}/cache"}
        for network in args.network or NETWORKS:
            all_results[network] = in_turn(commands(args, network, photos), args.rounds, environment)
            check_same_network(all_results[network])
    print("| network | framework | images/s: median (min–max) | first epoch, s | Striate / framework (min–max) |")
    print("|---|---|---|---|---|")
    for network, results in all_results.items():
        print(*(row(network, peer, results) for peer in results), sep="\n")
    print(f"\n{hardware}; 2 threads; {args.images} photographs, batches of 32; {args.rounds} alternating rounds.")
    print(f"Versions: {versions(all_results.values())}.")
    print(f"Command: `{machine.command()}`")


if __name__ == "__main__":
    main()
