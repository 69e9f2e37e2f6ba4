"""Take the screenshots of the tutorial "Look inside your network": docs/images/explore/*.png, in both languages.

Command: `python tools/draw_explorer.py`. It
trains LeNet-5 as the tutorial does and opens `striate explore` in Chromium,
which takes about a minute. The same machine draws the same images each time.
"""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from striate.language.explorer import EXPLORER_STRINGS

FOLDER = Path(__file__).parent.parent / "docs/images/explore"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH = 860  # of the page
COLORS = 128  # of a file
TRAIN = "train mnist5k --model lenet5 --epochs 5 --out"
IMAGE = 254  # a 4 that is predicted as a 9
UNIT = "5:4,4,2"  # (node, row, column, map) of C3
VIEWS = {  # what is shown, and how many pixels from the top are kept
    "mistakes": ("images", 440), "why": (f"why/{IMAGE}/9/4", 860), "layer": (f"layer/{IMAGE}/5", 820),
    "filters": (f"layer/{IMAGE}/3", 0), "unit": (f"unit/{IMAGE}/{UNIT}", 860), "stride": ("filter", 760),
}  # fmt: skip
READY = """(view) => document.querySelector("#view").dataset.address === `#/${view}`
  && [...document.querySelectorAll(".method .stack")].every((stack) => stack.children.length === 2)
  && !document.querySelector("figure[aria-busy=true]")
  && [...document.images].every((image) => image.complete) && !document.querySelector("progress")"""


def main() -> None:
    """Train, open the explorer, and write the screenshots."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        sys.exit("There is no Chromium. Install it: apt-get install chromium")
    FOLDER.mkdir(exist_ok=True)
    striate = [sys.executable, "-m", "striate"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        run = f"{folder}/digits"
        subprocess.run([*striate, *TRAIN.split(), run], check=True)
        command = [*striate, "explore", run, "--no-browser"]
        with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as process:
            assert process.stdout
            address = process.stdout.readline().split()[-1]
            browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
            for language in ("en", "ko"):
                viewport = {"width": WIDTH, "height": 900}
                page = browser.new_context(locale=language, viewport=viewport, color_scheme="light").new_page()
                page.goto(address)
                page.wait_for_selector("#view h1")
                for name, (view, height) in VIEWS.items():
                    file = FOLDER / f"{name}{'' if language == 'en' else '.ko'}.png"
                    draw(page, language, address, view, file, height)
            browser.close()
            process.terminate()


def draw(page: Page, language: str, address: str, view: str, file: Path, height: int) -> None:
    """Write a screenshot of a view; of a layer with height 0, only the filters before and after training."""
    page.goto(f"{address.split('#', maxsplit=1)[0]}#/{view}")
    page.wait_for_function(READY, arg=view)
    if view == "filter":
        page.locator("label", has_text=EXPLORER_STRINGS["stride"][language]).locator("input").fill("2")
        page.get_by_role("button", name=EXPLORER_STRINGS["step"][language], exact=True).click()
    if height:
        content = page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": height}, full_page=True)
        save(Image.open(io.BytesIO(content)), file)
        return
    stages = []
    for stage in (0, -1):
        before = page.locator("option", has_text=EXPLORER_STRINGS["stage_initial"][language])
        chooser = page.locator("select", has=before)
        values = [option.get_attribute("value") for option in chooser.locator("option").all()]
        chooser.select_option(values[stage])
        stages.append(Image.open(io.BytesIO(page.locator(".filters").screenshot())))
    width = 480  # of the six filters
    both = Image.new("RGB", (width, 2 * stages[0].height + 16), "white")
    for row, stage_image in enumerate(stages):
        both.paste(stage_image, (0, row * (stages[0].height + 16)))
    save(both, file)


def save(image: Image.Image, file: Path) -> None:
    """Write an image with few colors."""
    image.convert("RGB").quantize(COLORS).save(file, optimize=True)


if __name__ == "__main__":
    main()
