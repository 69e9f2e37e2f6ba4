"""Fixtures of all tests."""

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import WorkStealingScheduling

pytest_plugins = ["browser"]

# Tests that import ONNX Runtime before Striate must not write into the user's cache folder either.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["STRIATE_LANG"] = "en"  # whatever the language of the machine
os.environ["MPLBACKEND"] = "Agg"  # plots open no window
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # otherwise each of hundreds of commands would compile the package
if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores: their threads would wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job of a shell script; commands would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("busy machines", deadline=None)  # how long an example takes says nothing about Striate
settings.load_profile("busy machines")


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "WorkStealingScheduling | None":
    """Keep the tests of a file in one process, so that their shared fixtures are computed once, and balance the end."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Cache pixels and downloads in a temporary folder, also in processes that a test starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIATE_CACHE", os.fspath(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def shut_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make all folders named "shut" unreadable."""
    real = os.scandir

    def scandir(path: str) -> object:
        if os.fspath(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
