"""Features of the PyTorch engine only: devices, mixed precision, determinism, insufficient memory."""

import ctypes
import sys
from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any
from weakref import ref

import numpy as np
import pytest
import torch
from torch.nn import functional

from striate import zoo
from striate._types import Array, Weights
from striate.engines.base import TrainingSettings
from striate.engines.initialization import initial_weights
from striate.engines.losses import CategoricalCrossentropy, MeanSquaredError
from striate.engines.optimizers import SGD, Adam, Optimizer
from striate.engines.torch import TorchEngine, micro_batches, trial
from striate.engines.torch.device import choose_device, keep_freed_memory
from striate.engines.torch.layers.activation import function_of
from striate.engines.torch.rules import Context, rule_for
from striate.engines.trial import shortest_times
from striate.errors import TrainingError, UsageError
from striate.network import (
    Activation,
    AveragePool2D,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Input,
    LocalResponseNormalization,
    MaxPool2D,
    Network,
    Rescale,
)

from .networks import pixels

LOSS = [CategoricalCrossentropy()]
T = np.arange(24) % 3


def network() -> Network:
    return Network.sequential(
        [
            Input((9, 7, 3)),
            Rescale(1 / 64, -2.0),
            Conv2D(8, 3, padding="same", name="conv"),
            BatchNormalization(name="bn"),
            MaxPool2D(2),
            LocalResponseNormalization(),
            Flatten(),
            Dropout(0.2),
            Dense(3, activation="softmax", name="end"),
        ],
        name="small",
    )


def engine(precision: str = "float32", optimizer: Optimizer = SGD(momentum=0.9), **settings: Any) -> TorchEngine:  # noqa: B008
    made = TorchEngine(network(), initial_weights(network(), 0), device="cpu", precision=precision, **settings)
    made.compile(TrainingSettings(optimizer, LOSS, seed=1, ema_decay=0.9))
    return made


def train(made: TorchEngine, steps: range = range(20), rate: float = 0.02) -> list[float]:
    x = pixels(network(), 24)
    return [made.train_step(x, [T], learning_rate=rate, step=step).loss for step in steps]


def bits(made: TorchEngine) -> Weights:
    return {**made.weights, **made.slots}


def same(mine: Weights, other: Weights) -> bool:
    return mine.keys() == other.keys() and all(np.array_equal(mine[name], other[name]) for name in mine)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_trains_like_float32(precision: str) -> None:
    plain, mixed = engine(), engine(precision)
    exact, rough = train(plain), train(mixed)
    assert rough[-1] < 0.5 * rough[0]
    assert rough == pytest.approx(exact, rel=0.1, abs=0.02)
    assert rough != exact
    assert {w.dtype.name for w in bits(mixed).values()} <= {"float32", "float64", "int64"}
    x = pixels(network(), 5)
    (y,) = mixed.forward(x)
    assert y.dtype == np.float32
    inference = engine()
    inference.weights = mixed.weights
    np.testing.assert_array_equal(y, inference.forward(x)[0])


@pytest.mark.parametrize("size", [3, 5, (1, 7)])
def test_depthwise_gradients_in_bfloat16_are_close_to_float32(size: int | tuple[int, int]) -> None:
    """Those of large kernels, which PyTorch computes slowly in bfloat16, are computed in float32."""
    layers = [
        Input((12, 12, 3)), Rescale(1 / 64, -2.0), Conv2D(8, 3, padding="same", activation="relu"),
        DepthwiseConv2D(size, strides=2, padding="same", name="deep"), Conv2D(8, 1), GlobalAveragePool2D(),
        Dense(3, activation="softmax"),
    ]  # fmt: skip
    net = Network.sequential(layers, name="depthwise")
    before = initial_weights(net, 0)
    changes = {}
    for precision in ("float32", "bfloat16"):
        made = TorchEngine(net, before, device="cpu", precision=precision)
        made.compile(TrainingSettings(SGD(), LOSS, seed=1))
        made.train_step(pixels(net, 24), [T], learning_rate=1.0, step=0)
        changes[precision] = {name: made.weights[name] - before[name] for name in before}
    for name, exact in changes["float32"].items():
        error = np.linalg.norm(changes["bfloat16"][name] - exact)
        assert 0 < error < 0.05 * np.linalg.norm(exact), name


@pytest.mark.parametrize("optimizer", [SGD(momentum=0.9), Adam()], ids=["momentum", "adam"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_new_engine_continues_with_identical_bits(precision: str, optimizer: Optimizer) -> None:
    """Weights and slots are the complete state, including float16's loss scale."""
    uninterrupted, first, second = (engine(precision, optimizer) for _ in range(3))
    losses = train(uninterrupted, range(6))
    begun = train(first, range(3))
    second.weights, second.slots = first.weights, first.slots
    assert begun + train(second, range(3, 6)) == losses
    assert same(bits(second), bits(uninterrupted))
    assert ("loss_scale" in uninterrupted.slots) == (precision == "float16")


def test_float16_overflow_changes_no_weights_and_no_step_count() -> None:
    """Instead, the loss scale is halved."""
    made = engine("float16", Adam())
    train(made, range(2))
    slots = made.slots
    made.slots = {**slots, "loss_scale": np.array([2.0**60, 0.0])}
    before = bits(made)
    train(made, range(2, 3))
    after = bits(made)
    assert after.pop("loss_scale")[0] == before.pop("loss_scale")[0] / 2
    assert same(after, before)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_deterministic_training_is_reproducible(precision: str) -> None:
    first, second = (engine(precision, deterministic=True) for _ in range(2))
    assert train(first, range(5)) == train(second, range(5))
    assert same(bits(first), bits(second))


def test_determinism_is_enabled_only_while_the_engine_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    right = functional.conv2d

    def watched(*arguments: Any) -> torch.Tensor:
        seen.append(torch.are_deterministic_algorithms_enabled())
        return right(*arguments)

    monkeypatch.setattr(functional, "conv2d", watched)
    train(engine(deterministic=True), range(1))
    train(engine(), range(1))
    assert seen == [True, False]
    assert not torch.are_deterministic_algorithms_enabled()


class LimitedMemory:
    """A device whose memory holds at most `most` images."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
        self.right, self.most = functional.conv2d, most
        self.asked: list[int] = []
        self.held: list[ref[torch.Tensor]] = []
        monkeypatch.setattr(functional, "conv2d", self)

    def __call__(self, x: torch.Tensor, *rest: Any) -> torch.Tensor:
        assert not any(map(LimitedMemory._alive, self.held)), "the maps of the batch before are still held"
        self.asked.append(len(x))
        if len(x) > self.most:
            self.held.append(ref(x))
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self.right(x, *rest)

    @staticmethod
    def _alive(reference: "ref[torch.Tensor]") -> bool:
        return reference() is not None


def test_out_of_memory_halves_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch size that fits is found by halving; the weights are unchanged."""
    made = engine()
    before, narrow = bits(made), LimitedMemory(monkeypatch, 7)
    message = (
        r"A batch of 24 images for 'small' does not fit in the memory of cpu\. A batch of 6 fits: use batch_size=6"
    )
    with pytest.raises(TrainingError, match=message):
        train(made, range(1))
    assert narrow.asked == [24, 12, 6]
    assert same(bits(made), before)
    made.train_step(pixels(network(), 6), [T[:6]], learning_rate=0.1, step=0)


def test_out_of_memory_with_one_image_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    LimitedMemory(monkeypatch, 0)
    with pytest.raises(
        TrainingError, match=r"Not even one image of a batch of 24 for 'small' fits in the memory of cpu\. Use smaller"
    ):
        train(engine(), range(1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "gpu"}, r"There is no device 'gpu'\. "),
        ({"device": "cuad"}, r"There is no device 'cuad'\. Did you mean 'cuda'\?"),
        ({"device": "cpu:1"}, r"There is no device 'cpu:1'\. "),
        ({"device": "cuda:x"}, r"There is no device 'cuda:x'\. "),
        ({"precision": "float8"}, r"There is no precision 'float8'\. Did you mean"),
    ],
)
def test_unknown_names(settings: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TorchEngine(network(), initial_weights(network(), 0), **settings)  # type: ignore[arg-type]


@pytest.fixture
def no_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.usefixtures("no_accelerator")
@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_missing_device_raises(device: str) -> None:
    message = f"PyTorch finds no device '{device}' on this machine. Available: cpu."
    with pytest.raises(UsageError, match=message):
        TorchEngine(network(), initial_weights(network(), 0), device=device)
    assert choose_device("auto") == torch.device("cpu")


def test_more_devices_than_available_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto").type == "cuda"
    assert choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(UsageError, match=r"no device 'cuda:2' on this machine\. Available: cuda:0, cuda:1, cpu\."):
        choose_device("cuda:2")


@pytest.mark.parametrize(("half", "chosen"), [(0.5, "bfloat16"), (0.95, "float32"), (2.0, "float32")])
def test_mixed_precision_is_chosen_if_it_is_faster(half: float, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock on which bfloat16 takes `half` the time."""
    clock, ran = [0.0], list[tuple[str, int]]()
    monkeypatch.setattr(trial, "mixed_precision", lambda device: "bfloat16")
    monkeypatch.setattr(trial, "CPU_MIN_MULTIPLY_ADDS", 1)
    monkeypatch.setattr(trial, "shortest_times", partial(shortest_times, clock=lambda: clock[0]))

    def run(inputs: Sequence[Array], targets: Sequence[Array], precision: str) -> None:
        ran.append((precision, len(inputs[0])))
        clock[0] += half if precision == "bfloat16" else 1.0

    assert trial.faster_precision(network(), LOSS, torch.device("cpu"), run) == chosen
    assert ran == [("float32", 64), ("bfloat16", 64)] * 3


@pytest.mark.parametrize(("name", "tried"), [("lenet5", False), ("mnist-cnn", True)])
def test_mixed_precision_is_tried_unless_it_cannot_pay(name: str, tried: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """LeNet-5 gains little and became less accurate in bfloat16."""
    ran = list[str]()
    monkeypatch.setattr(trial, "mixed_precision", lambda device: "bfloat16")
    trial.faster_precision(zoo.network(name), LOSS, torch.device("cpu"), lambda x, y, precision: ran.append(precision))
    assert bool(ran) == tried


def test_precision_benchmark_leaves_the_engine_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "mixed_precision", lambda device: "bfloat16")
    monkeypatch.setattr(trial, "CPU_MIN_MULTIPLY_ADDS", 1)
    made = engine("auto")
    assert made.precision in ("float32", "bfloat16")
    plain = engine(made.precision)
    assert same(bits(made), bits(plain))
    assert train(made, range(2)) == train(plain, range(2))


@pytest.mark.filterwarnings("ignore:.*autograd.*should not be instantiated:DeprecationWarning")  # of PyTorch itself
def test_compile_captures_the_network_as_one_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the compiler's front end only, which needs no C++ compiler: it rejects graph breaks."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager", fullgraph=True))
    plain, compiled = engine(), engine(torch_compile=True)
    assert train(compiled, range(3)) == train(plain, range(3))
    assert same(bits(compiled), bits(plain))
    np.testing.assert_array_equal(compiled.forward(pixels(network(), 5))[0], plain.forward(pixels(network(), 5))[0])


@pytest.mark.parametrize("pool", [MaxPool2D(2), MaxPool2D(3, 2, "same")])
def test_relu_behind_pooling_changes_no_bits(pool: MaxPool2D) -> None:
    layers = [Input((9, 7, 3)), Rescale(1 / 64, -2.0), Conv2D(8, 3, activation="relu"), pool, Flatten(), Dense(3)]
    described = Network.sequential(layers)
    weights, batch, targets = initial_weights(described, 0), pixels(described, 24), np.zeros((24, 3))
    moved, own = (TorchEngine(described, weights, device="cpu", precision="float32") for _ in range(2))
    assert [activation is None for activation in moved._module.moved_activations[2:4]] == [True, False]
    own._module.moved_activations = own._module.activations
    for made in (moved, own):
        made.compile(TrainingSettings(SGD(), [MeanSquaredError()]))
        for step in range(3):
            made.train_step(batch, [targets], learning_rate=0.01, step=step)
    assert same(bits(moved), bits(own))
    np.testing.assert_array_equal(moved.node_values(batch)[2], own.node_values(batch)[2])


def test_activations_that_others_read_stay_before_pooling() -> None:
    image = Input((9, 7, 3))
    maps = Conv2D(8, 3, activation="relu")(image)
    rounded = Conv2D(8, 3, activation="tanh")(image)  # rounding may make values of tanh equal
    averaged = Conv2D(8, 3, activation="relu")(image)
    ends = [MaxPool2D(2)(maps), GlobalAveragePool2D()(maps), MaxPool2D(2)(rounded), AveragePool2D(2)(averaged)]
    described = Network(image, ends)
    module = TorchEngine(described, initial_weights(described, 0), device="cpu", precision="float32")._module
    assert module.moved_activations == module.activations


def test_small_networks_are_trained_in_float32() -> None:
    assert engine("auto").precision == "float32"


def test_freed_memory_is_kept_on_linux_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: pytest.fail("no such library"))
    keep_freed_memory()


def small_micro_batches(monkeypatch: pytest.MonkeyPatch, described: Network, samples: int) -> None:
    """Let micro-batches have at most this many samples."""
    monkeypatch.setattr(micro_batches, "MAX_MAP_VALUES", samples * sum(prod(node.shape) for node in described.nodes))


@pytest.mark.parametrize("samples", [1, 5, 23, 24])
def test_micro_batches_train_as_the_whole_batch(samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With dropout, penalties, weights of samples, frozen normalization and an activation of limited range."""
    described = Network.sequential(
        [
            Input((9, 7, 3)),
            Rescale(1 / 64, -2.0),
            Conv2D(8, 3, padding="same", name="conv", kernel_regularizer="l2"),
            BatchNormalization(name="bn"),
            Activation("relu6"),
            Flatten(),
            Dropout(0.2),
            Dense(3, activation="softmax", name="end"),
        ],
        name="frozen",
    )
    x, weights = pixels(described, 24), [np.linspace(0.1, 2, 24)]
    results = []
    for at_a_time in (24, samples):
        small_micro_batches(monkeypatch, described, at_a_time)
        made = TorchEngine(described, initial_weights(described, 0), device="cpu", dtype="float64")
        made.compile(TrainingSettings(SGD(), LOSS, frozen_layers=("bn",)))
        loss, gradients = made.gradients(x, [T], sample_weights=weights)
        step = made.train_step(x, [T], learning_rate=0.1, step=3, sample_weights=weights)
        results.append({"loss": np.array([loss, step.loss]), "output": step.outputs[0], **gradients, **made.weights})
    for name, expected in results[0].items():
        np.testing.assert_allclose(results[1][name], expected, rtol=1e-11, atol=1e-13, err_msg=name)


def test_batches_are_not_divided_if_layers_mix_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    small_micro_batches(monkeypatch, network(), 5)
    assert micro_batches.micro_batches(network(), (), 24) == [slice(0, 24)]
    assert len(micro_batches.micro_batches(network(), ("bn",), 24)) == 5
    assert len(micro_batches.micro_batches(network(), ("conv",), 24)) == 1


@pytest.mark.parametrize("layers", [("bn",), ("relu6",), ("bn", "relu6")])
def test_frozen_normalization_and_relu6_keep_no_input(layers: tuple[str, ...]) -> None:
    x = torch.randn(4, 3, 5, 5, requires_grad=True)
    weights = {name: torch.rand(3) + 0.5 for name in ("gamma", "beta", "moving_mean", "moving_variance")}
    y, reference = x * 1, x * 1
    kept: list[torch.Size] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.shape)
        return tensor

    frozen = Context(training=True, frozen=frozenset({"bn"}))
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        for name in layers:
            rule = rule_for(BatchNormalization(name="bn"))
            y = function_of(name)(y) if name == "relu6" else rule.run(BatchNormalization(name="bn"), weights, frozen, y)
    for name in layers:
        reference = functional.relu6(reference) if name == "relu6" else functional.batch_norm(
            reference, weights["moving_mean"], weights["moving_variance"], weights["gamma"], weights["beta"], eps=1e-3
        )  # fmt: skip
    assert kept.count(x.shape) == layers.count("relu6")
    assert torch.equal(y, reference)
    dy = torch.randn_like(y)
    torch.testing.assert_close(*(torch.autograd.grad(out, x, dy)[0] for out in (y, reference)))


def test_one_filter_on_several_channels_trains_in_float64() -> None:
    image = Input((3, 3, 2))
    output = Dense(2, activation="softmax")(Flatten()(Conv2D(1, (1, 2))(image)))
    described = Network(image, output)
    made = TorchEngine(described, initial_weights(described, 0), device="cpu", dtype="float64")
    made.compile(TrainingSettings(SGD(), (CategoricalCrossentropy(),)))
    loss, gradients = made.gradients([np.ones((2, 3, 3, 2))], [np.array([0, 1])])
    assert np.isfinite(loss)
    assert gradients["conv2d/kernel"].shape == (1, 2, 2, 1)
