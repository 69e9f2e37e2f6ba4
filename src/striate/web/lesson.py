"""A lesson: the page of the explorer with everything about a few images in one HTML file, which needs no server."""

import re
from collections.abc import Sequence
from html import escape

from striate.errors import UsageError
from striate.language.explorer import EXPLORER_STRINGS
from striate.strict_json import dumps
from striate.text import counted
from striate.web.app import STATIC
from striate.web.inline import as_base64, bundle, content_hash
from striate.web.lesson_data import Progress, lesson_data
from striate.workflows.explore import Explorer

MAX_BYTES = 25_000_000
SWAPPED = {"explore/server.js": "explore/lesson.js"}  # what a lesson contains in place of modules of the page


def make_lesson(explorer: Explorer, keys: Sequence[str], progress: Progress | None = None) -> tuple[str, int | None]:
    """Make a page that shows what a network does with a few images, without a server.

    Args:
        explorer: The model and its images.
        keys: Keys of the images.
        progress: Called with the numbers of steps done and of all.

    Returns:
        The HTML file; and the number of units of the network if that is too large for their arithmetic, which is then
        left out, else None.

    Raises:
        UsageError: If the page would be larger than MAX_BYTES.
    """
    data, left_out = lesson_data(explorer, keys, progress)
    page = _page(as_base64(data))
    if len(page) > MAX_BYTES:
        raise UsageError(
            f"The page would have {len(page) / 1e6:.0f} MB, more than {MAX_BYTES / 1e6:.0f} MB, the maximum that "
            f"browsers open quickly. It shows {counted(len(keys), 'image')}: export fewer, or a smaller network."
        )
    return page, left_out


def _page(data: str) -> str:
    """Return the page of the explorer with style sheets, scripts, texts and data in it."""
    page = (STATIC / "explore.html").read_text(encoding="utf-8")
    script, style = f"\n{lesson_script('explore/main.js')}\n", ""
    for link in re.findall(r'<link rel="stylesheet" href="/static/([\w./-]+)">\n', page):
        style += (STATIC / link).read_text(encoding="utf-8")
    icon = as_base64((STATIC / "icon.svg").read_bytes())
    policy = (
        f"default-src 'none'; script-src {content_hash(script)}; style-src {content_hash(style)}; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    page = re.sub(r'<link rel="(?:stylesheet|icon)"[^>]*>\n|<script[^>]*></script>\n', "", page)
    texts = dumps(EXPLORER_STRINGS).replace("<", "\\u003c")
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        f'<link rel="icon" href="data:image/svg+xml;base64,{icon}">\n<style>{style}</style>\n'
    )
    body = (
        f'<script type="application/json" id="texts">{texts}</script>\n'
        f'<script type="text/plain" id="data">{data}</script>\n<script type="module">{script}</script>\n'
    )
    return page.replace("<title>", f"{head}<title>", 1).replace("</body>", f"{body}</body>", 1)


def lesson_script(entry: str) -> str:
    """Return a module of the page with all that it imports as one module, which reads the lesson in place of a server.

    Args:
        entry: Path of the module in `static/`.

    Returns:
        JavaScript, see `bundle`.
    """

    def read(name: str) -> str:
        return (STATIC / SWAPPED.get(name, name)).read_text(encoding="utf-8")

    return bundle(entry, read, is_module=True)
