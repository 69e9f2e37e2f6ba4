"""Progress of a training: a live bar on a terminal, a table in a notebook, a plain line for each epoch elsewhere."""

import sys
import time
from typing import Literal

from striate._types import Logs
from striate.errors import UsageError
from striate.language import localized, translate
from striate.notebook import can_redraw, in_notebook
from striate.training.callbacks import Callback

Verbose = Literal["auto", 0, 1, 2]
REFRESH_SECONDS = 0.1


class NoProgress(Callback):
    """A display that shows nothing."""

    def note(self, text: str) -> None:
        """Show a message."""

    def close(self) -> None:
        """Remove the display."""


class ProgressLines(NoProgress):
    """One plain line for each epoch."""

    began = 0.0

    def note(self, text: str) -> None:
        """Print a message."""
        print(localized(text), flush=True)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start the timer, in case the training resumes within an epoch."""
        self.began = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the timer."""
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Print the line."""
        print(epoch_line(epoch, self.params, logs or {}, time.perf_counter() - self.began), flush=True)


class ProgressBar(ProgressLines):
    """A bar over the whole training, with figures, images per second and the time left."""

    saved_attributes = ("epoch",)
    epoch = 0
    shown = 0.0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Show the bar."""
        super().on_train_begin(logs)
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = TextColumn("{task.description}"), BarColumn(None), TextColumn("{task.fields[figures]}")
        self.bar = Progress(*columns, TimeRemainingColumn(), auto_refresh=False, transient=True)
        self.task = self.bar.add_task("", total=self.params["steps"] * self.params["epochs"], figures="")
        self.bar.start()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the timer."""
        super().on_epoch_begin(epoch, logs)
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Update the bar a few times a second."""
        now = time.perf_counter()
        if now - self.shown < REFRESH_SECONDS:
            return
        self.shown = now
        epochs, steps, samples = (self.params[name] for name in ("epochs", "steps", "samples"))
        rate = (batch + 1) * samples / steps / max(now - self.began, 1e-9)
        self.bar.update(
            self.task,
            completed=self.epoch * steps + batch + 1,
            description=translate("epoch {epoch}/{epochs}", epoch=self.epoch + 1, epochs=epochs),
            figures=f"{figures(logs or {})}  {translate('{rate:,.0f} images/s', rate=rate)}",
        )
        self.bar.refresh()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Print the epoch's line above the bar."""
        line = epoch_line(epoch, self.params, logs or {}, time.perf_counter() - self.began)
        self.bar.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Remove the bar."""
        if hasattr(self, "bar"):
            self.bar.stop()


def make_progress(verbose: Verbose = "auto") -> NoProgress:
    """Return the display of a training's progress.

    Args:
        verbose: 0 (nothing), 1 (a bar), 2 (a line per epoch), or "auto": a bar on a terminal and in a notebook, where
            it leaves a table of the epochs, and lines elsewhere.

    Returns:
        The display.

    Raises:
        UsageError: Another value.
    """
    if verbose in ("auto", 1) and in_notebook():
        from striate.training.notebook_progress import NotebookProgress

        return NotebookProgress()
    if verbose == "auto":
        verbose = 1 if can_redraw(sys.stdout) else 2
    displays: dict[int, type[NoProgress]] = {0: NoProgress, 1: ProgressBar, 2: ProgressLines}
    if verbose not in displays:
        raise UsageError(f"verbose must be 0 (nothing), 1 (a bar), 2 (lines) or 'auto'; received {verbose!r}.")
    return displays[verbose]()


def epoch_line(epoch: int, params: dict[str, int], logs: Logs, seconds: float) -> str:
    """Return a line such as "epoch 3/5  loss 0.0711  accuracy 0.9778  8,000 images/s  6.2 s"."""
    rate = params["samples"] / max(seconds, 1e-9)
    parts = (
        translate("epoch {epoch}/{epochs}", epoch=epoch + 1, epochs=params["epochs"]), figures(logs),
        translate("{rate:,.0f} images/s", rate=rate), translate("{seconds:.1f} s", seconds=seconds),
    )  # fmt: skip
    return "  ".join(parts)


def figures(logs: Logs) -> str:
    """Return names and values with four digits, without the learning rate."""
    return "  ".join(f"{translate(name)} {value:.4f}" for name, value in logs.items() if name != "learning_rate")
