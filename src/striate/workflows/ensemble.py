"""Several networks of one task as one network whose output is the mean of theirs."""

from collections.abc import Sequence
from dataclasses import replace

from striate._types import Weights
from striate.errors import UsageError
from striate.model import Model
from striate.network import Add, Input, Layer, Network, Rescale


def as_one(models: Sequence[Model]) -> tuple[Network, Weights]:
    """The network and its weights; of a single model its own. Layers of the first member are `member-1.NAME`.

    Raises UsageError where the members do not take and give the same.
    """
    first = models[0].network
    if len(models) == 1:
        return first, models[0].weights
    doors = [_door(model.network) for model in models]
    if any(replace(door, name="x") != replace(doors[0], name="x") for door in doors):
        raise UsageError("The members of the ensemble take pictures of different sizes, so they are no one network.")
    entries: list[tuple[Layer, tuple[int, ...]]] = [(doors[0], ())]
    weights: Weights = {}
    ends = []
    for number, model in enumerate(models, start=1):
        ends.append(_append(entries, model.network, f"member-{number}."))
        weights |= {f"member-{number}.{name}": array for name, array in model.weights.items()}
    entries += [(Add(name="sum"), tuple(ends)), (Rescale(1 / len(models), name="mean"), (len(entries),))]
    name = f"{first.name} × {len(models)}"
    return Network.from_entries(name, entries, (0,), (len(entries) - 1,)), weights


def _door(network: Network) -> Input:
    (index,) = network.inputs
    door = network.nodes[index].layer
    assert isinstance(door, Input)
    return door


def _append(entries: list[tuple[Layer, tuple[int, ...]]], network: Network, prefix: str) -> int:
    """Add a network's layers, its door being that of the first entry; the place of its output."""
    layers = {id(node.layer): replace(node.layer, name=prefix + str(node.layer.name)) for node in network.nodes}
    places: list[int] = []
    for node in network.nodes:
        if isinstance(node.layer, Input):
            places.append(0)
            continue
        entries.append((layers[id(node.layer)], tuple(places[source] for source in node.inputs)))
        places.append(len(entries) - 1)
    (output,) = network.outputs
    return places[output]
