"""striate explore: look inside a network in the browser."""

import secrets
import webbrowser

import click

from striate.cli.help import Command
from striate.cli.output import echo_line
from striate.language import localized, translate


@click.command(cls=Command)
@click.argument("model", required=False, metavar="[MODEL]")
@click.argument("images", nargs=-1, metavar="[IMAGES]…")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="TCP port [any free one].")
@click.option("--no-browser", is_flag=True, help="Print the address, but do not open a browser.")
def explore(model: str | None, images: tuple[str, ...], port: int, no_browser: bool) -> None:
    """Look inside a network in the browser: its mistakes, feature maps, filters, and the arithmetic of every unit.

    MODEL is a run folder, a model file or an ONNX file. Without it, LeNet-5 is trained within seconds on digits that
    come with Striate. IMAGES are files and folders; without them, the test images of the run are shown. The page is
    for this computer only. Stop with Ctrl-C.
    """
    from striate.web import ServiceSettings, create_explorer, serve
    from striate.workflows.explore import open_explorer

    if model is None:
        echo_line(translate("Training LeNet-5 on digits …"), err=True)
    explorer = open_explorer(model, images)
    for note in explorer.notes:
        echo_line(localized(note), err=True)
    settings = ServiceSettings(port=port, token=secrets.token_urlsafe(24))

    def started(address: str) -> None:
        opened = f"{address}/#token={settings.token}"  # after "#", which browsers do not send and servers do not log
        echo_line(translate("explore  {address}", address=opened))
        if not no_browser:
            webbrowser.open(opened)

    app = create_explorer(explorer, settings)
    serve(app, settings, started, app.state.stopping)
