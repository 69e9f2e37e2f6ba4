"""Run the programs of peers/ alternately, in fresh processes, and collect the JSON lines that they print."""

import json
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

PEERS = Path(__file__).parent / "peers"

Results = dict[str, list[dict]]  # by framework, one for each round


def run_once(command: list[str], environment: Mapping[str, str] | None = None) -> dict:
    """Run a command in the folder of the peers and return the result that it prints."""
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, env=environment, cwd=PEERS)
    if done.returncode:
        sys.exit(f"{shlex.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def in_turn(commands: list[list[str]], rounds: int, environment: Mapping[str, str] | None = None) -> Results:
    """Run A, B, C, A, B, C, …, so that other load on the machine affects all alike."""
    results: Results = {}
    for number in range(rounds):
        for command in commands:
            result = run_once(command, environment)
            print(f"round {number + 1}: {json.dumps(result)}", file=sys.stderr)
            results.setdefault(result["peer"], []).append(result)
    return results


def spread(values: list[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def versions(results: Iterable[Results]) -> str:
    used = {
        f"{name} {version}"
        for each in results
        for peer in each.values()
        for name, version in peer[0]["versions"].items()
    }
    return ", ".join(sorted(used))
