"""A small part of the campaign of `benchmarks/hostile.py`, which runs it with any seed and count."""

import random
from contextlib import suppress
from pathlib import Path

import pytest

from striate.errors import StriateError

from .campaign import GROUPS, make_paths, public_files

COUNTS = {"model files": 200, "state dicts": 200, "ONNX files": 120, "run folders": 200, "commands": 120, "threads": 3}


@pytest.mark.parametrize("group", COUNTS)
def test_no_case_goes_wrong(group: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tried = 0
    for case in GROUPS[group](random.Random(0), COUNTS[group], tmp_path):
        tried += 1
        with suppress(StriateError):
            try:
                case.call()
            except StriateError:
                assert case.may_fail, case.name
                raise
            except Exception as error:
                raise AssertionError(case.name) from error
    assert tried >= COUNTS[group]


def test_files_of_collections_are_opened_as_what_they_are(tmp_path: Path) -> None:
    make_paths(tmp_path)
    found = {Path(case.name).name: case for case in public_files([tmp_path])}
    for name in ("image.png", "m.safetensors"):
        found[name].call()
    for name in ("text.txt", "empty.png", "broken.jpg"):
        with pytest.raises(StriateError):
            found[name].call()
