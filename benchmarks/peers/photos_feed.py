"""Load a folder of photographs, iterate over one epoch of batches, and print the peak memory after each as JSON."""

import argparse
import json
import resource  # Linux and macOS only
import sys
import time

import striate as st
from striate.data import load
from striate.network import Dense, GlobalAveragePool2D, Input, Network
from striate.training import Recipe, check_samples
from striate.training.loader import BatchLoader

BATCH = 128


def peak_megabytes() -> float:
    """Return the peak of this process; Linux reports KiB, macOS bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", required=True)
    parser.add_argument("--size", type=int, required=True)
    args = parser.parse_args()
    network = Network.sequential([Input((args.size, args.size, 3)), GlobalAveragePool2D(), Dense(2)])
    model = st.Model.from_network(network)
    model.compile("sgd", "mse")
    results = {"imports_mb": peak_megabytes()}
    start = time.perf_counter()
    data = load(args.photos, size=args.size)
    results |= {"open_mb": peak_megabytes(), "open_seconds": time.perf_counter() - start, "images": len(data.train)}
    targets = [[label, 1 - label] for label in data.train.y.tolist()]
    samples = check_samples(network, model.losses, data.train.x, targets)
    start = time.perf_counter()
    for _ in BatchLoader(samples, Recipe(batch_size=BATCH), model.engine).epoch(0):
        pass
    print(json.dumps(results | {"epoch_mb": peak_megabytes(), "epoch_seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
