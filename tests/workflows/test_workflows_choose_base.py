"""The choice of a base by cross-validation."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from striate.errors import UsageError
from striate.workflows import choose_base as module
from striate.workflows.choose_base import check_comparison, choose_base, ready_bases

LOSSES = {"efficientnet-lite0": 0.5, "efficientnet-lite1": 0.3, "efficientnet-lite2": 0.4}


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The bases that were judged, in order; each has the loss in LOSSES."""
    found: list[str] = []

    def judge(base: Any, data: Any, folds: Any) -> tuple[float, str]:
        found.append(base)
        return LOSSES[base], f"loss {LOSSES[base]}"

    def prepare(plan: Any, layout: Any) -> Any:
        return SimpleNamespace(base=plan, data=None, plan=SimpleNamespace(folds=5))

    monkeypatch.setattr(module, "prepare", prepare)
    monkeypatch.setattr(module, "_judge", judge)
    monkeypatch.setattr(module, "ready_bases", lambda: tuple(LOSSES))
    return found


def test_base_with_the_least_loss_is_chosen(judged: list[str]) -> None:
    lines: list[str] = []
    make_plan: Any = lambda id: id  # noqa: E731 - the plan is only handed on
    assert choose_base(make_plan, None, lambda: 1e9, lines.append) == "efficientnet-lite1"
    assert judged == list(LOSSES)
    assert lines[0] == "Base efficientnet-lite0: loss 0.5"
    assert lines[-1] == "Base efficientnet-lite1 is used: it has the lowest loss in cross-validation"


def test_bases_that_take_too_long_are_left_out(judged: list[str]) -> None:
    """The cheapest one is always tried."""
    layout: Any = SimpleNamespace(files=[None] * 100_000)
    make_plan: Any = lambda id: id  # noqa: E731
    lines: list[str] = []
    assert choose_base(make_plan, layout, lambda: 60.0, lines.append) == "efficientnet-lite0"
    assert judged == ["efficientnet-lite0"]
    assert lines[1].startswith("Base efficientnet-lite1: left out, because it would take about ")


def test_bases_are_ready_if_installed_or_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path))
    assert ready_bases() == ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/mobilenet_v3_small-047dcff4.pth").touch()
    assert ready_bases()[0] == "mobilenetv3-small"
    monkeypatch.setattr(module, "ready_bases", lambda: ())
    with pytest.raises(UsageError, match=r"None of the bases that --base auto compares is installed: pip install"):
        choose_base(pytest.fail, None, lambda: 1e9, print)
    with pytest.raises(UsageError, match=r"--base auto compares several bases, and --weights is for one"):
        check_comparison({"weights": "a.pth"})
