"""`striate export RUN --to page/`: the page answers as Python does, also without a connection and as one file."""

import functools
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import WatchedPage
from PIL import Image
from playwright.sync_api import Page, Route, expect

import striate
from striate._types import Array
from striate.errors import UsageError
from striate.images import ImagePolicy
from striate.images.decode import decode_image
from striate.models import Model
from striate.network import Conv2D, Dense, GlobalAveragePooling2D, Input, Network, Rescale
from striate.tasks import Decision, Task
from striate.transfer.open_set_fitting import fit_detector
from striate.web.exported_page import PAPER, PageOptions, export_file, export_folder
from striate.workflows.predict import OutputDecoder, Prediction, predict_files
from striate.workflows.trained_model import TrainedModel, open_trained_model

from .conftest import environment

CLASSES = ("빨강", "<b>green</b>", "blue")
POLICY = ImagePolicy(24, 32, 3, "crop")
SHOWN = 0.0006  # half of the last digit of "12.3 %"


def color(rng: np.random.Generator, height: int, width: int) -> Array:
    """Return an image of one color with some noise."""
    pixels = rng.integers(0, 200, 3) + rng.integers(0, 56, (height, width, 3))
    return pixels.astype(np.uint8)


def small_model(**settings: Any) -> Model:
    layers = [Rescale(), Conv2D(8, 3, activation="relu"), GlobalAveragePooling2D(name="pool")]
    network = Network.sequential(
        [Input(POLICY.shape), *layers, Dense(3, activation="softmax", name="out")], name="small"
    )
    model = Model.from_network(network, seed=1)
    weights = model.named_weights
    model.named_weights = weights | {"out/kernel": 20 * weights["out/kernel"]}
    model.classes, model.policy = CLASSES, POLICY
    for name, value in settings.items():
        setattr(model, name, value)
    return model


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of three classes with a detector of unknown images."""
    rng, model = np.random.default_rng(0), small_model()
    x = np.stack([color(rng, 24, 32) for _ in range(60)])
    features = Model.from_network(Network.sequential([node.layer for node in model.network.nodes[:-1]]))
    features.named_weights = {k: v for k, v in model.named_weights.items() if not k.startswith("out/")}
    found = fit_detector(features.predict(x), model.predict(x).argmax(axis=1), 3, np.arange(60) % 5, "pool")
    model.extras = found.detector.to_extras()
    path = tmp_path_factory.mktemp("models") / "colors.safetensors"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def trained(model_file: Path) -> TrainedModel:
    return open_trained_model(model_file)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Images of several sizes and kinds."""
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(5)

    def save(name: str, image: Image.Image, **options: Any) -> None:
        image.save(folder / name, **options)

    for number in range(4):
        height, width = rng.integers(20, 120, 2)
        save(f"{number}.png", Image.fromarray(color(rng, int(height), int(width))))
    photograph = np.linspace([250, 0, 0], [0, 40, 250], 300 * 220).astype(np.uint8).reshape(300, 220, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    save("turned.jpg", Image.fromarray(photograph), quality=95, exif=exif)
    save("gray.png", Image.fromarray(color(rng, 40, 60)).convert("L"))
    save("clear.png", Image.fromarray(np.dstack([color(rng, 50, 40), np.eye(50, 40, dtype=np.uint8) * 200])))
    save("noise.png", Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)))
    save("dot.png", Image.new("RGB", (1, 1), (9, 200, 30)))
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def exported(model_file: Path, files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A page, and what the command printed."""
    folder = tmp_path_factory.mktemp("sites")
    command = ["-m", "striate", "export", str(model_file), "--to", "page/", "--images", str(files[0].parent)]
    result = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return folder / "page", result.stdout


@pytest.fixture(scope="module")
def address(exported: tuple[Path, str]) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(exported[0])))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def page(address: str, watched_page: WatchedPage) -> Iterator[Page]:
    with watched_page(viewport={"width": 390, "height": 800}) as page:
        page.goto(address)
        expect(page.locator("#use")).to_be_visible()
        yield page
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def answers(page: Page, files: list[Path]) -> list[dict[str, Any]]:
    """Return what the page shows for files."""
    expect(page.locator("#use")).to_be_visible()
    page.set_input_files("#files", files)
    shown = shown_answers(page, len(files))
    page.click("#clear")
    return shown


def shown_answers(page: Page, count: int) -> list[dict[str, Any]]:
    """Return the answers of a page when all of them are there."""
    expect(page.locator(".result strong")).to_have_count(count)
    shown = []
    for item in reversed(page.locator(".result").all()):
        spans = item.locator(".bars span").all_inner_texts()
        shares = dict(zip(spans[::2], (float(text.removesuffix(" %")) / 100 for text in spans[1::2]), strict=True))
        shown.append({"title": item.locator("strong").inner_text(), "shares": shares})
    return shown


def check(shown: list[dict[str, Any]], trained: TrainedModel, files: list[Path], tolerance: float) -> None:
    for answer, expected in zip(shown, predict_files(trained, files, top=3), strict=True):
        assert isinstance(expected, Prediction)
        assert answer["title"] == ("unknown" if expected.unknown else expected.label), expected
        assert answer["shares"] == pytest.approx(expected.probabilities, abs=tolerance + SHOWN), expected


def test_command_writes_a_page_that_browsers_can_install(exported: tuple[Path, str]) -> None:
    folder, printed = exported
    assert "page: 3.8 MB, 8-bit weights" in printed and "python -m http.server --directory page/" in printed
    manifest = json.loads((folder / "manifest.webmanifest").read_bytes())
    assert manifest["name"] == "colors" and manifest["display"] == "standalone"
    for icon in manifest["icons"]:
        side = int(icon["sizes"].split("x")[0])
        assert decode_image((folder / icon["src"]).read_bytes()).shape == (side, side, 3)
    policy = (folder / "index.html").read_text("utf-8").partition('Policy" content="')[2].partition('"')[0]
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy and "unsafe-inline" not in policy
    assert (folder / "runtime/LICENSE").read_text("utf-8").startswith("MIT License")


def test_page_answers_as_python_does(page: Page, trained: TrainedModel, files: list[Path]) -> None:
    expect(page.locator("#classes")).to_have_text(f"3 classes: {', '.join(CLASSES)}")
    shown = answers(page, files)
    check(shown, trained, files, 0.005)
    assert {"unknown", *CLASSES} & {answer["title"] for answer in shown} >= {"unknown", "빨강"}


def test_page_says_what_it_cannot_read(page: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_bytes(b"nothing")
    Image.new("RGBA", (5, 5)).save(tmp_path / "transparent.png")
    page.set_input_files("#files", sorted(tmp_path.iterdir()))
    expect(page.locator(".result .error")).to_have_count(2)
    expect(page.locator(".result .error").first).to_contain_text(
        "cannot read the file as an image, or the image is empty"
    )
    page.click("#clear")


def test_page_says_that_a_file_is_empty(page: Page, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    page.set_input_files("#files", tmp_path / "a.jpg")
    expect(page.locator(".result .error")).to_contain_text("The file is empty.")
    page.click("#language")
    expect(page.locator(".result .error")).to_contain_text("빈 파일입니다.")
    page.click("#language")
    page.click("#clear")


@pytest.mark.parametrize("is_found", [True, False])
def test_images_chosen_before_the_model_has_loaded_wait_for_it(
    address: str, watched_page: WatchedPage, trained: TrainedModel, files: list[Path], is_found: bool
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with watched_page() as page:
        page.route("**/model.onnx.gzip", hold)
        with page.expect_request("**/model.onnx.gzip"):
            page.goto(address)
        expect(page.locator("#loading")).to_be_visible()
        expect(page.locator("#use")).to_be_visible()
        page.set_input_files("#files", files[:2])
        expect(page.locator(".result .soft")).to_have_text(["Loading the model …"] * 2)
        if is_found:
            held[0].continue_()
            check(shown_answers(page, 2), trained, files[:2], 0.005)
        else:
            held[0].fulfill(body=b"nothing")
            expect(page.locator("#problem")).to_contain_text("The model cannot be loaded")
            page.set_input_files("#files", files[2])
            expect(page.locator(".result .error")).to_contain_text(["The model cannot be loaded"] * 3)
        expect(page.locator("#loading")).to_be_hidden()


def test_camera_is_predicted_continuously(page: Page) -> None:
    page.click("#camera")
    expect(page.locator("#live .bars span")).to_have_count(6)
    page.click("#shoot")
    expect(page.locator(".result strong")).to_have_count(1)
    page.click("#close")
    expect(page.locator("#live")).to_be_empty()
    page.click("#clear")


READ_PIXELS = """async ([name, side, channels]) => {
  const { readPixels } = await import(new URL("static/predict/pixels.js", location.href));
  const bitmap = await createImageBitmap(await (await fetch(name)).blob());
  const { pixels, height, width } = readPixels(bitmap, side, channels);
  return [height, width, ...pixels];
}"""


@pytest.mark.parametrize(("height", "width", "side", "factor"), [(37, 50, 40, 1), (37, 50, 12, 2), (500, 403, 50, 8)])
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_those_of_python(
    page: Page, exported: tuple[Path, str], height: int, width: int, side: int, factor: int, channels: int
) -> None:
    rng, file = np.random.default_rng(height), exported[0] / f"{height}.png"
    image = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
    image.save(file)
    found = page.evaluate(READ_PIXELS, [file.name, side, channels])
    file.unlink()
    exact = np.asarray(image.convert("L" if channels == 1 else "RGB")).reshape(height, width, channels)
    rows, columns = -(-height // factor), -(-width // factor)
    expected = np.empty((rows, columns, channels), np.uint8)
    for row, column in np.ndindex(rows, columns):
        block = exact[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
        expected[row, column] = np.floor(block.mean(axis=(0, 1)) + 0.5)
    assert found[:2] == [rows, columns]
    np.testing.assert_array_equal(np.reshape(found[2:], expected.shape), expected)


DESCRIBE = """async ([model, outputs, unknown]) => {
  const { describeOutputs } = await import(new URL("static/predict/outputs.js", location.href));
  return describeOutputs(model, outputs, unknown ?? undefined);
}"""


@pytest.mark.parametrize(
    "decision",
    [
        Decision(),
        Decision(Task.MULTILABEL, (0.2, 0.5, 0.9)),
        Decision(Task.REGRESSION, half_widths=(1.0, 2.5, 0.25)),
        Decision(Task.REGRESSION),
    ],
)
def test_answers_are_those_of_python(page: Page, decision: Decision) -> None:
    decoder = OutputDecoder(TrainedModel((small_model(decision=decision),), 0.4), top=3)
    rng = np.random.default_rng(0)
    for unknown in (True, False):
        outputs = rng.dirichlet(np.ones(3)).astype(np.float32)
        model = {
            "task": str(decision.task), "classes": CLASSES, "form": "probabilities", "threshold": 0.4,
            "thresholds": decision.thresholds_for(3), "half_widths": decision.half_widths,
        }  # fmt: skip
        found = page.evaluate(DESCRIBE, [model, outputs.tolist(), unknown])
        expected = decoder.decode("", outputs, unknown)
        assert found["unknown"] is unknown
        for name in ("label", "labels", "values", "probabilities", "intervals"):
            assert (name in found) == hasattr(expected, name)
            if name in found and name.startswith("label"):
                assert found[name] == (list(expected.labels) if name == "labels" else expected.label)  # type: ignore[union-attr]
            elif name in found:
                assert found[name].keys() == getattr(expected, name).keys()
                for key, value in getattr(expected, name).items():
                    assert found[name][key] == pytest.approx(value, abs=1e-6)


def test_page_works_offline_after_the_first_visit(
    address: str, watched_page: WatchedPage, trained: TrainedModel, files: list[Path]
) -> None:
    with watched_page(locale="ko", viewport={"width": 1280, "height": 900}) as page:
        page.goto(address)
        expect(page.locator("#offline")).to_have_text(
            "이 페이지를 기기에 저장했습니다. 이제 인터넷 연결이 없어도 동작합니다."
        )
        expect(page.locator("#offline")).to_be_visible()
        page.context.set_offline(True)
        page.reload()
        expect(page.locator("#use")).to_be_visible()
        expect(page.locator("h1")).to_have_text("이미지 예측")
        page.click("#language")
        check(answers(page, files[:2]), trained, files[:2], 0.005)


def test_single_file_opens_from_the_disk(
    watched_page: WatchedPage, trained: TrainedModel, files: list[Path], tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    options = PageOptions("</script>&", [str(files[0].parent)])
    result = export_file(trained, file, options)
    assert (result.bytes, result.precision) == (file.stat().st_size, "8-bit weights")
    with watched_page() as page:
        page.goto(file.as_uri())
        check(answers(page, files), trained, files, 0.005)
        expect(page.locator("#name")).to_have_text("</script>&")
    export_file(trained, file, options)  # again
    file.write_text("mine", "utf-8")
    with pytest.raises(UsageError, match="already exists and is not a page of Striate"):
        export_file(trained, file, options)
    assert file.read_text("utf-8") == "mine"


def test_page_replaces_only_an_earlier_page(trained: TrainedModel, files: list[Path], tmp_path: Path) -> None:
    export: Callable[[], Any] = functools.partial(
        export_folder, trained, tmp_path / "page", PageOptions("a", [str(files[0])])
    )
    (tmp_path / "page").mkdir()
    assert not any("replaced" in note for note in export().notes)
    assert any("was replaced" in note for note in export().notes)
    mine = tmp_path / "page/static/mine.txt"
    mine.write_text("mine", "utf-8")
    with pytest.raises(UsageError, match=r"contains 'static/mine.txt', which is not part of a page"):
        export()
    assert mine.read_text("utf-8") == "mine"
    (tmp_path / "page/page.json").write_text("[]", "utf-8")
    with pytest.raises(UsageError, match="which is not part of a page"):
        export()
    assert [path.name for path in tmp_path.iterdir()] == ["page"]


def test_all_pages_have_the_same_colors() -> None:
    """Reports contain their own style sheet, since they must not need another file."""
    package = Path(striate.__file__).parent
    shell, report = (
        dict(re.findall(r"(--\w+): ([^;]+);", (package / sheet).read_text("utf-8").split("}")[0]))
        for sheet in ("web/static/shell.css", "evaluation/templates/report.css")
    )
    assert len(shell) == 8 and shell == {name: report[name] for name in shell}
    assert shell["--paper"] == f"light-dark({PAPER['light']}, {PAPER['dark']})"


def test_handwritten_digits_are_refused(tmp_path: Path) -> None:
    model = small_model(policy=ImagePolicy(24, 32, 3, "digit"))
    with pytest.raises(UsageError, match=r"which an exported page cannot do\. Use striate serve"):
        export_folder(TrainedModel((model,), 0.5), tmp_path / "page", PageOptions("digits"))
    assert not any(tmp_path.iterdir())


def test_pages_and_report_have_the_same_colors() -> None:
    package = Path(striate.__file__).parent
    shell, report = (
        dict(re.findall(r"^  (--[\w-]+): ([^;]+);", (package / file).read_text("utf-8"), re.M))
        for file in ("web/static/shell.css", "evaluation/templates/report.css")
    )
    assert len(shell) > 7
    assert shell == {name: report.get(name) for name in shell}
