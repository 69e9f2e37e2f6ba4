"""Rates of out-of-distribution images and of digits that networks trained from scratch on digits report as unknown.

python benchmarks/unknown_digits.py [--seeds 3] [--engine numpy] [--fashion FILE]

FILE is t10k-images-idx3-ubyte.gz of Fashion-MNIST. The layer was chosen on lenet5 and mnist-cnn. Digits are the 10,000
test images of MNIST, which no training saw; photographs are those of $STRIATE_DATA/other at 28 × 28.
"""

import argparse
import gzip
import os
from pathlib import Path

import numpy as np
from machine import description
from unknown import rejection, synthetic

import striate as st
from striate import zoo
from striate._types import Array
from striate.data import Dataset, load
from striate.images import ImagePolicy, find_images
from striate.models import Model
from striate.models.open_set import fit_open_set
from striate.training import Recipe
from striate.transfer.feature_output import with_features
from striate.transfer.open_set import probability_threshold

EPOCHS = {"lenet5": 8, "mnist-cnn": 3, "simple-convnet": 8}
POLICY = ImagePolicy(28, 28, 1)


def other_images(digits: Array, fashion: Path | None) -> dict[str, Array]:
    """Return images of none of the digits, (N, 28, 28, 1) by their kind."""
    photographs = sorted(find_images([Path(os.environ["STRIATE_DATA"]) / "other"]))
    mirrored = np.concatenate([digits[:1000, :14], digits[:1000, 14:, ::-1]], axis=1)
    found = {
        "photographs": np.stack([POLICY.read(file) for file in photographs]),
        "noise and patterns": np.stack([POLICY.apply(image) for image in synthetic()]),
        "digits with the lower half mirrored": mirrored,
        "inverted digits": 255 - digits[:1000],
    }
    if fashion:
        pixels = np.frombuffer(gzip.decompress(fashion.read_bytes()), np.uint8, offset=16)
        found["Fashion-MNIST"] = pixels.reshape(-1, 28, 28, 1)
    return found


def measure(name: str, engine: str, seed: int, data: Dataset, images: dict[str, Array]) -> dict[str, tuple[float, ...]]:
    """Return, by the kind of images, the shares refused by distance and by probability, and both AUROCs."""
    model = Model.from_network(zoo.network(name), seed=seed)
    model.use_engine(engine)
    model.train(data, Recipe(epochs=EPOCHS[name], seed=seed), verbose=0)
    threshold = probability_threshold(model.predict(data.validation.x), data.validation.y)
    fitted = fit_open_set(model, data.train, data.validation, len(data.classes))
    assert fitted, "there are enough validation images"
    detector = fitted.detector
    both = Model.from_network(with_features(model.network, detector.layer, detector.size))
    both.named_weights = model.named_weights
    results, known = {}, None
    for kind, x in images.items():
        probabilities, features = both.predict(x)
        found = np.stack([detector.distances(features), probabilities.max(axis=1)])
        known = found if known is None else known
        results[kind] = rejection(found, known, (detector.threshold, threshold))
    return results


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--engine", default="numpy")
    parser.add_argument("--fashion", type=Path)
    args = parser.parse_args()
    print(description(), st.__version__)
    data, digits = load("mnist5k"), load("mnist").test.x
    images = {"digits (real)": digits, **other_images(digits, args.fashion)}
    for name in EPOCHS:
        results = [measure(name, args.engine, seed, data, images) for seed in range(args.seeds)]
        for kind in images:
            mean = np.mean([result[kind] for result in results], axis=0)
            least, most = (100 * pick(result[kind][0] for result in results) for pick in (min, max))
            print(
                f"| {name} | {kind} | {100 * mean[0]:.1f} % ({least:.1f} … {most:.1f}) | {100 * mean[1]:.1f} % | "
                f"{mean[2]:.3f} | {mean[3]:.3f} |", flush=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()
