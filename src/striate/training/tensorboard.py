"""Curves and the network's graph for TensorBoard, through the optional library tensorboardX."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from striate._types import Logs
from striate.arguments import check_constructor
from striate.errors import UsageError
from striate.network import Network
from striate.training.callbacks import Callback

INSTALL = 'TensorBoard needs the library tensorboardX: pip install "striate[tensorboard]"'


@check_constructor
class TensorBoard(Callback):
    """Write every epoch's figures, and once the graph in which one layer is one box.

    log_dir: gets the folders `train` and `validation`, so that TensorBoard draws both curves into one plot.
    Raises UsageError if tensorboardX is not installed. View the logs with `tensorboard --logdir LOG_DIR`.
    """

    def __init__(self, log_dir: str | os.PathLike[str] = "logs", *, write_graph: bool = True) -> None:
        _library()
        self.log_dir = Path(log_dir)
        self.write_graph = write_graph
        self.writers: dict[str, Any] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Write the graph."""
        if self.write_graph and not self.model.engine.rank:
            self._writer("train").add_onnx_graph(graph(self.model.network))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the figures; of several processes only the first does."""
        if self.model.engine.rank:
            return
        summary = _library().summary
        for name, value in (logs or {}).items():
            side = "validation" if name.startswith("val_") else "train"
            self._writer(side).add_summary(summary.scalar(f"epoch_{name.removeprefix('val_')}", value), epoch)
        for writer in self.writers.values():
            writer.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the files."""
        for writer in self.writers.values():
            writer.close()
        self.writers = {}

    def _writer(self, side: str) -> Any:
        if side not in self.writers:
            self.writers[side] = _library().FileWriter(str(self.log_dir / side))
        return self.writers[side]


def graph(network: Network) -> Any:
    """TensorBoard's GraphDef with one node for each use of a layer."""
    proto = _library().proto
    names = _node_names(network)
    nodes = [
        proto.node_def_pb2.NodeDef(
            name=name,
            op=node.layer.kind,
            input=[names[source] for source in node.inputs],
            attr={"_output_shapes": _shape_attribute(proto, node.shape)},
        )
        for name, node in zip(names, network.nodes, strict=True)
    ]
    return proto.graph_pb2.GraphDef(node=nodes)


def _node_names(network: Network) -> list[str]:
    """Return the layers' names; further uses of a shared layer get numbers. Spaces would end a name in TensorBoard."""
    names: list[str] = []
    for node in network.nodes:
        name = str(node.layer.name).replace(" ", "_")
        uses = sum(other.layer is node.layer for other in network.nodes[: len(names)])
        names.append(f"{name}_{uses}" if uses else name)
    return names


def _shape_attribute(proto: Any, shape: tuple[int, ...]) -> Any:
    shape_proto = proto.tensor_shape_pb2.TensorShapeProto
    dims = [shape_proto.Dim(size=size) for size in (-1, *shape)]  # −1 is the batch
    value = proto.attr_value_pb2.AttrValue
    return value(list=value.ListValue(shape=[shape_proto(dim=dims)]))


def _library() -> Any:
    try:
        import_module("tensorboardX.proto.graph_pb2")
        return import_module("tensorboardX")
    except ImportError as error:
        raise UsageError(INSTALL) from error
