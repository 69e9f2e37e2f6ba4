"""Test `striate serve` at its capacity and at twice its capacity.

python benchmarks/service.py RUN FOLDER [--seconds 60]

Requests come from one more process of the same machine. First 32 clients ask again as soon as they are answered,
beside `striate predict` on the same files: the throughput. Then requests arrive at fixed times, twice as many per
second, whether others were answered or not: what is refused, how fast, and the memory of the service.
"""

import argparse
import asyncio
import json
import re
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from machine import STRIATE, description

from striate.images import find_images

CLIENTS = 32


@dataclass
class Answers:
    """Seconds by status, and how many answers were wrong."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    wrong: int = 0


class Load:
    """Asks the service for the predictions of files."""

    def __init__(self, port: int, files: list[Path], labels: dict[str, str]) -> None:
        self.port, self.labels = port, [labels[str(file)] for file in files]
        self.requests = [
            f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content
            for content in (file.read_bytes() for file in files)
        ]
        self.answers = Answers()

    async def ask(self, number: int, connection: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        reader, writer = connection
        number %= len(self.requests)
        began = time.perf_counter()
        writer.write(self.requests[number])
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
        body = json.loads(await reader.readexactly(length))
        status = int(head.split()[1])
        self.answers.seconds.setdefault(status, []).append(time.perf_counter() - began)
        self.answers.wrong += status == 200 and body["predictions"][0]["label"] != self.labels[number]

    async def closed(self, seconds: float) -> float:
        """Return answers per second for clients that wait for their answer."""
        end = time.perf_counter() + seconds

        async def client(number: int) -> None:
            connection = await asyncio.open_connection("127.0.0.1", self.port)
            while time.perf_counter() < end:
                await self.ask(number, connection)
                number += CLIENTS

        await asyncio.gather(*map(client, range(CLIENTS)))
        return len(self.answers.seconds[200]) / seconds

    async def open(self, rate: float, seconds: float) -> None:
        """Send requests at fixed times, each on a new connection."""

        async def one(number: int) -> None:
            connection = await asyncio.open_connection("127.0.0.1", self.port)
            await self.ask(number, connection)
            connection[1].close()

        began, tasks = time.perf_counter(), []
        for number in range(round(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(one(number)))
        await asyncio.gather(*tasks)


def memory(process: int) -> float:
    """Return the peak memory of a process in MB."""
    status = Path(f"/proc/{process}/status").read_text("utf-8")
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1000  # type: ignore[index]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print(description())
    files = find_images([args.folder])
    command = [*STRIATE, "predict", str(args.run), str(args.folder), "--json"]
    labels = {
        p["path"]: p["label"] for p in json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    }
    service = subprocess.Popen(
        [*STRIATE, "serve", str(args.run), "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert service.stdout
    port = int(re.search(r":(\d+)/", service.stdout.readline())[1])  # type: ignore[index]
    try:
        rates, offline = [], []
        for _ in range(args.rounds):
            rates.append(asyncio.run(Load(port, files, labels).closed(args.seconds / 3)))
            offline.append(offline_rate(args.run, files))
        print(f"offline predict {np.median(offline):.0f} images/s; service {np.median(rates):.0f} requests/s, ratio "
              f"{np.median(np.divide(rates, offline)):.2f}; memory {memory(service.pid):.0f} MB")  # fmt: skip
        load = Load(port, files, labels)
        rate = 2 * float(np.median(rates))
        asyncio.run(load.open(rate, args.seconds))
        print(f"{rate:.0f} requests/s for {args.seconds:g} s: statuses "
              f"{dict(Counter({s: len(t) for s, t in load.answers.seconds.items()}))}, wrong {load.answers.wrong}, "
              f"answered {len(load.answers.seconds[200]) / args.seconds:.0f}/s")  # fmt: skip
        for status, seconds in sorted(load.answers.seconds.items()):
            p50, p99 = 1000 * np.percentile(seconds, [50, 99])
            print(f"  {status}: median {p50:.0f} ms, 99 % below {p99:.0f} ms, longest {1000 * max(seconds):.0f} ms")
        print(f"peak memory {memory(service.pid):.0f} MB")
    finally:
        service.terminate()
        service.wait()


def offline_rate(run: Path, files: list[Path]) -> float:
    """Return images per second of `predict_files`, without starting the program and opening the model."""
    code = (
        "import sys, time; from pathlib import Path; from striate.workflows.predict import predict_files;"
        "from striate.workflows.trained_model import open_trained_model; m = open_trained_model(sys.argv[1]);"
        "f = [Path(p) for p in sys.stdin.read().split('\\n')]; list(predict_files(m, f[:16])); b = time.perf_counter();"
        "list(predict_files(m, f)); print(len(f) / (time.perf_counter() - b))"
    )
    listed = "\n".join(map(str, files))
    result = subprocess.run(
        [STRIATE[0], "-c", code, str(run)], input=listed, capture_output=True, text=True, check=True
    )
    return float(result.stdout)


if __name__ == "__main__":
    main()
