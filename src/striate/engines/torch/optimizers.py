"""Create PyTorch optimizers, and convert their state to Striate's slots and back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from inspect import unwrap
from typing import Any

import torch
from torch import Tensor

from striate.engines import optimizers as base
from striate.engines.optimizers import momentum_product, nesterov_momentum


@dataclass(frozen=True)
class Rule:
    """The PyTorch class of an optimizer, and the names of its settings and state.

    Attributes:
        make: The PyTorch class.
        settings: PyTorch's setting names by Striate's.
        slots: PyTorch's state names by Striate's slot names.
        fused: Whether the class has a fused implementation on all devices that Striate supports.
    """

    make: Any
    settings: dict[str, str]
    slots: dict[str, str]
    fused: bool

    def arguments(self, optimizer: base.Optimizer) -> dict[str, Any]:
        """Return the keyword arguments of the PyTorch class; `betas` is a pair."""
        values = {theirs: getattr(optimizer, ours) for ours, theirs in self.settings.items()}
        betas = [values.pop(name) for name in ("beta_1", "beta_2") if name in values]
        return values | ({"betas": tuple(betas)} if betas else {})


class Lion(torch.optim.Optimizer):
    """w ← w − η sign(β₁m + (1 − β₁)g), m ← β₂m + (1 − β₂)g."""

    def __init__(self, params: Any, lr: float, betas: tuple[float, float], *, foreach: bool) -> None:
        super().__init__(params, {"lr": lr, "betas": betas})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update the parameters."""
        for group, parameter, gradient in _gradients(self):
            first, second = group["betas"]
            state = self.state[parameter]
            mean = state.setdefault("exp_avg", torch.zeros_like(parameter))
            parameter.sub_((mean * first + gradient * (1 - first)).sign(), alpha=group["lr"])
            mean.mul_(second).add_(gradient, alpha=1 - second)


class Nadam(torch.optim.Optimizer):
    """Keras's Nadam; torch.optim.NAdam keeps the product of its momenta in float32."""

    def __init__(self, params: Any, lr: float, betas: tuple[float, float], eps: float, *, foreach: bool) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update the parameters."""
        for group, parameter, gradient in _gradients(self):
            (first, second), state = group["betas"], self.state[parameter]
            mean = state.setdefault("exp_avg", torch.zeros_like(parameter))
            square = state.setdefault("exp_avg_sq", torch.zeros_like(parameter))
            t = int(state.get("step", 0)) + 1
            state["step"] = torch.tensor(float(t))
            mean.mul_(first).add_(gradient, alpha=1 - first)
            square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
            momentum, following = nesterov_momentum(first, t), nesterov_momentum(first, t + 1)
            product = momentum_product(first, t)
            step = mean * (following / (1 - product * following)) + gradient * ((1 - momentum) / (1 - product))
            parameter.addcdiv_(step, (square / (1 - second**t)).sqrt_().add_(group["eps"]), value=-group["lr"])


def _gradients(optimizer: torch.optim.Optimizer) -> Iterator[tuple[dict[str, Any], Tensor, Tensor]]:
    """Yield group, parameter and gradient of all parameters that have one."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None:
                yield group, parameter, parameter.grad


ADAM_SETTINGS = {"beta_1": "beta_1", "beta_2": "beta_2", "epsilon": "eps"}
ADAM_SLOTS = {"mean": "exp_avg", "square": "exp_avg_sq", "max_square": "max_exp_avg_sq"}
RULES: dict[type[base.Optimizer], Rule] = {
    base.SGD: Rule(
        torch.optim.SGD, {"momentum": "momentum", "nesterov": "nesterov"}, {"momentum": "momentum_buffer"}, True
    ),
    # Adagrad has a fused implementation, but not on all GPUs.
    base.AdaGrad: Rule(torch.optim.Adagrad, {"epsilon": "eps"}, {"accumulator": "sum"}, False),
    base.Adadelta: Rule(
        torch.optim.Adadelta,
        {"rho": "rho", "epsilon": "eps"},
        {"square": "square_avg", "step_square": "acc_delta"},
        False,
    ),
    base.RMSprop: Rule(
        torch.optim.RMSprop,
        {"rho": "alpha", "epsilon": "eps", "momentum": "momentum", "centered": "centered"},
        {"square": "square_avg", "mean": "grad_avg", "momentum": "momentum_buffer"},
        False,
    ),
    base.Adam: Rule(torch.optim.Adam, ADAM_SETTINGS | {"amsgrad": "amsgrad"}, ADAM_SLOTS, True),
    base.AdamW: Rule(torch.optim.AdamW, ADAM_SETTINGS | {"amsgrad": "amsgrad"}, ADAM_SLOTS, True),
    base.Nadam: Rule(Nadam, ADAM_SETTINGS, ADAM_SLOTS, False),
    base.Adamax: Rule(torch.optim.Adamax, ADAM_SETTINGS, {"mean": "exp_avg", "maximum": "exp_inf"}, False),
    base.Lion: Rule(Lion, {"beta_1": "beta_1", "beta_2": "beta_2"}, {"mean": "exp_avg"}, False),
}
OWN_DECAY = (base.SGD, base.Adam)  # whose classes, torch.optim.SGD and torch.optim.AdamW, apply weight decay


@cache
def _without_compiler(kind: type[torch.optim.Optimizer]) -> Any:
    """Return the class with methods that do not import torch._dynamo.

    Its import takes nearly as long as that of PyTorch. PyTorch's methods need it only if torch.compile compiles them.
    """
    methods: dict[str, Any] = {name: unwrap(getattr(kind, name)) for name in ("add_param_group", "zero_grad", "step")}
    return type(kind.__name__, (kind,), {**methods, "step": torch.no_grad()(methods["step"])})


def make_optimizer(
    optimizer: base.Optimizer, parameters: Mapping[str, Tensor], *, fused: bool
) -> torch.optim.Optimizer:
    """Create a PyTorch optimizer, with weight decay on kernels only.

    Args:
        optimizer: The description.
        parameters: Tensors by full name.
        fused: Whether the device supports fused implementations.

    Returns:
        The optimizer, with empty state.

    Raises:
        NotImplementedError: If no rule exists for this kind of optimizer.
    """
    if type(optimizer) not in RULES:
        raise NotImplementedError(f"The PyTorch engine has no rule for the optimizer {type(optimizer).__name__}.")
    decay = optimizer.weight_decay
    rule, own = RULES[type(optimizer)], isinstance(optimizer, OWN_DECAY)
    make: Any = torch.optim.AdamW if decay and isinstance(optimizer, base.Adam) else rule.make
    kernels = [p for name, p in parameters.items() if name.endswith("/kernel")]
    others = [p for name, p in parameters.items() if not name.endswith("/kernel")]
    groups = [{"params": ps, "weight_decay": d} for ps, d in ((kernels, decay * own), (others, 0.0)) if ps]
    implementation = {"fused": fused} if rule.fused else {"foreach": True}
    torch_optimizer: torch.optim.Optimizer = _without_compiler(make)(
        groups, lr=optimizer.rate_at(0), **implementation, **rule.arguments(optimizer)
    )
    if decay and kernels and not own:
        torch_optimizer.register_step_pre_hook(lambda made, *_: _decay(kernels, made.param_groups[0]["lr"] * decay))
    return torch_optimizer


@torch.no_grad()
def _decay(kernels: list[Tensor], rate: float) -> None:
    """Update w ← w − rate · w."""
    torch._foreach_mul_(kernels, 1 - rate)


def read_slots(
    kind: type[base.Optimizer], torch_optimizer: torch.optim.Optimizer, parameters: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Return the optimizer's state as slots by full name (`C1/kernel/mean`), in the layouts of the parameters.

    Args:
        kind: Class of the optimizer.
        torch_optimizer: PyTorch's optimizer.
        parameters: The parameters by full name.

    Returns:
        The slots.
    """
    slots: dict[str, Tensor] = {}
    for name, parameter in parameters.items():
        state = torch_optimizer.state.get(parameter, {})
        for ours, theirs in RULES[kind].slots.items():
            if isinstance(state.get(theirs), Tensor):
                slots[f"{name}/{ours}"] = state[theirs]
    return slots


def write_slots(
    kind: type[base.Optimizer],
    torch_optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, Tensor],
    slots: Mapping[str, Tensor],
    updates: int,
) -> None:
    """Set the optimizer's state to slots from `read_slots` and its step count to `updates`.

    Args:
        kind: Class of the optimizer.
        torch_optimizer: PyTorch's optimizer, whose state is replaced.
        parameters: The parameters by full name.
        slots: The slots by full name.
        updates: Number of updates so far.
    """
    torch_optimizer.state.clear()
    for name, parameter in parameters.items():
        state = {
            theirs: slots[f"{name}/{ours}"] for ours, theirs in RULES[kind].slots.items() if f"{name}/{ours}" in slots
        }
        if state:
            state["step"] = torch.tensor(float(updates), device=parameter.device)
            torch_optimizer.state[parameter] = state


def clip_gradients(gradients: list[Tensor], optimizer: base.Optimizer, global_norm: float | None) -> None:
    """Clip gradients in place; unlike `clip_grad_norm_`, add no 1e-6 to their norm.

    Args:
        gradients: The gradients.
        optimizer: Its `clipnorm` limits the norm of each gradient, its `clipvalue` each element.
        global_norm: Limit of the norm of all gradients together; None for none.
    """
    if optimizer.clipnorm is not None:
        factors = [(optimizer.clipnorm / norm).clamp(max=1) for norm in torch._foreach_norm(gradients)]
        torch._foreach_mul_(gradients, factors)
    if optimizer.clipvalue is not None:
        torch._foreach_clamp_min_(gradients, -optimizer.clipvalue)
        torch._foreach_clamp_max_(gradients, optimizer.clipvalue)
    if global_norm is not None:
        norm = torch.nn.utils.get_total_norm(gradients)
        torch._foreach_mul_(gradients, (global_norm / norm).clamp(max=1))
