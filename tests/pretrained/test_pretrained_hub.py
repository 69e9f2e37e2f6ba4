"""Weights from a hub: a server on this machine that answers as the Hugging Face hub does."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from striate import zoo
from striate.errors import DownloadError, ModelFileError, UsageError
from striate.images import encode_png
from striate.pretrained import load_pretrained
from striate.pretrained.hub import describe_hub_model, fetch_hub_weights
from striate.workflows.plan import make_plan

from .test_pretrained_references import REFERENCES, array_for

NAME = "timm/mobilenetv3_small_100.lamb_in1k"


class Hub:
    """Serves one network; moved: files are elsewhere, as on the real hub; cut: the connection closes after so many."""

    def __init__(self) -> None:
        shapes = REFERENCES["timm"]["networks"]["mobilenetv3-small"]["arrays"]
        self.weights = save({name: array_for(name, tuple(shape)) for name, shape in shapes.items()})
        self.sha256 = hashlib.sha256(self.weights).hexdigest()
        self.config = {
            "architecture": "mobilenetv3_small_100", "num_classes": 1000,
            "pretrained_cfg": {
                "input_size": [3, 160, 160], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.2],
                "interpolation": "bicubic", "crop_pct": 0.875,
            },
        }  # fmt: skip
        self.size: int | None = None
        self.cut: int | None = None
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.asked.append(self.path)
                content = hub.answer(self.path)
                if content is None:
                    self.send_error(401)
                    return
                if self.path.endswith("model.safetensors") and not self.path.startswith("/moved"):
                    self.send_response(302)
                    self.send_header("Location", f"/moved{self.path}")
                    self.end_headers()
                    return
                start = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                self.wfile.write(content[start : hub.cut])

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, path: str) -> bytes | None:
        """Return the content at a path; None if there is nothing."""
        if path == f"/api/models/{NAME}/tree/main":
            stored = {"oid": self.sha256, "size": len(self.weights)}
            entry = {"path": "model.safetensors", "size": self.size or len(self.weights), "lfs": stored}
            return json.dumps([{"path": "config.json", "size": 9}, entry]).encode()
        if path == f"/{NAME}/resolve/main/config.json":
            return json.dumps(self.config).encode()
        return self.weights if path.endswith(f"/{NAME}/resolve/main/model.safetensors") else None


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    hub = Hub()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{hub.http.server_port}")
    yield hub
    hub.http.shutdown()
    hub.http.server_close()


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 60, 50, 3), dtype=np.uint8)
    for number, image in enumerate(pixels):
        folder = tmp_path / "photos" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.png").write_bytes(encode_png(image))
    return tmp_path / "photos"


def test_name_stands_for_architecture_weights_size_and_preprocessing(hub: Hub, photographs: Path) -> None:
    plan = make_plan(str(photographs), base=NAME)
    assert (plan.model, plan.weights, plan.method) == ("mobilenetv3-small", NAME, "features")
    assert plan.settings == {
        "epsilon": 1e-5, "input_shape": (160, 160, 3),
        "preprocessing": {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.2]},
    }  # fmt: skip
    network = zoo.network("mobilenetv3-small", classes=10, epsilon=1e-5)
    weights, notes = load_pretrained(network, NAME)
    assert notes == ()
    np.testing.assert_array_equal(weights["output/bias"], array_for("classifier.bias", (10,)))
    count = len(hub.asked)
    hub.http.shutdown()  # what was downloaded is enough from now on
    assert describe_hub_model(NAME).input_shape == (160, 160, 3)
    assert load_pretrained(network, NAME)[0].keys() == weights.keys()
    assert len(hub.asked) == count


def test_interrupted_download_continues_and_damaged_one_is_refused(hub: Hub) -> None:
    hub.cut = 1_000_000
    with pytest.raises(
        DownloadError, match=r"the connection ended after 1,000,000 of [\d,]+ bytes\. Try again; a download continues w"
    ):
        fetch_hub_weights(NAME)
    hub.cut = None
    path = fetch_hub_weights(NAME)
    assert path.read_bytes() == hub.weights
    path.unlink()
    hub.weights = hub.weights[:-1] + b"?"
    with pytest.raises(DownloadError, match=r"is not the expected file: its SHA-256 does not begin with"):
        fetch_hub_weights(NAME)
    assert not path.exists()
    hub.size = 1 << 40
    with pytest.raises(DownloadError, match=r"have 1,099,511,627,776 bytes; at most"):
        fetch_hub_weights(NAME)


def test_unreachable_hub_says_how_to_give_a_file(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.http.shutdown()
    hub.http.server_close()
    with pytest.raises(DownloadError) as caught:
        describe_hub_model(NAME)
    assert str(caught.value).endswith(
        "Without access to the hub, download model.safetensors of timm/mobilenetv3_small_100.lamb_in1k elsewhere, and "
        "give the file: --base mobilenetv3-small --weights model.safetensors"
    )


def test_names_that_are_wrong(hub: Hub, photographs: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no 'timm/resnet18\.nowhere' on the hub: .* answers 401\."):
        describe_hub_model("timm/resnet18.nowhere")
    with pytest.raises(
        UsageError, match=r"'timm/vit_base\.x' is not among the networks of timm that Striate has: conv"
    ):
        describe_hub_model("timm/vit_base.x")
    with pytest.raises(UsageError, match=r"already specifies weights on the hub: leave out --weights\."):
        make_plan(str(photographs), base=NAME, weights="file.pth")
    with pytest.raises(
        UsageError, match=r"The weights 'timm/mobilenet.* are those of 'mobilenetv3-small', not of 'resn"
    ):
        make_plan(str(photographs), base="resnet18", weights=NAME)
    hub.config["pretrained_cfg"] = {"input_size": [1, 28, 28], "mean": [0.5], "std": [0.5]}
    with pytest.raises(ModelFileError, match=r"does not take color images, so it cannot be a base\."):
        describe_hub_model(NAME)
    hub.config["pretrained_cfg"] = "?"
    with pytest.raises(ModelFileError, match=r"on the hub is damaged or has an unknown format\."):
        describe_hub_model(NAME)
