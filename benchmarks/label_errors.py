"""Swap labels at random and count how many are found; compare with confident learning and cleanlab.

python benchmarks/label_errors.py [FOLDER …] [--seeds 5] [--share 0.05]

All methods get the same held-out probabilities: those of `striate data audit`. "found" is the share of the swapped
labels among the first 1.5 · n suggestions, where n is the number of swapped labels. cleanlab is compared if it is
installed.
"""

import argparse
import os
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from machine import command, description

from striate._types import Array
from striate.audit import find_label_errors
from striate.data.groups import identical_groups
from striate.workflows.audit import features_of_folder, held_out_probabilities

NAMES = ("flowers", "sign-digits", "trash", "steel-defects", "dogs-vs-cats")
Method = Callable[[Array, Array], Array]  # rows to check, the most suspicious first


def swap(y: Array, classes: int, share: float, seed: int) -> tuple[Array, Array]:
    """Return labels of which a share is replaced by another class, and the rows of these labels."""
    rng = np.random.default_rng(seed)
    count = round(share * len(y))
    rows = rng.choice(len(y), count, replace=False)
    labels = y.copy()
    labels[rows] = (y[rows] + rng.integers(1, classes, count)) % classes
    return labels, rows


def by_model(p: Array, y: Array) -> Array:
    return find_label_errors(p, y).indices


def confident_learning(p: Array, y: Array) -> Array:
    """Confident learning as published: the off-diagonal of the confident joint, ranked by normalized margin."""
    rows, classes = np.arange(len(y)), p.shape[1]
    thresholds = np.array([p[y == k, k].mean() if (y == k).any() else 1 for k in range(classes)])
    confident = np.where(p >= thresholds, p, -1.0)
    suspicious = (confident.max(axis=1) >= 0) & (confident.argmax(axis=1) != y)
    return rows[suspicious][np.argsort(_margin(p, y)[suspicious], kind="stable")]


def self_confidence(p: Array, y: Array) -> Array:
    return np.argsort(p[np.arange(len(y)), y], kind="stable")


def normalized_margin(p: Array, y: Array) -> Array:
    return np.argsort(_margin(p, y), kind="stable")


def _margin(p: Array, y: Array) -> Array:
    rows, others = np.arange(len(y)), p.copy()
    others[rows, y] = -1
    return p[rows, y] - others.max(axis=1)


def of_cleanlab(ranking: str, filter_by: str | None) -> Method:
    def rows(p: Array, y: Array) -> Array:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if filter_by is None:
                scores = import_module("cleanlab.rank").get_label_quality_scores(y, p, method=ranking)
                return np.argsort(scores, kind="stable")
            find = import_module("cleanlab.filter").find_label_issues
            return np.asarray(find(y, p, return_indices_ranked_by=ranking, filter_by=filter_by, n_jobs=1))

    return rows


def methods() -> dict[str, Method]:
    found: dict[str, Method] = {
        "striate.audit": by_model,
        "confident learning": confident_learning,
        "all, by self-confidence": self_confidence,
        "all, by normalized margin": normalized_margin,
    }
    if find_spec("cleanlab"):
        name = f"cleanlab {version('cleanlab')}"
        found[f"{name}, find_label_issues"] = of_cleanlab("self_confidence", "prune_by_noise_rate")
        found[f"{name}, all, by self-confidence"] = of_cleanlab("self_confidence", None)
        found[f"{name}, all, by normalized margin"] = of_cleanlab("normalized_margin", None)
    return found


def held_out(features: Mapping[str, Array], y: Array, classes: int, digests: Array) -> Array:
    return held_out_probabilities(features, y, classes, digests, identical_groups(digests))[0]


def measure(folder: Path, seeds: int, share: float) -> None:
    layout, features, digests = features_of_folder(folder)
    truth, classes = layout.y, len(layout.classes)
    clean = held_out(features, truth, classes, digests)
    accuracy = (clean.argmax(axis=1) == truth).mean()
    print(f"\n{folder.name}: {len(truth):,} images, {classes} classes, held-out accuracy {100 * accuracy:.1f} %; "
          f"{round(share * len(truth))} labels swapped; {seeds} seeds")  # fmt: skip
    runs = []
    for seed in range(seeds):
        labels, rows = swap(truth, classes, share, seed)
        runs.append((held_out(features, labels, classes, digests), labels, rows))
    rates = [find_label_errors(p, labels).rate for p, labels, _ in runs]
    print(f"  estimated share of wrong labels: {100 * find_label_errors(clean, truth).rate:.2f} % without swaps, "
          f"{100 * np.mean(rates):.2f} ± {100 * np.std(rates, ddof=1):.2f} % with")  # fmt: skip
    print(f"  {'method':44} found in 1.5 n      suggested / n   suggested without swaps")
    for name, method in methods().items():
        found, sizes = [], []
        for p, labels, rows in runs:
            suggested = method(p, labels)
            found.append(np.isin(rows, suggested[: int(1.5 * len(rows))]).mean())
            sizes.append(len(suggested) / len(rows))
        share_clean = len(method(clean, truth)) / len(truth)
        listed = "all" if share_clean == 1 else f"{100 * share_clean:.2f} %"
        print(f"  {name:44} {100 * np.mean(found):5.1f} ± {100 * np.std(found, ddof=1):4.1f} %      "
              f"{np.mean(sizes):5.2f}           {listed}", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    data = Path(os.environ.get("STRIATE_DATA", "."))
    parser.add_argument("folders", type=Path, nargs="*", default=[data / name for name in NAMES])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.05)
    args = parser.parse_args()
    print(description(), command(), sep="\n")
    for folder in args.folders:
        measure(folder, args.seeds, args.share)


if __name__ == "__main__":
    main()
