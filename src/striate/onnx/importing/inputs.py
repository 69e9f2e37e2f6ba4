"""The inputs of a graph: the meaning of their axes, and sizes that the file does not fix."""

from dataclasses import replace
from math import prod

from striate.onnx.graph import OnnxGraph, Sizes
from striate.onnx.importing.network_builder import LayerOutput

IMAGE_CHANNELS = (1, 3, 4)  # numbers by which the axis of channels is recognized
MAX_READERS = 64  # number of readers of an input that are followed
KEEP_AXES = {"Cast", "Identity", "Mul", "Add", "Sub", "Div", "Pad"}  # operators that do not reorder axes


def input_axes(graph: OnnxGraph, name: str, shape: Sizes) -> str:
    """Return the meaning of the axes of an input.

    A Transpose that reads the input, perhaps after elementwise operators, determines it. Without one, an axis of size
    1, 3 or 4 is that of the channels.

    Args:
        graph: The graph.
        name: The input.
        shape: Its declared shape with the batch, of two or four axes.

    Returns:
        The axes after the batch: "CHW", "HWC" or "F".
    """
    if len(shape) < 4:
        return "F" if len(shape) == 2 else "HW"
    names, seen = [name], {name}
    while names:
        for node in graph.readers.get(names.pop(), ()):
            if node.op_type == "Transpose":
                return "HWC" if node.attributes.get("perm") == (0, 3, 1, 2) else "CHW"
            if node.op_type in KEEP_AXES and node.outputs[0] not in seen:
                seen.add(node.outputs[0])
                names.append(node.outputs[0])
    return "HWC" if shape[3] in IMAGE_CHANNELS and shape[1] not in IMAGE_CHANNELS else "CHW"


def image_of_vector(graph: OnnxGraph, name: str, vector: LayerOutput) -> LayerOutput | None:
    """Return the images to which all readers of a vector reshape it, perhaps after elementwise operators.

    Args:
        graph: The graph.
        name: The input of the graph.
        vector: The input, (N, F).

    Returns:
        The same values as maps; None if it is used as a vector.
    """
    names, seen, images = [name], {name}, set()
    while names:
        for node in graph.readers.get(names.pop(), ()):
            if node.op_type == "Reshape":
                shape = graph.constants.get(node.inputs[1])
                images.add((node.outputs[0], () if shape is None else tuple(shape.reshape(-1).tolist()[1:])))
            elif node.op_type in KEEP_AXES - {"Pad"} and len(seen) < MAX_READERS:
                names += {node.outputs[0]} - seen
                seen.add(node.outputs[0])
            else:
                return None
    shapes = {shape for _, shape in images}
    if len(shapes) != 1:
        return None
    output, dims = next(iter(images))
    if len(dims) == 3 and -1 in dims and (known := -prod(dims)) > 0:
        dims = tuple(vector.dims[0] // known if size == -1 else size for size in dims)
    if len(dims) != 3 or min(dims) < 1 or prod(dims) != vector.dims[0]:
        return None
    return replace(vector, dims=dims, axes=input_axes(graph, output, (None, *dims)))


def with_image_size(graph: OnnxGraph, size: tuple[int, int]) -> OnnxGraph:
    """Set the size of the images in a graph that does not fix it.

    Args:
        graph: The graph.
        size: Height and width.

    Returns:
        The graph with this size in its inputs.
    """
    inputs = {}
    for name, spec in graph.inputs.items():
        sizes = list(spec.shape or ())
        if len(sizes) in (3, 4):
            first = 1 + input_axes(graph, name, tuple(sizes)).index("H")
            sizes[first : first + 2] = [n or given for n, given in zip(sizes[first : first + 2], size, strict=True)]
        inputs[name] = replace(spec, shape=tuple(sizes) if spec.shape else spec.shape)
    return replace(graph, inputs=inputs)
