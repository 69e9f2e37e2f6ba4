"""Rates of out-of-distribution and of known images that a classifier of photographs reports as unknown.

python benchmarks/unknown.py [--splits 5] [--few 10] [--left-out] [FOLDER …]

Each folder in $STRIATE_DATA is known in turn; all images of the other folders, of other/, handwritten digits and
synthetic images are unknown. The method was chosen on CHOSEN_ON alone; the other folders confirm it.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
from machine import description

from striate._types import Array
from striate.data import load
from striate.downloads import cache_folder
from striate.images import ImagePolicy, find_images
from striate.transfer.bases import open_base
from striate.transfer.linear_head import content_folds
from striate.transfer.open_set_fitting import fit_detector

FOLDERS = ("dogs-vs-cats", "trash", "flowers", "sign-digits", "steel-defects")
CHOSEN_ON = FOLDERS[:2]
UNKNOWN = ("other", "digits", "synthetic")
POLICY = ImagePolicy(224, 224)
THUMBNAIL, SIMILAR = 24, 0.95  # images whose gray thumbnails correlate more strongly stay in one part
BASE = "efficientnet-lite0"

Known = dict[str, Array]  # "x": features (N, F); "y": class numbers (N,); "group": (N,)


def images_of(name: str) -> tuple[Array, Array]:
    """Return images (N, 224, 224, 3) and the names of their classes (N,)."""
    if name == "digits":
        x = load("mnist5k").test.x[:200, ..., 0]
        return np.stack([POLICY.apply(image) for image in x]), np.zeros(len(x))
    if name == "synthetic":
        return synthetic(), np.zeros(200)
    folder = Path(os.environ["STRIATE_DATA"]) / name
    files = sorted(find_images([folder]))
    return np.stack([POLICY.read(file) for file in files]), np.array([file.parent.name for file in files])


def synthetic() -> Array:
    """Return noise, plain colors, gradients and stripes."""
    rng = np.random.default_rng(0)
    row, column = np.mgrid[:224, :224]
    images = []
    for _ in range(50):
        color, other = rng.integers(0, 256, (2, 3))
        ramp, wave = (row / 223)[..., None], (np.sin(column * rng.uniform(0.05, 1)) / 2 + 0.5)[..., None]
        size = 2 ** int(rng.integers(0, 6))
        noise = rng.integers(0, 256, (224 // size + 1, 224 // size + 1, 3)).repeat(size, 0).repeat(size, 1)
        images += [noise[:224, :224], np.broadcast_to(color, (224, 224, 3))]
        images += [ramp * color + (1 - ramp) * other, wave * color + (1 - wave) * other]
    return np.stack(images).astype(np.uint8)


def features(name: str) -> Known:
    """Return features, classes and groups of near-identical images; computed once."""
    path = cache_folder() / "benchmark-unknown" / f"{name}.npz"
    if not path.exists():
        from striate.engines.onnxruntime import OnnxEngine

        images, names = images_of(name)
        base = open_base(BASE, POLICY.shape)
        engine = OnnxEngine(base.network, base.weights)
        x = np.concatenate([engine.forward([images[i : i + 64]])[-1] for i in range(0, len(images), 64)])
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, x=x, y=np.unique(names, return_inverse=True)[1], group=near_identical(images))
    with np.load(path) as arrays:
        return dict(arrays)


def near_identical(images: Array) -> Array:
    """Return the group (N,) of each image: connected by pairs whose thumbnails correlate."""
    edge = images.shape[1] // THUMBNAIL * THUMBNAIL
    gray = images[:, :edge, :edge].mean(axis=3).reshape(len(images), THUMBNAIL, -1, THUMBNAIL, edge // THUMBNAIL)
    rows = gray.mean(axis=(2, 4)).reshape(len(images), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    group = np.arange(len(images))
    for one, two in np.argwhere(np.triu(rows @ rows.T > SIMILAR, 1)):
        group[group == group[two]] = group[one]
    return group


def split(known: Known, seed: int, few: int | None) -> tuple[Array, Array]:
    """Return training and test rows: a fifth of the groups is for testing, or all but a few images of each class."""
    rng = np.random.default_rng(seed)
    testing = rng.random(len(known["y"]))[known["group"]] < 0.2
    if few is None:
        return np.flatnonzero(~testing), np.flatnonzero(testing)
    order = rng.permutation(len(testing))
    train = np.concatenate([order[known["y"][order] == number][:few] for number in np.unique(known["y"])])
    return train, np.flatnonzero(~np.isin(known["group"], known["group"][train]))


def auroc(known: Array, unknown: Array) -> float:
    """Return the probability that an unknown image is farther away than a known one."""
    ranked = np.sort(known)
    below = np.searchsorted(ranked, unknown, "left") + np.searchsorted(ranked, unknown, "right")
    return float(below.mean() / 2 / len(known))


def rejection(found: Array, real: Array, limits: tuple[float, float]) -> tuple[float, ...]:
    """Return the shares rejected by distance and by probability, and the AUROC of both.

    `found` and `real` hold distances and largest probabilities, (2, N) and (2, M), of unknown and of real images.
    """
    (distances, probabilities), (distance_limit, probability_limit) = found, limits
    return (
        float((distances > distance_limit).mean()), float((probabilities < probability_limit).mean()),
        auroc(real[0], distances), auroc(-real[1], -probabilities),
    )  # fmt: skip


def evaluate_split(known: Known, unknown: dict[str, Array], seed: int, few: int | None) -> list[float]:
    """Return the shares of known and of unknown images that are refused, the least one of all sets, and the AUROC."""
    train, test = split(known, seed, few)
    x, y = known["x"][train], known["y"][train]
    classes = int(known["y"].max()) + 1
    folds = content_folds(x, y, classes)
    detector = fit_detector(x, y, classes, folds, "pool", groups=known["group"][train]).detector
    distances = detector.distances(known["x"][test])
    shares = [float(detector.is_unknown(rows).mean()) for rows in unknown.values()]
    areas = [auroc(distances, detector.distances(rows)) for rows in unknown.values()]
    refused = float((distances > detector.threshold).mean())
    size = sum(array.nbytes for array in detector.to_extras().values())
    return [refused, float(np.mean(shares)), min(shares), float(np.mean(areas)), size / 1e6]


def left_out(known: Known, seed: int) -> list[float]:
    """Return the AUROC for each class, left out of the training images, against test images of the others."""
    train, test = split(known, seed, None)
    areas = []
    for number in np.unique(known["y"]):
        rows, others = train[known["y"][train] != number], test[known["y"][test] != number]
        x, y = known["x"][rows], known["y"][rows]
        folds = content_folds(x, y, int(y.max()) + 1)
        detector = fit_detector(x, y, int(y.max()) + 1, folds, "pool", groups=known["group"][rows]).detector
        own = detector.distances(known["x"][known["y"] == number])
        areas.append(auroc(detector.distances(known["x"][others]), own))
    return areas


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="*", default=FOLDERS)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--few", type=int, help="images of each class to train on; default: four fifths")
    parser.add_argument("--left-out", action="store_true", help="one class of a folder is unknown")
    args = parser.parse_args()
    began = time.perf_counter()
    print(description())
    data = {name: features(name) for name in (*FOLDERS, *UNKNOWN)}
    means = []
    for name in args.folders:
        role = "chosen on" if name in CHOSEN_ON else "confirmed"
        if args.left_out:
            areas = np.mean([left_out(data[name], seed) for seed in range(args.splits)], axis=0)
            means.append(areas.mean())
            print(f"| {name} ({role}) | {areas.mean():.3f} | {' '.join(f'{a:.2f}' for a in areas)} |", flush=True)
            continue
        unknown = {other: data[other]["x"] for other in data if other != name}
        results = [evaluate_split(data[name], unknown, seed, args.few) for seed in range(args.splits)]
        mean, spread = np.mean(results, axis=0), np.std(results, axis=0, ddof=1)
        means.append(mean)
        print(
            f"| {name} ({role}) | {100 * mean[0]:.1f} ± {100 * spread[0]:.1f} % | {100 * mean[1]:.1f} ± "
            f"{100 * spread[1]:.1f} % | {100 * mean[2]:.1f} % | {mean[3]:.4f} | {mean[4]:.1f} MB |", flush=True,
        )  # fmt: skip
    print("mean", np.round(np.mean(means, axis=0), 4), f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
