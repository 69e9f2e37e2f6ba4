"""The prediction service: right answers in every format, and refusals of everything else."""

import asyncio
import base64
import json
import os
import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import numpy as np
import pytest
from httpx2 import Response
from starlette.requests import Request
from starlette.testclient import TestClient

from striate._types import Array
from striate.errors import UsageError
from striate.images import encode_png
from striate.processes import BACKGROUND_NICENESS, lower_thread_priority
from striate.web import ServiceSettings, create_app
from striate.web.batcher import Batcher, OverloadedError
from striate.web.guard import HEADERS, REFUSAL_DELAY, RefusalPace
from striate.web.metrics import Metrics
from striate.web.openapi import describe_service
from striate.web.requests import read_body
from striate.workflows.predict import Prediction, predict_files
from striate.workflows.trained_model import TrainedModel

from .conftest import ADDRESS, run_async


@pytest.fixture(scope="module")
def expected(trained: TrainedModel, images: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> list[Prediction]:
    """What `striate predict` says of the images."""
    folder = tmp_path_factory.mktemp("images")
    files = [folder / f"{number}.png" for number in range(len(images))]
    for file, content in zip(files, images, strict=True):
        file.write_bytes(content)
    found = predict_files(trained, files, top=10)
    return [prediction for prediction in found if isinstance(prediction, Prediction)]


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def agrees(answer: dict[str, Any], prediction: Prediction) -> bool:
    return (answer["label"], answer["probability"], answer["unknown"]) == (
        prediction.label, pytest.approx(prediction.probability, abs=2e-6), prediction.unknown,
    )  # fmt: skip


def test_every_form_of_an_image_has_the_prediction_of_its_file(
    client: TestClient, images: list[bytes], expected: list[Prediction]
) -> None:
    raw = client.post("/v1/predict?top=3", content=images[0]).json()
    assert raw["model"] == "digits"
    assert agrees(raw["predictions"][0], expected[0])
    most_probable = dict(list(expected[0].probabilities.items())[:3])
    assert raw["predictions"][0]["probabilities"] == pytest.approx(most_probable, abs=2e-6)
    one = client.post("/v1/models/digits/predict", json={"image": f"data:image/png;base64,{encoded(images[1])}"})
    assert agrees(one.json()["predictions"][0], expected[1])
    several = client.post("/v1/predict", json={"images": [encoded(image) for image in images[:5]]}).json()
    assert all(map(agrees, several["predictions"], expected[:5]))
    form = client.post("/v1/predict", files=[("file", (f"{k}.png", images[k])) for k in range(5)]).json()
    assert all(map(agrees, form["predictions"], expected[:5]))
    assert [answer["file"] for answer in form["predictions"]] == [f"{k}.png" for k in range(5)]


@pytest.mark.parametrize("tensor", ["image", "pixels"])
def test_the_open_inference_protocol_gives_the_same_probabilities(
    client: TestClient, trained: TrainedModel, images: list[bytes], expected: list[Prediction], tensor: str
) -> None:
    pixels = np.stack([trained.policy.decode(image) for image in images[:3]])
    one: dict[str, Any] = {"name": "image", "datatype": "BYTES", "shape": [3], "data": [*map(encoded, images[:3])]}
    if tensor == "pixels":
        one = {"name": "pixels", "datatype": "UINT8", "shape": pixels.shape, "data": pixels.ravel().tolist()}
    answer = client.post("/v2/models/digits/infer", json={"id": "7", "inputs": [one]}).json()
    probabilities, label, unknown = answer["outputs"]
    assert (answer["model_name"], answer["id"], probabilities["shape"]) == ("digits", "7", [3, 10])
    by_class = [[p.probabilities[name] for name in trained.classes] for p in expected[:3]]
    np.testing.assert_allclose(np.reshape(probabilities["data"], (3, 10)), by_class, atol=2e-6)
    assert label["data"] == [p.label for p in expected[:3]]
    assert unknown["data"] == [p.unknown for p in expected[:3]]
    described = client.get("/v2/models/digits").json()
    assert described["parameters"]["classes"] == list(trained.classes)
    assert client.get("/v2/models/digits/ready").json() == {"ready": True}


def test_concurrent_requests_get_their_own_answers(
    client: TestClient, images: list[bytes], expected: list[Prediction]
) -> None:
    def ask(image: bytes) -> dict[str, Any]:
        answer: dict[str, Any] = client.post("/v1/predict", content=image).json()["predictions"][0]
        return answer

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, images * 2))
    assert all(map(agrees, answers, expected * 2))
    assert 'striate_requests_total{route="/v1/predict",status="200"}' in client.get("/metrics").text


PREDICT, INFER = "/v1/predict", "/v2/models/digits/infer"
UNREADABLE = {"name": "image", "datatype": "BYTES", "shape": [1], "data": ["AAAA"]}
TENSOR = {"name": "pixels", "datatype": "UINT8", "shape": [1, 28, 28, 1], "data": [0] * 784}


@pytest.mark.parametrize(
    ("path", "request_", "status", "message"),
    [
        (PREDICT, {"content": b""}, 400, "The request contains no image."),
        (PREDICT, {"content": b"nothing"}, 422, "'image' cannot be read: it is a text file"),
        (PREDICT, {"content": bytes(1_000_001)}, 413, "A request may be at most 1 MB."),
        (PREDICT, {"content": iter([bytes(600_000)] * 2)}, 413, "A request may be at most 1 MB."),
        (PREDICT, {"json": {"images": ["AAAA"] * 17}}, 413, "A request may contain at most 16 images."),
        (PREDICT, {"json": {"image": "no base64!"}}, 400, "'image' is not valid base64"),
        (PREDICT, {"json": {"image": 7}}, 400, "'image' must be an image as base64 text"),
        (PREDICT, {"json": {"images": "AAAA"}}, 400, "'images' must be a list"),
        (PREDICT, {"json": {}}, 400, "The request contains no image."),
        (PREDICT, {"json": []}, 400, "The JSON must be an object"),
        (PREDICT, {"content": b"{", "headers": {"content-type": "application/json"}}, 400, "is not valid JSON"),
        (PREDICT, {"content": b"[" * 9999, "headers": {"content-type": "application/json"}}, 400, "is not valid JSON"),
        (PREDICT, {"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "form cannot be read"),
        (PREDICT, {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=a"}}, 400, "form"),
        (PREDICT, {"files": [("file", ("a.png", b"x"))] * 17}, 413, "A request may contain at most 16 images."),
        (PREDICT, {"files": [("file", (None, "x"))] * 11}, 400, "or it has more than 10 fields"),
        (PREDICT + "?top=-1", {"content": b"x"}, 400, "top is '-1'; it must be a whole number or 'all'."),
        ("/v1/models/cats/predict", {"content": b"x"}, 404, "There is no model 'cats'. The models are: digits."),
        ("/v1/nothing", {"content": b"x"}, 404, "Not found: '/v1/nothing'."),
        ("/v1/models", {"content": b"x"}, 405, "'/v1/models' does not support POST; it supports"),
        (INFER, {"json": {}}, 400, "'inputs' must be a list with one tensor"),
        (INFER, {"json": {"inputs": [{"name": "x"}]}}, 400, "The input must be 'image' of datatype BYTES"),
        (INFER, {"json": {"inputs": [TENSOR | {"shape": [784]}]}}, 400, "its shape must be [N, 28, 28, 1]"),
        (INFER, {"json": {"inputs": [TENSOR | {"data": [0.5] * 784}]}}, 400, "must hold whole numbers 0 … 255"),
        (INFER, {"json": {"inputs": [TENSOR | {"data": ["a"]}]}}, 400, "must hold whole numbers 0 … 255"),
        (INFER, {"json": {"inputs": [TENSOR | {"data": {}, "shape": 3}]}}, 400, "must hold whole numbers"),
        (INFER, {"json": {"inputs": [UNREADABLE]}}, 400, "cannot be read"),
    ],
)  # fmt: skip
def test_requests_that_cannot_be_answered_say_why(
    client: TestClient, path: str, request_: dict[str, Any], status: int, message: str
) -> None:
    answer = client.post(path, **request_)
    assert (answer.status_code, message in answer.json()["error"]) == (status, True), answer.text
    assert not answer.json()["error"].endswith("..")
    assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]
    if "content" not in request_ or isinstance(request_["content"], bytes):  # an iterator can be sent once
        headers = request_.get("headers", {}) | {"accept-language": "ko-KR,ko;q=0.9,en;q=0.8"}
        korean = client.post(path, **request_ | {"headers": headers})
        assert korean.status_code == status
        assert re.search("[가-힣]", korean.json()["error"]), korean.text


def test_an_image_that_cannot_be_read_does_not_spoil_the_others(
    client: TestClient, images: list[bytes], expected: list[Prediction]
) -> None:
    form = [("a", ("a", b"nothing")), ("b", ("b", images[0]))]
    answers = client.post("/v1/predict", files=form).json()["predictions"]
    assert answers[0]["error"].startswith("'a' cannot be read")
    korean = client.post("/v1/predict", files=form, headers={"accept-language": "ko"}).json()["predictions"]
    assert korean[0]["error"].startswith("'a'을(를) 읽을 수 없습니다")
    assert agrees(answers[1], expected[0])


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example:8000", ""])
def test_pages_of_other_sites_cannot_use_a_local_service(client: TestClient, host: str, images: list[bytes]) -> None:
    assert client.get("/v1/models", headers={"host": host}).status_code == 403
    for origin in ("http://evil.example", "http://127.0.0.1:9999", "null"):
        answer = client.post("/v1/predict", content=images[0], headers={"origin": origin})
        assert (answer.status_code, "may not use" in answer.json()["error"]) == (403, True)
    assert client.post("/v1/predict", content=images[0], headers={"origin": ADDRESS}).status_code == 200


def test_a_token_is_needed_where_other_machines_can_connect(trained: TrainedModel, images: list[bytes]) -> None:
    with pytest.raises(UsageError, match="needs a token"):
        ServiceSettings("0.0.0.0").check()
    settings = ServiceSettings("0.0.0.0", token="secret")
    settings.check()
    with TestClient(create_app({"digits": trained}, settings), base_url="http://photos.example") as client:
        for path in ("/", "/livez", "/readyz", "/texts.json", "/static/predict/view.js"):
            assert client.get(path).status_code == 200
        message = client.get("/v1/models").json()["error"]
        assert message == "Send the token of this service: Authorization: Bearer TOKEN."
        for sent in (b"", b"Bearer other", b"Bearer", b"secret", b"Bearer \xe9"):
            header = {b"authorization": sent}
            for path in ("/v1/models", "/metrics", "/v2"):
                answer = client.get(path, headers=header)
                assert (answer.status_code, answer.json()["error"]) == (401, f"The token is wrong. {message}")
            assert client.post("/v1/predict", content=images[0], headers=header).status_code == 401
        allowed = client.post("/v1/predict", content=images[0], headers={"authorization": "Bearer secret"})
        assert allowed.status_code == 200


class Blocked:
    """A model whose network waits until it is released."""

    is_thread_safe = False

    def __init__(self, trained: TrainedModel) -> None:
        self.trained, self.released, self.batches = trained, threading.Event(), [0]
        self.policy, self.classes, self.decision = trained.policy, trained.classes, trained.decision

    def predict_open_set(self, x: Array) -> tuple[Array, Array]:
        if len(self.batches) > 1:  # the first image is predicted by `start`
            self.released.wait()
        self.batches.append(len(x))
        return self.trained.predict_open_set(x)


def test_a_full_queue_refuses_at_once_and_answers_what_it_accepted(
    trained: TrainedModel, images: list[bytes], expected: list[Prediction]
) -> None:
    blocked: Any = Blocked(trained)

    async def run() -> tuple[list[Any], int]:
        batcher = Batcher("digits", blocked, ServiceSettings(queue=20, batch=8), Metrics())
        await batcher.start()
        asked = [asyncio.create_task(batcher.predict([("a", image)], top=10)) for image in images[:20]]
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError, match="20 images are already in the queue; it holds at most 20"):
            await batcher.predict([("a", images[20])])
        blocked.released.set()
        answers = [answer for (answer,) in await asyncio.gather(*asked)]
        (later,) = await batcher.predict([("a", images[20])], top=10)
        await batcher.stop()
        return [*answers, later], batcher._accepted

    answers, left = run_async(run())
    assert left == 0
    assert [answer.label for answer in answers] == [prediction.label for prediction in expected[:21]]
    assert max(blocked.batches) == 8
    assert sum(blocked.batches) == 22


def test_batches_are_predicted_at_the_same_time(
    trained: TrainedModel, images: list[bytes], expected: list[Prediction], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("striate.web.batcher.cores", lambda: 2)
    both = threading.Barrier(2)

    class Pair(Blocked):
        is_thread_safe = True

        def predict_open_set(self, x: Array) -> tuple[Array, Array]:
            if len(self.batches) > 1:
                both.wait(timeout=60)  # raises if the other batch does not come
            self.batches.append(len(x))
            return self.trained.predict_open_set(x)

    pair: Any = Pair(trained)

    async def run() -> list[Any]:
        batcher = Batcher("digits", pair, ServiceSettings(batch=1), Metrics())
        await batcher.start()
        asked = [batcher.predict([("a", image)], top=10) for image in images[:8]]
        answers = [answer for (answer,) in await asyncio.gather(*asked)]
        await batcher.stop()
        return answers

    assert [answer.label for answer in run_async(run())] == [prediction.label for prediction in expected[:8]]
    assert pair.batches == [0, *[1] * 9]


def test_threads_that_compute_have_a_lower_priority_than_the_event_loop() -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = priority()
    with ThreadPoolExecutor(1, initializer=lower_thread_priority) as pool:
        assert pool.submit(priority).result() == min(before + BACKGROUND_NICENESS, 19)
    assert priority() == before


def test_overload_and_slow_answers_have_status_503(trained: TrainedModel, images: list[bytes]) -> None:
    blocked: Any = Blocked(trained)
    settings = ServiceSettings(queue=1, timeout=0.5)
    with TestClient(create_app({"digits": blocked}, settings), base_url=ADDRESS) as client:
        answer = client.post("/v1/predict", json={"images": [encoded(image) for image in images[:2]]})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "overloaded" in answer.json()["error"]
        slow = client.post("/v1/predict", content=images[0])
        assert (slow.status_code, "took too long" in slow.json()["error"]) == (503, True)
        blocked.released.set()


def test_bodies_that_are_being_received_take_limited_memory(
    monkeypatch: pytest.MonkeyPatch, client: TestClient, images: list[bytes]
) -> None:
    """A client that sends slowly occupies memory until its request is received, refused or given up."""
    monkeypatch.setattr("striate.web.requests.MAX_RECEIVED", len(images[0]))

    async def receive_slowly() -> tuple[Response, bytes]:
        arrived, released = asyncio.Event(), asyncio.Event()
        parts = iter((b"a", b"b"))

        async def receive() -> dict[str, Any]:
            part = next(parts)
            if part == b"b":
                arrived.set()
                await released.wait()
            return {"type": "http.request", "body": part, "more_body": part == b"a"}

        request = Request({"type": "http", "method": "POST", "headers": []}, receive)
        body = asyncio.create_task(read_body(request, ServiceSettings()))
        await arrived.wait()
        answer = await asyncio.to_thread(client.post, PREDICT, content=images[0])
        released.set()
        return answer, await body

    answer, body = run_async(receive_slowly())
    assert (answer.status_code, answer.headers["retry-after"], body) == (503, "1", b"ab")
    assert answer.json()["error"].endswith("too many requests are being received. Try again later.")
    assert client.post(PREDICT, content=images[0]).status_code == 200


def test_answers_are_as_openapi_describes_them(client: TestClient, images: list[bytes]) -> None:
    description = client.get("/openapi.json").json()
    assert description == json.loads(json.dumps(describe_service(ServiceSettings(max_bytes=1_000_000))))
    requests: Sequence[tuple[str, str, dict[str, Any]]] = [
        ("get", path, {}) for path, methods in description["paths"].items() if "get" in methods
    ]
    requests = [
        *requests,
        ("post", PREDICT, {"content": images[0]}),
        ("post", PREDICT, {"content": b"nothing"}),
        ("post", "/v1/models/{name}/predict", {"content": images[0], "params": {"top": "all"}}),
        ("post", "/v2/models/{name}/infer", {"json": {"inputs": [TENSOR]}}),
        ("post", "/v2/models/{name}/infer", {"json": {"inputs": []}}),
    ]
    assert {path for _, path, _ in requests} == set(description["paths"])
    for method, path, options in requests:
        answer = getattr(client, method)(path.replace("{name}", "digits"), **options)
        responses = description["paths"][path][method]["responses"]
        schema = responses[str(answer.status_code)]["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json(), schema)


def test_models_are_chosen_by_name(trained: TrainedModel, images: list[bytes], tmp_path: Path) -> None:
    models = {"digits": trained, "more": trained}
    with TestClient(create_app(models, ServiceSettings()), base_url=ADDRESS) as client:
        assert [model["name"] for model in client.get("/v1/models").json()["models"]] == ["digits", "more"]
        assert client.post("/v1/models/more/predict", content=images[0]).json()["model"] == "more"
        assert client.post("/v1/predict", content=images[0]).json()["model"] == "digits"


def test_decoding_errors_of_every_kind_are_answers(client: TestClient) -> None:
    rng = np.random.default_rng(0)
    whole = bytearray(encode_png(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)))
    for _ in range(50):
        damaged = bytearray(whole)
        for place in rng.integers(8, len(whole), 5):
            damaged[place] = rng.integers(256)
        answer = client.post("/v1/predict", content=bytes(damaged[: rng.integers(1, len(whole))]))
        assert answer.status_code in {200, 422}


def test_refusals_wait_only_where_clients_ask_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now, waits = [0.0], list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("striate.web.guard.asyncio.sleep", sleep)

    async def second(pace: RefusalPace, answers: int, refusals: int) -> int:
        now[0] += 1
        waits.clear()
        for _ in range(answers):
            pace.count_answer()
        for _ in range(refusals):
            await pace.wait()
        return len(waits)

    async def run() -> list[int]:
        pace = RefusalPace(lambda: now[0])
        return [await second(pace, *each) for each in [(250, 0), (250, 250), (250, 1000), (0, 300), (0, 300)]]

    assert run_async(run()) == [0, 0, 400, 0, 200]
    assert set(waits) == {REFUSAL_DELAY}
