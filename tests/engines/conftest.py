"""Tests that hold every engine to the same: `pytestmark = pytest.mark.usefixtures("each_engine")`."""

import pytest

from . import networks


@pytest.fixture(params=networks.ENGINES)
def each_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The test runs once with each engine; `engine_of` makes engines of its kind."""
    name: str = request.param
    monkeypatch.setattr(networks, "chosen", name)
    return name
