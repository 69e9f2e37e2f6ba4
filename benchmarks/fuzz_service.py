"""Send hostile requests to `striate serve`, and monitor the process.

python benchmarks/fuzz_service.py [RUN_OR_MODEL] [--count 1000] [--schemathesis PROGRAM] [COLLECTIONS …]

1. Damaged and unusual image files, small files that ask for much memory, and files of COLLECTIONS, as bodies, forms
   and base64, 16 at the same time.
2. Damaged requests: HTTP, headers, forms, JSON, tensors, connections that are cut.
3. Requests that schemathesis derives from /openapi.json, if its program is given; it needs its own environment.

Wrong are answers with a status from 500 on other than 503, answers whose JSON has no "error", lines of the log that are
not JSON, a process that has ended, and a good image that is predicted otherwise at the end.
"""

import argparse
import asyncio
import base64
import json
import random
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import machine  # noqa: E402
from hostile.image_files import BOMBS, image_files  # noqa: E402
from hostile.mutations import damaged  # noqa: E402

import striate as st  # noqa: E402
from striate.images import encode_png  # noqa: E402

AT_ONCE, PATIENCE = 16, 120  # requests; seconds until an answer counts as missing
JSON_VALUES = (None, True, -1, 1e308, 10**30, "", "A" * 70_000, "\u0000", [], {}, [[[]]], {"image": {}}, "../../etc")
HEADERS = (
    "Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: x", "Transfer-Encoding: chunked",
    "Content-Type: multipart/form-data", 'Content-Type: multipart/form-data; boundary="\\"', "Content-Type: \xff",
    "Content-Type: multipart/form-data; boundary=" + "x" * 9000, "Expect: 100-continue", "Upgrade: websocket",
    "Host: a\r\nHost: b", "X: " + "y" * 70_000, "Content-Encoding: gzip", "Authorization: Bearer \xe9",
)  # fmt: skip
LINES = (
    "POST /v1/predict HTTP/1.1", "POST /v1/predict HTTP/9.9", "POST /v1/predict?top=%00 HTTP/1.1", "\0\0\0\0", "",
    "POST /v1/models/%2e%2e/predict HTTP/1.1", "GET /static/../app.py HTTP/1.1", "GET /static/%00 HTTP/1.1",
    "GET /static/%2e%2e/%2e%2e/app.py HTTP/1.1", "PATCH /v1/predict HTTP/1.1", "GET " + "/a" * 40_000 + " HTTP/1.1",
    "POST /v2/models/%F0%9F%92%A9/infer HTTP/1.1", "GET /v1/models\xff HTTP/1.1", "POST http://[ HTTP/1.1",
    "POST /v1/predict?top=99999999999999999999 HTTP/1.1", "GET /%ff%fe HTTP/1.1", "OPTIONS * HTTP/1.1",
)  # fmt: skip


class Service:
    """A service that is being attacked.

    Args:
        model: Run or model file.
    """

    def __init__(self, model: Path) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        command = [*machine.STRIATE, "serve", str(model), "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        assert self.process.stdout
        self.port = int(re.search(r":(\d+)/", self.process.stdout.readline())[1])  # type: ignore[index]
        self.address = f"http://127.0.0.1:{self.port}"
        self.statuses: Counter[int | str] = Counter()
        self.wrong: list[str] = []

    def memory(self) -> str:
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        now, peak, threads = (int(re.search(rf"{k}:\s+(\d+)", status)[1]) for k in ("VmRSS", "VmHWM", "Threads"))  # type: ignore[index]
        files = len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))
        return f"{now / 1000:.0f} MB now, {peak / 1000:.0f} MB at most, {threads} threads, {files} open files"

    async def send(self, name: str, content: bytes, *, may_close: bool = False) -> None:
        """Send bytes and check the answer. `may_close`: whether it is not HTTP, so that no answer is right too."""
        try:
            status, body = await asyncio.wait_for(self._exchange(content), PATIENCE)
        except TimeoutError:
            self.wrong.append(f"{name}: no answer")
            return
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            self.statuses["closed"] += 1
            if not may_close:
                self.wrong.append(f"{name}: {type(error).__name__}")
            return
        self.statuses[status if status != 503 else f"503 {reason(body)}"] += 1
        if status == 503:
            if b"overloaded" not in body:
                self.wrong.append(f"{name}: {status} {body[:100]!r}")
        elif status >= 500 or (status >= 400 and not may_close and not is_error(body)):
            self.wrong.append(f"{name}: {status} {body[:200]!r}")

    async def _exchange(self, content: bytes) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        try:
            writer.write(content)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b""
            return int(head.split()[1]), body
        finally:
            writer.close()

    async def send_all(self, requests: Iterable[tuple[str, bytes, bool]]) -> None:
        """Send requests, AT_ONCE at the same time."""
        rest = iter(requests)

        async def worker() -> None:
            for name, content, may_close in rest:
                await self.send(name, content, may_close=may_close)

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


def reason(body: bytes) -> str:
    """Return why the service was overloaded."""
    return body.decode(errors="replace").partition("overloaded: ")[2][:40]


def is_error(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body)["error"], str)
    except (ValueError, KeyError, TypeError):
        return False


def request(body: bytes, kind: str = "application/octet-stream", line: str = LINES[0]) -> bytes:
    head = (
        f"{line}\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("latin-1") + body


def form(*contents: bytes) -> bytes:
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.jpg"\r\n\r\n' + c + b"\r\n" for c in contents
    ]
    return b"".join([*parts, b"--b--\r\n"])


def image_requests(rng: random.Random, contents: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes, bool]]:
    for name, content in contents:
        way = rng.randrange(3)
        if way == 0:
            yield name, request(content), False
        elif way == 1:
            yield f"{name} in a form", request(form(content), "multipart/form-data; boundary=b"), False
        else:
            text = json.dumps({"image": base64.b64encode(content).decode()})
            yield f"{name} in JSON", request(text.encode(), "application/json"), False


def damaged_requests(rng: random.Random, count: int, good: bytes) -> Iterator[tuple[str, bytes, bool]]:
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "data": [base64.b64encode(good).decode()]}
    infer = "POST /v2/models/digits/infer HTTP/1.1"
    whole: list[tuple[str, bytes]] = [
        ("body", request(good)),
        ("form", request(form(good, good), "multipart/form-data; boundary=b")),
        ("JSON", request(json.dumps({"images": [base64.b64encode(good).decode()]}).encode(), "application/json")),
        ("tensor", request(json.dumps({"inputs": [tensor]}).encode(), "application/json", infer)),
    ]
    for number in range(count):
        way = rng.randrange(5)
        name, content = rng.choice(whole)
        head, _, body = content.partition(b"\r\n\r\n")
        if way == 0:
            yield f"{number} damaged {name}", damaged(content, rng) + b"\r\n\r\n", True
        elif way == 1:
            body = damaged(body, rng)
            head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(body), head)
            yield f"{number} damaged body of {name}", head + b"\r\n\r\n" + body, False
        elif way == 2:
            line = rng.choice(LINES)
            yield f"{number} {line[:40]!r}", request(body if "POST" in line else b"", line=line), True
        elif way == 3:
            header = rng.choice(HEADERS)
            yield f"{number} {header[:40]!r}", head + b"\r\n" + header.encode("latin-1") + b"\r\n\r\n" + body, True
        else:
            values: Any = {
                key: rng.choice(JSON_VALUES) for key in ("image", "images", "inputs", "id") if rng.random() < 0.5
            }
            if rng.random() < 0.5:
                values = {"inputs": [tensor | {rng.choice(list(tensor)): rng.choice(JSON_VALUES)}]}
            text, line = json.dumps(values).encode(), rng.choice((LINES[0], infer))
            yield f"{number} {values!r:.60}", request(text, "application/json", line), False


async def predicted(service: Service, good: bytes) -> bytes:
    status, body = await service._exchange(request(good))
    assert status == 200, body
    return body


def collection(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and file.stat().st_size < 19_000_000:
                yield str(file), file.read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("collections", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--schemathesis", metavar="PROGRAM")
    args = parser.parse_args()
    print(machine.description())
    rng, good = random.Random(args.seed), encode_png(st.data.load("mnist5k").test.x[0])
    with tempfile.TemporaryDirectory() as folder:
        service = Service(args.model or digits(Path(folder)))
        try:
            attack(service, rng, good, args, Path(folder))
        finally:
            service.process.terminate()
            service.process.wait()
        service.log.seek(0)
        log = service.log.read().decode(errors="replace")
    service.wrong += [f"in the log: {line}" for line in log.splitlines() if not line.startswith("{")]
    print(f"exit status {service.process.returncode}; wrong: {len(service.wrong)}")
    for line in service.wrong[:30]:
        print("  " + line)


def described(service: Service, folder: Path) -> Path:
    """Write the description of the interface with the names of the models, which a program cannot guess."""

    def get(path: str) -> Any:
        with urllib.request.urlopen(service.address + path) as answer:
            return json.load(answer)

    description, names = get("/openapi.json"), [model["name"] for model in get("/v1/models")["models"]]
    for methods in description["paths"].values():
        for method in methods.values():
            for parameter in method.get("parameters", ()):
                if parameter["name"] == "name":
                    parameter["schema"]["enum"] = names
    path = folder / "openapi.json"
    path.write_text(json.dumps(description), encoding="utf-8")
    return path


def attack(service: Service, rng: random.Random, good: bytes, args: argparse.Namespace, folder: Path) -> None:
    expected = asyncio.run(predicted(service, good))
    print(f"before: {service.memory()}")
    parts: dict[str, Iterable[tuple[str, bytes, bool]]] = {
        "images": image_requests(rng, ((name, content) for name, content, _ in image_files(rng, args.count))),
        "bombs": image_requests(rng, ((name, make()) for name, make in BOMBS.items())),
        "collections": image_requests(rng, collection(args.collections)),
        "damaged requests": damaged_requests(rng, args.count, good),
        "images again": image_requests(rng, ((name, content) for name, content, _ in image_files(rng, args.count))),
    }
    for name, requests in parts.items():
        service.statuses.clear()
        asyncio.run(service.send_all(requests))
        print(f"{name}: {dict(service.statuses)}; {service.memory()}", flush=True)
    if args.schemathesis:
        checks = "not_a_server_error,response_schema_conformance,status_code_conformance"
        command = [
            args.schemathesis, "run", str(described(service, folder)), "--url", service.address, "--checks", checks,
            "--max-examples", str(args.count), "--seed", str(args.seed), "--workers", "4", "--continue-on-failure",
        ]  # fmt: skip
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        print("\n".join(result.stdout.splitlines()[-60:]))
        print(f"schemathesis: exit status {result.returncode}; {service.memory()}")
        service.wrong += ["schemathesis found failures"] if result.returncode else []
    if asyncio.run(predicted(service, good)) != expected:
        service.wrong.append("the good image is predicted otherwise")


def digits(folder: Path) -> Path:
    """Save a model of digits that was not trained."""
    model = st.zoo.build("mnist-quick")
    model.classes, model.policy = tuple("0123456789"), st.data.load("mnist5k").policy
    model.save(folder / "digits.safetensors")
    return folder / "digits.safetensors"


if __name__ == "__main__":
    main()
