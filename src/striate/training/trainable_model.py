"""The interface of a model for training and callbacks."""

import os
from typing import Protocol

from striate._types import Logs
from striate.engines.base import Engine
from striate.engines.losses import Loss
from striate.network import Network
from striate.training.live_optimizer import LiveOptimizer
from striate.training.metrics import MetricSet


class TrainableModel(Protocol):
    """The part of a model that training and callbacks use.

    Attributes:
        stop_training: A callback sets this to end the training.
        learning_rate: The optimizer's learning rate, before the schedule's factor.
        figures: Loss and metrics of the current weights.
        iterations: Number of steps done since the model was compiled.
        epochs_done: Number of epochs done since the model was compiled.
    """

    stop_training: bool
    learning_rate: float
    figures: Logs
    iterations: int
    epochs_done: int

    @property
    def network(self) -> Network:
        """The description of the network."""

    @property
    def engine(self) -> Engine:
        """The engine with the weights."""

    @property
    def optimizer(self) -> LiveOptimizer | None:
        """The optimizer; None before the model is compiled."""

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The loss of each output."""

    @property
    def reported(self) -> MetricSet:
        """The metrics that training reports besides the loss."""

    def save(self, path: str | os.PathLike[str], *, include_optimizer: bool = True) -> None:
        """Write the whole model to one file."""

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write the weights without the network."""
