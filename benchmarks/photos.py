"""Train on photographs in Striate and in its peers, in turn and in fresh processes, and print a Markdown table.

End to end: from JPEG files to updated weights, in images per second over the epochs after the first.
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
    parser.add_argument("--torch-python", help="with torch and Pillow; without it PyTorch is left out")
    parser.add_argument("--keras-python", help="with keras and tensorflow; without it Keras is left out")
    parser.add_argument("--without-striate", action="store_true", help="the peers alone")
    return parser.parse_args()


def add_photos(parser: argparse.ArgumentParser) -> None:
    """Arguments on what is trained, and how often."""
    photos = Path(os.environ.get("STRIATE_DATA", "data")) / "dogs-vs-cats"
    parser.add_argument("--photos", type=Path, default=photos, help="a folder for each class, with JPEG files")
    parser.add_argument("--images", type=int, default=320, help="how many of them, the same number of each class")
    parser.add_argument("--network", choices=NETWORKS, action="append", help="one network; may be repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2, help="the first one is not counted")


def copied(asked: argparse.Namespace, folder: Path) -> Path:
    """The folder "train" with as many photographs of each class; beside it "val" and "test", which Striate wants."""
    classes = sorted(path for path in asked.photos.iterdir() if path.is_dir())
    each = asked.images // len(classes)
    for source in classes:
        files = sorted(source.glob("*.jpg"))
        for part, chosen in (("train", files[:each]), ("val", files[each:][:4]), ("test", files[each:][4:8])):
            (folder / part / source.name).mkdir(parents=True)
            for file in chosen:
                shutil.copy(file, folder / part / source.name)
    return folder / "train"


def commands(asked: argparse.Namespace, network: str, photos: Path) -> list[list[str]]:
    """Interpreter, script and arguments for each side, in the order they take turns."""
    sides = [] if asked.without_striate else [[asked.python, "photos_striate.py"]]
    if asked.torch_python:
        sides.append([asked.torch_python, "photos_torch.py"])
    if asked.keras_python:
        sides.append([asked.keras_python, "photos_keras.py"])
        sides.append([asked.keras_python, "photos_keras.py", "--cache"])
    options = ["--photos", str(photos), "--network", network, "--epochs", str(asked.epochs)]
    return [[*side, *options] for side in sides]


def check_same_network(results: Results) -> None:
    parameters = {peer: rounds[0]["parameters"] for peer, rounds in results.items()}
    if len(set(parameters.values())) > 1:
        sys.exit(f"Not the same network: trainable parameters {parameters}")


def row(network: str, peer: str, results: Results) -> str:
    rates = [result["images_per_second"] for result in results[peer]]
    first = statistics.median(result["seconds"][0] for result in results[peer])
    striate = [result["images_per_second"] for result in results.get("Striate", [])]
    ratio = spread([own / rate for rate, own in zip(rates, striate, strict=True)], 2) if striate else "–"
    return f"| `{network}` | {peer} | {spread(rates, 1)} | {first:.1f} | {ratio} |"


def main() -> None:
    asked = arguments()
    hardware = machine.described()
    all_results = {}
    with tempfile.TemporaryDirectory() as folder:
        photos = copied(asked, Path(folder) / "photos")
        environment = os.environ | {"STRIATE_CACHE": f"{folder}/cache"}
        for network in asked.network or NETWORKS:
            all_results[network] = in_turn(commands(asked, network, photos), asked.rounds, environment)
            check_same_network(all_results[network])
    print("| network | in | images/s: median over rounds (min–max) | first epoch, s | Striate is faster by (min–max) |")
    print("|---|---|---|---|---|")
    for network, results in all_results.items():
        print(*(row(network, peer, results) for peer in results), sep="\n")
    print(f"\n{hardware}; 2 threads; {asked.images} photographs, batches of 32; {asked.rounds} rounds in turn.")
    print(f"Versions: {versions(all_results.values())}.")
    print(f"Command: `{machine.command()}`")


if __name__ == "__main__":
    main()
