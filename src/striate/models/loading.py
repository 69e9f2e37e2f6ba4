"""Loading models from files and JSON, copying and saving them, as in Keras."""

import os
from typing import Any

from striate import strict_json
from striate.arguments import check_arguments, describe
from striate.engines.weight_files import find_model_file
from striate.errors import NetworkError, UsageError
from striate.models.files import read_model
from striate.models.model import Model
from striate.models.sequential import Sequential, part_from_config
from striate.models.structure import is_chain
from striate.network.composite import is_model


@check_arguments
def load(path: str | os.PathLike[str]) -> Model:
    """Load a model that `save` wrote. Nothing in it is executed.

    It has its network, weights, classes and image policy, and if it was compiled, its compile settings and the state of
    the optimizer: `fit` continues where the training ended.

    Args:
        path: A file of `Model.save`, the run folder that contains it, or an ONNX file (.onnx), which is opened as by
            `Model.from_onnx`.

    Returns:
        The model.

    Raises:
        ModelFileError: If the file is missing, damaged, of another program, or from a newer version of Striate.
        StriateError: If its network cannot be built, for example because a custom layer class is not registered.

    Example:
        >>> import os, tempfile
        >>> import striate as st
        >>> model = st.Sequential([st.Input((1,)), st.layers.Dense(2, activation="softmax")])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.safetensors")
        ...     model.save(path)
        ...     loaded = load(path)
        >>> loaded.name
        'sequential'
    """
    if os.fspath(path).endswith(".onnx"):
        return Model.from_onnx(path)
    content = read_model(find_model_file(path))
    kind = Sequential if content.sequential and is_chain(content.network) else Model
    model = kind.from_network(content.network)
    model.classes, model.policy, model.recipe = content.classes, content.policy, content.recipe
    model.fingerprint, model.figures, model.extras = content.fingerprint, content.figures, content.extras
    model.decision, model.input_range = content.decision, content.input_range
    model._set_weights(content.weights)
    if content.training:
        model._restore(content.training)
    return model


@check_arguments
def load_model(
    filepath: str | os.PathLike[str], custom_objects: Any = None, compile: bool = True, safe_mode: bool = True
) -> Model:
    """Load a model as `load` does, with the arguments of Keras.

    Args:
        filepath: The file, or the run folder that contains it.
        custom_objects: Not needed: a file contains the network that classes with `call` made.
        compile: False: the model is not compiled, and the state of the optimizer is not used.
        safe_mode: Accepted as in Keras; nothing in a file is ever executed.

    Returns:
        The model.

    Raises:
        ModelFileError: If the file is missing, damaged, of another program, or from a newer version of Striate.
    """
    model = load(filepath)
    if not compile:
        model._forget_compilation()
    return model


@check_arguments
def model_from_json(json_string: str) -> Model:
    """Return the model that JSON text of `Model.to_json` describes, with new weights; nothing in it is executed.

    Args:
        json_string: The text.

    Returns:
        The model.

    Raises:
        NetworkError: If the text does not describe a model.

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
        input_tensors: Not supported, because the inputs are part of the network.

    Returns:
        The model. It shares nothing with the other one.

    Raises:
        UsageError: If input_tensors is given, or model is of a custom class.

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
        UsageError: If the file exists and is not to be replaced, or its name has the suffix of another format.
    """
    model.save(filepath, overwrite)
