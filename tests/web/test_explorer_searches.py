"""The strongest patches and nearest images on the page of `striate explore`, and the process that searches them."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

import striate as st
from striate.errors import UsageError
from striate.web import ServiceSettings, create_explorer
from striate.workflows.background import BackgroundProcess, ProgressMessage
from striate.workflows.open_explorer import open_explorer

from .conftest import ADDRESS
from .explorer_page import API, TOKEN, array
from .processes import endless, failing

C3 = 5


@pytest.fixture(scope="module")
def client(path: Path) -> Iterator[TestClient]:
    app = create_explorer(open_explorer(path), ServiceSettings(token=TOKEN))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with TestClient(app, base_url=ADDRESS, headers=headers, raise_server_exceptions=False) as client:
        yield client


def test_patches_are_those_of_explain(client: TestClient, model: st.Model, digits: Any) -> None:
    before = client.get(f"{API}/patches/{C3}/0")
    assert before.status_code == 422 and "not been searched" in before.json()["error"]
    lines = [json.loads(line) for line in client.get(f"{API}/patches/{C3}").text.splitlines()]
    done = [line["done"] for line in lines if "done" in line]
    assert done == sorted(done) and done[-1] == len(digits)
    found = st.explain.strongest_patches(model, digits.x, "C3")
    assert lines[-1] == {"dead": [], "images": len(digits), "available": len(digits)}
    assert client.get(f"{API}/patches/{C3}").json() == lines[-1]  # is kept
    for channel, patches in zip((3, 14), client.get(f"{API}/patches/{C3}/3,14").json(), strict=True):
        for answer, patch in zip(patches, found.for_channel(channel), strict=True):
            assert answer["image"] == str(patch.image) and tuple(answer["position"]) == patch.position
            assert answer["value"] == pytest.approx(patch.value, rel=1e-6)
            np.testing.assert_array_equal(array(answer["pixels"]), patch.pixels)
            np.testing.assert_array_equal(answer["unclipped_rows"], patch.region.unclipped_rows)


def test_wrong_searches_are_explained(client: TestClient) -> None:
    lines = client.get(f"{API}/patches/99").text.splitlines()
    assert "has the nodes 0 to 10" in json.loads(lines[-1])["error"]
    assert client.get(f"{API}/patches/{C3}/x").status_code == 400
    client.get(f"{API}/patches/{C3}")
    assert "no patches of channel 16" in client.get(f"{API}/patches/{C3}/16").json()["error"]


def test_training_images_have_keys_of_their_own(client: TestClient) -> None:
    train = st.data.load("mnist5k").train
    answer = client.get(f"{API}/images/t7").json()
    np.testing.assert_array_equal(array(answer["pixels"]), train.x[7])
    assert answer["label"] == train.y[7]
    assert "no image 't99999'" in client.get(f"{API}/images/t99999").json()["error"]


def test_nearest_images_are_those_of_explain(client: TestClient, model: st.Model, digits: Any) -> None:
    train = st.data.load("mnist5k").train
    lines = [json.loads(line) for line in client.get(f"{API}/images/5/nearest").text.splitlines()]
    expected = st.explain.nearest_images(model, digits.x[5], train)
    assert lines[-1]["layer"] == expected.layer == "F6" and lines[-1]["part"] == "training"
    assert [each["image"] for each in lines[-1]["images"]] == [f"t{number}" for number in expected.indices]
    np.testing.assert_allclose([each["distance"] for each in lines[-1]["images"]], expected.distances, atol=1e-6)
    assert [each["label"] for each in lines[-1]["images"]] == train.y[expected.indices].tolist()
    own = client.get(f"{API}/images/t8/nearest").json()["images"]
    assert own[0]["image"] == f"t{st.explain.nearest_images(model, train.x[8], train).indices[1]}"  # not itself
    assert "no image" in client.get(f"{API}/images/u99/nearest").json()["error"]


def test_dead_units_are_counted() -> None:
    model = st.zoo.build("simple-convnet")
    weights = model.named_weights
    weights["conv1/bias"][:] = 0
    weights["conv1/bias"][3] = -1e6
    model.named_weights = weights
    x = st.data.load("mnist5k").test.x[:40]
    found = st.explain.strongest_patches(model, x, "conv1")
    np.testing.assert_array_equal(found.dead, st.explain.dead_units(model, x, "conv1").dead)
    assert 3 in found.dead


def receive(process: BackgroundProcess) -> Any:
    while (message := process.receive(1)) is None:
        pass
    return message


def test_a_killed_process_is_reported() -> None:
    process = BackgroundProcess(endless, "counts")
    process.submit("ready")
    assert receive(process) == "ready"
    assert receive(process) == ProgressMessage(1, 2)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(UsageError, match="The process that counts has ended"):
        while True:
            process.receive(1)
    with pytest.raises(UsageError, match="has ended"):
        process.send("more")
    process.stop()


def test_a_process_may_be_stopped_at_any_time() -> None:
    process = BackgroundProcess(endless, "counts")
    process.stop()  # while Python starts
    with pytest.raises(UsageError, match="has ended"):
        process.receive(1)
    process = BackgroundProcess(endless, "counts")
    process.submit("ready")
    receive(process)
    waiting = threading.Thread(target=drain, args=[process])
    waiting.start()
    process.stop()
    waiting.join(60)
    assert not waiting.is_alive()


def drain(process: BackgroundProcess) -> None:
    with pytest.raises(UsageError):
        while True:
            process.receive(60)


@pytest.mark.parametrize(("kind", "message"), [("usage", "no such thing"), ("memory", "not enough memory")])
def test_errors_of_the_process_are_reported(kind: str, message: str) -> None:
    process = BackgroundProcess(failing, "fails")
    process.submit(kind)
    with pytest.raises(UsageError, match=message):
        receive(process)
    process.stop()
