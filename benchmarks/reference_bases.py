"""Record what timm's and torchvision's networks compute with weights that are a function of their names.

The tests give Striate's networks the same weights and compare. Run it in an environment with timm or torchvision; it
needs nothing of Striate:

    python benchmarks/reference_bases.py timm
    python benchmarks/reference_bases.py torchvision

The result is written to tests/pretrained/references/LIBRARY.json.gz: of each network the name and the shape of every
array, and the outputs for two images, as differences to that of the first class.
"""

import gzip
import json
import math
import sys
import zlib
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

FOLDER = Path(__file__).parents[1] / "tests" / "pretrained" / "references"
MEAN, STDDEV = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZE = (65, 96)
CLASSES = 10
# The networks by their names in Striate's zoo.
NAMES = {
    "timm": {
        "convnext-tiny": "convnext_tiny", "densenet121": "densenet121", "efficientnet-b0": "efficientnet_b0",
        "efficientnet-lite0": "efficientnet_lite0", "mobilenetv3-large": "mobilenetv3_large_100",
        "mobilenetv3-small": "mobilenetv3_small_100", "regnety-400mf": "regnety_004", "resnet18": "resnet18",
    },
    "torchvision": {
        "convnext-tiny": "convnext_tiny", "densenet121": "densenet121", "efficientnet-b0": "efficientnet_b0",
        "mobilenetv3-large": "mobilenet_v3_large", "mobilenetv3-small": "mobilenet_v3_small",
        "regnety-400mf": "regnet_y_400mf",
    },
}  # fmt: skip


def array_for(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array that depends on its name and shape only, with which activations neither grow nor vanish."""
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    count = math.prod(shape)
    if shape and count > shape[0]:
        numbers = generator.standard_normal(shape, np.float32) * np.float32((2 / (count // shape[0])) ** 0.5)
    elif name.endswith(("weight", "running_var", "gamma", "layer_scale")):
        numbers = generator.random(shape, np.float32) * np.float32(0.6) + np.float32(0.7)
    else:
        numbers = generator.standard_normal(shape, np.float32) * np.float32(0.1)
    return np.asarray(numbers)


def images() -> np.ndarray:
    """Return two images uint8 (2, H, W, 3) of colored blocks."""
    small = np.random.default_rng(1).integers(0, 256, (2, 5, 6, 3), dtype=np.uint8)
    return small.repeat(SIZE[0] // 5, axis=1).repeat(SIZE[1] // 6, axis=2)


def main() -> None:
    """Write the file of the library that is named on the command line."""
    library = sys.argv[1]
    module = import_module("timm" if library == "timm" else "torchvision.models")
    found: dict[str, Any] = {"version": str(getattr(module, "__version__", "")), "networks": {}}
    mean, stddev = (torch.tensor(values).view(-1, 1, 1) for values in (MEAN, STDDEV))
    x = (torch.from_numpy(images()).permute(0, 3, 1, 2).float() / 255 - mean) / stddev
    for id, name in NAMES[library].items():
        if library == "timm":
            network = module.create_model(name, num_classes=CLASSES)
        else:
            network = getattr(module, name)(num_classes=CLASSES)
        shapes = {key: tuple(value.shape) for key, value in network.state_dict().items() if value.is_floating_point()}
        network.load_state_dict({key: torch.from_numpy(array_for(key, shape)) for key, shape in shapes.items()}, False)
        with torch.no_grad():
            outputs = network.double().eval()(x.double()).numpy()
        differences = outputs[:, 1:] - outputs[:, :1]
        found["networks"][id] = {"arrays": shapes, "outputs": differences.tolist()}
        print(f"{id}: {len(shapes)} arrays, outputs up to {np.abs(differences).max():.2f}")
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(found, separators=(",", ":"))
    (FOLDER / f"{library}.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
