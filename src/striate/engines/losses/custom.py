"""Custom losses: functions of targets and outputs."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from striate._types import Array
from striate.arguments import check_constructor
from striate.engines.losses.base import Loss
from striate.errors import UsageError
from striate.network.outputs import OutputForm

Function = Callable[[Any, Any], Any]
STEP, TOLERANCE = 1e-5, 1e-3  # step of finite differences, and relative tolerance, in the check of gradients
RETURN_FORMS = (
    "Return (loss, gradient): NumPy arrays, the loss one number or one for each sample (N,), the gradient with respect "
    "to y_pred and of its shape. Or compile with engine='torch' a function of PyTorch tensors, which is differentiated."
)


@check_constructor
@dataclass(frozen=True, repr=False)
class CustomLoss(Loss):
    """A function as a loss.

    Attributes:
        function: Called with y_true and y_pred. It returns the loss of the batch, or of each sample (N, …), as a
            PyTorch tensor; or the loss and its gradient with respect to y_pred as NumPy arrays.
        has_gradient: Whether it returns its gradient.
        per_sample: Whether it returns a loss for each sample.
    """

    function: Function
    has_gradient: bool = False
    per_sample: bool = False

    def differentiate(
        self, t: Array, p: Array, output_form: OutputForm = "probabilities", min_probability: float | None = None
    ) -> tuple[Array, Array]:
        """Return the loss of each sample and the gradient of their sum."""
        value, gradient = self.function(t, p)
        value, gradient = np.asarray(value, p.dtype), np.asarray(gradient, p.dtype)
        if gradient.shape != p.shape or (value.ndim and value.shape[0] != len(p)):
            raise UsageError(
                f"The loss '{self.name}' returned a loss of the shape {value.shape} and a gradient of the shape "
                f"{gradient.shape} for y_pred {p.shape}. {RETURN_FORMS}"
            )
        if value.ndim:
            return value, gradient
        return np.full(len(p), value), gradient * len(p)

    def sample_values(
        self, t: Array, p: Array, output_form: OutputForm = "probabilities", min_probability: float | None = None
    ) -> Array:
        """Return the loss of each sample (N,); that of the batch for all, if the function returns only that."""
        if self.has_gradient:
            return super().sample_values(t, p, output_form, min_probability)
        torch = sys.modules["torch"]  # the function uses it
        value = self.function(torch.from_numpy(np.array(t)), torch.from_numpy(np.array(p, np.float32)))
        values = np.asarray(value.detach().cpu(), np.float64)
        return values.reshape(len(p), -1).mean(axis=1) if values.ndim else np.full(len(p), values)

    def check_weighted(self) -> None:
        """Check that the loss can be weighted, which it cannot if it is one number for the batch.

        Raises:
            UsageError: If it is one number for the batch.
        """
        if not self.per_sample:
            raise UsageError(
                f"The loss '{self.name}' returns one number for the batch, and sample_weight or class_weight need one "
                "for each sample: return an array (N,)."
            )


def custom_loss(loss: Any) -> CustomLoss:
    """Return a function, an object with `forward` and `gradient`, or one with Keras's `call`, as a loss.

    Args:
        loss: Takes y_true and y_pred.

    Returns:
        The loss, not checked yet.
    """
    name = getattr(loss, "__name__", type(loss).__name__)
    if callable(getattr(loss, "forward", None)) and callable(getattr(loss, "gradient", None)):

        def forward_and_gradient(y_true: Any, y_pred: Any) -> Any:
            return loss.forward(y_true, y_pred), loss.gradient(y_true, y_pred)

        return CustomLoss(forward_and_gradient, name=name)
    return CustomLoss(getattr(loss, "call", loss), name=name)


def check_custom_loss(loss: CustomLoss, shape: tuple[int, ...]) -> CustomLoss:
    """Call a custom loss with three samples, and compare its gradient with finite differences.

    Args:
        loss: The loss.
        shape: The shape of the output.

    Returns:
        The loss, with what the call showed about the function.

    Raises:
        UsageError: If the function fails for NumPy arrays, for another reason than PyTorch, or its gradient is wrong.
    """
    rng = np.random.default_rng(0)
    p = rng.uniform(0.2, 0.8, (3, *shape))
    classes, rows = rng.integers(0, shape[-1], 3), rng.uniform(0.2, 0.8, (3, *shape))
    for t in (rows, np.eye(shape[-1])[classes] if len(shape) == 1 else rows, classes):
        try:
            result = loss.function(t, p)
        except Exception:  # it takes other targets, or tensors only
            continue
        if not (isinstance(result, tuple) and len(result) == 2):
            return replace(loss, per_sample=bool(np.ndim(result)))
        loss = replace(loss, has_gradient=True, per_sample=bool(np.ndim(result[0])))
        _compare_with_differences(loss, t, p)
        return loss
    return loss


def _compare_with_differences(loss: CustomLoss, t: Array, p: Array) -> None:
    gradient = loss.differentiate(t, p)[1].ravel()
    for index in np.linspace(0, p.size - 1, min(p.size, 8)).astype(int):
        values = []
        for sign in (1, -1):
            moved = p.copy()
            moved.reshape(-1)[index] += sign * STEP
            values.append(float(loss.differentiate(t, moved)[0].sum()))
        expected = (values[0] - values[1]) / (2 * STEP)
        if not abs(gradient[index] - expected) <= TOLERANCE * max(abs(expected), abs(gradient[index]), 1e-2):
            raise UsageError(
                f"The loss '{loss.name}' returns a wrong gradient: {gradient[index]:.6g} where differences of the loss "
                f"give {expected:.6g}. A loss that is a mean over N samples has a gradient divided by N."
            )
