"""Six optimizers compared: their paths in the same valley, and their loss curves on the same small network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import cos, sin, sqrt

import numpy as np
from markupsafe import Markup

from striate._types import Array, Echo
from striate.data import batches, epoch_order, load
from striate.engines.numpy.optimizers import minimize
from striate.engines.optimizers import SGD, AdaGrad, Adam, Optimizer, RMSprop
from striate.evaluation.charts import line_chart
from striate.evaluation.demonstration_page import DemonstrationPage, Figure, render_demonstration
from striate.evaluation.sections import t
from striate.language import translate
from striate.systems.system import DemoResult
from striate.text import sparkline

START, PATH_STEPS, PRINTED_STEPS = (-7.0, 2.0), 30, (1, 5, 10, 20, 30)
DIGITS, BATCH_SIZE, CURVE_STEPS, PRINT_EVERY = 1_000, 100, 60, 10
HIDDEN = 100  # units of the network
WIDTH, HEIGHT, X_RANGE, Y_RANGE = 60, 13, (-7.5, 2.5), (-2.0, 2.0)  # of the drawing, in characters and coordinates


@dataclass(frozen=True)
class ComparedOptimizer:
    """An optimizer, with one learning rate for the valley and another for the network."""

    name: str
    optimizer: Optimizer
    valley_rate: float
    network_rate: float


COMPARED_OPTIMIZERS = (
    ComparedOptimizer("SGD", SGD(), 0.95, 0.1),
    ComparedOptimizer("momentum", SGD(momentum=0.9), 0.1, 0.1),
    ComparedOptimizer("Nesterov", SGD(momentum=0.9, nesterov=True), 0.1, 0.1),
    ComparedOptimizer("AdaGrad", AdaGrad(), 1.5, 0.01),
    ComparedOptimizer("RMSProp", RMSprop(), 0.3, 0.001),
    ComparedOptimizer("Adam", Adam(), 0.3, 0.001),
)


def optimizers(echo: Echo, seed: int = 0) -> DemoResult:
    """Print and draw each path down f(x, y) = x²/20 + y², then print each loss curve on 1,000 digits.

    Args:
        echo: Prints a line.
        seed: Seed of the initial weights and of the choice of digits.

    Returns:
        The result, with a page.
    """
    echo(translate("f(x, y) = x²/20 + y² from {start}; S start, o step, E end, + minimum", start=START))
    paths = {compared.name: path(compared) for compared in COMPARED_OPTIMIZERS}
    for compared in COMPARED_OPTIMIZERS:
        _print_path(echo, compared, paths[compared.name])
    text = "loss of mlp, 100 hidden units, on {digits:,} digits, batches of {size}"
    echo("\n" + translate(text, digits=DIGITS, size=BATCH_SIZE))
    curves = {compared.name: curve(compared, seed) for compared in COMPARED_OPTIMIZERS}
    _print_curves(echo, curves)
    distances = {name: float(np.hypot(*points[-1])) for name, points in paths.items()}
    nearest, lowest = min(distances, key=distances.__getitem__), min(curves, key=lambda name: curves[name][-1])
    descended = [bool(valley(points[-1]) < valley(points[0])) for points in paths.values()]
    descended += [losses[-1] < losses[0] for losses in curves.values()]
    measured = f"{nearest} ends nearest the minimum ({distances[nearest]:.3f} away), {lowest} has the lowest loss"
    page = render_demonstration("optimizers", _page(paths, curves, nearest, lowest))
    return DemoResult(f"{measured} ({curves[lowest][-1]:.3f})", passed=all(descended), page=page)


def valley(points: Array) -> Array:
    """Return f at several points: a valley, steep in y and shallow in x.

    Args:
        points: (…, 2).

    Returns:
        Values (…).
    """
    return np.asarray(points[..., 0] ** 2 / 20 + points[..., 1] ** 2)


def gradient(point: Array) -> Array:
    """Return the gradient of f.

    Args:
        point: (2,).

    Returns:
        (2,).
    """
    return point * (0.1, 2.0)


def path(compared: ComparedOptimizer) -> Array:
    """Return the path of an optimizer in the valley.

    Args:
        compared: The optimizer.

    Returns:
        All points (31, 2), the start first.
    """
    return minimize(replace(compared.optimizer, learning_rate=compared.valley_rate), gradient, START, PATH_STEPS)


def curve(compared: ComparedOptimizer, seed: int) -> list[float]:
    """Return the loss on all digits before the first step and after each; all optimizers see the same batches.

    Args:
        compared: The optimizer.
        seed: Seed of the initial weights and of the choice of digits.

    Returns:
        The losses.
    """
    from striate.zoo import build

    digits = load("mnist5k").train
    digits = digits.take(epoch_order(len(digits.x), seed, 0)[:DIGITS])
    model = build("mlp", seed=seed, hidden=(HIDDEN,), dropout=0.0)
    model.compile(replace(compared.optimizer, learning_rate=compared.network_rate))
    parts = batches(DIGITS, BATCH_SIZE)
    losses = [model.evaluate(digits.x, digits.y)["loss"]]
    for step in range(CURVE_STEPS):
        part = parts[step % len(parts)]
        model.train_on_batch(digits.x[part], digits.y[part])
        losses.append(model.evaluate(digits.x, digits.y)["loss"])
    return losses


def _page(
    paths: Mapping[str, Array], curves: Mapping[str, Sequence[float]], nearest: str, lowest: str
) -> DemonstrationPage:
    """Return the page with a drawing of each path among contours, and one of all loss curves."""
    charts, styles = [], {compared.name: f"line-{number}" for number, compared in enumerate(COMPARED_OPTIMIZERS, 1)}
    for compared in COMPARED_OPTIMIZERS:
        path = ((styles[compared.name]), list(map(tuple, paths[compared.name].tolist())))
        caption = f"{compared.name}, η = {compared.valley_rate}"
        charts.append(line_chart("optimizers_paths", [*CONTOURS, path], "optimizers_x", equal=True, caption=caption))
    lines = [(styles[name], list(enumerate(losses))) for name, losses in curves.items()]
    legend = [(styles[each.name], f"{each.name}, η = {each.network_rate}") for each in COMPARED_OPTIMIZERS]
    return DemonstrationPage(
        title="optimizers",
        headline=t("optimizers_headline", lowest=lowest, nearest=nearest, steps=CURVE_STEPS),
        texts=[
            t("optimizers_what", steps=PATH_STEPS), t("optimizers_network", units=HIDDEN, digits=f"{DIGITS:,}"),
        ],
        figures=[
            Figure("optimizers_paths", Markup("").join(charts), several=True),
            Figure("optimizers_losses", line_chart("optimizers_losses", lines, "optimizers_step"), legend=legend),
        ],
    )  # fmt: skip


def contour(height: float) -> list[tuple[float, float]]:
    """Return points of a contour of f, an ellipse.

    Args:
        height: Value of f on the contour.

    Returns:
        Points (x, y).
    """
    angles = np.linspace(0, 2 * np.pi, 73)
    return [(sqrt(20 * height) * cos(angle), sqrt(height) * sin(angle)) for angle in angles]


CONTOURS = [("contour", contour(height)) for height in (0.1, 0.5, 1.2, 2.2)]


def drawing(points: Array) -> list[str]:
    """Draw a path in plain text, with y upwards.

    Args:
        points: (steps + 1, 2).

    Returns:
        At most HEIGHT lines of at most WIDTH characters.
    """
    canvas = np.full((HEIGHT, WIDTH), " ")
    between = np.linspace(points[:-1], points[1:], WIDTH).reshape(-1, 2)  # (WIDTH, steps, 2) → (WIDTH · steps, 2)
    for mark, marked in ((".", between), ("o", points), ("+", np.zeros((1, 2))), ("S", points[:1]), ("E", points[-1:])):
        canvas[_cells(marked[:, 1], Y_RANGE[::-1], HEIGHT), _cells(marked[:, 0], X_RANGE, WIDTH)] = mark
    return "\n".join("".join(row).rstrip() for row in canvas).rstrip().splitlines()


def _cells(values: Array, limits: tuple[float, float], count: int) -> Array:
    """Return the nearest of `count` positions across the range; values outside are clipped to its ends."""
    first, last = limits
    return np.rint((values - first) / (last - first) * (count - 1)).clip(0, count - 1).astype(int)


def _print_path(echo: Echo, compared: ComparedOptimizer, points: Array) -> None:
    shown = points[list(PRINTED_STEPS)]
    echo("\n" + translate("{name}, learning rate {rate}", name=compared.name, rate=compared.valley_rate))
    echo("  step" + "".join(f"{step:9}" for step in PRINTED_STEPS))
    for name, numbers in (("x", shown[:, 0]), ("y", shown[:, 1]), ("f", valley(shown))):
        echo(f"  {name:4}" + "".join(f"{number:9.4f}" for number in numbers))
    for line in drawing(points):
        echo(line)


def _print_curves(echo: Echo, curves: dict[str, list[float]]) -> None:
    steps = range(0, CURVE_STEPS + 1, PRINT_EVERY)
    echo("  step    " + "".join(f"{step:7}" for step in steps) + "  " + translate("learning rate"))
    for compared in COMPARED_OPTIMIZERS:
        losses = curves[compared.name]
        echo(f"  {compared.name:8}" + "".join(f"{losses[step]:7.3f}" for step in steps) + f"  {compared.network_rate}")
    top = max(map(max, curves.values()))
    for name, losses in curves.items():
        echo(f"  {name:8}  {sparkline(losses, top)}")
