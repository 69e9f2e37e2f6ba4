"""Parallel work: results in order, limited lookahead, progress bar on a terminal only."""

import threading
import time

import pytest

from striate.data.parallel import chunk_ranges, map_ordered, progress_bar
from striate.processes import cores


def test_map_ordered_keeps_order() -> None:
    def work(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number * number

    assert list(map_ordered(work, range(50))) == [number * number for number in range(50)]


def test_map_ordered_limits_pending_results() -> None:
    begun = 0
    lock = threading.Lock()

    def work(number: int) -> int:
        nonlocal begun
        with lock:
            begun += 1
        return number

    for taken, _ in enumerate(map_ordered(work, range(200))):
        time.sleep(0.0005)
        assert begun <= taken + cores() + 2


def test_exception_in_worker_thread_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_ordered(lambda number: 1 // (number - 7), range(20)))


def test_chunk_ranges_cover_everything_once() -> None:
    assert [list(piece) for piece in chunk_ranges(7, 3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert chunk_ranges(0, 3) == []


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_bar_shows_speed_on_terminal_only(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "120")
    counted = []

    def count() -> int:
        counted.append(400)
        return 400

    with progress_bar("reading images", count) as advance:
        advance(300)
        time.sleep(0.25)
    out, shown = capsys.readouterr()
    assert out == ""
    assert counted == [400] * terminal  # images are not counted where no bar is shown
    assert ("reading images" in shown) == ("300/400" in shown) == ("images/s" in shown) == terminal
