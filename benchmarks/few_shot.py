"""Accuracy of feature extraction with a few photographs per class, and the rate of other images marked unknown.

python benchmarks/few_shot.py [FOLDER] [--draws 10] [--unknown FOLDER]
"""

import argparse
import os
from pathlib import Path

import numpy as np
from machine import description

from striate._types import Array
from striate.data import Dataset, load_folder
from striate.images import ImagePolicy, find_images
from striate.transfer.bases import Base, open_base
from striate.transfer.features import extract_features
from striate.transfer.linear_head import content_folds, fit_linear_head
from striate.transfer.open_set_fitting import fit_detector

POLICY = ImagePolicy(224, 224)


def folder_parser(*names: str) -> argparse.ArgumentParser:
    """Return a parser with the argument `folders`, by default folders of $STRIATE_DATA with these names."""
    parser = argparse.ArgumentParser()
    data = Path(os.environ.get("STRIATE_DATA", "."))
    parser.add_argument("folders", type=Path, nargs="*", default=[data / name for name in names])
    return parser


def all_features(base: Base, data: Dataset) -> tuple[Array, Array]:
    """Return features and class numbers of all images, from which the training images are drawn."""
    x = np.concatenate([part[base.top] for part in extract_features(base, data)])
    return x, np.concatenate([data.train.y, data.validation.y, data.test.y])


def features_of_files(base: Base, folder: Path) -> Array:
    from striate.engines.onnxruntime import OnnxEngine

    x = np.stack([POLICY.read(file) for file in find_images([folder])])
    return OnnxEngine(base.network, base.weights).forward([x])[-1]


def draw(y: Array, count: int, seed: int) -> tuple[Array, Array]:
    """Draw training rows, `count` of each class; return them and all other rows."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([rng.choice(np.flatnonzero(y == k), count, replace=False) for k in range(y.max() + 1)])
    return rows, np.setdiff1d(np.arange(len(y)), rows)


def main() -> None:
    parser = argparse.ArgumentParser()
    default = Path(os.environ.get("STRIATE_DATA", ".")) / "dogs-vs-cats"
    parser.add_argument("folder", type=Path, nargs="?", default=default)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--unknown", type=Path, help="folder of images of none of the classes")
    args = parser.parse_args()
    print(description())
    base = open_base("efficientnet-lite0", POLICY.shape)
    x, y = all_features(base, load_folder(args.folder, POLICY))
    unknown = features_of_files(base, args.unknown) if args.unknown else None
    classes = int(y.max()) + 1
    for count in (5, 10, 30, 100):
        results = []
        for seed in range(args.draws):
            train, test = draw(y, count, seed)
            folds = content_folds(x[train], y[train], classes)
            head = fit_linear_head(x[train], y[train], classes, folds).head
            detector = fit_detector(x[train], y[train], classes, folds, base.top).detector
            accuracy = (head.logits(x[test]).argmax(axis=1) == y[test]).mean()
            rejected = float("nan") if unknown is None else detector.is_unknown(unknown).mean()
            results.append((accuracy, detector.is_unknown(x[test]).mean(), rejected))
        means, spread = 100 * np.mean(results, axis=0), 100 * np.std(results, axis=0, ddof=1)
        accuracy = f"accuracy {means[0]:.2f} % (standard deviation {spread[0]:.2f})"
        rejected = f"{means[1]:.1f} % of the test images, {means[2]:.1f} % of images of none of the classes"
        print(f"{count:4} per class: {accuracy}; called unknown: {rejected}", flush=True)


if __name__ == "__main__":
    main()
