"""Training progress: a live bar on a terminal, a table in a notebook, a plain line for each epoch elsewhere."""

import sys
import time
from typing import Any, Literal

from striate._types import Logs
from striate.errors import UsageError
from striate.language import localized, translate
from striate.notebook import can_redraw, in_notebook
from striate.training.callbacks import Callback, Params

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


class LiveProgress(ProgressLines):
    """A display that changes while an epoch runs, a few times a second."""

    saved_attributes = ("epoch",)
    refresh_seconds = REFRESH_SECONDS
    epoch = 0
    shown = 0.0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the timer."""
        super().on_epoch_begin(epoch, logs)
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Update the display if it has not changed for a while."""
        now = time.perf_counter()
        if now - self.shown >= self.refresh_seconds:
            self.shown = now
            self.update(batch, logs or {}, max(now - self.began, 1e-9))

    def update(self, batch: int, logs: Logs, seconds: float) -> None:
        """Show loss and metrics after a batch.

        Args:
            batch: Number of the batch in the epoch.
            logs: Loss and metrics.
            seconds: Time since the epoch started.
        """


class ProgressBar(LiveProgress):
    """A bar over the whole training, with loss and metrics, images per second and the time left."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Show the bar."""
        super().on_train_begin(logs)
        self.bar = _make_bar()
        self.task = self.bar.add_task("", total=None, metrics="")
        self.bar.start()

    def update(self, batch: int, logs: Logs, seconds: float) -> None:
        """Move the bar."""
        epochs, steps, samples = (self.params[name] for name in ("epochs", "steps", "samples"))
        if steps and samples:
            rate = translate("{rate:,.0f} images/s", rate=(batch + 1) * samples / steps / seconds)
        else:
            rate = translate("{rate:,.1f} batches/s", rate=(batch + 1) / seconds)
        total = steps and steps * epochs  # unknown in the first epoch of some iterables
        self.bar.update(
            self.task,
            total=total,
            completed=total and self.epoch * steps + batch + 1,
            description=translate("epoch {epoch}/{epochs}", epoch=self.epoch + 1, epochs=epochs),
            metrics=f"{format_metrics(logs)}  {rate}",
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
    """Return the callback that displays training progress.

    Args:
        verbose: 0 (nothing), 1 (a bar), 2 (a line per epoch), or "auto": a bar on a terminal and in a notebook, where
            it leaves a table of the epochs, and lines elsewhere.

    Returns:
        The display.

    Raises:
        UsageError: If it has another value.
    """
    kind = check_verbose(verbose)
    if kind in ("auto", 1) and in_notebook():
        from striate.training.notebook_progress import NotebookProgress

        return NotebookProgress()
    if kind == "auto":
        kind = 1 if can_redraw(sys.stdout) else 2
    return (NoProgress, ProgressBar, ProgressLines)[kind]()


class InferenceProgress(NoProgress):
    """Progress of an evaluation or prediction: a bar on a terminal, and a line at the end.

    Args:
        verb: The first word of the line.
        bar: Whether to show a bar.
        line: Whether to print the line.
        delay: Seconds after which the bar appears.
    """

    def __init__(self, verb: str, *, bar: bool, line: bool, delay: float = 0.0) -> None:
        self.verb, self.shows_bar, self.line, self.delay = verb, bar, line, delay
        self.began = self.shown = time.perf_counter()
        self.batches = 0
        self.logs: Logs = {}
        self.bar: Any = None

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Update the bar a few times a second."""
        self.logs, self.batches = logs or {}, batch + 1
        now = time.perf_counter()
        if not self.shows_bar or now - self.began < self.delay or now - self.shown < REFRESH_SECONDS:
            return
        self.shown = now
        if self.bar is None:
            self._start()
        self.bar.update(0, completed=batch + 1, metrics=format_metrics(self.logs))
        self.bar.refresh()

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Update the bar."""
        self.on_test_batch_end(batch)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Remove the bar and print the line."""
        self.close()
        if self.line:
            seconds = translate("{seconds:.1f} s", seconds=time.perf_counter() - self.began)
            parts = (f"{self.verb}: {translate('{n:,} batches', n=self.batches)}", format_metrics(logs or {}), seconds)
            print("  ".join(filter(None, parts)), flush=True)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Remove the bar and print the line."""
        self.on_test_end()

    def close(self) -> None:
        """Remove the bar."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def _start(self) -> None:
        self.bar = _make_bar()
        self.bar.add_task(self.verb, total=self.params["steps"], metrics="")
        self.bar.start()


def make_inference_progress(verb: str, verbose: Verbose = "auto") -> NoProgress:
    """Return the display of an evaluation's or prediction's progress.

    Args:
        verb: The first word of its line, for example "evaluate".
        verbose: 0 (nothing), 1 (a bar on a terminal, then a line), 2 (a line), or "auto": a bar on a terminal while it
            takes longer than a second.

    Returns:
        The display.

    Raises:
        UsageError: If it has another value.
    """
    kind, terminal = check_verbose(verbose), can_redraw(sys.stdout)
    if kind == "auto":
        return InferenceProgress(verb, bar=True, line=False, delay=1.0) if terminal else NoProgress()
    return InferenceProgress(verb, bar=kind == 1 and terminal, line=True) if kind else NoProgress()


def check_verbose(verbose: Any) -> Verbose:
    """Check the argument `verbose`.

    Args:
        verbose: What was received.

    Returns:
        "auto", 0, 1 or 2; True and False are 1 and 0.

    Raises:
        UsageError: If it has another value.
    """
    if verbose == "auto":
        return "auto"
    if isinstance(verbose, str) or verbose not in (0, 1, 2):
        raise UsageError(f"verbose must be 0 (nothing), 1 (a bar), 2 (lines) or 'auto'; received {verbose!r}.")
    return 0 if not verbose else 2 if verbose == 2 else 1


def epoch_line(epoch: int, params: Params, logs: Logs, seconds: float) -> str:
    """Return the line of an epoch: "epoch 3/5  loss 0.0711  accuracy 0.9778  8,000 images/s  6.2 s".

    Args:
        epoch: The epoch, from 0.
        params: The parameters of the callbacks.
        logs: The metrics of the epoch.
        seconds: Its duration.

    Returns:
        The line.
    """
    rate = params["samples"] / max(seconds, 1e-9)
    parts = (
        translate("epoch {epoch}/{epochs}", epoch=epoch + 1, epochs=params["epochs"]), format_metrics(logs),
        translate("{rate:,.0f} images/s", rate=rate), translate("{seconds:.1f} s", seconds=seconds),
    )  # fmt: skip
    return "  ".join(parts)


def format_metrics(logs: Logs) -> str:
    """Return names and values with four digits, without the learning rate."""
    return "  ".join(f"{translate(name)} {value:.4f}" for name, value in logs.items() if name != "learning_rate")


def _make_bar() -> Any:
    """Return a progress bar of Rich with a description, the metrics and the time left."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(None), TextColumn("{task.fields[metrics]}")
    return Progress(*columns, TimeRemainingColumn(), auto_refresh=False, transient=True)
