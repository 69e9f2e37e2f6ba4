"""striate augment: a sheet of what augmentation does to pictures."""

import click


@click.command()
@click.argument("data")
@click.option("--out", type=click.Path(dir_okay=False), default="preview.png", show_default=True,
              help="The picture to write.")  # fmt: skip
@click.option("--preset", metavar="HOW", default="standard", show_default=True, help="none, light, standard, strong.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE",
              help="A setting of the augmentation, such as rotation=30, crop=[0.2,1] or mixup=0.2.")  # fmt: skip
@click.option("--rows", type=click.IntRange(1, 50), default=6, show_default=True, help="How many pictures.")
@click.option("--columns", type=click.IntRange(1, 50), default=7, show_default=True, help="Changed copies of each.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Which changes are drawn.")
def augment(data: str, out: str, preset: str, sets: tuple[str, ...], rows: int, columns: int, seed: int) -> None:
    """Draw a sheet of what augmentation does to pictures of DATA, a data set's name or a folder.

    Its first column holds originals, the others what training would see of them in one epoch after another.
    """
    from striate.cli.sets import key_values
    from striate.workflows.augment import preview

    settings = preview(data, out, preset=preset, sets=key_values(sets), rows=rows, columns=columns, seed=seed)
    click.echo(f"{preset:8} {settings}\nsheet    {out}")
