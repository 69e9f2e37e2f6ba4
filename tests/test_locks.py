"""Locks on folders: one process at a time, and none left by a process that was killed."""

import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from striate.errors import RunError
from striate.locks import LOCK_FILE, lock_folder, locked_folder, release_folder

HOLD = """
import sys
from pathlib import Path
from striate.locks import lock_folder
lock_folder(Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.read()
"""


def hold(folder: Path) -> "subprocess.Popen[str]":
    """Start a process that holds the lock until its input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "locked\n"
    return process


def test_lock_error_in_another_process_names_the_holder(tmp_path: Path) -> None:
    with hold(tmp_path) as process:
        since = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d"
        owner = rf"in use by process {process.pid} on '{platform.node()}' since {since}\. Wait until it has finished"
        with pytest.raises(RunError, match=owner):
            lock_folder(tmp_path)
        assert process.stdin
        process.stdin.close()
        assert process.wait() == 0
    assert not (tmp_path / LOCK_FILE).exists()


def test_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    with hold(tmp_path) as process:
        process.kill()
    assert (tmp_path / LOCK_FILE).exists()
    with locked_folder(tmp_path):
        assert str(os.getpid()) in (tmp_path / LOCK_FILE).read_text()
    assert not (tmp_path / LOCK_FILE).exists()


def test_within_a_process_a_lock_is_taken_once(tmp_path: Path) -> None:
    lock_folder(tmp_path)
    with locked_folder(tmp_path):
        lock_folder(tmp_path)
    assert (tmp_path / LOCK_FILE).exists()
    (tmp_path / "inner").mkdir()
    lock_folder(tmp_path / "inner")
    release_folder(tmp_path)
    assert not (tmp_path / "inner" / LOCK_FILE).exists()
    with hold(tmp_path / "inner") as process:
        process.communicate()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_forked_child_does_not_keep_the_lock_of_its_parent(tmp_path: Path) -> None:
    child = (
        "import os, time\nready, done = os.pipe()\nif not os.fork():\n    os.write(done, b'1')\n    time.sleep(60)\n"
        "os.read(ready, 1)\n"
    )
    forked = HOLD.replace("print(", f"{child}print(")
    command = [sys.executable, "-c", forked, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "locked\n"  # by the parent, when the child exists
        process.kill()
        process.wait()
        try:
            with locked_folder(tmp_path):
                pass
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"process": 1e999}', "[" * 900, '{"process": 1, "host": "\\u001b"}']
)
def test_damaged_lock_file(tmp_path: Path, content: str) -> None:
    with hold(tmp_path) as process:
        (tmp_path / LOCK_FILE).write_text(content)
        with pytest.raises(RunError, match="is in use by another process"):
            lock_folder(tmp_path)
        process.communicate()


def test_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(RunError, match=r"\.lock' could not be written: Permission denied"):
        lock_folder(tmp_path)


def test_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("striate.locks.try_lock", refuse)
    with pytest.warns(UserWarning, match=r"cannot be locked \(Operation not supported\)"):
        lock_folder(tmp_path)
