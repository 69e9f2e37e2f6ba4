"""The engine contract: everything the rest of Striate may ask of an engine, on one page."""

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


@dataclass(frozen=True)
class TrainingSettings:
    """How an engine trains a network. Raises UsageError for values out of range.

    Attributes:
        optimizer: The update rule.
        losses: One for each output of the network, in their order.
        seed: 0 or more; with the step it decides what dropout drops.
        clip_norm: Above 0; gradients whose norm over all parameters together is larger are scaled down to it.
        average: 0 to below 1; keep a moving average of the weights with this decay per step. In the first steps the
            decay is (1 + step) / (10 + step) where that is smaller.
        frozen: Names of layers that keep their weights, moving statistics included, bit for bit. They work as in
            inference and have no gradients; penalties on their weights still count in the loss.
    """

    optimizer: Optimizer
    losses: Sequence[Loss]
    seed: int = 0
    clip_norm: float | None = None
    average: float | None = None
    frozen: Collection[str] = ()

    def __post_init__(self) -> None:
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise UsageError(f"clip_norm must be above 0; received {self.clip_norm}.")
        if self.average is not None and not 0 <= self.average < 1:
            raise UsageError(f"average must be at least 0 and below 1; received {self.average}.")

    def check(self, network: Network) -> None:
        """Check that the losses and frozen layers fit a network.

        Raises:
            UsageError: The number of losses or of class weights does not match the outputs, a frozen layer does not
                exist, or no layer is left to train.
        """
        if len(self.losses) != len(network.outputs):
            raise UsageError(f"Expected one loss for each of {len(network.outputs)} outputs, got {len(self.losses)}.")
        for loss, (*_, classes) in zip(self.losses, network.output_shapes, strict=True):
            weights = getattr(loss, "class_weights", None)
            if weights is not None and len(weights) != classes:
                raise UsageError(f"class_weights: expected one for each of {classes} classes, received {len(weights)}.")
        names = {str(node.layer.name) for node in network.nodes}
        for name in self.frozen:
            if name not in names:
                raise UsageError(f"frozen: '{network.name}' has no layer '{name}'.{nearest(name, names)}")
        trainable = {parameter.name.rsplit("/", 1)[0] for parameter in network.parameters if parameter.trainable}
        if trainable and trainable <= set(self.frozen):
            raise UsageError(
                f"frozen holds all layers of '{network.name}' that can be trained: leave at least one out."
            )


@dataclass(frozen=True)
class StepResult:
    """The result of one training step.

    Attributes:
        loss: Mean over the batch (of all processes), penalties included, before the update.
        outputs: One array (N, …) for each output of the network, in training mode, before the update, for the samples
            that this process was given.
    """

    loss: float
    outputs: tuple[Array, ...]


class AugmentationParameters(Protocol):
    """Augmentation of the images of one batch, as in `striate.data.AugmentationParameters`."""

    def apply(self, x: Array) -> Array:
        """Return the augmented images, computed with NumPy."""


class Engine(ABC):
    """A network with its weights on one kind of hardware.

    Inputs are arrays (N, *input shape) of any real dtype, one for each input of the network. Targets are class numbers
    (N,) or arrays (N, *output shape), one for each output. All results are NumPy arrays, channels last.

    Several processes may train together (`rank`, `world_size`). Each is given the samples rank, rank + world_size, …
    of every batch, and all of them must call `train_step`, `sum_over_processes`, `broadcast` and `gather` alike.

    Attributes:
        name: The engine's name in `EngineSettings`.
        network: The description.
        dtype: Of the weights: "float32", or "float64" for tests.
        device: Where it computes, for example "cuda:0".
        accelerator: The manufacturer's name for the device; None for a CPU.
        precision: Of the forward and backward pass in training; known once the engine is compiled.
        rank: This process's number, from 0.
        world_size: The number of processes that train together.
    """

    name: ClassVar[str]
    device: Any = "cpu"
    accelerator: str | None = None
    precision: str = "float32"
    rank: int = 0
    world_size: int = 1

    def __init__(self, network: Network, weights: Mapping[str, Array], *, dtype: str = "float32") -> None:
        self.network = network
        self.dtype = dtype

    # State: what a checkpoint keeps.

    @property
    @abstractmethod
    def weights(self) -> Weights:
        """Copies of all parameters by full name (`C1/kernel`), moving statistics included."""

    @weights.setter
    @abstractmethod
    def weights(self, weights: Mapping[str, Array]) -> None: ...

    @property
    @abstractmethod
    def slots(self) -> Weights:
        """Copies of the optimizer's state by name (`C1/kernel/momentum`, `C1/kernel/average`); empty before a step."""

    @slots.setter
    @abstractmethod
    def slots(self, slots: Mapping[str, Array]) -> None: ...

    def averaged(self) -> AbstractContextManager[None]:
        """Use the averaged weights in place of the weights inside a `with` block; no change without an average."""
        return nullcontext()

    # Inference.

    @abstractmethod
    def forward(self, inputs: Sequence[Array], *, training: bool = False, step: int = 0) -> tuple[Array, ...]:
        """Return the outputs of one batch. `training` turns on dropout and batch statistics; nothing is updated."""

    @abstractmethod
    def activations(self, inputs: Sequence[Array]) -> dict[str, Array]:
        """Return the output (N, …) of every layer by name, in inference mode; for a shared layer, of its last use."""

    # Training.

    @abstractmethod
    def compile(self, settings: TrainingSettings) -> None:
        """Set how to train and clear the slots. Raises UsageError for settings that do not fit the network."""

    def augment(self, x: Array, parameters: AugmentationParameters) -> Any:
        """Return augmented images (N, H, W, C), in the form that this engine's `train_step` takes fastest."""
        return parameters.apply(x)

    @abstractmethod
    def train_step(
        self,
        inputs: Sequence[Array],
        targets: Sequence[Array],
        *,
        learning_rate: float,
        step: int,
        global_batch: int | None = None,
    ) -> StepResult:
        """Update the weights once.

        Args:
            inputs: This process's samples.
            targets: Their targets.
            learning_rate: Of this step.
            step: Counts from 0 over the whole training; with the seed it decides what dropout drops.
            global_batch: How many samples the step has in all processes together; None: those given here.

        Returns:
            Loss and outputs before the update.
        """

    @abstractmethod
    def gradients(
        self, inputs: Sequence[Array], targets: Sequence[Array], *, training: bool = True, step: int = 0
    ) -> tuple[float, Weights]:
        """Return the loss (penalties included) and its gradient for every trainable parameter that is not frozen."""

    # Communication between processes that train together; trivial where there is only one.

    def sum_over_processes(self, values: Sequence[float]) -> list[float]:
        """Return each value summed over all processes."""
        return list(values)

    def broadcast(self, value: T) -> T:
        """Return the value that rank 0 has, in all processes."""
        return value

    def gather(self, rows: Array) -> Array:
        """Return the rows (N, …) of all processes in order of rank."""
        return rows
