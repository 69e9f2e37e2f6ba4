import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import striate as st
from striate._types import Array
from striate.engines.losses import BinaryCrossentropy, CategoricalCrossentropy, MeanSquaredError
from striate.engines.weight_files import load_weights, save_weights
from striate.errors import DataError, ModelFileError, NetworkError, StriateError, UsageError
from striate.images import ImagePolicy
from striate.network import L1L2, BatchNormalization, Concatenate, Conv2D, Dense, Flatten, Input, MaxPool2D, Rescale
from striate.training import Recipe
from striate.training.samples import Samples, split_samples

SHAPE = (6, 5, 1)
QUIET: Any = {"verbose": 0}


def digits(count: int = 60, classes: int = 3) -> tuple[Array, Array]:
    """Return images whose brightness depends on their class."""
    generator = np.random.default_rng(1)
    y = generator.integers(0, classes, count)
    x = generator.integers(0, 60, (count, *SHAPE)) + 70 * y[:, None, None, None]
    return x.astype(np.uint8), y


def chain(units: int = 3, activation: str = "softmax", **settings: Any) -> st.Sequential:
    head = Dense(units, activation=activation, name="out")
    return st.Sequential([Input(SHAPE), Rescale(), Conv2D(4, 3, name="C1"), Flatten(), head], **settings)


def compiled_model(model: st.Model | None = None, **settings: Any) -> st.Model:
    model = model or chain()
    model.compile(**({"learning_rate": 0.01} | settings))
    return model


def model_with_two_outputs() -> st.Model:
    left, right = Input(SHAPE, name="left"), Input((4,), name="right")
    joined = Concatenate()([Flatten()(Rescale()(left)), Dense(3)(right)])
    return st.Model([left, right], [Dense(3, activation="softmax", name="kind")(joined), Dense(1, name="size")(joined)])


def test_compile_fit_evaluate_predict_and_save(tmp_path: Path) -> None:
    x, y = digits(200)
    model = chain()
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"], engine="numpy")
    model.compile("adam", "categorical_crossentropy", ["accuracy"], learning_rate=0.01)
    history = model.fit(
        x,
        y,
        validation_data=(x, y),
        epochs=12,
        batch_size=20,
        callbacks=[st.callbacks.EarlyStopping(patience=2)],
        **QUIET,
    )
    assert history.history["accuracy"][-1] > 0.9
    figures = model.evaluate(x, y)
    assert figures == pytest.approx({name: history.history[f"val_{name}"][-1] for name in ("loss", "accuracy")})
    found = model.predict(x)
    assert found.shape == (200, 3)
    assert found.dtype == np.float32
    assert (found.argmax(axis=1) == y).mean() == figures["accuracy"]
    model.save(tmp_path / "m.safetensors")
    again = st.load(tmp_path / "m.safetensors")
    assert np.array_equal(again.predict(x), found)
    assert again.network == model.network
    assert again.evaluate(x, y) == figures


def test_zoo_builds_models() -> None:
    model = st.zoo.build("lenet5", classes=4, seed=3)
    assert isinstance(model, st.Model)
    assert model.predict(np.zeros((2, 28, 28, 1), np.uint8)).shape == (2, 4)
    assert np.array_equal(model.named_weights["C1/kernel"], st.zoo.build("lenet5", seed=3).named_weights["C1/kernel"])
    with pytest.raises(UsageError, match=r"There is no model 'lenet6'\. Did you mean 'lenet5'"):
        st.zoo.build("lenet6")


def test_sequential_functional_and_added_layers_are_equivalent() -> None:
    layers = [Input(SHAPE, name="in"), Rescale(name="r"), Flatten(name="f"), Dense(3, activation="softmax", name="d")]
    added = st.Sequential(name="m")
    for layer in layers:
        added.add(layer)
    output = layers[0]
    for layer in layers[1:]:
        output = layer(output)  # type: ignore[assignment]
    functional = st.Model(layers[0], output, name="m")
    assert added.network == functional.network == st.Sequential(layers, name="m").network
    assert [layer.name for layer in added.layers] == ["r", "f", "d"]  # without the Input, as in Keras


def test_invalid_layer_raises_when_added() -> None:
    model = st.Sequential([Input(SHAPE)])
    with pytest.raises(NetworkError, match="MaxPool2D"):
        model.add(MaxPool2D(9))


def test_one_hot_labels_equal_class_numbers() -> None:
    x, y = digits()
    numbers, rows = compiled_model(), compiled_model()
    numbers.fit(x, y, epochs=2, **QUIET)
    rows.fit(x, np.eye(3)[y], epochs=2, **QUIET)
    assert all(np.array_equal(array, rows.named_weights[name]) for name, array in numbers.named_weights.items())


@pytest.mark.parametrize(
    ("activation", "loss", "metric"),
    [
        ("softmax", CategoricalCrossentropy(), "accuracy"),
        ("sigmoid", BinaryCrossentropy(), "accuracy"),
        ("linear", MeanSquaredError(), "mean_absolute_error"),
    ],
)
def test_default_loss_and_metric_depend_on_output(activation: str, loss: Any, metric: str) -> None:
    model = chain(3, activation)
    model.compile()
    assert (model.losses, model.metrics) == ((loss,), (metric,))


def test_losses_and_metrics_equal_hand_computed_values() -> None:
    x, y = digits()
    p = chain().predict(x).astype(float)
    figures = chain().evaluate(x, y)
    assert figures["loss"] == pytest.approx(-np.log(p[np.arange(60), y]).mean())
    smooth = compiled_model(loss=CategoricalCrossentropy(label_smoothing=0.2)).evaluate(x, y)
    assert smooth["loss"] == pytest.approx(-(np.log(p) * (0.8 * np.eye(3)[y] + 0.2 / 3)).sum(axis=1).mean())

    several, bits = chain(2, "sigmoid"), np.stack([y > 0, y > 1], axis=1)
    p = several.predict(x).astype(float)
    figures = several.evaluate(x, bits)
    assert figures["loss"] == pytest.approx(-np.where(bits, np.log(p), np.log(1 - p)).mean())
    assert figures["accuracy"] == pytest.approx(((p > 0.5) == bits).mean())

    number = chain(1, "linear")
    p = number.predict(x).astype(float)[:, 0]
    assert number.evaluate(x, y * 0.5) == pytest.approx(
        {"loss": np.square(p - y * 0.5).mean(), "mean_absolute_error": np.abs(p - y * 0.5).mean()}, rel=1e-5
    )


def test_regression_learns_a_linear_function() -> None:
    x, y = digits(200)
    model = compiled_model(chain(1, "linear"))
    history = model.fit(x, y.astype(np.float32), epochs=20, **QUIET)
    assert history.history["mean_absolute_error"][-1] < 0.2


def test_several_inputs_and_outputs() -> None:
    x, y = digits(200)
    right = np.ones((200, 4))
    model = compiled_model(model_with_two_outputs(), loss=["categorical_crossentropy", "mse"], metrics=[])
    assert model.metrics == ("kind_loss", "size_loss")
    model = compiled_model(model_with_two_outputs())
    history = model.fit([x, right], [y, y * 2.0], epochs=8, **QUIET)
    names = ["loss", "kind_loss", "size_loss", "kind_accuracy", "size_mean_absolute_error"]
    assert list(history.history) == names
    kind, size = model.predict({"right": right, "left": x})
    assert (kind.shape, size.shape) == ((200, 3), (200, 1))
    assert (kind.argmax(axis=1) == y).mean() > 0.8
    with pytest.raises(DataError, match=r"Expected a list of 2 inputs \(left, right\), received one array"):
        model.predict(x)
    with pytest.raises(DataError, match="same number of samples; received 199, 200"):
        model.predict([x, right[1:]])
    with pytest.raises(DataError, match="There is nothing for 'right'"):
        model.predict({"left": x})


def test_train_on_batch_returns_values_before_the_step() -> None:
    x, y = digits()
    model = compiled_model()
    expected = model.evaluate(x, y)
    assert model.train_on_batch(x, y) == pytest.approx(expected, rel=1e-5)
    assert model.evaluate(x, y)["loss"] < expected["loss"]


def test_penalties_are_included_in_training_and_evaluation_loss() -> None:
    x, y = digits()
    head = Dense(3, activation="softmax", kernel_regularizer=L1L2(0.1, 0.2), name="out")
    layers = [Input(SHAPE), Rescale(), Flatten()]
    model = compiled_model(st.Sequential([*layers, head]))
    plain = compiled_model(st.Sequential([*layers, Dense(3, activation="softmax")]))
    kernel = model.named_weights["out/kernel"]
    plain.named_weights = {"dense/kernel": kernel, "dense/bias": model.named_weights["out/bias"]}
    expected = plain.evaluate(x, y)["loss"] + 0.1 * np.abs(kernel).sum() + 0.2 * np.square(kernel).sum()
    assert model.evaluate(x, y)["loss"] == pytest.approx(expected)
    assert model.train_on_batch(x, y)["loss"] == pytest.approx(expected, rel=1e-4)


def test_validation_split_is_by_content() -> None:
    x, y = digits(300)
    seen = {}
    for name, order in (("original", np.arange(300)), ("reversed", np.arange(300)[::-1])):
        train, validation = split_samples(Samples((x[order],), (y[order],)), 0.2, seed=0)
        assert len(train) + len(validation) == 300
        seen[name] = {part.tobytes() for part in validation.inputs[0]}
    assert seen["original"] == seen["reversed"]
    assert 30 < len(seen["reversed"]) < 90
    history = compiled_model().fit(x, y, validation_split=0.2, **QUIET)
    assert "val_loss" in history.history


def test_compile_keeps_weights_and_resets_optimizer() -> None:
    x, y = digits()
    model = compiled_model()
    model.fit(x, y, **QUIET)
    before = model.named_weights
    model.compile("sgd")
    assert all(np.array_equal(array, model.named_weights[name]) for name, array in before.items())
    assert model.iterations == 0
    assert model.learning_rate == 0.01


def test_weights_are_read_and_set_by_name(tmp_path: Path) -> None:
    model, other = chain(seed=1), chain(seed=2)
    assert not np.array_equal(model.named_weights["C1/kernel"], other.named_weights["C1/kernel"])
    other.set_weights(model.get_weights())
    assert np.array_equal(model.named_weights["C1/kernel"], other.named_weights["C1/kernel"])
    with pytest.raises(ModelFileError, match="has no weights 'C1/kernel'"):
        other.named_weights = {}
    model.save_weights(tmp_path / "w")
    third = chain(seed=3)
    third.load_weights(tmp_path / "w")
    assert np.array_equal(model.named_weights["out/bias"], third.named_weights["out/bias"])
    with pytest.raises(ModelFileError, match="w' contains only weights, not a whole model"):
        st.load(tmp_path / "w")
    with pytest.raises(ModelFileError, match=r"'out/kernel' should have shape .* but has"):
        chain(4).load_weights(tmp_path / "w")


def test_everything_is_saved_with_the_model(tmp_path: Path) -> None:
    x, y = digits(200)
    data = st.data.from_arrays(x, y, ["영", "один", "two"])
    model = chain()
    recipe = Recipe(2, 20, label_smoothing=0.1, seed=4)
    model.train(data, recipe, **QUIET)
    model.save(tmp_path / "m")
    again = st.load(tmp_path / "m")
    assert again.classes == ("영", "один", "two")
    assert again.policy == data.policy == ImagePolicy(6, 5, 1, "stretch")
    assert again.recipe == recipe
    assert again.fingerprint == data.fingerprint
    assert again.figures == model.figures
    assert again.figures.keys() >= {"loss", "val_accuracy"}
    again.save(tmp_path / "n")
    assert (tmp_path / "m").read_bytes() == (tmp_path / "n").read_bytes()


def test_model_file_with_modified_network_raises(tmp_path: Path) -> None:
    model = chain()
    metadata = {"kind": "model", "network": json.loads(chain(4).network.to_json())}
    save_weights(tmp_path / "m", model.named_weights, metadata)
    with pytest.raises(ModelFileError, match="'out/kernel' should have shape"):
        st.load(tmp_path / "m")
    save_weights(tmp_path / "m", model.named_weights, {"kind": "model", "network": json.loads(model.network.to_json())})
    with pytest.raises(ModelFileError, match="its description has no 'classes'"):
        st.load(tmp_path / "m")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda node: node.update(kind="HyperConv2D"), "There is no layer class 'HyperConv2D'"),
        (lambda node: node["settings"].update(sharpness=2), "has no setting 'sharpness'"),
        (lambda node: node.update(where="here"), "where"),
    ],
)
def test_newer_model_file_raises_a_different_error_than_damage(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], what: str
) -> None:
    model = chain()
    model.save(tmp_path / "m")
    arrays, metadata = load_weights(tmp_path / "m")
    change(metadata["network"]["nodes"][1])
    for version, newer in (("10.0", True), ("0.0.9", False)):
        save_weights(tmp_path / "m", arrays, metadata | {"striate": version})
        with pytest.raises(StriateError, match=what) as caught:
            st.load(tmp_path / "m")
        message = "was written by Striate 10.0, which is newer than this one: update Striate."
        assert (message in str(caught.value)) == newer


def test_newer_model_file_without_new_features_is_read(tmp_path: Path) -> None:
    chain().save(tmp_path / "m")
    arrays, metadata = load_weights(tmp_path / "m")
    save_weights(tmp_path / "m", arrays, metadata | {"striate": "10.0", "mood": "good"})
    assert st.load(tmp_path / "m").network == chain().network


def test_single_sample_in_last_batch_with_batch_normalization() -> None:
    model = st.Sequential([Input(SHAPE), BatchNormalization(), Flatten(), Dense(3, activation="softmax")])
    x, y = digits(21)
    history = compiled_model(model).fit(x, y, batch_size=20, **QUIET)
    assert np.isfinite(history.history["loss"]).all()
    assert np.isfinite(model.predict(x[:1])).all()


BAD_INPUTS: list[tuple[Any, str]] = [
    (
        np.zeros((3, 5, 6, 1), np.uint8),
        r"Input 'input': expected shape \(N, 6, 5, 1\), received shape \(3, 5, 6, 1\)\. Resize",
    ),
    (np.zeros((3, 1, 6, 5), np.uint8), r"received shape \(3, 1, 6, 5\)\. The network expects the channels last"),
    (np.zeros(SHAPE, np.uint8), r"received shape \(6, 5, 1\)\. For a single sample write x\[None\]"),
    (np.zeros((0, *SHAPE), np.uint8), "Input 'input' is empty"),
    (np.full((3, *SHAPE), np.nan), "sample 0 contains NaN or infinity"),
    (np.array([["a"]]), "expected numbers, such as uint8 pixels"),
    ("photo.jpg", r"received <U9. To read image files: np.stack\(\[model.policy.read\(file\) for file in files\]\)"),
    ("cat.png", "expected numbers"),
]


@pytest.mark.parametrize(("x", "message"), BAD_INPUTS)
def test_invalid_inputs_raise_in_every_method(x: Any, message: str) -> None:
    model = compiled_model()
    y = np.zeros(3, int)
    for verb in (
        model.predict,
        lambda x: model.fit(x, y),
        lambda x: model.evaluate(x, y),
        lambda x: model.train_on_batch(x, y),
    ):
        with pytest.raises(DataError, match=message):
            verb(x)


def test_images_of_different_sizes_raise() -> None:
    message = r"Input 'input': the samples differ in shape\. Bring all of them to the same shape\."
    with pytest.raises(DataError, match=message):
        chain().predict([np.zeros(SHAPE), np.zeros((4, 5, 1))])


def test_nan_error_names_the_sample() -> None:
    x = np.zeros((5, *SHAPE), np.float32)
    x[3, 0, 0, 0] = np.inf
    with pytest.raises(DataError, match="sample 3 contains"):
        chain().predict(x)


def test_gray_images_can_omit_the_channel_axis() -> None:
    x, _ = digits()
    model = chain()
    assert np.array_equal(model.predict(x[..., 0]), model.predict(x))


BAD_TARGETS: list[tuple[Any, str]] = [
    ([0, 1, 3], r"Targets of 'out': expected class numbers 0 … 2, received 3"),
    ([0, -1, 2], "expected class numbers 0 … 2, received -1"),
    ([0, 0.5, 2], "expected integer class numbers, received fractions"),
    ([0, 1], "There are 3 samples but 2 targets"),
    ([0, float("nan"), 1], "Targets of 'out' contain NaN"),
    (["cat", "dog", "cat"], "expected numbers, received"),
    (np.ones((3, 3)), "expected one-hot rows that sum to 1"),
    (np.eye(4)[:3], r"expected class numbers \(N,\) or one-hot rows \(N, 3\), received \(3, 4\)"),
    ([1, 1, 1], "All 3 training samples are of class 1; a classifier needs at least two classes"),
]


@pytest.mark.parametrize(("y", "message"), BAD_TARGETS)
def test_invalid_targets_raise(y: Any, message: str) -> None:
    x, _ = digits(3)
    with pytest.raises(DataError, match=message):
        compiled_model().fit(x, y, **QUIET)


def test_invalid_targets_of_sigmoid_and_linear_outputs_raise() -> None:
    x, _ = digits(3)
    with pytest.raises(DataError, match=r"expected values in 0 … 1, received 0 … 2"):
        compiled_model(chain(1, "sigmoid")).fit(x, [0, 1, 2])
    with pytest.raises(DataError, match=r"expected shape \(N, 2\), received shape \(3,\)"):
        compiled_model(chain(2, "linear"), loss="mse").fit(x, [0, 1, 2])


def test_invalid_usage_raises() -> None:
    x, y = digits()
    model = chain()
    for verb in (model.fit, model.train_on_batch):
        with pytest.raises(UsageError, match="The model is not compiled: call compile"):
            verb(x, y)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"optimizer": "adan"}, "There is no optimizer 'adan'. Did you mean 'adam'"),
        ({"loss": "crossentropy"}, "'crossentropy' may be several losses: use 'sparse_categorical_crossentropy'"),
        ({"loss": ["mse", "mse"]}, "The network has 1 outputs; expected a loss for each, received 2"),
        ({"metrics": ["acuracy"]}, "There is no metric 'acuracy'. Did you mean 'accuracy'"),
        (
            {"loss": "kld", "metrics": ["iou"]},
            "Striate does not have the metric 'iou': it is for the segmentation of images",
        ),
        ({"engine": "numpi"}, "There is no engine 'numpi'"),
    ]
    for settings, message in cases:
        with pytest.raises(UsageError, match=message):
            model.compile(**settings)
    with pytest.raises(UsageError, match="The model is not compiled"):
        model.fit(x, y)
    with pytest.raises(
        UsageError, match="The output layer 'out' has activation 'tanh', for which there is no default loss"
    ):
        chain(3, "tanh").compile()
    with pytest.raises(UsageError, match="validation_split must be above 0 and below 1; received 1"):
        compiled_model().fit(x, y, validation_split=1)
    with pytest.raises(UsageError, match="either validation_data or validation_split"):
        compiled_model().fit(x, y, validation_split=0.1, validation_data=(x, y))
    with pytest.raises(UsageError, match="batch_size must be an integer"):
        compiled_model().fit(x, y, batch_size=0)
    with pytest.raises(UsageError, match="batch_size must be an integer, 1 or more; received 0"):
        compiled_model().predict(x, batch_size=0)
    with pytest.raises(UsageError, match=r"verbose must be 0 .*; received 3"):
        compiled_model().fit(x, y, verbose=3)  # type: ignore[arg-type]


def test_single_metric_can_be_given_by_name() -> None:
    model = chain()
    model.compile(metrics="accuracy")
    assert set(model.evaluate(*digits()).keys()) == {"loss", "accuracy"}


def test_data_set_with_other_classes_raises() -> None:
    x, y = digits(200)
    with pytest.raises(DataError, match="The network has 4 outputs, but 'arrays' has 3 classes"):
        chain(4).train(st.data.from_arrays(x, y), **QUIET)


def test_summary_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    model = st.zoo.build("lenet5")
    model.summary(line_length=200)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["layer", "kind", "output", "kernel"]
    row = next(line for line in lines if line.startswith("C3 ")).split()
    assert row == ["C3", "Conv2D", "10×10×16", "5×5", "1×1", "valid", "tanh", "2,416", "240,000", "14×14", "14×14"]
    assert lines[-1] == "lenet5: 61,706 parameters, 416,520 multiply-adds for one image"
    model.summary()  # as wide as the terminal, or 80 characters
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_import_loads_no_heavy_packages() -> None:
    heavy = "{'torch', 'onnxruntime', 'numpy', 'PIL', 'rich', 'click', 'safetensors'}"
    code = (
        f"import sys, striate; assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules); print(dir(striate))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False)
    assert found.returncode == 0, found.stderr
    assert "'Sequential'" in found.stdout


def test_public_names_exist() -> None:
    for name in st.__all__:
        assert getattr(st, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Sequentiel'"):
        _ = st.Sequentiel
