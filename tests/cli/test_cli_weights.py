"""The command `striate train --weights`: published weights by name, and weight files."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

import striate as st
from striate import zoo
from striate.cli.train import train as command
from striate.engines.initialization import initial_weights
from striate.errors import DownloadError, ModelFileError
from striate.pretrained import load as loading
from striate.pretrained import published as publishing
from striate.zoo import registry

from .conftest import Cli, Finished


class Handler(SimpleHTTPRequestHandler):
    requests = 0

    def do_GET(self) -> None:
        Handler.requests += 1
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A resnet18 in place of torchvision's, served by a local server; the path at which it will be cached."""
    folder = tmp_path / "server"
    folder.mkdir()
    torch.save(state_dict(), folder / "weights")
    name = f"resnet18-{hashlib.sha256((folder / 'weights').read_bytes()).hexdigest()[:8]}.pth"
    (folder / "weights").rename(folder / name)
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(Handler, "requests", 0)
    address = f"http://127.0.0.1:{http.server_port}/"
    entry = zoo.get_architecture("resnet18")
    assert entry.weights
    served = replace(entry, weights=replace(entry.weights, file=name, url=address))
    monkeypatch.setattr(publishing, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setitem(registry._architectures, "resnet18", served)
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "cache" / "weights" / name
    http.shutdown()
    http.server_close()


def state_dict() -> dict[str, torch.Tensor]:
    """Return the state dict of a resnet18 for 1,000 classes, with torchvision's names and PyTorch's layouts."""
    weights = zoo.get_architecture("resnet18").weights
    assert weights
    state = {}
    for name, array in initial_weights(zoo.network("resnet18"), seed=1).items():
        layer, _, variable = name.rpartition("/")
        axes = (3, 2, 0, 1) if array.ndim == 4 else None  # (KH, KW, C, O) → (O, C, KH, KW); None: (F, O) → (O, F)
        tensor = torch.from_numpy(array.transpose(axes).copy())
        state[f"{weights.layer_name(layer)}.{loading.VARIABLES[variable]}"] = tensor
    return state


def train(*args: str | Path) -> Result:
    return CliRunner().invoke(command, [str(arg) for arg in args])


def test_imagenet_weights_by_name_keep_initial_head(published: Path, photographs: Path) -> None:
    result = train(
        photographs, "--model", "resnet18", "--weights", "imagenet", "--set", "input_shape=[32,32,3]", "--epochs", "1",
        "--learning-rate", "1e-12", "--engine", "numpy", "--out", "run",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert (
        f"note    The layer 'output' keeps its initial weights, because '{published.name}' does not fit there: "
        "its 'output/kernel' has shape (512, 1000), expected (512, 2)."
    ) in result.output
    assert "weights imagenet" in result.output
    assert json.loads(Path("run/config.json").read_text("utf-8"))["plan"]["weights"] == "imagenet"
    assert "keeps its initial weights" in Path("run/report.html").read_text("utf-8")
    # The learning rate is negligible, so the kernels still equal those of the file.
    kernel = torch.load(published, weights_only=True)["layer4.1.conv2.weight"].permute(2, 3, 1, 0).numpy()
    np.testing.assert_allclose(
        st.load("run/model.safetensors").named_weights["conv5_2.conv2/kernel"], kernel, atol=1e-6
    )
    loading.load_pretrained(zoo.network("resnet18"), "imagenet")
    assert Handler.requests == 1


def test_download_that_is_not_the_published_file_raises(published: Path, photographs: Path) -> None:
    server = Path("server") / published.name
    server.write_bytes(server.read_bytes()[:-1] + b"?")
    result = train(photographs, "--model", "resnet18", "--weights", "imagenet", "--set", "input_shape=[32,32,3]")
    assert isinstance(result.exception, DownloadError)
    assert f"/{published.name} is not the expected file: its SHA-256 does" in str(result.exception)
    assert not Path("runs").exists()
    assert not published.exists()


def test_striate_model_as_weights_and_resuming_without_the_file(
    tmp_path: Path, trained: tuple[Path, Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path("model.safetensors").absolute()
    file.write_bytes((trained[0] / "model.safetensors").read_bytes())
    options = ("--model", "mnist-quick", "--weights", file.name, "--learning-rate", "1e-9", "--epochs", "1")
    result = train(*options, "--out", "run")
    assert result.exit_code == 0, result.output
    assert "keeps its initial weights" not in result.output
    run = Path("run")
    assert Path(json.loads((run / "config.json").read_text("utf-8"))["plan"]["weights"]) == file
    figures = [
        json.loads((folder / "metrics.json").read_text("utf-8"))["accuracy"]["value"] for folder in (trained[0], run)
    ]
    assert figures[0] == pytest.approx(figures[1], abs=0.02)
    file.unlink()
    assert train("--resume", run, "--epochs", "2", "--quiet").exit_code == 0
    for checkpoint in (run / "checkpoints").iterdir():
        checkpoint.unlink()
    lost = train("--resume", run, "--epochs", "3")
    assert isinstance(lost.exception, ModelFileError)
    assert str(lost.exception) == f"'{file}' could not be read: No such file or directory."


def test_base_with_weights_from_a_file(photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(state_dict(), "weights.pth")
    options = ("--base", "resnet18", "--weights", "weights.pth", "--set", "input_shape=[32,32,3]")
    done = train(photographs, *options, "--out", "run")
    assert done.exit_code == 0, done.output
    plan = json.loads(Path("run/config.json").read_text("utf-8"))["plan"]
    assert (plan["model"], plan["method"]) == ("resnet18", "features")
    assert plan["weights"] == str(tmp_path / "weights.pth")
    kernel = state_dict()["layer4.1.conv2.weight"].permute(2, 3, 1, 0).numpy()
    model = st.load("run/model.safetensors")
    np.testing.assert_array_equal(model.named_weights["conv5_2.conv2/kernel"], kernel)
    assert model.classes == ("빨강", "파랑")


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (
            ("lenet5", "imagenet"),
            2,
            "There are no published weights for 'lenet5'. Weights are available for: convnext-tiny, ",
        ),
        (("alexnet", "imagenet"), 2, "torchvision's AlexNet is that of Krizhevsky 2014, with 64, 192, 384, 256 and"),
        (("lenet5", "imagnet"), 2, "There is no weight file 'imagnet'. Published weights are called"),
        (
            ("resnet50", "weights.pth"),
            1,
            "weights.pth' contains no weights: expected a safetensors file",
        ),
    ],
)
def test_invalid_weights_exit_with_an_error(
    cli: Cli, tmp_path: Path, options: tuple[str, str], code: int, message: str
) -> None:
    (tmp_path / "weights.pth").write_bytes(b"no weights")
    model, weights = options
    result = cli("train", "--model", model, "--weights", weights, "--set", "input_shape=[64,64,3]")
    assert (result.returncode, result.stdout) == (code, "")
    assert message in result.stderr
    assert not (tmp_path / "runs").exists()
