"""How well a head does that learnt from a few photographs of each class, and how many strangers it calls unknown.

python benchmarks/few_pictures.py [FOLDER] [--draws 10] [--strangers FOLDER]
"""

import argparse
import os
from pathlib import Path

import numpy as np
from machine import described

from striate._types import Array
from striate.data import Dataset, load_folder
from striate.images import ImagePolicy, find_images
from striate.transfer.bases import TOP, Base, open_base
from striate.transfer.features import features
from striate.transfer.head import content_folds, fit_head
from striate.transfer.open_set import fit_detector

POLICY = ImagePolicy(224, 224)


def everything(base: Base, data: Dataset) -> tuple[Array, Array]:
    """Features and classes of all pictures: draws are cut from them."""
    x = np.concatenate([part[TOP] for part in features(base, data)])
    return x, np.concatenate([data.train.y, data.validation.y, data.test.y])


def of_files(base: Base, folder: Path) -> Array:
    from striate.engines.onnxruntime import OnnxEngine

    pictures = np.stack([POLICY.read(file) for file in find_images([folder])])
    return OnnxEngine(base.network, base.weights).forward([pictures])[-1]


def draw(y: Array, count: int, seed: int) -> tuple[Array, Array]:
    """Row numbers to learn from, `count` of each class, and all others."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([rng.choice(np.flatnonzero(y == k), count, replace=False) for k in range(y.max() + 1)])
    return rows, np.setdiff1d(np.arange(len(y)), rows)


def main() -> None:
    parser = argparse.ArgumentParser()
    default = Path(os.environ.get("STRIATE_DATA", ".")) / "dogs-vs-cats"
    parser.add_argument("folder", type=Path, nargs="?", default=default)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--strangers", type=Path, help="pictures of none of the classes")
    asked = parser.parse_args()
    print(described())
    base = open_base("efficientnet-lite0", POLICY.shape)
    x, y = everything(base, load_folder(asked.folder, POLICY))
    strange = of_files(base, asked.strangers) if asked.strangers else None
    classes = int(y.max()) + 1
    for count in (5, 10, 30, 100):
        found = []
        for seed in range(asked.draws):
            known, rest = draw(y, count, seed)
            folds = content_folds(x[known], y[known], classes)
            head = fit_head(x[known], y[known], classes, folds).head
            detector, _ = fit_detector(x[known], y[known], classes, folds)
            right = (head.logits(x[rest]).argmax(axis=1) == y[rest]).mean()
            refused = float("nan") if strange is None else detector.is_unknown(strange).mean()
            found.append((right, detector.is_unknown(x[rest]).mean(), refused))
        means, spread = 100 * np.mean(found, axis=0), 100 * np.std(found, axis=0, ddof=1)
        print(f"{count:4} of each class: {means[0]:.2f} % right (deviation {spread[0]:.2f}), {means[1]:.1f} % of real "
              f"pictures unknown, {means[2]:.1f} % of strangers", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
