"""Arguments, batches, timing and output that all peers share. Import it before NumPy."""

import os

THREADS = 2
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(THREADS)  # read once, when NumPy or the framework loads its BLAS

import argparse  # noqa: E402
import gzip  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
import statistics  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

NETWORKS = ("simple-convnet", "lenet5", "mnist-cnn")
WARM_UP = 10

Batch = tuple[np.ndarray, np.ndarray]


def parser(networks: tuple[str, ...] = NETWORKS) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--network", choices=networks, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--steps", type=int, default=50)
    return parser


def read_idx(path: Path, header: int) -> np.ndarray:
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def mnist() -> Batch:
    """60,000 images uint8 (N, 28, 28, 1) and classes int64 (N,); random ones if STRIATE_DATA has no MNIST."""
    folder = Path(os.environ.get("STRIATE_DATA", "")) / "mnist"
    if (folder / "train-images-idx3-ubyte.gz").exists():
        images = read_idx(folder / "train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28, 1)
        return images, read_idx(folder / "train-labels-idx1-ubyte.gz", 8).astype(np.int64)
    random = np.random.default_rng(0)
    ink = random.random((60_000, 28, 28, 1)) < 0.2
    return random.integers(0, 256, ink.shape, np.uint8) * ink, random.integers(0, 10, 60_000)


def batches(count: int, size: int) -> Iterator[Batch]:
    """Yield `count` batches of different images, in the same order for every peer, from an array in memory."""
    images, classes = mnist()
    order = np.resize(np.random.default_rng(0).permutation(len(images)), count * size)
    images, classes = images[order], classes[order]
    for start in range(0, count * size, size):
        yield images[start : start + size], classes[start : start + size]


def run(peer: str, build: Callable[[str], Callable[..., object]], args: argparse.Namespace, **versions: str) -> None:
    """Time step(images, classes) → loss over fresh batches and print the result."""
    step, times = build(args.network), []
    for images, classes in batches(WARM_UP + args.steps, args.batch):
        start = time.perf_counter()
        loss = step(images, classes)
        times.append(time.perf_counter() - start)
    report(peer, args, times[WARM_UP:], float(loss), **versions)


def report(peer: str, args: argparse.Namespace, seconds: list[float], last_loss: float, **versions: str) -> None:
    result = {
        "peer": peer,
        "network": args.network,
        "batch": args.batch,
        "median_ms": round(1000 * statistics.median(seconds), 3),
        "min_ms": round(1000 * min(seconds), 3),
        "last_loss": round(last_loss, 4),  # shows that the network learns
        "versions": {"python": platform.python_version(), "numpy": np.__version__, **versions},
    }
    print(json.dumps(result))
