"""Mistakes that beginners make and that would otherwise give poor results without a word."""

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import striate as st
from striate._types import Array
from striate.errors import DataError, NetworkError, UsageError
from striate.network import Dense, Flatten, Input, Layer, Rescale

SHAPE = (6, 5, 1)
QUIET: Any = {"verbose": 0}
VERBS: list[Callable[[st.Model, Any, Any], Any]] = [
    lambda model, x, y: model.fit(x, y, **QUIET),
    lambda model, x, y: model.fit(x.round(), y, validation_data=(x, y), **QUIET),
    lambda model, x, y: model.evaluate(x, y),
    lambda model, x, y: model.predict(x),
    lambda model, x, y: model.train_on_batch(x, y),
]


def samples(count: int = 60) -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (count, *SHAPE), np.uint8), rng.permutation(np.arange(count) % 3)


def model_with(*first: Layer) -> st.Sequential:
    model = st.Sequential([Input(SHAPE), *first, Flatten(), Dense(3, activation="softmax", name="out")])
    model.compile("sgd")
    return model


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "scaling", [Rescale(name="scaling"), Rescale(1 / 127.5, -1, name="scaling"), Rescale(1, -128.0, name="scaling")]
)
def test_pixels_that_are_scaled_twice_are_refused(scaling: Rescale, verb: Callable[..., Any]) -> None:
    x, y = samples()
    message = r"all values are in 0 … 1, as if .* layer 'scaling' scales pixels .* Pass the pixels themselves, or x \*"
    with pytest.raises(DataError, match=message):
        verb(model_with(scaling), x / 255, y)
    with pytest.raises(DataError, match=r"all values are in -1 … 1, .* Pass the pixels themselves; or leave"):
        verb(model_with(scaling), np.float32(x / 127.5 - 1), y)


@pytest.mark.parametrize("name", ["lenet5", "lenet5-1998", "mlp", "simple-convnet", "mnist-best"])
def test_networks_of_the_zoo_refuse_scaled_digits(name: str) -> None:
    with pytest.raises(DataError, match=r"x \* 255"):
        st.zoo.build(name).predict(np.full((2, 28, 28, 1), 0.5))


def test_scaled_data_sets_are_refused() -> None:
    x, y = samples()
    with pytest.raises(DataError, match=r"x \* 255"):
        model_with(Rescale()).train(st.data.from_arrays(x / 255, y), **QUIET)


def test_pixels_are_accepted_in_every_form() -> None:
    x, y = samples()
    for pixels in (x, x.astype(float), x / 2, x // 200, (x // 200).astype(float), np.zeros_like(x, float)):
        for verb in VERBS:
            verb(model_with(Rescale()), pixels, y)


@pytest.mark.parametrize("first", [(), (Rescale(1 / 0.3081, -0.1307 / 0.3081),), (Rescale(2, -1),)])
def test_networks_that_expect_scaled_values_accept_them(first: tuple[Layer, ...]) -> None:
    x, y = samples()
    for verb in VERBS:
        verb(model_with(*first), x / 255, y)


def test_values_that_also_go_elsewhere_are_accepted() -> None:
    image = Input(SHAPE)
    model = st.Model(image, Dense(3)(Flatten()(st.layers.Add()(image, Rescale()(image)))))
    assert model.predict(samples()[0] / 255).shape == (60, 3)


@pytest.mark.parametrize("verb", ["evaluate", "train_on_batch"])
def test_scores_unpack_to_values_and_have_names(verb: str) -> None:
    model = model_with(Rescale())
    x, y = samples()
    expected_accuracy = (model.predict(x).argmax(axis=1) == y).mean()
    scores = getattr(model, verb)(x, y)
    loss, accuracy = scores
    assert accuracy == pytest.approx(expected_accuracy)
    assert scores[:2] == (loss, accuracy) == (scores["loss"], scores["accuracy"]) == (scores[0], scores[-1])
    assert dict(scores) == {**scores} == dict(scores.items()) == {"loss": loss, "accuracy": accuracy}
    assert list(dict(scores)) == list(scores.keys()) == ["loss", "accuracy"]
    assert "accuracy" in scores and loss in scores and "val_loss" not in scores
    assert repr(scores) == f"Scores(loss={loss!r}, accuracy={accuracy!r})"
    for again in (copy.deepcopy(scores), pickle.loads(pickle.dumps(scores))):
        assert again == scores and again.keys() == scores.keys()
    with pytest.raises(UsageError, match=r"There is no metric 'acuracy'\. Did you mean 'accuracy'"):
        scores["acuracy"]


def test_scores_of_several_outputs_are_in_the_order_of_their_names() -> None:
    x, y = samples()
    flat = Flatten()(Rescale()(image := Input(SHAPE)))
    ends = [Dense(3, activation="softmax", name="kind")(flat), Dense(1, name="size")(flat)]
    model = st.Model(image, ends)
    model.compile()
    scores = model.evaluate(x, [y, y])
    assert scores.keys() == ("loss", "kind_loss", "size_loss", "kind_accuracy", "size_mean_absolute_error")
    assert list(scores) == list(dict(scores).values())


def test_unknown_attributes_are_refused() -> None:
    model = model_with(Rescale())
    with pytest.raises(UsageError, match=r"A Sequential has no attribute 'class_names'\. Did you mean 'classes'"):
        model.class_names = ("a", "b", "c")  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"A Model has no attribute 'learning_rat'\. Did you mean 'learning_rate'"):
        st.Model.from_network(model.network).learning_rat = 0.1  # type: ignore[attr-defined]
    with pytest.raises(NetworkError, match=r"Dense: there is no setting 'unit'\. Did you mean 'units'"):
        Dense(3).unit = 4  # type: ignore[attr-defined]
    with pytest.raises(NetworkError, match=r"Dense: units cannot be changed"):
        Dense(3).units = 4  # type: ignore[misc]
    model.named_weights = dict(model.named_weights)
    model.learning_rate, model.classes, model.stop_training = 0.1, ("a", "b", "c"), True
    assert pickle.loads(pickle.dumps(model)).classes == model.classes == copy.deepcopy(model).classes


def test_subclasses_can_declare_attributes() -> None:
    class Counting(st.Sequential):
        count = 0

    model = Counting([Input((2,)), Dense(3)])
    model.count += 1
    assert model.count == 1


def test_samples_cut_from_a_sorted_array_give_a_warning() -> None:
    model = model_with(Rescale())
    x, y = samples()
    order = np.argsort(y, kind="stable")
    x_sorted, y_sorted = x[order], y[order]
    with pytest.warns(UserWarning, match=r"The 35 training samples are sorted by class .* none above class 1 of 3"):
        model.fit(x_sorted[:35], y_sorted[:35], **QUIET)
    with pytest.warns(UserWarning, match=r"All 20 validation samples are of class 2\. .* shuffle it first") as caught:
        model.fit(x, y, validation_data=(x_sorted[-20:], y_sorted[-20:]), **QUIET)
    assert len(caught) == 1
    with pytest.warns(UserWarning, match=r"All 20 samples of this batch are of class 0\."):
        model.train_on_batch(x_sorted[:20], np.eye(3)[y_sorted[:20]])


def test_samples_of_all_classes_and_few_samples_give_no_warning() -> None:
    model = model_with(Rescale())
    x, y = samples()
    order = np.argsort(y, kind="stable")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(x[order], y[order], validation_split=0.3, **QUIET)
        model.fit(x, np.minimum(y, 1), **QUIET)  # not sorted: the third class may be rare
        model.train_on_batch(x[y == 1][:10], y[y == 1][:10])
        model.evaluate(x[y == 1], y[y == 1])  # the accuracy of one class is a question of its own


def test_first_digits_are_of_all_classes() -> None:
    digits = st.data.load("mnist5k")
    for part in (digits.train, digits.validation, digits.test):
        assert len(set(part.y[:200])) == 10
    assert len(set(digits.train.y[:50])) == 10
    shares = np.bincount(digits.train.y[:1000]) / np.bincount(digits.train.y)
    assert shares.min() > 0.2 and shares.max() < 0.3
