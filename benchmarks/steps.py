"""Time one training step in Striate and in its peers, in turn and in fresh processes, and print a Markdown table."""

import argparse
import sys

import machine
from turns import Results, in_turn, spread, versions

BATCHES = {"simple-convnet": 100, "lenet5": 50, "mnist-cnn": 100}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="with Striate and NumPy")
    parser.add_argument("--torch-python", help="with torch; without it PyTorch is left out")
    parser.add_argument("--keras-python", help="with keras and tensorflow; without it Keras is left out")
    parser.add_argument("--network", choices=BATCHES, action="append", help="one network; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--without-striate", action="store_true", help="the peers alone")
    return parser.parse_args()


def commands(asked: argparse.Namespace, network: str) -> list[list[str]]:
    """Interpreter, script and arguments for each side, in the order they take turns."""
    sides = [] if asked.without_striate else [[asked.python, "striate_numpy.py"]]
    if network == "simple-convnet":
        sides.append([asked.python, "textbook.py"])
    if asked.torch_python:
        sides.append([asked.torch_python, "pytorch_eager.py"])
    if asked.keras_python:
        sides.append([asked.keras_python, "keras_tf.py"])
        sides.append([asked.keras_python, "keras_tf.py", "--steps-per-execution", "10"])
    options = ["--network", network, "--batch", str(BATCHES[network]), "--steps", str(asked.steps)]
    return [[*side, *options] for side in sides]


def row(network: str, peer: str, results: Results) -> str:
    medians = [result["median_ms"] for result in results[peer]]
    fastest = min(result["min_ms"] for result in results[peer])
    striate = [result["median_ms"] for result in results.get("Striate", [])]
    ratio = spread([ms / own for ms, own in zip(medians, striate, strict=True)], 2) if striate else "–"
    return f"| {network}, batch {BATCHES[network]} | {peer} | {spread(medians, 1)} | {fastest:.1f} | {ratio} |"


def main() -> None:
    asked = arguments()
    hardware = machine.described()
    all_results = {network: in_turn(commands(asked, network), asked.rounds) for network in asked.network or BATCHES}
    print("| network | in | ms per step: median over rounds (min–max) | fastest step | times Striate's (min–max) |")
    print("|---|---|---|---|---|")
    for network, results in all_results.items():
        print(*(row(network, peer, results) for peer in results), sep="\n")
    print(f"\n{hardware}; 2 threads; {asked.rounds} rounds in turn, {asked.steps} steps each after a warm-up.")
    print(f"Versions: {versions(all_results.values())}.")
    print(f"Command: `{machine.command()}`")


if __name__ == "__main__":
    main()
