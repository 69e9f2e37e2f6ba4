"""A network with its weights and the engine that runs it: the part of a model that knows nothing of training."""

import os
from collections.abc import Mapping
from dataclasses import fields
from html import escape
from math import prod
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from striate._types import Array, Weights
from striate.arguments import check_methods, check_names, check_whole, describe
from striate.engines.base import Engine
from striate.engines.choose import EngineSettings, make_engine
from striate.engines.initialization import initial_weights
from striate.engines.weight_files import (
    check_finite,
    check_model_name,
    check_weights,
    find_model_file,
    load_weights,
    save_weights,
    split_extras,
)
from striate.errors import NetworkError, UsageError, nearest
from striate.network import Layer, Network
from striate.network.registry import freezing_message
from striate.processes import current_process
from striate.text import counted

LARGEST = 2**40  # numbers; no machine holds more


@check_methods
class ModelBase:
    """A network with its weights and an engine. `Model` derives from it and adds training.

    Args:
        inputs: Symbolic tensors or Input layers, one or a list, as for `Network`.
        outputs: Symbolic tensors, one or a list.
        name: Name of the model.
        seed: Decides the initial weights, the order of the samples and dropout; 0 or more.
    """

    def __init__(self, inputs: Any, outputs: Any, *, name: str = "model", seed: int = 0) -> None:
        self._initialize(Network(inputs, outputs, name=name), seed)

    @classmethod
    def from_network(cls, network: Network, *, seed: int = 0) -> Self:
        """Make a model of an existing network."""
        if not isinstance(network, Network):
            raise UsageError(f"network must be a Network; received {describe(network)}.")
        model = cls.__new__(cls)
        model._initialize(network, seed)
        return model

    def _initialize(self, network: Network | None, seed: int) -> None:
        """Set all attributes. A subclass that overrides this sets its own first."""
        self._network = network
        self._engine: Engine | None = None
        self._pending_weights: Weights | None = None  # for the engine, which is created when it is first needed
        self._engine_settings = EngineSettings()
        self.seed = check_whole("seed", seed)
        self._initialized = True

    if not TYPE_CHECKING:  # type checkers find unknown attributes themselves, unless they see this method

        def __setattr__(self, name: str, value: Any) -> None:
            """Refuse attributes that do not exist, because setting them has no effect. Subclasses can declare more."""
            if (
                "_initialized" not in vars(self)
                or name in vars(self)
                or hasattr(type(self), name)
                or name.startswith("_")
            ):
                return super().__setattr__(name, value)
            if name == "trainable":
                raise UsageError(f"{self.name}: {freezing_message()}")
            public = {known for known in (*vars(self), *dir(type(self))) if not known.startswith("_")}
            raise UsageError(f"A {type(self).__name__} has no attribute '{name}'.{nearest(name, public)}")

    @property
    def network(self) -> Network:
        """The description of the network."""
        assert self._network is not None
        return self._network

    @property
    def name(self) -> str:
        """The network's name."""
        return self.network.name

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Descriptions of all layers, each once, from input to output."""
        return tuple(dict.fromkeys(node.layer for node in self.network.nodes))

    @property
    def engine(self) -> Engine:
        """The engine that runs the network; made when it is first needed."""
        if self._engine is None:
            _check_size(self.network)
            self._engine = self._make_engine(self._pending_weights or initial_weights(self.network, self.seed))
            self._pending_weights = None
        return self._engine

    def _make_engine(self, weights: Mapping[str, Array]) -> Engine:
        return make_engine(self._engine_settings.engine, self.network, weights, **self._engine_settings.options)

    def use_engine(self, engine: str = "auto", **options: Any) -> None:
        """Choose the engine. The weights are kept; the model must be compiled again to be trained.

        By default Striate chooses NumPy for small networks on a CPU, and PyTorch for others if it is installed.

        Args:
            engine: "auto", "numpy", "torch" or "onnx".
            **options: As in `EngineSettings`.

        Raises:
            UsageError: The engine, device or precision does not exist or is not installed.
        """
        check_names("use_engine", options, [item.name for item in fields(EngineSettings)])
        asked = EngineSettings(engine, **options)
        asked.check()
        if asked == self._engine_settings:
            return
        self._engine_settings = asked
        if self._engine is not None:
            self._engine = self._make_engine(self._engine.weights)
            self._forget_training()

    def _forget_training(self) -> None:
        """Note that the engine is a new one. Derived classes define what this means for training."""

    @property
    def has_weights(self) -> bool:
        """Whether the weights were used or set, so that they are no longer a function of the seed."""
        return self._engine is not None or bool(self._pending_weights)

    @property
    def weights(self) -> Weights:
        """Copies of all parameters by full name (`C1/kernel`), moving statistics included."""
        if self._pending_weights:
            return {name: array.copy() for name, array in self._pending_weights.items()}
        return self.engine.weights

    @weights.setter
    def weights(self, weights: Mapping[str, Array]) -> None:
        arrays = {name: np.asarray(array) for name, array in weights.items()}
        check_weights(self.network, arrays, f"Weights for '{self.name}'")
        self._set_weights(arrays)

    def _set_weights(self, arrays: Weights) -> None:
        """Set weights that match the network."""
        if self._engine is None:
            self._pending_weights = {name: np.array(array, np.float32) for name, array in arrays.items()}
        else:
            self._engine.weights = arrays

    def get_weights(self) -> Weights:
        """Return the same as `weights`."""
        return self.weights

    def set_weights(self, weights: Mapping[str, Array]) -> None:
        """Set `weights`."""
        self.weights = dict(weights)

    def _state(self) -> tuple[str, ...]:
        """Return what to show beside the name and the size of the model."""
        return ()

    def __repr__(self) -> str:
        try:
            network = self.network
        except NetworkError:
            return f"<{type(self).__name__}: its layers are not a network yet>"
        words = (counted(len(network.nodes), "layer"), counted(network.parameter_count, "parameter"), *self._state())
        return f"<{type(self).__name__} '{self.name}': {', '.join(words)}>"

    def _repr_html_(self) -> str:
        from striate.network.display import network_html

        try:
            return network_html(self.network, *self._state())
        except NetworkError:
            return escape(repr(self))

    def summary(self) -> None:
        """Print the table of layers: sizes, windows, parameters, multiply-adds, receptive fields.

        In a notebook, the table is shown as HTML.

        Example:
            >>> import striate as st
            >>> layers = st.layers
            >>> model = st.Sequential([st.Input((1,)), layers.Dense(2, activation="softmax", name="out")])
            >>> model.summary()
            layer ...
            out    Dense  2 ...
            sequential: 4 parameters, 2 multiply-adds for one image
        """
        from striate.summary import show_summary

        show_summary(self.network)

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write the weights without the network, for `load_weights`. Raise RunError if the file cannot be written."""
        check_model_name(path)
        if current_process().rank:
            return
        save_weights(path, self.weights, {"kind": "weights"})

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Load weights that `save` or `save_weights` wrote. Raise ModelFileError if they do not fit the network."""
        path = find_model_file(path)
        arrays, _ = split_extras(load_weights(path)[0])
        check_weights(self.network, arrays, path)
        check_finite(arrays, path)
        self._set_weights(arrays)


def _check_size(network: Network) -> None:
    """Raise NetworkError for a network that no machine can hold. Descriptions of networks may have any size."""
    for count, what in (
        (network.parameter_count, "parameters"),
        (max(prod(node.shape) for node in network.nodes), "values in one layer for one sample"),
    ):
        if count > LARGEST:
            raise NetworkError(f"'{network.name}' would have {count:,} {what}; at most {LARGEST:,} are possible.")
