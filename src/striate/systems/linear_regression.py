"""Linear regression by gradient descent, compared with the closed-form solution: exam scores predict a final score."""

import numpy as np

from striate._types import Array, Echo
from striate.engines.optimizers import SGD
from striate.language import translate
from striate.systems.system import DemoResult
from striate.text import table

X = np.array([[73, 80, 75], [93, 88, 93], [89, 91, 90], [96, 98, 100], [73, 66, 70]], np.float32)
Y = np.array([[152], [185], [180], [196], [142]], np.float32)
LEARNING_RATE, STEPS, PRINT_EVERY = 1e-6, 2001, 100


def linear_regression(echo: Echo, seed: int = 0) -> DemoResult:
    """Print the cost every 100 of 2,001 steps, then the predictions and those of least squares.

    Args:
        echo: Prints a line.
        seed: Seed of the initial weights.

    Returns:
        The result.
    """
    from striate.zoo import build

    model = build("linear-regression", seed=seed)
    model.compile(SGD(LEARNING_RATE), "mean_squared_error")
    costs = []
    for step in range(STEPS):
        costs.append(model.train_on_batch(X, Y)["loss"])
        if step % PRINT_EVERY == 0:
            echo(translate("step {step:4}  cost {cost:,.4f}", step=step, cost=costs[-1]))
    best, weights = least_squares()
    predicted, optimal = model.predict(X)[:, 0], (_with_bias(X) @ weights)[:, 0]
    rows = [tuple(map(translate, ("scores", "final", "descent", "least squares")))]
    for scores, final, descent, closed in zip(X, Y[:, 0], predicted, optimal, strict=True):
        rows.append((" ".join(f"{s:4.0f}" for s in scores), f"{final:.0f}", f"{descent:.2f}", f"{closed:.2f}"))
    for line in table(rows, right=range(1, 4)):
        echo(line)
    measured = f"cost {costs[0]:,.1f} → {costs[-1]:.3f} in {STEPS:,} steps; least squares {best:.3f}"
    return DemoResult(measured, passed=best <= costs[-1] < costs[0])


def least_squares() -> tuple[float, Array]:
    """Return the lowest possible cost, and the weights (4, 1) that reach it, the bias last."""
    weights = np.linalg.lstsq(_with_bias(X), Y.astype(np.float64), rcond=None)[0]
    return float(np.square(_with_bias(X) @ weights - Y).mean()), weights


def _with_bias(x: Array) -> Array:
    return np.hstack([x.astype(np.float64), np.ones((len(x), 1))])  # (N, 3) → (N, 4)
