"""A lesson: one page without a server, whose numbers are those of the engine."""

import json
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import WatchedPage
from playwright.sync_api import Page, expect

import striate as st
from striate.errors import StriateError, UsageError
from striate.explain.trace import node_index
from striate.explain.units import as_maps
from striate.images import encode_png
from striate.web.lesson import lesson_script, make_lesson
from striate.web.payloads import estimate_payload, image_payload, maps_payload, unit_payload
from striate.workflows import explore
from striate.workflows.explore import Explorer
from striate.workflows.open_explorer import open_explorer

from .conftest import environment

L = st.layers


def every_kind_of_layer() -> st.Model:
    """A network with branches and with layers of all operations, normalizations and movements."""
    image = st.Input((9, 7, 1))
    x = L.ZeroPadding2D(((1, 0), (0, 2)))(L.Rescale(1 / 127.5, -1)(image))
    first = L.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="first")(x)
    second = L.MaxPool2D(3, strides=2, padding="same")(L.Conv2D(4, 3, padding="same", name="wide")(x))
    x = L.BatchNormalization()(L.Add()([first, second]))
    x = L.Concatenate()([x, L.DepthwiseConv2D(3, padding="same")(x), L.LocalResponseNormalization(radius=1)(x)])
    x = L.Conv2D(4, 2, groups=2, dilation_rate=2, padding="valid", activation="tanh")(x)
    x = L.LayerNormalization()(
        L.PReLU()(L.Multiply()([x, L.Maximum()([x, L.SeparableConv2D(4, 3, padding="same")(x)])]))
    )
    x = L.AveragePool2D(3, strides=1, padding="same")(L.UpSampling2D(2, interpolation="bilinear")(x))
    x = L.Permute((2, 1, 3))(L.Cropping2D(1)(L.Conv2DTranspose(2, 3, strides=2)(x)))
    features = L.Concatenate()(
        [L.GlobalAveragePool2D()(x), L.GlobalMaxPool2D()(x), L.Flatten()(L.UnitNormalization()(x))]
    )
    return st.Model(image, L.Dense(5, activation="softmax")(L.Dropout(0.5)(features)))


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    model, rng = every_kind_of_layer(), np.random.default_rng(0)
    weights = model.named_weights
    model.named_weights = {name: value + 0.1 * rng.random(value.shape, np.float32) for name, value in weights.items()}
    x = rng.integers(0, 256, (3, *model.network.input_shapes[0]), dtype=np.uint8)
    predicted = np.array([1, 2, 3])
    images = explore.ExploredImages(x, None, predicted, predicted, np.ones(3))
    return Explorer("all kinds", model, images)


@pytest.fixture(scope="module")
def lesson(explorer: Explorer, tmp_path_factory: pytest.TempPathFactory) -> str:
    page, left_out = make_lesson(explorer, ["2", "0"])
    assert left_out is None
    file = tmp_path_factory.mktemp("lesson") / "lesson.html"
    file.write_text(page, encoding="utf-8")
    return file.as_uri()


@pytest.fixture(scope="module")
def page(watched_page: WatchedPage, lesson: str) -> Iterator[Page]:
    with watched_page(viewport={"width": 390, "height": 800}, offline=True) as page:
        page.goto(lesson)
        yield page


def answers(page: Page, paths: list[str]) -> list[Any]:
    """Return what the lesson answers, with arrays as lists of numbers."""
    script = f"""async (paths) => {{
        {lesson_script("explore/server.js")}
        const listed = (key, value) => (ArrayBuffer.isView(value) ? [...value] : Number.isNaN(value) ? null : value);
        return JSON.stringify(await Promise.all(paths.map((path) => module_explore_server_js.ask(path))), listed);
    }}"""
    found: list[Any] = json.loads(page.evaluate(script, paths))
    return found


def assert_same(found: Any, expected: Any, path: str) -> None:
    """Assert that an answer of the lesson is that of the server, numbers to 1e-5."""
    if isinstance(expected, dict) and expected.keys() == {"shape", "dtype", "data"}:
        array = np.frombuffer(b64decode(expected["data"]), expected["dtype"])
        np.testing.assert_allclose(found["data"], array, rtol=1e-5, atol=1e-7, err_msg=path)
        assert found["shape"] == list(expected["shape"]), path
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys(), path
        for name, value in expected.items():
            assert_same(found[name], value, f"{path}: {name}")
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected), path
        for index, value in enumerate(expected):
            assert_same(found[index], value, f"{path}: {index}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-7), path
    else:
        assert found == expected, path


def expected_answers(explorer: Explorer, number: int, key: str) -> Iterator[tuple[str, Any]]:
    """Yield what the server answers about an image, with a sample of the units of every layer."""
    rng = np.random.default_rng(number)
    info, path = image_payload(explorer, key), f"images/{number}"
    order = np.argsort(-np.array(info["probabilities"]), kind="stable").tolist()
    yield path, {**info, "id": str(number), "explained": order}
    last = {method: (number, estimate) for method, number, estimate in explorer.attributions(key, [4])}
    assert list(last) == list(explore.METHODS)
    yield f"{path}/attributions?class=4", [estimate_payload(method, *found) for method, found in last.items()]
    for node, item in enumerate(explorer.model.network.nodes):
        yield f"{path}/maps/{node}", maps_payload(explorer, key, node, 0)
        shape = as_maps(item.shape)
        places: set[tuple[int, ...]] = {(0, 0, 0), (shape[0] - 1, shape[1] - 1, shape[2] - 1)}
        places |= {
            (int(rng.integers(shape[0])), int(rng.integers(shape[1])), int(rng.integers(shape[2]))) for _ in "123"
        }
        for place in places:
            yield (
                f"{path}/units/{node}/{'/'.join(map(str, place))}",
                unit_payload(explorer, key, node, (place[0], place[1], place[2])),
            )


@pytest.mark.parametrize(("number", "key"), [(0, "2"), (1, "0")])
def test_every_answer_is_that_of_the_engine(page: Page, explorer: Explorer, number: int, key: str) -> None:
    expected = dict(expected_answers(explorer, number, key))
    for (path, value), found in zip(expected.items(), answers(page, list(expected)), strict=True):
        assert_same(found, value, path)


def test_a_lesson_leads_from_the_answer_to_a_pixel(page: Page, lesson: str, explorer: Explorer) -> None:
    """Without a server, and without a request."""
    page.goto(f"{lesson}#/images")
    expect(page.locator(".thumbnail")).to_have_count(2)
    for key in ("2", "0"):  # the numbers in the images from which the lesson was made
        expect(page.get_by_text(f"Image {key}", exact=True)).to_have_count(1)
    page.locator(".thumbnail").first.click()
    expect(page.locator(".method figure[aria-busy=false] .stack")).to_have_count(6)
    expect(page.locator(".methods .error")).to_have_count(0)
    page.get_by_role("link", name="Network", exact=True).first.click()
    page.get_by_role("link", name="add:").click()
    page.get_by_role("link", name="first:").click()
    expect(page.locator("button.map")).to_have_count(4)
    page.goto(f"{lesson}#/unit/0/{node_index(explorer.model.network, 'first')}:2,2,0")
    for layer in ("zero_padding2d", "rescale", "input"):
        page.locator("a.cell:not(.padding), .terms a").last.click()
        expect(page.locator("h1")).to_contain_text(layer)
    row, column, channel = map(int, re.findall(r"\d+", page.locator("h1").inner_text())[-3:])
    expect(page.locator("#output")).to_have_text(str(explorer.images.x[2][row, column, channel]))
    page.get_by_role("link", name="Filter", exact=True).click()
    expect(page.locator(".formula output")).to_contain_text("= 4")
    page.click("#language")
    expect(page.locator("h1")).to_have_text("움직이는 필터")
    page.click("#language")


def test_a_lesson_may_run_only_what_it_contains(lesson: str, page: Page) -> None:
    policy = page.locator("meta[http-equiv]").get_attribute("content") or ""
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    page.goto(f"{lesson}#/unit/0/0:99,0,0")
    expect(page.locator("#problem")).to_contain_text("This exported page does not contain that")
    page.goto(f"{lesson}#/own")
    expect(page.locator("#nav a")).to_have_count(4)


def test_a_large_network_leaves_out_single_units(
    page: Page, explorer: Explorer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("striate.web.lesson_data.MAX_UNITS", 1000)
    made, left_out = make_lesson(explorer, ["1"])
    assert left_out == sum(int(np.prod(node.shape)) for node in explorer.model.network.nodes)
    (tmp_path / "large.html").write_text(made, encoding="utf-8")
    large = page.context.new_page()
    large.goto((tmp_path / "large.html").as_uri())
    maps = explorer.trace("1").maps("wide")
    (found,) = answers(
        large, [f"images/0/maps/{[str(node.layer.name) for node in explorer.model.network.nodes].index('wide')}"]
    )
    step = (maps.max() - maps.min()) / 255
    np.testing.assert_allclose(
        np.reshape(found["maps"]["data"], found["maps"]["shape"]), maps[..., found["order"]], atol=0.51 * step
    )
    large.goto(f"{large.url.split('#')[0]}#/unit/0/5:0,0,0")
    expect(large.locator("#problem")).to_contain_text(f"the network has {left_out} units")
    large.close()
    monkeypatch.setattr("striate.web.lesson.MAX_BYTES", 1000)
    with pytest.raises(UsageError, match="It shows 1 image: export fewer, or a smaller network"):
        make_lesson(explorer, ["1"])


def test_the_command_writes_a_lesson(tmp_path: Path) -> None:
    digits = st.data.load("mnist5k")
    layers = [L.Rescale(), L.Conv2D(2, 5, strides=5), L.Flatten(), L.Dense(10, activation="softmax")]
    model = st.Sequential([st.Input((28, 28, 1)), *layers])
    model.classes, model.policy = digits.classes, digits.policy
    model.save(tmp_path / "digits.safetensors")
    (tmp_path / "digit.png").write_bytes(encode_png(digits.test.x[3]))
    command = [sys.executable, "-m", "striate", "explore", "digits.safetensors", "--export", "lesson.html"]
    command += ["--image", "digit.png", "--image", "17"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), check=True, capture_output=True, text=True)
    written = (tmp_path / "lesson.html").read_text(encoding="utf-8")
    assert done.stdout.startswith("page ") and f"{len(written.encode()) / 1e6:.1f} MB" in done.stdout
    assert len(written) < 2_000_000
    explorer = open_explorer(tmp_path / "digits.safetensors")
    np.testing.assert_array_equal(explorer.pixels(explorer.find(str(tmp_path / "digit.png"))), digits.test.x[3])
    assert explorer.find("17") == "17"
    for image, message in (("999999", "There is no image '999999'"), ("absent.png", "absent.png")):
        with pytest.raises(StriateError, match=message):
            explorer.find(image)
