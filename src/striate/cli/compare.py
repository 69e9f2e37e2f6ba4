"""striate compare: which of several trained models is better, and is that more than chance?"""

from typing import TYPE_CHECKING

import click

from striate.cli.output import echo, echo_json, echo_line

if TYPE_CHECKING:
    from striate.workflows.compare import RunComparison


@click.command()
@click.argument("runs", metavar="RUN RUN...", nargs=-1, required=True)
@click.option("--data", metavar="FOLDER", help="Compare on these new images instead of the shared test images.")
@click.option("--out", type=click.Path(dir_okay=False), help="The page [comparison.html in the last RUN].")
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON.")
def compare(runs: tuple[str, ...], data: str | None, out: str | None, as_json: bool) -> None:
    """Compare two or more RUNs on the images that all of them were tested on: McNemar's test, intervals, a page."""
    from striate.workflows.compare import compare_runs

    found = compare_runs(runs, data, out)
    if found.contradicting:
        images = "1 image" if found.contradicting == 1 else f"{found.contradicting:,} images"
        echo_line(f"Note: Left out: {images} whose class differs between the runs.", err=True)
    if as_json:
        echo_json(found.comparison.to_dict())
        return
    _show(found)


def _show(found: "RunComparison") -> None:
    from striate.cli.wording import percent
    from striate.text import table

    comparison = found.comparison
    of = ", ".join(f"{count:,} of '{name}'" for name, count in found.tested.items())
    echo_line(f"{found.shared:,} shared test images ({of})")
    rows: list[tuple[str, ...]] = [("run", "accuracy", "balanced accuracy", "loss")]
    for name, evaluation in comparison.evaluations.items():
        values = (percent(evaluation.accuracy), percent(evaluation.macro["recall"], interval=False))
        rows.append((name, *values, f"{evaluation.loss.value:.4f}"))
    echo("\n" + "\n".join(table(rows, right=[2, 3])) + "\n")
    for pair in comparison.pairs:
        value, low, high = (100 * (each or 0.0) for each in vars(pair.accuracy).values())
        judged = "more than chance would explain" if pair.significant else "which may be chance"
        p = "p" if len(comparison.pairs) == 1 else "p after Holm's correction"
        echo_line(
            f"'{pair.second}' minus '{pair.first}': {value:+.2f} points (95 % interval {low:+.2f} … {high:+.2f}); "
            f"correct only in '{pair.first}': {pair.only_first:,}, only in '{pair.second}': {pair.only_second:,}; "
            f"McNemar's exact test: {p} = {pair.adjusted_p:.3g}, {judged}"
        )
    echo(f"page    {found.page}\n        {found.page.resolve().as_uri()}")
