"""Run every row of docs/keras/*.toml in Keras 3 and in Striate, and count what behaves the same.

Keras needs a Python of its own, with keras, a backend (torch) and Pillow: pass its path as --keras. With --record the
results of Keras are written into the table.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import machine

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import keras_table  # noqa: E402 - a program of tools/


def outcomes(python: str, library: str) -> dict[str, keras_table.Outcome]:
    """Run all rows in another Python, and return their outcomes by id."""
    command = [python, str(ROOT / "tools/keras_table.py"), "--run", library]
    environment = os.environ | {"KERAS_BACKEND": "torch", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found = json.loads(done.stdout[done.stdout.index("{") :])
    return {name: keras_table.Outcome(**fields) for name, fields in found.items()}


def record(results: dict[str, keras_table.Outcome]) -> None:
    """Write the results of Keras into the table."""
    for path in sorted(keras_table.TABLE.glob("*.toml")):
        head, *rows = re.split(r"(?m)^(?=\[\[probe\]\])", path.read_text("utf-8"))
        path.write_text(head + "".join(recorded(row, results) for row in rows), "utf-8")


def recorded(row: str, results: dict[str, keras_table.Outcome]) -> str:
    """Return the text of a row with the result of Keras."""
    without = re.sub(r"(?m)^value = .*\n", "", row)
    first, name, rest = re.split(r'(?m)^(id = ".*"\n)', without, maxsplit=1)
    result = results[name.split('"')[1]]
    if result.error:  # the row keeps what a person wrote, for example of MNIST, which Keras downloads
        return row
    return without if result.value == "null" else f"{first}{name}value = '{result.value}'\n{rest}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keras", required=True, help="the Python in which Keras 3 is installed")
    parser.add_argument("--record", action="store_true", help="write the results of Keras into the table")
    args = parser.parse_args()
    theirs, ours = outcomes(args.keras, "keras"), outcomes(sys.executable, "striate")
    if args.record:
        record(theirs)
    version = [args.keras, "-c", "import importlib.metadata; print(importlib.metadata.version('keras'))"]
    keras = subprocess.run(version, capture_output=True, encoding="utf-8", check=True).stdout.strip()
    written = {row.id: row.value for row in keras_table.probes()}
    counts = {"same": 0, "refused": 0, "differs": 0}
    for name, outcome in ours.items():
        expected = theirs[name]
        if expected.error:
            print(f"fails in Keras    {name}: {expected.error}: {expected.message[:150]}")
        found = "refused" if outcome.is_sentence else "same"
        value = written[name] if expected.error else expected.value
        if found == "same" and not keras_table.agrees(outcome, value):
            found = "differs"
            given = f"{outcome.error}: {outcome.message}" if outcome.error else outcome.value
            print(f"differs           {name}: {given[:200]} instead of {expected.value[:200]}")
        if found == "refused":
            print(f"refused           {name}: {outcome.message[:200]}")
        counts[found] += 1
    same, refused, differs = counts.values()
    print(f"\n{len(ours)} probes: {same} behave the same, {refused} refused with a sentence, {differs} differ")
    print(f"Keras {keras}; {machine.description()}. Command: `{machine.command()}`")


if __name__ == "__main__":
    main()
