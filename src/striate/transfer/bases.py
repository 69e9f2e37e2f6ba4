"""Networks trained on a million photographs, cut where their features are, and joined with a head of one's own."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from striate import zoo
from striate._types import Array, Weights
from striate.errors import UsageError, nearest
from striate.network import Dense, GlobalAveragePool2D, Network
from striate.network.graph import Entry
from striate.pretrained import IMAGENET, load_pretrained
from striate.transfer.head import Head

TOP = "pool"
"""The last features, before the base's own classifier."""
OUTPUT = "output"
BASES = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")
STAGES = (3, 5, 6)  # whose ends are offered as features too: where the classes are far from everyday objects


@dataclass(frozen=True, eq=False)
class Base:
    """A network without its classifier, and its weights.

    network: one output (F,) for each of `taps`, the last is TOP. weights: by full name, those of the classifier left
    out.
    """

    network: Network
    weights: Weights
    taps: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its id in the zoo."""
        return self.network.name


def open_base(name: str, input_shape: tuple[int, int, int]) -> Base:
    """The base of this id with its published weights, for pictures of this shape (H, W, 3).

    Raises UsageError for an id that is no base or whose weights are not installed, ModelFileError for damaged ones.
    """
    check_base(name)
    whole = zoo.network(name, input_shape=input_shape)
    weights, _ = load_pretrained(whole, IMAGENET)
    network = _tapped(whole)
    return Base(network, {p.name: weights[p.name] for p in network.parameters}, (*_ends(whole), TOP))


def check_base(name: str) -> None:
    """Raise UsageError for an id that is no base."""
    if name not in BASES:
        raise UsageError(f"There is no base '{name}'.{nearest(name, BASES)}")


def joined(base: Base, tap: str, head: Head) -> tuple[Network, Weights]:
    """The base up to a tap with a softmax layer on top, as one network, and its weights.

    At TOP it is the zoo's network of the base's name, which training can go on with.
    """
    classes = len(head.bias)
    network = with_classes(base, tap, classes)
    own = {f"{OUTPUT}/kernel": head.kernel, f"{OUTPUT}/bias": head.bias}
    arrays: Mapping[str, Array] = base.weights | own
    return network, {p.name: np.ascontiguousarray(arrays[p.name], np.float32) for p in network.parameters}


def with_classes(base: Base, tap: str, classes: int) -> Network:
    """The network of `joined`."""
    whole = zoo.network(base.name, input_shape=base.network.input_shapes[0], classes=classes)
    if tap == TOP:
        return whole
    entries = _up_to(whole, tap)
    entries += [(GlobalAveragePool2D(name=TOP), (len(entries) - 1,))]
    entries += [(Dense(classes, activation="softmax", name=OUTPUT), (len(entries) - 1,))]
    return Network.from_entries(base.name, entries, whole.inputs, (len(entries) - 1,))


def with_features(network: Network) -> Network:
    """The same network with two outputs: its own, and the features (F,) of its layer TOP."""
    entries = [(node.layer, node.inputs) for node in network.nodes]
    return Network.from_entries(network.name, entries, network.inputs, (*network.outputs, _index(network, TOP)))


def _ends(network: Network) -> tuple[str, ...]:
    """The last layer of each of the stages."""
    names = [str(node.layer.name) for node in network.nodes]
    return tuple([name for name in names if name.startswith(f"block{stage}_")][-1] for stage in STAGES)


def _tapped(network: Network) -> Network:
    """Up to TOP, with the mean over all places of each stage's end as further outputs, in their order."""
    entries = _up_to(network, TOP)
    top, taps = len(entries) - 1, []
    for end in _ends(network):
        entries.append((GlobalAveragePool2D(name=f"{end}.mean"), (_index(network, end),)))
        taps.append(len(entries) - 1)
    return Network.from_entries(network.name, entries, network.inputs, (*taps, top))


def _up_to(network: Network, name: str) -> list[Entry]:
    """The chain of layers that ends with this one; in these networks no layer after it is needed before it."""
    return [(node.layer, node.inputs) for node in network.nodes[: _index(network, name) + 1]]


def _index(network: Network, name: str) -> int:
    return next(index for index, node in enumerate(network.nodes) if node.layer.name == name)
