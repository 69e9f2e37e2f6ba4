"""The demonstration `optimizers`: its paths compared with plain loops, and its result."""

from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest

from striate.engines.numpy.optimizers import minimize
from striate.engines.optimizers import SGD, AdamW
from striate.systems import optimizers as demo

Point = tuple[float, float]
Memory = list[float]
Rule = Callable[[float, float, float, Memory, int], float]


def sgd(w: float, g: float, rate: float, memory: Memory, t: int) -> float:
    return w - rate * g


def momentum(w: float, g: float, rate: float, memory: Memory, t: int) -> float:
    memory[0] = 0.9 * memory[0] - rate * g  # the velocity includes η: another form of the same rule
    return w + memory[0]


def nesterov(w: float, g: float, rate: float, memory: Memory, t: int) -> float:
    before, memory[0] = memory[0], 0.9 * memory[0] - rate * g
    return w - 0.9 * before + 1.9 * memory[0]


def adagrad(w: float, g: float, rate: float, memory: Memory, t: int) -> float:
    memory[0] += g * g
    return w - rate * g / (sqrt(memory[0]) + 1e-7)


def rmsprop(w: float, g: float, rate: float, memory: Memory, t: int) -> float:
    memory[0] = 0.9 * memory[0] + 0.1 * g * g
    return w - rate * g / (sqrt(memory[0]) + 1e-7)


def adam(w: float, g: float, rate: float, memory: Memory, t: int) -> float:
    memory[0] = 0.9 * memory[0] + 0.1 * g
    memory[1] = 0.999 * memory[1] + 0.001 * g * g
    return w - rate * memory[0] / (1 - 0.9**t) / (sqrt(memory[1] / (1 - 0.999**t)) + 1e-7)


def textbook_path(rule: Rule, rate: float) -> list[Point]:
    """Return thirty steps on x²/20 + y² from (−7, 2), computed one number at a time."""
    x, y = -7.0, 2.0
    of_x, of_y = [0.0, 0.0], [0.0, 0.0]
    path = [(x, y)]
    for t in range(1, 31):
        x, y = rule(x, x / 10, rate, of_x, t), rule(y, 2 * y, rate, of_y, t)
        path.append((x, y))
    return path


@pytest.mark.parametrize("number", range(6))
def test_paths_equal_those_of_the_textbook(number: int) -> None:
    rule, contender = (sgd, momentum, nesterov, adagrad, rmsprop, adam)[number], demo.COMPARED_OPTIMIZERS[number]
    assert contender.name.lower() == rule.__name__
    np.testing.assert_allclose(demo.path(contender), textbook_path(rule, contender.valley_rate), rtol=1e-9, atol=1e-12)


def test_walk_applies_weight_decay_without_changing_the_gradient() -> None:
    flat = np.zeros(3)
    path = minimize(AdamW(learning_rate=0.5, weight_decay=0.1), lambda point: flat, (1.0, -2.0, 4.0), 2)
    np.testing.assert_allclose(path, np.outer([1, 0.95, 0.95**2], [1.0, -2.0, 4.0]))
    steady = np.ones(2)
    path = minimize(SGD(0.1, weight_decay=0.5), lambda point: steady, (1.0, 0.0), 1)
    np.testing.assert_allclose(path[1], [1 - 0.1 * 1.5, -0.1])
    assert steady.tolist() == [1, 1]


def test_drawing_has_the_y_axis_upwards() -> None:
    lines = demo.drawing(np.array([[-7.5, 2], [2.5, 2], [2.5, -2]]))
    assert len(lines) == demo.HEIGHT
    assert lines[0] == "S" + "." * (demo.WIDTH - 2) + "o"
    assert [line[-1] for line in lines] == ["o", *"." * (demo.HEIGHT - 2), "E"]
    assert lines[demo.HEIGHT // 2].index("+") == 44  # (0, 0): three quarters of the way from −7.5 to 2.5


def test_demonstration_fails_if_an_optimizer_diverges(monkeypatch: pytest.MonkeyPatch) -> None:
    climber = demo.ComparedOptimizer("SGD", SGD(), 1.01, 0.1)
    monkeypatch.setattr(demo, "COMPARED_OPTIMIZERS", (climber,))
    monkeypatch.setattr(demo, "curve", lambda contender, seed: np.linspace(2, 1, 61).tolist())
    printed: list[str] = []
    assert demo.valley(demo.path(climber)[-1]) > demo.valley(demo.path(climber)[0])
    result = demo.optimizers(printed.append)
    assert not result.passed
    assert result.measured.endswith("SGD has the lowest loss (1.000)")
