"""What a person sees while a network trains: a live bar on a terminal, a plain line for each epoch elsewhere."""

import sys
import time
from typing import Literal

from striate.errors import UsageError
from striate.training.callbacks import Callback, Logs

Verbose = Literal["auto", 0, 1, 2]
REFRESH_SECONDS = 0.1


class NoProgress(Callback):
    """Shows nothing."""

    def note(self, text: str) -> None:
        """Say something once."""

    def close(self) -> None:
        """Take the display down."""


class ProgressLines(NoProgress):
    """One plain line for each epoch."""

    began = 0.0

    def note(self, text: str) -> None:
        """Print it."""
        print(text, flush=True)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start the clock, in case an epoch is taken up in its middle."""
        self.began = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the clock."""
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Print the line."""
        print(epoch_line(epoch, self.params, logs or {}, time.perf_counter() - self.began), flush=True)


class ProgressBar(ProgressLines):
    """A bar over the whole training, with figures, images per second and the time left."""

    remembers = ("epoch",)
    epoch = 0
    shown = 0.0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Put the bar on the screen."""
        super().on_train_begin(logs)
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = TextColumn("{task.description}"), BarColumn(None), TextColumn("{task.fields[figures]}")
        self.bar = Progress(*columns, TimeRemainingColumn(), auto_refresh=False, transient=True)
        self.task = self.bar.add_task("", total=self.params["steps"] * self.params["epochs"], figures="")
        self.bar.start()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the epoch's clock."""
        super().on_epoch_begin(epoch, logs)
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Move the bar on, a few times a second."""
        now = time.perf_counter()
        if now - self.shown < REFRESH_SECONDS:
            return
        self.shown = now
        epochs, steps, samples = (self.params[name] for name in ("epochs", "steps", "samples"))
        rate = (batch + 1) * samples / steps / max(now - self.began, 1e-9)
        self.bar.update(
            self.task,
            completed=self.epoch * steps + batch + 1,
            description=f"epoch {self.epoch + 1}/{epochs}",
            figures=f"{figures(logs or {})}  {rate:,.0f} images/s",
        )
        self.bar.refresh()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Leave the epoch's line above the bar."""
        line = epoch_line(epoch, self.params, logs or {}, time.perf_counter() - self.began)
        self.bar.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Take the bar off the screen."""
        if hasattr(self, "bar"):
            self.bar.stop()


def make_progress(verbose: Verbose = "auto") -> NoProgress:
    """0 shows nothing, 1 a bar, 2 plain lines; "auto" a bar where the output is a terminal, else lines.

    Raises UsageError for others.
    """
    if verbose == "auto":
        verbose = 1 if sys.stdout.isatty() else 2
    displays: dict[int, type[NoProgress]] = {0: NoProgress, 1: ProgressBar, 2: ProgressLines}
    if verbose not in displays:
        raise UsageError(f"verbose is 0 (nothing), 1 (a bar), 2 (lines) or 'auto'; received {verbose!r}.")
    return displays[verbose]()


def epoch_line(epoch: int, params: dict[str, int], logs: Logs, seconds: float) -> str:
    """For example: epoch 3/5  loss 0.0711  accuracy 0.9778  val_loss 0.0502  8,000 images/s  6.2 s."""
    rate = params["samples"] / max(seconds, 1e-9)
    return f"epoch {epoch + 1}/{params['epochs']}  {figures(logs)}  {rate:,.0f} images/s  {seconds:.1f} s"


def figures(logs: Logs) -> str:
    """Names and values, four digits each; the learning rate is left to the history."""
    return "  ".join(f"{name} {value:.4f}" for name, value in logs.items() if name != "learning_rate")
