"""Mistakes that beginners make and that would otherwise give poor results without a word."""

import copy
import pickle
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import striate as st
from striate._types import Array
from striate.errors import DataError, ModelFileError, NetworkError, StriateError, TrainingError, UsageError
from striate.network import L2, Conv2D, Dense, Flatten, GlobalAveragePool2D, Input, Layer, Rescale
from striate.workflows.trained_model import open_trained_model

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


@pytest.mark.parametrize("verb", [VERBS[2], VERBS[3], lambda model, x, y: model.predict_on_batch(x)])
def test_inputs_must_have_the_range_of_those_of_training(verb: Callable[..., Any], tmp_path: Path) -> None:
    x, y = samples()
    model = model_with()
    for scaled in (x / 255, x / 127.5 - 1):
        model.fit(scaled, y, validation_data=(scaled, y), **QUIET)
        model.save(tmp_path / "m.safetensors")
        for same in (model, st.load(tmp_path / "m.safetensors"), copy.deepcopy(model)):
            verb(same, scaled, y)
            with pytest.raises(DataError, match=r"pixels in 0 … 255, but the model was trained on values in -?[01]"):
                verb(same, x, y)
    with pytest.raises(DataError, match=r"for example x / 255; or add layers\.Rescaling"):
        model.fit(x / 255, y, validation_data=(x, y), **QUIET)
    model.fit(x.astype(float), y, **QUIET)
    with pytest.raises(DataError, match=r"all values are in 0 … 1, but the model was trained on pixels in 0 … 255"):
        verb(model, x / 255, y)


def test_unscaled_pixels_give_a_note_that_scaling_prevents(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = samples()
    calls: list[Callable[[], Any]] = [
        lambda: model_with().fit(x, y, verbose=2),
        lambda: model_with().fit(x, y, shuffle=False, verbose=2),
        lambda: model_with().train(st.data.from_arrays(x, y), verbose=2),
    ]
    for train in calls:
        train()
        printed = capsys.readouterr().out
        assert printed.count("pixels from 0 to 255, and the network has no layer that scales them") == 1
        assert "add layers.Rescaling(1/255) after the Input layer." in printed
    for scaling in (Rescale(), st.layers.BatchNormalization()):
        model_with(scaling).fit(x, y, verbose=2)
    model_with().fit(x // 200, y, verbose=2)
    assert "Rescaling" not in capsys.readouterr().out


@pytest.mark.parametrize("named", [False, True])
def test_code_of_the_error_makes_a_model_that_predicts_files(tmp_path: Path, named: bool) -> None:
    x, y = samples()
    model = model_with()
    model.fit(x / 255, y, **QUIET)
    if named:
        model.classes, model.policy = ("a", "b", "c"), st.ImagePolicy(*SHAPE, fit="pad")
    path = tmp_path / "m.safetensors"
    model.save(path)
    with pytest.raises(ModelFileError, match=r"trained on values in 0 … 1, but image files") as caught:
        open_trained_model(path)
    exec(str(caught.value).partition("in Python: ")[2])
    trained = open_trained_model(path)
    assert (trained.classes, trained.policy.fit) == ((("a", "b", "c"), "pad") if named else (("0", "1", "2"), "crop"))
    np.testing.assert_allclose(trained.outputs(x), model.predict(x / 255), atol=1e-6)


def test_exported_file_takes_the_values_of_training(tmp_path: Path) -> None:
    x, y = samples()
    model = model_with()
    model.fit(x / 255, y, **QUIET)
    model.export(tmp_path / "m.onnx")
    exported = st.load(tmp_path / "m.onnx")
    np.testing.assert_allclose(exported.predict(x / 255), model.predict(x / 255), atol=1e-6)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_huge_learning_rate_is_noticed(optimizer: str, capsys: pytest.CaptureFixture[str]) -> None:
    x, y = samples()
    model = model_with(Rescale())
    model.compile(optimizer, learning_rate=1e6)
    model.fit(x, y, epochs=2, verbose=2)
    usual = {"sgd": "0.01, the default of SGD", "adam": "0.001, the default of Adam"}[optimizer]
    printed = capsys.readouterr().out.splitlines()[-1]
    assert printed.startswith("The training diverged: its loss of ") and "that of guessing, 1.1. " in printed
    assert f"Try a learning rate of {usual}, or find one with: striate find-lr." in printed


def test_large_penalty_is_not_taken_for_divergence(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = samples()
    dense = Dense(3, activation="softmax", kernel_regularizer=L2(10.0))
    model = st.Sequential([Input(SHAPE), Rescale(), Flatten(), dense])
    model.compile("sgd", learning_rate=1e-6)
    assert model.fit(x, y, epochs=1, verbose=2).history["loss"][0] > 3 * np.log(3)
    assert "diverged" not in capsys.readouterr().out


def test_overflows_are_explained_without_warnings_of_numpy() -> None:
    x, y = samples()
    model = st.Sequential([Input(SHAPE), Rescale(), Flatten(), Dense(3)])
    model.compile("sgd", "mse", learning_rate=1e30)
    with pytest.raises(TrainingError, match=r"learning rate of 1e\+30\. Try a learning rate of 0\.01, the default"):
        model.fit(x, np.eye(3)[y], epochs=9, **QUIET)


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


def test_errors_of_wrong_shapes_and_labels_say_what_to_write() -> None:
    x, y = samples()
    model = model_with(Rescale())
    with pytest.raises(DataError, match=r"received 3\. The numbers begin at 1: pass y - 1\."):
        model.fit(x, y + 1, **QUIET)
    with pytest.raises(DataError, match=r"Reshape the samples: x\.reshape\(-1, 6, 5, 1\)\."):
        model.predict(x.reshape(-1, 30))
    with pytest.raises(NetworkError, match=r"received 28\. Write a tuple, such as Input\(\(28, 28, 1\)\)"):
        Input(28)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"Did you mean 'adam'\?"):
        model.compile("adma")


SPARSE, ONE_HOT = "sparse_categorical_crossentropy", "categorical_crossentropy"


@pytest.mark.parametrize(
    ("activation", "loss", "one_hot", "note"),
    [
        (None, SPARSE, False, "The output layer 'out' has no activation, .* predict returns logits, .*='softmax'"),
        (None, ONE_HOT, True, r"losses\.CategoricalCrossentropy\(from_logits=True\)"),
        (None, None, False, "predict returns logits"),
        (None, "binary_crossentropy", True, "Add activation='sigmoid' to the layer"),
        (None, st.losses.SparseCategoricalCrossentropy(from_logits=True), False, ""),
        ("softmax", SPARSE, True, f"'{SPARSE}' is for class numbers, and .* are one-hot rows. .* loss='{ONE_HOT}'"),
        ("softmax", ONE_HOT, False, f"'{ONE_HOT}' is for one-hot rows, and .* are class numbers. .* loss='{SPARSE}'"),
        ("softmax", SPARSE, False, ""),
        ("softmax", ONE_HOT, True, ""),
        ("softmax", None, True, ""),
    ],
)
def test_losses_that_do_not_fit_as_in_keras_give_a_note(
    activation: str | None, loss: Any, one_hot: bool, note: str, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = samples()
    model = st.Sequential([Input(SHAPE), Rescale(), Flatten(), Dense(3, activation=activation, name="out")])
    model.compile("sgd", loss)
    model.fit(x, np.eye(3)[y] if one_hot else y, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == (2 if note else 1)
    assert re.search(note, lines[0])


def test_note_on_a_loss_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = samples()
    model = st.Sequential([Input(SHAPE), Rescale(), Conv2D(3, 3), GlobalAveragePool2D(name="out")])
    model.compile("sgd", SPARSE)
    for _ in range(2):
        model.fit(x, y, verbose=2)
    note, *epochs = capsys.readouterr().out.splitlines()
    assert re.search(r"'out' has no activation, .* Add Activation\('softmax'\) after it, or pass", note)
    assert len(epochs) == 2


def compiled(loss: Any = None, metrics: Any = None, channels: int = 1) -> st.Sequential:
    model = st.Sequential([Input((6, 5, channels)), Flatten(), Dense(3, activation="softmax")])
    model.compile("sgd", loss, metrics)
    return model


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, y: compiled("crossentropy"), f"use '{SPARSE}' for class numbers"),
        (lambda x, y: compiled(metrics=["f1"]), r"Use metrics\.F1Score\(average='macro'\)"),
        (lambda x, y: Conv2D(3, 3, padding="smae"), r"received 'smae'\. Did you mean 'same'\?"),
        (lambda x, y: Input((6, 5, 1), data_format="channel_last"), r"Did you mean 'channels_last'\?"),
        (lambda x, y: compiled().fit(x, np.array(["cat"] * len(x)), **QUIET), "received names such as 'cat'. Number t"),
        (lambda x, y: compiled().fit(np.repeat(x, 3, -1), y, **QUIET), r"in color, .* x\.mean\(axis=-1, keepdims"),
        (lambda x, y: compiled(channels=3).fit(x, y, **QUIET), r"gray, .* np\.repeat\(x, 3, axis=-1\)"),
        (lambda x, y: compiled().save("m.onnx"), r"call model\.export\('m\.onnx'\)"),
        (lambda x, y: compiled().fit(x, y, callbacks=st.callbacks.EarlyStopping("val_acc"), **QUIET),
         "Pass validation_data to fit"),
    ],
)  # fmt: skip
def test_near_misses_get_the_right_name(call: Callable[..., Any], message: str) -> None:
    with pytest.raises(StriateError, match=message):
        call(*samples())


@pytest.mark.parametrize("kind", ["Adam", "SGD", "RMSprop", "Lion"])
def test_lr_is_the_learning_rate(kind: str) -> None:
    model = compiled()
    model.compile(getattr(st.optimizers, kind)(lr=0.25))
    assert model.optimizer is not None
    assert float(model.optimizer.learning_rate) == 0.25
