"""The base class of all layers."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, Self

from striate.errors import NetworkError, missing_attribute
from striate.network.layers.tensor import Identity, Parameter, Tensor
from striate.network.settings import check_name, convert
from striate.network.shapes import Shape, Window

__all__ = ["Layer", "Parameter", "Tensor"]

scope: ContextVar[tuple[object, ...]] = ContextVar("scope", default=())


REPLACEMENTS = {  # what to use in place of attributes in Keras
    "input_shape": "write layer.input.shape, as in Keras 3",
    "call": "call the layer itself: layer(x)",
    "add_metric": "write compile(metrics=[…]) of the model",
    "add_variable": "a layer made in Python consists of other layers",
    **dict.fromkeys(
        ("dtype", "dtype_policy", "compute_dtype", "variable_dtype"),
        "layers compute in float32; half precision is compile(precision='bfloat16') of the model",
    ),
    **dict.fromkeys(("enable_lora", "quantize"), "export the model with `striate export MODEL --to FILE.onnx --int8`"),
    **dict.fromkeys(("kernel_constraint", "bias_constraint"), "there are no constraints on weights"),
}
_NO_LOSSES = (
    "layers have no losses. Penalties are on weights: kernel_regularizer='l2'. Other losses are on "
    "outputs, one for each: Model(inputs, [first, second]) with compile(loss=[…, …])."
)


@dataclass(frozen=True)
class Layer:
    """Base of all layers. A layer has settings but no weights.

    Calling a layer with the outputs of other layers returns a `Tensor`. Calling the same object twice shares its
    weights. There are two kinds of custom layers:

    - A composite layer consists of other layers: a class with `__init__`, optionally `build`, and `call`, as in Keras.
    - A primitive layer has its own weights and arithmetic: a frozen dataclass, decorated with `@register_layer`, that
      defines at least `output_shape`, and a rule for each engine (CONTRIBUTING.md names the files).

    Class variables: `arity` is the least and greatest number of inputs (None: any). `training_behavior` says whether
    the layer does the same in training and inference, something else, or nothing in inference, as dropout.

    Attributes:
        name: Name of the layer in tables, files and error messages; None: the network chooses one.
    """

    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    training_behavior: ClassVar[Literal["same", "other", "none in inference"]] = "same"
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.name is not None:
            check_name(self.name)

    @property
    def identity(self) -> Identity:
        """The identity of the layer, which it shares with copies that have another name."""
        return vars(self).setdefault("_identity", Identity())  # type: ignore[no-any-return]

    def renamed(self, name: str) -> Self:
        """Return the same layer under another name: a copy with the same identity, so with the same weights.

        Args:
            name: The new name.

        Returns:
            The renamed layer.
        """
        if name == self.name:
            return self
        copy = replace(self, name=name)
        vars(copy)["_identity"] = self.identity
        return copy

    @property
    def kind(self) -> str:
        """The name of the class."""
        return type(self).__name__

    @property
    def label(self) -> str:
        """The name of the layer in error messages, for example Conv2D 'C1'."""
        return f"{self.kind} '{self.name}'" if self.name else self.kind

    @property
    def window(self) -> Window | None:
        """The sliding window, if the layer has one."""
        return None

    def output_shape(self, *inputs: Shape) -> Shape:
        """Compute the output shape.

        Args:
            *inputs: The shape of each input.

        Returns:
            The shape.

        Raises:
            NetworkError: If the layer does not accept these inputs.
        """
        raise self.error("its class must define the method call, or, if it is registered, output_shape.")

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        """Return the parameters for these input shapes."""
        return ()

    def multiply_adds(self, *inputs: Shape) -> int:
        """Count the multiply-adds for one image.

        Args:
            *inputs: The shape of each input.

        Returns:
            The number.
        """
        return 0

    # What a layer object is in the models that use it.

    @property
    def input(self) -> "Tensor | list[Tensor]":
        """The tensor that was passed to the first call of the layer, or a list of them."""
        inputs = self.identity.first_inputs or self._call.inputs
        return inputs[0] if len(inputs) == 1 else list(inputs)

    @property
    def output(self) -> Tensor:
        """The tensor that the first call of the layer returned, for example as the output of another model."""
        return self._call

    @property
    def _call(self) -> Tensor:
        if self.identity.first_call is None and self.arity == (0, 0):
            self.identity.first_call = Tensor(self, (), self.output_shape())
        if self.identity.first_call is None:
            raise self.error("it has no input and output, because it is not part of a model and was never called.")
        return self.identity.first_call

    @property
    def built(self) -> bool:
        """Whether the layer was called or is part of a model, so that the shapes of its weights are known."""
        return self.identity.first_call is not None or self.arity == (0, 0)

    @built.setter
    def built(self, value: bool) -> None:
        """Do nothing: custom layers of Keras set this in `build`."""

    def build(self, input_shape: Any) -> None:
        """Make the weights; a custom layer can make the layers here of which it consists.

        Args:
            input_shape: The shape of the input, with None for the batch; a list of shapes for several inputs.
        """
        if not self.built and not hasattr(self, "call"):
            self._symbolic_output(input_shape)

    def _symbolic_output(self, input_shape: Any) -> Tensor:
        from striate.network.layers.core import Input

        if not isinstance(input_shape, list | tuple) or not input_shape:
            raise self.error(f"expected a shape such as (None, 28, 28, 1), received {input_shape!r}.")
        several = isinstance(input_shape[0], list | tuple)
        shapes: Any = input_shape if several else [input_shape]
        inputs = [Input(tuple(shape[1:]), "float32") for shape in shapes]
        return self(inputs if several else inputs[0])

    def get_config(self) -> dict[str, Any]:
        """Return name and settings as JSON values, from which `from_config` makes an equal layer without weights.

        Example:
            >>> from striate.layers import Dense
            >>> config = Dense(5, name="five").get_config()
            >>> config["units"], Dense.from_config(config).name
            (5, 'five')
        """
        if hasattr(self, "call"):
            return {"name": self.name}
        from striate.network.serialize import layer_config

        return layer_config(self)

    @classmethod
    def from_config(cls, config: Any) -> "Layer":
        """Make a layer with the settings that `get_config` returned.

        Args:
            config: The settings by name.

        Returns:
            The layer.
        """
        if hasattr(cls, "call"):
            return cls(**config)
        from striate.network.serialize import layer_from_config

        return layer_from_config(cls, config)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the output shape for an input shape, or a list of them, both with None for the batch."""
        return (self if hasattr(self, "call") else replace(self))._symbolic_output(input_shape).shape

    def add_loss(self, loss: Any) -> None:
        """Raise NetworkError: penalties are on weights, and losses on the outputs of a model."""
        raise self.error(_NO_LOSSES)

    @property
    def losses(self) -> list[Any]:
        """Raise NetworkError, as `add_loss`."""
        raise self.error(_NO_LOSSES)

    def add_weight(self, *_: Any, **__: Any) -> NoReturn:
        """Raise NetworkError: layers with their own arithmetic are registered."""
        raise self.error(
            "a layer made in Python consists of other layers, which it makes in __init__ or build and calls in call. "
            "A layer with its own weights and arithmetic is a frozen dataclass with @register_layer, and a rule for "
            "each engine: CONTRIBUTING.md names the files."
        )

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights, in all models that use this layer.

        Setting it to False freezes the layer: from the next compile of a model on, it keeps its weights and moving
        statistics, and works as in inference. It is a state of this object, not a part of the description.
        """
        return bool(self.identity.trainable)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.identity.trainable = bool(value)
        for part in self._parts:
            part.trainable = value

    @property
    def weights(self) -> list[Any]:
        """Copies of the weights in Keras's order, each with `name`, `path`, `numpy()` and `assign(values)`."""
        if hasattr(self, "call"):
            return [variable for part in self._parts for variable in part.weights]
        return self._weight_source.variables(self) if self._weight_source else []

    @property
    def _parts(self) -> list[Any]:
        """The layers and models of which a custom layer consists."""
        from striate.network.composite import parts_of

        return parts_of(self)

    @property
    def trainable_weights(self) -> list[Any]:
        """The `weights` that training changes."""
        return [variable for variable in self.weights if variable.trainable]

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The other `weights`, such as moving statistics."""
        return [variable for variable in self.weights if not variable.trainable]

    variables, trainable_variables, non_trainable_variables = weights, trainable_weights, non_trainable_weights

    @property
    def _weight_source(self) -> Any:
        """The `LayerWeights`; None for a layer that was never called."""
        if self.identity.weights is None and self.built and calls.make_weights:
            shapes = [tensor.sample_shape for tensor in self._call.inputs]
            if self.arity != (0, 0) and self.parameters(*shapes):
                calls.make_weights(self)
        return self.identity.weights

    def get_weights(self) -> list[Any]:
        """Return the weights as arrays in Keras's order, for example [kernel, bias]."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Set the weights in all models that use the layer.

        Args:
            weights: A list of arrays in the order of `get_weights`.

        Raises:
            UsageError: If the number of arrays or a shape is wrong.
            NetworkError: If the layer is not built.
        """
        if not self.built:
            raise self.error("its weights have no shape yet, because it was never called. Build the model first.")
        if hasattr(self, "call"):
            counts = [len(part.weights) for part in self._parts]
            if not isinstance(weights, list | tuple) or len(weights) != sum(counts):
                raise self.error(f"set_weights needs a list of {sum(counts)} arrays, in the order of get_weights().")
            values = iter(weights)
            for part, count in zip(self._parts, counts, strict=True):
                part.set_weights([next(values) for _ in range(count)])
        elif self._weight_source or weights:
            if not self._weight_source:
                raise self.error("set_weights: it has no weights.")
            self._weight_source.set_list(weights, self.label)

    def count_params(self) -> int:
        """Return the number of parameters."""
        if not self.built:
            raise self.error("its parameters cannot be counted, because it was never called. Build the model first.")
        if hasattr(self, "call"):
            return sum(part.count_params() for part in self._parts)
        return sum(parameter.size for parameter in self.parameters(*(each.sample_shape for each in self._call.inputs)))

    if not TYPE_CHECKING:  # type checkers find unknown attributes themselves, unless they see this method

        def __getattr__(self, name: str) -> Any:
            """Return a weight by its name, such as `kernel` and `bias`; explain other names in an error."""
            call = None if name.startswith("_") else self.identity.first_call
            if call is not None and name in {
                each.name for each in self.parameters(*(tensor.sample_shape for tensor in call.inputs))
            }:
                return next(variable for variable in self.weights if variable.name == name)
            raise missing_attribute(self, name, REPLACEMENTS)

    def error(self, message: str) -> NetworkError:
        """Return an error whose message begins with the name of the layer."""
        return NetworkError(f"{self.label}: {message}")

    def convert(self, check: Callable[[Any], Any], *settings: str) -> None:
        """Convert settings to their canonical form.

        Args:
            check: Converts a value, or raises NetworkError.
            *settings: Names of the settings.

        Raises:
            NetworkError: If a value is wrong; the message names layer and setting.
        """
        for setting in settings:
            convert(self, self.label, check, setting)

    def check_arity(self, count: int) -> None:
        """Check the number of inputs.

        Args:
            count: The number.

        Raises:
            NetworkError: If the layer does not accept it.
        """
        least, most = self.arity
        if count >= least and (most is None or count <= most):
            return
        expected = f"at least {least} inputs" if most is None else "one input" if most == 1 else f"{most} inputs"
        raise self.error(f"expected {expected}, received {count}.")

    def __call__(self, *inputs: Any, training: bool | None = None, **settings: Any) -> Tensor:
        """Return the output for tensors or arrays, passed as separate arguments or as one list.

        Args:
            *inputs: Tensors, Input layers or arrays.
            training: False: the layer works as in inference, also while the model is trained. None and True: as the
                model does.
            **settings: Further arguments of the method `call` of a custom layer.

        Returns:
            A tensor; for arrays an array.
        """
        if not inputs and "inputs" in settings:
            inputs = (settings.pop("inputs"),)
        if settings.get("mask", 0) is None:
            del settings["mask"]
        if settings and not hasattr(self, "call"):
            raise self.error(f"it cannot be called with {next(iter(settings))}=…; settings are given to its class.")
        if calls.arrays and any(calls.is_array(value) for value in flat(inputs)):
            return calls.arrays(self, inputs, training, settings)  # type: ignore[no-any-return]
        if hasattr(self, "call"):
            from striate.network.composite import call_layers

            return call_layers(self, inputs, training, settings)  # type: ignore[no-any-return]
        tensors = as_tensors(self.label, inputs)
        self.check_arity(len(tensors))
        shape = self.output_shape(*(tensor.sample_shape for tensor in tensors))
        if training is not None and self.training_behavior != "same":
            from striate.network.composite import check_training

            training = check_training(self.label, training)
        tensor = Tensor(self, tensors, shape, scope.get(), training)
        if self.identity.first_call is None:
            self.identity.first_call = tensor
        return tensor

    def __init_subclass__(cls, **options: Any) -> None:
        """Keep the short `__repr__`, because the decorator of dataclasses would write one with all settings."""
        super().__init_subclass__(**options)
        if "__repr__" not in vars(cls):
            cls.__repr__ = Layer.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        chosen = [name for name in self._settings if name != "name"] + ["name"] * (self.name is not None)
        return f"{self.kind}({', '.join(f'{name}={getattr(self, name)!r}' for name in chosen)})"

    @property
    def _settings(self) -> list[str]:
        """Names of the settings that have no default or differ from it."""
        shown = [item for item in fields(self) if item.repr and item.init]
        needed = {i.name: getattr(self, i.name) for i in shown if i.default is i.default_factory is MISSING}
        try:
            plain = type(self)(**needed)
        except (NetworkError, TypeError):  # a custom layer whose defaults do not fit these settings
            return [item.name for item in shown]
        return [i.name for i in shown if i.name in needed or getattr(self, i.name) != getattr(plain, i.name)]

    def _repr_html_(self) -> str:
        from striate.network.display import layer_html

        return layer_html(self)


class _Calls:
    """How layers are called with arrays; set by `striate.models.layers`, which may import models and engines."""

    arrays: Callable[[Layer, tuple[Any, ...], bool | None, dict[str, Any]], Any] | None = None
    make_weights: Callable[[Layer], None] | None = None

    @staticmethod
    def is_array(value: object) -> bool:
        """Return whether a value is an array of NumPy, PyTorch or another library."""
        return hasattr(value, "__array__") and hasattr(value, "dtype") and not isinstance(value, Tensor | Layer)


calls = _Calls()


def flat(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the inputs of a call that were passed as separate arguments or as one list."""
    return tuple(inputs[0]) if len(inputs) == 1 and isinstance(inputs[0], list | tuple) else inputs


def as_tensors(label: str, inputs: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """Convert the arguments of a call to tensors: tensors, Input layers, or one list of them."""
    return tuple(_as_tensor(label, value) for value in flat(inputs))


def _as_tensor(label: str, value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Layer) and value.arity == (0, 0):
        return Tensor(value, (), value.output_shape())
    received = value.label if isinstance(value, Layer) else type(value).__name__
    raise NetworkError(f"{label}: expected an Input or the output of another layer, received {received}.")
