"""The textbook's optimizers, network and trainer against the NumPy engine, PyTorch and numerical gradients."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import striate as st
from striate import textbook
from striate._types import Array, Weights
from striate.engines import optimizers as engine_optimizers
from striate.engines.base import TrainingSettings
from striate.engines.losses import CategoricalCrossentropy
from striate.engines.numpy import NumpyEngine
from striate.engines.optimizers import get_optimizer
from striate.errors import ModelFileError, UsageError
from striate.network import Conv2D, Dense, Flatten, Input, MaxPool2D, Network
from striate.textbook import SimpleConvNet, Trainer, numerical_gradient
from striate.textbook.optimizers import Optimizer

Torch = Callable[[list[torch.Tensor]], torch.optim.Optimizer]


def batch(network_input: tuple[int, int, int], count: int = 6, classes: int = 3) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.random((count, *network_input)), rng.integers(0, classes, count)


def small() -> SimpleConvNet:
    """Return a network with odd sizes: (2, 7, 8) → conv (3, 5, 6) → pool (3, 2, 3)."""
    network = SimpleConvNet((2, 7, 8), filters=3, filter_size=3, hidden=5, classes=3, std=0.5)
    for key in ("b1", "b2", "b3"):
        network.params[key] += 0.1
    return network


def engine_weights(params: Weights, pooled: tuple[int, int, int]) -> Weights:
    """Return the parameters in the engine's order: channels last, and so is the order of the flattened pixels."""
    filters, rows, columns = pooled
    hidden = params["W2"].reshape(filters, rows, columns, -1)
    return {
        "conv1/kernel": params["W1"].transpose(2, 3, 1, 0), "conv1/bias": params["b1"],
        "hidden/kernel": hidden.transpose(1, 2, 0, 3).reshape(params["W2"].shape), "hidden/bias": params["b2"],
        "output/kernel": params["W3"], "output/bias": params["b3"],
    }  # fmt: skip


def engine_of(params: Weights) -> NumpyEngine:
    network = Network.sequential(
        [
            Input((7, 8, 2)),
            Conv2D(3, 3, activation="relu", name="conv1"),
            MaxPool2D(2),
            Flatten(),
            Dense(5, activation="relu", name="hidden"),
            Dense(3, activation="softmax", name="output"),
        ]
    )
    return NumpyEngine(network, engine_weights(params, (3, 2, 3)), dtype="float64")


# Gradients


def test_numerical_gradient_of_a_quadratic_function_is_exact() -> None:
    x = np.arange(6.0).reshape(2, 3)
    before = x.copy()
    np.testing.assert_allclose(numerical_gradient(lambda x: (x**2).sum() + x[0, 0], x), 2 * x + (x == 0), atol=1e-9)
    np.testing.assert_array_equal(x, before)


def test_backpropagation_equals_the_numerical_gradient() -> None:
    network = small()
    x, t = batch((2, 7, 8))
    gradient, numerical = network.gradient(x, t), network.numerical_gradient(x, t)
    for key in network.params:
        np.testing.assert_allclose(gradient[key], numerical[key], atol=1e-8, err_msg=key)
        assert np.abs(gradient[key]).max() > 1e-4


def test_network_equals_the_numpy_engine() -> None:
    network = small()
    x, t = batch((2, 7, 8))
    engine = engine_of(network.params)
    engine.compile(TrainingSettings(get_optimizer("sgd"), [CategoricalCrossentropy()]))
    (probabilities,) = engine.forward([x.transpose(0, 2, 3, 1)])
    np.testing.assert_allclose(np.exp(textbook.log_softmax(network.predict(x))), probabilities, atol=1e-12)
    loss, gradients = engine.gradients([x.transpose(0, 2, 3, 1)], [t])
    assert network.loss(x, t) == pytest.approx(loss, abs=1e-12)
    for name, gradient in engine_weights(network.gradient(x, t), (3, 2, 3)).items():
        np.testing.assert_allclose(gradient, gradients[name], atol=1e-12, err_msg=name)


def test_defaults_are_the_zoo_network() -> None:
    network, described = SimpleConvNet(), st.zoo.network("simple-convnet")
    weights = engine_weights(network.params, (30, 12, 12))
    assert {name: w.shape for name, w in weights.items()} == {p.name: p.shape for p in described.parameters}
    assert {key: round(float(w.std()), 3) for key, w in network.params.items()} == {
        "W1": 0.01, "b1": 0, "W2": 0.01, "b2": 0, "W3": 0.01, "b3": 0,
    }  # fmt: skip


# Optimizers


@pytest.mark.parametrize(
    ("own", "description", "reference"),
    [
        (textbook.SGD(0.1), engine_optimizers.SGD(0.1), lambda p: torch.optim.SGD(p, 0.1)),
        (
            textbook.Momentum(0.1, 0.8),
            engine_optimizers.SGD(0.1, momentum=0.8),
            lambda p: torch.optim.SGD(p, 0.1, momentum=0.8),
        ),
        (
            textbook.Nesterov(0.1, 0.8),
            engine_optimizers.SGD(0.1, momentum=0.8, nesterov=True),
            lambda p: torch.optim.SGD(p, 0.1, momentum=0.8, nesterov=True),
        ),
        (textbook.AdaGrad(0.1), engine_optimizers.AdaGrad(0.1), lambda p: torch.optim.Adagrad(p, 0.1, eps=1e-7)),
        (
            textbook.RMSprop(0.1, 0.8),
            engine_optimizers.RMSprop(0.1, rho=0.8),
            lambda p: torch.optim.RMSprop(p, 0.1, alpha=0.8, eps=1e-7),
        ),
        (
            textbook.Adam(0.1, 0.8, 0.9),
            engine_optimizers.Adam(0.1, beta_1=0.8, beta_2=0.9),
            lambda p: torch.optim.Adam(p, 0.1, betas=(0.8, 0.9), eps=1e-7),
        ),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "update") else "",
)
def test_optimizers_equal_the_engine_and_pytorch(
    own: Optimizer, description: engine_optimizers.Optimizer, reference: Torch
) -> None:
    network = small()
    x, t = batch((2, 7, 8))
    engine = engine_of(network.params)
    engine.compile(TrainingSettings(description, [CategoricalCrossentropy()]))
    tensors = {key: torch.tensor(w, requires_grad=True) for key, w in network.params.items()}
    optimizer = reference(list(tensors.values()))
    for step in range(4):
        engine.train_step([x.transpose(0, 2, 3, 1)], [t], learning_rate=0.1, step=step)
        grads = network.gradient(x, t)
        for key, tensor in tensors.items():
            tensor.grad = torch.tensor(grads[key])
        optimizer.step()
        own.update(network.params, grads)
        for key, tensor in tensors.items():
            np.testing.assert_allclose(network.params[key], tensor.detach().numpy(), atol=1e-10, err_msg=key)
        for name, w in engine_weights(network.params, (3, 2, 3)).items():
            np.testing.assert_allclose(w, engine.weights[name], atol=1e-7, err_msg=name)


# Training, saving


def digits(part: st.data.Images, count: int) -> tuple[Array, Array]:
    chosen = np.random.default_rng(0).permutation(len(part.x))[:count]
    return part.x[chosen].transpose(0, 3, 1, 2) / 255, part.y[chosen]


def test_trainer_learns_digits_and_repeats_itself(capsys: pytest.CaptureFixture[str]) -> None:
    data = st.data.load("mnist5k")
    (x, t), (x_val, t_val) = digits(data.train, 1250), digits(data.validation, 300)

    def train(verbose: bool) -> Trainer:
        network = SimpleConvNet(filters=8, hidden=30, std=0.1)
        trainer = Trainer(network, x, t, x_val, t_val, epochs=2, batch_size=25, verbose=verbose)
        trainer.train()
        return trainer

    trainer = train(verbose=True)
    printed = capsys.readouterr().out.splitlines()
    assert len(trainer.train_loss) == 2 * 50
    assert trainer.val_accuracy[-1] > 0.8
    assert trainer.val_accuracy[-1] == trainer.network.accuracy(x_val, np.eye(10)[t_val])
    assert printed[1].startswith("epoch 2/2  loss ")
    assert printed[1].endswith(f"val_accuracy {trainer.val_accuracy[-1]:.4f}")
    again = train(verbose=False)
    assert not capsys.readouterr().out
    assert again.train_loss == trainer.train_loss


def test_last_batch_may_be_smaller() -> None:
    x, t = batch((2, 7, 8), 6)
    trainer = Trainer(small(), x, t, x, t, epochs=1, batch_size=4, verbose=False)
    trainer.train()
    assert len(trainer.train_loss) == 2
    assert trainer.val_accuracy == [trainer.network.accuracy(x, t, batch_size=5)]


def test_saved_parameters_are_loaded_into_the_layers(tmp_path: Path) -> None:
    network, other = small(), SimpleConvNet((2, 7, 8), filters=3, filter_size=3, hidden=5, classes=3, seed=1)
    x, _ = batch((2, 7, 8))
    network.save_params(tmp_path / "params.safetensors")
    other.load_params(tmp_path / "params.safetensors")
    np.testing.assert_array_equal(other.predict(x), network.predict(x))
    assert [file.name for file in tmp_path.iterdir()] == ["params.safetensors"]


def test_parameters_of_another_network_and_other_formats_are_refused(tmp_path: Path) -> None:
    small().save_params(tmp_path / "params.safetensors")
    network = SimpleConvNet()
    before = {key: w.copy() for key, w in network.params.items()}
    with pytest.raises(ModelFileError, match=r"belongs to another network.*'W1': \(30, 1, 5, 5\)"):
        network.load_params(tmp_path / "params.safetensors")
    for key, w in network.params.items():
        np.testing.assert_array_equal(w, before[key])
    with pytest.raises(UsageError, match=r"ends in \.safetensors"):
        network.save_params(tmp_path / "params.pkl")
    with pytest.raises(ModelFileError, match="There is no"):
        network.load_params(tmp_path / "missing.safetensors")
