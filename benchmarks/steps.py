"""Compare the time of one training step in Striate, striate.textbook, PyTorch, Keras and textbook NumPy.

The frameworks run alternately, each in a fresh process; prints a Markdown table.
"""

import argparse
import sys

import machine
from turns import Results, in_turn, spread, versions

BATCHES = {"simple-convnet": 100, "lenet5": 50, "mnist-cnn": 100}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="with Striate and NumPy")
    parser.add_argument(
        "--striate-torch", choices=("float32", "bfloat16"), action="append",
        help="Striate's PyTorch engine in this precision too; may be repeated",
    )  # fmt: skip
    parser.add_argument("--torch-python", help="with torch; without it PyTorch is skipped")
    parser.add_argument("--keras-python", help="with keras and tensorflow; without it Keras is skipped")
    parser.add_argument("--network", choices=BATCHES, action="append", help="one network; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--without-striate", action="store_true", help="run the other frameworks only")
    return parser.parse_args()


def commands(args: argparse.Namespace, network: str) -> list[list[str]]:
    """Return the command of each framework, in the order of each round."""
    sides = [] if args.without_striate else [[args.python, "striate_engine.py"]]
    pytorch = [args.python, "striate_engine.py", "--engine", "torch", "--precision"]
    sides += [[*pytorch, precision] for precision in args.striate_torch or ()]
    if network == "simple-convnet":
        sides += [[args.python, "textbook.py"], [args.python, "striate_textbook.py"]]
    if args.torch_python:
        sides.append([args.torch_python, "pytorch_eager.py"])
    if args.keras_python:
        sides.append([args.keras_python, "keras_tf.py"])
        sides.append([args.keras_python, "keras_tf.py", "--steps-per-execution", "10"])
    options = ["--network", network, "--batch", str(BATCHES[network]), "--steps", str(args.steps)]
    return [[*side, *options] for side in sides]


def row(network: str, peer: str, results: Results) -> str:
    medians = [result["median_ms"] for result in results[peer]]
    fastest = min(result["min_ms"] for result in results[peer])
    striate = [result["median_ms"] for result in results.get("Striate", [])]
    ratio = spread([ms / own for ms, own in zip(medians, striate, strict=True)], 2) if striate else "–"
    return f"| {network}, batch {BATCHES[network]} | {peer} | {spread(medians, 1)} | {fastest:.1f} | {ratio} |"


def textbook_ratio(results: Results) -> str:
    """Return the time of striate.textbook relative to the same network as a single script, round by round."""
    own, script = (results[peer] for peer in ("striate.textbook", "textbook NumPy, float64"))
    return spread([a["median_ms"] / b["median_ms"] for a, b in zip(own, script, strict=True)], 2)


def main() -> None:
    args = arguments()
    hardware = machine.description()
    all_results = {network: in_turn(commands(args, network), args.rounds) for network in args.network or BATCHES}
    print("| network | framework | ms per step: median (min–max) | fastest step | framework / Striate (min–max) |")
    print("|---|---|---|---|---|")
    for network, results in all_results.items():
        print(*(row(network, peer, results) for peer in results), sep="\n")
    if "simple-convnet" in all_results:
        ratio = textbook_ratio(all_results["simple-convnet"])
        print(f"\nstriate.textbook / textbook NumPy: {ratio}; goal: at most 1.2")
    print(f"\n{hardware}; 2 threads; {args.rounds} alternating rounds, {args.steps} steps each after a warm-up.")
    print(f"Versions: {versions(all_results.values())}.")
    print(f"Command: `{machine.command()}`")


if __name__ == "__main__":
    main()
