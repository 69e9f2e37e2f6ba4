"""The filters of a convolution as images, at the end of training and before."""

import os
from dataclasses import dataclass

import numpy as np

from striate._types import Array, Weights
from striate.arguments import explain_arguments
from striate.engines.initialization import initial_weights
from striate.errors import UsageError
from striate.explain.trace import AnyLayer, AnyModel, as_model, node_index
from striate.models import Model
from striate.network import Network
from striate.training import Run
from striate.training.run import read_json

SCRATCH = "scratch"


@dataclass(frozen=True, eq=False)
class Filters:
    """The filters of a convolution.

    Attributes:
        layer: Name of the layer.
        kernel: float32 (KH, KW, C / groups, O).
        step: Number of training steps before; None if not known, as for a trained model.
    """

    layer: str
    kernel: Array
    step: int | None = None

    def images(self, largest: float | None = None) -> Array:
        """Return the filters as images.

        Args:
            largest: The absolute weight that becomes white, or black if it is below 0; None for the largest one of the
                layer. Pass the same number for several stages of a training to compare them.

        Returns:
            float32 from 0 to 1, where medium gray, 0.5, is the weight 0; (O, KH, KW, C) if the filters read one
            channel or three, which are shown as red, green and blue; else (O, C, KH, KW, 1), one image for each channel
            that a filter reads.
        """
        largest = self.largest if largest is None else largest
        scaled = np.clip(0.5 + self.kernel / (2 * largest), 0, 1).astype(np.float32)
        if self.kernel.shape[2] in (1, 3):
            return scaled.transpose(3, 0, 1, 2)
        return scaled.transpose(3, 2, 0, 1)[..., None]

    @property
    def largest(self) -> float:
        """The largest absolute weight; 1 if all are 0."""
        return float(np.abs(self.kernel).max()) or 1.0


@explain_arguments
def filters(model: AnyModel, layer: AnyLayer | None = None) -> Filters:
    """Return the filters of a convolution.

    Args:
        model: The model, or the path of a run folder, model file or ONNX file.
        layer: The layer; None for the first convolution.

    Returns:
        The filters; `images()` returns them as images.

    Raises:
        NetworkError: If there is no such layer.
        UsageError: If the layer has no filters.

    Example:
        >>> import striate as st
        >>> found = st.explain.filters(st.zoo.build("lenet5"), "C1")
        >>> found.images().shape
        (6, 5, 5, 1)
    """
    model = as_model(model)
    name = _check_layer(model.network, layer)
    return Filters(name, model.engine.weights_of(name)["kernel"])


@explain_arguments
def training_filters(run: Run | str | os.PathLike[str], layer: AnyLayer | None = None) -> tuple[Filters, ...]:
    """Return the filters of a convolution before, during and after the training of a run.

    Args:
        run: The run, or its folder.
        layer: The layer; None for the first convolution.

    Returns:
        The filters in the order of training: the initial ones (step 0) of a network that was trained from scratch,
        those of the checkpoints that the run still has, and those of the trained model (step None).

    Raises:
        RunError: If there is no run in the folder.
        ModelFileError: If the run has no trained model yet.
        NetworkError: If there is no such layer.
        UsageError: If the layer has no filters.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    model = as_model(opened.path)
    return (*filters_before(opened, model, layer), filters(model, layer))


def filters_before(run: Run, model: Model, layer: AnyLayer | None = None) -> tuple[Filters, ...]:
    """Return the filters of a convolution before and during the training of a run.

    Args:
        run: The run.
        model: Its trained model.
        layer: The layer; None for the first convolution.

    Returns:
        The first of `training_filters`, without those of the trained model.

    Raises:
        NetworkError: If there is no such layer.
        UsageError: If the layer has no filters.
    """
    name = _check_layer(model.network, layer)
    stages: list[tuple[int | None, Weights]] = []
    if _trained_from_scratch(run):
        stages.append((0, initial_weights(model.network, run.recipe.seed)))
    stages += [(step, checkpoint.weights) for step, checkpoint in run.checkpoints.read_all()]
    shape = model.engine.weights_of(name)["kernel"].shape
    found = [Filters(name, weights[f"{name}/kernel"], step) for step, weights in stages if f"{name}/kernel" in weights]
    return tuple(item for item in found if item.kernel.shape == shape)


def _check_layer(network: Network, layer: AnyLayer | None) -> str:
    """Return the name of a layer with a kernel (KH, KW, C, O). Raise UsageError if it has none."""
    kernels = [p.name for p in network.parameters if p.name.endswith("/kernel") and len(p.shape) == 4]
    names = [name.removesuffix("/kernel") for name in kernels]
    if not names:
        raise UsageError(f"'{network.name}' has no convolution, so there are no filters.")
    if layer is None:
        return names[0]
    described = network.nodes[node_index(network, layer)].layer
    if described.name not in names:
        raise UsageError(f"{described.label} has no filters: expected a convolution, such as '{names[0]}'.")
    return str(described.name)


def _trained_from_scratch(run: Run) -> bool:
    """Return whether the training of a run began with initial weights, according to its config.json."""
    plan = read_json(run.path / "config.json").get("plan", {})
    return plan.get("method", SCRATCH) == SCRATCH and plan.get("weights") is None
