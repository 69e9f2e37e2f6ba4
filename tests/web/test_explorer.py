"""`striate explore`: its answers equal those of `explain`, and its page shows them."""

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import WatchedPage
from playwright.sync_api import FilePayload, Page, expect
from starlette.testclient import TestClient

import striate as st
from striate.errors import UsageError
from striate.explain.estimates import Estimate
from striate.images import encode_png
from striate.language.explorer import EXPLORER_STRINGS
from striate.web import ServiceSettings, create_explorer
from striate.web.streams import Streams
from striate.workflows.explore import METHODS, ExploredImages, Explorer
from striate.workflows.open_explorer import open_explorer

from .conftest import ADDRESS, run_async
from .explorer_page import API, TOKEN, array, shown, visit, wait_for_workers


@pytest.fixture(scope="module")
def client(path: Path) -> Iterator[TestClient]:
    app = create_explorer(open_explorer(path), ServiceSettings(token=TOKEN, max_bytes=100_000))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with TestClient(app, base_url=ADDRESS, headers=headers, raise_server_exceptions=False) as client:
        yield client


def test_only_the_holder_of_the_token_gets_answers(client: TestClient) -> None:
    assert client.get("/", headers={"Authorization": ""}).status_code == 200
    assert client.get(f"{API}/model", headers={"Authorization": ""}).status_code == 401
    assert client.get(f"{API}/model", headers={"Host": "evil.example"}).status_code == 403
    assert client.get(f"{API}/model", headers={"Origin": "http://evil.example"}).status_code == 403
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy


def test_predictions_are_those_of_the_model(client: TestClient, model: st.Model, digits: Any) -> None:
    answer = client.get(f"{API}/model").json()
    probabilities = model.predict(digits.x)
    np.testing.assert_array_equal(answer["labels"], digits.y)
    np.testing.assert_array_equal(answer["predicted"], probabilities.argmax(axis=1))
    np.testing.assert_allclose(answer["probabilities"], probabilities.max(axis=1), rtol=1e-5, atol=1e-6)
    image = client.get(f"{API}/images/7").json()
    np.testing.assert_array_equal(array(image["pixels"]), digits.x[7])
    np.testing.assert_allclose(image["probabilities"], probabilities[7], rtol=1e-5)


def test_maps_are_ordered_by_response(client: TestClient, model: st.Model, digits: Any) -> None:
    expected = st.explain.feature_maps(model, digits.x[3], "C3")
    node = [item["name"] for item in client.get(f"{API}/model").json()["nodes"]].index("C3")
    answer = client.get(f"{API}/images/3/maps/{node}").json()
    strength = np.abs(expected).max(axis=(0, 1))
    assert np.all(np.diff(strength[answer["order"]]) <= 0)
    np.testing.assert_array_equal(array(answer["maps"]), expected[:, :, answer["order"]])
    second = client.get(f"{API}/images/3/maps/{node}?order=number&first=3").json()
    assert second["order"] == list(range(3, 16))
    np.testing.assert_array_equal(array(second["maps"]), expected[:, :, 3:])
    kernel = array(client.get(f"{API}/filters/{node}").json()["stages"][0]["kernel"])
    np.testing.assert_array_equal(kernel, model.named_weights["C3/kernel"])


def test_units_show_every_number(client: TestClient, model: st.Model, digits: Any) -> None:
    rng = np.random.default_rng(0)
    trace = st.explain.Trace(model, digits.x[5])
    for number, node in enumerate(model.network.nodes):
        height, width, channels = node.shape if len(node.shape) == 3 else (1, 1, *node.shape)
        place = [int(rng.integers(size)) for size in (height, width, channels)]
        answer = client.get(f"{API}/images/5/units/{number}/{'/'.join(map(str, place))}").json()
        value = trace.values[number].reshape(height, width, channels)[tuple(place)]
        assert answer["engine_output"] == pytest.approx(float(value), rel=1e-6)
        assert answer["output"] == pytest.approx(float(value), rel=1e-4, abs=1e-6)
        if answer["operation"] == "weighted_sum":
            products = sum((array(part["values"]) * array(part["weights"])).sum() for part in answer["inputs"])
            assert answer["total"] == pytest.approx(float(products) + (answer["bias"] or 0.0), rel=1e-9)


def test_attributions_become_those_of_explain(client: TestClient, model: st.Model, digits: Any) -> None:
    lines = [json.loads(line) for line in client.get(f"{API}/images/2/attributions?class=4,7").text.splitlines()]
    assert [(line["method"], line["class"]) for line in lines[:6]] == [
        (method, number) for method in METHODS for number in (4, 7)
    ]  # something of everything first
    for method, number in itertools.product(METHODS, (4, 7)):
        expected = getattr(st.explain, method)(model, digits.x[2], number)
        own = [line for line in lines if (line["method"], line["class"]) == (method, number)]
        assert "values" in own[0] and own[-1]["done"] == own[-1]["total"]
        assert [line["done"] for line in own] == sorted(line["done"] for line in own)
        np.testing.assert_allclose(array(own[-1]["values"]), expected.values, rtol=1e-4, atol=1e-5)
        assert own[-1]["score"] == pytest.approx(expected.score, rel=1e-6)


def test_methods_that_do_not_suit_a_network_say_why() -> None:
    model = st.zoo.build("mlp")
    x = np.zeros((1, 28, 28, 1), np.uint8)
    explorer = Explorer("mlp", model, ExploredImages(x, None, None, np.zeros(1, int), np.zeros(1)))
    found = {method: estimate for method, _, estimate in explorer.attributions("0", [3])}
    assert "has no feature maps for Grad-CAM" in str(found["grad_cam"])
    assert isinstance(found["occlusion"], Estimate) and isinstance(found["integrated_gradients"], Estimate)


def test_attributions_end_with_the_connection(path: Path) -> None:
    """The work between two lines is small, and no more is done than a line ahead of what was read."""
    explorer, asked = open_explorer(path), []

    def contents() -> Iterator[dict[str, Any]]:
        for method, _, _ in explorer.attributions("0", [3]):
            asked.append(method)
            yield {"method": method}

    async def run() -> None:
        with ThreadPoolExecutor(1) as pool:
            response: Any = Streams().stream_contents(contents(), pool)
            assert await anext(response.body_iterator) == '{"method": "grad_cam"}\n'
            await response.body_iterator.aclose()

    run_async(run())
    assert asked == ["grad_cam"]


def test_images_can_be_added(client: TestClient, model: st.Model, digits: Any) -> None:
    answer = client.post(f"{API}/images", content=encode_png(digits.x[9])).json()
    np.testing.assert_array_equal(array(answer["pixels"]), digits.x[9])
    np.testing.assert_allclose(answer["probabilities"], model.predict(digits.x[9:10])[0], rtol=1e-5)
    assert answer["label"] is None
    for _ in range(40):
        last = client.post(f"{API}/images", content=encode_png(digits.x[9])).json()["id"]
    assert client.get(f"{API}/images/{last}").status_code == 200
    assert "There is no image" in client.get(f"{API}/images/{answer['id']}").json()["error"]


@pytest.mark.parametrize("channels", [1, 3])
def test_frames_replace_each_other(client: TestClient, model: st.Model, channels: int) -> None:
    rng = np.random.default_rng(0)
    pixels = np.full((40, 60, channels), 255, np.uint8)
    pixels[10:30, 20:40] = rng.integers(0, 100, (20, 20, channels))
    query = {"height": 40, "width": 60, "channels": channels, "node": 3}
    first = client.post(f"{API}/live", params=query, content=pixels.tobytes()).json()
    assert model.policy
    expected = model.policy.apply(pixels)
    np.testing.assert_array_equal(array(first["pixels"]), expected)
    np.testing.assert_allclose(first["probabilities"], model.predict(expected[None])[0], rtol=1e-5)
    maps = st.explain.feature_maps(model, expected, "C1")
    np.testing.assert_array_equal(array(first["maps"]["maps"]), maps[:, :, first["maps"]["order"]])
    second = client.post(f"{API}/live", params=query | {"previous": first["id"]}, content=pixels.tobytes()).json()
    assert client.get(f"{API}/images/{second['id']}").status_code == 200
    assert "There is no image" in client.get(f"{API}/images/{first['id']}").json()["error"]
    wrong = client.post(f"{API}/live", params=query | {"height": 41}, content=pixels.tobytes())
    assert wrong.status_code == 400 and f"received {pixels.size:,}." in wrong.json()["error"]


@pytest.mark.parametrize(
    ("request_path", "status", "message"),
    [
        ("images/100000", 422, "There is no image '100000'"),
        ("images/..%2F..%2Fetc", 404, "Not found: "),
        ("images/0/units/3/99/0/0", 422, "has no unit"),
        ("images/0/maps/99", 422, "has the nodes 0 to 10"),
        ("images/0/attributions", 422, "The classes are missing from the request"),
        ("images/0/attributions?class=2,10", 422, "must be below 10"),
        ("images/0/attributions?class=x", 400, "must be a whole number"),
        ("filters/4", 422, "has no filters"),
    ],
)
def test_wrong_requests_are_explained(client: TestClient, request_path: str, status: int, message: str) -> None:
    answer = client.get(f"{API}/{request_path}")
    assert answer.status_code == status
    assert message in answer.json()["error"]


def test_wrong_uploads_are_explained(client: TestClient) -> None:
    assert client.post(f"{API}/images", content=b"no image").status_code == 422
    assert client.post(f"{API}/images", content=b"").status_code == 400
    assert client.post(f"{API}/images", content=bytes(100_001)).status_code == 413


def test_own_images_are_shown_in_place_of_the_test_images(path: Path, tmp_path: Path, digits: Any) -> None:
    for index in range(3):
        (tmp_path / f"{index}.png").write_bytes(encode_png(digits.x[index]))
    (tmp_path / "damaged.png").write_bytes(b"no image")
    explorer = open_explorer(path, [str(tmp_path)])
    np.testing.assert_array_equal(explorer.images.x, digits.x[:3])
    assert explorer.images.labels is None and "Not shown: 1 file." in explorer.notes[-1]
    with pytest.raises(UsageError, match="None of the files can be shown"):
        open_explorer(path, [str(tmp_path / "damaged.png")])


def test_a_run_shows_its_mistakes_and_its_training(run: Path, tmp_path: Path) -> None:
    explorer, model, test = open_explorer(run), st.load(run), st.data.load("mnist5k").test
    assert explorer.images.labels is not None
    order = np.lexsort(explorer.images.x.reshape(len(test), -1).T)
    expected = np.lexsort(test.x.reshape(len(test), -1).T)
    np.testing.assert_array_equal(explorer.images.labels[order], test.y[expected])
    np.testing.assert_array_equal(explorer.images.predicted[order], model.predict(test.x[expected]).argmax(axis=1))
    first, *_, last = explorer.filters(2)
    assert first.step == 0 and not np.array_equal(first.kernel, last.kernel)
    np.testing.assert_array_equal(last.kernel, model.named_weights["conv1/kernel"])
    shutil.copy(run / "model.safetensors", tmp_path / "model.safetensors")
    assert len(open_explorer(tmp_path / "model.safetensors").images.x) == len(test)


def test_networks_without_images_are_refused(tmp_path: Path) -> None:
    st.zoo.build("linear-regression").save(tmp_path / "line.safetensors")
    with pytest.raises(UsageError, match="can be explored if it takes one image"):
        open_explorer(tmp_path / "line.safetensors")


def test_texts_have_the_same_placeholders() -> None:
    def names(text: str) -> set[str]:
        return {part.split("}")[0] for part in text.split("{")[1:]}

    assert all(names(texts["en"]) == names(texts["ko"]) for texts in EXPLORER_STRINGS.values())


def test_page_shows_mistakes_by_pair(page: Page, address: str, model: st.Model, digits: Any) -> None:
    predicted = model.predict(digits.x).argmax(axis=1)
    wrong = predicted != digits.y
    pairs, counts = np.unique(np.stack([digits.y, predicted])[:, wrong], axis=1, return_counts=True)
    expect(page.locator("h1")).to_have_text("Wrong predictions of digits")
    expect(page.locator("main > p").first).to_contain_text(f"{wrong.sum()} of {len(digits)} predictions are wrong")
    expect(page.locator(".pair")).to_have_count(len(counts))
    label, guess = pairs[:, counts.argmax()]
    expect(page.locator(".pair h2").first).to_have_text(f"{label} predicted as {guess} × {counts.max()}")
    image = page.locator(".pair .thumbnail").first
    expect(image.locator("span").first).to_have_text(f"Image {(image.get_attribute('href') or '').split('/')[-1]}")


def test_page_leads_from_the_network_to_a_pixel(page: Page, address: str, model: st.Model, digits: Any) -> None:
    visit(page, address, "network")
    expect(page.locator(".graph a.box")).to_have_count(len(st.explain.graph(model).nodes))
    page.get_by_role("link", name="C3:").click()
    expect(page.locator("button.map")).to_have_count(16)
    page.get_by_label("Order").select_option("number")
    expect(page.locator("button.map > span").first).to_have_text("0")
    expect(page.locator("button.map")).to_have_count(16)
    page.get_by_label("Order").select_option("strength")
    strongest = np.abs(st.explain.feature_maps(model, digits.x[0], "C3")).max(axis=(0, 1)).argmax()
    expect(page.locator("button.map > span").first).to_have_text(str(strongest))
    page.locator("button.map").first.press("Enter")
    maps = st.explain.feature_maps(model, digits.x[0], "C3")
    y, x, channel = np.unravel_index(np.abs(maps).argmax(), maps.shape)
    expect(page.locator("h1")).to_have_text(f"C3: row {y}, column {x}, map {channel}")
    unit = st.explain.unit(model, digits.x[0], "C3", (int(y), int(x), int(channel)))
    assert unit.bias is not None
    for name, value in {
        "products": unit.pre_activation - unit.bias,
        "total": unit.pre_activation,
        "output": unit.output,
    }.items():
        expect(page.locator(f"#{name}")).to_have_text(shown(value))
    grids = page.locator(".reads .grid")
    cells = [float(cell.replace("−", "-")) for cell in grids.last.locator(".cell").all_inner_texts()]
    total = float(page.locator(".reads .sum-of").inner_text().removeprefix("sum ").replace("−", "-"))
    assert sum(cells) == pytest.approx(total, abs=0.005 * len(cells))
    region = st.explain.receptive_field(model, "C3", (int(y), int(x), int(channel)))
    expect(page.locator("#sees")).to_contain_text(f"rows {region.rows[0]}–{region.rows[1] - 1}")
    for layer in ("S2", "C1", "rescale", "padding", "input"):
        page.locator("a.cell:not(.padding), .terms a").last.click()
        expect(page.locator("h1")).to_contain_text(layer)
    expect(page.locator(".crumbs li")).to_have_count(6)
    row, column = page.locator("h1").inner_text().split("row ")[1].split(", map")[0].split(", column ")
    expect(page.locator("#output")).to_have_text(str(digits.x[0][int(row), int(column), 0]))
    page.locator(".crumbs a").first.click()
    expect(page.locator("h1")).to_have_text(f"C3: row {y}, column {x}, map {channel}")


def test_page_explains_an_answer(page: Page, address: str, model: st.Model, digits: Any) -> None:
    visit(page, address, "why/1/3/5")
    expect(page.locator("figure[aria-busy=false] .stack canvas")).to_have_count(12)
    found = st.explain.integrated_gradients(model, digits.x[1], 3)
    line = page.locator("#integrated_gradients .sum-of").first
    expect(line).to_contain_text(shown(found.score))
    total, sign, score, base = re.findall(r"−?\d+(?:\.\d+)?|[=≈]", line.inner_text())[:4]
    difference = float(score.replace("−", "-")) - float(base.replace("−", "-"))
    assert sign == "≈" or total == shown(difference)  # the numbers that are shown add up


def test_page_predicts_what_is_drawn_or_uploaded(page: Page, address: str, model: st.Model, digits: Any) -> None:
    visit(page, address, "own")
    box = page.locator("#paper").bounding_box()
    assert box
    page.mouse.move(box["x"] + 140, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 240)
    page.mouse.up()
    expect(page.locator(".answer .bars")).to_be_visible()
    expect(page.locator(".answer button.map")).to_have_count(6)
    page.set_input_files(
        "input[type=file]", FilePayload(name="a.png", mimeType="image/png", buffer=encode_png(digits.x[4]))
    )
    probabilities = model.predict(digits.x[4:5])[0]
    expect(page.locator(".answer .bars > :nth-child(3)")).to_have_text(f"{100 * probabilities.max():.1f} %")


def test_page_follows_the_camera(page: Page, address: str, model: st.Model) -> None:
    visit(page, address, "images")
    visit(page, address, "own")
    seen = page.locator(".seen-as canvas")
    page.get_by_role("button", name="Use the camera").click()
    expect(seen).to_be_visible()
    first = seen.evaluate("(canvas) => canvas.toDataURL()")
    page.wait_for_function("(first) => document.querySelector('.seen-as canvas').toDataURL() !== first", arg=first)
    page.get_by_role("button", name="Turn the camera off").click()
    expect(page.locator("video")).to_be_hidden()
    page.get_by_role("button", name="Use the camera").click()
    visit(page, address, "images")
    page.wait_for_function("() => !document.querySelector('video')")


@pytest.mark.parametrize(("padding", "stride", "dilation"), [("valid", 1, 1), ("same", 2, 1), ("1", 2, 2)])
def test_page_slides_a_filter(page: Page, address: str, padding: str, stride: int, dilation: int) -> None:
    visit(page, address, "filter")
    page.get_by_label("Padding").select_option(padding)
    page.get_by_label("Stride").fill(str(stride))
    page.get_by_label("Dilation").fill(str(dilation))
    margins = {"valid": (0, 0), "same": (0, 1), "1": (1, 1)}[padding]
    image = np.pad(np.where(np.arange(6) < 3, 10.0, 0.0) * np.ones((6, 1)), margins)
    kernel = np.tile([1.0, 0.0, -1.0], (3, 1))
    reach = dilation * 2 + 1
    windows = np.lib.stride_tricks.sliding_window_view(image, (reach, reach))[
        ::stride, ::stride, ::dilation, ::dilation
    ]
    expected = (windows * kernel).sum(axis=(2, 3))
    expect(page.locator(".formula output")).to_contain_text(f"= {len(expected)}")
    for _ in range(expected.size - 1):
        page.get_by_role("button", name="Step").click()
    cells = page.locator(".sliding figure").last.locator(".cell").all_inner_texts()
    np.testing.assert_array_equal([float(cell.replace("−", "-")) for cell in cells], expected.ravel())


def test_page_slides_over_channels_and_images(page: Page, address: str, digits: Any) -> None:
    kernel = np.tile([1.0, 0.0, -1.0], (3, 1))

    def convolved(image: Any) -> Any:
        return (np.lib.stride_tricks.sliding_window_view(image, (3, 3)) * kernel).sum(axis=(2, 3))

    visit(page, address, "why/4")
    expect(page.locator(".card")).to_contain_text("Image 4")
    visit(page, address, "filter")
    for name, value in {"Stride": "1", "Dilation": "1", "Channels": "3"}.items():
        page.get_by_label(name).fill(value)
    page.get_by_label("Padding").select_option("valid")
    y, x = np.mgrid[:6, :6]
    expected = sum(convolved(np.where(bright, 10.0, 0.0)) for bright in (x < 3, y < 3, x + y < 6))
    for _ in range(expected.size - 1):
        page.get_by_role("button", name="Step").click()
    cells = page.locator(".sliding figure").last.locator(".cell").all_inner_texts()
    np.testing.assert_array_equal([float(cell.replace("−", "-")) for cell in cells], expected.ravel())
    expect(page.locator(".formula")).to_contain_text("3 × 3 × 3 = 27 weights")
    expect(page.locator("p.sum-line").last).to_contain_text(f"= {shown(expected[-1, -1])}")
    page.get_by_label("Channels").fill("1")
    page.get_by_label("Slides over").select_option("image")
    expected = convolved(digits.x[4, :, :, 0].astype(float))
    expect(page.locator(".formula output")).to_contain_text("= 26")
    box = page.locator(".slid.output").bounding_box()
    assert box
    page.locator(".slid.output").click(position={"x": box["width"] * 12.5 / 26, "y": box["height"] * 10.5 / 26})
    expect(page.locator("p.sum-line").last).to_contain_text(f"= {shown(expected[10, 12])}")


def test_page_shows_what_excites_units(page: Page, address: str, model: st.Model, digits: Any) -> None:
    visit(page, address, "layer/0/5")
    page.get_by_label("Among").select_option("shown")
    expect(page.locator(".excites")).to_contain_text(f"Found among {len(digits)} images.")
    expect(page.locator("#dead")).to_contain_text(
        f"None of the 16 units is dead: each has different outputs for the {len(digits)} images."
    )
    strength = np.abs(st.explain.feature_maps(model, digits.x[0], "C3")).max(axis=(0, 1))
    channel = int(np.argsort(-strength, kind="stable")[0])
    patches = st.explain.strongest_patches(model, digits.x, "C3", channel).for_channel(channel)
    row = page.locator(".nine").first
    expect(row.locator("a > .soft")).to_have_text([shown(patch.value) for patch in patches])
    pixels = row.locator("canvas").first.evaluate(
        "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
    )
    np.testing.assert_array_equal(np.reshape(pixels, (-1, 4))[:, 0], patches[0].pixels.ravel())
    row.locator("a").nth(1).click()
    y, x, _ = patches[1].position
    expect(page.locator("h1")).to_have_text(f"C3: row {y}, column {x}, map {channel}")
    expect(page.locator(".card")).to_contain_text(f"Image {patches[1].image}")
    expect(page.locator(".excites .nine a")).to_have_count(9)


def test_page_shows_the_nearest_images(page: Page, address: str, model: st.Model, digits: Any) -> None:
    train = st.data.load("mnist5k").train
    visit(page, address, "why/1")
    found = st.explain.nearest_images(model, digits.x[1], train)
    expect(page.locator("#nearest .thumbnail span")).to_have_text(
        [
            f"{train.y[image]} · {shown(distance)}"
            for image, distance in zip(found.indices, found.distances, strict=True)
        ]
    )
    page.locator("#nearest .thumbnail").first.click()
    expect(page.locator(".card")).to_contain_text(f"Training image {found.indices[0]}")


def test_leaving_the_view_ends_the_process(page: Page, address: str, explorer: "subprocess.Popen[str]") -> None:
    visit(page, address, "layer/0/3")
    expect(page.locator(".excites")).to_be_visible()
    visit(page, address, "images")
    wait_for_workers(page, explorer.pid, 0)


def test_addresses_name_layers(page: Page, address: str, model: st.Model) -> None:
    names = [str(node.layer.name) for node in model.network.nodes]
    for view, title in {"layer/C3": "C3", "layer/3/S2": "S2", "layer/2": "C1"}.items():
        visit(page, address, view)
        expect(page.locator("h1")).to_have_text(title)
        expect(page.locator("#problem")).to_be_empty()
    for view, message in {
        "layer/2/C99": f"There is no layer “C99”. The layers are: {', '.join(names)}.",
        "layer/2/99": "There is no layer “99”",
        "unit/2": "This address contains no unit",
        "unit/2/C3:x": "This address contains no unit",
    }.items():
        visit(page, address, view)
        expect(page.locator("#problem")).to_contain_text(message)
    visit(page, address, "images")
    expect(page.locator("#problem")).to_be_empty()


def test_page_speaks_korean(page: Page, address: str) -> None:
    visit(page, address, "images")
    page.click("#language")
    expect(page.locator("h1")).to_have_text("digits가 틀린 이미지")
    page.click("#language")
    visit(page, address, "images/")


def test_page_without_token_says_what_to_do(address: str, watched_page: WatchedPage) -> None:
    with watched_page(expected="status of 401") as page:
        page.goto(address.split("#", maxsplit=1)[0])
        expect(page.locator("#problem")).to_contain_text("Open the address that the terminal shows")
