"""A model that is a chain of layers."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Self

from striate.arguments import check_methods, describe
from striate.errors import NetworkError, UsageError
from striate.models.model import Model
from striate.models.structure import is_chain
from striate.network import Block, Input, Layer, Network, Tensor, layer_class
from striate.network.composite import outside_of_traces
from striate.network.custom_objects import custom_object_scope
from striate.network.keras_arguments import given_shape
from striate.network.layers.base import as_tensors
from striate.network.naming import free_name, name_automatically, snake_case


@check_methods
class Sequential(Model):
    """A chain of layers. The first is an Input, or the network is built for the first batch.

    Layers can be appended and removed at any time. The others keep their weights; a model that was compiled is
    compiled again.

    Args:
        layers: Layers, blocks and models.
        name: Name of the model.
        seed: Decides the initial weights, the order of the samples and dropout; 0 or more.
        trainable: False freezes all layers.

    Example:
        >>> import striate as st
        >>> model = Sequential([st.Input((28, 28, 1)), st.layers.Flatten()])
        >>> model.add(st.layers.Dense(10, activation="softmax"))
        >>> model.output_shape
        (None, 10)
    """

    _is_sequential = True
    _how_to_begin = "begin with Input(shape), or give the first layer input_shape=…"

    def __init__(
        self, layers: Iterable[Any] | None = None, *, name: str | None = None, seed: int = 0, trainable: bool = True
    ) -> None:
        self._chain: list[Any] = []  # without the Input
        self._tensors: list[Tensor] = []  # the input and the output of each layer, once the shape of the input is known
        self._has_input_layer = False
        self._own_name = self._first_name(name)
        self._initialize(None, seed)
        if isinstance(layers, Layer | Block | Model):
            raise UsageError(f"layers must be a list; write Sequential([{type(layers).__name__}(…)]).")
        for layer in () if layers is None else layers:
            self.add(layer)
        if not trainable:
            self.trainable = False

    @classmethod
    def from_network(cls, network: Network, *, seed: int = 0) -> Self:
        """Make a model of an existing network, which must be a chain.

        Args:
            network: The description.
            seed: Decides the initial weights, the order of the samples and dropout; 0 or more.

        Returns:
            The model, which is not compiled.

        Raises:
            NetworkError: If the network is not a chain.
        """
        if not is_chain(network):
            raise NetworkError(f"'{network.name}' is not a chain of layers. Use Model.from_network.")
        model = super().from_network(network, seed=seed)
        model._tensors, model._has_input_layer = list(model.structure.tensors), True
        model._chain = [tensor.layer for tensor in model._tensors[1:]]
        return model

    @property
    def layers(self) -> list[Any]:
        """The layers in their order, without the Input."""
        return list(self._chain)

    _kind = "Sequential"

    def get_config(self) -> dict[str, Any]:
        """Return name, layers and input shape as JSON values, from which `from_config` makes an equal model.

        Example:
            >>> import striate as st
            >>> model = st.Sequential([st.Input((4,)), st.layers.Dense(2)])
            >>> [layer["class_name"] for layer in model.get_config()["layers"]]
            ['Input', 'Dense']
        """
        first = [self._tensors[0].layer] if self._tensors else []
        parts = [*first, *self._chain]
        described = [{"class_name": getattr(p, "_kind", type(p).__name__), "config": p.get_config()} for p in parts]
        return {"name": self.name, "layers": described}

    @classmethod
    def from_config(cls, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Self:
        """Return a model with the configuration that `get_config` returned.

        Args:
            config: The configuration.
            custom_objects: Custom layer classes by name, unless they are registered.

        Returns:
            The model.

        Raises:
            NetworkError: If it is another configuration.
        """
        if not isinstance(config, Mapping) or not isinstance(config.get("layers"), list):
            raise NetworkError(f"Sequential.from_config needs what get_config returns; received {describe(config)}.")
        with custom_object_scope(custom_objects):
            return cls(list(map(part_from_config, config["layers"])), name=config.get("name"))

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Append a layer.

        Args:
            layer: The layer, block or model.
            rebuild: Has no effect; it is an argument of Keras.

        Raises:
            UsageError: If it is not a layer, or an Input behind other layers.
            NetworkError: If it does not fit the output of the layer before it.
        """
        layer = layer.layer if isinstance(layer, Tensor) and isinstance(layer.layer, Input) else layer
        if not isinstance(layer, Layer | Block | Model):
            raise UsageError(f"Layer {len(self._chain) + 1}: expected a layer, received {describe(layer)}.")
        if isinstance(layer, Input):
            if self._chain or self._tensors:
                raise UsageError("An Input can only be the first layer of a chain.")
            self._tensors, self._has_input_layer = list(as_tensors("Sequential", (layer,))), True
            return
        self._append(layer)
        if isinstance(layer, Layer) and layer.name is None:
            name_automatically(layer, free_name(snake_case(layer.kind), {each.name for each in self._chain}))
        self._chain.append(layer)
        self._change()

    def pop(self, rebuild: bool = True) -> Any:
        """Remove the last layer and return it.

        Args:
            rebuild: Has no effect; it is an argument of Keras.

        Returns:
            The layer.

        Raises:
            UsageError: If the model has no layers.
        """
        if not self._chain:
            raise UsageError("There is no layer to remove.")
        layer = self._chain.pop()
        del self._tensors[len(self._chain) + 1 :]
        if not self._chain and self._tensors and given_shape(layer):
            self._tensors = []
        self._change()
        return layer

    def _append(self, layer: Any) -> None:
        """Call a layer with the output of the last one, if its shape is known."""
        if not self._chain and not self._tensors and (first := _own_input(layer)) is not None:
            self._tensors = list(as_tensors("Sequential", (first,)))
        if not self._tensors:
            return
        position = len(self._tensors) + self._has_input_layer
        try:
            with outside_of_traces():
                output = layer(self._tensors[-1])
        except NetworkError as error:
            if layer.name:
                raise
            raise NetworkError(f"Layer {position}, {error}") from None
        if not isinstance(output, Tensor):
            raise NetworkError(f"Layer {position}, {describe(layer)}: a chain needs layers with one output.")
        self._tensors.append(output)

    @property
    def _has_parts(self) -> bool:
        return True

    def _copied_parts(self) -> dict[str, Any]:
        first = replace(self._tensors[0].layer) if self._tensors else None
        return {"_chain": copy.deepcopy(self._chain), "_tensors": [], "_first_inputs": first}

    def _rebuild(self) -> None:
        if self._first_inputs is not None:
            self._tensors = list(as_tensors("Sequential", (self._first_inputs,)))
            for layer in self._chain:
                self._append(layer)

    def _change(self) -> None:
        if self._network is not None:
            self._disconnect()

    def _build_if_possible(self) -> None:
        if self._chain and self._tensors:
            self._build_from(self._tensors[0])

    def _connect_layers(self, inputs: Any) -> Any:
        if not self._chain:
            raise UsageError(f"Sequential '{self.name}' has no layers: add(layer) appends one.")
        if not self._tensors:
            if isinstance(inputs, list | dict):
                raise UsageError("A chain of layers has one input. For several use Model(inputs, outputs).")
            self._tensors = list(as_tensors("Sequential", (inputs,)))
            try:
                for layer in self._chain:
                    self._append(layer)
            except NetworkError:
                self._tensors = []
                raise
        return self._tensors[-1]


def part_from_config(described: Any) -> Any:
    """Make a layer or a model from its configuration.

    Args:
        described: An object with class_name and config, as in the layers of `Sequential.get_config`.

    Returns:
        The layer or model.

    Raises:
        NetworkError: If it is not such an object, or there is no such class.
    """
    if not isinstance(described, Mapping) or not isinstance(described.get("config"), Mapping):
        raise NetworkError(f"Expected an object with class_name and config; received {describe(described)}.")
    kind = described.get("class_name")
    models: dict[object, type[Model]] = {"Model": Model, "Sequential": Sequential}
    return (
        models[kind].from_config(described["config"])
        if kind in models
        else (layer_class(str(kind)).from_config(described["config"]))
    )


def _own_input(layer: Any) -> Input | None:
    """Return an Input of the shape that a layer or a nested model has from its construction; None if it has none."""
    if isinstance(layer, Model):
        return Input(layer.network.nodes[layer.network.inputs[0]].shape, "float32") if layer.built else None
    shape = None if isinstance(layer, Block) else given_shape(layer)
    return Input(shape, "float32") if shape else None
