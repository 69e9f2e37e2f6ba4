"""striate augment: images next to augmented copies."""

import click

from striate.cli.help import Command
from striate.cli.output import echo, entry
from striate.language import localized_setting

PRESETS = ("none", "light", "standard", "strong")


@click.command(cls=Command, examples=("striate augment photos/ --preset strong --out preview.png",))
@click.argument("data")
@click.option("--out", type=click.Path(dir_okay=False), default="preview.png", show_default=True,
              help="PNG file to write.")  # fmt: skip
@click.option("--preset", type=click.Choice(PRESETS), default="standard", show_default=True,
              help="Data augmentation preset.")  # fmt: skip
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE",
              help="Augmentation setting, such as rotation=30, crop=[0.2,1] or mixup=0.2. Can be "
                   "repeated.")  # fmt: skip
@click.option("--rows", metavar="N", type=click.IntRange(1, 50), default=6, show_default=True, help="Number of images.")
@click.option(
    "--columns",
    metavar="N",
    type=click.IntRange(1, 50),
    default=7,
    show_default=True,
    help="Number of augmented copies per image.",
)
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Random seed of the augmentation.",
)
def augment(data: str, out: str, preset: str, sets: tuple[str, ...], rows: int, columns: int, seed: int) -> None:
    """Write a preview of images of DATA, a data set's name or a folder, next to augmented copies.

    The first column shows the original images, the other columns their augmented copies in successive epochs.
    """
    from striate.cli.options import key_values
    from striate.workflows.augment import draw_preview

    settings = draw_preview(data, out, preset=preset, sets=key_values(sets), rows=rows, columns=columns, seed=seed)
    echo(f"{preset:8} {localized_setting(settings)}\n{entry('preview', out, 9)}")
