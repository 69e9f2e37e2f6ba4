"""Count the altered and the original images that `striate data audit` reports as unusual.

python benchmarks/unusual.py [FOLDER …] [--other FOLDER] [--count 50]

Altered: a single gray level with a little noise (uniform), brightness times 0.15 (dark), contrast times 0.15 towards
white (bright), a Gaussian blur of 4 pixels at 224 pixels (blurred), and images of something else (far).
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import command, description
from PIL import Image, ImageFilter

from striate._types import Array
from striate.audit.unusual import THRESHOLDS, ImageIssue, is_beyond, measure_pixels, outlier_scores
from striate.data.decoding import decode_files
from striate.data.layout import read_layout
from striate.engines.onnxruntime import OnnxEngine
from striate.images import ImagePolicy, find_images
from striate.transfer.bases import open_base

NAMES = ("flowers", "sign-digits", "trash", "steel-defects", "dogs-vs-cats")
POLICY = ImagePolicy(224, 224)


def _uniform(image: Array) -> Array:
    noise = np.random.default_rng(int(image.sum())).normal(0, 3, image.shape)
    return np.asarray((image.mean() + noise).clip(0, 255), np.uint8)


def _blurred(image: Array) -> Array:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(4)))


ALTERED: dict[ImageIssue, Callable[[Array], Array]] = {
    ImageIssue.LOW_INFORMATION: _uniform,
    ImageIssue.DARK: lambda image: np.asarray(image * 0.15, np.uint8),
    ImageIssue.LIGHT: lambda image: np.asarray(255 - (255 - image) * 0.15, np.uint8),
    ImageIssue.BLURRY: _blurred,
}


def measure(folder: Path, others: Array, count: int, engine: OnnxEngine) -> None:
    layout = read_layout(folder)
    x = decode_files(layout.folder, layout.files, layout.names, POLICY).x
    rows = np.random.default_rng(0).choice(len(x), min(count, len(x)), replace=False)
    originals = measure_pixels(x[:])
    print(f"\n{folder.name}: {len(x):,} images, {len(rows)} altered of each kind")
    for kind, alter in ALTERED.items():
        altered = measure_pixels(alter(np.asarray(x[row])) for row in rows)
        found = is_beyond(kind, altered, THRESHOLDS)
        if kind in (ImageIssue.DARK, ImageIssue.LIGHT):  # images without contrast are called uniform
            found |= is_beyond(ImageIssue.LOW_INFORMATION, altered, THRESHOLDS)
        _print(kind, found, is_beyond(kind, originals, THRESHOLDS))
    features = np.concatenate([engine.forward([x[start : start + 64]])[-1] for start in range(0, len(x), 64)])
    found = np.array([outlier_scores(np.concatenate([features, other[None]]))[-1] for other in others])
    _print(
        ImageIssue.OUTLIER,
        found > THRESHOLDS[ImageIssue.OUTLIER],
        outlier_scores(features) > THRESHOLDS[ImageIssue.OUTLIER],
    )


def _print(kind: ImageIssue, found: Array, originals: Array) -> None:
    share, original = 100 * found.mean(), 100 * originals.mean()
    print(f"  {kind:8} found {share:5.1f} %, originals {original:5.2f} % ({originals.sum()})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    data = Path(os.environ.get("STRIATE_DATA", "."))
    parser.add_argument("folders", type=Path, nargs="*", default=[data / name for name in NAMES])
    parser.add_argument("--other", type=Path, default=data / "other")
    parser.add_argument("--count", type=int, default=50)
    args = parser.parse_args()
    print(description(), command(), sep="\n")
    base = open_base("efficientnet-lite0", POLICY.shape)
    engine = OnnxEngine(base.network, base.weights)
    files = find_images([args.other])[:: max(1, len(find_images([args.other])) // args.count)][: args.count]
    others = engine.forward([np.stack([POLICY.read(file) for file in files])])[-1]
    for folder in args.folders:
        measure(folder, others, args.count, engine)


if __name__ == "__main__":
    main()
