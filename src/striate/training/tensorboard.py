"""Curves, histograms and the network's graph for TensorBoard, through the optional library tensorboardX."""

import os
from collections.abc import Sequence
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from striate._types import Logs
from striate.arguments import check_constructor, check_integer
from striate.engines.losses import Loss
from striate.engines.optimizers import Optimizer
from striate.errors import UsageError
from striate.network import Network
from striate.training.callbacks import Callback

BINS = 40  # number of bins of a histogram
INSTALL = 'TensorBoard needs the library tensorboardX: pip install "striate[tensorboard]"'


@check_constructor
class TensorBoard(Callback):
    """Write loss, metrics and histograms of the weights after each epoch, and once the graph with a box for each layer.

    Blocks of a network are groups, which open with a click: `block1.conv` is written as `block1/conv`. Loss and
    optimizer follow the network in the group `training`. View the logs with `tensorboard --logdir LOG_DIR`.

    Attributes:
        log_dir: Gets the folders `train` and `validation`, so that TensorBoard draws both curves into one plot.
        histogram_freq: Number of epochs between histograms of the weights; 0: no histograms.
        write_graph: Write the graph.
        write_images: False; `striate explore` and `st.plot.filters` show the weights as images.
        write_steps_per_second: False; `fit` prints the images per second.
        update_freq: "epoch".
        profile_batch: 0.
        embeddings_freq: 0.
        embeddings_metadata: None.

    Raises:
        UsageError: If a setting has another value than these, or tensorboardX is not installed.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: int | str = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: None = None,
    ) -> None:
        check_integer("histogram_freq", histogram_freq)
        for name, value, instead in (
            ("write_images", write_images, "striate explore and st.plot.filters show weights as images"),
            ("write_steps_per_second", write_steps_per_second, "fit prints the images per second"),
            ("update_freq", update_freq != "epoch", "loss and metrics are written after each epoch"),
            ("profile_batch", profile_batch, "a profiler of Python such as cProfile measures fit"),
            ("embeddings_freq", embeddings_freq, "networks hold no embeddings"),
        ):
            if value:
                raise UsageError(f"TensorBoard does not support {name}: {instead}.")
        _library()
        self.log_dir = Path(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.writers: dict[str, Any] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Write the graph, and histograms of the weights from which training starts."""
        if self.model.engine.rank:
            return
        self._write_histograms(self.model.epochs_done)
        if self.write_graph:
            optimizer = self.model.optimizer.description if self.model.optimizer else None
            self._writer("train").add_onnx_graph(graph(self.model.network, self.model.losses, optimizer))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write loss and metrics; of several processes only the first does."""
        if self.model.engine.rank:
            return
        summary = _library().summary
        for name, value in (logs or {}).items():
            side = "validation" if name.startswith("val_") else "train"
            self._writer(side).add_summary(summary.scalar(f"epoch_{name.removeprefix('val_')}", value), epoch)
        if self.histogram_freq and (epoch + 1) % self.histogram_freq == 0:
            self._write_histograms(epoch + 1)
        for writer in self.writers.values():
            writer.flush()

    def _write_histograms(self, step: int) -> None:
        """Write a histogram of each array of weights in every `histogram_freq`-th epoch, except for arrays with NaN."""
        if not self.histogram_freq:
            return
        summary = _library().summary
        for name, values in self.model.engine.weights.items():
            if np.isfinite(values).all():
                self._writer("train").add_summary(summary.histogram(_to_scopes(name), values, BINS), step)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the files."""
        for writer in self.writers.values():
            writer.close()
        self.writers = {}

    def _writer(self, side: str) -> Any:
        if side not in self.writers:
            self.writers[side] = _library().FileWriter(str(self.log_dir / side))
        return self.writers[side]


def graph(network: Network, losses: Sequence[Loss] = (), optimizer: Optimizer | None = None) -> Any:
    """Return TensorBoard's GraphDef.

    Args:
        network: The network; each use of a layer is a node.
        losses: Losses of each output; nodes after the outputs.
        optimizer: A node after the losses, with its settings.

    Returns:
        The message.
    """
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
    return proto.graph_pb2.GraphDef(node=[*nodes, *_training_nodes(network, names, losses, optimizer)])


def _training_nodes(
    network: Network, names: Sequence[str], losses: Sequence[Loss], optimizer: Optimizer | None
) -> list[Any]:
    """Return the nodes of targets, losses and optimizer, in the group "training"."""
    make = _library().proto.node_def_pb2.NodeDef
    nodes, loss_names = [], []
    for number, (output, loss) in enumerate(zip(network.outputs, losses, strict=False)):
        end = f"_{number}" if number else ""
        nodes.append(make(name=f"training/targets{end}", op="Placeholder"))
        inputs = [names[output], f"training/targets{end}"]
        nodes.append(make(name=f"training/loss{end}", op=type(loss).__name__, input=inputs, attr=_settings(loss)))
        loss_names.append(f"training/loss{end}")
    if optimizer and loss_names:
        kind = type(optimizer).__name__
        nodes.append(make(name="training/optimizer", op=kind, input=loss_names, attr=_settings(optimizer)))
    return nodes


def _settings(described: Loss | Optimizer) -> dict[str, Any]:
    """Return the settings of a loss or an optimizer as texts, which TensorBoard shows beside the node."""
    value = _library().proto.attr_value_pb2.AttrValue
    settings = {item.name: getattr(described, item.name) for item in fields(described)}
    return {name: value(s=str(setting).encode()) for name, setting in settings.items() if setting is not None}


def _node_names(network: Network) -> list[str]:
    """Return the layers' names; further uses of a shared layer get numbers."""
    names: list[str] = []
    for node in network.nodes:
        name = _to_scopes(str(node.layer.name))
        uses = sum(other.layer is node.layer for other in network.nodes[: len(names)])
        names.append(f"{name}_{uses}" if uses else name)
    return names


def _to_scopes(name: str) -> str:
    """Return a name in TensorBoard's form: block1.conv → block1/conv. Spaces would end it."""
    return name.replace(" ", "_").replace(".", "/")


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
