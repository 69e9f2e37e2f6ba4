"""Targets of regression: standardized for training, and folded back into the last layer's weights."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from striate._types import Array, Weights
from striate.data import Dataset, Images
from striate.errors import NetworkError
from striate.network import Activation, Dropout, Flatten, GlobalAveragePool2D, Network


@dataclass(frozen=True, eq=False)
class TargetScaler:
    """Standardizes targets, so that values in any unit can be learned with the same learning rate.

    Attributes:
        mean: (T,).
        std: (T,), above 0.
    """

    mean: Array
    std: Array

    @classmethod
    def fit(cls, y: Array) -> "TargetScaler":
        """Fit a scaler.

        Args:
            y: Targets (N, T). One that never varies keeps its scale.

        Returns:
            The scaler.
        """
        std = y.std(axis=0, dtype=np.float64)
        return cls(y.mean(axis=0, dtype=np.float64), np.where(std > 1e-12 * np.abs(y).max(axis=0), std, 1.0))

    def standardize(self, data: Dataset) -> Dataset:
        """Standardize the targets of a data set.

        Args:
            data: The data set.

        Returns:
            The same images with targets of mean 0 and standard deviation 1 in the training part.
        """

        def scale(part: Images) -> Images:
            return replace(part, y=((part.y - self.mean) / self.std).astype(np.float32))

        return replace(data, train=scale(data.train), validation=scale(data.validation), test=scale(data.test))

    def fold(self, network: Network, weights: Mapping[str, Array]) -> Weights:
        """Change weights so that the network predicts values in place of standardized values.

        Args:
            network: Its output is linear.
            weights: By name.

        Returns:
            All weights, changed in the last layer.

        Raises:
            NetworkError: If the network does not end with a layer that has a kernel and a bias.
        """
        return _scale_outputs(network, weights, self.std, self.mean)

    def unfold(self, network: Network, weights: Mapping[str, Array]) -> Weights:
        """Change weights so that the network predicts standardized values; the inverse of `fold`.

        Args:
            network: Its output is linear.
            weights: By name.

        Returns:
            All weights, changed in the last layer.

        Raises:
            NetworkError: If the network does not end with a layer that has a kernel and a bias.
        """
        return _scale_outputs(network, weights, 1 / self.std, -self.mean / self.std)


def _scale_outputs(network: Network, weights: Mapping[str, Array], scale: Array, shift: Array) -> Weights:
    """Return weights with which each output y becomes scale · y + shift."""
    kernel, bias = last_parameters(network)
    changed = {kernel: weights[kernel] * scale, bias: weights[bias] * scale + shift}
    return dict(weights) | {key: value.astype(np.float32) for key, value in changed.items()}


def last_parameters(network: Network) -> tuple[str, str]:
    """Return the names of kernel and bias of the last layer, after which only means and copies of its outputs follow.

    Args:
        network: Its output is linear.

    Returns:
        The names.

    Raises:
        NetworkError: If that layer does not have both.
    """
    index = network.outputs[0]
    while isinstance(network.nodes[index].layer, Flatten | Dropout | GlobalAveragePool2D | Activation):
        (index,) = network.nodes[index].inputs
    name = str(network.nodes[index].layer.name)
    kernel, bias = f"{name}/kernel", f"{name}/bias"
    if not {kernel, bias} <= {parameter.name for parameter in network.parameters}:
        raise NetworkError(f"'{network.name}' cannot be trained for regression: '{name}' has no kernel and bias.")
    return kernel, bias
