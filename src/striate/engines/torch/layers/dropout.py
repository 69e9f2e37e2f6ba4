"""Dropout. The dropped values depend only on (seed, step, layer)."""

import numpy as np
import torch
from torch import Tensor

from striate.engines.torch.rules import Context, Parameters, rule
from striate.network import Dropout, Network


@rule(Dropout, layout="channels_first", with_context=True)
def dropout(layer: Dropout, weights: Parameters, context: Context, x: Tensor) -> Tensor:
    """Return x / (1 − rate) where a random number is at least `rate`, else 0; in inference, return x."""
    if not context.trains(layer) or not layer.rate:
        return x
    mask = context.uniform[str(layer.name)] >= layer.rate
    return x * mask * (1 / (1 - layer.rate))


def draw_uniform(network: Network, seed: int, step: int, count: int, device: torch.device) -> dict[str, Tensor]:
    """Draw the uniform random numbers in [0, 1) that determine dropout in one training step.

    They are drawn before the forward pass, so that torch.compile can compile the pass without a graph break.

    Args:
        network: The network.
        seed: The seed of the training run.
        step: The training step, from 0.
        count: The number of samples in the batch.
        device: The device to draw them on.

    Returns:
        One tensor for each dropout layer by name, with the shape of the layer's input, channels first.
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
