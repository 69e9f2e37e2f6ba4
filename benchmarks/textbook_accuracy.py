"""Train SimpleConvNet of striate.textbook with its defaults and print the test accuracy, measured once at the end."""

import argparse
import time

import machine
import numpy as np

import striate as st
from striate.textbook import SimpleConvNet, Trainer


def channels_first(part: st.data.Images) -> tuple[np.ndarray, np.ndarray]:
    return part.x.transpose(0, 3, 1, 2) / 255, part.y


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=("mnist", "mnist5k"), default="mnist")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all", action="store_true", help="train on the validation part as well, as the original did")
    args = parser.parse_args()
    data = st.data.load(args.data)
    network = SimpleConvNet(seed=args.seed)
    start = time.perf_counter()
    training, validation, test = (channels_first(part) for part in (data.train, data.validation, data.test))
    if args.all:
        training = tuple(np.concatenate(arrays) for arrays in zip(training, validation, strict=True))
    Trainer(network, *training, *validation, epochs=args.epochs, seed=args.seed).train()
    minutes = (time.perf_counter() - start) / 60
    print(f"\ntest accuracy {network.accuracy(*test):.2%}, {args.epochs} epochs, {minutes:.1f} minutes")
    print(f"{machine.description()}; NumPy {np.__version__}. Command: `{machine.command()}`")


if __name__ == "__main__":
    main()
