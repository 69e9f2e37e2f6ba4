"""Descriptions of optimizers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache, wraps
from math import isinf, prod
from typing import TYPE_CHECKING, Any, TypeVar

from striate.arguments import check_constructor, check_number, describe, explain_arguments
from striate.engines.schedules import LearningRateSchedule, schedule_from_dict
from striate.errors import UsageError, missing_attribute, nearest

DECAY_RATES = ("momentum", "rho", "beta_1", "beta_2", "ema_momentum")  # settings that must be below 1
CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")
Class = TypeVar("Class", bound=type)

MOVED = {  # arguments of Keras that have another place here
    "decay": "pass a schedule, learning_rate=schedules.InverseTimeDecay(rate, decay_steps=1, decay_rate=decay)",
    "ema_overwrite_frequency": "the averaged weights are validated, and become the model's at the end of training",
    "loss_scale_factor": "precision='float16' of compile scales the loss by itself",
    "gradient_accumulation_steps": "use a larger batch_size; a message names one that fits in memory",
    "initial_accumulator_value": "the accumulator begins at 0, as in the paper",
}


_STEPS = "the engine computes the steps: write model.train_on_batch(x, y)"
_STATE = "model.save(file) keeps its state, and striate.load(file) continues"
REPLACEMENTS = {  # what to use in place of attributes in Keras
    **dict.fromkeys(("apply_gradients", "apply", "minimize", "update_step", "step", "zero_grad", "assign",
                     "assign_add", "assign_sub", "get_gradients", "stateless_apply", "build"), _STEPS),
    **dict.fromkeys(("variables", "weights", "get_weights", "set_weights", "add_variable", "add_weight"), _STATE),
    "exclude_from_weight_decay": "biases and the parameters of normalization do not decay anyway",
    "iterations": "compile a model with it: model.optimizer.iterations",
    "param_groups": "write model.optimizer.learning_rate",
}  # fmt: skip


def accept_keras_arguments(kind: Class) -> Class:
    """Let a constructor take Keras's `lr` and `name`, and explain other arguments that only Keras has (a decorator).

    Args:
        kind: A class of optimizers, a dataclass. Its constructor is replaced; it raises UsageError for these
            arguments.

    Returns:
        The class.
    """
    original: Callable[..., None] = kind.__init__  # type: ignore[misc]

    @wraps(original)
    def initialize(self: Any, *args: Any, **kwargs: Any) -> None:
        kwargs.pop("name", None)
        if kwargs.get("weight_decay", 0) is None:  # Keras's default
            del kwargs["weight_decay"]
        if "lr" in kwargs:
            if args or "learning_rate" in kwargs:
                raise UsageError(f"{type(self).__name__}: lr is the same as learning_rate; give one of them.")
            kwargs["learning_rate"] = kwargs.pop("lr")
        if isinstance(kwargs.get("learning_rate"), Mapping):  # from a file
            kwargs["learning_rate"] = schedule_from_dict(kwargs["learning_rate"])
        for name, instead in MOVED.items():
            if kwargs.get(name) and name not in {item.name for item in fields(kind)}:
                raise UsageError(f"{type(self).__name__} has no argument '{name}': {instead}.")
            kwargs.pop(name, None)
        original(self, *args, **kwargs)

    kind.__init__ = initialize  # type: ignore[misc]
    return kind


@accept_keras_arguments
@check_constructor
@dataclass(frozen=True, repr=False)
class Optimizer:
    """Base of all optimizers.

    Attributes:
        learning_rate: η, above 0, or a schedule: a function of the step since `compile`. `lr` is accepted too.
        weight_decay: λ, 0 or more. With each update kernels are multiplied by 1 − ηλ; SGD adds λw to their gradients
            instead. Unlike in Keras, biases and the parameters of normalization do not decay.
        clipnorm: The gradient of each parameter whose norm is larger is scaled down to it.
        clipvalue: Gradients are clipped to ± this value.
        global_clipnorm: Gradients whose norm over all parameters together is larger are scaled down to it, as in
            `compile`.
        use_ema: Whether to average the weights, as `ema_decay` of `compile` does with `ema_momentum`.
        ema_momentum: Decay per step of the average.

    Raises:
        UsageError: If a setting is out of range.
    """

    learning_rate: float | LearningRateSchedule = 1e-3
    weight_decay: float = field(default=0.0, kw_only=True)
    clipnorm: float | None = field(default=None, kw_only=True)
    clipvalue: float | None = field(default=None, kw_only=True)
    global_clipnorm: float | None = field(default=None, kw_only=True)
    use_ema: bool = field(default=False, kw_only=True)
    ema_momentum: float = field(default=0.99, kw_only=True)

    def __post_init__(self) -> None:
        if sum(getattr(self, name) is not None for name in CLIPPING) > 1:
            raise UsageError(f"{type(self).__name__}: give only one of {', '.join(CLIPPING)}.")
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, bool | LearningRateSchedule) or (value is None and item.name in CLIPPING):
                continue
            number = check_number(f"{type(self).__name__}: {item.name}", value)
            if isinf(number):
                raise UsageError(f"{type(self).__name__}: {item.name} must be a finite number; received {value}.")
            self._check_range(item.name, number)

    @property
    def name(self) -> str:
        """The name of the class in lower case, as in Keras."""
        return type(self).__name__.lower()

    if not TYPE_CHECKING:  # type checkers find unknown attributes themselves, unless they see this method

        def __getattr__(self, name: str) -> Any:
            """Raise an error for attributes that only Keras has, which says what to use instead."""
            raise missing_attribute(self, name, REPLACEMENTS)

    def get_config(self) -> dict[str, Any]:
        """Return the name of the class and the settings."""
        settings = {item.name: getattr(self, item.name) for item in fields(self)}
        return {"name": type(self).__name__, **settings}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Optimizer":
        """Return the optimizer that `get_config` described."""
        return cls(**{name: value for name, value in config.items() if name != "name"})

    def _check_range(self, name: str, value: float) -> None:
        if name == "learning_rate" and not value > 0:
            raise UsageError(f"The learning rate must be above 0; received {value}.")
        if name in DECAY_RATES and not 0 <= value < 1:
            raise UsageError(f"{type(self).__name__}: {name} must be at least 0 and below 1; received {value}.")
        if name in ("epsilon", "weight_decay") and not value >= 0:
            raise UsageError(f"{type(self).__name__}: {name} must be 0 or more; received {value}.")
        if name in CLIPPING and not value > 0:
            raise UsageError(f"{type(self).__name__}: {name} must be above 0; received {value}.")

    def rate_at(self, step: int) -> float:
        """Return the learning rate at a step, from 0."""
        rate = self.learning_rate
        return float(rate(step) if isinstance(rate, LearningRateSchedule) else rate)

    @property
    def scheduled(self) -> bool:
        """Whether the learning rate is a function of the step."""
        return isinstance(self.learning_rate, LearningRateSchedule)

    @property
    def clips_parameters(self) -> bool:
        """Whether the gradient of each parameter is clipped by itself."""
        return self.clipnorm is not None or self.clipvalue is not None

    @property
    def ema_decay(self) -> float | None:
        """The decay of the moving average of the weights; None without `use_ema`."""
        return self.ema_momentum if self.use_ema else None

    def _settings(self) -> dict[str, Any]:
        """Return the settings by name; those that every optimizer has only if they were changed."""
        common = {item.name: item.default for item in fields(Optimizer) if item.kw_only}
        return {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if not (item.kw_only and item.name in common and getattr(self, item.name) == common[item.name])
        }

    def to_dict(self) -> dict[str, Any]:
        """Convert the settings to values for JSON.

        Returns:
            The settings by name.

        Raises:
            UsageError: If the learning rate is a schedule that Striate does not have.
        """
        rate = self.learning_rate
        return self._settings() | {"learning_rate": rate.to_dict() if isinstance(rate, LearningRateSchedule) else rate}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._settings().items())})"


@accept_keras_arguments
@check_constructor
@dataclass(frozen=True, repr=False)
class SGD(Optimizer):
    """Gradient descent with momentum: v ← μv + g, w ← w − ηv.

    As in PyTorch, and unlike in Keras, the velocity v does not include η, so a change of the learning rate takes full
    effect at once.

    Attributes:
        learning_rate: η.
        momentum: μ; 0 is plain gradient descent.
        nesterov: Whether to use Nesterov momentum: w ← w − η(g + μv).

    Source:
        Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning".
    """

    learning_rate: float | LearningRateSchedule = 1e-2
    momentum: float = 0.0
    nesterov: bool = False


@accept_keras_arguments
@check_constructor
@dataclass(frozen=True, repr=False)
class AdaGrad(Optimizer):
    """AdaGrad: h ← h + g², w ← w − ηg / (√h + ε). Source: Duchi, Hazan, Singer 2011."""

    learning_rate: float | LearningRateSchedule = 1e-2
    epsilon: float = 1e-7


@accept_keras_arguments
@check_constructor
@dataclass(frozen=True, repr=False)
class Adadelta(Optimizer):
    """Adadelta: h ← ρh + (1 − ρ)g², Δ = g √(d + ε) / √(h + ε), d ← ρd + (1 − ρ)Δ², w ← w − ηΔ. Source: Zeiler 2012."""

    learning_rate: float | LearningRateSchedule = 1e-3
    rho: float = 0.95
    epsilon: float = 1e-7


@accept_keras_arguments
@check_constructor
@dataclass(frozen=True, repr=False)
class RMSprop(Optimizer):
    """RMSprop: h ← ρh + (1 − ρ)g², w ← w − ηg / (√h + ε). Source: Hinton's lecture 6e, 2012.

    Attributes:
        learning_rate: η.
        rho: ρ.
        momentum: μ; above 0 the steps are summed: v ← μv + g / (√h + ε), w ← w − ηv.
        epsilon: ε.
        centered: Whether to divide by the standard deviation √(h − m²), with m ← ρm + (1 − ρ)g.
    """

    learning_rate: float | LearningRateSchedule = 1e-3
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False


@accept_keras_arguments
@check_constructor
@dataclass(frozen=True, repr=False)
class Adam(Optimizer):
    """Adam: m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², w ← w − η m̂ / (√v̂ + ε), with bias-corrected m̂ and v̂.

    Attributes:
        learning_rate: η.
        beta_1: β₁.
        beta_2: β₂.
        epsilon: ε.
        amsgrad: Whether to divide by the largest v so far. Source: Reddi, Kale, Kumar 2018.

    Source:
        Kingma and Ba 2015, algorithm 1.
    """

    learning_rate: float | LearningRateSchedule = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = field(default=False, kw_only=True)


@accept_keras_arguments
@check_constructor
@dataclass(frozen=True, repr=False)
class AdamW(Adam):
    """Adam with decoupled weight decay: Adam's update, and w ← w − ηλw for kernels.

    Source:
        Loshchilov and Hutter 2019, algorithm 2.
    """

    weight_decay: float = 0.01


@accept_keras_arguments
@check_constructor
@dataclass(frozen=True, repr=False)
class Nadam(Optimizer):
    """Adam with Nesterov momentum, with uₜ = β₁(1 − 0.96ᵗ / 2): m̂ = uₜ₊₁m / (1 − Πu) + (1 − uₜ)g / (1 − Πu).

    Source:
        Dozat 2016, "Incorporating Nesterov Momentum into Adam".
    """

    learning_rate: float | LearningRateSchedule = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7


def nesterov_momentum(beta: float, t: int) -> float:
    """Return uₜ = β₁(1 − 0.96ᵗ / 2), the momentum of Nadam."""
    return beta * (1 - 0.5 * 0.96**t)


@lru_cache(maxsize=8)
def momentum_product(beta: float, t: int) -> float:
    """Return u₁ · … · uₜ. After a thousand steps 0.96ᵗ no longer changes the factors."""
    return beta**t * prod(1 - 0.5 * 0.96**step for step in range(1, min(t, 1000) + 1))


@accept_keras_arguments
@check_constructor
@dataclass(frozen=True, repr=False)
class Adamax(Optimizer):
    """Adam with the largest gradient: u ← max(β₂u, |g| + ε), w ← w − η m̂ / u.

    Source:
        Kingma and Ba 2015, algorithm 2.
    """

    learning_rate: float | LearningRateSchedule = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7


@accept_keras_arguments
@check_constructor
@dataclass(frozen=True, repr=False)
class Lion(Optimizer):
    """Lion: w ← w − η sign(β₁m + (1 − β₁)g), m ← β₂m + (1 − β₂)g. Source: Chen et al. 2023."""

    learning_rate: float | LearningRateSchedule = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.99


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD, "adagrad": AdaGrad, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW, "nadam": Nadam, "adamax": Adamax,
    "adadelta": Adadelta, "lion": Lion,
}  # fmt: skip
SHORTHANDS: dict[str, Optimizer] = {
    "momentum": SGD(momentum=0.9),
    "nesterov": SGD(momentum=0.9, nesterov=True),
}
OPTIMIZER_NAMES = (*OPTIMIZERS, *SHORTHANDS)
UNSUPPORTED = ("adafactor", "ftrl", "lamb", "muon", "schedulefreeadamw", "lossscaleoptimizer", "multioptimizer")
"""Optimizers of Keras that Striate does not have."""


def check_supported(name: str) -> None:
    """Check that an optimizer is not one that only Keras has.

    Args:
        name: The name.

    Raises:
        UsageError: If only Keras has this optimizer.
    """
    if name.lower().replace("_", "") in UNSUPPORTED:
        raise UsageError(f"Striate does not have the optimizer '{name}'; use 'adam', 'adamw' or 'sgd'.")


@explain_arguments
def get_optimizer(optimizer: Any, **settings: Any) -> Optimizer:
    """Return an optimizer by name, or the optimizer itself, with changed settings.

    Args:
        optimizer: A Keras name in any case, "momentum" or "nesterov" (SGD with momentum 0.9), an optimizer or its
            class.
        **settings: Settings to change.

    Returns:
        The optimizer.

    Raises:
        UsageError: If the name or a setting is unknown, or a value is out of range.

    Example:
        >>> get_optimizer("momentum", learning_rate=0.1)
        SGD(learning_rate=0.1, momentum=0.9, nesterov=False)
    """
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        return optimizer(**settings)
    if isinstance(optimizer, Optimizer):
        return replace(optimizer, **settings)
    if not isinstance(optimizer, str):
        raise UsageError(f"optimizer must be a name or an Optimizer; received {describe(optimizer)}.")
    check_supported(optimizer)
    given, optimizer = optimizer, optimizer.lower()
    if optimizer not in OPTIMIZERS and optimizer not in SHORTHANDS:
        raise UsageError(f"There is no optimizer '{given}'.{nearest(optimizer, OPTIMIZERS | SHORTHANDS)}")
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
        UsageError: If the value is out of range.
    """
    settings: dict[str, Any] = {"weight_decay": weight_decay}
    if type(optimizer) is Adam:
        return AdamW(**{item.name: getattr(optimizer, item.name) for item in fields(optimizer)} | settings)
    return replace(optimizer, **settings)
