"""Functions as in `keras.ops`: of arrays, of PyTorch tensors, and of tensors of a network where a layer computes them.

A function of NumPy arrays is NumPy's function of the same name, and one of PyTorch tensors PyTorch's, so that a
custom loss runs on both engines. On tensors of a network, only functions that a layer computes are possible.

Example:
    >>> from striate import ops
    >>> float(ops.mean(ops.square([1.0, 3.0])))
    5.0
"""

from collections.abc import Callable
from typing import Any

from striate import activations
from striate.errors import NetworkError, nearest
from striate.network import layers
from striate.network.layers.operators import Operators

NUMPY = frozenset((
    "abs", "absolute", "add", "all", "any", "arange", "arccos", "arcsin", "arctan", "argmax", "argmin", "argsort",
    "array", "average", "ceil", "clip", "concatenate", "cos", "cosh", "cumsum", "diag", "divide", "dot", "einsum",
    "empty", "equal", "exp", "expand_dims", "expm1", "eye", "flip", "floor", "full", "full_like", "greater",
    "greater_equal", "hstack", "identity", "isfinite", "isinf", "isnan", "less", "less_equal", "linspace", "log",
    "log10", "log1p", "log2", "logical_and", "logical_not", "logical_or", "matmul", "max", "maximum", "mean", "median",
    "meshgrid", "min", "minimum", "mod", "moveaxis", "multiply", "negative", "nonzero", "not_equal", "ones",
    "ones_like", "outer", "pad", "power", "prod", "ravel", "reciprocal", "repeat", "reshape", "roll", "round", "sign",
    "sin", "sinh", "sort", "split", "sqrt", "square", "squeeze", "stack", "std", "subtract", "sum", "swapaxes", "take",
    "take_along_axis", "tan", "tensordot", "tile", "trace", "transpose", "tril", "triu", "var", "vdot", "vstack",
    "where", "zeros", "zeros_like",
))  # fmt: skip
ACTIVATIONS = (
    "elu", "gelu", "hard_sigmoid", "hard_silu", "leaky_relu", "log_sigmoid", "log_softmax", "relu", "relu6", "selu",
    "sigmoid", "silu", "softmax", "softplus", "softsign", "swish", "tanh",
)  # fmt: skip
FLOAT32_BY_DEFAULT = frozenset(("empty", "eye", "full", "identity", "linspace", "ones", "zeros"))
IN_TORCH = {"concatenate": "cat", "expand_dims": "unsqueeze", "take": "take_along_dim"}  # names that differ there
MERGING: dict[str, Any] = {
    "add": layers.Add, "subtract": layers.Subtract, "multiply": layers.Multiply, "maximum": layers.Maximum,
    "minimum": layers.Minimum,
}  # fmt: skip


def cast(x: Any, dtype: str) -> Any:
    """Convert to another dtype.

    Args:
        x: An array, or a tensor of a network, which stays float32.
        dtype: Name of the dtype.

    Returns:
        The converted array or tensor.
    """
    if isinstance(x, Operators):
        return x
    return x.to(getattr(_torch(), dtype)) if _is_torch(x) else _numpy().asarray(x).astype(dtype)


def convert_to_numpy(x: Any) -> Any:
    """Return x as a NumPy array.

    Args:
        x: An array of NumPy, PyTorch or another library, or numbers.

    Returns:
        The NumPy array.
    """
    return x.detach().cpu().numpy() if _is_torch(x) else _numpy().asarray(x)


def convert_to_tensor(x: Any, dtype: str | None = None) -> Any:
    """Return x as an array.

    Args:
        x: Numbers, or a tensor, which is returned unchanged.
        dtype: Name of the dtype; None: that of x.

    Returns:
        The array.
    """
    return x if isinstance(x, Operators) or _is_torch(x) else _numpy().asarray(x, dtype)


def shape(x: Any) -> tuple[int | None, ...]:
    """Return the shape of an array or a tensor.

    Args:
        x: The array; or a tensor of a network, whose shape begins with None for the batch.

    Returns:
        The shape.
    """
    if isinstance(x, layers.Input):
        return (None, *x.output_shape())
    return tuple(x.shape if isinstance(x, layers.Tensor) else _numpy().shape(x))


def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: str = "float32") -> Any:
    """Convert class numbers to one-hot rows.

    Args:
        x: Class numbers, an array or a PyTorch tensor.
        num_classes: Number of classes.
        axis: Where the new axis is.
        dtype: Name of the dtype.

    Returns:
        The rows, in the library of x.
    """
    if _is_torch(x):
        rows = _torch().nn.functional.one_hot(x.long(), num_classes)
        return rows.to(getattr(_torch(), dtype)).moveaxis(-1, axis)
    return _numpy().moveaxis(_numpy().eye(num_classes, dtype=dtype)[_numpy().asarray(x).astype(int)], -1, axis)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Compute the norm.

    Args:
        x: An array or a PyTorch tensor.
        ord: Order of the norm, as in NumPy.
        axis: Axes to compute it over; None: all.
        keepdims: Whether these axes stay, with size 1.

    Returns:
        The norm, in the library of x.
    """
    library = _torch() if _is_torch(x) else _numpy()
    return library.linalg.norm(x, ord, axis, keepdims)


class Function:
    """A function of arrays, PyTorch tensors and tensors of a network.

    Args:
        name: Its name in NumPy.
    """

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the result in the library of the arguments."""
        flat = [item for value in args for item in (value if isinstance(value, list | tuple) else (value,))]
        if any(isinstance(value, Operators) for value in flat):
            return _symbolic(self.__name__, args, kwargs)
        if any(map(_is_torch, flat)):
            return getattr(_torch(), IN_TORCH.get(self.__name__, self.__name__))(*args, **kwargs)
        if self.__name__ in FLOAT32_BY_DEFAULT:
            kwargs.setdefault("dtype", "float32")
        return getattr(_numpy(), self.__name__)(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<function {self.__name__} of striate.ops>"


def _symbolic(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the output of the layer that computes a function of a network's tensors."""
    x, *others = args
    if name in MERGING and all(isinstance(value, Operators) for value in args):
        return MERGING[name]()(list(args))
    make = _SYMBOLIC.get(name)
    try:
        result = make(x, *others, **kwargs) if make else None
    except TypeError:
        result = None
    if result is None:
        raise NetworkError(
            f"ops.{name} of a network's tensor, with these arguments, is not a layer of Striate. Write layers such as "
            "Add, Multiply, Concatenate, Activation, Reshape and GlobalAveragePooling2D, or compute it outside of the "
            "network."
        )
    return result


def _pooling(layer: Any) -> Callable[..., Any]:
    def pooled(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        over_pixels = axis is not None and sorted(a % 4 for a in _tuple(axis)) == [1, 2]
        return layer(keepdims=keepdims)(x) if over_pixels else None

    return pooled


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


_SYMBOLIC: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "negative": lambda x: -x,
    "power": lambda x, n: x**n,
    "square": lambda x: x**2,
    "sqrt": lambda x: x**0.5,
    "reciprocal": lambda x: x**-1,
    "exp": activations.get("exponential"),
    "concatenate": lambda xs, axis=0: layers.Concatenate(axis)(list(xs)),
    "reshape": lambda x, newshape: layers.Reshape(tuple(newshape)[1:])(x),
    "transpose": lambda x, axes: layers.Permute(tuple(axes)[1:])(x) if axes[0] == 0 else None,
    "mean": _pooling(layers.GlobalAveragePool2D),
    "max": _pooling(layers.GlobalMaxPool2D),
    "zeros_like": lambda x: x * 0,
}


def _is_torch(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "torch"


def _numpy() -> Any:
    import numpy

    return numpy


def _torch() -> Any:
    import torch

    return torch


def __getattr__(name: str) -> Any:
    if name in ACTIVATIONS:
        return activations.get(name)
    if name in NUMPY:
        return Function(name)
    if name.startswith("_"):
        raise AttributeError(name)
    known = (*NUMPY, *ACTIVATIONS, "cast", "convert_to_numpy", "convert_to_tensor", "norm", "one_hot", "shape")
    raise NetworkError(f"striate.ops has no function '{name}'.{nearest(name, known)} Use NumPy for arrays.")
