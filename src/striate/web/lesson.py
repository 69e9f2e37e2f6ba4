"""A lesson: the page of the explorer with everything about a few images in one HTML file, which needs no server."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from html import escape

from striate.errors import UsageError
from striate.language.explorer import EXPLORER_STRINGS
from striate.text import counted
from striate.web.app import STATIC
from striate.web.lesson_data import Progress, lesson_data
from striate.workflows.explore import Explorer

MOST_BYTES = 25_000_000
SWAPPED = {"server": "lesson"}  # modules of the page, and what a lesson contains in their place
IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+)\.js";$', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?function\*?|const|class) (\w+)", re.MULTILINE)
EXPORT_LIST = re.compile(r"^export \{([^}]*)\};$", re.MULTILINE)


def make_lesson(explorer: Explorer, keys: Sequence[str], progress: Progress | None = None) -> tuple[str, int | None]:
    """Make a page that shows what a network does with a few images, without a server.

    Args:
        explorer: The model and its images.
        keys: Of the images.
        progress: Called with the numbers of steps done and of all.

    Returns:
        The HTML file; and the number of units of the network if that is too large for their arithmetic, which is then
        left out, else None.

    Raises:
        UsageError: The page would be larger than MOST_BYTES.
    """
    data, left_out = lesson_data(explorer, keys, progress)
    page = _page(base64.b64encode(data).decode())
    if len(page) > MOST_BYTES:
        raise UsageError(
            f"The lesson would have {len(page) / 1e6:.0f} MB, more than {MOST_BYTES / 1e6:.0f} MB, which browsers open "
            f"with ease. It shows {counted(len(keys), 'image')}: export fewer, or a smaller network."
        )
    return page, left_out


def _page(data: str) -> str:
    """Return the page of the explorer with style sheets, scripts, texts and data in it."""
    page = (STATIC / "explore.html").read_text(encoding="utf-8")
    script, style = f"\n{bundle('main')}\n", ""
    for link in re.findall(r'<link rel="stylesheet" href="/static/([\w./-]+)">\n', page):
        style += (STATIC / link).read_text(encoding="utf-8")
    icon = base64.b64encode((STATIC / "icon.svg").read_bytes()).decode()
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    page = re.sub(r'<link rel="(?:stylesheet|icon)"[^>]*>\n|<script[^>]*></script>\n', "", page)
    texts = json.dumps(EXPLORER_STRINGS, ensure_ascii=False).replace("<", "\\u003c")
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        f'<link rel="icon" href="data:image/svg+xml;base64,{icon}">\n<style>{style}</style>\n'
    )
    body = (
        f'<script type="application/json" id="texts">{texts}</script>\n'
        f'<script type="text/plain" id="data">{data}</script>\n<script type="module">{script}</script>\n'
    )
    return page.replace("<title>", f"{head}<title>", 1).replace("</body>", f"{body}</body>", 1)


def _digest(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def bundle(entry: str) -> str:
    """Return a module of the page with all that it imports as one module.

    Each module becomes a function that returns what the module exports. It may import names from modules in the same
    folder, and export functions, classes and constants where they are defined, or names in a list.

    Args:
        entry: Name of the module.

    Returns:
        JavaScript.

    Raises:
        UsageError: Modules import each other, or a form of import or export that is not supported.
    """
    made: dict[str, str] = {}
    _bundle(entry, made, ())
    return "\n".join(made.values())


def _bundle(name: str, made: dict[str, str], importing: tuple[str, ...]) -> None:
    if name in importing:
        raise UsageError(f"Modules import each other: {' → '.join((*importing, name))}.")
    if name in made:
        return
    code = (STATIC / "explore" / f"{SWAPPED.get(name, name)}.js").read_text(encoding="utf-8")
    for _, imported in IMPORT.findall(code):
        _bundle(imported, made, (*importing, name))
    exported = ", ".join([*(found for _, found in EXPORT.findall(code)), *map(str.strip, EXPORT_LIST.findall(code))])
    code = IMPORT.sub(lambda found: f"const {{{found[1].replace(' as ', ': ')}}} = {_variable(found[2])};", code)
    code = EXPORT_LIST.sub("", EXPORT.sub(r"\1 \2", code))
    left = re.search(r"^(import|export)\b.*|</script", code, re.MULTILINE)
    if left:
        raise UsageError(f"{name}.js has an import or export that a lesson cannot contain: {left[0]}")
    made[name] = f"const {_variable(name)} = await (async () => {{\n{code}\nreturn {{ {exported} }};\n}})();"


def _variable(name: str) -> str:
    return f"${name.replace('-', '_')}"
