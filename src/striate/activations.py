"""The activation functions, importable as in Keras: `from striate.activations import relu`."""

from typing import Any

from striate.network import Activation, Tensor
from striate.network.activations import ACTIVATIONS, ALIASES, activation_name, activation_parts, get_activation

__all__ = ["ActivationFunction", "deserialize", "get", "serialize"]


class ActivationFunction:
    """An activation: an argument of layers, and a function of tensors of a network or of arrays.

    Args:
        name: Its canonical name.

    Example:
        >>> import striate as st
        >>> st.activations.relu([-1.0, 2.0])
        array([0., 2.])
        >>> st.layers.Dense(3, activation=st.activations.relu).activation
        'relu'
    """

    def __init__(self, name: str) -> None:
        self.activation_name = name
        self.__name__ = activation_parts(name)[0]

    def __call__(self, x: Any, **parameters: Any) -> Any:
        """Return the activation of a tensor of a network, or of an array.

        Args:
            x: The tensor or the array; softmax runs over the last axis.
            **parameters: As in Keras, for example negative_slope of leaky_relu, and approximate of gelu.

        Returns:
            A tensor for a tensor, else an array.
        """
        name = self._with(parameters)
        if isinstance(x, Tensor):
            return Activation(name)(x)
        import numpy as np

        from striate.engines.numpy.layers.activation import function_of

        array = np.asarray(x)
        array = array if array.dtype.kind == "f" else array.astype(np.float32)
        last_first = np.moveaxis(array, -1, 0) if array.ndim else array
        y = function_of(name).forward(last_first, np.empty_like(last_first))
        return np.moveaxis(y, 0, -1) if array.ndim else y

    def _with(self, parameters: dict[str, Any]) -> str:
        given = {name: value for name, value in parameters.items() if value is not None}
        if given.pop("axis", -1) != -1:
            given["axis"] = parameters["axis"]  # raises an error, as unknown
        if "approximate" in given and self.__name__ == "gelu_exact":
            return "gelu_tanh" if given.pop("approximate") else "gelu_exact"
        return activation_name(self.__name__, given) if given else self.activation_name

    def __repr__(self) -> str:
        return f"<activation {self.activation_name}>"


def get(identifier: Any) -> ActivationFunction:
    """Return an activation as a function.

    Args:
        identifier: A name, a function of this module, a layer, or None for the linear activation.

    Returns:
        The function.

    Raises:
        NetworkError: If there is no such activation.
    """
    return ActivationFunction(get_activation(identifier))


def serialize(activation: Any) -> str:
    """Return the name of an activation.

    Args:
        activation: A function of this module.

    Returns:
        Its name, such as "relu".
    """
    return get_activation(activation)


def deserialize(config: Any, custom_objects: Any = None) -> ActivationFunction:
    """Return the activation that `serialize` described.

    Args:
        config: What `serialize` returned.
        custom_objects: Not needed, because there are no custom activations.

    Returns:
        The function.

    Raises:
        NetworkError: If there is no such activation.
    """
    return get(config)


KERAS_ONLY = (
    "celu", "glu", "hard_shrink", "soft_shrink", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus",
    "tanh_shrink", "threshold",
)  # fmt: skip
_FUNCTIONS = {name: ActivationFunction(get_activation(name)) for name in (*ACTIVATIONS, *ALIASES)}
globals().update(_FUNCTIONS)
__all__ += list(_FUNCTIONS)


def __getattr__(name: str) -> Any:
    if name in KERAS_ONLY:
        get_activation(name)  # raises, and names similar ones
    raise AttributeError(f"module 'striate.activations' has no attribute '{name}'")
