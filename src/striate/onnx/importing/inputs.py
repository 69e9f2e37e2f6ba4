"""The inputs of a graph: which axes are height, width and channels, and their sizes where the file leaves them open."""

from dataclasses import replace

from striate.onnx.graph import OnnxGraph, Sizes

IMAGE_CHANNELS = (1, 3, 4)  # by which a shape shows where its channels are
KEEP_AXES = {"Cast", "Identity", "Mul", "Add", "Sub", "Div", "Pad"}  # operators that do not reorder axes


def input_axes(graph: OnnxGraph, name: str, shape: Sizes) -> str:
    """Find out what the axes of an input mean.

    A Transpose that reads the input, perhaps after elementwise operators, decides. Where there is none, the sizes
    decide: 1, 3 or 4 are channels.

    Args:
        graph: The graph.
        name: The input.
        shape: Its declared shape with the batch, of two or four axes.

    Returns:
        The axes after the batch: "CHW", "HWC" or "F".
    """
    if len(shape) == 2:
        return "F"
    names, seen = [name], {name}
    while names:
        for node in graph.readers.get(names.pop(), ()):
            if node.kind == "Transpose":
                return "HWC" if node.attributes.get("perm") == (0, 3, 1, 2) else "CHW"
            if node.kind in KEEP_AXES and node.outputs[0] not in seen:
                seen.add(node.outputs[0])
                names.append(node.outputs[0])
    return "HWC" if shape[3] in IMAGE_CHANNELS and shape[1] not in IMAGE_CHANNELS else "CHW"


def with_image_size(graph: OnnxGraph, size: tuple[int, int]) -> OnnxGraph:
    """Return the graph with this height and width of its images where the file leaves them open."""
    inputs = {}
    for name, spec in graph.inputs.items():
        sizes = list(spec.shape or ())
        if len(sizes) == 4:
            first = 1 + input_axes(graph, name, tuple(sizes)).index("H")
            sizes[first : first + 2] = [n or given for n, given in zip(sizes[first : first + 2], size, strict=True)]
        inputs[name] = replace(spec, shape=tuple(sizes) if spec.shape else spec.shape)
    return replace(graph, inputs=inputs)
