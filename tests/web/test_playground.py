"""The playground of `striate explore`: what it trains is what Python trains, and its process ends with the page."""

import copy
import json
import os
import re
import signal
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import pytest
from playwright.sync_api import Page, expect
from starlette.testclient import TestClient

import striate as st
from striate.data.order import batches, epoch_order
from striate.engines.optimizers import SGD, Adam
from striate.errors import NetworkError, StriateError, UsageError
from striate.images import encode_png
from striate.layers import Conv2D, Dense, Flatten, Input, MaxPool2D, Rescaling
from striate.web import ServiceSettings, create_explorer
from striate.web.errors import error_payload
from striate.workflows.open_explorer import open_explorer
from striate.workflows.playground import (
    RateChange,
    Ready,
    _Training,
    check_network,
    read_rate,
    read_setup,
    train_networks,
)
from striate.workflows.playground_data import PlaygroundData

from .conftest import ADDRESS
from .explorer_page import API, TOKEN, array, shown, visit, wait_for_workers, workers

LAYERS: list[dict[str, Any]] = [
    {"kind": "Conv2D", "filters": 4, "kernel_size": 5, "strides": 2, "padding": "valid", "activation": "relu"},
    {"kind": "MaxPool2D", "pool_size": 2},
    {"kind": "Flatten"},
    {"kind": "Dense", "units": 10, "activation": "softmax"},
]
CNN: dict[str, Any] = {"layers": LAYERS, "optimizer": "Adam", "learning_rate": 0.003}
MLP = {"layers": LAYERS[2:], "optimizer": "SGD", "learning_rate": 0.1}
TRAINING = {"data": "digits", "batch_size": 16, "networks": [CNN, MLP]}
STEPS = 5


@pytest.fixture(scope="module")
def data(path: Path) -> Any:
    return PlaygroundData(open_explorer(path)).load("digits")


@pytest.fixture(scope="module")
def expected() -> Any:
    """Losses, measures and model of CNN and MLP after some steps, as a reader of the manual would train them."""
    digits = st.data.load("mnist5k")
    found = []
    for layers, optimizer in (
        ([Conv2D(4, 5, strides=2, activation="relu"), MaxPool2D(2), Flatten(), Dense(10, "softmax")], Adam(0.003)),
        ([Flatten(), Dense(10, "softmax")], SGD(0.1)),
    ):
        model = st.Sequential([Input((28, 28, 1)), Rescaling(1 / 255), *layers])
        model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
        measured = [model.evaluate(digits.validation.x, digits.validation.y, verbose=0)]
        losses = []
        for rows in batches(len(digits.train), 16)[:STEPS]:
            chosen = epoch_order(len(digits.train), 0, 0)[rows]
            losses.append(model.train_on_batch(digits.train.x[chosen], digits.train.y[chosen])[0])
            measured.append(model.evaluate(digits.validation.x, digits.validation.y, verbose=0))
        found.append((losses, measured, model))
    return found


class Commands:
    """In place of the connection of a process: gives commands, and keeps what is sent."""

    def __init__(self, *commands: str | RateChange | None) -> None:
        self.commands, self.sent = list(commands), list[Any]()

    def receive(self, timeout: float | None = 0) -> str | RateChange | None:
        if not self.commands:
            raise KeyboardInterrupt
        return self.commands.pop(0)

    def send(self, message: Any) -> None:
        self.sent.append(message)

    def is_due(self) -> bool:
        return False


def test_training_equals_that_of_python(data: Any, expected: Any) -> None:
    commands = Commands("step", "step", "play", *[None] * (STEPS - 3), "pause", "reset")
    with pytest.raises(KeyboardInterrupt):
        train_networks(commands, [read_setup(CNN), read_setup(MLP)], data, 16)  # type: ignore[arg-type]
    assert isinstance(commands.sent[0], Ready)
    *updates, paused, reset = commands.sent[1:]
    assert [update.step for update in updates] == [0, 1, 2, 3] and paused.step == STEPS and not paused.running
    assert reset.step == 0 and reset.networks[0].measured == updates[0].networks[0].measured
    for number, (losses, measured, model) in enumerate(expected):
        shown = [update.networks[number] for update in (*updates, paused)]
        np.testing.assert_allclose(np.concatenate([each.losses for each in shown]), losses, rtol=1e-4)
        points = [point for each in shown for point in each.measured]
        assert [step for step, *_ in points] == [0, 1, 2, 4]
        np.testing.assert_allclose(
            [point[1:] for point in points], [measured[step] for step in (0, 1, 2, 4)], rtol=1e-4
        )
        first = model.named_weights["conv2d/kernel"] if number == 0 else model.named_weights["dense/kernel"]
        np.testing.assert_allclose(
            shown[-1].filters, first.reshape(*shown[-1].filters.shape[:3], -1)[..., :16], atol=1e-5
        )
        np.testing.assert_allclose(shown[-1].probabilities, model.predict(data.held_out.x[:12], verbose=0), atol=1e-4)


def test_a_network_that_diverges_stops(data: Any) -> None:
    commands = Commands(*["step"] * 6)
    with pytest.raises(KeyboardInterrupt), warnings.catch_warnings():
        train_networks(commands, [read_setup({**CNN, "optimizer": "SGD", "learning_rate": 1e30})], data, 16)  # type: ignore[arg-type]
    last = commands.sent[-1]
    losses = np.concatenate([update.networks[0].losses for update in commands.sent[1:]])
    assert last.step == 6 and last.networks[0].diverged
    assert len(losses) < 6 and np.isfinite(losses[:-1]).all() and not np.isfinite(losses[-1])


def changed(number: int, **values: Any) -> dict[str, Any]:
    layers = copy.deepcopy(LAYERS)
    layers[number] |= values
    return {**CNN, "layers": layers}


@pytest.mark.parametrize(
    ("setup", "message"),
    [
        (changed(0, filters=0), "filters: expected an integer of at least 1, received 0"),
        (changed(0, filters=2.5), "expected an integer of at least 1, received 2.5"),
        (changed(0, activation="blue"), "there is no activation 'blue'"),
        (changed(1, pool_size=13), "its window of 13×13 is larger than its input of 12×12"),
        (changed(3, units=7), "expected class numbers 0 … 6, received 9"),
        ({**CNN, "layers": LAYERS[:2]}, "needs an output of shape"),
        ({**CNN, "layers": [LAYERS[2], LAYERS[1]]}, "expected an input of shape (H, W, C), received (784,)"),
        ({**CNN, "layers": []}, "needs an output of shape"),
        ({**CNN, "learning_rate": -1}, "The learning rate must be above 0; received -1.0"),
        (changed(0, filters=65), "filters is 65; the playground allows at most 64"),
        (changed(3, units=10**9), "units is 1000000000; the playground allows at most 1024"),
        (changed(0, kernel_size=[3, 3]), "does not support kernel_size=[3, 3]"),
        (changed(0, kernel_initializer="zeros"), "does not support kernel_initializer="),
        (changed(0, kind="Lambda"), "There is no layer 'Lambda' here"),
        ({**CNN, "layers": LAYERS * 5}, "at most 16 layers"),
        ({**CNN, "layers": [LAYERS[2], *[{"kind": "Dense", "units": 1024}] * 5]}, "at most 3,000,000"),
        ({**CNN, "layers": [{"kind": "Conv2D", "filters": 64, "kernel_size": 9, "padding": "same"}] * 8}, "at most"),
        ({**CNN, "optimizer": "Magic"}, "There is no optimizer 'Magic'"),
        ({**CNN, "learning_rate": "fast"}, "must be a number; received 'fast'"),
        ({}, "at most 16 layers"),
    ],
)  # fmt: skip
def test_wrong_and_large_networks_are_refused(data: Any, setup: dict[str, Any], message: str) -> None:
    with pytest.raises(StriateError) as caught:
        check_network(read_setup(setup), data)
    assert message in str(caught.value)
    assert re.search("[가-힣]", error_payload(str(caught.value))["korean"])


def test_a_training_continues_with_another_learning_rate(data: Any, expected: Any) -> None:
    commands = Commands("step", RateChange(0, 0.0005), "step", "reset", "step")
    with pytest.raises(KeyboardInterrupt):
        train_networks(commands, [read_setup(CNN), read_setup(MLP)], data, 16)  # type: ignore[arg-type]
    slow = Commands(*["step"] * 2)
    with pytest.raises(KeyboardInterrupt):
        train_networks(slow, [read_setup({**CNN, "learning_rate": 0.0005})], data, 16)  # type: ignore[arg-type]
    *_, last = commands.sent
    np.testing.assert_allclose(last.networks[0].filters, slow.sent[2].networks[0].filters, atol=1e-6)
    assert commands.sent[4].step == 2 and commands.sent[4].networks[0].losses[-1] == pytest.approx(
        expected[0][0][1], 1e-4
    )
    assert not np.allclose(commands.sent[4].networks[0].filters, slow.sent[3].networks[0].filters, atol=1e-6)
    for text in ("0", "-1", "nan", "fast"):
        with pytest.raises(UsageError, match="learning rate must be"):
            read_rate(text)


def test_messages_are_those_of_python(data: Any) -> None:
    with pytest.raises(NetworkError) as own:
        check_network(read_setup({**CNN, "layers": LAYERS[3:]}), data)
    with pytest.raises(NetworkError) as python:
        st.Sequential([Input((28, 28, 1)), Rescaling(1 / 255), Dense(10, "softmax")])
    assert str(own.value) == str(python.value)


def test_folders_of_images_can_be_learned_from(path: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(30):
        folder = tmp_path / ("cats" if number % 3 else "dogs")
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.png").write_bytes(encode_png(rng.integers(0, 255, (40, 40), np.uint8)))
    found = PlaygroundData(open_explorer(path, [str(tmp_path)]))
    assert found.names() == ["digits", "scattered", "images"]
    data = found.load("images")
    assert data.classes == ("cats", "dogs") and len(data.train) == 24 and len(data.held_out) == 6
    assert sorted(np.concatenate([data.train.y, data.held_out.y])) == [0] * 20 + [1] * 10
    assert PlaygroundData(open_explorer(path)).names() == ["digits", "scattered"]


def test_a_run_can_be_learned_from(run: Path) -> None:
    found = PlaygroundData(open_explorer(run)).load("images")
    assert found.classes == tuple("0123456789") and found.train.x.shape == (2000, 28, 28, 1)
    assert len(found.held_out) == 500 and found.train.y.shape == (2000,)


@pytest.fixture(scope="module")
def client(path: Path) -> Iterator[TestClient]:
    app = create_explorer(open_explorer(path), ServiceSettings(token=TOKEN, max_bytes=100_000))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with TestClient(app, base_url=ADDRESS, headers=headers, raise_server_exceptions=False) as client:
        yield client


def test_layers_are_checked_while_they_are_chosen(client: TestClient) -> None:
    good = client.post(f"{API}/playground/check", json={"data": "digits", **CNN}).json()
    assert [layer["shape"] for layer in good["layers"]] == [[12, 12, 4], [6, 6, 4], [144], [10]]
    assert [layer["parameters"] for layer in good["layers"]] == [104, 0, 0, 1450]
    bad = client.post(f"{API}/playground/check", json={"data": "digits", **changed(0, filters=0)}).json()
    assert "expected an integer of at least 1" in bad["problem"] and bad["wrong"] == 0 and bad["layers"] == []
    large = client.post(f"{API}/playground/check", json={"data": "digits", **changed(1, pool_size=13)}).json()
    assert large["wrong"] == 1 and [layer["shape"] for layer in large["layers"]] == [[12, 12, 4]]
    assert large["korean"].startswith("2번째 층, MaxPool2D: ")
    few = client.post(f"{API}/playground/check", json={"data": "digits", **changed(3, units=7)}).json()
    assert few["wrong"] == 3 and len(few["layers"]) == 4  # the last layer has too few units
    flat = client.post(f"{API}/playground/check", json={"data": "digits", **CNN, "layers": LAYERS[3:]}).json()
    assert flat["problem"].startswith("Layer 1, Dense: ")  # as the page counts, without Input and Rescale
    answer = client.get(f"{API}/playground?name=digits").json()
    assert answer["labels"] == st.data.load("mnist5k").validation.y[:12].tolist() and len(answer["images"]) == 12


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({**TRAINING, "data": "../etc"}, "There is no data set '../etc'"),
        ({**TRAINING, "networks": []}, "Train between 1 and 2 networks."),
        ({**TRAINING, "networks": [CNN] * 3}, "Train between 1 and 2 networks."),
        ({**TRAINING, "batch_size": 10**9}, "whole number from 1 to 128"),
        ({**TRAINING, "networks": ["CNN"]}, "at most 16 layers"),
    ],
)
def test_wrong_trainings_are_refused(client: TestClient, content: dict[str, Any], message: str) -> None:
    answer = client.post(f"{API}/playground", json=content)
    assert answer.status_code == 422 and message in answer.json()["error"]


def test_commands_to_no_training_are_refused(client: TestClient) -> None:
    assert "has ended" in client.post(f"{API}/playground/x/play").json()["error"]
    assert client.post(f"{API}/playground", content=b"{").status_code == 400


@contextmanager
def training(address: str, content: dict[str, Any]) -> Iterator[Any]:
    """Start a training as the page does; give a function that sends a command, and the lines of the answer."""
    server, _, token = address.partition("/#token=")
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{server}{API}", headers=headers, timeout=60) as client:  # noqa: SIM117
        with client.stream("POST", "/playground", json=content) as answer:
            lines = map(json.loads, filter(None, answer.iter_lines()))
            key = next(line["session"] for line in lines if "session" in line)

            def command(name: str) -> int:
                return int(client.post(f"/playground/{key}/{name}").status_code)

            yield command, (line for line in lines if line)


def test_commands_reach_the_process(address: str, expected: Any) -> None:
    with training(address, TRAINING) as (command, lines):
        assert next(lines)["step"] == 0
        losses = []
        for step in (1, 2):
            command("step")
            update = next(lines)
            assert (update["step"], update["running"]) == (step, False)
            losses += update["networks"][0]["losses"]
        np.testing.assert_allclose(losses, expected[0][0][:2], rtol=1e-4)
        assert array(update["networks"][1]["filters"]).shape == (28, 28, 1, 10)
        command("play")
        next(line for line in lines if line["step"] > 4 and line["running"])
        command("reset")  # while it trains
        next(line for line in lines if line["step"] == 0)
        assert command("dance") == 404


def test_nothing_remains_of_trainings(address: str, explorer: "subprocess.Popen[str]", page: Page) -> None:
    with training(address, TRAINING) as (command, lines):
        next(lines)
        command("play")
        with training(address, TRAINING) as (_, others):
            next(others)
            wait_for_workers(page, explorer.pid, 2)
        wait_for_workers(page, explorer.pid, 1)  # the other connection was closed
        next(line for line in lines if line["step"] > 2)
        (process,) = workers(explorer.pid)
        os.kill(process, signal.SIGKILL)
        assert "trains the networks has ended" in next(line["error"] for line in lines if "error" in line)
    wait_for_workers(page, explorer.pid, 0)


def test_page_trains_two_networks(page: Page, address: str, explorer: "subprocess.Popen[str]", data: Any) -> None:
    visit(page, address, "play")
    page.get_by_role("button", name="a learning rate that is too high").click()
    expect(page.locator(".play-network h2")).to_have_text(["A · small CNN", "B · CNN, rate too high"])
    step = page.get_by_role("button", name="One step")
    step.click(timeout=60_000)
    expect(page.locator(".play-bar output")).to_contain_text("step 1,", timeout=60_000)
    step.click()
    expect(page.locator(".play-bar output")).to_contain_text("step 2,")
    conv = [
        {"kind": "Conv2D", "filters": filters, "kernel_size": 5, "strides": 1, "padding": "valid", "activation": "relu"}
        for filters in (8, 16)
    ]
    layers = [conv[0], LAYERS[1], conv[1], LAYERS[1], LAYERS[2], LAYERS[3]]
    python = _Training(
        [
            read_setup({"layers": layers, "optimizer": "Adam", "learning_rate": 0.003}),
            read_setup({"layers": layers, "optimizer": "SGD", "learning_rate": 3}),
        ],
        data, 32,
    )  # fmt: skip
    for _ in range(2):
        python.do_step()
    for number, network in enumerate(python.update(running=False).networks):
        first, second = network.losses
        smoothed = (0.9 * first + second) / 1.9
        legends = page.locator(f".curve-legend .curve-{number} strong")
        expect(legends.first).to_have_text(shown(smoothed))
        expect(legends.last).to_have_text(f"{100 * network.measured[-1][2]:.1f} %")
        best = network.probabilities.argmax(axis=1)
        answers = page.locator(f".result.curve-{number} .sample span").all_inner_texts()
        assert [answer.split()[1] for answer in answers] == [data.classes[guess] for guess in best]
        assert [answer[0] == "✓" for answer in answers] == (best == data.held_out.y[:12]).tolist()
        expect(page.locator(f".result.curve-{number} .play-filters canvas")).to_have_count(8)
    page.get_by_role("button", name="Train").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_label("Learning rate").first.fill("0.001")
    page.get_by_label("Learning rate").first.press("Tab")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()  # it goes on
    page.get_by_role("button", name="Reset").click()
    expect(page.locator(".play-bar output")).to_contain_text("step 0,")
    page.get_by_role("button", name="Train").click()
    wait_for_workers(page, explorer.pid, 1)
    visit(page, address, "images")
    wait_for_workers(page, explorer.pid, 0)


def test_page_refuses_wrong_networks_as_python_does(page: Page, address: str) -> None:
    visit(page, address, "play")
    page.get_by_role("button", name="a CNN that learns digits").click()
    expect(page.locator(".play-network")).to_have_count(1)
    expect(page.get_by_role("button", name="Train")).to_be_enabled()
    page.get_by_label("units").last.fill("3")
    page.get_by_label("units").last.press("Tab")
    expect(page.locator(".play-network .error")).to_contain_text("expected class numbers 0 … 2, received 9")
    expect(page.get_by_role("button", name="Train")).to_be_disabled()
    page.get_by_role("button", name="Remove layer 5").click()
    expect(page.locator(".play-network .error")).to_contain_text(
        re.compile("^Layer 5, Dense: .*Put Flatten or GlobalAveragePool2D before the layer")
    )
    expect(page.locator(".layers li.wrong")).to_have_count(1)
    expect(page.locator(".layers .shape").first).to_have_text("24×24×8")
    page.get_by_label("Architecture").select_option("mlp")
    expect(page.get_by_role("button", name="Train")).to_be_enabled()
    expect(page.locator(".layers .shape")).to_have_text(["784", "64", "10"])


def test_a_closed_tab_and_a_killed_process(page: Page, address: str, explorer: "subprocess.Popen[str]") -> None:
    tab = page.context.new_page()
    tab.goto(address)
    visit(tab, address, "play")
    tab.get_by_role("button", name="Train").click()
    expect(tab.locator(".play-bar output")).to_contain_text("epoch", timeout=60_000)
    (process,) = workers(explorer.pid)
    os.kill(process, signal.SIGKILL)
    expect(tab.locator("p.error[role=alert]").last).to_contain_text("The process that trains the networks has ended")
    tab.get_by_role("button", name="Train").click()
    expect(tab.locator(".play-bar output")).to_contain_text("epoch", timeout=60_000)
    wait_for_workers(page, explorer.pid, 1)
    tab.close()
    wait_for_workers(page, explorer.pid, 0)
