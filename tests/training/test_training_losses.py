"""Losses and the outputs that they match: probabilities, log-probabilities and logits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import striate as st
from striate._types import Array
from striate.engines.losses import BinaryCrossentropy, CategoricalCrossentropy, Loss, MeanSquaredError
from striate.errors import DataError, UsageError
from striate.network import Network
from striate.network.outputs import output_activation, output_forms, outputs_probabilities
from striate.training.losses import default_losses

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 5)).astype("float32")
Y = np.arange(12) % 3
ENGINES = ["numpy", "torch"]
LOGITS = st.losses.SparseCategoricalCrossentropy(from_logits=True)


def model_with(activation: str, units: int = 3) -> st.Model:
    return st.Sequential([st.Input((5,), dtype="float32"), st.layers.Dense(units, activation=activation, name="out")])


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "torch":
        pytest.importorskip("torch")
    return str(request.param)


def trained(activation: str, loss: Any, y: Array, engine: str, units: int = 3) -> tuple[st.Model, list[float]]:
    model = model_with(activation, units)
    model.compile("sgd", loss, learning_rate=0.5, engine=engine)
    return model, [model.train_on_batch(X, y)["loss"] for _ in range(5)]


@pytest.mark.parametrize("activation", ["linear", "log_softmax"])
def test_crossentropy_of_logits_equals_that_of_softmax(activation: str, engine: str) -> None:
    expected, losses = trained("softmax", "categorical_crossentropy", Y, engine)
    model, found = trained(activation, "categorical_crossentropy", Y, engine)
    np.testing.assert_allclose(found, losses, rtol=1e-5)
    for name, weight in expected.named_weights.items():
        np.testing.assert_allclose(model.named_weights[name], weight, atol=1e-5)
    assert model.evaluate(X, Y)["loss"] == pytest.approx(expected.evaluate(X, Y)["loss"], rel=1e-5)
    assert model.evaluate(X, Y)["accuracy"] == expected.evaluate(X, Y)["accuracy"]


def test_crossentropy_of_logits_equals_pytorchs(engine: str) -> None:
    torch = pytest.importorskip("torch")
    model = model_with("linear")
    model.compile("sgd", "categorical_crossentropy", engine=engine)
    for scale in (1, 1e3):  # where a softmax in float32 would be 0 or 1
        x = X * scale
        logits = torch.tensor(model.predict(x))
        expected = float(torch.nn.functional.cross_entropy(logits, torch.tensor(Y)))
        assert model.evaluate(x, Y)["loss"] == pytest.approx(expected, rel=1e-5)
        loss, gradients = model.engine.gradients([x], [Y])
        assert loss == pytest.approx(expected, rel=1e-5)
        slope = torch.softmax(logits, 1).numpy() - np.eye(3)[Y]
        np.testing.assert_allclose(gradients["out/bias"], slope.mean(axis=0), atol=1e-5)


def test_binary_crossentropy_of_logits_equals_that_of_sigmoid(engine: str) -> None:
    y = (Y > 0).astype(int)
    expected, losses = trained("sigmoid", "binary_crossentropy", y, engine, 1)
    model, found = trained("linear", "binary_crossentropy", y, engine, 1)
    np.testing.assert_allclose(found, losses, rtol=1e-5)
    expected_metrics = expected.evaluate(X, y)
    assert model.evaluate(X, y) == pytest.approx(expected_metrics, rel=1e-4)
    assert expected_metrics["accuracy"] > 0.5
    assert model.predict(X).min() < 0  # what the network outputs


@pytest.mark.parametrize(
    ("activation", "units", "loss", "message"),
    [
        ("relu", 3, "categorical_crossentropy", "activation 'relu' of 'out'.*end in activation='softmax'"),
        ("tanh", 3, "categorical_crossentropy", "does not match the activation 'tanh'"),
        ("sigmoid", 10, "categorical_crossentropy", "'sigmoid' of 'out'.*use .*loss='binary_crossentropy'"),
        ("softmax", 1, "categorical_crossentropy", r"needs two outputs or more.*Dense\(1, activation='sigmoid'\)"),
        ("linear", 1, "sparse_categorical_crossentropy", "needs two outputs or more"),
        ("softmax", 1, "binary_crossentropy", "activation 'softmax' of 'out'.*activation='sigmoid'"),
        ("softmax", 3, "binary_crossentropy", "use .*loss='categorical_crossentropy'"),
        ("log_softmax", 3, "binary_crossentropy", "activation 'log_softmax'"),
        ("relu", 1, "binary_crossentropy", "activation 'relu'"),
        ("softmax", 1, None, "needs two outputs or more"),
        ("softmax", 3, LOGITS, "'sparse_categorical_crossentropy' has from_logits=True, and 'out' ends in activation="),
        ("sigmoid", 1, st.losses.BinaryCrossentropy(from_logits=True), "remove from_logits=True, or the activation"),
        ("relu", 3, "categorical_focal_crossentropy", "end in activation='softmax'"),
        ("tanh", 3, "kld", "'kl_divergence' does not match .* compares probabilities"),
        ("linear", 3, "poisson", "end in activation='softplus'"),
        ("linear", 1, "categorical_hinge", "needs two outputs or more"),
        ("linear", 3, st.losses.MeanSquaredError(reduction="sum"), "reduction='sum'.*learning rate by the batch size"),
    ],
)
def test_losses_that_do_not_match_raise(activation: str, units: int, loss: Any, message: str) -> None:
    model = model_with(activation, units)
    with pytest.raises(UsageError, match=message):
        model.compile("sgd", loss)
    model.compile("sgd", "mse")


@pytest.mark.parametrize("loss", [LOGITS, "sparse_categorical_crossentropy", st.losses.sparse_categorical_crossentropy])
def test_from_logits_is_what_the_activation_says(loss: Any, engine: str) -> None:
    """A missing from_logits=True of an output without activation changes nothing."""
    _, expected = trained("softmax", "categorical_crossentropy", Y, engine)
    np.testing.assert_allclose(trained("linear", loss, Y, engine)[1], expected, rtol=1e-5)


@pytest.mark.parametrize("name", sorted(st.losses.__all__))
def test_every_loss_trains_by_its_name(name: str) -> None:
    if name in ("Loss", "get", "get_loss"):
        return
    loss = st.losses.get(name)
    ends = {"labels": "sigmoid", "signs": "tanh", "classes": "linear"}
    activation = "softplus" if "poisson" in name.lower() else ends.get(loss.target_kind, "softmax")
    y = Y if loss.target_kind == "classes" else np.eye(3)[Y]
    for spelling in (name, getattr(st.losses, name)):
        model, losses = trained(activation, spelling, y, "numpy")
        assert losses[-1] < losses[0]
        figures = model.evaluate(X, y)
        assert figures["loss"] < losses[-1]
        if "rossentropy" not in name:  # whose outputs are logits here
            assert figures["loss"] == pytest.approx(loss(y, model.predict(X)))


def test_targets_that_do_not_match_a_loss_raise() -> None:
    model = model_with("softmax")
    model.compile("sgd", "mse")
    with pytest.raises(DataError, match=r"received shape \(12,\). One-hot rows of class numbers: np.eye\(3\)\[y\]"):
        model.fit(X, Y, verbose=0)
    model = model_with("tanh", 1)
    model.compile("sgd", "hinge")
    with pytest.raises(DataError, match="a hinge loss needs -1 and 1, or 0 and 1"):
        model.fit(X, Y, verbose=0)
    assert model.evaluate(X, np.where(Y > 0, 1, -1)) == model.evaluate(X, (Y > 0).astype(int))


def test_default_loss_of_logits_follows_classes_and_targets() -> None:
    model = model_with("linear")
    model.compile("sgd")
    assert isinstance(model.losses[0], MeanSquaredError)
    assert set(model.evaluate(X, Y).keys()) == {"loss", "accuracy"}  # class numbers can mean nothing else
    assert set(model.evaluate(X, np.eye(3)[Y]).keys()) == {"loss", "mean_absolute_error"}
    history = model.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y)).history
    assert history["loss"][1] < history["loss"][0]
    assert "val_accuracy" in history
    assert isinstance(model.losses[0], CategoricalCrossentropy)
    model.compile("sgd", "mse")
    with pytest.raises(DataError, match="expected shape"):
        model.fit(X, Y, verbose=0)
    model.classes = ("a", "b", "c")
    model.compile("sgd")
    assert isinstance(model.losses[0], CategoricalCrossentropy)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_imported_pytorch_classifier_without_softmax_trains(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    torch.onnx.export(module, torch.zeros(1, 5), tmp_path / "m.onnx", dynamo=False)
    for loss in (None, "categorical_crossentropy"):
        model = st.load(tmp_path / "m.onnx")
        model.compile("adam", loss, learning_rate=0.05)
        before = torch.nn.functional.cross_entropy(module(torch.tensor(X)), torch.tensor(Y)).item()
        assert model.evaluate(X, Y)["loss"] == pytest.approx(before, rel=1e-5)
        assert model.fit(X, Y, epochs=30, verbose=0).history["loss"][-1] < before / 2


@pytest.mark.parametrize(
    ("layers", "activation", "loss"),
    [
        ([st.layers.Conv2D(4, 1, activation="relu"), st.layers.GlobalAveragePool2D()], "linear", MeanSquaredError),
        ([st.layers.Conv2D(4, 2, activation="softmax"), st.layers.Flatten()], "softmax", CategoricalCrossentropy),
        ([st.layers.Conv2D(4, 2, activation="relu"), st.layers.Flatten()], "relu", None),
        ([st.layers.Flatten(), st.layers.Dense(3, activation="softmax"), st.layers.Rescale(0.5)], "softmax", None),
        ([st.layers.Flatten(), st.layers.Dense(3, activation="sigmoid"), st.layers.Dropout(0.5)], "sigmoid", None),
    ],
)
def test_layers_without_parameters_keep_what_outputs_mean(
    layers: list[Any], activation: str, loss: type[Loss] | None
) -> None:
    network = Network.sequential([st.Input((2, 2, 1)), *layers])
    assert output_activation(network, network.outputs[0]) == activation
    assert outputs_probabilities(network) == (activation in ("softmax", "sigmoid"))
    assert output_forms(network) == ("logits" if activation == "linear" else "probabilities",)
    if loss:
        assert default_losses(network) == (loss(),)


def test_binary_default_is_unchanged() -> None:
    assert default_losses(model_with("sigmoid").network) == (BinaryCrossentropy(),)
