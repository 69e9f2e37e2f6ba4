"""Several outputs: losses, metrics, weights and targets as lists and dictionaries, with the names of Keras."""

from typing import Any

import numpy as np
import pytest

import striate as st
from striate.errors import DataError, UsageError
from striate.training.metrics import loss_sum

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 4)).astype("float32")
KIND, SIZE = np.arange(30) % 3, RNG.random((30, 1)).astype("float32")
LOSSES = ["sparse_categorical_crossentropy", "mse"]
BY_NAME = {"kind": LOSSES[0], "size": LOSSES[1]}


def model(**settings: Any) -> st.Model:
    x = st.Input((4,), dtype="float32")
    hidden = st.layers.Dense(5, activation="tanh")(x)
    outputs = [st.layers.Dense(3, activation="softmax", name="kind")(hidden), st.layers.Dense(1, name="size")(hidden)]
    made = st.Model(x, outputs)
    made.compile("sgd", learning_rate=0.1, **settings)
    return made


# Arguments, and the names of the figures in Keras 3.15.1.
NAMES: list[tuple[dict[str, Any], str]] = [
    ({"loss": LOSSES, "metrics": []}, "loss kind_loss size_loss"),
    ({"loss": LOSSES, "metrics": ["accuracy", "mae"]}, "loss kind_loss size_loss kind_accuracy size_mae"),
    (
        {"loss": LOSSES, "metrics": [["accuracy"], ["mae", "mse"]]},
        "loss kind_loss size_loss kind_accuracy size_mae size_mse",
    ),
    (
        {"loss": BY_NAME, "metrics": {"kind": ["acc", st.metrics.SparseCategoricalAccuracy()], "size": "mae"}},
        "loss kind_loss size_loss kind_acc kind_sparse_categorical_accuracy size_mae",
    ),
    ({"loss": LOSSES, "metrics": [], "weighted_metrics": [["accuracy"], ["mae"]]},
     "loss kind_loss size_loss kind_accuracy size_mae"),
    ({"loss": LOSSES, "metrics": [["accuracy"], None]}, "loss kind_loss size_loss kind_accuracy"),
    ({"loss": "mse", "metrics": []}, "loss kind_loss size_loss"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "names"), NAMES)
def test_figures_have_the_names_of_keras(settings: dict[str, Any], names: str) -> None:
    y: list[Any] = [np.eye(3)[KIND] if settings["loss"] == "mse" else KIND, SIZE]
    made = model(**settings)
    assert " ".join(made.evaluate(X, y).keys()) == names
    history = made.fit(X, {"kind": y[0], "size": y[1]}, verbose=0, validation_data=(X, y)).history
    expected = names.split()
    assert [name for name in history if name != "learning_rate"] == expected + [f"val_{name}" for name in expected]
    assert dict(made.train_on_batch(X, y)).keys() == set(expected)


@pytest.mark.parametrize("weights", [[0.3, 2.0], {"kind": 0.3, "size": 2.0}, {"size": 2.0}])
def test_loss_is_the_weighted_sum_of_those_of_the_outputs(weights: Any) -> None:
    first = 0.3 if len(weights) == 2 else 1
    made = model(loss=BY_NAME, loss_weights=weights)
    scores = made.evaluate(X, [KIND, SIZE])
    parts = [loss_sum(loss, p, t) / 30 for loss, p, t in zip(made.losses, made.predict(X), (KIND, SIZE), strict=True)]
    assert (scores["kind_loss"], scores["size_loss"]) == pytest.approx(parts, rel=1e-6)
    assert scores["loss"] == pytest.approx(first * parts[0] + 2 * parts[1], rel=1e-6)
    assert made.train_on_batch(X, [KIND, SIZE]) == pytest.approx(scores, rel=1e-5)


def test_output_with_weight_zero_is_not_trained() -> None:
    made = model(loss=BY_NAME, loss_weights={"size": 0})
    before = made.engine.weights
    made.fit(X, [KIND, SIZE], verbose=0)
    after = made.engine.weights
    np.testing.assert_array_equal(after["size/kernel"], before["size/kernel"])
    assert (after["kind/kernel"] != before["kind/kernel"]).all()


def test_sample_weights_by_output() -> None:
    made, weights = model(loss=BY_NAME, weighted_metrics={"size": "mae"}), RNG.random(30).astype("float32")
    scores = made.evaluate(X, [KIND, SIZE], sample_weight={"size": weights})
    size = made.predict(X)[1]
    assert scores["size_loss"] == pytest.approx(weights @ np.square(size - SIZE)[:, 0] / 30, rel=1e-5)
    assert scores["loss"] == pytest.approx(scores["kind_loss"] + scores["size_loss"], rel=1e-5)
    assert scores["size_mae"] == pytest.approx(weights @ np.abs(size - SIZE)[:, 0] / weights.sum(), rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": {"kind": "mse"}}, "The output 'size' has no loss.*loss_weights with 0 for 'size'"),
        ({"loss": [LOSSES[0], None]}, "The output 'size' has no loss"),
        ({"loss": {"kind": "mse", "sise": "mse"}}, r"loss: there is no output 'sise'. Did you mean 'size'\?"),
        ({"loss": ["mse"]}, "The network has 2 outputs; expected a loss for each, received 1"),
        ({"loss": LOSSES, "loss_weights": [1.0]}, "loss_weights: expected one for each of 2 outputs, received 1"),
        ({"loss": LOSSES, "loss_weights": {"knd": 1.0}}, r"there is no output 'knd'. Did you mean 'kind'\?"),
        ({"loss": LOSSES, "loss_weights": [1.0, float("nan")]}, "loss_weights must be finite; received nan"),
        ({"loss": LOSSES, "loss_weights": ["a", 1]}, "loss_weights must be a number; received 'a'"),
        ({"loss": LOSSES, "metrics": {"knd": "acc"}}, r"metrics: there is no output 'knd'. Did you mean 'kind'\?"),
        ({"loss": LOSSES, "metrics": [["acc"], ["mae"], []]}, "one list for each of 2 outputs, received 3"),
        ({"loss": LOSSES, "metrics": {"size": "accuracy"}}, "does not match this loss; use 'mean_absolute_error'"),
    ],
)
def test_arguments_that_do_not_match_the_outputs_raise(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        model(**settings)


def test_targets_that_do_not_match_the_outputs_raise() -> None:
    made = model(loss=LOSSES)
    with pytest.raises(DataError, match="There is nothing for 'size'"):
        made.fit(X, {"kind": KIND}, verbose=0)
    with pytest.raises(DataError, match=r"Expected a list of 2 targets \(kind, size\), received one array"):
        made.fit(X, KIND, verbose=0)


def test_class_weight_by_names_of_classes() -> None:
    def trained(weights: Any) -> list[Any]:
        made = st.Sequential([st.Input((4,), dtype="float32"), st.layers.Dense(3, activation="softmax")])
        made.classes = ("a", "b", "c")
        made.compile("sgd", learning_rate=0.5)
        made.fit(X, KIND, class_weight=weights, verbose=0)
        return list(made.get_weights())

    for mine, other in zip(trained({"b": 3.0, 2: 0.5}), trained({1: 3.0, 2: 0.5}), strict=True):
        np.testing.assert_array_equal(mine, other)
    with pytest.raises(UsageError, match="class_weight: there is no class 'bb'"):
        trained({"bb": 2.0})


def test_metrics_and_schedules_of_compile_are_saved(tmp_path: Any) -> None:
    rate = st.optimizers.schedules.PiecewiseConstantDecay([1, 3], [0.5, 0.1, 0.01])
    chosen = {"kind": ["acc", st.metrics.Precision(class_id=1)], "size": st.metrics.R2Score(name="r2")}
    made = model(loss=BY_NAME)
    made.compile(st.optimizers.SGD(rate, momentum=0.9), BY_NAME, chosen)
    made.fit(X, [KIND, SIZE], verbose=0)
    made.save(tmp_path / "m.safetensors")
    loaded = st.load(tmp_path / "m.safetensors")
    for each in (made, loaded):
        each.fit(X, [KIND, SIZE], epochs=2, verbose=0)
    assert loaded.metrics == made.metrics
    assert loaded.figures == made.figures
