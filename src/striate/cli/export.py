"""striate export: a trained network as an ONNX file for other programs."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from striate.workflows.export import Exported


@click.command()
@click.argument("trained", metavar="RUN_OR_MODEL")
@click.option("--to", "path", required=True, metavar="FILE.onnx", type=click.Path(dir_okay=False), help="The file.")
@click.option("--int8", is_flag=True, help="Whole numbers of 8 bits: a quarter of the size, faster, less exact.")
@click.option("--resize", is_flag=True, help="The file takes pictures of any size and brings them to the network's.")
@click.option("--images", multiple=True, metavar="PATH",
              help="Pictures or folders to compare on [the test images of its data].")  # fmt: skip
def export(trained: str, path: str, int8: bool, resize: bool, images: tuple[str, ...]) -> None:
    """Write a trained network as an ONNX file: uint8 pixels in, probabilities out, class names inside.

    Its answers are compared with the original's on real pictures first, and a file that differs is not written.
    An ensemble becomes one network that averages.
    """
    from striate.workflows.export import export as write
    from striate.workflows.trained import open_trained_model

    _show(write(open_trained_model(trained), path, int8=int8, resize=resize, pictures=images), int8)


def _show(done: "Exported", int8: bool) -> None:
    from striate.cli.wording import file_size

    for note in done.notes:
        click.echo(f"Note: {note}", err=True)
    click.echo(f"{done.path}: {file_size(done.bytes)}, {'int8' if int8 else 'float32'}")
    share = "every one" if done.agreement == 1 else f"{100 * done.agreement:.1f} %"
    click.echo(
        f"compared with the original on {done.images}: the same class on {share}, "
        f"probabilities differ by {done.difference:.1g} at most"
    )
    if int8 and done.accuracy:
        before, after = (100 * value for value in done.accuracy)
        change = "lost" if after <= before else "gained"
        click.echo(
            f"accuracy there: {before:.2f} % before, {after:.2f} % as int8, {abs(before - after):.2f} points {change}"
        )
