"""Open a folder of photographs, feed an epoch of batches to nobody, and print the peak of memory after each as JSON."""

import argparse
import json
import resource  # Linux and macOS only
import sys
import time

import striate as st
from striate.data import load
from striate.network import Dense, GlobalAveragePool2D, Input, Network
from striate.training import Recipe, check_samples
from striate.training.feed import Feed

BATCH = 128


def peak_megabytes() -> float:
    """Linux counts in KiB, macOS in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", required=True)
    parser.add_argument("--size", type=int, required=True)
    asked = parser.parse_args()
    network = Network.sequential([Input((asked.size, asked.size, 3)), GlobalAveragePool2D(), Dense(2)])
    model = st.Model.from_network(network)
    model.compile("sgd", "mse")
    found = {"imports_mb": peak_megabytes()}
    start = time.perf_counter()
    data = load(asked.photos, size=asked.size)
    found |= {"open_mb": peak_megabytes(), "open_seconds": time.perf_counter() - start, "images": len(data.train)}
    targets = [[label, 1 - label] for label in data.train.y.tolist()]
    samples = check_samples(network, model.losses, data.train.x, targets)
    start = time.perf_counter()
    for _ in Feed(samples, Recipe(batch_size=BATCH), model.engine).epoch(0):
        pass
    print(json.dumps(found | {"epoch_mb": peak_megabytes(), "epoch_seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
