"""Run optimizers with PyTorch's own classes, and keep their slots under Striate's names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from striate.engines import optimizers as describe


@dataclass(frozen=True)
class Rule:
    """How PyTorch carries out an optimizer.

    Attributes:
        make: PyTorch's class.
        settings: PyTorch's name of each setting, by Striate's.
        slots: PyTorch's name of each array that the optimizer keeps, by Striate's.
        fused: Whether the class has a fused form on every device that Striate trains on.
    """

    make: Any
    settings: dict[str, str]
    slots: dict[str, str]
    fused: bool

    def arguments(self, optimizer: describe.Optimizer) -> dict[str, Any]:
        """Return the settings as PyTorch's class takes them; `betas` is a pair."""
        values = {theirs: getattr(optimizer, ours) for ours, theirs in self.settings.items()}
        betas = [values.pop(name) for name in ("beta_1", "beta_2") if name in values]
        return values | ({"betas": tuple(betas)} if betas else {})


ADAM_SETTINGS = {"beta_1": "beta_1", "beta_2": "beta_2", "epsilon": "eps"}
ADAM_SLOTS = {"mean": "exp_avg", "square": "exp_avg_sq"}
RULES: dict[type[describe.Optimizer], Rule] = {
    describe.SGD: Rule(
        torch.optim.SGD, {"momentum": "momentum", "nesterov": "nesterov"}, {"momentum": "momentum_buffer"}, True
    ),
    # Adagrad has a fused form, but not on every GPU.
    describe.AdaGrad: Rule(torch.optim.Adagrad, {"epsilon": "eps"}, {"accumulator": "sum"}, False),
    describe.RMSprop: Rule(torch.optim.RMSprop, {"rho": "alpha", "epsilon": "eps"}, {"square": "square_avg"}, False),
    describe.Adam: Rule(torch.optim.Adam, ADAM_SETTINGS, ADAM_SLOTS, True),
    describe.AdamW: Rule(torch.optim.AdamW, ADAM_SETTINGS, ADAM_SLOTS, True),
}


def make_optimizer(
    optimizer: describe.Optimizer, parameters: Mapping[str, Tensor], *, fused: bool
) -> torch.optim.Optimizer:
    """Make PyTorch's optimizer for parameters by name, with weight decay on kernels only.

    Args:
        optimizer: The description.
        parameters: Tensors by full name.
        fused: Whether the device supports the fused forms.

    Returns:
        The optimizer, with empty slots.

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
    form = {"fused": fused} if rule.fused else {"foreach": True}
    made: torch.optim.Optimizer = rule.make(groups, lr=optimizer.learning_rate, **form, **rule.arguments(optimizer))
    return made


def read_slots(
    kind: type[describe.Optimizer], torch_optimizer: torch.optim.Optimizer, parameters: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Return the optimizer's slots by full name, `C1/kernel/mean`, in PyTorch's layouts."""
    slots: dict[str, Tensor] = {}
    for name, parameter in parameters.items():
        state = torch_optimizer.state.get(parameter, {})
        for ours, theirs in RULES[kind].slots.items():
            if isinstance(state.get(theirs), Tensor):
                slots[f"{name}/{ours}"] = state[theirs]
    return slots


def write_slots(
    kind: type[describe.Optimizer],
    torch_optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, Tensor],
    slots: Mapping[str, Tensor],
    updates: int,
) -> None:
    """Restore the slots that `read_slots` returned, after so many updates."""
    torch_optimizer.state.clear()
    for name, parameter in parameters.items():
        state = {
            theirs: slots[f"{name}/{ours}"] for ours, theirs in RULES[kind].slots.items() if f"{name}/{ours}" in slots
        }
        if state:
            torch_optimizer.state[parameter] = {**state, "step": torch.tensor(float(updates), device=parameter.device)}
