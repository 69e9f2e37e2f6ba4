"""Losses per sample (N,), computed from the output and from the logits, its value before the activation.

Outputs are channels last, as the targets: (N, …, F). A function returns the loss at each position, (N, …).
"""

from collections.abc import Callable, Mapping
from math import log
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines import losses as base
from striate.engines.losses.custom import RETURN_FORMS
from striate.errors import UsageError
from striate.network import Network
from striate.network.outputs import OutputForm
from striate.network.regularizers import strengths

EPSILON = 1e-7


class Output:
    """An output, with its probabilities computed as exactly as its activation allows."""

    def __init__(self, p: Tensor, logits: Tensor, activation: str, form: OutputForm) -> None:
        self.p, self._logits, self._activation, self._form = p, logits, activation, form

    @property
    def logs(self) -> Tensor:
        """The logarithms of the probabilities of classes."""
        if self._form == "log_probabilities":
            return self.p
        if self._activation == "softmax" or self._form == "logits":
            return F.log_softmax(self._logits, dim=-1)
        if self._activation == "softmin":
            return F.log_softmax(-self._logits, dim=-1)
        return self.p.clamp_min(torch.finfo(self.p.dtype).tiny).log()

    @property
    def probabilities(self) -> Tensor:
        """The probabilities of labels."""
        return torch.sigmoid(self._logits) if self._form == "logits" else self.p

    def binary_crossentropy(self, t: Tensor) -> Tensor:
        """Return −t log p − (1 − t) log(1 − p) for each output."""
        if self._activation == "sigmoid" or self._form == "logits":
            return F.binary_cross_entropy_with_logits(self._logits, t, reduction="none")
        epsilon = torch.finfo(self.p.dtype).eps
        p = self.p.clamp(epsilon, 1 - epsilon)
        return -(t * p.log() + (1 - t) * torch.log1p(-p))


def categorical_crossentropy(loss: base.CategoricalCrossentropy, t: Tensor, output: Output) -> Tensor:
    """Return −(Σ w t) Σ s log p for targets t, class numbers (N,) or probabilities (N, classes)."""
    weights = None
    if loss.class_weights is not None:
        t = _rows(t, output.p)
        weights = t @ t.new_tensor(loss.class_weights)
    t = _smoothed_rows(loss, t, output.p)
    values = -(t * output.logs).sum(dim=-1)
    return values if weights is None else values * weights


def kl_divergence(loss: base.KLDivergence, t: Tensor, output: Output) -> Tensor:
    """Return Σ t log(t / p)."""
    t = t.clamp(EPSILON, 1)
    return (t * (t.log() - output.logs)).sum(dim=-1)


def categorical_focal_crossentropy(loss: base.CategoricalFocalCrossentropy, t: Tensor, output: Output) -> Tensor:
    """Return Σ α (1 − p)^γ (−t log p)."""
    t, logs = _smoothed_rows(loss, t, output.p), output.logs
    alpha = torch.as_tensor(loss.alpha, dtype=logs.dtype, device=logs.device)
    return -(alpha * _power(1 - logs.exp(), loss.gamma) * t * logs).sum(dim=-1)


def binary_crossentropy(loss: base.BinaryCrossentropy, t: Tensor, output: Output) -> Tensor:
    """Return the mean over the outputs of −s log p − (1 − s) log(1 − p)."""
    return output.binary_crossentropy(_smooth(loss, t)).mean(dim=-1)


def binary_focal_crossentropy(loss: base.BinaryFocalCrossentropy, t: Tensor, output: Output) -> Tensor:
    """Return the mean over the outputs of (1 − pₜ)^γ times the binary cross-entropy."""
    t, p = _smooth(loss, t), output.probabilities
    values = _power(1 - (t * p + (1 - t) * (1 - p)), loss.gamma) * output.binary_crossentropy(t)
    if loss.apply_class_balancing:
        values = values * (t * loss.alpha + (1 - t) * (1 - loss.alpha))
    return values.mean(dim=-1)


def huber(loss: base.Huber, t: Tensor, output: Output) -> Tensor:
    """Return half the squared error up to δ, and δ |p − t| − δ² / 2 beyond."""
    return F.huber_loss(output.p, t, reduction="none", delta=loss.delta).mean(dim=-1)


def log_cosh(loss: base.LogCosh, t: Tensor, output: Output) -> Tensor:
    """Return log cosh(p − t)."""
    error = output.p - t
    return (error + F.softplus(-2 * error) - log(2)).mean(dim=-1)


def logarithmic_error(loss: base.MeanSquaredLogarithmicError, t: Tensor, output: Output) -> Tensor:
    """Return (log(1 + p) − log(1 + t))²."""
    p, t = (x.clamp_min(EPSILON).log1p() for x in (output.p, t))
    return (p - t).square().mean(dim=-1)


def percentage_error(loss: base.MeanAbsolutePercentageError, t: Tensor, output: Output) -> Tensor:
    """Return 100 |p − t| / |t|."""
    return (100 * (output.p - t).abs() / t.abs().clamp_min(EPSILON)).mean(dim=-1)


def categorical_hinge(loss: base.CategoricalHinge, t: Tensor, output: Output) -> Tensor:
    """Return max(1 + (largest wrong output) − (output of the class), 0)."""
    t, p = _rows(t, output.p), output.p
    return (1 + ((1 - t) * p).max(dim=-1).values - (t * p).sum(dim=-1)).clamp_min(0)


def cosine_similarity(loss: base.CosineSimilarity, t: Tensor, output: Output) -> Tensor:
    """Return minus the cosine of the angle between output and target."""
    t, p = (x / x.square().sum(dim=-1, keepdim=True).clamp_min(EPSILON**2).sqrt() for x in (t, output.p))
    return -(t * p).sum(dim=-1)


class _WithGradient(torch.autograd.Function):
    """A loss of NumPy arrays that returns its gradient."""

    @staticmethod
    def forward(context: Any, p: Tensor, t: Tensor, loss: base.CustomLoss) -> Tensor:
        """Return the loss of each sample."""
        values, slopes = loss.differentiate(t.cpu().numpy(), p.detach().cpu().numpy())
        context.save_for_backward(torch.as_tensor(slopes, dtype=p.dtype, device=p.device))
        return torch.as_tensor(values, dtype=p.dtype, device=p.device)

    @staticmethod
    def backward(context: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        """Return the gradient with respect to the outputs."""
        (slopes,) = context.saved_tensors
        return slopes * slope.reshape(slope.shape + (1,) * (slopes.ndim - slope.ndim)), None, None


def custom(loss: base.CustomLoss, t: Tensor, output: Output) -> Tensor:
    """Return the loss of a function, one number for the batch as that of each sample."""
    if loss.has_gradient:
        return _WithGradient.apply(output.p, t, loss)  # type: ignore[no-untyped-call, no-any-return]
    try:
        value = loss.function(t, output.p)
    except Exception as error:
        raise UsageError(
            f"The loss '{loss.name}' failed with PyTorch tensors, y_true {tuple(t.shape)} and y_pred "
            f"{tuple(output.p.shape)}: {type(error).__name__}: {error}. {RETURN_FORMS}"
        ) from error
    if not isinstance(value, Tensor) or (value.ndim and len(value) != len(output.p)):
        raise UsageError(
            f"The loss '{loss.name}' must return a tensor: one number, or one for each sample. {RETURN_FORMS}"
        )
    return value if value.ndim else value.expand(len(output.p))


FUNCTIONS: dict[type[base.Loss], Callable[[Any, Tensor, Output], Tensor]] = {
    base.CategoricalCrossentropy: categorical_crossentropy,
    base.SparseCategoricalCrossentropy: categorical_crossentropy,
    base.CategoricalFocalCrossentropy: categorical_focal_crossentropy,
    base.KLDivergence: kl_divergence,
    base.BinaryCrossentropy: binary_crossentropy,
    base.BinaryFocalCrossentropy: binary_focal_crossentropy,
    base.MeanSquaredError: lambda loss, t, output: (output.p - t).square().mean(dim=-1),
    base.MeanAbsoluteError: lambda loss, t, output: (output.p - t).abs().mean(dim=-1),
    base.MeanAbsolutePercentageError: percentage_error,
    base.MeanSquaredLogarithmicError: logarithmic_error,
    base.Huber: huber,
    base.LogCosh: log_cosh,
    base.Poisson: lambda loss, t, output: (output.p - t * (output.p + EPSILON).log()).mean(dim=-1),
    base.Hinge: lambda loss, t, output: _margins(t, output).mean(dim=-1),
    base.SquaredHinge: lambda loss, t, output: _margins(t, output).square().mean(dim=-1),
    base.CategoricalHinge: categorical_hinge,
    base.CosineSimilarity: cosine_similarity,
    base.CustomLoss: custom,
}


def sample_losses(
    output: Tensor, logits: Tensor, activation: str, targets: Tensor, loss: base.Loss, form: OutputForm
) -> Tensor:
    """Return the loss of each sample (N,), computed in float32 or float64.

    Args:
        output: The output with its activation, (N, …).
        logits: The output without its activation.
        activation: Name of the activation.
        targets: The targets.
        loss: The loss.
        form: What `output` is.

    Returns:
        The losses (N,).
    """
    output, logits = (x.float() if x.dtype in (torch.bfloat16, torch.float16) else x for x in (output, logits))
    if output.ndim == 4:  # (N, C, H, W) → (N, H, W, C)
        output, logits = output.permute(0, 2, 3, 1), logits.permute(0, 2, 3, 1)
    if isinstance(loss, base.CustomLoss):
        targets = targets.to(output.dtype) if targets.is_floating_point() else targets
    elif not (loss.target_kind == "classes" and targets.ndim < output.ndim):
        targets = targets.to(output.dtype).reshape(output.shape)
    values = FUNCTIONS[type(loss)](loss, targets, Output(output, logits, activation, form))
    return values if values.ndim == 1 else values.flatten(1).mean(dim=1)


def _rows(t: Tensor, p: Tensor) -> Tensor:
    """Return class numbers as one-hot rows; rows unchanged."""
    return F.one_hot(t, p.shape[-1]).to(p.dtype) if t.ndim < p.ndim else t


def _smoothed_rows(
    loss: base.CategoricalCrossentropy | base.CategoricalFocalCrossentropy, t: Tensor, p: Tensor
) -> Tensor:
    t = _rows(t, p)
    return t * (1 - loss.label_smoothing) + loss.label_smoothing / p.shape[-1] if loss.label_smoothing else t


def _smooth(loss: base.BinaryCrossentropy, t: Tensor) -> Tensor:
    return t * (1 - loss.label_smoothing) + loss.label_smoothing / 2 if loss.label_smoothing else t


def _margins(t: Tensor, output: Output) -> Tensor:
    """Return max(1 − t p, 0), with targets 0 as −1."""
    return (1 - torch.where(t == 0, -1, t) * output.p).clamp_min(0)


def _power(x: Tensor, exponent: float) -> Tensor:
    """Return max(x, 0)^exponent, whose gradient is 0 at 0."""
    return torch.where(x > 0, x.clamp_min(torch.finfo(x.dtype).eps) ** exponent, 0.0 if exponent else 1.0)


def penalty(network: Network, values: Mapping[str, Tensor]) -> Tensor:
    """Compute λ₁ Σ|w| + λ₂ Σw² over the parameters with a regularizer.

    Args:
        network: The network.
        values: Its parameters by full name.

    Returns:
        The penalty, a scalar.
    """
    total = torch.zeros(())
    for parameter in network.parameters:
        l1, l2 = strengths(parameter.regularizer)
        w = values[parameter.name]
        if l1 and parameter.trainable:
            total = total + l1 * w.abs().sum()
        if l2 and parameter.trainable:
            total = total + l2 * w.square().sum()
    return total
