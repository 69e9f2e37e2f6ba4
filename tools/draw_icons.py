"""Draw the icons of exported pages from static/icon.svg: icon-192.png and icon-512.png.

Command: `python tools/draw_icons.py`. It needs Chromium. The color fills the whole square, and the lines keep inside
the circle to which systems may cut an icon.
"""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

STATIC = Path(__file__).parents[1] / "src/striate/web/static"
SIDES = (192, 512)
SCALE = 0.8  # of the lines


def main() -> None:
    """Draw both icons."""
    lines = (STATIC / "icon.svg").read_text("utf-8").partition("<path")[2]
    shift = 16 * (1 - SCALE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for side in SIDES:
            page = browser.new_page(viewport={"width": side, "height": side})
            page.set_content(
                f'<style>* {{margin: 0; display: block}}</style><svg width="{side}" viewBox="0 0 32 32">'
                f'<rect width="32" height="32" fill="#2450c4"/>'
                f'<g transform="translate({shift} {shift}) scale({SCALE})"><path{lines}</g>'
            )
            page.screenshot(path=STATIC / f"icon-{side}.png")
        browser.close()


if __name__ == "__main__":
    main()
