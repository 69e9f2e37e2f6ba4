"""Accuracy of heads on the features of single layers and of all layers together, on held-out test images.

python benchmarks/harder.py [FOLDER ...] [--splits 5]
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
from machine import description

from striate._types import Array
from striate.data import Dataset, load_folder
from striate.images import ImagePolicy
from striate.transfer.bases import ALL_LAYERS, Base, open_base
from striate.transfer.extraction import best_layer, fit_heads
from striate.transfer.features import Features, extract_features
from striate.transfer.linear_head import content_folds

NAMES = ("flowers", "trash", "sign-digits", "steel-defects", "dogs-vs-cats")
POLICY = ImagePolicy(224, 224)
TEST_SHARE = 0.2


def all_features(base: Base, data: Dataset) -> tuple[Features, Array]:
    """Return the features of all images by layer, and their class numbers."""
    parts = extract_features(base, data)
    x = {layer: np.concatenate([part[layer] for part in parts]) for layer in base.feature_layers}
    return x, np.concatenate([data.train.y, data.validation.y, data.test.y])


def draw_test_images(y: Array, seed: int) -> Array:
    """Return whether each image is kept for testing: the same share of each class."""
    rng = np.random.default_rng(seed)
    test = np.zeros(len(y), np.bool_)
    for number in range(y.max() + 1):
        rows = rng.permutation(np.flatnonzero(y == number))
        test[rows[: round(TEST_SHARE * len(rows))]] = True
    return test


def evaluate(base: Base, x: Features, y: Array, test: Array) -> tuple[float, float, str]:
    """Return the accuracy on the test images, the seconds to fit the head, and the chosen layer."""
    start, classes = time.process_time(), int(y.max()) + 1
    train = {layer: rows[~test] for layer, rows in x.items()}
    folds = content_folds(train[base.top], y[~test], classes)
    heads, _ = fit_heads(base, train, y[~test], classes, folds)
    layer = best_layer({name: head.cross_entropies for name, head in heads.items()}, base.top)
    seconds = time.process_time() - start
    return float((heads[layer].head.logits(x[layer][test]).argmax(axis=1) == y[test]).mean()), seconds, layer


def main() -> None:
    parser = argparse.ArgumentParser()
    data = Path(os.environ.get("STRIATE_DATA", "."))
    parser.add_argument("folders", type=Path, nargs="*", default=[data / name for name in NAMES])
    parser.add_argument("--splits", type=int, default=5)
    args = parser.parse_args()
    print(description())
    base = open_base("efficientnet-lite0", POLICY.shape)
    for folder in args.folders:
        start = time.process_time()
        x, y = all_features(base, load_folder(folder, POLICY))
        extraction = time.process_time() - start
        single = {layer: rows for layer, rows in x.items() if layer != ALL_LAYERS}
        found = []
        for seed in range(args.splits):  # in turn, so that both meet the same conditions
            test = draw_test_images(y, seed)
            found.append([evaluate(base, features, y, test) for features in (single, x)])
        accuracy = 100 * np.array([[method[0] for method in split] for split in found])  # (splits, 2)
        seconds = np.median([[method[1] for method in split] for split in found], axis=0)
        gain = accuracy[:, 1] - accuracy[:, 0]
        print(f"{folder.name}: {len(y):,} images; features {extraction:.0f} s of CPU time, less if they are cached")
        for column, name in enumerate(("single layers", "all layers")):
            layers = ", ".join(sorted({split[column][2] for split in found}))
            mean, spread = accuracy[:, column].mean(), accuracy[:, column].std(ddof=1)
            print(
                f"  {name:13} {mean:6.2f} % (standard deviation {spread:.2f}), head {seconds[column]:.1f} s; {layers}"
            )
        print(f"  difference    {gain.mean():+6.2f} points ({gain.min():+.2f} to {gain.max():+.2f})", flush=True)


if __name__ == "__main__":
    main()
