"""Fixtures that run a test with each engine: `pytestmark = pytest.mark.usefixtures("each_engine")`."""

from collections.abc import Iterator

import pytest
import torch

from . import networks


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks do not benefit from more threads, and on a busy machine PyTorch's threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=networks.ENGINES)
def each_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test once with each engine; `engine_of` creates engines of its kind."""
    name: str = request.param
    monkeypatch.setattr(networks, "chosen", name)
    return name
