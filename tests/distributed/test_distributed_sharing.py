"""torchrun shares feature extraction, evaluation and prediction: the bits of one process, also after one was killed."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import ADDRESSES, Finished, environment, needs_namespaces, run, start_in_namespace, torchrun

JOB = Path(__file__).with_name("shared_job.py")
RESULTS = ("model.safetensors", "metrics.json", "predictions.safetensors")


def train(photographs: Path) -> tuple[str, ...]:
    size = ("--set", "input_shape=[48,48,3]")
    return ("+", "train", str(photographs), "--base", "efficientnet-lite0", *size, "--folds", "0", "--out", "run")


def evaluate(run: str) -> tuple[str, ...]:
    return ("+", "evaluate", run, "--json")  # on the 13 test images


def predict(photographs: Path) -> tuple[str, ...]:
    return ("+", "predict", "run", str(photographs), "--csv", "out.csv")


@pytest.fixture(scope="module")
def photos(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The photographs, and a file that cannot be read."""
    folder = shutil.copytree(photographs, tmp_path_factory.mktemp("photos") / photographs.name)
    (folder / "빨강" / "broken.jpg").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="module")
def single(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Finished]:
    """A run, evaluation and predictions by one process: its working folder, and what it printed."""
    folder = tmp_path_factory.mktemp("single")
    commands = (*train(photos), *evaluate("run"), *predict(photos))
    result = run(1, JOB, "undisturbed", *commands, cwd=folder, STRIATE_CACHE=str(folder / "cache"))
    assert result.returncode == 1, result.stderr  # because of the file that cannot be read
    return folder, result


def assert_equal(folder: Path, single: Path) -> None:
    for name in RESULTS:
        assert (folder / "run" / name).read_bytes() == (single / "run" / name).read_bytes(), name


def evaluation(printed: str) -> str:
    """Return the JSON that evaluate printed. Fail if there is none, or several."""
    (found,) = (line for line in printed.splitlines() if line.startswith("{"))
    return found


def stored(folder: Path, what: str) -> tuple[set[str], list[str]]:
    """Return the ranks of the processes that stored batches, and the files that they wrote."""
    lines = [line.split(" ") for line in (folder / "stored").read_text().splitlines()]
    rows = [(rank, name) for rank, kind, name in lines if kind == what]
    return {rank for rank, _ in rows}, sorted(name for _, name in rows)


def test_two_processes_give_the_bits_of_one_also_after_a_kill(
    photos: Path, tmp_path: Path, single: tuple[Path, Finished]
) -> None:
    commands = (*train(photos), *evaluate("run"), *predict(photos))
    result = run(
        2, JOB, "killed", *commands, cwd=tmp_path, options=("--max-restarts", "1"),
        STRIATE_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "failed").exists()
    assert result.stdout.count("Classifier: ") == 1
    assert_equal(tmp_path, single[0])
    assert (tmp_path / "out.csv").read_bytes() == (single[0] / "out.csv").read_bytes()
    assert evaluation(result.stdout) == evaluation(single[1].stdout)
    assert result.stdout.count("127 images: ") == 1
    assert "Files that could not be read: 1; 'out.csv' lists all of them." in result.stderr
    for what in ("features", "outputs"):
        assert stored(tmp_path, what) == ({"0", "1"}, [f"{number}.rows" for number in range(4)])  # each once
        assert not list((tmp_path / "cache" / what).iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "failed", "out.csv", "run", "stored"]


def test_two_launches_with_one_cache_give_the_bits_of_one(
    photos: Path, tmp_path: Path, single: tuple[Path, Finished]
) -> None:
    """The second one waits, because the batches that both share are removed at the end."""
    folders = tmp_path / "first", tmp_path / "second"
    commands = (*train(photos), *evaluate("run"))
    launches: list[subprocess.Popen[str]] = []

    def launch(failure: str) -> subprocess.Popen[str]:
        folder = folders[len(launches)]
        folder.mkdir()
        process = subprocess.Popen(
            torchrun(2, JOB, failure, *commands, options=("--standalone",)), cwd=folder, encoding="utf-8",
            env=environment(STRIATE_CACHE=str(tmp_path / "cache")), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        launches.append(process)
        return process

    try:
        first = launch("paused")
        while first.poll() is None and not (folders[0] / "paused").exists():
            time.sleep(0.05)
        second = launch("undisturbed")
        while second.poll() is None and not (folders[1] / "waits").exists():
            time.sleep(0.05)
        (folders[0] / "continue").touch()
        printed = [process.communicate(timeout=300)[0] for process in launches]
    finally:
        for process in launches:
            process.kill()
    assert [process.returncode for process in launches] == [0, 0], printed
    for folder, text in zip(folders, printed, strict=True):
        assert_equal(folder, single[0])
        assert evaluation(text) == evaluation(single[1].stdout)
    assert stored(folders[0], "features")[1] == [f"{number}.rows" for number in range(4)]
    assert {line.split(" ")[1] for line in (folders[1] / "stored").read_text().splitlines()} == {"outputs"}


@needs_namespaces
def test_two_machines_without_a_common_disk_give_the_bits_of_one_process(
    photos: Path, machines: list[Path], single: tuple[Path, Finished]
) -> None:
    for folder in machines:  # each machine needs the model
        shutil.copytree(single[0] / "run", folder / "copy")
    command = [sys.executable, str(JOB), "undisturbed", *train(photos), *evaluate("copy")]
    group = {"WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": ADDRESSES[0], "MASTER_PORT": "29500"}
    processes = [
        start_in_namespace(number, command, folder, RANK=str(number), **group) for number, folder in enumerate(machines)
    ]
    try:
        first, second = (process.communicate(timeout=200)[0] for process in processes)
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], first + second
    assert_equal(machines[0], single[0])
    assert evaluation(first) == evaluation(single[1].stdout)
    assert "accuracy" not in second
    for what in ("features", "outputs"):
        assert stored(machines[0], what) == ({"0"}, [f"{number}.rows" for number in range(4)])  # two were received
        assert stored(machines[1], what) == ({"1"}, ["1.rows", "3.rows"])
    assert sorted(path.name for path in machines[1].iterdir()) == ["cache", "copy", "stored"]
