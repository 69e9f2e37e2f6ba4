"""The tutorial on faces does what it says, tried on drawn ones."""

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
LONG = ("--fine-tune", "--base")  # needs PyTorch, or a base that is an extra
SIDE = 64


def draw(path: Path, person: int, rng: np.random.Generator) -> None:
    """A face: its shape, skin and hair belong to the person; place, light and mouth are of the moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = np.random.default_rng(person)
    skin, hair = own.integers(90, 250, 3), own.integers(0, 160, 3)
    width, fringe = own.uniform(12, 24), own.uniform(4, 16)
    x, y = rng.uniform(28, 36, 2)
    picture = Image.new("RGB", (SIDE, SIDE), tuple(rng.integers(60, 200, 3).tolist()))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((x - width - 3, y - 27, x + width + 3, y + 12), fill=tuple(hair.tolist()))
    pen.ellipse((x - width, y - 24 + fringe, x + width, y + 25), fill=tuple(skin.tolist()))
    for eye in (x - width / 2, x + width / 2):
        pen.ellipse((eye - 2, y - 3, eye + 2, y + 1), fill="black")
    pen.arc((x - 7, y + 6, x + 7, y + 6 + rng.uniform(4, 12)), 0, 180, fill="darkred", width=2)
    lit = np.asarray(picture) * rng.uniform(0.8, 1.2) + rng.normal(0, 5, (SIDE, SIDE, 3))
    Image.fromarray(lit.clip(0, 255).astype(np.uint8)).save(path, quality=92)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of the page, with the people that it shows."""
    place, rng = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    names = re.findall(r"^(\w+) +9$", PAGE, re.MULTILINE)
    assert len(names) == 6
    for person, name in enumerate(names):
        for number in range(9):
            draw(place / "people" / name / f"{number}.jpg", person, rng)
        for number in range(8):
            draw(place / "days" / ("train" if number < 5 else "test") / name / f"{number}.jpg", person, rng)
        draw(place / "new" / f"{name}-09.jpg", person, rng)
    for person in range(10, 13):
        draw(place / "strangers" / f"guest-{person}.jpg", person, rng)
    return place


def run(place: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=place, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{arguments}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_the_project_from_folder_to_answers(place: Path) -> None:
    typed = [line for line in COMMANDS if not any(word in line for word in LONG)]
    said = {line: run(place, "-Xutf8", "-m", *shlex.split(line)) for line in typed}
    assert len(said) == 6
    for name in ("people", "days", "days-2"):
        assert (place / "runs" / name / "report.html").is_file()
    assert (place / "people.onnx").is_file()
    answers = said["striate predict runs/people new strangers"].splitlines()
    own = [line.split() for line in answers if line.startswith("new")]
    assert sum(Path(path).name.startswith(label) for path, label, *_ in own) >= 5
    assert sum("unknown" in line for line in answers if line.startswith("strangers")) >= 1
    printed = run(place, "-Xutf8", "-c", *PROGRAM).splitlines()
    assert [line.split()[:2] for line in printed] == [[Path(path).name, label] for path, label, *_ in own]


def test_the_intervals_it_names() -> None:
    """Wilson's, of n test photographs that are all right: n / (n + 1.96²)."""
    ten, twenty, fifty = (f"{100 * n / (n + 1.96**2):.0f} %" for n in (10, 20, 50))
    assert f"begins at {ten}; with 20 at {twenty}, with 50 at {fifty}." in PAGE
