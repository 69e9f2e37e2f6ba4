"""Group the nodes of a network for drawing: a layer with its activation, blocks, and repeated blocks."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields

from striate.network import Activation, BatchNormalization, Dropout, Network, PReLU
from striate.network.layers.activation import ActivationLayer

# Layers that are drawn with the layer whose output they change.
FOLLOWERS = (BatchNormalization, Activation, ActivationLayer, PReLU, Dropout)


@dataclass(frozen=True)
class Item:
    """What is drawn as one box.

    Attributes:
        name: Name of its first layer, or of the block.
        repeats: The nodes of each of the equal blocks that the box stands for; one tuple for all else.
        inner: The boxes of a block (of the first one); empty for layers.
    """

    name: str
    repeats: tuple[tuple[int, ...], ...]
    inner: tuple["Item", ...] = ()

    @property
    def nodes(self) -> tuple[int, ...]:
        """All nodes."""
        return tuple(node for repeat in self.repeats for node in repeat)


def collapse_blocks(network: Network) -> tuple[Item, ...]:
    """Return the boxes of a network, in topological order, with blocks collapsed."""
    return _Grouping(network).level(range(len(network.nodes)), 0)


def one_box_per_node(network: Network) -> tuple[Item, ...]:
    """Return one box for every node."""
    return tuple(Item(str(node.layer.name), ((index,),)) for index, node in enumerate(network.nodes))


class _Grouping:
    """Finds the blocks of a network: nodes whose names have a common prefix, and branches that meet again."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.names = [str(node.layer.name).split(".") for node in network.nodes]
        self.consumers: list[list[int]] = [[] for _ in network.nodes]
        for index, node in enumerate(network.nodes):
            for source in node.inputs:
                self.consumers[source].append(index)
        for output in network.outputs:
            self.consumers[output].append(len(network.nodes))

    def level(self, nodes: Sequence[int], depth: int) -> tuple[Item, ...]:
        """Return the boxes of consecutive nodes, whose names have `depth` parts in common."""
        items: list[Item] = []
        for group in self._blocks(nodes, depth):
            if len(group) == len(nodes) or len(group) == 1:
                items.extend(self._layers(group))
            else:
                named = self._prefix(group[0], depth) == self._prefix(group[-1], depth) is not None
                inner = self.level(group, depth + 1 if named else len(self.names[group[0]]))
                name = ".".join(self.names[group[0]][: depth + 1]) if named else self._merging_name(group)
                if len(inner) > 1:
                    items.append(Item(name, (tuple(group),), inner))
                else:
                    items.extend(inner)
        return tuple(self._merge_repeated(self._fuse_followers(items)))

    def _prefix(self, node: int, depth: int) -> str | None:
        """Return the part of a name that may be that of a block."""
        parts = self.names[node]
        return parts[depth] if depth < len(parts) - 1 else None

    def _blocks(self, nodes: Sequence[int], depth: int) -> list[list[int]]:
        """Divide consecutive nodes into blocks and single nodes."""
        groups: list[list[int]] = []
        for node in nodes:
            prefix = self._prefix(node, depth)
            if groups and prefix is not None and self._prefix(groups[-1][-1], depth) == prefix:
                groups[-1].append(node)
            else:
                groups.append([node])
        if all(len(group) == 1 for group in groups):
            return self._group_branches(nodes)
        return [part for group in groups for part in ([group] if self._has_one_exit(group) else [[n] for n in group])]

    def _has_one_exit(self, group: Sequence[int]) -> bool:
        """Return whether only the last node of consecutive nodes is read outside."""
        inside = set(group)
        return all(reader in inside for node in group[:-1] for reader in self.consumers[node])

    def _group_branches(self, nodes: Sequence[int]) -> list[list[int]]:
        """Group what is between two nodes through which everything passes, and the activation that follows."""
        groups: list[list[int]] = [[]]
        outside = ((source, node) for node in nodes for source in self.network.nodes[node].inputs if source < nodes[0])
        open_until: dict[int, int] = dict(outside)  # the last reader of each node
        for node in nodes:
            groups[-1].append(node)
            open_until[node] = max(self.consumers[node], default=node)
            if all(last <= node or source == node for source, last in open_until.items()):
                groups.append([])
        result: list[list[int]] = []
        for group in filter(None, groups):
            follows = result and len(result[-1]) > 1 and len(group) == 1
            if follows and isinstance(self.network.nodes[group[0]].layer, FOLLOWERS):
                result[-1].extend(group)
            else:
                result.append(group)
        return result

    def _merging_name(self, group: Sequence[int]) -> str:
        """Return the name of the last node of a block that has several inputs."""
        merging = [node for node in group if len(self.network.nodes[node].inputs) > 1]
        return ".".join(self.names[(merging or group)[-1]])

    def _layers(self, nodes: Sequence[int]) -> list[Item]:
        return [Item(".".join(self.names[node]), ((node,),)) for node in nodes]

    def _fuse_followers(self, items: Sequence[Item]) -> list[Item]:
        """Draw batch normalizations, activations and dropout with the layer before them."""
        result: list[Item] = []
        for item in items:
            node = self.network.nodes[item.nodes[0]]
            follows = (
                result
                and not item.inner
                and not result[-1].inner
                and isinstance(node.layer, FOLLOWERS)
                and node.inputs == (result[-1].nodes[-1],)
                and len(self.consumers[node.inputs[0]]) == 1
                and self.network.nodes[result[-1].nodes[0]].inputs  # not an Input
            )
            if follows:
                result[-1] = Item(result[-1].name, ((*result[-1].nodes, *item.nodes),))
            else:
                result.append(item)
        return result

    def _merge_repeated(self, items: Sequence[Item]) -> list[Item]:
        """Draw consecutive equal blocks as one."""
        result: list[Item] = []
        for item in items:
            last = result[-1] if result else None
            if last and last.inner and item.inner and self._signature(last) == self._signature(item):
                result[-1] = Item(last.name, (*last.repeats, *item.repeats), last.inner)
            else:
                result.append(item)
        return result

    def _signature(self, item: Item) -> tuple[object, ...]:
        """Return what equal blocks have in common: layers, connections and shapes."""
        nodes = item.repeats[-1]
        return tuple(
            (
                node.layer.kind,
                tuple(repr(getattr(node.layer, part.name)) for part in fields(node.layer) if part.name != "name"),
                tuple(sorted(Counter(source - nodes[0] for source in node.inputs).items())),
                node.shape,
            )
            for node in (self.network.nodes[index] for index in nodes)
        )
