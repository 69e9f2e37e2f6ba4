"""Recall of wrong label sets and values by `striate data audit`: 5 % of the images get wrong ones, over several seeds.

The images are those of tasks.py. In label sets one label is added or left out; numbers are replaced by others, which
differ by at least two. `python benchmarks/task_labels.py [--images 600] [--seeds 3]`
"""

import argparse
import csv
import os
import tempfile
from pathlib import Path

import numpy as np
from machine import description
from tasks import write_collages, write_digits

from striate.data.labels import LabelFile
from striate.tasks import Task
from striate.workflows.audit import audit_folder

SHARE = 0.05


def spoil(table: Path, out: Path, task: Task, seed: int) -> set[str]:
    """Write the table with wrong labels, and return the files that have them; without a seed (-1) none."""
    rng = np.random.default_rng(seed) if seed >= 0 else None
    with table.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    chosen = rng.choice(len(rows), round(SHARE * len(rows)), replace=False).tolist() if rng else []
    kinds = sorted({kind for _, labels in rows for kind in labels.split(";")})
    for row in chosen:
        assert rng is not None
        if task is Task.MULTILABEL:
            rows[row][1] = ";".join(sorted(set(rows[row][1].split(";")) ^ {rng.choice(kinds)}))
        else:
            number = int(rows[row][1])
            rows[row][1] = str(rng.choice([other for other in range(10) if abs(other - number) > 1]))
    with out.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return {rows[row][0] for row in chosen}


def measure(folder: Path, table: Path, task: Task, seeds: int) -> str:
    found, suggested, clean = [], [], 0.0
    for seed in range(-1, seeds):
        out = folder.parent / f"spoiled-{seed}.csv"
        wrong = spoil(table, out, task, seed)
        audit = audit_folder(folder, labels=LabelFile(str(out), task)).audit
        names = [audit.names[item.index] for item in audit.suspicious]
        if seed < 0:
            clean = 100 * len(names) / len(audit.names)
        else:
            found.append(100 * len(wrong & set(names)) / len(wrong))
            suggested.append(len(names) / len(wrong))
    return (
        f"| {task} | {np.mean(found):.1f} ± {np.std(found, ddof=1):.1f} % | {np.mean(suggested):.2f} | {clean:.2f} % |"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    print(description())
    print("| task | wrong ones found | suggested / wrong | suggested without wrong ones |")
    print("|---|---|---|---|")
    for task in (Task.MULTILABEL, Task.REGRESSION):
        with tempfile.TemporaryDirectory() as root:
            folder = Path(root) / "images"
            folder.mkdir()
            flowers = Path(os.environ.get("STRIATE_DATA", ".")) / "flowers"
            multilabel = task is Task.MULTILABEL
            written = write_collages(folder, flowers, args.images) if multilabel else write_digits(folder, args.images)
            table = Path(written).rename(folder.parent / "labels.csv")
            print(measure(folder, table, task, args.seeds), flush=True)


if __name__ == "__main__":
    main()
