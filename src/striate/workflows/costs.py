"""What errors cost by a table of costs."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path

import numpy as np

from striate._types import Array
from striate.data.tables import Table, read_table
from striate.errors import DataError, UsageError
from striate.evaluation.costs import ExpectedCost, expected_cost
from striate.tasks import Task
from striate.workflows.evaluate import EvaluationResult


def measure_costs(result: EvaluationResult, path: str | Path) -> ExpectedCost:
    """Return what the errors of an evaluated model cost.

    Args:
        result: The evaluation.
        path: A table of costs, see `read_costs`.

    Returns:
        The mean cost of an image.

    Raises:
        UsageError: The model is no classifier of one class per image.
    """
    found = result.predictions
    if found.decision.task is not Task.CLASSIFICATION:
        raise UsageError(f"--costs is for classification; the model's task is {found.decision.task}.")
    return expected_cost(found.probabilities, found.labels, read_costs(path, found.classes))


def read_costs(path: str | Path, classes: Sequence[str]) -> Array:
    r"""Read what it costs to predict one class for an image of another.

    The first row of the table has the predicted classes, the first column the true ones, in any order.

    Args:
        path: A CSV file.
        classes: The classes of the model.

    Returns:
        Float64 (K, K): row: true class, column: predicted class.

    Raises:
        DataError: The file cannot be read, a class is missing, unknown or there twice, or a cost is not a number.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "costs.csv")
        ...     _ = file.write_text("true,good,defect\ngood,0,1\ndefect,20,0\n")
        ...     read_costs(file, ("defect", "good")).tolist()
        [[0.0, 20.0], [1.0, 0.0]]
    """
    table = read_table(path)
    if table.header is None:
        raise DataError(
            f"'{path}' has no header: its first row must name the predicted classes, such as {_line(classes)}."
        )
    columns, rows = table.header[1:], tuple(row[0] for row in table.rows)
    for where, names in (("first row", columns), ("first column", rows)):
        wrong = sorted(set(names) ^ set(classes))
        if wrong:
            problem = "is not a class of the model" if wrong[0] in names else "is missing"
            raise DataError(f"'{path}': '{wrong[0]}' {problem} in its {where}. The classes are: {', '.join(classes)}.")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"'{path}': '{twice}' is in its {where} more than once.")
    costs = np.empty((len(classes), len(classes)))
    for number, row in enumerate(table.rows):
        for name, cell in zip(columns, row[1:], strict=True):
            costs[classes.index(row[0]), classes.index(name)] = _number(table, number, cell)
    return costs


def _line(classes: Sequence[str]) -> str:
    return ",".join(("true", *classes[:3])) + (",…" if len(classes) > 3 else "")


def _number(table: Table, row: int, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise DataError(f"'{table.path}': line {table.lines[row]} has '{cell}' where a cost is expected, a number.")
    return value
