"""What the peers that train on photographs share: their arguments, the size of the pictures and the line they print."""

import argparse
import json
import platform
import statistics
from importlib.metadata import version
from pathlib import Path

SIZES = {"alexnet": 227, "resnet18": 224}
LEARNING_RATE, MOMENTUM = 0.001, 0.9
AREA, ASPECT = (0.35, 1.0), (3 / 4, 4 / 3)  # of the random crop: its share of the picture, width to height


def arguments(*more: str) -> argparse.Namespace:
    """The common arguments and the switches in `more`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=Path, required=True, help="a folder for each class, with JPEG files")
    parser.add_argument("--network", choices=SIZES, required=True)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=2)
    for switch in more:
        parser.add_argument(switch, action="store_true")
    return parser.parse_args()


def report(peer: str, asked: argparse.Namespace, seconds: list[float], last_loss: float, parameters: int, **versions):
    """seconds: of each epoch; the first one, which warms up and may fill a cache, does not count."""
    images = sum(1 for _ in asked.photos.glob("*/*.jpg"))
    rates = [images / each for each in seconds[1:] or seconds]
    result = {
        "peer": peer,
        "network": asked.network,
        "images_per_second": round(statistics.median(rates), 2),
        "seconds": [round(each, 3) for each in seconds],
        "last_loss": round(last_loss, 4),  # it must have learned something, or the time means nothing
        "parameters": parameters,  # trainable: the same for all, or they are not the same network
        "versions": {"python": platform.python_version(), "numpy": version("numpy"), **versions},
    }
    print(json.dumps(result))
