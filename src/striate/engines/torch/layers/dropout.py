"""Dropout and noise. Random numbers depend only on (seed, step, layer)."""

import numpy as np
import torch
from torch import Tensor

from striate.engines.torch.rules import Context, Parameters, rule
from striate.network import Dropout, GaussianDropout, GaussianNoise, Layer, Network, Shape, SpatialDropout2D


@rule(Dropout, layout="channels_first", with_context=True)
def dropout(layer: Dropout, weights: Parameters, context: Context, x: Tensor) -> Tensor:
    """Return x / (1 − rate) where a random number is at least `rate`, else 0; in inference, return x."""
    if not context.trains(layer) or not layer.rate:
        return x
    mask = context.uniform[str(layer.name)] >= layer.rate
    return x * mask * (1 / (1 - layer.rate))


@rule(SpatialDropout2D, layout="channels_first", with_context=True)
def spatial_dropout(layer: SpatialDropout2D, weights: Parameters, context: Context, x: Tensor) -> Tensor:
    """Return x / (1 − rate) for maps whose random number is at least `rate`, else 0; in inference, return x."""
    if not context.trains(layer) or not layer.rate:
        return x
    return x * ((context.uniform[str(layer.name)] >= layer.rate) * (1 / (1 - layer.rate)))


@rule(GaussianNoise, layout="channels_first", with_context=True)
def gaussian_noise(layer: GaussianNoise, weights: Parameters, context: Context, x: Tensor) -> Tensor:
    """Return x plus normal noise; in inference, return x."""
    if not context.trains(layer) or not layer.stddev:
        return x
    return x + layer.stddev * _normal(context.uniform[str(layer.name)]).to(x.dtype)


@rule(GaussianDropout, layout="channels_first", with_context=True)
def gaussian_dropout(layer: GaussianDropout, weights: Parameters, context: Context, x: Tensor) -> Tensor:
    """Return x times normal noise of mean 1; in inference, return x."""
    if not context.trains(layer) or not layer.rate:
        return x
    return x * (1 + layer.stddev * _normal(context.uniform[str(layer.name)])).to(x.dtype)


def _normal(uniform: Tensor) -> Tensor:
    """Return normal random numbers from uniform ones in [0, 1)."""
    limit = 2.0**-25  # half of the distance between the numbers that are drawn; 0 would give infinity
    normal: Tensor = torch.special.ndtri(uniform.double().clamp(limit, 1 - limit))
    return normal


def _random_shape(layer: Layer, shape: Shape) -> Shape | None:
    """Return the shape of the random numbers that a layer needs for one sample; None if it needs none."""
    match layer:
        case Dropout(rate=amount) | SpatialDropout2D(rate=amount) | GaussianDropout(rate=amount):
            pass
        case GaussianNoise(stddev=amount):
            pass
        case _:
            return None
    if not amount:
        return None
    return shape if isinstance(layer, Dropout) else layer.random_shape(shape)


def draw_uniform(network: Network, seed: int, step: int, count: int, device: torch.device) -> dict[str, Tensor]:
    """Draw the uniform random numbers in [0, 1) that determine dropout and noise in one training step.

    They are drawn before the forward pass, so that torch.compile can compile the pass without a graph break.

    Args:
        network: The network.
        seed: The seed of the training run.
        step: The training step, from 0.
        count: The number of samples in the batch.
        device: The device to draw them on.

    Returns:
        One tensor for each layer that needs them by name, with the shape of its input, channels first.
    """
    uniform: dict[str, Tensor] = {}
    for index, node in enumerate(network.nodes):
        name = str(node.layer.name)
        shape = _random_shape(node.layer, node.shape)
        if shape is not None and name not in uniform:
            generator = torch.Generator(device)
            generator.manual_seed(int(np.random.SeedSequence([seed, step, index]).generate_state(1, np.uint64)[0]))
            drawn = torch.rand((count, *shape), generator=generator, device=device)
            uniform[name] = drawn.permute(0, 3, 1, 2) if drawn.ndim == 4 else drawn  # (N, H, W, C) → (N, C, H, W)
    return uniform
