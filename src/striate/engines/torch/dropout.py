"""What dropout drops: a function of (seed, step, layer) alone."""

import numpy as np
import torch
from torch import Tensor

from striate.network import Dropout, Network


def draw_chances(network: Network, seed: int, step: int, count: int, device: torch.device) -> dict[str, Tensor]:
    """Even random numbers in 0 … 1 for a batch of `count`, by the name of the dropout layer, in the shape of its input.

    They are drawn before the pass over the network begins, which can then be compiled as a whole.
    """
    chances: dict[str, Tensor] = {}
    for index, node in enumerate(network.nodes):
        name = str(node.layer.name)
        if isinstance(node.layer, Dropout) and node.layer.rate and name not in chances:
            generator = torch.Generator(device)
            generator.manual_seed(int(np.random.SeedSequence([seed, step, index]).generate_state(1, np.uint64)[0]))
            drawn = torch.rand((count, *node.shape), generator=generator, device=device)
            chances[name] = drawn.permute(0, 3, 1, 2) if drawn.ndim == 4 else drawn  # (N, H, W, C) → (N, C, H, W)
    return chances
