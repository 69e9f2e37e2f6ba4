"""How often the interval of a small set covers the true accuracy: cross-validation, and a test split of 10 %.

python benchmarks/small_sets.py [FOLDER ...] [--images 100] [--draws 40]

The true accuracy is that of the model which was trained on all images of the draw, on all other images of the folder.
The other images are a sample too, so the intervals cover the accuracy on all possible images somewhat more often.
"""

import numpy as np
from few_shot import POLICY, all_features, folder_parser
from machine import command, description

from striate._types import Array
from striate.data import load_folder
from striate.evaluation import Estimate, wilson_interval
from striate.evaluation.intervals import CROSS_VALIDATION
from striate.transfer.bases import open_base
from striate.transfer.linear_head import content_folds, fit_linear_head

FOLDS = 5
HELD_OUT = 0.1


def correct(logits: Array, y: Array) -> Array:
    return np.asarray(logits.argmax(axis=1) == y)


def main() -> None:
    parser = folder_parser("dogs-vs-cats", "flowers")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--draws", type=int, default=40)
    args = parser.parse_args()
    print(f"{description()}\n{command()}")
    base = open_base("efficientnet-lite0", POLICY.shape)
    for folder in args.folders:
        x, y = all_features(base, load_folder(folder, POLICY))
        classes, results = int(y.max()) + 1, {"cross-validation": [], "10 % held out": []}
        for seed in range(args.draws):
            rows = np.random.default_rng(seed).permutation(len(y))
            few, others = rows[: args.images], rows[args.images :]
            fitted = fit_linear_head(x[few], y[few], classes, content_folds(x[few], y[few], classes, FOLDS))
            truth = float(correct(fitted.head.logits(x[others]), y[others]).mean())
            hits = correct(fitted.logits, y[few])
            results["cross-validation"].append((wilson_interval(int(hits.sum()), len(few), CROSS_VALIDATION), truth))
            count = round(HELD_OUT * len(few))
            test, train = few[:count], few[count:]
            smaller = fit_linear_head(x[train], y[train], classes, content_folds(x[train], y[train], classes))
            hits = correct(smaller.head.logits(x[test]), y[test])
            truth = float(correct(smaller.head.logits(x[others]), y[others]).mean())
            results["10 % held out"].append((wilson_interval(int(hits.sum()), count), truth))
        print(f"\n{folder.name}, {args.draws} draws of {args.images} images")
        for name, values in results.items():
            show(name, values)


def show(name: str, values: list[tuple[Estimate, float]]) -> None:
    ends = np.array([(e.low or 0.0, e.value or 0.0, e.high or 0.0, truth) for e, truth in values])
    covered = 100 * ((ends[:, 0] <= ends[:, 3]) & (ends[:, 3] <= ends[:, 2])).mean()
    error = 100 * (ends[:, 1] - ends[:, 3])
    print(
        f"{name:17} interval covers the truth {covered:.0f} % of the time; mean width "
        f"{100 * (ends[:, 2] - ends[:, 0]).mean():.1f} points; reported − true {error.mean():+.1f} ± "
        f"{error.std(ddof=1):.1f} points; true {100 * ends[:, 3].mean():.1f} %",
        flush=True,
    )


if __name__ == "__main__":
    main()
