"""The results of the learning-rate finder as a self-contained HTML page."""

import os

from striate.evaluation.charts import rate_chart
from striate.evaluation.report import environment, static
from striate.evaluation.wording import NOTHING
from striate.files import atomic_write
from striate.training.lr_finder import LearningRateSweep


def write_lr_page(path: str | os.PathLike[str], sweep: LearningRateSweep, model: str, data: str) -> None:
    """Write the page completely or not at all; a failure is a RunError."""
    marked = sweep.steepest or sweep.lowest
    text = environment().get_template("lr_page.html.j2").render(
        model=model, data=data, chart=rate_chart(sweep.rates, sweep.losses, sweep.smooth, marked), rate=_rate,
        steepest=sweep.steepest, lowest=sweep.lowest, diverged=sweep.diverged, **static(),
    )  # fmt: skip
    atomic_write(path, text.encode("utf-8"))


def _rate(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2g}"
