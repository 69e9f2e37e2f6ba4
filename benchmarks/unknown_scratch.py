"""Shares of images that networks trained from scratch on a folder report as unknown, and AUROC.

python benchmarks/unknown_scratch.py NETWORK:FOLDER:COUNT … --unknown FOLDER …

FOLDER has one folder of images for each class, or is "mnist". The last COUNT classes are left out of training and are
unknown, as are all images of the other folders and images of noise and patterns. 60 % of the images of the other
classes train the network, 15 % set the threshold for 2 %, and the rest are the real test images. Near-duplicates stay
in one part.
"""

import argparse
from pathlib import Path

import numpy as np
from machine import description
from unknown import rejection, synthetic

import striate as st
from striate import zoo
from striate._types import Array
from striate.data import Images, load
from striate.data.digests import digest_images
from striate.data.groups import group_files
from striate.images import ImagePolicy, find_images, read_image
from striate.models.open_set import fit_open_set, open_set_distances
from striate.transfer.open_set import probability_threshold

EPOCHS = {"lenet5": 15, "mnist-cnn": 10, "simple-convnet": 40}
PARTS = 0.6, 0.75  # ends of the training and the validation part
MNIST_IMAGES = 4000


def policy_of(name: str) -> ImagePolicy:
    """Return how images become inputs: 28×28 pixels if they are gray, and 32×32 otherwise."""
    first = None if name == "mnist" else read_image(min(find_images([Path(name)])))
    gray = first is None or (np.ptp(first, axis=-1) == 0).all()
    return ImagePolicy(28, 28, 1) if gray else ImagePolicy(32, 32)


def read_folder(name: str, policy: ImagePolicy) -> tuple[Array, Array]:
    """Return images and the names of their classes."""
    if name == "mnist":
        found = load("mnist").test
        return np.stack([policy.apply(image) for image in found.x[:MNIST_IMAGES]]), found.y[:MNIST_IMAGES].astype(str)
    files = sorted(find_images([Path(name)]))
    return np.stack([policy.read(file) for file in files]), np.array([file.parent.name for file in files])


def groups_of(name: str, x: Array) -> Array:
    """Return the number of the group of near-duplicates of each image: the row of one of them."""
    if name == "mnist":
        return np.arange(len(x))
    files = [file.resolve() for file in sorted(find_images([Path(name)]))]
    return group_files(Path(name).resolve(), files, [file.name for file in files], digest_images(x, 0))[0]


def measure(network: str, folder: str, left_out: int, unknown: list[str], seed: int) -> dict[str, Array]:
    """Return by kind of images: rejected by distance and by probability, both AUROCs, and the number of images."""
    policy = policy_of(folder)
    x, names = read_folder(folder, policy)
    classes = np.unique(names)[: len(np.unique(names)) - left_out]
    known = np.isin(names, classes)
    order = np.random.default_rng(seed).random(len(x))[groups_of(folder, x)]
    part = np.where(known, np.digitize(order, PARTS), -1)
    y = np.searchsorted(classes, names)
    train, validation = (Images(x[part == number], y[part == number]) for number in (0, 1))
    model = zoo.build(network, input_shape=policy.shape, classes=len(classes))
    model.compile("adam", "sparse_categorical_crossentropy", learning_rate=0.001)
    model.fit(train.x[:], train.y, epochs=EPOCHS[network], verbose=0)
    fitted = fit_open_set(model, train, validation, len(classes))
    assert fitted
    threshold = probability_threshold(model.predict(validation.x[:]), validation.y)
    images = {"real": x[part == 2], "classes left out": x[~known]}
    images |= {"noise and patterns": np.stack([policy.apply(image) for image in synthetic()])}
    images |= {Path(name).name: read_folder(name, policy)[0] for name in unknown if Path(name) != Path(folder)}
    results, real = {}, None
    for kind, pixels in images.items():
        if not len(pixels):
            continue
        distances = open_set_distances(model, fitted.detector, pixels)
        found = np.stack([distances, model.predict(pixels).max(axis=1)])
        real = found if real is None else real
        results[kind] = np.array([*rejection(found, real, (fitted.detector.threshold, threshold)), len(pixels)])
    accuracy = float((model.predict(x[part == 2]).argmax(axis=1) == y[part == 2]).mean())
    counts = f"{len(train)} + {len(validation)} images, {len(classes)} classes"
    print(f"{network}, {folder}: {counts}, accuracy {accuracy:.3f}")
    return results


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="+")
    parser.add_argument("--unknown", nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=11)
    args = parser.parse_args()
    print(description(), st.__version__)
    for case in args.cases:
        network, folder, left_out = case.split(":")
        results = measure(network, folder, int(left_out), args.unknown, args.seed)
        others = [row for kind, row in results.items() if kind not in ("real", "classes left out")]
        for kind, row in [*results.items(), ("mean of other images", np.mean(others, axis=0))]:
            print(
                f"| {network} | {Path(folder).name} | {kind} | {int(row[4])} | {100 * row[0]:.1f} % | "
                f"{100 * row[1]:.1f} % | {row[2]:.3f} | {row[3]:.3f} |", flush=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()
