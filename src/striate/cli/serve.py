"""striate serve: a prediction service over HTTP with a web page."""

import os
from pathlib import Path
from urllib.parse import quote

import click

from striate.cli.help import Command
from striate.cli.output import echo_line
from striate.language import localized, translate

TOKEN_VARIABLE = "STRIATE_TOKEN"


@click.command(cls=Command, examples=("striate serve runs/photos",))
@click.argument("trained", nargs=-1, required=True, metavar="RUN_OR_MODEL…")
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Address to listen on [127.0.0.1: this machine].")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, metavar="N", help="TCP port [8000]; 0 chooses a free one."
)
@click.option(
    "--queue", type=click.IntRange(min=1), default=64, metavar="N", help="Maximum number of waiting images [64]."
)
@click.option(
    "--max-mb",
    type=click.FloatRange(0, min_open=True),
    default=20,
    metavar="N",
    help="Maximum size of a request in megabytes [20].",
)
def serve(trained: tuple[str, ...], host: str, port: int, queue: int, max_mb: float) -> None:
    """Serve predictions over HTTP, with a web page that accepts image files and camera images.

    Several models are served under the names of their folders. With --host 0.0.0.0, other machines can send requests;
    they must then send the token that the environment variable STRIATE_TOKEN contains. Stop with Ctrl-C.
    """
    from striate.web import ServiceSettings, create_app
    from striate.web import serve as run
    from striate.workflows.trained_model import open_by_name

    settings = ServiceSettings(
        host, port, os.environ.get(TOKEN_VARIABLE) or None, max_bytes=round(1e6 * max_mb), queue=queue
    )
    settings.check()
    models = open_by_name([Path(path) for path in trained])
    for model in models.values():
        for note in model.notes:
            echo_line(localized(note), err=True)

    def started(address: str) -> None:
        echo_line(translate("page     {address}/", address=address))
        for name in models:
            text = "model    {name}: POST {address}/v1/models/{part}/predict"
            echo_line(translate(text, name=name, address=address, part=quote(name, safe="")))
        # The variable and not its value, which should not stay in logs.
        token = f'-H "Authorization: Bearer ${TOKEN_VARIABLE}" ' if settings.token else ""
        text = "try      curl {token}--data-binary @IMAGE.jpg {address}/v1/predict"
        echo_line(translate(text, token=token, address=address))

    run(create_app(models, settings), settings, started)
