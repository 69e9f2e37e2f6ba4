"""Which parts of an image contribute to the score of a class: Grad-CAM, occlusion, integrated gradients.

All three explain the score of a class before softmax or sigmoid (its logit): probabilities depend on the scores of all
classes, and their gradients vanish where the network is confident.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from striate._types import Array
from striate.arguments import check_integer, explain_arguments
from striate.errors import UsageError
from striate.explain.estimates import Attribution, Estimate, Occlusions, grad_cam_of, integrated_estimates
from striate.explain.scores import ClassScores, as_fill
from striate.explain.trace import AnyLayer, AnyModel, as_inputs, as_model, node_index
from striate.network import AveragePool2D, Dropout, MaxPool2D, Network, ZeroPadding2D

Progress = Callable[[int, int], object]
"""Called with the numbers of steps done and of all steps; an exception that it raises ends the computation."""


@explain_arguments
def grad_cam(
    model: AnyModel, image: Any, class_index: int | str | None = None, layer: AnyLayer | None = None
) -> Attribution:
    """Compute Grad-CAM: which regions of the last feature maps raise the score of a class.

    L = relu(Σ_k α_k A_k), where A_k is the feature map k, and α_k the mean of the gradient ∂y / ∂A_k over its pixels;
    y is the score before softmax. The map has the resolution of the layer, and shows only evidence for the class.

    Args:
        model: The model, or the path of a run folder, model file or ONNX file.
        image: The image, as for `Trace`.
        class_index: Number or name of the class; None for the predicted class.
        layer: A layer with feature maps; None for the last one with more than one pixel that is not a pooling.

    Returns:
        The map, resized to the image.

    Raises:
        UsageError: If the network has no feature maps, or there is no such class.
        NetworkError: If there is no such layer.
        DataError: If the image does not match the model.

    Example:
        >>> import striate as st
        >>> digits = st.data.load("mnist5k")
        >>> found = st.explain.grad_cam(st.zoo.build("lenet5"), digits.test.x[0], 7)
        >>> found.layer, found.maps.shape, found.values.shape
        ('C3', (10, 10), (28, 28))

    Source:
        Selvaraju et al. 2017, "Grad-CAM: Visual explanations from deep networks via gradient-based localization",
        equations 1 and 2.
    """
    model = as_model(model)
    scores = ClassScores(model)
    node = last_maps(model.network) if layer is None else node_index(model.network, layer)
    if len(model.network.nodes[node].shape) != 3:
        raise UsageError(f"{model.network.nodes[node].layer.label} has no feature maps (H, W, C) for Grad-CAM.")
    return grad_cam_of(scores, as_inputs(model, image), class_index, node)


def last_maps(network: Network) -> int:
    """Return the node of the last feature maps of more than one pixel, before poolings that follow.

    Args:
        network: The network.

    Returns:
        Its index.

    Raises:
        UsageError: If there is none after a convolution.
    """
    shapes = [node.shape for node in network.nodes]
    large = [index for index, shape in enumerate(shapes) if len(shape) == 3 and shape[:2] != (1, 1)]
    index = large[-1] if large else 0
    while isinstance(network.nodes[index].layer, MaxPool2D | AveragePool2D | Dropout | ZeroPadding2D):
        (index,) = network.nodes[index].inputs
    if not any(node.layer.window and not isinstance(node.layer, ZeroPadding2D) for node in network.nodes[: index + 1]):
        raise UsageError(f"'{network.name}' has no feature maps for Grad-CAM: use occlusion or integrated_gradients.")
    return index


@explain_arguments
def occlusion(
    model: AnyModel,
    image: Any,
    class_index: int | str | None = None,
    *,
    size: int | None = None,
    stride: int | None = None,
    fill: Any = None,
    progress: Progress | None = None,
) -> Attribution:
    """Cover one square of the image after another, and measure the decrease of the score of a class.

    Args:
        model: The model, or the path of a run folder, model file or ONNX file.
        image: The image, as for `Trace`.
        class_index: Number or name of the class; None for the predicted class.
        size: Side of the square in pixels; None for a fifth of the shorter side of the image.
        stride: Distance between positions in pixels; None for half of the side.
        fill: Color of the square: a number, or one for each channel; None for the mean color of the image.
        progress: Called with the numbers of positions done and of all positions.

    Returns:
        By how much the score falls: for each pixel, the mean over the positions that cover it. Below 0, the score
        rises.

    Raises:
        UsageError: If the square does not fit into the image, or there is no such class.
        DataError: If the image does not match the model.

    Example:
        >>> import striate as st
        >>> digits = st.data.load("mnist5k")
        >>> found = st.explain.occlusion(st.zoo.build("lenet5"), digits.test.x[0], 7, size=4, stride=4)
        >>> found.maps.shape, found.values.shape
        ((7, 7), (28, 28))

    Source:
        Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section 4.2.
    """
    model = as_model(model)
    scores = ClassScores(model)
    found = occlusions_of(scores, as_pixels(model, image), size, stride, fill)
    return _last(found.estimates(scores.number(class_index, found.scores)), progress)


def occlusions_of(
    scores: ClassScores, pixels: Array, size: int | None = None, stride: int | None = None, fill: Any = None
) -> Occlusions:
    """Return the occlusions of an image, which are not computed yet; the arguments are those of `occlusion`.

    Args:
        scores: The scores of the classes.
        pixels: The input of the network for one image.
        size: Side of the square; None for a fifth of the shorter side of the image.
        stride: Distance between positions; None for half of the side.
        fill: Color of the square; None for the mean color of the image.

    Returns:
        The occlusions.

    Raises:
        UsageError: If the square does not fit into the image.
    """
    shorter, maps = min(scores.size), scores.as_maps(pixels[0])
    side = max(1, round(shorter / 5)) if size is None else check_integer("size", size, 1)
    if side > shorter:
        raise UsageError(f"size must be at most {shorter}, the shorter side of the image; received {side}.")
    step = max(1, side // 2) if stride is None else check_integer("stride", stride, 1)
    color = as_fill(maps.mean(axis=(0, 1)) if fill is None else fill, maps.shape, "fill")
    return Occlusions(scores, pixels, side, step, color)


@explain_arguments
def integrated_gradients(
    model: AnyModel,
    image: Any,
    class_index: int | str | None = None,
    *,
    steps: int | None = None,
    baseline: Any = 0,
    progress: Progress | None = None,
) -> Attribution:
    """Attribute the difference between the scores of an image and of a baseline to the pixels.

    (x − x′) times the mean of the gradient ∂y / ∂x along the straight line from the baseline x′ to the image x, where y
    is the score before softmax. The sum of all values is y(x) − y(x′). The mean is computed by the midpoint rule; parts
    of the line where it disagrees with the difference of the scores at their ends are divided further.

    Args:
        model: The model, or the path of a run folder, model file or ONNX file.
        image: The image, as for `Trace`.
        class_index: Number or name of the class; None for the predicted class.
        steps: Number of gradients at equal distances. None: as many as are needed for a sum that is right to 1 %, at
            least 27 and at most 300.
        baseline: An image without information: a number (0 is black), one for each channel, or an image.
        progress: Called with the numbers of gradients done and of all that are planned so far.

    Returns:
        The values of the pixels.

    Raises:
        UsageError: If the baseline has another shape, or there is no such class.
        DataError: If the image does not match the model.

    Example:
        >>> import striate as st
        >>> digits = st.data.load("mnist5k")
        >>> found = st.explain.integrated_gradients(st.zoo.build("lenet5"), digits.test.x[0], 7)
        >>> bool(abs(found.values.sum() - (found.score - found.baseline_score)) <= 0.01 * abs(found.values.sum()))
        True

    Source:
        Sundararajan, Taly, Yan 2017, "Axiomatic attribution for deep networks", equations 1 and 3.
    """
    model = as_model(model)
    scores = ClassScores(model)
    pixels = as_pixels(model, image)
    start = as_fill(baseline, scores.as_maps(pixels[0]).shape, "baseline")
    count = None if steps is None else check_integer("steps", steps, 1)
    return _last(integrated_estimates(scores, pixels, class_index, scores.as_inputs(start[None])[0], count), progress)


def as_pixels(model: Any, image: Any) -> Array:
    """Return the only input of a model for one image, float32 with a batch axis."""
    (pixels,) = as_inputs(model, image)
    return np.asarray(pixels, np.float32)


def _last(estimates: Iterable[Estimate], progress: Progress | None) -> Attribution:
    """Return the last of some estimates, and report the progress."""
    found = None
    for estimate in estimates:
        found = estimate.found
        if progress:
            progress(estimate.done, estimate.total)
    assert found is not None
    return found
