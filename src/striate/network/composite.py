"""Custom layers and models that are made of other layers: their method `call` connects them."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from striate.errors import NetworkError, StriateError
from striate.network.layers.base import Layer, Tensor, as_tensors, scope
from striate.network.naming import name_automatically

_mode: ContextVar[bool | None] = ContextVar("mode", default=None)
"""The value of `training` in the calls of the trace that is in progress; None outside."""


def call_layers(part: Any, inputs: tuple[Any, ...], training: bool | None, settings: Mapping[str, Any]) -> Any:
    """Call a custom layer or block: its layers become part of the graph, with its name before theirs.

    Args:
        part: An object with the method `call`.
        inputs: The arguments of the call.
        training: The argument of the call.
        settings: Further arguments.

    Returns:
        What `call` returned: a tensor, or a list, tuple or dictionary of tensors.

    Raises:
        NetworkError: If `call` does something that layers cannot describe.
    """
    name_attributes(part)
    if isinstance(part, Layer) and "_build_called" not in vars(part):
        vars(part)["_build_called"] = True
        build_layer(part, inputs)
        name_attributes(part)
    token = scope.set((*scope.get(), part))
    try:
        result = trace(part, inputs, training, settings)
    finally:
        scope.reset(token)
    if isinstance(part, Layer) and part.identity.first_call is None and isinstance(result, Tensor):
        part.identity.first_call, part.identity.first_inputs = result, as_tensors(_label(part), inputs)
    return result


def build_layer(part: Any, inputs: tuple[Any, ...]) -> None:
    """Call the method `build` of a custom layer, in which layers can be made, with the shape or shapes of its input.

    Args:
        part: The custom layer.
        inputs: Its inputs.
    """
    build = getattr(part, "build", None)
    if build is None:
        return
    shapes = [tensor.shape for tensor in as_tensors(_label(part), inputs)]
    several = len(inputs) > 1 or isinstance(inputs[0], list | tuple)
    with explain_errors(part, "build"):
        build(shapes if several else shapes[0])


def trace(part: Any, inputs: tuple[Any, ...], training: bool | None, settings: Mapping[str, Any] | None = None) -> Any:
    """Return what the method `call` returns for symbolic tensors.

    A `call` with the argument `training` may pass it on to layers, and may skip layers that do nothing in inference,
    such as Dropout, when it is False. It is called with True and with False, and the results are compared.

    Args:
        part: An object with the method `call`.
        inputs: The arguments of the call.
        training: The argument of the call; None: that of the calls outside.
        settings: Further arguments.

    Returns:
        What `call` returned for training.

    Raises:
        NetworkError: If `call` does something that layers cannot describe.
    """
    mode, settings = _mode.get() if training is None else training, settings or {}
    if not _takes_training(part.call):
        return _run(part, inputs, settings)
    if mode is not None:
        return _run(part, inputs, {**settings, "training": mode})
    results = []
    for value in (False, True):
        token = _mode.set(value)
        try:
            results.append(_run(part, inputs, {**settings, "training": value}))
        finally:
            _mode.reset(token)
    in_inference, in_training = ([_inference_key(tensor, {}) for tensor in tensors_in(result)] for result in results)
    if in_inference != in_training:
        raise NetworkError(
            f"{_label(part)}: call connects different layers for training=True and for training=False. A network has "
            "the same layers in both modes; Dropout and BatchNormalization themselves behave differently in training. "
            "Pass training on to layers; when it is False, skip only Dropout."
        )
    return results[1]


def check_training(label: str, training: bool | None) -> bool | None:
    """Return the mode that the argument `training` of a call fixes for all later uses of the network.

    Args:
        label: The layer or model that is called, for messages.
        training: The argument of the call.

    Returns:
        False if the call always requests inference, also while the model is trained; None if it does as the model.

    Raises:
        NetworkError: If the call always requests training.
    """
    mode = _mode.get()
    if training and mode is not True:
        raise NetworkError(
            f"{label}: training=True in a network would also apply in predictions, which never drop values or "
            "use the statistics of a batch. model(x, training=True) computes outputs in training mode."
        )
    return False if training is False and mode is not False else None


@contextmanager
def outside_of_traces() -> Iterator[None]:
    """Call layers as if no block or trace were active, to build a model that is used as a layer inside of a trace."""
    tokens = _mode.set(None), scope.set(())
    try:
        yield
    finally:
        _mode.reset(tokens[0])
        scope.reset(tokens[1])


def _takes_training(call: Callable[..., Any]) -> bool:
    parameters = inspect.signature(call).parameters.values()
    return any(each.name == "training" or each.kind is each.VAR_KEYWORD for each in parameters)


def _run(part: Any, inputs: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    with explain_errors(part, "call"):
        result = part.call(*inputs, **options)
    for value in tensors_in(result):
        if not isinstance(value, Tensor):
            raise NetworkError(
                f"{_label(part)}: call must return a tensor, or a list or dictionary of tensors; it returned "
                f"{type(value).__name__}. Does it end in `return x`?"
            )
    return result


@contextmanager
def explain_errors(part: Any, method: str) -> Iterator[None]:
    """Turn Python errors in `call` and `build` into NetworkError, which says what these methods may contain.

    Args:
        part: The custom layer or model.
        method: "call" or "build".

    Returns:
        A context manager.

    Raises:
        NetworkError: In place of errors that array code causes with symbolic tensors.
        StriateError: An error of Striate in the method.
    """
    try:
        yield
    except StriateError as error:
        if type(error) is not NetworkError or f"{_label(part)}: " in str(error):
            raise
        raise NetworkError(f"{_label(part)}: in {method}: {error}") from error
    except (TypeError, AttributeError, ValueError, IndexError, KeyError) as error:
        raise NetworkError(
            f"{_label(part)}: in {method}: {type(error).__name__}: {error}. The method {method} is run once, with "
            "symbolic tensors, to learn how the layers are connected. It can call layers and models, add, multiply and "
            "concatenate tensors, and decide by Python values such as settings."
        ) from error


def tensors_in(value: Any) -> list[Any]:
    """Return the tensors of a list, tuple or dictionary, or the only one."""
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else [value]


def _inference_key(tensor: Tensor, known: dict[int, object]) -> object:
    """Return a value that is equal for two tensors if they are computed in the same way in inference."""
    if id(tensor) not in known:
        sources = tuple(_inference_key(source, known) for source in tensor.inputs)
        layer = tensor.layer
        if layer.training_behavior == "none in inference":
            (known[id(tensor)],) = sources
        elif layer.arity == (0, 0) or layer.parameters(*(source.sample_shape for source in tensor.inputs)):
            known[id(tensor)] = (id(layer.identity), sources)
        else:
            known[id(tensor)] = (layer, sources)
    return known[id(tensor)]


def _label(part: Any) -> str:
    name = getattr(part, "name", None)
    return f"{type(part).__name__} '{name}'" if name else type(part).__name__


def name_attributes(part: Any) -> None:
    """Name the unnamed layers and models in the attributes of a custom layer or model after these attributes."""
    for attribute, value in vars(part).items():
        if not attribute.startswith("_"):
            _name(value, attribute)


def _name(value: Any, name: str) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            _name(item, f"{name}_{key}")
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            _name(item, f"{name}_{position}")
    elif isinstance(value, Layer):
        if value.name is None:
            name_automatically(value, name)
    elif is_model(value) and value._automatic_name and value.name != name:
        name_automatically(value, name)


def is_model(value: object) -> bool:
    """Return whether a value is a model, which can be part of another as a layer can."""
    return hasattr(type(value), "from_network") and not isinstance(value, type)


def parts_of(part: Any) -> list[Any]:
    """Find the layers and models in the attributes of a custom layer or model.

    Args:
        part: The layer or model.

    Returns:
        Each once, in the order of the attributes.
    """
    found: dict[int, Any] = {}

    def collect(value: Any) -> None:
        if isinstance(value, Mapping | list | tuple):
            for item in value.values() if isinstance(value, Mapping) else value:
                collect(item)
        elif isinstance(value, Layer) or is_model(value):
            found.setdefault(id(value), value)

    for name, value in vars(part).items():
        if not name.startswith("_"):
            collect(value)
    return list(found.values())
