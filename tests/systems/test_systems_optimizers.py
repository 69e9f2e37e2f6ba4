"""The demonstration `optimizers`: paths against textbook loops written out here, and what it says of them."""

from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest

from striate.engines.numpy.optimizers import walk
from striate.engines.optimizers import SGD, AdamW
from striate.systems import optimizers as demo

Point = tuple[float, float]
Memory = list[float]
Rule = Callable[[float, float, float, Memory, int], float]


def sgd(w: float, g: float, rate: float, memory: Memory, t: int) -> float:
    return w - rate * g


def momentum(w: float, g: float, rate: float, memory: Memory, t: int) -> float:
    memory[0] = 0.9 * memory[0] - rate * g  # the velocity with η inside: another form of the same rule
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


def textbook(rule: Rule, rate: float) -> list[Point]:
    """Thirty steps down x²/20 + y² from (−7, 2), one number at a time."""
    x, y = -7.0, 2.0
    of_x, of_y = [0.0, 0.0], [0.0, 0.0]
    path = [(x, y)]
    for t in range(1, 31):
        x, y = rule(x, x / 10, rate, of_x, t), rule(y, 2 * y, rate, of_y, t)
        path.append((x, y))
    return path


@pytest.mark.parametrize("number", range(6))
def test_paths_are_those_of_the_textbook(number: int) -> None:
    rule, one = (sgd, momentum, nesterov, adagrad, rmsprop, adam)[number], demo.CONTENDERS[number]
    assert one.name.lower() == rule.__name__
    np.testing.assert_allclose(demo.path(one), textbook(rule, one.valley_rate), rtol=1e-9, atol=1e-12)


def test_walk_decays_all_numbers_and_leaves_the_gradient_alone() -> None:
    flat = np.zeros(3)
    path = walk(AdamW(learning_rate=0.5, weight_decay=0.1), lambda point: flat, (1.0, -2.0, 4.0), 2)
    np.testing.assert_allclose(path, np.outer([1, 0.95, 0.95**2], [1.0, -2.0, 4.0]))
    steady = np.ones(2)
    path = walk(SGD(0.1, weight_decay=0.5), lambda point: steady, (1.0, 0.0), 1)
    np.testing.assert_allclose(path[1], [1 - 0.1 * 1.5, -0.1])
    assert steady.tolist() == [1, 1]


def test_drawing_has_the_path_the_right_way_up() -> None:
    lines = demo.drawing(np.array([[-7.5, 2], [2.5, 2], [2.5, -2]]))
    assert len(lines) == demo.HIGH
    assert lines[0] == "S" + "." * (demo.WIDE - 2) + "o"
    assert [line[-1] for line in lines] == ["o", *"." * (demo.HIGH - 2), "E"]
    assert lines[demo.HIGH // 2].index("+") == 44  # (0, 0): three quarters of the way from −7.5 to 2.5


def test_sparkline_goes_from_empty_to_full() -> None:
    assert demo.sparkline([7, 3.5, 1, 0], 7) == "█▅▂▁"


def test_one_that_climbs_is_not_right(monkeypatch: pytest.MonkeyPatch) -> None:
    climber = demo.Contender("SGD", SGD(), 1.01, 0.1)
    monkeypatch.setattr(demo, "CONTENDERS", (climber,))
    monkeypatch.setattr(demo, "curve", lambda one, seed: np.linspace(2, 1, 61).tolist())
    said: list[str] = []
    assert demo.height(demo.path(climber)[-1]) > demo.height(demo.path(climber)[0])
    finding = demo.optimizers(said.append)
    assert not finding.right
    assert finding.measured.endswith("SGD has the lowest loss (1.000)")
