"""What our own exports tell beside the graph: the classes, how files become pixels, which answers are unknown."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from striate.errors import DataError, ModelFileError
from striate.images import ImagePolicy
from striate.network import Network
from striate.onnx.importing.graph import Graph

OWN = "striate"  # the entry by which our files are known
FIGURES = ("unknown_threshold",)


@dataclass(frozen=True)
class ExportMetadata:
    """Empty where a file does not say. The network that our files describe is not here: the graph is what counts."""

    classes: tuple[str, ...] = ()
    policy: ImagePolicy | None = None
    figures: Mapping[str, float] = field(default_factory=dict)


def told(graph: Graph, where: str) -> ExportMetadata:
    """What the metadata of a graph say, if Striate wrote them. Raises ModelFileError for metadata that are damaged."""
    if OWN not in graph.metadata:
        return ExportMetadata()
    try:
        classes = _read(graph, "classes") or []
        policy = _read(graph, "policy")
        figures = {name: _read(graph, name) for name in FIGURES if name in graph.metadata}
        found = ExportMetadata(_texts(classes), policy and ImagePolicy.from_dict(policy), figures)
    except (ValueError, TypeError, DataError, RecursionError) as error:
        raise ModelFileError(f"{where} is damaged: what it says of classes and pictures makes no sense.") from error
    if not all(isinstance(value, int | float) and 0 <= value <= 1 for value in figures.values()):
        raise ModelFileError(f"{where} is damaged: its threshold is no number from 0 to 1.")
    return found


def check_fit(told: ExportMetadata, network: Network, where: str) -> None:
    """Raise ModelFileError where classes or pictures are not the network's."""
    units = network.output_shapes[0][-1]
    if told.classes and len(told.classes) != units:
        raise ModelFileError(f"{where} names {len(told.classes)} classes, but its network has {units} outputs.")
    if told.policy and network.input_shapes != (told.policy.shape,):
        raise ModelFileError(
            f"{where} makes pictures of {told.policy.shape}, but its network takes {network.input_shapes}."
        )


def _read(graph: Graph, name: str) -> Any:
    return json.loads(graph.metadata.get(name, "null"))


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"expected a list of texts, received {values!r}")
    return tuple(values)
