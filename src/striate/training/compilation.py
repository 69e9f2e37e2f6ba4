"""What `Model.compile` decides: how the engine trains, and what is reported."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from striate.arguments import check_number
from striate.engines.base import TrainingSettings
from striate.engines.losses import Loss, get_loss
from striate.engines.optimizers import Optimizer, get_optimizer
from striate.errors import UsageError, nearest
from striate.network import Network
from striate.training.losses import check_custom_losses, check_losses, default_losses, losses_for_targets
from striate.training.metrics import MetricSet, output_names


@dataclass(frozen=True)
class Compilation:
    """How a model is trained, and what is reported.

    Attributes:
        settings: How the engine trains.
        metrics: As in `Model.compile`; None: those that match the losses.
        weighted_metrics: As in `Model.compile`.
        default_loss: Whether the losses were chosen by the activations of the outputs, and may still be changed by
            the targets.
    """

    settings: TrainingSettings
    metrics: Any
    weighted_metrics: Any
    default_loss: bool

    def for_targets(self, network: Network, y: Any) -> "Compilation":
        """Choose default losses by the targets; a loss passed to compile is never changed.

        Args:
            network: The network.
            y: The targets.

        Returns:
            The same with other losses, or itself.
        """
        if not self.default_loss:
            return self
        losses = losses_for_targets(network, self.settings.losses, y)
        return self if losses == self.settings.losses else replace(self, settings=replace(self.settings, losses=losses))

    def metric_set(self, network: Network, losses: Sequence[Loss] | None = None) -> MetricSet:
        """Return the loss and metrics to report.

        Args:
            network: The network.
            losses: One for each output; None: those of the settings.

        Returns:
            The object that computes them.
        """
        chosen = self.settings.losses if losses is None else losses
        return MetricSet(network, chosen, self.metrics, self.weighted_metrics, self.settings.loss_weights)


def make_compilation(
    network: Network,
    optimizer: str | Optimizer,
    loss: Any,
    metrics: Any,
    loss_weights: Any,
    weighted_metrics: Any,
    *,
    classifies: bool,
    seed: int,
    learning_rate: float | None,
    global_clipnorm: float | None,
    ema_decay: float | None,
    frozen_layers: Collection[str],
) -> Compilation:
    """Check the arguments of `Model.compile`.

    Args:
        network: The network.
        optimizer: As in `Model.compile`.
        loss: As in `Model.compile`.
        metrics: As in `Model.compile`.
        loss_weights: As in `Model.compile`.
        weighted_metrics: As in `Model.compile`.
        classifies: Whether an output of several numbers without activation is the logits of classes.
        seed: Seed of dropout.
        learning_rate: As in `Model.compile`.
        global_clipnorm: As in `Model.compile`.
        ema_decay: As in `Model.compile`.
        frozen_layers: As in `Model.compile`.

    Returns:
        How the model is to be trained.

    Raises:
        UsageError: If a name is unknown, a value is out of range, or losses, metrics and outputs do not match.
    """
    rule = get_optimizer(optimizer, **({} if learning_rate is None else {"learning_rate": learning_rate}))
    losses = check_custom_losses(network, _pick_losses(network, loss, classifies))
    check_losses(network, losses)
    factors = _pick_loss_weights(network, loss_weights)
    settings = TrainingSettings(rule, losses, seed, global_clipnorm, ema_decay, tuple(frozen_layers), factors)
    settings.check(network)
    compilation = Compilation(settings, metrics, weighted_metrics, loss is None)
    compilation.metric_set(network)  # refuses metrics that do not fit
    return compilation


def _pick_losses(network: Network, loss: Any, classifies: bool) -> tuple[Loss, ...]:
    if loss is None:
        return default_losses(network, classifies=classifies)
    names, count = output_names(network), len(network.outputs)
    if isinstance(loss, Mapping):
        _check_output_names("loss", loss, names)
        missing = [name for name in names if loss.get(name) is None]
        if missing:
            raise UsageError(_without_loss(missing[0]))
        chosen: list[Any] = [loss[name] for name in names]
    else:
        chosen = list(loss) if isinstance(loss, list | tuple) else [loss] * count
    if len(chosen) != count:
        raise UsageError(f"The network has {count} outputs; expected a loss for each, received {len(chosen)}.")
    for name, part in zip(names, chosen, strict=True):
        if part is None:
            raise UsageError(_without_loss(name))
    return tuple(map(get_loss, chosen))


def _without_loss(name: str) -> str:
    return (
        f"The output '{name}' has no loss: each output needs one. For an output that is not trained, pass any loss "
        f"that matches it, and loss_weights with 0 for '{name}'."
    )


def _pick_loss_weights(network: Network, weights: Any) -> tuple[float, ...]:
    names = output_names(network)
    if weights is None:
        return ()
    if isinstance(weights, Mapping):
        _check_output_names("loss_weights", weights, names)
        weights = [weights.get(name, 1.0) for name in names]
    elif not isinstance(weights, list | tuple):
        weights = [weights]
    return tuple(check_number("loss_weights", weight) for weight in weights)


def _check_output_names(argument: str, given: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in given:
        if name not in names:
            raise UsageError(f"{argument}: there is no output '{name}'.{nearest(str(name), names)}")
