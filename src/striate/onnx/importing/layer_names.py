"""Layer names derived from those of other programs: short, allowed in file names, and unique."""

from collections import Counter
from collections.abc import Sequence

from striate.network import Layer
from striate.network.settings import FORBIDDEN_IN_NAMES
from striate.onnx.graph import MAX_TEXT, OnnxNode


def preferred_name(node: OnnxNode, weights: str = "") -> str:
    """Choose a name for a layer: that of its weights if it is meaningful, otherwise that of its node or output.

    Args:
        node: The node.
        weights: Name of its weights; may be empty.

    Returns:
        The name, in which only allowed characters are left.
    """
    for ending in (".weight", "/kernel"):
        if weights.endswith(ending):
            return clean_name(weights.removesuffix(ending).split("/"))
    parts = [part for part in node.name.removeprefix("node_").split("/") if part]  # PyTorch's newer exporter
    if len(parts) > 1 and parts[-1].rstrip("0123456789_") == node.op_type:
        parts.pop()
    output = node.outputs[0]
    return clean_name(parts) or ("" if output.isdigit() else clean_name(output.split("/")))


def clean_name(parts: Sequence[str]) -> str:
    """Join parts of a path into one name: layer1, layer1.0, conv1 → layer1.0.conv1.

    Args:
        parts: The parts.

    Returns:
        The name; empty if nothing is left.
    """
    kept: list[str] = []
    for part in parts:
        if kept and part.startswith(f"{kept[-1]}."):
            kept.pop()
        if part:
            kept.append(part)
    printable = (character for character in ".".join(kept) if character.isprintable())
    name = "".join("_" if character in FORBIDDEN_IN_NAMES else character for character in printable)
    return name[:MAX_TEXT].strip(" .")


def unique_names(preferred: Sequence[tuple[str, Layer]]) -> list[str]:
    """Give each layer a name that no other layer has.

    Args:
        preferred: Preferred name of each layer, and the layer.

    Returns:
        The preferred names, with a number where another layer has the same name.
    """
    counts: Counter[str] = Counter()
    names: list[str] = []
    used: set[str] = set()
    for stem, layer in preferred:
        name = first = stem or layer.kind.lower()
        while name in used:
            counts[first] += 1
            name = f"{first}_{counts[first] + 1}"
        used.add(name)
        names.append(name)
    return names
