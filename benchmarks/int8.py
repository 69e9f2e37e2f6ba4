"""Features in 8-bit integers against float32: accuracy, calibration and unknown images, on images kept for testing.

python benchmarks/int8.py [FOLDER ...] [--splits 10] [--unknown FOLDER]
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from machine import description

from striate._types import Array
from striate.data import load_folder
from striate.data.groups import grouped_folds
from striate.data.split import pool
from striate.engines.onnxruntime import OnnxEngine
from striate.images import ImagePolicy
from striate.transfer.bases import Base, open_base
from striate.transfer.extraction import best_layer, fit_heads
from striate.transfer.features import Features, extract_features
from striate.transfer.int8 import measure_ranges
from striate.transfer.linear_head import cross_entropy
from striate.transfer.open_set_fitting import fit_detector

NAMES = ("flowers", "trash", "sign-digits", "steel-defects", "dogs-vs-cats")
POLICY = ImagePolicy(224, 224)
PARTS = 5  # of the images, each of which is the test set of one split
FIGURES = ("accuracy", "loss", "AUROC of unknown images")


def features_of(base: Base, images: Array) -> Features:
    """Return the features of images by layer."""
    outputs = OnnxEngine(base.network, base.weights, ranges=base.ranges).forward([images])
    return dict(zip(base.feature_layers, outputs, strict=True))


def auroc(known: Array, unknown: Array) -> float:
    """Return the share of pairs in which the unknown image is farther than the known one."""
    ranks = np.argsort(np.argsort(np.concatenate([known, unknown]))) + 1.0
    return float((ranks[len(known) :].sum() / len(unknown) - (len(unknown) + 1) / 2) / len(known))


def evaluate(base: Base, x: Features, unknown: Features, y: Array, groups: Array, test: Array, folds: Array) -> Array:
    """Return the figures on the test images of a head and a detector that were fitted to the others."""
    train, classes = {layer: rows[~test] for layer, rows in x.items()}, int(y.max()) + 1
    heads, _ = fit_heads(base, train, y[~test], classes, folds)
    layer = best_layer({name: head.cross_entropies for name, head in heads.items()}, base.top)
    logits = heads[layer].head.logits(x[layer][test])
    fitted = fit_detector(train[base.top], y[~test], classes, folds, base.top, groups=groups[~test]).detector
    area = auroc(fitted.distances(x[base.top][test]), fitted.distances(unknown[base.top]))
    return np.array([100 * (logits.argmax(axis=1) == y[test]).mean(), cross_entropy(logits, y[test]), 100 * area])


def main() -> None:
    parser = argparse.ArgumentParser()
    data = Path(os.environ.get("STRIATE_DATA", "."))
    parser.add_argument("folders", type=Path, nargs="*", default=[data / name for name in NAMES])
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--unknown", type=Path, default=data / "other")
    args = parser.parse_args()
    print(description())
    plain = open_base("efficientnet-lite0", POLICY.shape)
    other = np.stack([POLICY.read(path) for path in sorted(args.unknown.iterdir())])
    unknown = features_of(plain, other)
    print(f"| folder | {' | '.join(f'{name}: float32, int8, difference ± its spread' for name in FIGURES)} |")
    print("|---|---|---|---|")
    for folder in args.folders:
        images = pool(load_folder(folder, POLICY))
        y = images.train.y
        groups = images.train.groups if images.train.groups is not None else np.arange(len(y))
        integer = replace(plain, ranges=measure_ranges(plain, images))
        sides = [(plain, unknown), (integer, features_of(integer, other))]
        x = [extract_features(base, images)[0] for base, _ in sides]
        rows = []
        for split in range(args.splits):
            keys = np.random.default_rng(split // PARTS).integers(0, 2**63, len(y)).astype(np.uint64)
            test = grouped_folds(keys, groups, y, PARTS) == split % PARTS
            folds = grouped_folds(keys[~test][::-1].copy(), groups[~test], y[~test], PARTS)
            rows.append([
                evaluate(base, features, far, y, groups, test, folds)
                for features, (base, far) in zip(x, sides, strict=True)
            ])  # fmt: skip
        found = np.array(rows)  # (splits, 2, figures)
        means, change = found.mean(axis=0), found[:, 1] - found[:, 0]
        cells = [
            f"{before:.3f}, {after:.3f}, {difference:+.3f} ± {spread:.3f}"
            for before, after, difference, spread in zip(*means, change.mean(axis=0), change.std(axis=0), strict=True)
        ]
        print(f"| {folder.name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
