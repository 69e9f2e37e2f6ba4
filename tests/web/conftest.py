"""A small model of digits behind the service, and LeNet-5 in the explorer."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from browser import WatchedPage, start_chromium, watch_pages
from playwright.sync_api import Page
from starlette.testclient import TestClient

import striate as st
from striate.images import encode_png
from striate.web import ServiceSettings, create_app
from striate.workflows.trained_model import TrainedModel, open_trained_model

T = TypeVar("T")
ADDRESS = "http://127.0.0.1:8000"


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in another thread: the browser has an event loop in this one."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(asyncio.run, work).result()


def environment(**changes: str) -> dict[str, str]:
    source = str(Path(st.__file__).parents[1])
    return dict(os.environ) | {"PYTHONPATH": source, "PYTHONWARNINGS": "error", "PYTHONIOENCODING": "utf-8"} | changes


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of ten digits that was not trained: its answers differ from image to image, which is all that counts."""
    model = st.zoo.build("mnist-quick")
    model.classes, model.policy = tuple("0123456789"), st.data.load("mnist5k").policy
    path = tmp_path_factory.mktemp("models") / "digits.safetensors"
    model.save(path)
    return path


@pytest.fixture(scope="session")
def trained(model_file: Path) -> TrainedModel:
    return open_trained_model(model_file)


@pytest.fixture(scope="session")
def images() -> list[bytes]:
    """The content of 40 PNG files of digits."""
    return [encode_png(pixels) for pixels in st.data.load("mnist5k").test.x[::10, ..., 0][:40]]


@pytest.fixture(scope="module")
def client(trained: TrainedModel) -> Iterator[TestClient]:
    """A client of the service."""
    app = create_app({"digits": trained}, ServiceSettings(max_bytes=1_000_000))
    with TestClient(app, base_url=ADDRESS, raise_server_exceptions=False) as client:
        yield client


# One browser and one explorer for all modules: starting them takes longer than most tests.
chromium = pytest.fixture(scope="package", name="chromium")(start_chromium)
watched_page = pytest.fixture(scope="package", name="watched_page")(watch_pages)


@pytest.fixture(scope="package")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of LeNet-5 that was not trained: most of its predictions are wrong."""
    model = st.zoo.build("lenet5")
    digits = st.data.load("mnist5k")
    model.classes, model.policy = digits.classes, digits.policy
    path = tmp_path_factory.mktemp("models") / "digits.safetensors"
    model.save(path)
    return path


@pytest.fixture(scope="package")
def model(path: Path) -> st.Model:
    return st.load(path)


@pytest.fixture(scope="package")
def digits() -> Any:
    return st.data.load("mnist5k").test


@pytest.fixture(scope="package")
def explorer(path: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "striate", "explore", str(path), "--no-browser"]
    process = subprocess.Popen(command, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    yield process
    process.terminate()
    process.communicate()


@pytest.fixture(scope="package")
def address(explorer: "subprocess.Popen[str]") -> str:
    assert explorer.stdout
    return explorer.stdout.readline().split()[-1]


@pytest.fixture(scope="module")
def page(address: str, watched_page: WatchedPage) -> Iterator[Page]:
    with watched_page(viewport={"width": 390, "height": 800}) as page:
        page.goto(address)
        yield page
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the digits that come with Striate, of one epoch."""
    run = tmp_path_factory.mktemp("runs") / "run"
    arguments = ["train", "mnist5k", "--model", "mnist-quick", "--epochs", "1", "--out", str(run)]
    subprocess.run([sys.executable, "-m", "striate", *arguments], env=environment(), check=True, capture_output=True)
    return run
