"""`striate explore` where something is missing, damaged, too large, or taken."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import onnx
import pytest
from browser import WatchedPage
from onnx import TensorProto, helper, numpy_helper
from playwright.sync_api import expect
from starlette.testclient import TestClient

import striate as st
from striate.cli.explore import _open_browser, explore
from striate.errors import NetworkError, UsageError
from striate.images import encode_png
from striate.web import ServiceSettings, create_explorer
from striate.web.errors import RequestError
from striate.web.server import _listen
from striate.web.streams import MAX_STREAMS, Streams
from striate.workflows.explore import Explorer
from striate.workflows.open_explorer import open_explorer

from .conftest import ADDRESS, environment, run_async
from .explorer_page import API, TOKEN, array, visit


def client_of(explorer: Explorer) -> TestClient:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    app = create_explorer(explorer, ServiceSettings(token=TOKEN))
    return TestClient(app, base_url=ADDRESS, headers=headers, raise_server_exceptions=False)


def write_onnx(path: Path, *kinds: str) -> Any:
    """Write a network of a convolution and operators without weights; return the kernel."""
    kernel = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32)
    settings: dict[str, Any] = {
        "MaxPool": {"kernel_shape": [2, 2], "strides": [2, 2]}, "Shrink": {"lambd": 0.5, "bias": 0.0},
    }  # fmt: skip
    nodes = [helper.make_node("Conv", ["x", "kernel"], ["v0"], name="conv", pads=[1, 1, 1, 1])]
    for number, kind in enumerate(kinds):
        values = f"v{number}", "y" if number == len(kinds) - 1 else f"v{number + 1}"
        nodes.append(helper.make_node(kind, [values[0]], [values[1]], name=kind.lower(), **settings.get(kind, {})))
    graph = helper.make_graph(
        nodes, "network", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [numpy_helper.from_array(kernel, "kernel")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return kernel


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file with an operator that no layer corresponds to, and an image beside it."""
    folder = tmp_path_factory.mktemp("onnx")
    write_onnx(folder / "odd.onnx", "Relu", "MaxPool", "Shrink", "GlobalAveragePool", "Flatten")
    pixels = np.random.default_rng(1).integers(0, 255, (16, 16, 3), np.uint8)
    (folder / "image.png").write_bytes(encode_png(pixels))
    return folder


def test_the_beginning_of_an_unsupported_network_is_shown(beginning: Path) -> None:
    path = beginning / "odd.onnx"
    explorer = open_explorer(path, [str(beginning / "image.png")])
    (note,) = explorer.notes
    assert "Shrink 'shrink' cannot become a layer" in note and note.endswith("The network is shown up to 'maxpool'.")
    with client_of(explorer) as client:
        model = client.get(f"{API}/model").json()
        assert model["classes"] == [] and not model["is_classifier"]
        maps = client.get(f"{API}/images/0/maps/{model['output']}").json()
        image = explorer.pixels("0").transpose(2, 0, 1)[None].astype(np.float32)
        whole = path.with_name("whole.onnx")
        write_onnx(whole, "Relu", "MaxPool")
        expected = st.Model.from_onnx(whole).predict(image)[0]
        np.testing.assert_allclose(array(maps["maps"]), expected[..., maps["order"]], rtol=1e-5)
        assert client.get(f"{API}/images/0").json()["probabilities"] == []
    write_onnx(path.with_name("all.onnx"), "Shrink")
    assert open_explorer(path.with_name("all.onnx")).notes[0].endswith("up to 'conv'.")
    graph = onnx.load(path)
    graph.graph.node[0].op_type = "Shrink"
    del graph.graph.node[0].input[1:], graph.graph.node[0].attribute[:]
    onnx.save(graph, path.with_name("none.onnx"))
    with pytest.raises(NetworkError, match="cannot become a layer"):
        open_explorer(path.with_name("none.onnx"))


def test_page_shows_the_beginning_of_a_network(beginning: Path, watched_page: WatchedPage) -> None:
    command = [sys.executable, "-m", "striate", "explore", "odd.onnx", "image.png", "--no-browser"]
    process = subprocess.Popen(
        command, cwd=beginning, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    address = process.stdout.readline().split()[-1]
    try:
        with watched_page() as page:
            page.goto(address)
            expect(page.locator("main")).to_contain_text("The network is shown up to 'maxpool'.")
            visit(page, address, "layer/maxpool")
            expect(page.locator("button.map")).to_have_count(4)
            visit(page, address, "why/0")
            expect(page.locator("main")).to_contain_text("Only the beginning of this network can be shown")
            visit(page, address, "own/0")
            expect(page.locator(".seen-as canvas")).to_be_visible()
        # An answer that continues does not delay the end.
        headers = {"Authorization": f"Bearer {address.partition('token=')[2]}"}
        layer = {"kind": "Dense", "units": 10, "activation": "softmax"}
        network = {"layers": [{"kind": "Flatten"}, layer], "optimizer": "SGD", "learning_rate": 0.1}
        training = {"data": "digits", "batch_size": 1, "networks": [network]}
        url = f"{address.partition('/#')[0]}{API}/playground"
        with httpx.stream("POST", url, json=training, headers=headers, timeout=60) as answer:
            lines = answer.iter_lines()
            next(line for line in lines if "session" in line)
            process.send_signal(signal.SIGTERM)
            assert not any("error" in json.loads(line) for line in lines)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


def rewrite_plan(run: Path, **values: Any) -> Path:
    """Change the plan of a run; return its folder."""
    content = json.loads((run / "config.json").read_text())
    content["plan"] |= values
    (run / "config.json").write_text(json.dumps(content))
    return run


def test_the_first_network_of_an_ensemble_is_shown(run: Path, tmp_path: Path) -> None:
    ensemble = tmp_path / "run"
    for number in (1, 2):
        shutil.copytree(run, ensemble / f"member-{number}")
    shutil.copy(run / "config.json", ensemble)
    rewrite_plan(ensemble, ensemble=2)
    explorer, first = open_explorer(ensemble), st.load(ensemble / "member-1")
    assert "This run is an ensemble: its first network is shown" in explorer.notes[0]
    np.testing.assert_array_equal(explorer.images.predicted, first.predict(explorer.images.x, verbose=0).argmax(axis=1))
    node = [node.layer.kind for node in first.network.nodes].index("Conv2D")
    assert explorer.filters(node)[0].step == 0


def test_a_run_whose_data_are_gone_is_shown_without_images(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    run = rewrite_plan(tmp_path / "run", data=str(tmp_path / "photographs"))
    explorer = open_explorer(run)
    assert "The images of the run cannot be read, so its mistakes are not shown" in explorer.notes[-1]
    with client_of(explorer) as client:
        assert client.get(f"{API}/model").json()["count"] == 0
        digit = st.data.load("mnist5k").test.x[0]
        assert client.post(f"{API}/images", content=encode_png(digit)).status_code == 200
        lines = client.get(f"{API}/patches/2").text.splitlines()
        problem = {"error": "There are no images to search.", "korean": "찾아볼 이미지가 없습니다."}
        assert json.loads(lines[-1]) == problem
        assert "no images to compare" in client.get(f"{API}/images/u1/nearest").text


def test_a_network_too_large_for_memory_leaves_the_page_usable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def large(*_: object) -> None:
        raise MemoryError

    with client_of(open_explorer(path)) as client:
        with monkeypatch.context() as patch:
            patch.setattr("striate.workflows.explore.Trace", large)
            answer = client.get(f"{API}/images/0/maps/3")
            assert answer.status_code == 503 and "not enough memory" in answer.json()["error"]
        assert client.get(f"{API}/images/0/maps/3").status_code == 200


def test_a_port_in_use_is_reported_before_anything_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"Port {port} of 127.0.0.1 cannot be used"):
            explore.main(["missing.onnx", "--port", str(port)], standalone_mode=False)


@pytest.mark.parametrize("fault", [None, webbrowser.Error("no browser"), OSError("no display")])
def test_a_browser_that_does_not_open_is_reported(
    fault: Exception | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def cannot_open(_: str) -> bool:
        if fault:
            raise fault
        return False

    monkeypatch.setattr(webbrowser, "open", cannot_open)
    _open_browser("http://127.0.0.1:1/")
    assert "No browser could be opened. Open the address above" in capsys.readouterr().err


class Silent:
    """In place of a process: sends nothing."""

    stopped = 0

    def submit(self) -> None: ...

    def receive(self, timeout: float) -> None: ...

    def stop(self) -> None:
        Silent.stopped += 1


def test_streams_are_limited_and_end_with_the_program() -> None:
    async def run() -> None:
        streams = Streams()
        start: Any = Silent

        def answer() -> Any:
            return streams.stream_process(start, lambda process: process.submit(), lambda _: ({}, True))

        bodies = [answer().body_iterator for _ in range(MAX_STREAMS)]
        for body in bodies:
            assert await anext(body) == "{}\n"
        with pytest.raises(RequestError, match="pages are computing in the background already"):
            answer()
        await bodies[0].aclose()
        assert Silent.stopped == 1
        bodies[0] = answer().body_iterator
        streams.stop()
        for body in bodies:
            async for line in body:
                assert line == "{}\n"
        assert Silent.stopped == MAX_STREAMS + 1

    run_async(run())


def test_answers_do_not_wait_for_acknowledgements() -> None:
    with _listen(ServiceSettings(port=0)) as listening:
        assert listening.proto == socket.IPPROTO_TCP  # for which asyncio turns Nagle's algorithm off
