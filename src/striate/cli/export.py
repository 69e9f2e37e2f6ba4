"""striate export: a trained network as an ONNX file for other programs, or as a web page."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli.help import Command
from striate.cli.output import echo, echo_note
from striate.errors import UsageError
from striate.language import localized, translate

if TYPE_CHECKING:
    from striate.workflows.export import ExportResult


@click.command(
    cls=Command, examples=("striate export runs/photos --to photos.onnx", "striate export runs/photos --to page/")
)
@click.argument("trained", metavar="RUN_OR_MODEL")
@click.option(
    "--to", "path", required=True, metavar="PATH", type=click.Path(),
    help="Output: FILE.onnx, a folder for a web page, or FILE.html.",
)  # fmt: skip
@click.option(
    "--int8", is_flag=True, help="Quantize to 8-bit integers: a quarter of the size, faster, slightly less accurate."
)
@click.option("--resize", is_flag=True, help="Accept images of any size: the model resizes them.")
@click.option(
    "--opset", type=click.IntRange(13, 20), metavar="N",
    help="ONNX opset version, 13 to 20 [the lowest that the network needs].",
)  # fmt: skip
@click.option(
    "--images", multiple=True, metavar="PATH",
    help="Images or folders for the comparison with the original [test images of the data set].",
)  # fmt: skip
def export(trained: str, path: str, int8: bool, resize: bool, opset: int | None, images: tuple[str, ...]) -> None:
    """Export a trained network as an ONNX file, or as a web page that predicts in the browser.

    FILE.onnx takes uint8 pixels, returns probabilities, and contains the class names. A folder contains a web page for
    any web host. The page accepts files and camera images, uploads nothing, and works offline after the first visit.
    FILE.html is the same page in a single file, which can also be opened from the disk. The model of a page accepts
    images of any size, and its weights are stored in 8 bits.

    Before anything is written, the predictions of the exported model are compared with those of the original on real
    images. If they differ, nothing is written. An ensemble is exported as one network that averages its members.
    """
    from striate.workflows.export import export as write
    from striate.workflows.trained_model import name_of, open_trained_model

    original = open_trained_model(trained)
    if Path(path).suffix.lower() == ".onnx":
        _show(write(original, path, int8=int8, resize=resize, images=images, opset=opset))
        return
    _check_page_options(int8, resize)
    from striate.web.exported_page import PageOptions, export_page

    result = export_page(original, path, PageOptions(name_of(Path(trained)), images, opset))
    _show(result)
    if result.path.is_dir():
        echo(translate("try     {command}", command=f"python -m http.server --directory {shlex.quote(path)}"))
    else:
        echo(translate("open    {address}", address=result.path.resolve().as_uri()))


def _check_page_options(int8: bool, resize: bool) -> None:
    """Raise UsageError for options that a page does not have."""
    if int8 or resize:
        option = "--int8" if int8 else "--resize"
        raise UsageError(
            f"{option} needs --to FILE.onnx: the weights of a page are always stored in 8 bits, and its model always "
            "accepts images of any size."
        )


def _show(result: "ExportResult") -> None:
    from striate.cli.wording import file_size
    from striate.tasks import Task

    for note in result.notes:
        echo_note(note, err=True)
    echo(f"{result.path}: {file_size(result.bytes)}, {localized(result.precision)}")
    differ = translate("are identical")
    if result.difference:
        differ = translate("differ by at most {difference:.1g}", difference=result.difference)
    compared = localized(result.images)
    if result.agreement is None:
        text = "compared with the original on {images}: predicted values {differ}"
        echo(translate(text, images=compared, differ=differ))
    else:
        what = translate("predicted class" if result.task is Task.CLASSIFICATION else "labels")
        share = translate("all") if result.agreement == 1 else f"{100 * result.agreement:.1f} %"
        text = "compared with the original on {images}: same {what} for {share}, probabilities {differ}"
        echo(translate(text, images=compared, what=what, share=share, differ=differ))
    if result.precision != "float32" and result.correct:
        before, after, images = result.correct
        echo(
            translate(
                "effect of quantization: {before:,} of these {images:,} images correct before, {after:,} after. They "
                "may include training images; the accuracy on others is in the report",
                before=before, after=after, images=images,
            )
        )  # fmt: skip
