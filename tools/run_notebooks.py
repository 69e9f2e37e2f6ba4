"""Run the notebooks in docs/notebooks and write their outputs: python tools/run_notebooks.py [NAME …].

The code of the English notebook is run and its outputs are written into both languages. To change a notebook, edit
both files, keep their code identical, and run this. Needs the extra `dev`.
"""

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"
NAMES = ("first-cnn", "own-photographs", "inside-a-network")
SECONDS = 300  # of one cell


def read(name: str, language: str) -> Any:
    """Return the notebook with this name in a language, "en" or "ko"."""
    return nbformat.read(path(name, language), as_version=4)


def path(name: str, language: str) -> Path:
    """Return the file of a notebook."""
    return FOLDER / (f"{name}.ipynb" if language == "en" else f"{name}.{language}.ipynb")


def code(notebook: Any) -> list[str]:
    """Return the code of each cell."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def run(notebook: Any, folder: Path) -> None:
    """Run all cells in a folder, in a new process as a reader does, and keep their outputs in the notebook."""
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),  # has `striate`
        "IPYTHONDIR": str(folder / ".ipython"),
    }
    environment.pop("MPLBACKEND", None)  # in a notebook, plots are shown below the cell
    NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute(env=environment)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs, folder)


def _joined(outputs: list[Any], folder: Path) -> list[Any]:
    """Return outputs with consecutive pieces of text joined, and without the name of the temporary folder."""
    found: list[Any] = []
    for output in outputs:
        if output.output_type == "stream" and found and found[-1].output_type == "stream":
            found[-1].text += output.text
        else:
            found.append(output)
    for output in found:
        if output.output_type == "stream":
            output.text = re.sub(r".*file://.*\n", "", output.text.replace("\r\n", "\n")).replace(f"{folder}/", "")
    return found


def write(name: str) -> None:
    """Run a notebook and write it in both languages."""
    english, korean = read(name, "en"), read(name, "ko")
    if code(english) != code(korean):
        sys.exit(f"The code of {name} differs between the languages.")
    with tempfile.TemporaryDirectory() as folder:
        run(english, Path(folder))
    done = iter([cell for cell in english.cells if cell.cell_type == "code"])
    for cell in korean.cells:
        if cell.cell_type == "code":
            source = next(done)
            cell.outputs, cell.execution_count = source.outputs, source.execution_count
    for language, notebook in (("en", english), ("ko", korean)):
        notebook.metadata = {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
        nbformat.write(notebook, path(name, language))
        print(path(name, language), f"{path(name, language).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    for each in sys.argv[1:] or NAMES:
        write(each)
