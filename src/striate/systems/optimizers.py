"""Six optimisers go down the same valley and train the same small network: their paths and their curves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from striate._types import Array
from striate.data import batches, epoch_order, load
from striate.engines.numpy.optimizers import walk
from striate.engines.optimizers import SGD, AdaGrad, Adam, Optimizer, RMSprop
from striate.systems.system import Finding, Say

START, PATH_STEPS, PATH_SHOWN = (-7.0, 2.0), 30, (1, 5, 10, 20, 30)
DIGITS, BATCH, CURVE_STEPS, CURVE_SHOWN = 1_000, 100, 60, 10
WIDE, HIGH, X_SPAN, Y_SPAN = 60, 13, (-7.5, 2.5), (-2.0, 2.0)
BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Contender:
    """An optimiser, with a learning rate for the valley and another for the network."""

    name: str
    rule: Optimizer
    valley_rate: float
    network_rate: float


CONTENDERS = (
    Contender("SGD", SGD(), 0.95, 0.1),
    Contender("momentum", SGD(momentum=0.9), 0.1, 0.1),
    Contender("Nesterov", SGD(momentum=0.9, nesterov=True), 0.1, 0.1),
    Contender("AdaGrad", AdaGrad(), 1.5, 0.01),
    Contender("RMSProp", RMSprop(), 0.3, 0.001),
    Contender("Adam", Adam(), 0.3, 0.001),
)


def optimizers(say: Say, seed: int = 0) -> Finding:
    """Print each path down f(x, y) = x²/20 + y² with a drawing, then each curve of the loss on 1,000 digits."""
    say(f"f(x, y) = x²/20 + y² from {START}; S start, o step, E end, + minimum")
    paths = {one.name: path(one) for one in CONTENDERS}
    for one in CONTENDERS:
        _show_path(say, one, paths[one.name])
    say(f"\nloss of mlp, 100 hidden units, on {DIGITS:,} digits; a step takes {BATCH} of them")
    curves = {one.name: curve(one, seed) for one in CONTENDERS}
    _show_curves(say, curves)
    distances = {name: float(np.hypot(*points[-1])) for name, points in paths.items()}
    near, low = min(distances, key=distances.__getitem__), min(curves, key=lambda name: curves[name][-1])
    fell = [bool(height(points[-1]) < height(points[0])) for points in paths.values()]
    fell += [losses[-1] < losses[0] for losses in curves.values()]
    measured = f"{near} ends nearest the minimum ({distances[near]:.3f} away), {low} has the lowest loss"
    return Finding(f"{measured} ({curves[low][-1]:.3f})", right=all(fell))


def height(points: Array) -> Array:
    """f at points (…, 2): a valley, steep in y and shallow in x."""
    return np.asarray(points[..., 0] ** 2 / 20 + points[..., 1] ** 2)


def slope(point: Array) -> Array:
    """The gradient (2,) of f at a point (2,)."""
    return point * (0.1, 2.0)


def path(one: Contender) -> Array:
    """All places (31, 2) on the way, the start first."""
    return walk(replace(one.rule, learning_rate=one.valley_rate), slope, START, PATH_STEPS)


def curve(one: Contender, seed: int) -> list[float]:
    """The loss on all digits before the first step and after each; first weights and batches depend on seed alone."""
    from striate.building import build

    digits = load("mnist5k").train
    digits = digits.take(epoch_order(len(digits.x), seed, 0)[:DIGITS])
    model = build("mlp", seed=seed, hidden=(100,), dropout=0.0)
    model.compile(replace(one.rule, learning_rate=one.network_rate))
    parts = batches(DIGITS, BATCH)
    losses = [model.evaluate(digits.x, digits.y)["loss"]]
    for step in range(CURVE_STEPS):
        part = parts[step % len(parts)]
        model.train_on_batch(digits.x[part], digits.y[part])
        losses.append(model.evaluate(digits.x, digits.y)["loss"])
    return losses


def drawing(points: Array) -> list[str]:
    """The path (steps + 1, 2) seen from above, at most HIGH lines of at most WIDE characters, y upwards."""
    canvas = np.full((HIGH, WIDE), " ")
    between = np.linspace(points[:-1], points[1:], WIDE).reshape(-1, 2)  # (WIDE, steps, 2) → (WIDE · steps, 2)
    for mark, marked in ((".", between), ("o", points), ("+", np.zeros((1, 2))), ("S", points[:1]), ("E", points[-1:])):
        canvas[_cells(marked[:, 1], Y_SPAN[::-1], HIGH), _cells(marked[:, 0], X_SPAN, WIDE)] = mark
    return "\n".join("".join(row).rstrip() for row in canvas).rstrip().splitlines()


def sparkline(values: Sequence[float], top: float) -> str:
    """One bar for each value, from the lowest at 0 to the highest at `top`."""
    return "".join(BARS[cell] for cell in _cells(np.asarray(values), (0.0, top), len(BARS)))


def _cells(values: Array, span: tuple[float, float], count: int) -> Array:
    """The nearest of `count` places across the span; what lies beyond it stands at the edge."""
    first, last = span
    return np.rint((values - first) / (last - first) * (count - 1)).clip(0, count - 1).astype(int)


def _show_path(say: Say, one: Contender, points: Array) -> None:
    shown = points[list(PATH_SHOWN)]
    say(f"\n{one.name}, learning rate {one.valley_rate}")
    say("  step" + "".join(f"{step:9}" for step in PATH_SHOWN))
    for name, numbers in (("x", shown[:, 0]), ("y", shown[:, 1]), ("f", height(shown))):
        say(f"  {name:4}" + "".join(f"{number:9.4f}" for number in numbers))
    for line in drawing(points):
        say(line)


def _show_curves(say: Say, curves: dict[str, list[float]]) -> None:
    steps = range(0, CURVE_STEPS + 1, CURVE_SHOWN)
    say("  step    " + "".join(f"{step:7}" for step in steps) + "  learning rate")
    for one in CONTENDERS:
        losses = curves[one.name]
        say(f"  {one.name:8}" + "".join(f"{losses[step]:7.3f}" for step in steps) + f"  {one.network_rate}")
    top = max(map(max, curves.values()))
    for name, losses in curves.items():
        say(f"  {name:8}  {sparkline(losses, top)}")
