"""Test `striate serve` at its capacity and at twice its capacity.

python benchmarks/service.py RUN FOLDER [--seconds 60]

Requests come from one more process of the same machine. First 64 clients ask again as soon as they are answered, in
turn with `striate predict` on the same files: the throughput. With fewer clients the service has nothing to do while
those of the last batch send their next requests. Then requests arrive at fixed times, twice as many per second,
whether others were answered or not: what is refused, how fast, and the memory of the service. Times are given as the
sender sees them, from the time at which a request was due, and as the service logs them. The processor time of sender
and service shows what one takes from the other.
"""

import argparse
import asyncio
import json
import os
import re
import resource
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from machine import STRIATE, description

from striate.images import find_images

CLIENTS = 64
TICKS = os.sysconf("SC_CLK_TCK")


class Connection(asyncio.Protocol):
    """A connection to the service, for one request at a time.

    Streams of asyncio would take several times as much of the processor time that the service could use.
    """

    def __init__(self) -> None:
        self.received, self.answer = b"", asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        if separator and length and len(body) == int(length[1]):
            self.received = b""
            self.answer.set_result((int(head.split(None, 2)[1]), body))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.answer.done():
            self.answer.set_exception(error or ConnectionResetError())

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Return the status and the body of the answer."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        status, body = await self.answer
        return status, body


class Load:
    """Asks the service for the predictions of files."""

    def __init__(self, port: int, files: list[Path], labels: dict[str, str]) -> None:
        self.port, self.labels = port, [f'"label":"{labels[str(file)]}"'.encode() for file in files]
        self.requests = [
            f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content
            for content in (file.read_bytes() for file in files)
        ]
        self.seconds: dict[int, list[float]] = defaultdict(list)  # from the time when it was due, by status
        self.late: list[float] = []  # seconds between the time when a request was due and when it was sent
        self.wrong = 0

    async def connect(self) -> Connection:
        return (await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", self.port))[1]

    async def ask(self, connection: Connection, number: int, due: float) -> None:
        number %= len(self.requests)
        self.late.append(time.perf_counter() - due)
        status, body = await connection.ask(self.requests[number])
        self.seconds[status].append(time.perf_counter() - due)
        self.wrong += status == 200 and self.labels[number] not in body

    async def closed(self, seconds: float) -> float:
        """Return answers per second for clients that wait for their answer."""
        end = time.perf_counter() + seconds

        async def client(number: int) -> None:
            connection = await self.connect()
            while (now := time.perf_counter()) < end:
                await self.ask(connection, number, now)
                number += CLIENTS
            connection.transport.close()

        await asyncio.gather(*map(client, range(CLIENTS)))
        return len(self.seconds[200]) / seconds

    async def open(self, rate: float, seconds: float) -> None:
        """Send requests at fixed times, on connections that are free then or new."""
        free: list[Connection] = []

        async def one(number: int, due: float) -> None:
            while free and free[-1].transport.is_closing():  # the service closes idle connections
                free.pop()
            connection = free.pop() if free else await self.connect()
            await self.ask(connection, number, due)
            free.append(connection)

        began, tasks = time.perf_counter(), set()
        for number in range(round(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.add(task := asyncio.create_task(one(number, due)))
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        for connection in free:
            connection.transport.close()


class Service:
    """A running service; its log is a file."""

    def __init__(self, run: Path, log: Path) -> None:
        self.log = log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [*STRIATE, "serve", str(run), "--port", "0"], stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self.process.stdout
        self.port = int(re.search(r":(\d+)/", self.process.stdout.readline())[1])  # type: ignore[index]

    def cpu(self) -> float:
        """Return its processor time in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> float:
        """Return its peak memory in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1000  # type: ignore[index]

    def logged(self, skip: int) -> dict[int, list[float]]:
        """Return the seconds between request and answer by status, from the log without its first lines."""
        seconds: dict[int, list[float]] = defaultdict(list)
        for line in self.log.read_text("utf-8").splitlines()[skip:]:
            entry = json.loads(line)
            seconds[entry["status"]].append(entry["ms"] / 1000)
        return seconds


def own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def times(seconds: list[float]) -> str:
    p50, p99 = 1000 * np.percentile(seconds, [50, 99])
    return f"median {p50:.0f} ms, 99 % below {p99:.0f} ms, longest {1000 * max(seconds):.0f} ms"


@contextmanager
def processor_time(service: Service, answers: dict[int, list[float]]) -> Iterator[None]:
    """Print the processor time of service and sender for each request."""
    theirs, own = service.cpu(), own_cpu()
    yield
    count = sum(map(len, answers.values()))
    print(f"  processor time per request: service {1000 * (service.cpu() - theirs) / count:.2f} ms, "
          f"sender {1000 * (own_cpu() - own) / count:.2f} ms")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=60, help="of all rounds together, and of twice the load")
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    print(description())
    files = find_images([args.folder])
    command = [*STRIATE, "predict", str(args.run), str(args.folder), "--json"]
    labels = {
        p["file"]: p["label"] for p in json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    }
    with tempfile.TemporaryDirectory() as folder:
        service = Service(args.run, Path(folder) / "log")
        try:
            measure(service, files, labels, args)
        finally:
            service.process.terminate()
            service.process.wait()


def measure(service: Service, files: list[Path], labels: dict[str, str], args: argparse.Namespace) -> None:
    asyncio.run(Load(service.port, files, labels).closed(2))
    rates, offline = [], []
    for _ in range(args.rounds):
        load = Load(service.port, files, labels)
        with processor_time(service, load.seconds):
            rates.append(asyncio.run(load.closed(args.seconds / args.rounds)))
        offline.append(offline_rate(args.run, files))
        print(f"  service {rates[-1]:.0f} requests/s, wrong {load.wrong}; offline {offline[-1][0]:.0f} images/s, "
              f"processor time per image {offline[-1][1]:.2f} ms")  # fmt: skip
    ratios = np.divide(rates, [rate for rate, _ in offline])
    offline_median = float(np.median([r for r, _ in offline]))
    print(f"service {np.median(rates):.0f} requests/s, offline predict {offline_median:.0f} images/s, "
          f"ratio {np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), "
          f"memory {service.memory():.0f} MB")  # fmt: skip
    load, before = Load(service.port, files, labels), len(service.log.read_text("utf-8").splitlines())
    rate = 2 * float(np.median(rates))
    with processor_time(service, load.seconds):
        asyncio.run(load.open(rate, args.seconds))
    counts = {status: len(seconds) for status, seconds in sorted(load.seconds.items())}
    answered = counts.get(200, 0) / args.seconds
    print(f"{rate:.0f} requests/s for {args.seconds:g} s: statuses {counts}, wrong {load.wrong}, "
          f"answered {answered:.0f}/s, {answered / offline_median:.2f} of predict, "
          f"memory {service.memory():.0f} MB")  # fmt: skip
    print(f"  sent after the time when they were due: {times(load.late)}")
    logged = service.logged(before)
    for status in counts:
        print(f"  {status} at the sender: {times(load.seconds[status])}")
        print(f"  {status} in the log: {times(logged[status])}")


def offline_rate(run: Path, files: list[Path]) -> tuple[float, float]:
    """Return images per second and milliseconds of processor time per image of `predict_files`.

    Starting the program and opening the model are not counted.
    """
    code = (
        "import sys, time; from pathlib import Path; from striate.workflows.predict import predict_files;"
        "from striate.workflows.trained_model import open_trained_model; m = open_trained_model(sys.argv[1]);"
        "f = [Path(p) for p in sys.stdin.read().split('\\n')]; list(predict_files(m, f[:64]));"
        "b, c = time.perf_counter(), time.process_time(); list(predict_files(m, f)); n = len(f);"
        "print(n / (time.perf_counter() - b), 1000 * (time.process_time() - c) / n)"
    )
    listed = "\n".join(map(str, files))
    result = subprocess.run(
        [STRIATE[0], "-c", code, str(run)], input=listed, capture_output=True, text=True, check=True
    )
    rate, milliseconds = map(float, result.stdout.split())
    return rate, milliseconds


if __name__ == "__main__":
    main()
