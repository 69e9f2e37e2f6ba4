"""Names of files, folders and classes that try to forge what a terminal or a page shows."""

import json
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import striate as st
from striate.cli import main
from striate.evaluation import evaluate
from striate.evaluation.report import ReportData, render_report
from striate.images import encode_png

FORGED = "x\x1b[2K\x1b]0;title\x07\r\nfake.png  cat  99.9 %\u202egnp"
UNSAFE = ("\x1b", "\x07", "\r", "\x9b", "\u202e", "\u2066")


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Path]:
    """A model file whose classes have forged names."""
    model = st.zoo.build("mnist-quick")
    model.classes = tuple(f"{FORGED}{number}" for number in range(10))
    model.policy = st.data.load("mnist5k").policy
    model.save(tmp_path / "m.safetensors")
    yield tmp_path / "m.safetensors"


def call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *args: str | Path
) -> tuple[int, str, str]:
    """Run the command line in this process; return exit code, output and errors."""
    monkeypatch.setattr(sys, "argv", ["striate", *map(str, args)])
    with warnings.catch_warnings(), pytest.raises(SystemExit) as stop:
        main()
    printed = capsys.readouterr()
    for text in (printed.out, printed.err):
        assert not any(letter in text for letter in UNSAFE), ascii(text)
        assert not any(line.startswith("fake.png") for line in text.splitlines())
    return int(stop.value.code or 0), printed.out, printed.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_predict_escapes_paths_and_classes(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tmp_path / f"{FORGED}.png"
    image.write_bytes(encode_png(np.zeros((28, 28, 1), np.uint8)))
    code, out, _ = call(capsys, monkeypatch, "predict", model, image)
    assert (code, len(out.splitlines())) == (0, 2)
    code, out, _ = call(capsys, monkeypatch, "predict", model, image, "--json")
    answer = json.loads(out)[0]
    assert answer["file"] == os.fspath(image)
    assert answer["label"].startswith(FORGED)
    broken = tmp_path / f"{FORGED}.jpg"
    broken.write_bytes(b"no image")
    for path in (broken, tmp_path / f"{FORGED}gone"):
        code, _, err = call(capsys, monkeypatch, "predict", model, path)
        assert (code, len(err.splitlines())) == (1, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@pytest.mark.parametrize("command", ["summary", "evaluate", "predict", "data scan", "inspect", "train"])
def test_errors_about_missing_paths_are_one_safe_line(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    more = ["x.png"] if command == "predict" else []
    code, _, err = call(capsys, monkeypatch, *command.split(), tmp_path / FORGED, *more)
    assert code in (1, 2)
    assert len(err.splitlines()) == 1
    code, _, err = call(capsys, monkeypatch, *command.split(), f"--{FORGED}")
    assert code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_scan_escapes_names_and_reports_damage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate((f"{FORGED}a", "b")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for index in range(2):
            pixels = np.full((9, 9), 10 * number + index, np.uint8)
            (tmp_path / "data" / name / f"{index}{FORGED}.png").write_bytes(encode_png(pixels))
        (tmp_path / "data" / name / f"{FORGED}.jpg").write_bytes(b"no image")
    for options in ([], ["--json"]):
        code, _, _ = call(capsys, monkeypatch, "data", "scan", tmp_path / "data", *options)
        assert code == 0


def test_report_escapes_names() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(20) % 2
    evaluation = evaluate(rng.dirichlet([1, 1], 20), y, (FORGED, "b"), [f"{number}{FORGED}" for number in range(20)])
    page = render_report(ReportData(model=FORGED, data=FORGED, evaluation=evaluation, notes=(FORGED,)))
    assert not any(letter in page for letter in UNSAFE)
    assert r"\u202e" in page
