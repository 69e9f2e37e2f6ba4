"""striate explore: look inside a network in the browser."""

import secrets
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli.help import Command
from striate.cli.output import echo_line, echo_page, entry
from striate.language import localized, translate
from striate.notebook import can_redraw

if TYPE_CHECKING:
    from striate.web.lesson_data import Progress
    from striate.workflows.explore import Explorer


@click.command(
    cls=Command,
    examples=(
        "striate explore",
        "striate explore runs/photos new/",
        "striate explore runs/digits --export lesson.html",
    ),
)
@click.argument("model", required=False, metavar="[MODEL]")
@click.argument("images", nargs=-1, metavar="[IMAGES]…")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="TCP port [a free one].")
@click.option("--no-browser", is_flag=True, help="Print the address, but do not open a browser.")
@click.option(
    "--export",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write a standalone HTML page about a few images instead; it needs no server.",
)
@click.option(
    "--image",
    "chosen",
    multiple=True,
    metavar="IMAGE",
    help="Image for the exported page: a file, or an image's number in the explorer. Can be repeated [a wrong "
    "prediction].",
)
def explore(
    model: str | None, images: tuple[str, ...], port: int, no_browser: bool, export: str | None, chosen: tuple[str, ...]
) -> None:
    """Explore a network in the browser: wrong predictions, feature maps, filters, and the computation of every unit.

    MODEL is a run folder, a model file or an ONNX file. Without it, LeNet-5 is trained within seconds on digits that
    are included in Striate. IMAGES are files and folders; without them, the test images of the run are shown. The page
    can be opened on this computer only. Stop with Ctrl-C.
    """
    from striate.web import ServiceSettings, check_address, create_explorer, serve
    from striate.workflows.open_explorer import open_explorer

    _check_chosen(chosen, export)
    settings = ServiceSettings(port=port, token=secrets.token_urlsafe(24))
    if export is None:
        check_address(settings)
    if model is None:
        echo_line(translate("Training LeNet-5 on digits …"), err=True)
    explorer = open_explorer(model, images)
    for note in explorer.notes:
        echo_line(localized(note), err=True)
    if export is not None:
        _export(explorer, Path(export), chosen)
        return

    def started(address: str) -> None:
        opened = f"{address}/#token={settings.token}"  # after "#", which browsers do not send and servers do not log
        echo_line(translate("explore  {address}", address=opened))
        if not no_browser:
            # webbrowser.open may block until the browser exits.
            threading.Thread(target=_open_browser, args=[opened], daemon=True).start()

    app = create_explorer(explorer, settings)
    serve(app, settings, started, app.state.stopping)


def _open_browser(address: str) -> None:
    """Open the page in a browser, or say that there is none."""
    try:
        is_open = webbrowser.open(address)
    except (webbrowser.Error, OSError):
        is_open = False
    if not is_open:
        echo_line(translate("No browser could be opened. Open the address above in a browser."), err=True)


def _check_chosen(chosen: tuple[str, ...], export: str | None) -> None:
    """Raise UsageError if images of a lesson are given, but no lesson."""
    from striate.errors import UsageError

    if chosen and export is None:
        raise UsageError("--image needs --export FILE. To choose images for the browser, list them after MODEL.")


def _export(explorer: "Explorer", file: Path, chosen: tuple[str, ...]) -> None:
    """Write a lesson, and print its size."""
    from striate.cli.wording import file_size
    from striate.files import atomic_write
    from striate.web.lesson import make_lesson

    keys = [explorer.find(image) for image in chosen] or [explorer.first()]
    with _progress() as progress:
        page, units = make_lesson(explorer, keys, progress)
    atomic_write(file, page)
    if units is not None:
        text = (
            "The network has {units:,} units, too many to include the computation of each: the page contains feature "
            "maps only."
        )
        echo_line(translate(text, units=units), err=True)
    echo_page(file)
    echo_line(entry("size", file_size(len(page.encode()))))


@contextmanager
def _progress() -> "Iterator[Progress | None]":
    """Show a progress bar on a terminal, elsewhere a line for every tenth."""
    from rich.progress import Progress as Bar

    if not can_redraw(sys.stderr):
        shown = 0

        def show(done: int, steps: int) -> None:
            nonlocal shown
            if done * 10 // steps > shown:
                shown = done * 10 // steps
                echo_line(translate("computing the page: {n} %", n=10 * shown), err=True)

        yield show
        return
    with Bar(transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, steps: bar.update(task, completed=done, total=steps)
