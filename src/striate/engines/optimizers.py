"""Descriptions of optimizers."""

from dataclasses import asdict, dataclass, fields, replace
from math import isinf
from typing import Any

from striate.arguments import check_constructor, check_number, describe, explain_arguments
from striate.errors import UsageError, nearest

DECAY_RATES = ("momentum", "rho", "beta_1", "beta_2")  # settings that must be below 1


@check_constructor
@dataclass(frozen=True)
class Optimizer:
    """Base of all optimizers.

    Attributes:
        learning_rate: η, above 0.

    Raises:
        UsageError: A setting is out of range.
    """

    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not isinstance(value, bool):
                number = check_number(f"{type(self).__name__}: {item.name}", value)
                if isinf(number):
                    raise UsageError(f"{type(self).__name__}: {item.name} must be a finite number; received {value}.")
            if item.name == "learning_rate" and not value > 0:
                raise UsageError(f"The learning rate must be above 0; received {value}.")
            if item.name in DECAY_RATES and not 0 <= value < 1:
                raise UsageError(
                    f"{type(self).__name__}: {item.name} must be at least 0 and below 1; received {value}."
                )
            if item.name in ("epsilon", "weight_decay") and not value >= 0:
                raise UsageError(f"{type(self).__name__}: {item.name} must be 0 or more; received {value}.")


@check_constructor
@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent with momentum: v ← μv + g, w ← w − ηv.

    As in PyTorch, and unlike in Keras, the velocity v does not include η, so a change of the learning rate takes full
    effect at once.

    Attributes:
        learning_rate: η.
        momentum: μ; 0 is plain gradient descent.
        nesterov: Whether to use Nesterov momentum: w ← w − η(g + μv).
        weight_decay: λ; λw is added to the gradients of kernels.

    Source:
        Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning".
    """

    learning_rate: float = 1e-2
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0


@check_constructor
@dataclass(frozen=True)
class AdaGrad(Optimizer):
    """AdaGrad: h ← h + g², w ← w − ηg / (√h + ε). Source: Duchi, Hazan, Singer 2011."""

    learning_rate: float = 1e-2
    epsilon: float = 1e-7


@check_constructor
@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop: h ← ρh + (1 − ρ)g², w ← w − ηg / (√h + ε). Source: Hinton's lecture 6e, 2012."""

    learning_rate: float = 1e-3
    rho: float = 0.9
    epsilon: float = 1e-7


@check_constructor
@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², w ← w − η m̂ / (√v̂ + ε), with bias-corrected m̂ and v̂.

    Source:
        Kingma and Ba 2015, algorithm 1.
    """

    learning_rate: float = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7


@check_constructor
@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: Adam's update, and w ← w − ηλw for kernels.

    Source:
        Loshchilov and Hutter 2019, algorithm 2.
    """

    weight_decay: float = 0.01


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD, "adagrad": AdaGrad, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW,
}  # fmt: skip
SHORTHANDS: dict[str, Optimizer] = {
    "momentum": SGD(momentum=0.9),
    "nesterov": SGD(momentum=0.9, nesterov=True),
}
OPTIMIZER_NAMES = (*OPTIMIZERS, *SHORTHANDS)


@explain_arguments
def get_optimizer(optimizer: str | Optimizer, **settings: Any) -> Optimizer:
    """Return an optimizer by name, or the optimizer itself, with changed settings.

    Args:
        optimizer: A Keras name, "momentum" or "nesterov" (SGD with momentum 0.9), or an optimizer.
        **settings: Settings to change.

    Returns:
        The optimizer.

    Raises:
        UsageError: The name or a setting is unknown, or a value is out of range.

    Example:
        >>> get_optimizer("momentum", learning_rate=0.1)
        SGD(learning_rate=0.1, momentum=0.9, nesterov=False, weight_decay=0.0)
    """
    if isinstance(optimizer, Optimizer):
        return replace(optimizer, **settings)
    if not isinstance(optimizer, str):
        raise UsageError(f"optimizer must be a name or an Optimizer; received {describe(optimizer)}.")
    if optimizer not in OPTIMIZERS and optimizer not in SHORTHANDS:
        raise UsageError(f"There is no optimizer '{optimizer}'.{nearest(optimizer, OPTIMIZERS | SHORTHANDS)}")
    chosen = SHORTHANDS[optimizer] if optimizer in SHORTHANDS else OPTIMIZERS[optimizer]()
    unknown = set(settings) - {field.name for field in fields(chosen)}
    if unknown:
        known = [field.name for field in fields(chosen)]
        raise UsageError(f"Optimizer '{optimizer}' has no setting '{min(unknown)}'.{nearest(min(unknown), known)}")
    return replace(chosen, **settings)


@explain_arguments
def with_weight_decay(optimizer: Optimizer, weight_decay: float) -> Optimizer:
    """Return the optimizer with this weight decay; Adam becomes AdamW.

    Args:
        optimizer: The optimizer.
        weight_decay: λ, 0 or more.

    Returns:
        The optimizer.

    Raises:
        UsageError: The optimizer has no weight decay.
    """
    if hasattr(optimizer, "weight_decay"):
        settings: dict[str, Any] = {"weight_decay": weight_decay}
        return replace(optimizer, **settings)
    if isinstance(optimizer, Adam):
        return AdamW(**asdict(optimizer), weight_decay=weight_decay)
    *names, last = (n for n in OPTIMIZER_NAMES if hasattr(get_optimizer(n), "weight_decay") or n == "adam")
    raise UsageError(f"{type(optimizer).__name__} has no weight decay; use {', '.join(names)} or {last}.")
