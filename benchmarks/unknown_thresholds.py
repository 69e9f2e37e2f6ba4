"""Share of new images that the threshold for "unknown" rejects where few images set it, by simulation.

python benchmarks/unknown_thresholds.py [--draws 200] [NETWORK:DATA …]
python benchmarks/unknown_thresholds.py --frozen [--draws 24]

DATA is "mnist", or a folder in $STRIATE_DATA at 32 × 32 pixels, of which half of the images train the network. Of the
images that it was not trained on, random draws of n set the threshold; the others are the new images. Unknown images
are those of $STRIATE_DATA/other. The rule was chosen on CHOSEN_ON.

--frozen compares, on the folders and unknown images of unknown.py, the rule for frozen features with that for
validation images, both applied to the distances of 5, 10 or 30 training images of each class from each other.
"""

import argparse
import os
from pathlib import Path

import numpy as np
from machine import description
from unknown import FOLDERS, UNKNOWN, features, split

import striate as st
from striate import zoo
from striate._types import Array
from striate.data import Images, load
from striate.evaluation.intervals import share_beyond
from striate.images import ImagePolicy, find_images
from striate.models.open_set import fit_open_set
from striate.transfer.feature_output import with_features
from striate.transfer.linear_head import content_folds
from striate.transfer.open_set_fitting import (
    NOT_HELD_OUT,
    REJECTION_RATE,
    cross_validated_quantile,
    fit_detector,
    held_out_quantile,
)

CHOSEN_ON = ("lenet5:mnist", "simple-convnet:sign-digits")
CONFIRMING = (
    "simple-convnet:mnist", "mnist-cnn:mnist", "lenet5:sign-digits", "mnist-cnn:sign-digits", "lenet5:trash",
    "simple-convnet:trash", "simple-convnet:steel-defects", "simple-convnet:dogs-vs-cats", "mnist-cnn:flowers",
)  # fmt: skip
COUNTS = (10, 20, 63, 200, 500)  # how many images set the threshold
EPOCHS = {"lenet5": 8, "simple-convnet": 12, "mnist-cnn": 3}


def parts_of(name: str, policy: ImagePolicy) -> tuple[Images, Images, int]:
    """Return training images, the others, and the number of classes."""
    if name == "mnist":
        small, test = load("mnist5k"), load("mnist").test
        return small.train, Images(test.x[:4000], test.y[:4000]), 10
    files = sorted(find_images([Path(os.environ["STRIATE_DATA"]) / name]))
    y = np.unique([file.parent.name for file in files], return_inverse=True)[1]
    x, order = np.stack([policy.read(file) for file in files]), np.random.default_rng(0).permutation(len(files))
    first, second = np.array_split(order, 2)
    return Images(x[first], y[first]), Images(x[second], y[second]), int(y.max()) + 1


def simulate(case: str, draws: int) -> dict[int, Array]:
    """Return, by n, for each draw the share of new and of unknown images rejected and one image's, (draws, 3)."""
    network, name = case.split(":")
    policy = ImagePolicy(28, 28, 1) if name == "mnist" else ImagePolicy(32, 32)
    train, others, classes = parts_of(name, policy)
    model = zoo.build(network, input_shape=policy.shape, classes=classes)
    model.compile("adam", "sparse_categorical_crossentropy", learning_rate=0.001)
    model.fit(train.x[:], train.y, epochs=EPOCHS[network], verbose=0)
    fitted = fit_open_set(model, train, others, classes)
    assert fitted
    detector = fitted.detector
    both = st.Model.from_network(with_features(model.network, detector.layer, detector.size))
    both.named_weights = model.named_weights
    unknown = np.stack([policy.read(file) for file in find_images([Path(os.environ["STRIATE_DATA"]) / "other"])])
    bank, new, unknown = (
        np.concatenate([both.predict(x[i : i + 500])[1] for i in range(0, len(x), 500)])
        for x in (train.x[:], others.x[:], unknown)
    )
    found: dict[int, Array] = {}
    for count in (count for count in COUNTS if count <= len(new) / 2):
        rows = []
        for seed in range(draws):
            chosen = np.random.default_rng(seed).permutation(len(new)) < count
            drawn = fit_detector(
                np.concatenate([bank, new[chosen]]), np.concatenate([train.y, others.y[chosen]]), classes,
                np.repeat([NOT_HELD_OUT, 0], [len(bank), count]), detector.layer, max_images=len(detector.neighbors),
            ).detector  # fmt: skip
            shares = [drawn.is_unknown(x).mean() for x in (new[~chosen], unknown)]
            rows.append([*shares, 1 / (~chosen).sum()])
        found[count] = np.array(rows)
    return found


def compare_rules(draws: int) -> None:
    """Print what two rules reject of new and of other images, from distances of frozen features."""
    data = {name: features(name) for name in (*FOLDERS, *UNKNOWN)}
    for name in FOLDERS:
        known = data[name]
        others = [data[other]["x"] for other in data if other != name]
        classes = int(known["y"].max()) + 1
        for few in (5, 10, 30):
            rows = []
            for seed in range(draws):
                train, test = split(known, seed, few)
                x, y = known["x"][train], known["y"][train]
                fitted = fit_detector(x, y, classes, content_folds(x, y, classes), "pool", groups=known["group"][train])
                parts = [fitted.detector.distances(part) for part in (known["x"][test], *others)]
                for rule in (cross_validated_quantile, held_out_quantile):
                    shares = [(part > rule(fitted.held_out, 1 - REJECTION_RATE)).mean() for part in parts]
                    rows.append([shares[0], np.mean(shares[1:])])
            mean = 100 * np.reshape(rows, (draws, 4)).mean(axis=0)
            print(f"| {name} | {few} | {mean[0]:.1f} / {mean[1]:.1f} % | {mean[2]:.1f} / {mean[3]:.1f} % |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="*", default=CHOSEN_ON + CONFIRMING)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--frozen", action="store_true")
    args = parser.parse_args()
    print(description(), st.__version__)
    if args.frozen:
        compare_rules(args.draws)
        return
    means: dict[int, list[list[float]]] = {}
    for case in args.cases:
        for count, rows in simulate(case, args.draws).items():
            low, high = share_beyond(REJECTION_RATE, count)
            within = ((rows[:, 0] >= low - rows[:, 2]) & (rows[:, 0] <= high + rows[:, 2])).mean()
            row = [100 * rows[:, 0].mean(), 100 * rows[:, 0].std(), 100 * within, 100 * rows[:, 1].mean()]
            if case not in CHOSEN_ON:
                means.setdefault(count, []).append(row)
            print(f"| {case} | {count} | {row[0]:.1f} ± {row[1]:.1f} % | {row[2]:.0f} % | {row[3]:.1f} % |", flush=True)
    for count, table in means.items():
        low, high = share_beyond(REJECTION_RATE, count)
        mean, least, most = (pick(table, axis=0) for pick in (np.mean, np.min, np.max))
        print(
            f"| n = {count}, stated {100 * low:.1f} to {100 * high:.1f} %, {len(table)} confirming | {mean[0]:.1f} % "
            f"({least[0]:.1f} to {most[0]:.1f}) | ± {mean[1]:.1f} | {mean[2]:.0f} % | {mean[3]:.1f} % |"
        )


if __name__ == "__main__":
    main()
