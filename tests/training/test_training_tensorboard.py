import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import training_job as job

import striate as st
from striate.errors import UsageError
from striate.network import Add, Dense, Flatten, Input, Network
from striate.training.tensorboard import TensorBoard, graph

pytest.importorskip("tensorboardX")


def events(folder: Path) -> Iterator[Any]:
    """Return all events below a folder: each is its length, a checksum, the message, a checksum."""
    from tensorboardX.proto.event_pb2 import Event  # type: ignore[import-untyped]

    for file in sorted(folder.glob("events*")):
        data, start = file.read_bytes(), 0
        while start < len(data):
            (length,) = struct.unpack_from("<Q", data, start)
            yield Event.FromString(data[start + 12 : start + 12 + length])
            start += 16 + length


def test_curves_and_graph_are_written(tmp_path: Path) -> None:
    data = job.data()
    model = job.model()
    model.compile()
    few = data.train.take(np.arange(100))
    history = model.fit(
        few.x, few.y, epochs=2, validation_data=(few.x, few.y), callbacks=[TensorBoard(tmp_path)], verbose=0
    ).history
    for side, prefix in (("train", ""), ("validation", "val_")):
        found = [
            (event.step, value.tag, value.simple_value)
            for event in events(tmp_path / side)
            for value in event.summary.value
        ]
        for name in ("loss", "accuracy"):
            for epoch in range(2):
                assert (epoch, f"epoch_{name}", pytest.approx(history[prefix + name][epoch])) in found
    assert sum(bool(event.graph_def) for event in events(tmp_path / "train")) == 1


def test_one_layer_is_one_node() -> None:
    nodes = graph(job.model().network).node
    assert [node.op for node in nodes][:4] == ["Input", "Rescale", "Conv2D", "BatchNormalization"]
    assert len(nodes) == len(job.model().network.nodes)
    assert [list(node.input) for node in nodes[:3]] == [[], [nodes[0].name], [nodes[1].name]]


def test_shared_layer_has_a_node_for_each_use() -> None:
    input_layer, shared = Input((2,), name="in"), Dense(2, name="twice used")
    once = shared(input_layer)
    network = Network(input_layer, Add(name="add")([once, shared(Flatten(name="f")(once))]))
    names = {node.name: list(node.input) for node in graph(network).node}
    assert names == {
        "in": [],
        "twice_used": ["in"],
        "f": ["twice_used"],
        "twice_used_1": ["f"],
        "add": ["twice_used", "twice_used_1"],
    }


def test_blocks_are_groups_and_loss_and_optimizer_follow_the_outputs(tmp_path: Path) -> None:
    model = st.zoo.build("mnist-cnn-subclassed")
    model.compile("sgd", "sparse_categorical_crossentropy", learning_rate=0.25)
    assert model.optimizer
    optimizer = model.optimizer.description
    nodes = {node.name: node for node in graph(model.network, model.losses, optimizer).node}
    assert {"block1/conv", "block1/pool", "classifier/hidden", "output"} <= set(nodes)
    assert list(nodes["block1/pool"].input) == ["block1/conv"]
    assert list(nodes["training/loss"].input) == ["output", "training/targets"]
    assert (nodes["training/optimizer"].op, list(nodes["training/optimizer"].input)) == ("SGD", ["training/loss"])
    assert nodes["training/optimizer"].attr["learning_rate"].s == b"0.25"


def test_histograms_describe_the_weights_before_and_after_training(tmp_path: Path) -> None:
    model = st.Sequential([st.Input((3,)), Dense(4, name="hidden"), Dense(1, name="out")])
    model.compile("sgd", "mse")
    before = {name: np.array(values) for name, values in model.named_weights.items()}
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    callback = TensorBoard(tmp_path, histogram_freq=2)
    model.fit(x, x.sum(axis=1), epochs=3, callbacks=[callback], verbose=0)
    found: dict[tuple[str, int], Any] = {}
    for event in events(tmp_path / "train"):
        found |= {(value.tag, event.step): value.histo for value in event.summary.value if value.HasField("histo")}
    names = {"hidden/kernel", "hidden/bias", "out/kernel", "out/bias"}
    assert set(found) == {(name, step) for name in names for step in (0, 2)}
    for name in names:
        histogram = found[name, 0]
        assert (histogram.num, sum(histogram.bucket)) == (before[name].size, before[name].size)
        assert (histogram.min, histogram.max) == (before[name].min(), before[name].max())
        assert histogram.sum == pytest.approx(before[name].sum(), abs=1e-6)
        assert list(histogram.bucket_limit) == sorted(histogram.bucket_limit)
    assert found["hidden/kernel", 2].sum_squares != found["hidden/kernel", 0].sum_squares


def test_missing_tensorboard_error_contains_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.setitem(sys.modules, "tensorboardX.proto.graph_pb2", None)
    with pytest.raises(UsageError, match=r'pip install "striate\[tensorboard\]"'):
        st.callbacks.TensorBoard()
