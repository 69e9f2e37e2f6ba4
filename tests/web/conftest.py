"""A small model of digits behind the service."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import striate as st
from striate.images import encode_png
from striate.web import ServiceSettings, create_app
from striate.workflows.trained_model import TrainedModel, open_trained_model

ADDRESS = "http://127.0.0.1:8000"


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
