"""Trials of a network on its device: which precision is the faster, and how large a batch the memory holds."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from striate._types import Array
from striate.engines.losses import CategoricalCrossentropy, Loss
from striate.engines.torch.device import candidate
from striate.errors import TrainingError
from striate.network import Network

LARGE = 20_000_000  # multiply-adds for one image, from which mixed precision is worth a trial on a CPU
WORK = {"cpu": 10**10, "cuda": 10**11}  # multiply-adds of a trial: long enough that the device is busy, not longer
IMAGES = 2, 64  # of a trial, at least and at most
ROUNDS = 3  # of which the first warms up
WORTH = 1.1  # mixed precision must be this many times faster to be chosen

Run = Callable[[Sequence[Array], Sequence[Array], str], None]


def faster_precision(network: Network, losses: Sequence[Loss], device: torch.device, run: Run) -> str:
    """Return the faster of float32 and mixed precision. run(inputs, targets, precision): one forward and backward."""
    mixed = candidate(device)
    if mixed == "float32" or (network.multiply_adds < LARGE and device.type == "cpu"):
        return "float32"
    least, most = IMAGES
    count = min(most, max(least, WORK[device.type] // network.multiply_adds))
    inputs = [np.zeros((count, *shape), np.uint8) for shape in network.input_shapes]
    targets = [_target(loss, (count, *s)) for loss, s in zip(losses, network.output_shapes, strict=True)]
    seconds: dict[str, list[float]] = {"float32": [], mixed: []}
    for _ in range(ROUNDS):  # in turn, so that whatever else the machine does disturbs both
        for precision, taken in seconds.items():
            began = time.perf_counter()
            run(inputs, targets, precision)
            taken.append(time.perf_counter() - began)
    exact, rough = (min(taken) for taken in seconds.values())
    return mixed if rough * WORTH < exact else "float32"


def _target(loss: Loss, shape: tuple[int, ...]) -> Array:
    return np.zeros(shape[0], np.int64) if isinstance(loss, CategoricalCrossentropy) else np.zeros(shape)


def out_of_memory(network: Network, device: torch.device, asked: int, run: Callable[[int], None]) -> TrainingError:
    """Return the error to raise after a batch of `asked` images. run(n): forward and backward with n of them."""
    fits = asked // 2
    while fits:
        if device.type == "cuda":
            torch.cuda.empty_cache()
        try:
            run(fits)
        except torch.OutOfMemoryError:
            fits //= 2
            continue
        return TrainingError(
            f"The memory of {device} does not hold a batch of {asked} images for '{network.name}'. "
            f"A batch of {fits} fits: use batch_size={fits}, or smaller images."
        )
    return TrainingError(
        f"The memory of {device} does not hold '{network.name}' with even one image of a batch of "
        f"{asked}. Use smaller images, a smaller network, or device='cpu'."
    )
