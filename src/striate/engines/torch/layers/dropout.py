"""Dropout. Which numbers are dropped is a function of (seed, step, layer) alone."""

import numpy as np
import torch
from torch import Tensor

from striate.engines.torch.rules import Context, Parameters, rule
from striate.network import Dropout, Network


@rule(Dropout, layout="channels_first", with_context=True)
def dropout(layer: Dropout, weights: Parameters, context: Context, x: Tensor) -> Tensor:
    """x / (1 − rate) where a random number is at least `rate`, else 0; x outside training."""
    if not context.trains(layer) or not layer.rate:
        return x
    kept = context.uniform[str(layer.name)] >= layer.rate
    return x * kept * (1 / (1 - layer.rate))


def draw_uniform(network: Network, seed: int, step: int, count: int, device: torch.device) -> dict[str, Tensor]:
    """Draw the random numbers in 0 … 1 that decide what dropout drops in one training step.

    They are drawn before the pass over the network begins, so that the pass can be compiled as a whole.

    Args:
        network: The network.
        seed: The seed of the training.
        step: The number of the step, from 0.
        count: The number of samples in the batch.
        device: Where the numbers are drawn.

    Returns:
        The numbers by the name of the dropout layer, each in the shape of the layer's input, channels first.
    """
    uniform: dict[str, Tensor] = {}
    for index, node in enumerate(network.nodes):
        name = str(node.layer.name)
        if isinstance(node.layer, Dropout) and node.layer.rate and name not in uniform:
            generator = torch.Generator(device)
            generator.manual_seed(int(np.random.SeedSequence([seed, step, index]).generate_state(1, np.uint64)[0]))
            drawn = torch.rand((count, *node.shape), generator=generator, device=device)
            uniform[name] = drawn.permute(0, 3, 1, 2) if drawn.ndim == 4 else drawn  # (N, H, W, C) → (N, C, H, W)
    return uniform
