"""Replace functions that consist of several operators by ONNX's operators for them.

If the opset of a file has no operator for a function, exporters write it as products and sums. Such parts of a graph
become Gelu, Mish, Softplus, LayerNormalization and LpNormalization, for which there are rules.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import pi, sqrt
from typing import Any

from striate._types import Array
from striate.network.activations import GELU_CUBIC
from striate.onnx.graph import OnnxGraph, OnnxNode, is_close

MAX_FACTORS = 4  # operators after Erf or Tanh in which the rest of the function is searched
UNCHANGED = ("Cast", "Identity", "CastLike")  # operators through which a constant is followed
MAX_FOLLOWED = 4


def canonicalize(graph: OnnxGraph) -> OnnxGraph:
    """Return an equivalent graph with ONNX's operators for the functions above.

    Args:
        graph: The graph.

    Returns:
        The graph, without nodes that no output needs.
    """
    rewriter = _Rewriter(graph)
    for node in graph.nodes:
        for rewrite in REWRITES.get(node.op_type, ()):
            found = rewrite(rewriter, node)
            if found is not None:
                rewriter.replaced[found.outputs[0]] = found
                break
    if not rewriter.replaced:
        return graph
    nodes = [rewriter.replaced.get(node.outputs[0], node) for node in graph.nodes]
    return replace(graph, nodes=tuple(nodes)).without_unused_nodes()


@dataclass(eq=False)
class _Rewriter:
    """A graph, the producers of its tensors, and the nodes that replace others, by the name of their output."""

    graph: OnnxGraph
    producers: dict[str, OnnxNode] = field(default_factory=dict)
    replaced: dict[str, OnnxNode] = field(default_factory=dict)

    outputs: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.outputs = frozenset(self.graph.outputs)
        self.producers = {name: node for node in self.graph.nodes for name in node.outputs if name}

    def producer(self, name: str, *op_types: str) -> OnnxNode | None:
        """Return the node whose output a tensor is, if it is one of these operators."""
        node = self.replaced.get(name) or self.producers.get(name)
        return node if node is not None and node.op_type in op_types else None

    def only_reader(self, name: str) -> OnnxNode | None:
        """Return the only node that reads a tensor; None if there are several, or if the tensor is an output."""
        readers = self.graph.readers.get(name, ())
        return readers[0] if len(readers) == 1 and name not in self.outputs else None

    def constant(self, name: str) -> Array | None:
        """Return a constant, also through conversions; None for other tensors."""
        for _ in range(MAX_FOLLOWED):
            if name in self.graph.constants:
                return self.graph.constants[name]
            node = self.producer(name, *UNCHANGED)
            if node is None:
                return None
            name = node.inputs[0]
        return None

    def number(self, name: str) -> float | None:
        """Return a constant of one number; None for other tensors."""
        array = self.constant(name)
        return float(array.reshape(-1)[0]) if array is not None and array.size == 1 else None

    def is_number(self, name: str, expected: float) -> bool:
        """Return whether a tensor is this constant, up to rounding."""
        return is_close(self.number(name), expected)

    def scaled(self, name: str) -> Iterator[tuple[float, str]]:
        """Yield ways to write a tensor as number · tensor."""
        node = self.producer(name, "Mul", "Div")
        if node is not None:
            first, second = (self.number(source) for source in node.inputs)
            if second is not None and (node.op_type == "Mul" or second):
                yield (second if node.op_type == "Mul" else 1 / second), node.inputs[0]
            elif first is not None and node.op_type == "Mul":
                yield first, node.inputs[1]
        yield 1.0, name

    def plus(self, node: OnnxNode | None, number: float) -> str | None:
        """Return x for a node x + number."""
        if node is None or node.op_type != "Add":
            return None
        first, second = node.inputs
        return first if self.is_number(second, number) else second if self.is_number(first, number) else None

    def is_power(self, name: str, x: str, power: int) -> bool:
        """Return whether a tensor is x to a power of 1 to 3."""
        if power == 1:
            return name == x
        node = self.producer(name, "Pow", "Mul")
        if node is None:
            return False
        first, second = node.inputs
        if node.op_type == "Pow":
            return first == x and self.is_number(second, power)
        return any(one == x and self.is_power(other, x, power - 1) for one, other in ((first, second), (second, first)))

    def integers(self, node: OnnxNode, index: int, attribute: str) -> tuple[int, ...] | None:
        """Return a setting that is an input in newer files and an attribute in older ones, None if unknown."""
        if len(node.inputs) > index and node.inputs[index]:
            array = self.constant(node.inputs[index])
            return None if array is None else tuple(array.reshape(-1).tolist())
        values = node.attributes.get(attribute)
        return None if values is None else tuple(values)

    def product_with(self, t: str, x: str, coefficient: float) -> str | None:
        """Return the tensor coefficient · t · x that the readers of t compute, in any order."""
        found, scale, multiplied = t, 1.0, False
        for _ in range(MAX_FACTORS):
            reader = self.only_reader(found)
            if reader is None or reader.op_type not in ("Mul", "Div"):
                return None
            other = reader.inputs[1] if reader.inputs[0] == found else reader.inputs[0]
            number = self.number(other)
            if number is not None and (reader.op_type == "Mul" or (number and reader.inputs[0] == found)):
                scale *= number if reader.op_type == "Mul" else 1 / number
            elif not multiplied and reader.op_type == "Mul":
                factors = [factor for factor, source in self.scaled(other) if source == x]
                if not factors:
                    return None
                scale, multiplied = scale * factors[0], True
            else:
                return None
            found = reader.outputs[0]
            if multiplied and is_close(scale, coefficient):
                return found
        return None


def _new_node(op_type: str, like: OnnxNode, output: str, *inputs: str, **attributes: Any) -> OnnxNode:
    """Return a node with the name of the node that it replaces."""
    return OnnxNode(op_type, "", like.name, inputs, (output,), attributes)


def _one_plus(rewriter: _Rewriter, name: str) -> str | None:
    """Return 1 + tensor, which its only reader computes."""
    reader = rewriter.only_reader(name)
    return reader.outputs[0] if reader is not None and rewriter.plus(reader, 1.0) == name else None


def _exact_gelu(rewriter: _Rewriter, node: OnnxNode) -> OnnxNode | None:
    """Find x · (1 + erf(x / √2)) / 2."""
    sum_name = _one_plus(rewriter, node.outputs[0])
    for scale, x in rewriter.scaled(node.inputs[0]):
        if sum_name and is_close(scale, sqrt(0.5)):
            output = rewriter.product_with(sum_name, x, 0.5)
            return None if output is None else _new_node("Gelu", node, output, x, approximate="none")
    return None


def _tanh_gelu(rewriter: _Rewriter, node: OnnxNode) -> OnnxNode | None:
    """Find x · (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2."""
    sum_name = _one_plus(rewriter, node.outputs[0])
    for scale, inner in rewriter.scaled(node.inputs[0]):
        x = _with_cubic_term(rewriter, inner)
        if sum_name and x and is_close(scale, sqrt(2 / pi)):
            output = rewriter.product_with(sum_name, x, 0.5)
            return None if output is None else _new_node("Gelu", node, output, x, approximate="tanh")
    return None


def _with_cubic_term(rewriter: _Rewriter, name: str) -> str | None:
    """Return x where the tensor is x + 0.044715 x³, or x · (1 + 0.044715 x²)."""
    node = rewriter.producer(name, "Add", "Mul")
    if node is None:
        return None
    first, second = node.inputs
    for x, other in ((first, second), (second, first)):
        if node.op_type == "Add":
            term, power = other, 3
        else:
            term, power = rewriter.plus(rewriter.producer(other, "Add"), 1.0) or "", 2
        scaled = rewriter.scaled(term) if term else ()
        if any(is_close(c, GELU_CUBIC) and rewriter.is_power(base, x, power) for c, base in scaled):
            return x
    return None


def _mish(rewriter: _Rewriter, node: OnnxNode) -> OnnxNode | None:
    """Find x · tanh(softplus(x))."""
    softplus = rewriter.producer(node.inputs[0], "Softplus")
    if softplus is None:
        return None
    output = rewriter.product_with(node.outputs[0], softplus.inputs[0], 1.0)
    return None if output is None else _new_node("Mish", node, output, softplus.inputs[0])


def _softplus(rewriter: _Rewriter, node: OnnxNode) -> OnnxNode | None:
    """Find log(1 + e^x)."""
    exponential = rewriter.plus(rewriter.producer(node.inputs[0], "Add"), 1.0)
    found = rewriter.producer(exponential, "Exp") if exponential else None
    return None if found is None else _new_node("Softplus", node, node.outputs[0], found.inputs[0])


def _layer_normalization(rewriter: _Rewriter, node: OnnxNode) -> OnnxNode | None:
    """Find (x − mean) / √(variance + ε), from its Div; factors and summands after it become gamma and beta."""
    root = rewriter.producer(node.inputs[1], "Sqrt")
    addition = rewriter.producer(root.inputs[0], "Add") if root else None
    if addition is None:
        return None
    for variance, epsilon in (addition.inputs, addition.inputs[::-1]):
        reduction, number = rewriter.producer(variance, "ReduceMean"), rewriter.number(epsilon)
        if reduction is None or number is None:
            continue
        square = rewriter.producer(reduction.inputs[0], "Pow", "Mul")
        deviation = square.inputs[0] if square else ""
        if not square or not rewriter.is_power(reduction.inputs[0], deviation, 2):
            continue
        x, axes = _find_centered(rewriter, deviation)
        same = x is not None and (x, axes) == _find_centered(rewriter, node.inputs[0])
        if same and axes and rewriter.integers(reduction, 1, "axes") == axes:
            return _new_node("LayerNormalization", node, node.outputs[0], x or "", axes=axes, epsilon=number)
    return None


def _find_centered(rewriter: _Rewriter, name: str) -> tuple[str | None, tuple[int, ...] | None]:
    """Return x and the axes of the mean where a tensor is x − mean(x)."""
    difference = rewriter.producer(name, "Sub")
    mean = rewriter.producer(difference.inputs[1], "ReduceMean") if difference else None
    if difference is None or mean is None or mean.inputs[0] != difference.inputs[0]:
        return None, None
    if not mean.attributes.get("keepdims", 1):
        return None, None
    return difference.inputs[0], rewriter.integers(mean, 1, "axes")


def _unit_normalization(rewriter: _Rewriter, node: OnnxNode) -> OnnxNode | None:
    """Find x / max(‖x‖, ε), as PyTorch exports `normalize`, with or without an Expand of the norm."""
    x, divisor = node.inputs[0], node.inputs[1]
    epsilon: float | None = 0.0
    if (expand := rewriter.producer(divisor, "Expand")) is not None:
        divisor = expand.inputs[0]
    square_root = rewriter.producer(divisor, "Sqrt")  # of a sum of squares, as Striate exports it
    if square_root is not None:
        divisor = square_root.inputs[0]
    if (limit := rewriter.producer(divisor, "Clip", "Max")) is not None:
        divisor = limit.inputs[0]
        epsilon = rewriter.number(limit.inputs[1]) if len(limit.inputs) > 1 else limit.attributes.get("min")
        if epsilon is None or (limit.op_type == "Clip" and any(limit.inputs[2:])):
            return None
    norm = rewriter.producer(divisor, "ReduceSumSquare" if square_root is not None else "ReduceL2")
    axes = rewriter.integers(norm, 1, "axes") if norm else None
    if norm is None or norm.inputs[0] != x or axes is None or len(axes) != 1 or (epsilon or 0) > 1e-6:
        return None
    if not norm.attributes.get("keepdims", 1):
        return None
    return _new_node("LpNormalization", node, node.outputs[0], x, axis=axes[0], p=2)


def _reduced_stack(rewriter: _Rewriter, node: OnnxNode) -> OnnxNode | None:
    """Find the mean, sum or maximum of tensors that are stacked along a new first axis."""
    concat = rewriter.producer(node.inputs[0], "Concat")
    if concat is None or concat.attributes.get("axis") != 0 or node.attributes.get("keepdims", 1):
        return None
    parts = [rewriter.producer(name, "Unsqueeze") for name in concat.inputs]
    if rewriter.integers(node, 1, "axes") != (0,):
        return None
    sources = [part.inputs[0] for part in parts if part and rewriter.integers(part, 1, "axes") == (0,)]
    if len(sources) < len(parts):
        return None
    return _new_node(node.op_type.removeprefix("Reduce"), node, node.outputs[0], *sources)


def _limited_softplus(rewriter: _Rewriter, node: OnnxNode) -> OnnxNode | None:
    """Find x if x > threshold, else log(1 + e^x), which are equal in float32 above 20."""
    condition, otherwise = rewriter.producer(node.inputs[0], "Greater"), rewriter.producer(node.inputs[2], "Softplus")
    x = node.inputs[1]
    if condition is None or otherwise is None or otherwise.inputs[0] != x:
        return None
    same = any((factor, source) == (1.0, x) for factor, source in rewriter.scaled(condition.inputs[0]))
    threshold = rewriter.number(condition.inputs[1])
    if not same or threshold is None or threshold < 20:
        return None
    return _new_node("Softplus", node, node.outputs[0], x)


def _selected_channels(rewriter: _Rewriter, node: OnnxNode) -> OnnxNode | None:
    """Find a selection along the batch between two transpositions that exchange it with the channels."""
    gather = rewriter.producer(node.inputs[0], "Gather")
    before = rewriter.producer(gather.inputs[0], "Transpose") if gather else None
    if gather is None or before is None or gather.attributes.get("axis", 0) != 0:
        return None
    perm, numbers = tuple(node.attributes.get("perm", ())), rewriter.constant(gather.inputs[1])
    if perm[:2] != (1, 0) or perm != tuple(before.attributes.get("perm", ())) or sorted(perm[2:]) != list(perm[2:]):
        return None
    if numbers is None or numbers.ndim != 1:
        return None
    return _new_node("Gather", node, node.outputs[0], before.inputs[0], gather.inputs[1], axis=1)


REWRITES = {  # functions by an operator that occurs in all forms of what they replace
    "Div": (_layer_normalization, _unit_normalization),
    "Erf": (_exact_gelu,),
    "Log": (_softplus,),
    "ReduceMax": (_reduced_stack,),
    "ReduceMean": (_reduced_stack,),
    "ReduceSum": (_reduced_stack,),
    "Tanh": (_tanh_gelu, _mish),
    "Transpose": (_selected_channels,),
    "Where": (_limited_softplus,),
}
