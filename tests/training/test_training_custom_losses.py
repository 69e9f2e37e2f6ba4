"""Custom losses: NumPy functions with a gradient, on both engines, and functions of PyTorch tensors."""

from typing import Any

import numpy as np
import pytest
import torch

import striate as st
from striate.engines.losses import Loss
from striate.errors import UsageError

RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 4)).astype("float32")
Y = (X[:, :2] @ RNG.standard_normal((2, 3))).astype("float32")


def of_batch(y_true: Any, y_pred: Any) -> Any:
    error = y_pred - y_true
    return np.square(error).mean(), 2 * error / error.size


def of_samples(y_true: Any, y_pred: Any) -> Any:
    error = y_pred - y_true
    return np.square(error).mean(axis=1), 2 * error / error.shape[1]


class Forward:
    """An object with `forward` and `gradient`."""

    def forward(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss."""
        return of_batch(y_true, y_pred)[0]

    def gradient(self, y_true: Any, y_pred: Any) -> Any:
        """Return its gradient."""
        return of_batch(y_true, y_pred)[1]


class Called(Loss):
    """A loss as Keras's subclasses define it."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return loss and gradient."""
        return of_samples(y_true, y_pred)


def of_tensors(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
    return torch.mean((y_pred - y_true) ** 2)


def of_any(y_true: Any, y_pred: Any) -> Any:
    return ((y_pred - y_true) ** 2).mean(-1)


def model(loss: Any, engine: str) -> st.Model:
    made = st.Sequential([st.Input((4,), dtype="float32"), st.layers.Dense(3, name="out")])
    made.compile("sgd", loss, learning_rate=0.1, engine=engine)
    return made


WITH_GRADIENT = [of_batch, of_samples, Forward(), Called()]


@pytest.mark.parametrize("engine", ["numpy", "torch"])
@pytest.mark.parametrize("loss", [*WITH_GRADIENT, of_tensors, of_any, lambda t, p: torch.nn.functional.mse_loss(p, t)])
def test_own_loss_equals_the_built_in_one(loss: Any, engine: str) -> None:
    if loss not in WITH_GRADIENT and engine == "numpy":
        with pytest.raises(UsageError, match=r"returns no gradient.*Return \(loss, gradient\).*engine='torch'"):
            model(loss, engine)
        return
    mine, other = model(loss, engine), model("mse", engine)
    for made in (mine, other):
        made.fit(X, Y, batch_size=7, epochs=2, validation_data=(X, Y), verbose=0)
    assert mine.figures["val_loss"] == pytest.approx(other.figures["val_loss"], rel=1e-5)
    for a, b in zip(mine.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("loss", "engine"), [(of_samples, "numpy"), (of_samples, "torch"), (of_any, "torch")])
def test_losses_of_samples_can_be_weighted(loss: Any, engine: str) -> None:
    weights = RNG.random(24)
    mine, other = model(loss, engine), model("mse", engine)
    for made in (mine, other):
        made.fit(X, Y, sample_weight=weights, verbose=0)
    expected = other.evaluate(X, Y, sample_weight=weights)["loss"]
    assert mine.evaluate(X, Y, sample_weight=weights)["loss"] == pytest.approx(expected, rel=1e-5)
    with pytest.raises(UsageError, match="The loss 'of_batch' returns one number for the batch, and sample_weight"):
        model(of_batch, engine).fit(X, Y, sample_weight=weights, verbose=0)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (
            lambda t, p: (of_batch(t, p)[0], of_samples(t, p)[1]),
            "returns a wrong gradient: .*has a gradient divided",
        ),
        (lambda t, p: (of_batch(t, p)[0], np.zeros(3)), r"a gradient of the shape \(3,\) for y_pred \(3, 3\)"),
        ([1], "loss must be a name, a Loss or a function; received 1"),
    ],
)
def test_wrong_losses_raise_at_compile(loss: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        model(loss, "numpy")


def test_failures_of_tensor_functions_say_what_to_write() -> None:
    with pytest.raises(UsageError, match=r"failed with PyTorch tensors, y_true .*TypeError.*which is differentiated"):
        model(lambda t, p: len(p, t), "torch").fit(X, Y, verbose=0)  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="must return a tensor: one number, or one for each sample"):
        model(lambda t, p: 3.0, "torch").fit(X, Y, verbose=0)
