"""striate compare: which of several trained models is better, and is that more than chance?"""

from typing import TYPE_CHECKING

import click

from striate.cli.help import Command
from striate.cli.output import echo, echo_json, echo_line, echo_note, echo_page, heads
from striate.language import translate

if TYPE_CHECKING:
    from striate.workflows.compare import RunComparison


@click.command(cls=Command, examples=("striate compare runs/first runs/second",))
@click.argument("runs", metavar="RUN RUN...", nargs=-1, required=True)
@click.option("--data", metavar="FOLDER", help="Folder of new images to compare on, instead of the shared test images.")
@click.option("--out", type=click.Path(dir_okay=False), help="HTML page to write [comparison.html in the last RUN].")
@click.option("--json", "as_json", is_flag=True, help="Print all metrics as JSON.")
def compare(runs: tuple[str, ...], data: str | None, out: str | None, as_json: bool) -> None:
    """Compare two or more RUNs on their shared test images, and write a page.

    For each pair of runs, the difference in accuracy is printed with its confidence interval and McNemar's test.
    """
    from striate.cli.wording import counted_images
    from striate.workflows.compare import compare_runs

    found = compare_runs(runs, data, out)
    if found.contradicting:
        text = "Left out: {images} whose class differs between the runs."
        echo_note(translate(text, images=counted_images(found.contradicting)), err=True)
    if as_json:
        echo_json(found.comparison.to_dict())
        return
    _show(found)


def _show(found: "RunComparison") -> None:
    from striate.cli.wording import percent
    from striate.text import table

    comparison = found.comparison
    of = ", ".join(translate("{n:,} of '{name}'", n=count, name=name) for name, count in found.tested.items())
    echo_line(translate("{n:,} shared test images ({of})", n=found.shared, of=of))
    rows = [heads("run", "accuracy", "balanced accuracy", "loss")]
    for name, evaluation in comparison.evaluations.items():
        values = (percent(evaluation.accuracy), percent(evaluation.macro["recall"], interval=False))
        rows.append((name, *values, f"{evaluation.loss.value:.4f}"))
    echo("\n" + "\n".join(table(rows, right=[2, 3])) + "\n")
    for pair in comparison.pairs:
        value, low, high = (100 * (each or 0.0) for each in vars(pair.accuracy).values())
        judged = "significant at the 5 % level" if pair.significant else "not significant at the 5 % level"
        p = "p" if len(comparison.pairs) == 1 else translate("p after Holm's correction")
        echo_line(
            translate(
                "'{second}' minus '{first}': {value:+.2f} points (95 % interval {low:+.2f} … {high:+.2f}); correct "
                "only in '{first}': {only_first:,}, only in '{second}': {only_second:,}; McNemar's exact test: "
                "{p} = {value_of_p:.3g}, {judged}",
                first=pair.first, second=pair.second, value=value, low=low, high=high, only_first=pair.only_first,
                only_second=pair.only_second, p=p, value_of_p=pair.adjusted_p, judged=translate(judged),
            )
        )  # fmt: skip
    echo_page(found.page)
