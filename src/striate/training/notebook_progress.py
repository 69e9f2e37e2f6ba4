"""Progress of a training in a notebook: a bar with loss and metrics so far, of which a table of the epochs remains."""

import time
from collections.abc import Mapping
from uuid import uuid4

from striate import notebook
from striate._types import Logs
from striate.training.progress import LiveProgress, epoch_line, format_metrics


class NotebookProgress(LiveProgress):
    """A table with a row for each epoch, and below it a bar while training."""

    refresh_seconds = 0.25  # each update travels to the browser

    def __init__(self) -> None:
        self.rows: list[Mapping[str, str]] = []
        self.lines: list[str] = []
        self.name: str | None = None  # of the display, once there is one

    def update(self, batch: int, logs: Logs, seconds: float) -> None:
        """Move the bar below the table."""
        epochs, steps = self.params["epochs"], self.params["steps"]
        done = self.epoch + (batch + 1) / steps if steps else self.epoch
        text = f"epoch {self.epoch + 1}/{epochs}  {format_metrics(logs)}"
        self._show(
            f'<div><progress value="{done:.4f}" max="{epochs}" style="width:300px;vertical-align:middle"></progress> '
            f"<small>{notebook.escape(text, notebook.MAX_DETAIL_LENGTH)}</small></div>"
        )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add the epoch's row."""
        seconds = time.perf_counter() - self.began
        values = {name: f"{value:.4f}" for name, value in (logs or {}).items() if name != "learning_rate"}
        rate = self.params["samples"] / max(seconds, 1e-9) if self.params["samples"] else 0
        self.rows.append({"epoch": f"{epoch + 1}"} | values | {"images/s": f"{rate:,.0f}", "seconds": f"{seconds:.1f}"})
        self.lines.append(epoch_line(epoch, self.params, logs or {}, seconds))
        self._show()

    def close(self) -> None:
        """Leave the table without the bar."""
        if self.name:
            self._show()

    def _show(self, bar: str = "") -> None:
        """Show the table, in the place where it was shown before."""
        head = list(dict.fromkeys(name for row in self.rows for name in row))
        rows = [[row.get(name, "") for name in head] for row in self.rows]
        table = notebook.table(head, rows, range(len(head))) if rows else ""
        first, self.name = self.name is None, self.name or uuid4().hex
        notebook.show(notebook.block(table, bar), "\n".join(self.lines), self.name, update=not first)
