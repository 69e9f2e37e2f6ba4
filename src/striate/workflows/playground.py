"""The playground of `striate explore`: build networks on the page and train them in a background process."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np

from striate._types import Array
from striate.data import Images
from striate.data.order import batches, epoch_order
from striate.engines.losses import class_probabilities
from striate.engines.optimizers import SGD, AdaGrad, Adam, Optimizer, RMSprop
from striate.errors import StriateError, UsageError
from striate.models import Model
from striate.network import (
    AveragePool2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Input,
    Layer,
    LayerRow,
    MaxPool2D,
    Network,
    Rescale,
)
from striate.network.outputs import output_forms
from striate.workflows.background import Channel

LAYERS: dict[str, type[Layer]] = {
    "Conv2D": Conv2D, "MaxPool2D": MaxPool2D, "AveragePool2D": AveragePool2D, "Flatten": Flatten,
    "GlobalAveragePool2D": GlobalAveragePool2D, "Dense": Dense, "Dropout": Dropout,
    "BatchNormalization": BatchNormalization,
}  # fmt: skip
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "Conv2D": ("filters", "kernel_size", "strides", "padding", "activation"), "MaxPool2D": ("pool_size",),
    "AveragePool2D": ("pool_size",), "Flatten": (), "GlobalAveragePool2D": (), "Dense": ("units", "activation"),
    "Dropout": ("rate",), "BatchNormalization": (),
}  # fmt: skip
MAX_ARGUMENTS = {"filters": 64, "units": 1024, "kernel_size": 15, "strides": 8, "pool_size": 15}
MOMENTUM = 0.9
OPTIMIZERS = ("SGD", "Momentum", "AdaGrad", "RMSprop", "Adam")
MAX_LAYERS = 16
MAX_PARAMETERS = 3_000_000
MAX_MAP_VALUES = 300_000  # number of values of all feature maps of one image
MAX_MULTIPLY_ADDS = 20_000_000  # multiply-adds of one image
MAX_BATCH = 128
MAX_NETWORKS = 2
MAX_STEPS = 10_000
FIRST_EVALUATIONS = (0, 1, 2, 4, 8, 16)  # steps after which the networks are evaluated on held-out images
EVALUATION_INTERVAL = 25  # steps between later evaluations
SHOWN_FILTERS = 16
SHOWN_IMAGES = 12
HIDDEN_LAYERS = 2  # Input and Rescale, which the page does not list


@dataclass(frozen=True)
class NetworkSetup:
    """The validated settings of a network and its training.

    Attributes:
        layers: Kind and arguments of each layer, without Input and Rescale.
        optimizer: One of OPTIMIZERS.
        learning_rate: Learning rate of the optimizer.
    """

    layers: tuple[Mapping[str, Any], ...]
    optimizer: str
    learning_rate: float


@dataclass(frozen=True, eq=False)
class PlaygroundDataset:
    """The data that the networks are trained on.

    Attributes:
        train: Training images.
        held_out: Images on which the accuracy is measured.
        classes: Names of the classes.
    """

    train: Images
    held_out: Images
    classes: tuple[str, ...]


@dataclass(frozen=True)
class RateChange:
    """A command: continue with another learning rate.

    Attributes:
        network: Number of the network, from 0.
        learning_rate: The learning rate.
    """

    network: int
    learning_rate: float


@dataclass(frozen=True)
class Ready:
    """The process has made the networks."""


@dataclass(frozen=True, eq=False)
class NetworkUpdate:
    """The progress of a network since the last update.

    Attributes:
        losses: float64 (n,), the loss of the batch in each step since then; NaN if the network has diverged.
        measured: (step, loss, accuracy) of the held-out images each time they were predicted since then.
        filters: float32 (h, w, C, n), the first filters of the first convolution, or what the first units of the first
            dense layer multiply the image with; None if there is no such layer.
        probabilities: float32 (SHOWN_IMAGES, K) of the first held-out images; NaN if the network has diverged.
        diverged: Whether its loss is no longer finite; its training has then stopped.
    """

    losses: Array
    measured: tuple[tuple[int, float, float], ...]
    filters: Array | None
    probabilities: Array
    diverged: bool


@dataclass(frozen=True, eq=False)
class Update:
    """The state of the training.

    Attributes:
        step: Number of steps done.
        epoch: Number of passes over the training images, with fractions.
        running: Whether the training is running, rather than paused.
        networks: The progress of each network.
    """

    step: int
    epoch: float
    running: bool
    networks: tuple[NetworkUpdate, ...]


def read_setup(content: Mapping[str, Any]) -> NetworkSetup:
    """Check what the page sends for one network.

    Args:
        content: {"layers": [{"kind": …, argument: …}, …], "optimizer": …, "learning_rate": …}.

    Returns:
        The setup.

    Raises:
        UsageError: If a value is of the wrong type or too large.
    """
    layers, optimizer, rate = (content.get(name) for name in ("layers", "optimizer", "learning_rate"))
    if not isinstance(layers, list) or len(layers) > MAX_LAYERS:
        raise UsageError(f"A network of the playground has at most {MAX_LAYERS} layers.")
    for layer in layers:
        _check_layer(layer)
    if optimizer not in OPTIMIZERS:
        raise UsageError(f"There is no optimizer '{optimizer!s:.20}' here. Choose one of {', '.join(OPTIMIZERS)}.")
    if isinstance(rate, bool) or not isinstance(rate, int | float):
        raise UsageError(f"The learning rate must be a number; received {rate!r:.20}.")
    _optimizer(optimizer, rate)
    return NetworkSetup(tuple(layers), optimizer, float(rate))


def read_rate(text: str) -> float:
    """Read a learning rate.

    Args:
        text: The text.

    Returns:
        The learning rate, above 0.

    Raises:
        UsageError: If the text is not such a number.
    """
    try:
        rate = float(text)
    except ValueError:
        raise UsageError(f"The learning rate must be a number; received {text!r:.20}.") from None
    _optimizer("SGD", rate)
    return rate


def valid_rows(content: Mapping[str, Any], data: PlaygroundDataset) -> list[LayerRow]:
    """Return the rows of as many first layers of a network as fit each other.

    Args:
        content: As for `read_setup`.
        data: The training data.

    Returns:
        The rows of these layers.
    """
    rows: list[LayerRow] = []
    layers = content.get("layers")
    for count in range(1, len(layers) + 1 if isinstance(layers, list) else 1):
        try:
            setup = read_setup({**content, "layers": layers[:count]})  # type: ignore[index]
            rows = build_network(setup, data.train.x.shape[1:]).table()[HIDDEN_LAYERS:]
        except StriateError:
            break
    return rows


def _check_layer(layer: Any) -> None:
    """Raise UsageError if a layer is none of LAYERS, or is too large. The layer itself checks the rest."""
    kind = layer.get("kind") if isinstance(layer, dict) else None
    if kind not in LAYERS:
        raise UsageError(f"There is no layer '{kind!s:.20}' here. Choose one of {', '.join(LAYERS)}.")
    for name, value in layer.items():
        if name == "kind":
            continue
        if name not in ARGUMENTS[kind] or not isinstance(value, str | int | float):
            raise UsageError(f"The playground does not support {name:.20}={value!r:.20} for {kind}.")
        if isinstance(value, int) and value > MAX_ARGUMENTS.get(name, 1):
            raise UsageError(f"{kind}: {name} is {value}; the playground allows at most {MAX_ARGUMENTS.get(name, 1)}.")


def _optimizer(name: str, rate: float) -> Optimizer:
    if name == "Momentum":
        return SGD(rate, momentum=MOMENTUM)
    kinds: dict[str, type[Optimizer]] = {"SGD": SGD, "AdaGrad": AdaGrad, "RMSprop": RMSprop, "Adam": Adam}
    return kinds[name](rate)


def build_network(setup: NetworkSetup, shape: Sequence[int]) -> Network:
    """Build the network of a setup.

    Args:
        setup: The setup.
        shape: (H, W, C) of the images.

    Returns:
        The network, from pixels to the last layer of the setup.

    Raises:
        NetworkError: If the layers do not fit each other; the message is that of Python.
        UsageError: If the network is too large for the playground.
    """
    layers = [LAYERS[layer["kind"]](**{k: v for k, v in layer.items() if k != "kind"}) for layer in setup.layers]
    network = Network.sequential([Input(tuple(shape)), Rescale(), *layers], name="network")
    rows = network.table()
    for what, number, most in (
        ("parameters", sum(row.parameters for row in rows), MAX_PARAMETERS),
        ("values in its feature maps", sum(_values(row) for row in rows), MAX_MAP_VALUES),
        ("multiply-adds for each image", sum(row.multiply_adds for row in rows), MAX_MULTIPLY_ADDS),
    ):
        if number > most:
            raise UsageError(
                f"The network has {number:,} {what}; the playground allows at most {most:,}, so that training is fast "
                "enough to watch. Use fewer filters or units, pooling, or strides."
            )
    return network


def _values(row: LayerRow) -> int:
    return int(np.prod(row.output_size)) * row.channels if row.output_size and row.channels else row.units or 0


def check_network(setup: NetworkSetup, data: PlaygroundDataset) -> Network:
    """Check the network of a setup.

    Args:
        setup: The setup.
        data: Its training data.

    Returns:
        The network.

    Raises:
        StriateError: If as Python would, also if the output of the network does not fit the classes.
    """
    network = build_network(setup, data.train.x.shape[1:])
    model = _compile(network, setup)
    labels = np.array([0, len(data.classes) - 1])
    model.test_on_batch(np.asarray(data.train.x[:1]).repeat(2, axis=0), labels)
    return network


def _compile(network: Network, setup: NetworkSetup) -> Model:
    model = Model.from_network(network, seed=0)
    model.use_engine("numpy")
    model.compile(_optimizer(setup.optimizer, setup.learning_rate), "sparse_categorical_crossentropy", ["accuracy"])
    return model


class _Learner:
    """One network in training.

    Args:
        setup: Setup of the network.
        data: Its training data.
    """

    def __init__(self, setup: NetworkSetup, data: PlaygroundDataset) -> None:
        self._data = data
        self._model = _compile(build_network(setup, data.train.x.shape[1:]), setup)
        self._losses: list[float] = []
        self._measured: list[tuple[int, float, float]] = []
        self._diverged = False
        self.measure(0)

    def set_rate(self, learning_rate: float) -> None:
        """Use another learning rate in the steps that follow."""
        self._model.learning_rate = learning_rate

    def train(self, rows: Array) -> None:
        """Train on a batch, unless the network has diverged."""
        if self._diverged:
            return
        loss = self._model.train_on_batch(self._data.train.x[rows], self._data.train.y[rows])[0]
        self._losses.append(float(loss))
        self._diverged = not isfinite(loss)

    def measure(self, step: int) -> None:
        """Evaluate on the held-out images, unless the network has diverged."""
        if self._diverged:
            return
        loss, accuracy = self._model.test_on_batch(self._data.held_out.x, self._data.held_out.y)
        self._measured.append((step, float(loss), float(accuracy)))

    def update(self) -> NetworkUpdate:
        """Return the progress since the last update."""
        outputs = self._model.predict_on_batch(self._data.held_out.x[:SHOWN_IMAGES])
        probabilities = class_probabilities(outputs, output_forms(self._model.network)[0])
        losses, measured = np.array(self._losses), tuple(self._measured)
        self._losses, self._measured = [], []
        return NetworkUpdate(losses, measured, first_filters(self._model), probabilities, self._diverged)


def first_filters(model: Model) -> Array | None:
    """Return what the first layer with weights multiplies the image with, as images.

    Args:
        model: The model.

    Returns:
        float32 (h, w, C, n): the first SHOWN_FILTERS filters of a convolution, or weights of the units of a dense layer
        in the form of the image; None if the first layer with weights is another one, or does not read the image.
    """
    network = model.network
    shape = network.input_shapes[0]
    for node in network.nodes:
        if not network.parameters_of(node):
            shape = node.shape if len(node.shape) == 3 else shape
            continue
        kernel = model.engine.weights_of(str(node.layer.name)).get("kernel")
        if kernel is None:
            return None
        if kernel.ndim == 2:
            if len(kernel) != np.prod(shape):
                return None
            kernel = kernel.reshape(*shape, -1)
        return np.asarray(kernel[..., :SHOWN_FILTERS], np.float32)
    return None


def train_networks(channel: Channel, setups: Sequence[NetworkSetup], data: PlaygroundDataset, batch_size: int) -> None:
    """Train networks in a process, controlled by the commands "play", "pause", "step" and "reset", and `RateChange`.

    All networks learn from the same batches in the same order, one step each in turn, so that their curves can be
    compared, and do not depend on time.

    Args:
        channel: Connection to the server.
        setups: Setups of the networks.
        data: Their training data.
        batch_size: Images in a batch.
    """
    warnings.simplefilter("ignore", RuntimeWarning)  # of NumPy, about a network that diverges: `diverged` says it
    channel.send(Ready())
    training = _Training(setups, data, batch_size)
    channel.send(training.update(running=False))
    running = False
    while True:
        command = channel.receive(0 if running else None)
        if isinstance(command, RateChange):
            setups = training.change_rate(command)
        elif command == "reset":
            training, running = _Training(setups, data, batch_size), False
        elif command in ("pause", "step"):
            running = False
        elif command == "play":
            running = True
        if running or command == "step":
            training.do_step()
        running = running and not training.is_done
        if command or not running or channel.is_due():
            channel.send(training.update(running=running))


class _Training:
    """Networks that are trained on the same batches."""

    def __init__(self, setups: Sequence[NetworkSetup], data: PlaygroundDataset, batch_size: int) -> None:
        self._setups = list(setups)
        self._learners = [_Learner(setup, data) for setup in setups]
        self._count = len(data.train)
        self._slices = batches(self._count, batch_size)
        self._order: Array = np.arange(0)  # of the images in this epoch
        self._step = 0

    @property
    def is_done(self) -> bool:
        """Whether MAX_STEPS is reached."""
        return self._step >= MAX_STEPS

    def change_rate(self, change: RateChange) -> Sequence[NetworkSetup]:
        """Continue with another learning rate; return the setups with it."""
        if change.network < len(self._learners):
            self._learners[change.network].set_rate(change.learning_rate)
            self._setups[change.network] = replace(self._setups[change.network], learning_rate=change.learning_rate)
        return self._setups

    def do_step(self) -> None:
        """Train each network on the next batch."""
        if self.is_done:
            return
        epoch, number = divmod(self._step, len(self._slices))
        if number == 0:
            self._order = epoch_order(self._count, 0, epoch)
        rows = self._order[self._slices[number]]
        self._step += 1
        for learner in self._learners:
            learner.train(rows)
            if self._step in FIRST_EVALUATIONS or self._step % EVALUATION_INTERVAL == 0:
                learner.measure(self._step)

    def update(self, *, running: bool) -> Update:
        """Return the progress since the last update."""
        networks = tuple(learner.update() for learner in self._learners)
        return Update(self._step, self._step / len(self._slices), running, networks)
