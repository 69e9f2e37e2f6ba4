"""Arrays that can be assigned to, like Keras's variables: the state of custom metrics, and weights of layers."""

from typing import Any, Self

import numpy as np

from striate._types import Array
from striate.engines.arrays import numeric_array
from striate.engines.initialization import sample
from striate.errors import UsageError
from striate.network import get_initializer


class Values(np.ndarray):
    """An array that has the method `numpy()` of Keras's tensors."""

    def numpy(self) -> Array:
        """Return the values as a plain array."""
        return np.array(self)


class Variable(Values):
    """An array whose values can be replaced.

    Args:
        initializer: Its values; or with `shape` an initializer or its name, such as "zeros".
        shape: The shape, if `initializer` does not have it.
        dtype: The dtype; None: float32 for numbers with a fraction and for an initializer, else that of the values.
        trainable: Accepted as in Keras; training changes the weights of layers only.
        name: A name.
        aggregation: Accepted as in Keras; see `Metric.add_variable`.

    Raises:
        UsageError: If the values are not numbers.

    Example:
        >>> from striate import Variable
        >>> total = Variable(2.0)
        >>> total.assign_add(3)
        Variable(5., dtype=float32)
        >>> Variable("ones", shape=(2,)).numpy()
        array([1., 1.], dtype=float32)
    """

    name: str
    path: str
    trainable: bool

    def __new__(
        cls,
        initializer: Any,
        shape: tuple[int, ...] | None = None,
        dtype: str | None = None,
        trainable: bool = True,
        name: str | None = None,
        aggregation: str | None = None,
    ) -> Self:
        """Make a variable."""
        if shape is not None:
            values = sample(get_initializer(initializer), tuple(shape)).astype(dtype or "float32")
        else:
            values = numeric_array("The value of a variable", initializer)
            values = values.astype(dtype or ("float32" if values.dtype.kind == "f" else values.dtype))
        variable = np.array(values).view(cls)
        variable.name = variable.path = name or "variable"
        variable.trainable = trainable
        return variable

    def __array_finalize__(self, source: Any) -> None:
        for name, default in (("name", ""), ("path", ""), ("trainable", True)):
            setattr(self, name, getattr(source, name, default))

    @property
    def value(self) -> Array:
        """The values."""
        return self.numpy()

    def assign(self, value: Any) -> Self:
        """Replace the values.

        Args:
            value: An array of the same shape, or one number for all values.

        Returns:
            The variable.

        Raises:
            UsageError: If the shapes do not match.
        """
        values = numeric_array("The value of a variable", value)
        if values.ndim and values.shape != self.shape:
            raise UsageError(f"'{self.path}' has the shape {self.shape}; received values of the shape {values.shape}.")
        self[...] = values
        return self

    def assign_add(self, value: Any) -> Self:
        """Add to the values."""
        return self.assign(self.numpy() + numeric_array("The value of a variable", value))

    def assign_sub(self, value: Any) -> Self:
        """Subtract from the values."""
        return self.assign(self.numpy() - numeric_array("The value of a variable", value))
