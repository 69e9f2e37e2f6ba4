"""What `Model.compile` decides: how the engine trains, and what is reported."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from striate.engines.base import TrainingSettings
from striate.engines.losses import Loss, get_loss
from striate.engines.optimizers import Optimizer, get_optimizer
from striate.errors import UsageError
from striate.network import Network
from striate.training.losses import check_losses, default_losses, losses_for_targets
from striate.training.metrics import MetricSums, default_metrics


@dataclass(frozen=True)
class Compilation:
    """How a model is trained, and what is reported.

    Attributes:
        settings: How the engine trains.
        metrics: Names of the metrics; None: those that match the losses.
        default_loss: Whether the losses were chosen by the activations of the outputs, and may still be changed by
            the targets.
    """

    settings: TrainingSettings
    metrics: tuple[str, ...] | None
    default_loss: bool

    def for_targets(self, network: Network, y: Any) -> "Compilation":
        """Return the same, with the losses that these targets imply; a loss passed to compile is never changed."""
        if not self.default_loss:
            return self
        losses = losses_for_targets(network, self.settings.losses, y)
        return self if losses == self.settings.losses else replace(self, settings=replace(self.settings, losses=losses))


def make_compilation(
    network: Network,
    optimizer: str | Optimizer,
    loss: str | Loss | Sequence[str | Loss] | None,
    metrics: str | Sequence[str] | None,
    *,
    classifies: bool,
    seed: int,
    learning_rate: float | None,
    clip_norm: float | None,
    average: float | None,
    frozen: Collection[str],
) -> Compilation:
    """Check the arguments of `Model.compile`.

    Args:
        network: The network.
        optimizer: As in `Model.compile`.
        loss: As in `Model.compile`.
        metrics: As in `Model.compile`.
        classifies: Whether an output of several numbers without activation is the logits of classes.
        seed: Seed of dropout.
        learning_rate: As in `Model.compile`.
        clip_norm: As in `Model.compile`.
        average: As in `Model.compile`.
        frozen: As in `Model.compile`.

    Returns:
        How the model is to be trained.

    Raises:
        UsageError: A name is unknown, a value is out of range, or losses, metrics and outputs do not match.
    """
    rule = get_optimizer(optimizer, **({} if learning_rate is None else {"learning_rate": learning_rate}))
    losses = _pick_losses(network, loss, classifies)
    check_losses(network, losses)
    chosen = tuple(metrics) if isinstance(metrics, list | tuple) else None if metrics is None else (metrics,)
    MetricSums(network, losses, default_metrics(losses) if chosen is None else chosen)  # refuses those that do not fit
    settings = TrainingSettings(rule, losses, seed, clip_norm, average, tuple(frozen))
    settings.check(network)
    return Compilation(settings, chosen, loss is None)


def _pick_losses(
    network: Network, loss: str | Loss | Sequence[str | Loss] | None, classifies: bool
) -> tuple[Loss, ...]:
    if loss is None:
        return default_losses(network, classifies=classifies)
    count = len(network.outputs)
    chosen: list[Any] = list(loss) if isinstance(loss, list | tuple) else [loss] * count
    if len(chosen) != count:
        raise UsageError(f"The network has {count} outputs; expected a loss for each, received {len(chosen)}.")
    return tuple(map(get_loss, chosen))
