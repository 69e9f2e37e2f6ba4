"""Models whose network follows from the shape of the first batch: chains without Input, and classes with `call`."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from striate.arguments import check_methods, describe
from striate.errors import UsageError
from striate.models.base import ModelBase
from striate.models.structure import Structure
from striate.network import Activation, Input, Network, Tensor
from striate.network.composite import name_attributes, outside_of_traces, tensors_in, trace
from striate.network.connections import connect
from striate.network.layers.base import as_tensors
from striate.network.layers.core import DTYPES


@check_methods
class BuildableModel(ModelBase):
    """A model that may be built later: that of a class with the method `call`, or a chain of layers without Input."""

    _output_names: tuple[str, ...] = ()
    _first_inputs: Any = None  # the Input layers for which the network was built, in the form of its inputs

    def __init__(
        self, inputs: Any = None, outputs: Any = None, *, name: str | None = None, seed: int = 0,
        trainable: bool = True, dtype: str | None = None,
    ) -> None:  # fmt: skip
        if dtype not in (None, "float32"):
            raise UsageError(
                f"dtype={dtype!r} is not supported: models compute in float32. Half precision is chosen with "
                "compile(precision='bfloat16')."
            )
        if inputs is not None and outputs is not None:
            super().__init__(_named_inputs(inputs), self._named_outputs(outputs), name=name, seed=seed)
        elif inputs is not None or outputs is not None or not hasattr(self, "call"):
            raise UsageError(
                f"{type(self).__name__} needs inputs and outputs: Model(inputs, outputs). Or derive a class that makes "
                "layers in __init__ and connects them in the method call(self, x)."
            )
        else:
            self._own_name = self._first_name(name)
            self._initialize(None, seed)
        if not trainable:
            self.trainable = False

    @property
    def network(self) -> Network:
        """The description of the network. Raises UsageError while the shape of the input is unknown."""
        if self._network is None:
            self._build_if_possible()
        if self._network is None:
            raise UsageError(self._unbuilt_message())
        return self._network

    def _unbuilt_message(self) -> str:
        return (
            f"{type(self).__name__} '{self.name}' is not built, because the shape of its input is unknown. Call "
            f"build((None, 28, 28, 1)) with your shape, or fit, predict or the model itself with data; or "
            f"{self._how_to_begin}."
        )

    @property
    def built(self) -> bool:
        """Whether the shape of the input is known, so that there is a network."""
        if self._network is None:
            self._build_if_possible()
        return self._network is not None

    _how_to_begin = "connect Input layers: Model(inputs, outputs)"

    def _build_if_possible(self) -> None:
        """Build the network if the shape of the input is known."""

    def build(self, input_shape: Any = None) -> None:
        """Build the network of a chain without Input, or of a class with `call`; other models are built already.

        Args:
            input_shape: The shape of the input with None for the batch, such as (None, 28, 28, 1); a list or
                dictionary of shapes for several inputs.

        Raises:
            UsageError: If it is not a shape.
            NetworkError: If the layers do not fit it.

        Example:
            >>> import striate as st
            >>> model = st.Sequential([st.layers.Flatten(), st.layers.Dense(10, activation="softmax")])
            >>> model.build((None, 28, 28, 1))
            >>> model.count_params()
            7850
        """
        if not self.built:
            self._build_from(_inputs_of_shapes(input_shape))

    def _build_for(self, x: Any) -> None:
        """Build the network for arrays or tensors like these, if it is not built."""
        if not self.built:
            self._build_from(_inputs_like(x))

    def _build_from(self, inputs: Any) -> None:
        self._first_inputs, inputs = _descriptions(inputs), _tensors(inputs)
        with outside_of_traces():
            outputs = self._named_outputs(self._connect_layers(inputs))
            structure = Structure.from_calls(connect(tensors_in(inputs), outputs), self.name)
        self._network = structure.network
        self._connect(structure)

    @property
    def _has_parts(self) -> bool:
        """Whether the network follows from layers in attributes of the model."""
        return hasattr(self, "call")

    def _copied_parts(self) -> dict[str, Any]:
        """Return copies of the attributes from which the network follows, with new layers."""
        return copy.deepcopy({name: value for name, value in vars(self).items() if not name.startswith("_")})

    def _rebuild(self) -> None:
        """Build the network of a copy."""
        if self._first_inputs is not None:
            self._build_from(self._first_inputs)

    def _connect_layers(self, inputs: Any) -> Any:
        """Return the outputs of the method `call` for symbolic inputs."""
        name_attributes(self)
        return trace(self, (inputs,), None)

    def _named_outputs(self, outputs: Any) -> list[Tensor]:
        """Return the outputs as a list. Those of a dictionary become layers with its keys as their names."""
        if not isinstance(outputs, Mapping):
            return tensors_in(outputs)
        self._output_names = tuple(map(str, outputs))
        return [_with_name(key, tensor) for key, tensor in outputs.items()]

    def _pack(self, outputs: Any) -> Any:
        """Return outputs as the model's class gives them: one, a list, or a dictionary."""
        if self._output_names:
            return dict(zip(self._output_names, outputs, strict=True))
        return outputs[0] if len(outputs) == 1 else list(outputs)


def _with_name(name: str, tensor: Any) -> Tensor:
    if isinstance(tensor, Tensor) and not tensor.scope and tensor.layer.name is None:
        object.__setattr__(tensor.layer, "name", name)
    if isinstance(tensor, Tensor) and not tensor.scope and tensor.layer.name == name:
        return tensor
    return Activation("linear", name=name)(tensor)


def _named_inputs(inputs: Any) -> Any:
    """Return inputs as a list. Those of a dictionary must have its keys as their names, or none."""
    if not isinstance(inputs, Mapping):
        return inputs
    for key, value in inputs.items():
        layer = value.layer if isinstance(value, Tensor) else value
        if isinstance(layer, Input) and layer.name is None:
            object.__setattr__(layer, "name", key)
        if getattr(layer, "name", None) != key:
            raise UsageError(
                f"inputs: the Input with the key '{key}' is named '{getattr(layer, 'name', None)}'. Data are passed by "
                f"these names: write Input(shape, name='{key}')."
            )
    return list(inputs.values())


def _inputs_of_shapes(value: Any) -> Any:
    """Return Input layers for a shape, or for a list or dictionary of shapes."""
    if isinstance(value, Mapping):
        return {key: Input(_without_batch(shape), "float32", name=key) for key, shape in value.items()}
    if isinstance(value, list | tuple) and value and all(isinstance(item, list | tuple) for item in value):
        return [Input(_without_batch(shape), "float32") for shape in value]
    return Input(_without_batch(value), "float32")


def _without_batch(shape: Any) -> tuple[Any, ...]:
    """Return a shape without the batch, which None or the fourth or second number stands for."""
    if not isinstance(shape, list | tuple) or not shape:
        raise UsageError(f"build needs a shape such as (None, 28, 28, 1), with None for the batch; received {shape!r}.")
    has_batch = shape[0] is None or len(shape) in (2, 4)
    return tuple(shape[1:] if has_batch else shape)


def _inputs_like(x: Any) -> Any:
    """Return Input layers for arrays or tensors, or for a list or dictionary of them."""
    if isinstance(x, Mapping):
        return {key: _input_like(value, name=key) for key, value in x.items()}
    if isinstance(x, list | tuple) and x and all(len(getattr(item, "shape", ())) > 1 for item in x):
        return [_input_like(item) for item in x]
    return _input_like(x)


def _descriptions(inputs: Any) -> Any:
    """Return new Input layers like those of tensors, in a list or dictionary if they are."""
    if isinstance(inputs, Mapping):
        return {key: _descriptions(value) for key, value in inputs.items()}
    if isinstance(inputs, list):
        return [_descriptions(value) for value in inputs]
    return replace(inputs.layer if isinstance(inputs, Tensor) else inputs)


def _tensors(inputs: Any) -> Any:
    """Return the tensors of Input layers, of a list or of a dictionary of them."""
    if isinstance(inputs, Mapping):
        return {key: _tensors(value) for key, value in inputs.items()}
    return as_tensors("inputs", tuple(inputs)) if isinstance(inputs, list) else as_tensors("inputs", (inputs,))[0]


def _input_like(x: Any, name: str | None = None) -> Input:
    if isinstance(x, Tensor | Input):
        return Input(x.sample_shape if isinstance(x, Tensor) else x.output_shape(), "float32", name=name)
    if not hasattr(x, "shape") or not hasattr(x, "dtype"):
        x = np.asarray(x)
    if len(x.shape) < 2:
        raise UsageError(f"Expected a batch of samples, (N, H, W, C) or (N, F); received {describe(x)}.")
    dtype = str(x.dtype).rpartition(".")[2]
    return Input(tuple(x.shape[1:]), dtype if dtype in DTYPES else "float32", name=name)
