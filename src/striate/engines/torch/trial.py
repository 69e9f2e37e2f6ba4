"""Measurements of a network on its device: the faster precision, and the batch size that fits in memory."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch

from striate._types import Array
from striate.engines.losses import Loss
from striate.engines.torch.device import mixed_precision
from striate.engines.trial import shortest_times
from striate.errors import TrainingError
from striate.network import Network

# Multiply-adds per image below which a network is trained in float32 on a CPU: bfloat16 hardly makes it faster.
CPU_MIN_MULTIPLY_ADDS = 5_000_000
MIN_MIXED_SPEEDUP = 1.1  # speedup from which mixed precision is chosen; it rounds more
MULTIPLY_ADDS = {"cpu": 10**10, "cuda": 10**11}  # multiply-adds of one measurement: enough to keep the device busy
MIN_IMAGES, MAX_IMAGES = 2, 64  # number of images in one measurement

Run = Callable[[Sequence[Array], Sequence[Array], str], None]


def faster_precision(network: Network, losses: Sequence[Loss], device: torch.device, run: Run) -> str:
    """Measure float32 and mixed precision, and return the faster.

    Args:
        network: The network.
        losses: One loss for each output.
        device: The device.
        run: Called as run(inputs, targets, precision); runs one forward and backward pass.

    Returns:
        "float32", "bfloat16" or "float16".
    """
    mixed = mixed_precision(device)
    if mixed == "float32" or (network.multiply_adds < CPU_MIN_MULTIPLY_ADDS and device.type == "cpu"):
        return "float32"
    count = min(MAX_IMAGES, max(MIN_IMAGES, MULTIPLY_ADDS[device.type] // network.multiply_adds))
    inputs = [np.zeros((count, *shape), np.uint8) for shape in network.input_shapes]
    targets = [_target(loss, (count, *s)) for loss, s in zip(losses, network.output_shapes, strict=True)]
    seconds = shortest_times({name: partial(run, inputs, targets, name) for name in ("float32", mixed)})
    return mixed if seconds[mixed] * MIN_MIXED_SPEEDUP < seconds["float32"] else "float32"


def _target(loss: Loss, shape: tuple[int, ...]) -> Array:
    return np.zeros(shape[0], np.int64) if loss.target_kind == "classes" else np.zeros(shape)


def out_of_memory(network: Network, device: torch.device, batch: int, run: Callable[[int], None]) -> TrainingError:
    """Return the error for a batch that does not fit in memory, with a batch size that fits.

    Args:
        network: The network.
        device: The device.
        batch: The number of images that did not fit.
        run: Called as run(n); runs a forward and backward pass with n images.

    Returns:
        The error to raise.
    """
    smaller = batch // 2
    while smaller:
        if device.type == "cuda":
            torch.cuda.empty_cache()
        try:
            run(smaller)
        except torch.OutOfMemoryError:
            smaller //= 2
            continue
        return TrainingError(
            f"A batch of {batch} images for '{network.name}' does not fit in the memory of {device}. "
            f"A batch of {smaller} fits: use batch_size={smaller}, or smaller images."
        )
    return TrainingError(
        f"Not even one image of a batch of {batch} for '{network.name}' fits in the memory of {device}. "
        "Use smaller images, a smaller network, or device='cpu'."
    )
