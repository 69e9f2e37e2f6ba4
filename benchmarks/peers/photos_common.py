"""Arguments, image sizes and output that the peers for photographs share."""

import argparse
import json
import platform
import statistics
from importlib.metadata import version
from pathlib import Path

SIZES = {"alexnet": 227, "resnet18": 224}
LEARNING_RATE, MOMENTUM = 0.001, 0.9
AREA, ASPECT = (0.35, 1.0), (3 / 4, 4 / 3)  # of the random crop: share of the image, width / height


def arguments(*more: str) -> argparse.Namespace:
    """Parse the common arguments and the switches in `more`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=Path, required=True, help="a folder for each class, with JPEG files")
    parser.add_argument("--network", choices=SIZES, required=True)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=2)
    for switch in more:
        parser.add_argument(switch, action="store_true")
    return parser.parse_args()


def report(peer: str, args: argparse.Namespace, seconds: list[float], last_loss: float, parameters: int, **versions):
    """Print the result; the first epoch, which warms up and may fill a cache, does not count."""
    images = sum(1 for _ in args.photos.glob("*/*.jpg"))
    rates = [images / each for each in seconds[1:] or seconds]
    result = {
        "peer": peer,
        "network": args.network,
        "images_per_second": round(statistics.median(rates), 2),
        "seconds": [round(each, 3) for each in seconds],
        "last_loss": round(last_loss, 4),  # shows that the network learns
        "parameters": parameters,  # trainable; must be the same for all
        "versions": {"python": platform.python_version(), "numpy": version("numpy"), **versions},
    }
    print(json.dumps(result))
