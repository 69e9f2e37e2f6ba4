"""Arithmetic on symbolic tensors: `x + y` is the layer Add, `x / 255` the layer Rescale."""

from typing import Any, NoReturn

from striate.errors import NetworkError


class Operators:
    """Operators of `Tensor` and `Input`. What no layer computes raises a NetworkError."""

    def __add__(self, other: Any) -> Any:
        return _merge("Add", self, other) if _is_tensor(other) else _scale(self, "+", other, 1, other)

    def __mul__(self, other: Any) -> Any:
        return _merge("Multiply", self, other) if _is_tensor(other) else _scale(self, "*", other, other, 0)

    def __sub__(self, other: Any) -> Any:
        return self + -other if _is_tensor(other) else _scale(self, "-", other, 1, _negative(other))

    def __truediv__(self, other: Any) -> Any:
        if _is_tensor(other):
            return self * other**-1
        if _is_number(other) and float(other) == 0:
            raise NetworkError("A tensor cannot be divided by 0.")
        return _scale(self, "/", other, 1 / other if _is_number(other) else other, 0)

    def __pow__(self, exponent: Any) -> Any:
        from striate.network.layers.power import Power

        if not _is_number(exponent):
            raise _unsupported_operator(f"** {type(exponent).__name__}")
        return Power(float(exponent))(self)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Any) -> Any:
        return _scale(self, "-", other, -1, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self**-1 * other

    def __neg__(self) -> Any:
        return self * -1

    # The types that NumPy and Python would make of a tensor, which has no values.

    __array_ufunc__ = None  # `array + tensor` is left to __radd__

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise NetworkError(
            "A symbolic tensor has no values, so NumPy cannot compute with it. Use layers: "
            "GlobalAveragePool2D for a mean, Activation for functions, Flatten or Reshape for shapes. Values are "
            "what model(x) and model.predict(x) return."
        )

    def __bool__(self) -> bool:
        raise NetworkError(
            "A symbolic tensor has no value, so Python cannot decide by it (if, while, and, or, not). A network "
            "computes the same layers for every image; write the choice with layers such as Multiply and Maximum. "
            "To see whether an argument was passed, write `x is None`."
        )

    def __float__(self) -> NoReturn:
        raise NetworkError("A symbolic tensor has no value. Values are what model(x) and model.predict(x) return.")

    __int__ = __float__

    def __iter__(self) -> NoReturn:
        raise NetworkError("A symbolic tensor cannot be iterated or unpacked: call one layer for each output.")

    def __len__(self) -> NoReturn:
        raise NetworkError("A symbolic tensor has no length, because batches may have any size; see its shape.")

    def __getitem__(self, key: Any) -> NoReturn:
        raise NetworkError(
            "A symbolic tensor cannot be indexed. SelectChannels((0, 1)) selects channels, and MaxPool2D(1, strides=2) "
            "every second row and column."
        )


def _is_tensor(value: object) -> bool:
    return isinstance(value, Operators)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or (hasattr(value, "__float__") and not getattr(value, "shape", ()))


def _negative(value: Any) -> Any:
    return [-item for item in value] if isinstance(value, list | tuple) else -value


def _merge(kind: str, first: Any, second: Any) -> Any:
    from striate.network.layers import core

    return getattr(core, kind)()(first, second)


def _scale(tensor: Any, operator: str, value: Any, scale: Any, offset: Any) -> Any:
    """Return scale · tensor + offset, for numbers or one number per channel."""
    from striate.network.layers.core import Rescale

    if isinstance(value, str | bytes | dict | None) or not (_is_number(value) or hasattr(value, "__len__")):
        raise _unsupported_operator(f"{operator} {type(value).__name__}")
    return Rescale(_numbers(scale), _numbers(offset))(tensor)


def _numbers(value: Any) -> float | tuple[float, ...]:
    if hasattr(value, "__len__") and getattr(value, "shape", None) != ():
        return tuple(float(item) for item in value)
    return float(value)


def _unsupported_operator(what: str) -> NetworkError:
    return NetworkError(
        f"There is no layer for `tensor {what}`. A tensor can be added to and multiplied with tensors of its shape, "
        "numbers, and one number per channel."
    )
