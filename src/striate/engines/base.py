"""What an engine must do to run, train and give up the weights of a network."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

from striate._types import Array, Weights
from striate.engines.losses import Loss
from striate.engines.optimizers import Optimizer
from striate.errors import UsageError, nearest
from striate.network import Network

T = TypeVar("T")


class Changes(Protocol):
    """What augmentation does to the pictures of one batch: `striate.data.Changes`."""

    def apply(self, x: Array) -> Array:
        """The changed pictures, in NumPy."""


@dataclass(frozen=True)
class StepResult:
    """What one training step found.

    loss: mean over the batch (of all processes), penalties included, before the update.
    outputs: one array (N, …) for each output of the network, in training mode, before the update; of the samples
    that this process was given.
    """

    loss: float
    outputs: tuple[Array, ...]


class Engine(ABC):
    """One network with its weights, on one kind of hardware.

    Inputs are arrays of shape (N, *input shape) of any real dtype, one for each input of the network;
    targets are arrays (N,) of class numbers, or (N, *output shape), one for each output.
    All results are NumPy arrays, channels last.

    device: where it computes, as text, for example "cuda:0"; accelerator: its maker's name for it, None for the CPU.
    precision: of the forward and backward pass in training; known once it is compiled.
    Several processes may train together: each is given the samples rank, rank + world, … of every batch.
    """

    name: ClassVar[str]
    device: Any = "cpu"
    precision: str = "float32"
    accelerator: str | None = None
    rank: int = 0
    world_size: int = 1

    def __init__(self, network: Network, weights: Mapping[str, Array], *, dtype: str = "float32") -> None:
        self.network = network
        self.dtype = dtype

    @property
    @abstractmethod
    def weights(self) -> Weights:
        """Copies of all parameters by full name (`C1/kernel`), moving statistics included."""

    @weights.setter
    @abstractmethod
    def weights(self, weights: Mapping[str, Array]) -> None: ...

    @abstractmethod
    def compile(
        self,
        optimizer: Optimizer,
        losses: Sequence[Loss],
        *,
        seed: int = 0,
        clip_norm: float | None = None,
        average: float | None = None,
        frozen: Collection[str] = (),
    ) -> None:
        """Say how to train: one loss for each output. `seed` decides dropout. Clears the optimiser's slots.

        clip_norm: gradients whose norm, over all parameters together, is larger are shrunk to it.
        average: 0 to below 1; beside the weights, keep their moving average with this memory for each step. It and the
        moving statistics' average are slots (`C1/kernel/average`). Early on the memory is (1 + step) / (10 + step).
        frozen: names of layers that stay as they are, bit for bit: moving statistics too, for they work as in
        inference. They have no gradients, and the backward pass ends where nothing below learns. Penalties on their
        weights still count in the loss.
        """

    @property
    @abstractmethod
    def slots(self) -> Weights:
        """Copies of the optimiser's memory by name (`C1/kernel/momentum`); empty before the first step."""

    @slots.setter
    @abstractmethod
    def slots(self, slots: Mapping[str, Array]) -> None: ...

    def averaged(self) -> AbstractContextManager[None]:
        """Within it, the averaged weights stand in the place of the weights; without an average, nothing changes."""
        return nullcontext()

    @abstractmethod
    def forward(self, inputs: Sequence[Array], *, training: bool = False, step: int = 0) -> tuple[Array, ...]:
        """Outputs of one batch. `training` switches dropout and batch statistics; nothing is updated."""

    @abstractmethod
    def activations(self, inputs: Sequence[Array]) -> dict[str, Array]:
        """The output (N, …) of every layer by name, in inference mode; of a shared layer, its last use."""

    @abstractmethod
    def gradients(
        self, inputs: Sequence[Array], targets: Sequence[Array], *, training: bool = True, step: int = 0
    ) -> tuple[float, Weights]:
        """Loss (penalties included) and its gradient for every trainable parameter of layers that are not frozen."""

    @abstractmethod
    def train_step(
        self,
        inputs: Sequence[Array],
        targets: Sequence[Array],
        *,
        learning_rate: float,
        step: int,
        batch: int | None = None,
    ) -> StepResult:
        """One optimiser step. `step` counts from 0 over the whole training; with the seed it decides dropout.

        batch: how many samples the step has in all processes together; None: those given here.
        """

    def change(self, x: Array, changes: Changes) -> Any:
        """Pictures (N, H, W, C) changed by augmentation, in the form that this engine's train_step takes best."""
        return changes.apply(x)

    def total(self, values: Sequence[float]) -> list[float]:
        """Each value summed over all processes."""
        return list(values)

    def share(self, value: T) -> T:
        """The value that the first process has, in all of them."""
        return value

    def gather(self, rows: Array) -> Array:
        """The rows (N, …) of all processes, those of the first first."""
        return rows


def check_frozen(network: Network, frozen: Collection[str]) -> frozenset[str]:
    """Names of layers that training leaves as they are. Raises UsageError for unknown ones, and where none is left."""
    names = {str(node.layer.name) for node in network.nodes}
    for name in frozen:
        if name not in names:
            raise UsageError(f"frozen: '{network.name}' has no layer '{name}'.{nearest(name, names)}")
    learning = {parameter.name.rsplit("/", 1)[0] for parameter in network.parameters if parameter.trainable}
    if learning and learning <= set(frozen):
        raise UsageError(f"frozen holds all layers of '{network.name}' that can learn: leave one out.")
    return frozenset(frozen)
