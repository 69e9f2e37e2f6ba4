"""Three exam scores predict the final one by gradient descent, beside the closed-form answer."""

import numpy as np

from striate._types import Array
from striate.engines.optimizers import SGD
from striate.systems.system import Finding, Say

X = np.array([[73, 80, 75], [93, 88, 93], [89, 91, 90], [96, 98, 100], [73, 66, 70]], np.float32)
Y = np.array([[152], [185], [180], [196], [142]], np.float32)
LEARNING_RATE, STEPS, SHOWN = 1e-6, 2001, 100


def linear_regression(say: Say, seed: int = 0) -> Finding:
    """Print the cost every 100 of 2,001 steps, then weights and predictions beside those of least squares."""
    from striate.building import build

    model = build("linear-regression", seed=seed)
    model.compile(SGD(LEARNING_RATE), "mean_squared_error")
    costs = []
    for step in range(STEPS):
        costs.append(model.train_on_batch(X, Y)["loss"])
        if step % SHOWN == 0:
            say(f"step {step:4}  cost {costs[-1]:,.4f}")
    best, weights = least_squares()
    predicted, ideal = model.predict(X)[:, 0], (_with_one(X) @ weights)[:, 0]
    say("scores         final  descent  least squares")
    for scores, final, ours, closed in zip(X, Y[:, 0], predicted, ideal, strict=True):
        say(f"{' '.join(f'{s:4.0f}' for s in scores)} {final:6.0f} {ours:8.2f} {closed:14.2f}")
    measured = f"cost {costs[0]:,.1f} → {costs[-1]:.3f} in {STEPS:,} steps; least squares {best:.3f}"
    return Finding(measured, right=best <= costs[-1] < costs[0])


def least_squares() -> tuple[float, Array]:
    """The lowest possible cost, and the weights (4, 1) that give it, the bias last."""
    weights = np.linalg.lstsq(_with_one(X), Y.astype(np.float64), rcond=None)[0]
    return float(np.square(_with_one(X) @ weights - Y).mean()), weights


def _with_one(x: Array) -> Array:
    return np.hstack([x.astype(np.float64), np.ones((len(x), 1))])  # (N, 3) → (N, 4)
