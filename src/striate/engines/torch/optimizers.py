"""Create PyTorch optimizers, and convert their state to Striate's slots and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from striate.engines import optimizers as base


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


ADAM_SETTINGS = {"beta_1": "beta_1", "beta_2": "beta_2", "epsilon": "eps"}
ADAM_SLOTS = {"mean": "exp_avg", "square": "exp_avg_sq"}
RULES: dict[type[base.Optimizer], Rule] = {
    base.SGD: Rule(
        torch.optim.SGD, {"momentum": "momentum", "nesterov": "nesterov"}, {"momentum": "momentum_buffer"}, True
    ),
    # Adagrad has a fused implementation, but not on all GPUs.
    base.AdaGrad: Rule(torch.optim.Adagrad, {"epsilon": "eps"}, {"accumulator": "sum"}, False),
    base.RMSprop: Rule(torch.optim.RMSprop, {"rho": "alpha", "epsilon": "eps"}, {"square": "square_avg"}, False),
    base.Adam: Rule(torch.optim.Adam, ADAM_SETTINGS, ADAM_SLOTS, True),
    base.AdamW: Rule(torch.optim.AdamW, ADAM_SETTINGS, ADAM_SLOTS, True),
}


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
        NotImplementedError: No rule exists for this kind of optimizer.
    """
    decay = float(getattr(optimizer, "weight_decay", 0.0))
    kernels = [p for name, p in parameters.items() if name.endswith("/kernel")]
    others = [p for name, p in parameters.items() if not name.endswith("/kernel")]
    groups = [{"params": ps, "weight_decay": d} for ps, d in ((kernels, decay), (others, 0.0)) if ps]
    if type(optimizer) not in RULES:
        raise NotImplementedError(f"The PyTorch engine has no rule for the optimizer {type(optimizer).__name__}.")
    rule = RULES[type(optimizer)]
    implementation = {"fused": fused} if rule.fused else {"foreach": True}
    torch_optimizer: torch.optim.Optimizer = rule.make(
        groups, lr=optimizer.learning_rate, **implementation, **rule.arguments(optimizer)
    )
    return torch_optimizer


def read_slots(
    kind: type[base.Optimizer], torch_optimizer: torch.optim.Optimizer, parameters: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Return the optimizer's state as slots by full name (`C1/kernel/mean`), in the layouts of the parameters."""
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
    """Set the optimizer's state to slots from `read_slots` and its step count to `updates`."""
    torch_optimizer.state.clear()
    for name, parameter in parameters.items():
        state = {
            theirs: slots[f"{name}/{ours}"] for ours, theirs in RULES[kind].slots.items() if f"{name}/{ours}" in slots
        }
        if state:
            torch_optimizer.state[parameter] = {**state, "step": torch.tensor(float(updates), device=parameter.device)}
