"""The notebooks of the documentation run on a fresh machine, and are stored as they run, in both languages."""

import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "notebooks"
sys.path.insert(0, str(ROOT / "tools"))

import run_notebooks  # noqa: E402 - a tool, not a part of a package

MAX_BYTES = 600_000
SHOWN = {  # what the text of a notebook claims of its outputs
    "first-cnn": ["(160, 4640, 100416)"],
    "own-photographs": ["'coin/40.jpg', 'kind': 'label', 'given': 'coin', 'suggested': 'leaf'", "new/portrait.jpg"],
    "inside-a-network": ["largest difference 0.000000 of", "weighted_sum of 25 cells"],
}


def cells(notebook: Any, kind: str = "code") -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def kinds(cell: Any) -> set[str]:
    return {kind for output in cell.outputs for kind in output.get("data", {})}


def printed(notebook: Any) -> str:
    texts = [output.get("text") or output["data"]["text/plain"] for cell in cells(notebook) for output in cell.outputs]
    return "\n".join(texts)


@pytest.mark.parametrize("name", run_notebooks.NAMES)
def test_notebook_runs_and_shows_what_its_text_says(name: str, tmp_path: Path) -> None:
    notebook = run_notebooks.read(name, "en")
    stored = run_notebooks.read(name, "en")
    notebook.cells.insert(0, nbformat.v4.new_code_cell("import warnings\nwarnings.simplefilter('error')"))
    notebook.cells.append(nbformat.v4.new_code_cell("warnings.resetwarnings()"))
    run_notebooks.run(notebook, tmp_path)
    done = cells(notebook)[1:-1]
    assert [sorted(kinds(cell)) for cell in done] == [sorted(kinds(cell)) for cell in cells(stored)]
    for text in SHOWN[name]:
        assert text in printed(notebook)
        assert text in printed(stored)
    if name == "first-cnn":
        assert float(re.findall(r"Scores\(.*accuracy=([0-9.]+)\)", printed(notebook))[-1]) > 0.95
    if name == "own-photographs":
        predicted = {
            line.split()[0]: line.split() for line in printed(notebook).splitlines() if line.startswith("new/")
        }
        assert [predicted[f"new/{kind}.jpg"][1] for kind in ("coin", "star")] == ["coin", "star"]
        unknown = {file for file, words in predicted.items() if words[-1] == "unknown"}
        assert unknown == {"new/portrait.jpg", "new/digit.png"}


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", run_notebooks.NAMES)
def test_stored_notebook_is_complete(name: str, language: str) -> None:
    file = run_notebooks.path(name, language)
    notebook = run_notebooks.read(name, language)
    assert file.stat().st_size < MAX_BYTES
    assert [cell.execution_count for cell in cells(notebook)] == list(range(1, len(cells(notebook)) + 1))
    for cell in cells(notebook):
        assert all(output.output_type != "error" for output in cell.outputs)
        if re.search(r"^(st\.plot|figure, )", cell.source, re.MULTILINE):
            assert "image/png" in kinds(cell), f"run tools/run_notebooks.py: no plot below\n{cell.source}"
    assert not re.search(r"/(tmp|home|root|work)/", printed(notebook))
    for cell in cells(notebook, "markdown"):
        for link in re.findall(r"\]\(([^)#\s]+)", cell.source):
            assert (FOLDER / link).exists(), link


@pytest.mark.parametrize("name", run_notebooks.NAMES)
def test_both_languages_have_the_same_code_outputs_and_sections(name: str) -> None:
    english, korean = run_notebooks.read(name, "en"), run_notebooks.read(name, "ko")
    assert [cell.cell_type for cell in english.cells] == [cell.cell_type for cell in korean.cells]
    for ours, theirs in zip(cells(english), cells(korean), strict=True):
        assert (ours.source, ours.outputs) == (theirs.source, theirs.outputs)
    for ours, theirs in zip(cells(english, "markdown"), cells(korean, "markdown"), strict=True):
        assert len(re.findall("^#+ ", ours.source, re.MULTILINE)) == len(
            re.findall("^#+ ", theirs.source, re.MULTILINE)
        )
        assert re.search("[가-힣]", theirs.source)
        assert not re.search("[가-힣]", ours.source.replace("한국어", ""))
