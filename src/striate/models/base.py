"""A network with its weights and the engine that runs it: the part of a model that does not concern training."""

import os
from collections.abc import Mapping
from dataclasses import fields, replace
from html import escape
from math import prod
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from striate._types import Array, Weights
from striate.arguments import check_integer, check_methods, check_names, describe
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
from striate.errors import NetworkError, StriateError, UsageError, missing_attribute, nearest
from striate.models.layer_weights import SharedWeights
from striate.models.structure import Structure
from striate.network import Block, Layer, Network
from striate.network.connections import connect
from striate.network.naming import snake_case
from striate.network.settings import check_name
from striate.processes import current_process
from striate.text import counted

MAX_VALUES = 2**40  # numbers; no machine holds more
_STEPS = "the engine computes the steps. Write train_on_batch(x, y), a custom loss, or a callback"
_PRECISION = "layers compute in float32; half precision is compile(precision='bfloat16')"
REPLACEMENTS = {  # what to use in place of attributes in Keras and PyTorch
    "fit_generator": "fit takes generators too: fit(generator, steps_per_epoch=…)",
    "evaluate_generator": "evaluate takes generators too: evaluate(generator, steps=…)",
    "predict_generator": "predict takes generators too: predict(generator, steps=…)",
    "predict_classes": "write predict(x).argmax(axis=-1)",
    "predict_proba": "write predict(x)",
    "score": "write evaluate(x, y)",
    "transform": "write predict(x)",
    "add_loss": "losses are on outputs, one for each: compile(loss=[…, …])",
    "add_metric": "write compile(metrics=[…])",
    **dict.fromkeys(("add_weight", "add_variable"), "weights belong to layers"),
    "quantize": "write `striate export MODEL --to FILE.onnx --int8`",
    "call": "call the model itself: model(x)",
    "forward": "call the model itself: model(x)",
    **dict.fromkeys(
        ("train_step", "test_step", "predict_step", "compute_loss", "compute_metrics", "make_train_function",
         "make_test_function", "make_predict_function", "train_function", "test_function", "predict_function",
         "stateless_call", "stateless_compute_loss", "zero_grad", "backward"), _STEPS,
    ),
    **dict.fromkeys(("dtype", "dtype_policy", "compute_dtype", "variable_dtype", "half", "bfloat16"), _PRECISION),
    "compute_output_shape": "write output_shape",
    "state_dict": "write named_weights",
    "load_state_dict": "write load_weights(file), or set_weights(arrays)",
    "parameters": "write weights, or named_weights",
    "named_parameters": "write named_weights",
    **dict.fromkeys(("to", "cuda", "cpu"), "write compile(device='cuda'), or use_engine('torch', device='cuda')"),
    "eval": "predict, evaluate and model(x) work as in inference already",
    "children": "write layers",
    "modules": "write layers",
}  # fmt: skip


@check_methods
class ModelBase:
    """A network with its weights and an engine. `Model` derives from it and adds training.

    Args:
        inputs: Symbolic tensors or Input layers, one or a list, as for `Network`.
        outputs: Symbolic tensors, one or a list.
        name: Name of the model.
        seed: Decides the initial weights, the order of the samples and dropout; 0 or more.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse methods of Keras that would never be called."""
        super().__init_subclass__(**kwargs)
        for name in ("train_step", "test_step", "predict_step", "make_train_function", "compute_loss"):
            if name in vars(cls):
                raise UsageError(
                    f"{cls.__name__}.{name} would never be called: the engine computes the steps. Pass a custom "
                    "loss to compile, write a callback for other changes, or call train_on_batch in a custom loop."
                )

    def __init__(self, inputs: Any, outputs: Any, *, name: str | None = None, seed: int = 0) -> None:
        structure = Structure.from_calls(connect(inputs, outputs), self._first_name(name))
        self._initialize(structure.network, seed)
        self._connect(structure)

    @classmethod
    def from_network(cls, network: Network, *, seed: int = 0) -> Self:
        """Make a model of an existing network.

        Args:
            network: The description.
            seed: Decides the initial weights, the order of the samples and dropout; 0 or more.

        Returns:
            The model, which is not compiled.

        Raises:
            UsageError: If it is not a network, or the seed is not a whole number of at least 0.
        """
        if not isinstance(network, Network):
            raise UsageError(f"network must be a Network; received {describe(network)}.")
        model = cls.__new__(cls)
        model._initialize(network, seed)
        return model

    def _first_name(self, name: str | None) -> str:
        """Return the name of the model, by default that of its class."""
        self._automatic_name = name is None
        return snake_case(type(self).__name__) if name is None else name

    def _initialize(self, network: Network | None, seed: int) -> None:
        """Set all attributes. A subclass that overrides this sets its own first."""
        self._network = network
        if network is not None:
            self._own_name = network.name
        self._structure: Structure | None = None
        self._shared: SharedWeights | None = None
        self._engine: Engine | None = None
        self._trainable = True
        self._times_set = 0  # how often weights were set
        self._pending_weights: Weights | None = None  # for the engine, which is created when it is first needed
        self._engine_settings = EngineSettings()
        self.seed = check_integer("seed", seed)
        self._initialized = True

    @property
    def structure(self) -> Structure:
        """The layer objects, whose weights other models may share; made when they are first needed."""
        network = self.network
        if self._structure is None:
            self._connect(Structure.from_network(network))
        assert self._structure is not None
        return self._structure

    if not TYPE_CHECKING:  # type checkers find unknown attributes themselves, unless they see this method

        def __getattr__(self, name: str) -> Any:
            """Say what to write in place of attributes of Keras and PyTorch that models do not have."""
            raise missing_attribute(self, name, REPLACEMENTS)

    def _connect(self, structure: Structure) -> None:
        self._structure, self._shared = structure, SharedWeights(structure.network, structure.layers, self.seed)
        if self._engine is not None:
            self._shared.attach(self._engine)
        elif self._pending_weights:
            self._shared.set(self._pending_weights)
            self._pending_weights = None

    def _disconnect(self) -> None:
        """Forget network and engine, which are going to be replaced. The layer objects keep their weights."""
        if self._engine is not None and self._shared is not None:
            self._shared.detach(self.engine)
        self._network = self._structure = self._shared = self._engine = None

    if not TYPE_CHECKING:  # type checkers find unknown attributes themselves, unless they see this method

        def __setattr__(self, name: str, value: Any) -> None:
            """Refuse attributes that do not exist, because setting them has no effect. Subclasses can declare more."""
            if (
                self._check_initialized(name, value)
                or name in vars(self)
                or hasattr(type(self), name)
                or name.startswith("_")
            ):
                return super().__setattr__(name, value)
            public = {known for known in (*vars(self), *dir(type(self))) if not known.startswith("_")}
            raise UsageError(f"A {type(self).__name__} has no attribute '{name}'.{nearest(name, public)}")

    def _check_initialized(self, name: str, value: Any) -> bool:
        """Return whether any attribute may be set. Raise UsageError if super().__init__() was not called."""
        if "_initialized" not in vars(self):
            if isinstance(value, Layer | Block | ModelBase) or hasattr(value, "call"):
                raise UsageError(
                    f"{type(self).__name__}: call super().__init__() before you set {name}, as the first line of "
                    "__init__."
                )
            return True
        return type(self).__module__.partition(".")[0] != "striate" and name != "trainable"

    @property
    def network(self) -> Network:
        """The description of the network."""
        assert self._network is not None
        return self._network

    @property
    def name(self) -> str:
        """The name of the model and its network."""
        return self._own_name

    @name.setter
    def name(self, name: str) -> None:
        check_name(name)
        self._own_name = name
        if self._network is not None:
            self._network = self._network.renamed(name)
            self._structure = self._structure and replace(self._structure, network=self._network)

    @property
    def engine(self) -> Engine:
        """The engine that runs the network; made when it is first needed."""
        network = self.network
        if self._engine is None:
            _check_size(network)
            weights = self._pending_weights or (self._shared.initialized() if self._shared else {})
            if len(weights) < len(network.parameters):
                weights = initial_weights(network, self.seed) | weights
            self._engine, self._pending_weights = self._make_engine(weights), None
            if self._shared:
                self._shared.attach(self._engine)
        elif self._shared:
            self._shared.synchronize(self._engine)
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
            UsageError: If the engine, device or precision does not exist or is not installed.
        """
        check_names("use_engine", options, [item.name for item in fields(EngineSettings)])
        asked = EngineSettings(engine, **options)
        asked.check()
        if asked == self._engine_settings:
            return
        self._engine_settings = asked
        if self._engine is not None:
            other = self._make_engine(self.engine.weights)
            if self._shared:
                self._shared.detach(self._engine)
                self._shared.attach(other)
            self._engine = other
            self._forget_training()

    def _forget_training(self) -> None:
        """Note that the engine is a new one. Derived classes define what this means for training."""

    @property
    def has_weights(self) -> bool:
        """Whether weights exist: they were used or set, and no longer depend on the seed alone."""
        shared = self._shared is not None and self._shared.any_initialized
        return self._engine is not None or bool(self._pending_weights) or shared

    @property
    def named_weights(self) -> Weights:
        """Copies of all parameters by full name (`C1/kernel`), moving statistics included."""
        if self._pending_weights:
            return {name: array.copy() for name, array in self._pending_weights.items()}
        return self.engine.weights

    @named_weights.setter
    def named_weights(self, weights: Mapping[str, Array]) -> None:
        arrays = {name: np.asarray(array) for name, array in weights.items()}
        check_weights(self.network, arrays, f"Weights for '{self.name}'")
        self._set_weights(arrays)

    @property
    def _weights_version(self) -> tuple[int, int]:
        """A value that differs after each change of the weights, by setting them or by the engine."""
        return self._times_set, 0 if self._pending_weights else self.engine.changes

    def _set_weights(self, arrays: Weights) -> None:
        """Set weights that match the network."""
        self._times_set += 1
        if self._engine is not None:
            self._engine.weights = arrays
        elif self._shared:
            self._shared.set(arrays)
        else:
            self._pending_weights = {name: np.array(array, np.float32) for name, array in arrays.items()}

    def _state(self) -> tuple[str, ...]:
        """Return what to show beside the name and the size of the model."""
        return ()

    def __repr__(self) -> str:
        try:
            network = self.network
        except StriateError:
            return f"<{type(self).__name__} '{self.name}': not built>"
        words = (counted(len(network.nodes), "layer"), counted(network.parameter_count, "parameter"), *self._state())
        return f"<{type(self).__name__} '{self.name}': {', '.join(words)}>"

    def _repr_html_(self) -> str:
        from striate.network.display import network_html

        try:
            return network_html(self.network, *self._state())
        except StriateError:
            return escape(repr(self))

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the weights without the network, for `load_weights`.

        Args:
            filepath: Where to write, for example "weights.safetensors".
            overwrite: Whether to replace a file that exists.

        Raises:
            UsageError: If the file exists and is not to be replaced, or its name has the suffix of another format.
            RunError: If the file cannot be written.
        """
        check_new_file(filepath, overwrite)
        if current_process().rank:
            return
        save_weights(filepath, self.named_weights, {"kind": "weights"})

    def load_weights(self, filepath: str | os.PathLike[str], skip_mismatch: bool = False) -> None:
        """Load weights that `save` or `save_weights` wrote.

        Args:
            filepath: The file.
            skip_mismatch: False: all weights must fit, because a network with some of them is not a trained one.

        Raises:
            UsageError: If skip_mismatch is True.
            ModelFileError: If the weights do not fit the network.
        """
        if skip_mismatch:
            raise UsageError(
                "load_weights loads all weights or none. For some of them load the other model, and copy layer by "
                "layer: model.get_layer('C1').set_weights(other.get_layer('C1').get_weights())."
            )
        path = find_model_file(filepath)
        arrays, _ = split_extras(load_weights(path)[0])
        check_weights(self.network, arrays, path)
        check_finite(arrays, path)
        self._set_weights(arrays)


def check_new_file(filepath: str | os.PathLike[str], overwrite: bool) -> None:
    """Check whether a model file may be written.

    Args:
        filepath: The file.
        overwrite: Whether to replace a file that exists.

    Raises:
        UsageError: If the file exists and is not to be replaced, or its name has the suffix of another format.
    """
    check_model_name(filepath)
    if not overwrite and os.path.lexists(filepath):
        raise UsageError(f"'{os.fspath(filepath)}' exists. Choose another name, or pass overwrite=True.")


def _check_size(network: Network) -> None:
    """Raise NetworkError for a network that no machine can hold. Descriptions of networks may have any size."""
    for count, what in (
        (network.parameter_count, "parameters"),
        (max(prod(node.shape) for node in network.nodes), "values in one layer for one sample"),
    ):
        if count > MAX_VALUES:
            raise NetworkError(f"'{network.name}' would have {count:,} {what}; at most {MAX_VALUES:,} are possible.")
