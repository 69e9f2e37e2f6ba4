"""Run programs of peers/ in turn, in fresh processes, and sum up the lines of JSON that they print."""

import json
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

PEERS = Path(__file__).parent / "peers"

Results = dict[str, list[dict]]  # one for each round, by peer


def measured(side: list[str], environment: Mapping[str, str] | None = None) -> dict:
    """What one program said. side: its command, begun in the folder of the peers."""
    done = subprocess.run(side, capture_output=True, encoding="utf-8", check=False, env=environment, cwd=PEERS)
    if done.returncode:
        sys.exit(f"{shlex.join(side)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def in_turn(sides: list[list[str]], rounds: int, environment: Mapping[str, str] | None = None) -> Results:
    """A, B, C, A, B, C, …, so that a busy spell of the machine meets all alike."""
    results: Results = {}
    for number in range(rounds):
        for side in sides:
            result = measured(side, environment)
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
