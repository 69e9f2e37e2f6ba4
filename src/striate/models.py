"""The models, importable as in Keras: `from striate.models import Sequential`."""

import os
from typing import Any

from striate import strict_json
from striate.arguments import check_arguments, describe
from striate.errors import NetworkError, UsageError
from striate.model import Model
from striate.network.composite import is_model
from striate.sequential import Sequential, load, part_from_config

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]

load_model = load


@check_arguments
def model_from_json(json_string: str) -> Model:
    """Return the model that JSON text of `Model.to_json` describes, with new weights; nothing in it is executed.

    Args:
        json_string: The text.

    Returns:
        The model.

    Raises:
        NetworkError: The text does not describe a model.

    Example:
        >>> import striate as st
        >>> model = st.Sequential([st.Input((4,)), st.layers.Dense(2)])
        >>> model_from_json(model.to_json()).output_shape
        (None, 2)
    """
    try:
        described = strict_json.loads(json_string)
    except (ValueError, RecursionError) as error:
        raise NetworkError(f"The description of a model must be JSON: {error}.") from None
    if isinstance(described, dict) and ("module" in described or "backend" in described):
        raise NetworkError(
            "The text is of Keras, whose layers are described in another way. Export the model from Keras as ONNX, "
            "and load it with striate.load('model.onnx')."
        )
    model = part_from_config(described)
    if not isinstance(model, Model):
        raise NetworkError(f"The text describes a layer, {type(model).__name__}, not a model.")
    return model


@check_arguments
def clone_model(model: Model, input_tensors: Any = None) -> Model:
    """Return a model with the same layers and new weights, which are drawn with the next seed.

    Args:
        model: The model.
        input_tensors: Not supported, because a network knows its inputs.

    Returns:
        The model. It shares nothing with the other one.

    Raises:
        UsageError: input_tensors is given, or model is a class of your own.

    Example:
        >>> import striate as st
        >>> model = st.Sequential([st.Input((4,)), st.layers.Dense(2)])
        >>> clone_model(model).network == model.network
        True
    """
    if not is_model(model):
        raise UsageError(f"model must be a model; received {describe(model)}.")
    if input_tensors is not None:
        raise UsageError(
            "input_tensors is not supported. Call the clone with the tensors: clone_model(model)(tensors)."
        )
    clone = type(model).from_config(model.get_config())
    clone.seed = model.seed + 1
    return clone


@check_arguments
def save_model(model: Model, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write the whole model to one file, as `model.save(filepath)` does.

    Args:
        model: The model.
        filepath: Where to write, for example "model.safetensors".
        overwrite: Whether to replace a file that exists.

    Raises:
        UsageError: The file exists and is not to be replaced, or its name has the suffix of another format.
    """
    if not overwrite and os.path.lexists(filepath):
        raise UsageError(f"'{os.fspath(filepath)}' exists. Choose another name, or pass overwrite=True.")
    model.save(filepath)
