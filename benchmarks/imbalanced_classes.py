"""Recall of rare classes on features, without weights, with weights in the loss and with class_weights=true.

python benchmarks/imbalanced_classes.py [FOLDER ...] [--seeds 5]
"""

import numpy as np
from few_shot import POLICY, all_features, folder_parser
from machine import command, description

from striate._types import Array
from striate.data import load_folder
from striate.transfer.bases import open_base
from striate.transfer.extraction import balancing_shift
from striate.transfer.linear_head import content_folds, fit_linear_head, fit_logistic_regression
from striate.transfer.standardization import FeatureScaler

RATIO = 15  # images of the largest class to those of the smallest
TRAINED = 0.7  # of each class, at most; the rest is tested on


def draw(y: Array, seed: int) -> tuple[Array, Array, Array]:
    """Return rows to train on, whose classes have falling sizes in random order, rows to test on, and the sizes."""
    rng, classes, fewest = np.random.default_rng(seed), int(y.max()) + 1, int(np.bincount(y).min())
    most = int(TRAINED * fewest)
    sizes = rng.permutation(np.geomspace(most, max(4, most // RATIO), classes).astype(int))
    rows = [rng.permutation(np.flatnonzero(y == k)) for k in range(classes)]
    train = np.concatenate([each[:size] for each, size in zip(rows, sizes, strict=True)])
    return train, np.concatenate([each[most:fewest] for each in rows]), sizes


def weighted_logits(x: Array, y: Array, penalty: float, test: Array) -> Array:
    """Return the logits of a head fitted to images that are repeated until all classes are equally frequent."""
    counts = np.bincount(y)
    rows = np.concatenate([np.resize(np.flatnonzero(y == k), counts.max()) for k in range(len(counts))])
    scaler = FeatureScaler.fit(x)
    head = fit_logistic_regression(scaler.transform(x[rows]), y[rows], len(counts), penalty)
    return head.logits(scaler.transform(test))


def main() -> None:
    parser = folder_parser("trash", "flowers")
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    print(f"{description()}\n{command()}")
    base = open_base("efficientnet-lite0", POLICY.shape)
    for folder in args.folders:
        x, y = all_features(base, load_folder(folder, POLICY))
        classes, results = int(y.max()) + 1, {}
        for seed in range(args.seeds):
            train, test, sizes = draw(y, seed)
            fitted = fit_linear_head(x[train], y[train], classes, content_folds(x[train], y[train], classes))
            logits = fitted.head.logits(x[test])
            answers = {
                "as they occur": logits,
                "class weights in the loss": weighted_logits(x[train], y[train], fitted.penalty, x[test]),
                "--set class_weights=true": logits + balancing_shift(y[train], classes),
            }
            for name, values in answers.items():
                recalls = [float((values[y[test] == k].argmax(axis=1) == k).mean()) for k in range(classes)]
                rare = np.mean([recalls[k] for k in np.argsort(sizes)[: max(1, classes // 3)]])
                usual = float(np.average(recalls, weights=sizes))
                results.setdefault(name, []).append((usual, np.mean(recalls), rare))
        print(f"\n{folder.name}, {args.seeds} draws: accuracy at the training frequencies, mean recall, recall of the "
              f"rarest third, in %")  # fmt: skip
        for name, values in results.items():
            means, spread = 100 * np.mean(values, axis=0), 100 * np.std(values, axis=0, ddof=1)
            print(
                f"{name:26}" + "".join(f"{m:8.1f} ± {s:4.1f}" for m, s in zip(means, spread, strict=True)), flush=True
            )


if __name__ == "__main__":
    main()
