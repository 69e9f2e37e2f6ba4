"""The commands and the program of the tutorial on faces work, with drawn faces."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

PAGE = (Path(__file__).parents[1] / "docs/tutorials/whose-face.md").read_text("utf-8")
COMMANDS = re.findall(r"^(?:\$ )?(striate .*)$", PAGE, re.MULTILINE)
PROGRAM = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SKIPPED = "--base"  # needs a base that is not a dependency
SIDE = 64


def draw(path: Path, person: int, rng: np.random.Generator) -> None:
    """Draw a face: shape, skin and hair depend on the person; position, light and mouth vary between images."""
    path.parent.mkdir(parents=True, exist_ok=True)
    traits = np.random.default_rng(person)
    skin, hair = traits.integers(90, 250, 3), traits.integers(0, 160, 3)
    width, fringe = traits.uniform(12, 24), traits.uniform(4, 16)
    x, y = rng.uniform(28, 36, 2)
    image = Image.new("RGB", (SIDE, SIDE), tuple(rng.integers(60, 200, 3).tolist()))
    pen = ImageDraw.Draw(image)
    pen.ellipse((x - width - 3, y - 27, x + width + 3, y + 12), fill=tuple(hair.tolist()))
    pen.ellipse((x - width, y - 24 + fringe, x + width, y + 25), fill=tuple(skin.tolist()))
    for eye in (x - width / 2, x + width / 2):
        pen.ellipse((eye - 2, y - 3, eye + 2, y + 1), fill="black")
    pen.arc((x - 7, y + 6, x + 7, y + 6 + rng.uniform(4, 12)), 0, 180, fill="darkred", width=2)
    lit = np.asarray(image) * rng.uniform(0.8, 1.2) + rng.normal(0, 5, (SIDE, SIDE, 3))
    Image.fromarray(lit.clip(0, 255).astype(np.uint8)).save(path, quality=92)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of the tutorial with the people named in it."""
    folder, rng = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    names = re.findall(r"^(\w+) +9$", PAGE, re.MULTILINE)
    assert len(names) == 6
    for person, name in enumerate(names):
        for number in range(9):
            draw(folder / "people" / name / f"{number}.jpg", person, rng)
        for number in range(8):
            draw(folder / "days" / ("train" if number < 5 else "test") / name / f"{number}.jpg", person, rng)
        draw(folder / "new" / f"{name}-09.jpg", person, rng)
    for person in range(10, 13):
        draw(folder / "strangers" / f"guest-{person}.jpg", person, rng)
    return folder


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{arguments}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_commands_of_the_tutorial_from_folder_to_predictions(folder: Path) -> None:
    commands = [line for line in COMMANDS if SKIPPED not in line]
    outputs = {line: run(folder, "-Xutf8", "-m", *shlex.split(line)) for line in commands}
    assert len(outputs) == 6
    for name in ("people", "days", "days-2"):
        assert (folder / "runs" / name / "report.html").is_file()
    assert (folder / "people.onnx").is_file()
    predictions = outputs["striate predict runs/people new strangers"].splitlines()
    new = [line.split() for line in predictions if line.startswith("new")]
    assert sum(Path(path).name.startswith(label) for path, label, *_ in new) >= 5
    assert sum("unknown" in line for line in predictions if line.startswith("strangers")) >= 1
    printed = run(folder, "-Xutf8", "-c", *PROGRAM).splitlines()
    assert [line.split()[:2] for line in printed] == [[Path(path).name, label] for path, label, *_ in new]


def test_confidence_intervals_in_the_text() -> None:
    """The lower limit of Wilson's interval if all n test images are correct is n / (n + 1.96²)."""
    ten, twenty, fifty = (f"{100 * n / (n + 1.96**2):.0f} %" for n in (10, 20, 50))
    assert f"starts at {ten}; with 20 at {twenty}, with 50 at {fifty}." in PAGE
