"""The engine contract: the complete interface between engines and the other packages."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import count
from math import isfinite
from threading import RLock
from typing import Any, ClassVar, NoReturn, Protocol, TypeVar
from weakref import WeakSet

from striate._types import Array, Weights
from striate.arguments import check_number, describe
from striate.engines.losses import Loss
from striate.engines.optimizers import Optimizer
from striate.errors import UsageError, nearest
from striate.network import Network

PRECISIONS = ("float32", "bfloat16", "float16")  # dtypes of the forward and backward pass in training
T = TypeVar("T")


@dataclass(frozen=True)
class TrainingSettings:
    """How an engine trains a network. Raises UsageError for values out of range.

    Attributes:
        optimizer: The update rule.
        losses: One loss for each output of the network, in order.
        seed: Seed of dropout, 0 or more.
        global_clipnorm: Maximum of the norm of all gradients together, above 0; larger gradients are scaled down. None:
            no clipping other than that of the optimizer.
        ema_decay: Decay per step of a moving average of the weights, 0 to below 1; in the first steps
            (1 + step) / (10 + step) if that is smaller. None: no average, unless the optimizer has `use_ema`.
        frozen_layers: Names of layers whose weights and moving statistics do not change. They run in inference mode and
            have no gradients; the loss still includes the penalties on their weights.
        loss_weights: A factor for the loss of each output, in order; empty: all 1.
    """

    optimizer: Optimizer
    losses: Sequence[Loss]
    seed: int = 0
    global_clipnorm: float | None = None
    ema_decay: float | None = None
    frozen_layers: Collection[str] = ()
    loss_weights: Sequence[float] = ()

    def __post_init__(self) -> None:
        if self.global_clipnorm is None:
            object.__setattr__(self, "global_clipnorm", self.optimizer.global_clipnorm)
        if self.ema_decay is None:
            object.__setattr__(self, "ema_decay", self.optimizer.ema_decay)
        if self.global_clipnorm is not None and not check_number("global_clipnorm", self.global_clipnorm) > 0:
            raise UsageError(f"global_clipnorm must be above 0; received {self.global_clipnorm}.")
        if self.ema_decay is not None and not 0 <= check_number("ema_decay", self.ema_decay) < 1:
            raise UsageError(f"ema_decay must be at least 0 and below 1; received {self.ema_decay}.")
        for weight in self.loss_weights:
            if not isfinite(check_number("loss_weights", weight)):
                raise UsageError(f"loss_weights must be finite; received {weight}.")

    @property
    def weighted_losses(self) -> Sequence[tuple[Loss, float]]:
        """The loss of each output and its factor."""
        return list(zip(self.losses, self.loss_weights or [1.0] * len(self.losses), strict=True))

    def check(self, network: Network) -> None:
        """Check that the settings fit a network.

        Args:
            network: The network to train.

        Raises:
            UsageError: If the number of losses or of class weights does not match the outputs, a frozen layer does not
                exist, or all trainable layers are frozen.
        """
        if len(self.losses) != len(network.outputs):
            raise UsageError(
                f"Expected one loss for each of {len(network.outputs)} outputs, received {len(self.losses)}."
            )
        if self.loss_weights and len(self.loss_weights) != len(self.losses):
            raise UsageError(
                f"loss_weights: expected one for each of {len(self.losses)} outputs, received {len(self.loss_weights)}."
            )
        for loss, (*_, classes) in zip(self.losses, network.output_shapes, strict=True):
            weights = getattr(loss, "class_weights", None)
            if weights is not None and len(weights) != classes:
                raise UsageError(f"class_weights: expected one for each of {classes} classes, received {len(weights)}.")
        names = {str(node.layer.name) for node in network.nodes}
        for name in self.frozen_layers:
            if not isinstance(name, str):
                raise UsageError(f"frozen_layers must be names of layers; received {describe(name)}.")
            if name not in names:
                raise UsageError(f"frozen_layers: '{network.name}' has no layer '{name}'.{nearest(name, names)}")
        trainable = {parameter.name.rsplit("/", 1)[0] for parameter in network.parameters if parameter.trainable}
        if trainable and trainable <= set(self.frozen_layers):
            raise UsageError(
                f"frozen_layers contains all trainable layers of '{network.name}': leave at least one layer unfrozen."
            )


@dataclass(frozen=True)
class StepResult:
    """The result of one training step.

    Attributes:
        loss: Mean loss of the batch over all processes, weighted, penalties included, before the update.
        outputs: One array (N, …) for each output of the network, in training mode, before the update, for this
            process's samples.
    """

    loss: float
    outputs: tuple[Array, ...]


class AugmentationParameters(Protocol):
    """Augmentation of the images of one batch; implemented by `striate.data.AugmentationParameters`."""

    def apply(self, x: Array) -> Array:
        """Return the augmented images, computed with NumPy."""


_changes = count(1)
_engines: "WeakSet[Engine]" = WeakSet()


def _renew_locks() -> None:
    """Replace the locks in a forked process: threads that held them do not exist there."""
    for engine in list(_engines):
        engine._lock = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)


class Engine(ABC):
    """Base of all engines: a network with its weights on a device.

    Inputs are arrays (N, *input shape) of any real dtype, one for each input of the network. Targets are class numbers
    (N,) or arrays (N, *output shape), one for each output. All results are NumPy arrays, channels last.

    In distributed training, each process receives the samples rank, rank + world_size, … of every batch. All processes
    must call `train_step`, `sum_over_processes`, `broadcast` and `gather` in the same order.

    Attributes:
        name: The engine's name in `EngineSettings`.
        network: The network.
        dtype: Data type of the weights: "float32", or "float64" for tests.
        device: The device, for example "cuda:0".
        accelerator: The product name of the accelerator; None for a CPU.
        precision: Precision of the forward and backward pass in training; final after `compile`.
        rank: Rank of this process, from 0.
        world_size: Number of processes.
        changes: The number of the last training step or other change of the weights, counted over all engines.
        on_change: Called after each of them.
    """

    name: ClassVar[str]
    device: Any = "cpu"
    accelerator: str | None = None
    precision: str = "float32"
    rank: int = 0
    world_size: int = 1
    changes: int = 0
    on_change: Callable[[], None] | None = None
    _settings: TrainingSettings | None = None

    def __reduce__(self) -> NoReturn:
        raise UsageError(
            "An engine cannot be copied or pickled. Copy or pickle its model, or make another engine with its weights."
        )

    def __init__(self, network: Network, weights: Mapping[str, Array], *, dtype: str = "float32") -> None:
        self.network = network
        self.dtype = dtype
        self.changes = next(_changes)
        self._lock = RLock()  # held while weights change, or are read
        _engines.add(self)

    # State, which checkpoints save.

    @property
    @abstractmethod
    def weights(self) -> Weights:
        """Copies of all parameters by full name (`C1/kernel`), moving statistics included."""

    @weights.setter
    @abstractmethod
    def weights(self, weights: Mapping[str, Array]) -> None: ...

    @abstractmethod
    def weights_of(self, layer: str) -> Weights:
        """Copies of the parameters of one layer by variable (`kernel`); empty if it has none."""

    def _note_change(self) -> None:
        """Note a change of the weights; each engine calls it after a step, and when weights are set."""
        self.changes = next(_changes)
        if self.on_change:
            self.on_change()

    def _check_weights(self, weights: Mapping[str, Array]) -> None:
        """Raise UsageError if a parameter of the network is missing or has another shape."""
        for parameter in self.network.parameters:
            name = parameter.name
            if name not in weights or weights[name].shape != parameter.shape:
                received = weights[name].shape if name in weights else "nothing"
                raise UsageError(f"Weights of '{name}': expected shape {parameter.shape}, received {received}.")

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
        """Compute the outputs of one batch. No state is updated.

        Args:
            inputs: One array (N, …) for each input.
            training: Whether dropout is applied and the statistics of the batch are used.
            step: Decides the random numbers of dropout, with the seed.

        Returns:
            One array (N, …) for each output.
        """

    @abstractmethod
    def node_values(self, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """Compute the output of every node of the network in inference mode.

        Args:
            inputs: One array (N, …) for each input.

        Returns:
            One array (N, …) for each node, in order.
        """

    def activations(self, inputs: Sequence[Array]) -> dict[str, Array]:
        """Compute the output of every layer in inference mode.

        Args:
            inputs: One array (N, …) for each input.

        Returns:
            Arrays (N, …) by the name of the layer; for a shared layer, its last output.
        """
        nodes = zip(self.network.nodes, self.node_values(inputs), strict=True)
        return {str(node.layer.name): value for node, value in nodes}

    def node_gradients(
        self, inputs: Sequence[Array], output_gradients: Sequence[Array], nodes: Collection[int]
    ) -> dict[int, Array]:
        """Pass gradients of the outputs back to other nodes, in inference mode; no weight or state is changed.

        Args:
            inputs: One array (N, *input shape) for each input.
            output_gradients: One array (N, *output shape) for each output, the gradient of a score with respect to it.
            nodes: Indices of the nodes, for example those of the network's inputs.

        Returns:
            For each node the gradient of the score with respect to its output, (N, *shape of the node); 0 where the
            score does not depend on it.

        Raises:
            UsageError: If the engine computes no gradients.
        """
        raise UsageError(f"The engine '{self.name}' computes no gradients: use engine 'numpy' or 'torch'.")

    # Training.

    @abstractmethod
    def compile(self, settings: TrainingSettings) -> None:
        """Set how to train, and clear the slots.

        Args:
            settings: The settings.

        Raises:
            UsageError: If they do not fit the network.
        """

    @property
    def settings(self) -> TrainingSettings:
        """The settings that were passed to `compile`. Raises UsageError before."""
        if self._settings is None:
            raise UsageError("The engine is not compiled for training: call compile first.")
        return self._settings

    @property
    def _seed(self) -> int:
        """The seed of dropout; 0 before `compile`."""
        return self._settings.seed if self._settings else 0

    def augment(self, x: Array, parameters: AugmentationParameters) -> Any:
        """Augment images.

        Args:
            x: (N, H, W, C).
            parameters: The parameters of the changes.

        Returns:
            An array, or another type that this engine's `train_step` accepts.
        """
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
        sample_weights: Sequence[Array | None] = (),
    ) -> StepResult:
        """Update the weights once.

        Args:
            inputs: This process's samples.
            targets: Their targets.
            learning_rate: Learning rate of this step.
            step: The training step, from 0, not restarted per epoch; it determines dropout together with the seed.
            global_batch: Number of samples in all processes; None: the processes add up theirs.
            sample_weights: For each output, factors (N,) of the losses of the samples, or None; empty: all 1. The loss
                is divided by the number of samples, not by the sum of the weights.

        Returns:
            Loss and outputs before the update.

        Raises:
            UsageError: If `compile` was not called.
            TrainingError: If the batch does not fit in the memory of the device, or another process ended.
        """

    @abstractmethod
    def gradients(
        self,
        inputs: Sequence[Array],
        targets: Sequence[Array],
        *,
        training: bool = True,
        step: int = 0,
        sample_weights: Sequence[Array | None] = (),
    ) -> tuple[float, Weights]:
        """Compute the loss and its gradients without a step.

        Args:
            inputs: As in `train_step`.
            targets: As in `train_step`.
            training: As in `forward`.
            step: As in `forward`.
            sample_weights: As in `train_step`.

        Returns:
            The loss, penalties included, and its gradient for every trainable parameter that is not frozen.
        """

    # Communication between processes in distributed training.

    def sum_over_processes(self, values: Sequence[float]) -> list[float]:
        """Return each value summed over all processes."""
        return list(values)

    def broadcast(self, value: T) -> T:
        """Return the value that rank 0 passed."""
        return value

    def gather(self, rows: Array) -> Array:
        """Return the rows (N, …) of all processes, concatenated in the order of their ranks."""
        return rows
