"""Names of layers from those of other programs: short, allowed in file names, each once."""

from collections import Counter
from collections.abc import Sequence

from striate.network import Layer
from striate.network.layers.base import FORBIDDEN
from striate.onnx.importing.graph import LONGEST, Operation


def wish(operation: Operation, weights: str = "") -> str:
    """The name for a layer: that of its weights where it is telling, otherwise of its operator or its output."""
    for ending in (".weight", "/kernel"):
        if weights.endswith(ending):
            return tidy(weights.removesuffix(ending).split("/"))
    parts = [part for part in operation.name.removeprefix("node_").split("/") if part]  # PyTorch's newer exporter
    if len(parts) > 1 and parts[-1].rstrip("0123456789_") == operation.kind:
        parts.pop()
    output = operation.outputs[0]
    return tidy(parts) or ("" if output.isdigit() else tidy(output.split("/")))


def tidy(parts: Sequence[str]) -> str:
    """Parts of a path as one name: layer1, layer1.0, conv1 → layer1.0.conv1. Empty where nothing can be kept."""
    kept: list[str] = []
    for part in parts:
        if kept and part.startswith(f"{kept[-1]}."):
            kept.pop()
        if part:
            kept.append(part)
    name = "".join("_" if letter in FORBIDDEN else letter for letter in ".".join(kept) if letter.isprintable())
    return name[:LONGEST].strip(" .")


def unique(wanted: Sequence[tuple[str, Layer]]) -> list[str]:
    """A name for each layer, that which it would like but for a number where another has it."""
    counts: Counter[str] = Counter()
    names: list[str] = []
    used: set[str] = set()
    for stem, layer in wanted:
        name = first = stem or layer.kind.lower()
        while name in used:
            counts[first] += 1
            name = f"{first}_{counts[first] + 1}"
        used.add(name)
        names.append(name)
    return names
