"""A model as Keras shows it: its layers, their tensors, weights in a list, and the call of a model."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np

from striate import strict_json
from striate._types import Array
from striate.arguments import check_methods, describe
from striate.engines.variables import Values
from striate.errors import NetworkError, UsageError, nearest
from striate.models.building import BuildableModel
from striate.models.layer_weights import LayerVariable, match_arrays
from striate.models.structure import Structure
from striate.network import Input, Layer, Network, Parameter, Tensor
from striate.network.composite import is_model, parts_of
from striate.network.layers.base import as_tensors, calls, flat
from striate.training import check_inputs


@check_methods
class LayeredModel(BuildableModel):
    """A model whose layers, tensors and weights are accessible as in Keras. `Model` derives from it."""

    def __call__(self, *inputs: Any, training: bool | None = None, **settings: Any) -> Any:
        """Compute the outputs of arrays, or use the model as a layer of another one.

        Args:
            *inputs: An array for each input, or one list; or symbolic tensors and Input layers.
            training: For arrays, True uses dropout and the statistics of the batch; nothing is updated. For tensors,
                False lets the layers of this model work as in inference, also while the outer model is trained.
            **settings: `inputs`, and `mask=None`, which are arguments of Keras.

        Returns:
            An array for arrays, which has the method `numpy()` too; a symbolic tensor for tensors. A list for a model
            with several outputs. The outer model shares the weights of this one.

        Raises:
            DataError: If the arrays do not fit the network.
            NetworkError: If the tensors do not fit the network.
            UsageError: If there are other arguments.

        Example:
            >>> import numpy as np
            >>> import striate as st
            >>> inner = st.Sequential([st.Input((4,)), st.layers.Dense(3, activation="relu")], name="inner")
            >>> inner(np.zeros((2, 4))).shape
            (2, 3)
            >>> image = st.Input((4,))
            >>> outer = st.Model(image, st.layers.Dense(2)(inner(image)))
            >>> outer.get_layer("inner") is inner
            True
        """
        if not inputs and "inputs" in settings:
            inputs = (settings.pop("inputs"),)
        if not inputs or settings.pop("mask", None) is not None or settings:
            wrong = next(iter(settings), "mask") if inputs else "nothing"
            raise UsageError(f"Model '{self.name}' is called with inputs and training=…; received {wrong}.")
        values = tuple(inputs[0].values()) if len(inputs) == 1 and isinstance(inputs[0], Mapping) else flat(inputs)
        self._build_for(inputs[0] if len(inputs) == 1 else list(inputs))
        if any(isinstance(value, Tensor | Input) for value in values):
            tensors = as_tensors(f"{type(self).__name__} '{self.name}'", values)
            outputs: list[Any] = self.structure.call(self, tensors, training)
        else:
            (x,) = inputs if len(inputs) == 1 else (list(inputs),)
            arrays = self.engine.forward(check_inputs(self.network, x), training=bool(training))
            outputs = [array.view(Values) for array in arrays]
        return self._pack(outputs)

    @property
    def layers(self) -> list[Any]:
        """The layers from input to output, each once; a nested model or a custom layer is one item.

        Those of a class with the method `call` are the layers and models in its attributes, as in Keras.
        """
        return parts_of(self) if hasattr(self, "call") else self.structure.items()

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """Return a layer by its name, or by its position in `layers`.

        Args:
            name: Its name, also that of a nested model or of a layer in it (`resnet18.conv1`).
            index: Its position; negative numbers count from the end.

        Returns:
            The layer. For a nested model, the model; if this model was loaded from a file, a model of the same layers
            that shares their weights.

        Raises:
            NetworkError: If there is no such layer.
            UsageError: If not exactly one of name and index is given.

        Example:
            >>> import striate as st
            >>> model = st.Sequential([st.Input((4,)), st.layers.Dense(3, name="first"), st.layers.Dense(2)])
            >>> features = st.Model(model.input, model.get_layer("first").output)
            >>> features.output_shape
            (None, 3)
        """
        if (name is None) == (index is None):
            raise UsageError("get_layer needs either a name or an index.")
        if index is not None:
            items = self.layers
            if not -len(items) <= index < len(items):
                raise NetworkError(f"'{self.name}' has {len(items)} layers; received index {index}.")
            return items[index]
        item = self.structure.find(str(name))
        if item is None and (part := self.structure.submodel(str(name))):
            item = self._make(*part, str(name))
        if item is None:
            known = [*self.structure.layers, *self.structure.scopes]
            raise NetworkError(f"'{self.name}' has no layer '{name}'.{nearest(str(name), known)}")
        return item

    def _make(self, inputs: list[Tensor], outputs: list[Tensor], name: str) -> "LayeredModel":
        """Return a model of some layers of this one."""
        return LayeredModel(inputs, outputs, name=name)

    @property
    def inputs(self) -> list[Tensor]:
        """The symbolic tensors of the inputs."""
        return self.structure.inputs

    @property
    def outputs(self) -> list[Tensor]:
        """The symbolic tensors of the outputs."""
        return self.structure.outputs

    @property
    def input(self) -> Any:
        """The symbolic tensor of the input; a list of several."""
        return _one_or_list(self.inputs)

    @property
    def output(self) -> Any:
        """The symbolic tensor of the output; a list of several."""
        return _one_or_list(self.outputs)

    @property
    def input_shape(self) -> Any:
        """The shape of the input with None for the batch, such as (None, 28, 28, 1); a list of several."""
        return _one_or_list([(None, *shape) for shape in self.network.input_shapes])

    @property
    def output_shape(self) -> Any:
        """The shape of the output with None for the batch, such as (None, 10); a list of several."""
        return _one_or_list([(None, *shape) for shape in self.network.output_shapes])

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights. Setting it sets it for all layers, from the next compile on.

        Models that use this one as a layer follow: freeze a base with `base.trainable = False`, then compile the model.

        Example:
            >>> import striate as st
            >>> model = st.Sequential([st.Input((4,)), st.layers.Dense(3), st.layers.Dense(2, activation="softmax")])
            >>> for layer in model.layers[:-1]:
            ...     layer.trainable = False
            >>> model.compile("adam")
            >>> [variable.path for variable in model.trainable_weights]
            ['dense_1/kernel', 'dense_1/bias']
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        if self.built or hasattr(self, "call"):
            for layer in self.layers:
                layer.trainable = value

    def _connect(self, structure: Structure) -> None:
        super()._connect(structure)
        if not self._trainable:  # set before there were layers
            for layer in structure.layers.values():
                layer.trainable = False

    def frozen_layers(self) -> list[str]:
        """Return the names of the layers with weights whose `trainable` is False, nested ones too.

        Layers without weights are not among them: as in Keras, a frozen base keeps its dropout.
        """
        if self._structure is None:
            return []
        named = {parameter.name.rpartition("/")[0] for parameter in self.network.parameters}
        frozen = {name for name, layer in self._structure.layers.items() if not layer.trainable}
        for node, tensor in zip(self.network.nodes, self._structure.tensors, strict=True):
            if any(isinstance(part, Layer) and not part.trainable for part in tensor.scope):
                frozen.add(str(node.layer.name))  # created again in each call of a custom layer
        return [name for name in self._structure.layers if name in frozen & named]

    @property
    def weights(self) -> list[LayerVariable]:
        """Copies of all parameters in Keras's order, each with `path`, `numpy()` and `assign(values)`.

        `named_weights` has them by name.
        """
        if not self.built:
            return []
        arrays, layers = self.named_weights, self.structure.layers
        return [
            LayerVariable(arrays[parameter.name], parameter, layers[parameter.name.rpartition("/")[0]])
            for parameter in self._parameters
        ]

    @property
    def trainable_weights(self) -> list[LayerVariable]:
        """The `weights` that training changes."""
        return [variable for variable in self.weights if variable.trainable and self._trainable]

    @property
    def non_trainable_weights(self) -> list[LayerVariable]:
        """The other `weights`, such as moving statistics and those of frozen layers."""
        return [variable for variable in self.weights if not (variable.trainable and self._trainable)]

    variables, trainable_variables, non_trainable_variables = weights, trainable_weights, non_trainable_weights

    @property
    def _parameters(self) -> list[Parameter]:
        """The parameters in Keras's order: for a class with `call`, that of its attributes."""
        parameters = self.structure.parameters if self.built else []
        if not hasattr(self, "call"):
            return parameters
        names = [str(part.name) for part in self.layers]

        def place(parameter: Parameter) -> int:
            own = (number for number, name in enumerate(names) if parameter.name.startswith((f"{name}/", f"{name}.")))
            return next(own, len(names))

        return sorted(parameters, key=place)

    def get_weights(self) -> list[Array]:
        """Return all parameters as arrays in Keras's order: layer by layer, for example kernel, then bias."""
        arrays = self.named_weights if self.built else {}
        return [arrays[parameter.name] for parameter in self._parameters]

    def set_weights(self, weights: Any) -> None:
        """Set all parameters.

        Args:
            weights: A list of arrays in the order of `get_weights`, or a dictionary like `named_weights`.

        Raises:
            UsageError: If the number of arrays or a shape does not fit.
        """
        if not isinstance(weights, Mapping):
            weights = match_arrays(weights, self._parameters, f"'{self.name}'")
        self.named_weights = dict(weights)

    def count_params(self) -> int:
        """Return the number of parameters, trainable or not."""
        return self.network.parameter_count

    def get_config(self) -> dict[str, Any]:
        """Return the network as JSON values, from which `from_config` makes an equal model with new weights.

        The layers of nested models are those of one network.

        Example:
            >>> import striate as st
            >>> image = st.Input((4,))
            >>> model = st.Model(image, st.layers.Dense(2)(image))
            >>> st.Model.from_config(model.get_config()).network == model.network
            True
        """
        if hasattr(self, "call"):
            return {"name": self.name}
        return {"name": self.name, "network": self.network.to_dict()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Self:
        """Return a model with the configuration that `get_config` returned.

        Args:
            config: The configuration.
            custom_objects: Not needed here: it contains the network that classes with `call` made.

        Returns:
            The model.

        Raises:
            NetworkError: If it is another configuration.
        """
        if hasattr(cls, "call"):
            return cls(**config)
        if not isinstance(config, Mapping) or "network" not in config:
            raise NetworkError(
                f"{cls.__name__}.from_config needs what get_config returns; received {describe(config)}."
            )
        return cls.from_network(Network.from_dict(config["network"]))

    def to_json(self) -> str:
        """Return the configuration as JSON text, for `striate.models.model_from_json`; without weights."""
        return strict_json.dumps({"class_name": self._kind, "config": self.get_config()})

    _kind = "Model"

    def summary(
        self, line_length: int | None = None, positions: Any = None, print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False, show_trainable: bool = False, layer_range: tuple[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Print the table of layers: sizes, windows, parameters, multiply-adds, receptive fields.

        In a notebook, the table is shown as HTML.

        Args:
            line_length: Number of characters that a line may have; None: as many as the terminal has.
            positions: Has no effect, because columns are as wide as their content; it is an argument of Keras.
            print_fn: What receives the text instead of `print`.
            expand_nested: Whether to list the layers of nested models; else each nested model is one row.
            show_trainable: Whether to mark the layers that are frozen.
            layer_range: Names of the first and the last layer to list; None: all.

        Raises:
            NetworkError: If layer_range names a layer that does not exist.

        Example:
            >>> import striate as st
            >>> layers = st.layers
            >>> model = st.Sequential([st.Input((1,)), layers.Dense(2, activation="softmax", name="out")])
            >>> model.summary(line_length=120)
            layer ...
            out    Dense  2 ...
            sequential: 4 parameters, 2 multiply-adds for one image
        """
        from striate.summary import collapsed, show_summary, summary, terminal_width

        if not self.built:
            kinds = ", ".join(f"{layer.name} ({type(layer).__name__})" for layer in self.layers)
            message = f"{kinds}\n" if kinds else ""
            (print_fn or print)(f"{message}{self._unbuilt_message()}")
            return
        rows, frozen = self.network.table(), self.frozen_layers()
        if show_trainable:
            rows = [replace(row, kind=f"{row.kind} (frozen)") if row.name in frozen else row for row in rows]
        if not expand_nested:
            scopes = self.structure.scopes
            rows = collapsed(rows, {name: type(part).__name__ for name, part in scopes.items() if is_model(part)})
        if layer_range is not None:
            names = [row.name for row in rows]
            for name in layer_range:
                if name not in names:
                    raise NetworkError(f"layer_range: '{self.name}' has no layer '{name}'.{nearest(name, names)}")
            rows = rows[names.index(layer_range[0]) : names.index(layer_range[1]) + 1]
        if print_fn is None and line_length is None:
            show_summary(self.network, frozen, rows)
        else:
            (print_fn or print)(summary(self.network, line_length or terminal_width(), frozen, rows))


def _one_or_list(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _call_with_arrays(layer: Layer, inputs: tuple[Any, ...], training: bool | None, settings: Mapping[str, Any]) -> Any:
    """Return the output of a layer for arrays, computed by a model of the layer alone."""
    arrays = [np.asarray(value) for value in flat(inputs)]
    sources = [Input(array.shape[1:], "float32") for array in arrays]
    one = len(inputs) == 1 and not isinstance(inputs[0], list | tuple)
    model = LayeredModel(sources, layer(sources[0] if one else sources, **settings))
    return model(arrays if len(arrays) > 1 else arrays[0], training=training)


def _make_weights(layer: Layer) -> None:
    """Make the weights of a layer that was called, but is not part of a model."""
    inputs = [Input(tensor.sample_shape, "float32") for tensor in layer.output.inputs]
    _ = LayeredModel(inputs, layer(*inputs)).engine


calls.arrays, calls.make_weights = _call_with_arrays, _make_weights
