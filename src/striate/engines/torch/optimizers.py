"""Optimisers: Striate's descriptions as PyTorch's own classes, and their memory under Striate's names."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from striate.engines import optimizers as describe

# PyTorch's name of each slot, by Striate's.
SLOTS: dict[type[describe.Optimizer], dict[str, str]] = {
    describe.SGD: {"momentum": "momentum_buffer"},
    describe.AdaGrad: {"accumulator": "sum"},
    describe.RMSprop: {"square": "square_avg"},
    describe.Adam: {"mean": "exp_avg", "square": "exp_avg_sq"},
    describe.AdamW: {"mean": "exp_avg", "square": "exp_avg_sq"},
}

FUSED = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)  # RMSprop has no such form, Adagrad not on every GPU


def make_optimizer(
    optimizer: describe.Optimizer, parameters: Mapping[str, Tensor], *, fused: bool
) -> torch.optim.Optimizer:
    """PyTorch's optimiser for these parameters by name; weight decay on kernels only."""
    decay = float(getattr(optimizer, "weight_decay", 0.0))
    kernels = [p for name, p in parameters.items() if name.endswith("/kernel")]
    others = [p for name, p in parameters.items() if not name.endswith("/kernel")]
    groups = [{"params": ps, "weight_decay": d} for ps, d in ((kernels, decay), (others, 0.0)) if ps]
    kind, settings = _settings(optimizer)
    form = {"fused": fused} if kind in FUSED else {"foreach": True}
    made: torch.optim.Optimizer = kind(groups, lr=optimizer.learning_rate, **form, **settings)
    return made


def _settings(optimizer: describe.Optimizer) -> tuple[Any, dict[str, Any]]:
    match optimizer:
        case describe.SGD():
            return torch.optim.SGD, {"momentum": optimizer.momentum, "nesterov": optimizer.nesterov}
        case describe.AdaGrad():
            return torch.optim.Adagrad, {"eps": optimizer.epsilon}
        case describe.RMSprop():
            return torch.optim.RMSprop, {"alpha": optimizer.rho, "eps": optimizer.epsilon}
        case describe.AdamW():
            return torch.optim.AdamW, {"betas": (optimizer.beta_1, optimizer.beta_2), "eps": optimizer.epsilon}
        case describe.Adam():
            return torch.optim.Adam, {"betas": (optimizer.beta_1, optimizer.beta_2), "eps": optimizer.epsilon}
    raise NotImplementedError(f"PyTorch's form of {type(optimizer).__name__} is not known.")


def read_slots(
    kind: type[describe.Optimizer], torch_optimizer: torch.optim.Optimizer, parameters: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The optimiser's memory by full name, `C1/kernel/mean`, in PyTorch's layouts."""
    slots: dict[str, Tensor] = {}
    for name, parameter in parameters.items():
        state = torch_optimizer.state.get(parameter, {})
        for ours, theirs in SLOTS[kind].items():
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
    """Give the optimiser back the memory that `read_slots` gave, after so many updates."""
    torch_optimizer.state.clear()
    for name, parameter in parameters.items():
        state = {theirs: slots[f"{name}/{ours}"] for ours, theirs in SLOTS[kind].items() if f"{name}/{ours}" in slots}
        if state:
            torch_optimizer.state[parameter] = {**state, "step": torch.tensor(float(updates), device=parameter.device)}
