"""Which parts of an image speak for a class: Grad-CAM, occlusion, integrated gradients.

All three explain the score of a class before softmax or sigmoid (its logit): probabilities depend on the scores of all
classes, and their gradients vanish where the network is certain.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from striate._types import Array
from striate.arguments import check_integer, explain_arguments
from striate.engines.base import Engine
from striate.errors import UsageError
from striate.explain.scores import (
    after,
    as_fill,
    check_class,
    check_output,
    logits_network,
    make_part,
    resize,
)
from striate.explain.trace import AnyLayer, AnyModel, as_inputs, as_model, node_index
from striate.models import Model
from striate.network import (
    AveragePool2D,
    Dropout,
    MaxPool2D,
    Network,
    ZeroPadding2D,
)

Progress = Callable[[int, int], object]
"""Called with the numbers of steps done and of all steps; an exception that it raises ends the computation."""
BATCH_SIZE = 16
MIN_STEPS, MAX_STEPS = 27, 300  # of integrated gradients
COMPLETENESS = 0.005  # of integrated gradients, relative; half of what is promised


@dataclass(frozen=True, eq=False)
class Attribution:
    """How much each pixel of an image speaks for a class.

    Attributes:
        method: "grad_cam", "occlusion" or "integrated_gradients".
        values: float32 (H, W), the size of the image. Grad-CAM: 0 or more, without a unit. Occlusion: by how much the
            score falls if the pixel is covered. Integrated gradients: the part of the score that the pixel accounts
            for, summed over its channels.
        class_index: Number of the class.
        score: Its score before softmax.
        layer: The layer of Grad-CAM; None for other methods.
        maps: For Grad-CAM float32 (h, w), in the resolution of its layer; for integrated gradients float32 (H, W, C),
            the channels apart; for occlusion float32 (h, w), for each position of the square.
        baseline_score: For integrated gradients, the score of the baseline, else None: `values` sum up to
            score − baseline_score.
        steps: For integrated gradients, the number of gradients, else None.
    """

    method: str
    values: Array
    class_index: int
    score: float
    layer: str | None
    maps: Array
    baseline_score: float | None = None
    steps: int | None = None

    def __repr__(self) -> str:
        size = "×".join(map(str, self.values.shape))
        return f"<Attribution by {self.method}: {size}, class {self.class_index} with score {self.score:.4g}>"


@explain_arguments
def grad_cam(
    model: AnyModel, image: Any, class_index: int | str | None = None, layer: AnyLayer | None = None
) -> Attribution:
    """Compute Grad-CAM: which regions of the last feature maps raise the score of a class.

    L = relu(Σ_k α_k A_k), where A_k is the feature map k, and α_k the mean of the gradient ∂y / ∂A_k over its pixels;
    y is the score before softmax. The map is as coarse as the layer, and shows only what speaks for the class.

    Args:
        model: The model, or the path of a run folder, model file or ONNX file.
        image: The image, as for `Trace`.
        class_index: Number or name of the class; None for the predicted class.
        layer: A layer with feature maps; None for the last one with more than one pixel that is not a pooling.

    Returns:
        The map, resized to the image.

    Raises:
        UsageError: The network has no feature maps, or there is no such class.
        NetworkError: There is no such layer.
        DataError: The image does not match the model.

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
    check_output(model)
    node = last_maps(model.network) if layer is None else node_index(model.network, layer)
    if len(model.network.nodes[node].shape) != 3:
        raise UsageError(f"{model.network.nodes[node].layer.label} has no feature maps (H, W, C) for Grad-CAM.")
    inputs = as_inputs(model, image)
    maps, scores, number, gradient = _maps_and_gradient(model, inputs, class_index, node)
    cam = np.maximum(maps[0] @ gradient[0].mean(axis=(0, 1)), 0)
    height, width = _size(model.network)
    name = str(model.network.nodes[node].layer.name)
    return Attribution("grad_cam", resize(cam, height, width), number, float(scores[0, number]), name, cam)


def _maps_and_gradient(
    model: Model, inputs: Sequence[Array], class_index: int | str | None, node: int
) -> tuple[Array, Array, int, Array]:
    """Return the maps of a node (1, H, W, C), all scores (1, K), the number of the class, and its gradient."""
    network = logits_network(model.network, node)
    rest = after(network, network.outputs[1])
    if rest is not None:  # only the layers behind the maps are differentiated
        engine = make_part(model, rest, gradients=True)
        maps = model.engine.node_values(inputs)[node]
        (scores,) = engine.forward([maps])
        number = check_class(model, class_index, scores[0])
        return maps, scores, number, engine.node_gradients([maps], [_one_hot(scores, number)], [0])[0]
    engine = make_part(model, network, gradients=True)
    scores, maps = engine.forward(inputs)
    number = check_class(model, class_index, scores[0])
    seeds = [_one_hot(scores, number), np.zeros_like(maps)]
    found = engine.node_gradients(inputs, seeds, network.outputs[1:])
    return maps, scores, number, found[network.outputs[1]]


def last_maps(network: Network) -> int:
    """Return the node of the last feature maps of more than one pixel, before poolings that follow.

    Args:
        network: The network.

    Returns:
        Its index.

    Raises:
        UsageError: There is none after a convolution.
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
    """Cover one square of the image after another, and measure by how much the score of a class falls.

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
        UsageError: The square does not fit into the image, or there is no such class.
        DataError: The image does not match the model.

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
    check_output(model)
    (pixels,) = (x.astype(np.float32) for x in as_inputs(model, image))
    height, width = _size(model.network)
    first = _channels_first(model.network)
    side = max(1, round(min(height, width) / 5)) if size is None else check_integer("size", size, 1)
    if side > min(height, width):
        raise UsageError(f"size must be at most {min(height, width)}, the shorter side of the image; received {side}.")
    step = max(1, side // 2) if stride is None else check_integer("stride", stride, 1)
    maps = pixels[0].transpose(1, 2, 0) if first else pixels[0]
    color = as_fill(maps.mean(axis=(0, 1)) if fill is None else fill, maps.shape, "fill")
    engine = make_part(model, logits_network(model.network), gradients=False)
    scores = engine.forward([pixels])[0][0]
    number = check_class(model, class_index, scores)
    places = [(y, x) for y in _positions(height, side, step) for x in _positions(width, side, step)]
    falls = np.zeros(len(places), np.float32)
    for start in range(0, len(places), BATCH_SIZE):
        batch = places[start : start + BATCH_SIZE]
        covered = np.repeat(maps[None], len(batch), axis=0)
        for row, (y, x) in zip(covered, batch, strict=True):
            row[y : y + side, x : x + side] = color[y : y + side, x : x + side]
        found = engine.forward([covered.transpose(0, 3, 1, 2) if first else covered])[0]
        falls[start : start + len(batch)] = scores[number] - found[:, number]
        if progress:
            progress(start + len(batch), len(places))
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for fall, (y, x) in zip(falls, places, strict=True):
        total[y : y + side, x : x + side] += fall
        count[y : y + side, x : x + side] += 1
    values = (total / np.maximum(count, 1)).astype(np.float32)
    grid = falls.reshape(len(_positions(height, side, step)), -1)
    return Attribution("occlusion", values, number, float(scores[number]), None, grid)


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
    """Divide the difference between the scores of an image and of a baseline among the pixels.

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
        UsageError: The baseline has another shape, or there is no such class.
        DataError: The image does not match the model.

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
    check_output(model)
    (pixels,) = (x.astype(np.float32) for x in as_inputs(model, image))
    first = _channels_first(model.network)
    shape = model.network.nodes[model.network.inputs[0]].shape
    start = as_fill(baseline, shape, "baseline")
    start = start.transpose(2, 0, 1) if first else start
    engine = make_part(model, logits_network(model.network), gradients=True)
    scores, base = engine.forward([np.concatenate([pixels, start[None]])])[0]
    number = check_class(model, class_index, scores)
    line = _Line(engine, start, pixels[0], number)
    line.divide([(0.0, 1.0)], MIN_STEPS if steps is None else check_integer("steps", steps, 1), progress)
    difference = float(scores[number] - base[number])
    while steps is None and len(line.pieces) < MAX_STEPS:
        errors = line.errors()
        if abs(sum(errors.values())) <= COMPLETENESS * abs(difference):
            break
        worst = sorted(errors, key=lambda piece: -abs(errors[piece]))
        line.divide(worst[: max(1, len(worst) // 8)], 3, progress)
    delta = pixels[0] - start
    parts = (delta.transpose(1, 2, 0) if first else delta) * line.mean_gradient()
    values = parts.sum(axis=2).astype(np.float32)
    return Attribution(
        "integrated_gradients", values, number, float(scores[number]), None, parts.astype(np.float32),
        float(base[number]), len(line.pieces),
    )  # fmt: skip


class _Line:
    """The gradient of a score along the line between two inputs, in pieces with the gradient at the middle of each.

    Attributes:
        pieces: The gradient (H, W, C) in the middle of each piece, by the ends of the piece, from 0 to 1.
    """

    def __init__(self, engine: Engine, start: Array, end: Array, number: int) -> None:
        self.engine, self.start, self.end, self.number = engine, start, end, number
        self.pieces: dict[tuple[float, float], Array] = {}
        self.scores: dict[float, float] = {}

    def _points(self, places: Sequence[float]) -> Array:
        points: Array = self.start + np.array(places, np.float32).reshape(-1, 1, 1, 1) * (self.end - self.start)
        return points

    def divide(self, pieces: Sequence[tuple[float, float]], count: int, progress: Progress | None) -> None:
        """Divide pieces into `count` equal ones. The middle one of three has the gradient of the whole piece."""
        new: list[tuple[float, float]] = []
        for low, high in pieces:
            known = self.pieces.pop((low, high), None)
            edges = np.linspace(low, high, count + 1).tolist()
            parts = list(pairwise(edges))
            if known is not None and count % 2:
                self.pieces[parts.pop(count // 2)] = known
            new += parts
        node = self.engine.network.inputs[0]
        planned = len(self.pieces) + len(new)
        for first in range(0, len(new), BATCH_SIZE):
            batch = new[first : first + BATCH_SIZE]
            inputs = self._points([(low + high) / 2 for low, high in batch])
            seed = np.zeros((len(batch), *self.engine.network.output_shapes[0]), np.float32)
            seed[:, self.number] = 1
            self.pieces.update(zip(batch, self.engine.node_gradients([inputs], [seed], [node])[node], strict=True))
            if progress:
                progress(len(self.pieces), planned)

    def errors(self) -> dict[tuple[float, float], float]:
        """Return for each piece the integral by the midpoint rule minus the difference of the scores at its ends."""
        missing = sorted({place for piece in self.pieces for place in piece} - self.scores.keys())
        for first in range(0, len(missing), BATCH_SIZE):
            batch = missing[first : first + BATCH_SIZE]
            found = self.engine.forward([self._points(batch)])[0][:, self.number]
            self.scores.update(zip(batch, found.tolist(), strict=True))
        delta = self.end - self.start
        if delta.shape != next(iter(self.pieces.values())).shape:
            delta = delta.transpose(1, 2, 0)
        return {
            (low, high): float((gradient * delta).sum(dtype=np.float64)) * (high - low)
            - (self.scores[high] - self.scores[low])
            for (low, high), gradient in self.pieces.items()
        }

    def mean_gradient(self) -> Array:
        """Return the mean of the gradient (H, W, C) over the line, float64."""
        total: Array = np.zeros(next(iter(self.pieces.values())).shape)
        for low, high in sorted(self.pieces):
            total += (high - low) * self.pieces[low, high]
        return total


def _one_hot(scores: Array, number: int) -> Array:
    seed = np.zeros_like(scores)
    seed[:, number] = 1
    return seed


def _positions(length: int, side: int, step: int) -> list[int]:
    """Return the positions of a square along an axis; the last one ends at the border."""
    return [*range(0, length - side, step), length - side]


def _size(network: Network) -> tuple[int, int]:
    height, width, _ = network.nodes[network.inputs[0]].shape
    return height, width


def _channels_first(network: Network) -> bool:
    return getattr(network.nodes[network.inputs[0]].layer, "data_format", "") == "channels_first"
