"""Signs that a training failed because of its learning rate: a loss above that of guessing, and what to try."""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from striate._types import Logs
from striate.engines.losses import CategoricalCrossentropy, Loss
from striate.engines.optimizers import Optimizer
from striate.network import Network

DIVERGED = 3.0
"""A training loss of more than this many times that of guessing has diverged."""
LEARNED_NOTHING = 0.97
"""A training loss of at least this fraction of that of guessing shows that nothing was learned."""
CHANCE = 1.5
"""An accuracy of at most this many times that of guessing is chance."""
MIN_STEPS = 100
"""Steps after which a network should be better than guessing."""


def training_note(
    network: Network, losses: Sequence[Loss], logs: Logs, optimizer: Optimizer, rate: float, steps: int
) -> str | None:
    """Return a note about a training that diverged or learned nothing.

    Args:
        network: The network.
        losses: One for each output.
        logs: Loss and metrics of the last epoch.
        optimizer: The optimizer.
        rate: The highest learning rate that was used.
        steps: Number of steps that were done.

    Returns:
        The note; None if the training loss is lower than that of guessing, or cannot be compared with it.
    """
    if len(losses) != 1 or not isinstance(losses[0], CategoricalCrossentropy) or "loss" not in logs:
        return None
    if any(parameter.regularizer for parameter in network.parameters):  # penalties are part of the loss
        return None
    classes, loss = network.output_shapes[0][-1], logs["loss"]
    guessing = math.log(classes)
    if not loss <= DIVERGED * guessing:
        return (
            f"The training diverged: its loss of {loss:.4g} is far above that of guessing, {guessing:.3g}. "
            f"{rate_advice(optimizer, rate)}"
        )
    chance = logs.get("accuracy", 1.0) <= CHANCE / classes
    if classes > 2 and steps >= MIN_STEPS and loss >= LEARNED_NOTHING * guessing and chance:
        return (
            f"The network has learned nothing yet: its training loss of {loss:.4g} is that of guessing, "
            f"{guessing:.3g}. {rate_advice(optimizer, rate)} Also check that the labels belong to the images."
        )
    return None


def rate_advice(optimizer: Optimizer, rate: float) -> str:
    """Return a sentence on which learning rate to try instead.

    Args:
        optimizer: The optimizer.
        rate: The learning rate that was too high.

    Returns:
        The sentence. It names a tenth of the rate, or the default of the optimizer if that is lower still.
    """
    kind = type(optimizer)
    usual = kind().rate_at(0)
    lower = f"{usual:g}, the default of {kind.__name__}" if rate / 10 > usual else f"{rate / 10:.2g}"
    return f"Try a learning rate of {lower}, or find one with: striate find-lr."


@contextmanager
def overflow_ignored() -> Iterator[None]:
    """Ignore NumPy's warnings of overflows in a `with` block: they lead to a loss for which there is a message."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"(overflow|invalid value|divide by zero) encountered", RuntimeWarning)
        yield
