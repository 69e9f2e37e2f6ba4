"""The command line in Korean, as a user reads it."""

import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from striate.cli import main
from striate.cli.group import COMMANDS
from striate.text import display_width

from .conftest import environment
from .test_cli_usage import USAGE


def in_korean(arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a command in this process; return what it printed."""
    monkeypatch.setenv("STRIATE_LANG", "ko")
    monkeypatch.setattr(sys, "argv", ["striate", *arguments])
    with warnings.catch_warnings(), pytest.raises(SystemExit):
        main()
    printed = capsys.readouterr()
    return printed.out + printed.err


@pytest.mark.parametrize("arguments", sorted(USAGE))
def test_usual_errors_are_in_korean(
    arguments: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    error = in_korean(arguments.split(), capsys, monkeypatch).splitlines()[-1]
    assert error.startswith("오류: ")
    assert re.search("[가-힣]", error.removeprefix("오류: ")), error
    assert not re.search(r"\b(is|are|must|there|received|has|the)\b", re.sub("'[^']*'", "", error)), error


@pytest.mark.parametrize("name", ["", *COMMANDS, "data list", "data download", "data scan", "data audit"])
def test_help_is_in_korean_and_fits_a_terminal(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    page = in_korean([*name.split(), "--help"], capsys, monkeypatch)
    assert page.startswith("사용법: striate")
    assert "옵션:" in page and "--help" in page
    assert not re.search(r"Usage|Options|Show this|default:|required", page)
    assert max(map(display_width, page.splitlines())) <= 80


def test_table_is_aligned_in_korean(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = in_korean(["data", "list"], capsys, monkeypatch).splitlines()[:4]
    column = lines[0].index("설명")
    starts = {
        display_width(line[: line.index(word)])
        for line, word in zip(lines[1:], ("손글씨", "손글씨", "위치"), strict=True)
    }
    assert starts == {display_width(lines[0][:column])}


def test_language_of_the_system_is_used() -> None:
    inherited = {name: value for name, value in environment(LANG="ko_KR.UTF-8").items() if name[:3] != "LC_"}
    del inherited["STRIATE_LANG"]
    run = [sys.executable, "-m", "striate", "data", "--help"]
    korean = subprocess.run(run, env=inherited, capture_output=True, check=True, encoding="utf-8").stdout
    assert korean.startswith("사용법: striate data")


def test_settings_of_augmentation_are_in_korean(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / "p.png"
    printed = in_korean(["augment", "mnist5k", "--preset", "strong", "--out", str(out)], capsys, monkeypatch)
    assert printed.startswith("strong   회전 18, 이동 ")
