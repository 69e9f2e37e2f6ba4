"""How often the 95 % intervals of several labels and of numbers cover the true figure, by simulation.

python benchmarks/interval_coverage.py [--draws 300]

Predictions and targets are drawn from populations of which the true figures are known: labels
that 5 to 40 % of the images have, with calibrated probabilities; numbers with normal and with heavy-tailed errors.
"""

import argparse
from collections import defaultdict

import numpy as np
from machine import description
from sklearn.metrics import average_precision_score, f1_score, r2_score

import striate as st
from striate._types import Array
from striate.evaluation.intervals import Estimate
from striate.evaluation.multilabel import evaluate_labels
from striate.evaluation.regression import evaluate_regression

COUNTS = (20, 50, 100, 300)
POPULATION = 300_000
SHARES = np.array([0.05, 0.1, 0.2, 0.3, 0.4])
LABELS = tuple("abcde")


def labels(rng: np.random.Generator, images: int) -> tuple[Array, Array]:
    """Return probabilities and truth (N, 5)."""
    logits = np.log(SHARES / (1 - SHARES)) - 1 + rng.normal(0, 2.5, (images, len(SHARES)))
    probabilities = 1 / (1 + np.exp(-logits))
    return probabilities, (rng.random(probabilities.shape) < probabilities).astype(np.int64)


def numbers(rng: np.random.Generator, images: int) -> tuple[Array, Array]:
    """Return predictions and truth (N, 2): of the second target a tenth of the errors is five times as large."""
    truth = rng.normal(0, 3, (images, 2))
    scale = np.where(rng.random((images, 2)) < [0, 0.1], 5, 1)
    return truth + scale * rng.normal(0, 1, (images, 2)), truth


def figures_of_labels(p: Array, y: Array) -> dict[str, Estimate]:
    found = evaluate_labels(p, y, LABELS, [0.5] * len(LABELS))
    return {
        "mAP": found.mean_average_precision, "macro F1": found.macro_f1, "micro F1": found.micro_f1,
        "exact match": found.exact_match, "AP of one label": found.per_class[1].average_precision,
    }  # fmt: skip


def figures_of_numbers(p: Array, y: Array) -> dict[str, Estimate]:
    found = evaluate_regression(p, y, ("normal", "heavy tails")).targets
    return {
        f"{name}, {target.name}": estimate
        for target in found
        for name, estimate in (("MAE", target.mae), ("RMSE", target.rmse), ("R²", target.r2))
    }


def true_figures(rng: np.random.Generator) -> dict[str, float]:
    """Return the figures of the populations, by scikit-learn."""
    p, y = labels(rng, POPULATION)
    predicted = p >= 0.5
    found = {
        "mAP": average_precision_score(y, p), "macro F1": f1_score(y, predicted, average="macro"),
        "micro F1": f1_score(y, predicted, average="micro"), "exact match": (predicted == y).all(axis=1).mean(),
        "AP of one label": average_precision_score(y[:, 1], p[:, 1]),
    }  # fmt: skip
    p, y = numbers(rng, POPULATION)
    for k, name in enumerate(("normal", "heavy tails")):
        found[f"MAE, {name}"] = np.abs(p - y)[:, k].mean()
        found[f"RMSE, {name}"] = np.sqrt(np.square(p - y)[:, k].mean())
        found[f"R², {name}"] = r2_score(y[:, k], p[:, k])
    return {name: float(value) for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=300)
    args = parser.parse_args()
    print(description(), st.__version__)
    rng = np.random.default_rng(0)
    truth = true_figures(rng)
    covered: dict[str, dict[int, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for count in COUNTS:
        for _ in range(args.draws):
            found = figures_of_labels(*labels(rng, count)) | figures_of_numbers(*numbers(rng, count))
            for name, estimate in found.items():
                if estimate.low is not None and estimate.high is not None:
                    covered[name][count].append(estimate.low <= truth[name] <= estimate.high)
    print("| figure | truth | " + " | ".join(f"{count} images" for count in COUNTS) + " |")
    for name, by_count in covered.items():
        shares = " | ".join(f"{100 * np.mean(by_count[count]):.1f} %" for count in COUNTS)
        print(f"| {name} | {truth[name]:.3f} | {shares} |")


if __name__ == "__main__":
    main()
