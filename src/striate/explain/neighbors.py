"""The images of a data set that are most similar to one image, as the network sees them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from striate._types import Array
from striate.arguments import check_integer, explain_arguments
from striate.errors import DataError, UsageError
from striate.explain.attribution import Progress
from striate.explain.scores import check_output, make_part
from striate.explain.strongest import as_images
from striate.explain.trace import AnyModel, as_inputs, as_model
from striate.models import Model
from striate.network import Dropout, Network
from striate.network.outputs import needed_network
from striate.training import check_inputs
from striate.transfer.feature_output import with_features
from striate.transfer.open_set import unit_vectors

BATCH_SIZE = 64


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The nearest neighbors of an image in feature space.

    Attributes:
        layer: Name of the layer whose outputs are compared.
        indices: int64 (count,), numbers of the images, the nearest first.
        distances: float32 (count,), cosine distances of the features, from 0 (the same direction) to 2.
    """

    layer: str
    indices: Array
    distances: Array


@explain_arguments
def nearest_images(
    model: AnyModel, image: Any, images: Any, *, count: int = 9, progress: Progress | None = None
) -> Neighbors:
    """Find the images of a data set whose features are most similar to those of an image.

    The features are what the classifier at the end of the network reads. To compare many images with the same data
    set, compute its features once with `features`, and pass them in place of the images.

    Args:
        model: The model, or the path of a run folder, model file or ONNX file.
        image: The image, as for `Trace`.
        images: Images (N, H, W, C), a part of a data set such as `data.train`, or their features (N, F).
        count: Number of images.
        progress: Called with the numbers of images done and of all images; an exception that it raises ends the
            computation.

    Returns:
        The numbers of the nearest images, and their distances.

    Raises:
        DataError: If the images do not match the model.

    Example:
        >>> import striate as st
        >>> digits = st.data.load("mnist5k")
        >>> model = st.zoo.build("lenet5")
        >>> found = st.explain.nearest_images(model, digits.train.x[3], digits.train.x[:100])
        >>> int(found.indices[0])
        3
    """
    model = as_model(model)
    check_output(model)
    network = _features_network(model)
    size = network.output_shapes[0][0]
    known = as_images(images)
    if len(known.shape) == 2 and len(model.network.input_shapes[0]) == 3 and known.dtype.kind == "f":
        if known.shape[1] != size:
            raise DataError(f"Expected features (N, {size}), as `features` returns them; received {known.shape}.")
        rows = np.asarray(known)
    else:
        rows = features(model, known, progress=progress)
    own = make_part(model, network, gradients=False).forward(as_inputs(model, image))[0]
    distances = 1 - unit_vectors(rows) @ unit_vectors(own)[0]
    order = np.argsort(distances, kind="stable")[: check_integer("count", count, 1)]
    return Neighbors(_features_layer(model.network), order, distances[order].astype(np.float32))


@explain_arguments
def features(model: AnyModel, images: Any, *, progress: Progress | None = None) -> Array:
    """Compute the features of images: the inputs of the last layer with weights.

    Args:
        model: The model, or the path of a run folder, model file or ONNX file.
        images: Images (N, H, W, C), or a part of a data set.
        progress: As for `nearest_images`.

    Returns:
        float32 (N, F).

    Raises:
        DataError: If the images do not match the model.

    Example:
        >>> import striate as st
        >>> digits = st.data.load("mnist5k")
        >>> st.explain.features(st.zoo.build("lenet5"), digits.test.x[:10]).shape
        (10, 84)
    """
    model = as_model(model)
    check_output(model)
    (pixels,) = check_inputs(model.network, as_images(images))
    engine = make_part(model, _features_network(model), gradients=False)
    rows = []
    for start in range(0, len(pixels), BATCH_SIZE):
        batch = np.asarray(pixels[start : start + BATCH_SIZE])
        rows.append(engine.forward([batch])[0])
        if progress:
            progress(start + len(batch), len(pixels))
    return np.concatenate(rows)


def _features_network(model: Model) -> Network:
    """Return the part of a network that computes the features (F,) which its classifier reads."""
    both = with_features(model.network, _features_layer(model.network))
    entries = [(node.layer, node.inputs) for node in both.nodes]
    return needed_network(both.name, entries, both.inputs, both.outputs[1:])


def _features_layer(network: Network) -> str:
    """Return the layer whose output the last layer with weights reads, before dropout."""
    index = network.outputs[0]
    while not network.parameters_of(network.nodes[index]) and len(network.nodes[index].inputs) == 1:
        (index,) = network.nodes[index].inputs
    inputs = network.nodes[index].inputs
    while len(inputs) == 1 and isinstance(network.nodes[inputs[0]].layer, Dropout):
        inputs = network.nodes[inputs[0]].inputs
    if len(inputs) != 1:
        raise UsageError(f"'{network.name}' does not end with a layer with weights that reads features.")
    return str(network.nodes[inputs[0]].layer.name)
