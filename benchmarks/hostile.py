"""Run the whole campaign of hostile input: damaged files, wrong values, misuse, and public collections of files.

A case is wrong if it ends in a crash, in an error that is not one sentence for the user, in wrong pixels or numbers
(Pillow, ONNX Runtime), or takes more than the bounds of time and memory. Goal: wrong = 0. Each group runs in child
processes, so that a crash or a hang costs one case. Linux only.

    python benchmarks/hostile.py --count 1000 ~/collections/pngsuite ~/collections/onnx
"""

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import machine  # noqa: E402
from hostile import campaign  # noqa: E402

from striate.errors import StriateError  # noqa: E402

LONGEST_MESSAGE = 1000  # characters
PATIENCE = 30  # times the bound until a case counts as hanging; other programs may run


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", nargs="*", type=Path, help="files and folders, each one a group of its own")
    parser.add_argument("--group", action="append", choices=list(campaign.GROUPS), help="one group; may be repeated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=300, help="cases in each group")
    parser.add_argument("--seconds", type=float, default=5, help="bound of processor time for one case")
    parser.add_argument("--megabytes", type=float, default=500, help="bound for one case, above what was taken before")
    return parser.parse_args()


def main() -> None:
    args = parse()
    groups = {name: lambda f, make=make: make(random.Random(args.seed), args.count, f)
              for name, make in campaign.GROUPS.items() if not args.collections or args.group}  # fmt: skip
    groups = {name: make for name, make in groups.items() if not args.group or name in args.group}
    groups |= {str(path): lambda f, path=path: campaign.public_files([path]) for path in args.collections}
    print(machine.description())
    print(machine.command())
    print(f"{'group':34} {'tried':>7} {'read':>7} {'refused':>8} {'wrong':>6} {'seconds':>8} {'slowest':>8} {'MB':>6}")
    wrong = 0
    for name, make in groups.items():
        results = run_group(make, args)
        counts = Counter(verdict for verdict, *_ in results)
        slowest = max((seconds for *_, seconds, _ in results), default=0)
        most = max((megabytes for *_, megabytes in results), default=0)
        total = sum(seconds for *_, seconds, _ in results)
        print(
            f"{name[-34:]:34} {len(results):7,} {counts['read']:7,} {counts['refused']:8,} {counts['wrong']:6,} "
            f"{total:8.1f} {slowest:8.2f} {most:6.0f}",
            flush=True,
        )
        for _, what, why, *_ in [result for result in results if result[0] == "wrong"]:
            print(f"  {ascii(what)[:120]}: {ascii(why)[:300]}")
        wrong += counts["wrong"]
    print(f"wrong: {wrong}")
    sys.exit(bool(wrong))


def run_group(make, args: argparse.Namespace) -> list[tuple[str, str, str, float, float]]:
    """Run all cases of a group; after a crash or a hang the next child goes on behind it."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        while True:
            ours, theirs = multiprocessing.Pipe()
            child = multiprocessing.get_context("fork").Process(
                target=run_cases, args=(make, Path(folder), len(results), theirs, args)
            )
            child.start()
            theirs.close()
            ended = receive(ours, results, PATIENCE * args.seconds)
            child.kill()
            child.join()
            if ended:
                return results


def receive(pipe: Connection, results: list, patience: float) -> bool:
    """Receive results until the child has no more; False if it crashed or hangs, which is a result too."""
    name = ""
    while True:
        try:
            if not pipe.poll(patience if name else 300):
                results.append(("wrong", name, f"hangs: stopped after {patience:.0f} s", patience, 0.0))
                return False
            message = pipe.recv()
        except EOFError:
            results.append(("wrong", name, "crashed", 0.0, 0.0))
            return False
        if message is None:
            return True
        if isinstance(message, str):
            name = message
        else:
            results.append(message)
            name = ""


def run_cases(make, folder: Path, first: int, pipe: Connection, args: argparse.Namespace) -> None:
    """Run the cases from a number on, and send the name before and the result after each one."""
    campaign.clean(folder)
    os.chdir(folder)
    for number, case in enumerate(make(folder)):
        if number >= first:
            pipe.send(case.name)
            pipe.send(judge(case, args))
    pipe.send(None)


def judge(case: campaign.Case, args: argparse.Namespace) -> tuple[str, str, str, float, float]:
    """Return verdict, name, reason, seconds and megabytes."""
    reset_peak()
    before, began = memory("VmRSS"), time.process_time()
    verdict, why = "read", ""
    try:
        case.call()
    except StriateError as error:
        verdict, why = "refused", str(error)
        if len(why) > LONGEST_MESSAGE or not case.may_fail:
            verdict = "wrong"
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        verdict, why = "wrong", f"{error!r:.250} in {Path(frame.filename).name}:{frame.lineno}"
    seconds, megabytes = time.process_time() - began, memory("VmHWM") - before
    if seconds > case.times * args.seconds:
        verdict, why = "wrong", f"took {seconds:.1f} s"
    if megabytes > args.megabytes:
        verdict, why = "wrong", f"took {megabytes:.0f} MB"
    return verdict, case.name, why, seconds, megabytes


def memory(entry: str) -> float:
    """Return an entry of this process's status in megabytes."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(entry)) / 1000


def reset_peak() -> None:
    """Let the peak of memory begin anew."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")


if __name__ == "__main__":
    main()
