"""What goes into a graph: which axes of its inputs are height, width and channels, and their sizes where open."""

from collections import defaultdict
from dataclasses import replace

from striate.onnx.importing.graph import Graph, Operation

Sizes = tuple[int | None, ...]
PICTURES = (1, 3, 4)  # channels by which a shape shows where they are
LOOKED_THROUGH = {"Cast", "Identity", "Mul", "Add", "Sub", "Div", "Pad"}  # on the way to what tells the order of axes


def axes_of(graph: Graph, name: str, shape: Sizes) -> str:
    """The axes of an input after the batch: "CHW", "HWC" or "F".

    Known by what reads it, a Transpose to (N, C, H, W) or not; where that does not tell, by which looks like channels.
    """
    if len(shape) == 2:
        return "F"
    readers: dict[str, list[Operation]] = defaultdict(list)
    for operation in graph.operations:
        for source in operation.inputs:
            readers[source].append(operation)
    names, seen = [name], {name}
    while names:
        for operation in readers[names.pop()]:
            if operation.kind == "Transpose":
                return "HWC" if operation.attributes.get("perm") == (0, 3, 1, 2) else "CHW"
            if operation.kind in LOOKED_THROUGH and operation.outputs[0] not in seen:
                seen.add(operation.outputs[0])
                names.append(operation.outputs[0])
    return "HWC" if shape[3] in PICTURES and shape[1] not in PICTURES else "CHW"


def with_size(graph: Graph, size: tuple[int, int]) -> Graph:
    """The graph with this height and width of its pictures where they were open."""
    inputs = {}
    for name, door in graph.inputs.items():
        sizes = list(door.shape or ())
        if len(sizes) == 4:
            first = 1 + axes_of(graph, name, tuple(sizes)).index("H")
            sizes[first : first + 2] = [n or given for n, given in zip(sizes[first : first + 2], size, strict=True)]
        inputs[name] = replace(door, shape=tuple(sizes) if door.shape else door.shape)
    return replace(graph, inputs=inputs)
