"""Networks trained from scratch detect unknown images by their own features, on each engine."""

from pathlib import Path

import numpy as np
import pytest

from striate import zoo
from striate._types import Array
from striate.data import Dataset, from_arrays
from striate.engines.choose import EngineSettings
from striate.errors import DataError, ModelFileError, UsageError
from striate.models import Model, load
from striate.models.open_set import fit_open_set, open_set_distances, predict_with_features
from striate.network import Activation, Concatenate, Conv2D, Dense, Flatten, GlobalAveragePool2D, Input, Network
from striate.training import Recipe
from striate.transfer.feature_output import open_set_layer, summary_size, with_features
from striate.transfer.open_set import OpenSetDetector
from striate.transfer.open_set_fitting import held_out_quantile
from striate.workflows.plan import make_plan
from striate.workflows.prepare import prepare
from striate.workflows.run_folder import start
from striate.workflows.train import train
from striate.workflows.trained_model import member_path, open_trained_model


def stripes(count: int, seed: int) -> tuple[Array, Array]:
    """Return images of vertical, horizontal or diagonal stripes, and which they are."""
    rng, y = np.random.default_rng(seed), np.arange(count) % 3
    row, column = np.mgrid[:12, :12]
    phase = np.stack([column + 0 * row, row + 0 * column, row + column])[y] * 1.2 + rng.uniform(0, 6, (count, 1, 1))
    pixels = 128 + 90 * np.sin(phase) + rng.normal(0, 10, (count, 12, 12))
    return pixels.clip(0, 255).astype(np.uint8)[..., None], y


@pytest.fixture(scope="module")
def data() -> Dataset:
    x, y = stripes(900, 0)
    return from_arrays(x, y)


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_detector_of_a_small_network_knows_its_images(engine: str, data: Dataset) -> None:
    network = Network.sequential(
        [Input((12, 12, 1)), Conv2D(6, 3, activation="relu", name="C1"), Conv2D(6, 3, 2, activation="relu", name="C2"),
         Flatten(), Dense(16, activation="relu", name="hidden"), Dense(3, activation="softmax", name="out")],
        name="small",
    )  # fmt: skip
    model = Model.from_network(network, seed=1)
    model.use_engine(engine)
    model.train(data, Recipe(epochs=4, seed=1), verbose=0)
    fitted = fit_open_set(model, data.train, data.validation, 3)
    assert fitted
    detector = fitted.detector
    distances = open_set_distances(model, detector, data.test.x)
    assert detector.layer == "C2"
    assert len(distances) == len(data.test)
    probabilities, held_out = predict_with_features(model, data.validation.x)
    np.testing.assert_allclose(probabilities, model.predict(data.validation.x), atol=1e-6)
    again = fit_open_set(model, data.train, data.validation, 3, held_out)
    assert again
    np.testing.assert_allclose(again.held_out, fitted.held_out, rtol=1e-4, atol=1e-5)
    both = Model.from_network(with_features(network, detector.layer, detector.size))
    both.named_weights = model.named_weights
    outputs, features = both.predict(stripes(600, 7)[0])
    np.testing.assert_allclose(outputs, model.predict(stripes(600, 7)[0]), atol=1e-5)
    assert detector.is_unknown(features).mean() < 0.06
    noise = np.random.default_rng(3).integers(0, 256, (200, 12, 12, 1), dtype=np.uint8)
    assert detector.is_unknown(both.predict(noise)[1]).mean() > 0.9


def test_too_few_validation_images_give_no_detector(data: Dataset) -> None:
    model = Model.from_network(zoo.network("mlp", input_shape=(12, 12, 1), classes=3))
    assert fit_open_set(model, data.train, data.validation.take(np.arange(4)), 3) is None


@pytest.mark.parametrize(
    ("name", "layer", "summary"),
    [("lenet5", "S4", 80), ("mnist-cnn", "pool3", 640), ("resnet18", "pool5", None), ("mlp", "rescale", None),
     ("alexnet", "pool5", 1280), ("lenet5-1998", "S4", 80)],
)  # fmt: skip
def test_last_maps_are_summarized_as_features(name: str, layer: str, summary: int | None) -> None:
    network = zoo.network(name)
    assert open_set_layer(network) == layer
    (shape,) = [node.shape for node in network.nodes if node.layer.name == layer]
    assert summary_size(shape) == summary
    assert with_features(network, layer, summary).output_shapes[1] == (summary or np.prod(shape),)


@pytest.mark.parametrize(("side", "filters", "layer"), [(30, 4, "maps"), (60, 4, "hidden"), (60, 5, "maps")])
def test_large_maps_that_are_not_summarized_are_no_features(side: int, filters: int, layer: str) -> None:
    """The features of thousands of images would take gigabytes, and few of them would fit into the detector."""
    network = Network.sequential(
        [Input((side, side, 1)), Conv2D(filters, 3, name="maps"), Flatten(), Dense(16, name="hidden"), Dense(3)]
    )
    assert open_set_layer(network) == layer


@pytest.mark.parametrize("engine", ["numpy", "torch", "onnx"])
def test_summary_is_the_means_of_quarters_and_the_deviation(engine: str) -> None:
    network = Network.sequential(
        [Input((5, 6, 2)), Conv2D(7, 1, name="maps"), Flatten(), Dense(2, activation="softmax")]
    )
    model, x = Model.from_network(network, seed=0), np.random.default_rng(0).normal(size=(9, 5, 6, 2))
    x[0] = 3  # without deviation
    values = {}
    for size in (5 * 6 * 7, 35, 7):  # as files of earlier versions have it, now, and the means
        both = Model.from_network(with_features(network, "maps", size))
        both.named_weights = model.named_weights
        both.use_engine(engine)
        values[size] = both.predict(x.astype(np.float32))[1]
    maps = values[210].reshape(9, 5, 6, 7)
    quarters = [maps[:, row, column].mean(axis=(1, 2)) for row in (np.s_[:3], np.s_[2:])
                for column in (np.s_[:3], np.s_[3:])]  # fmt: skip
    expected = np.concatenate([*quarters, 2 * maps.std(axis=(1, 2))], axis=1)
    np.testing.assert_allclose(values[35][1:], expected[1:], atol=1e-5)
    np.testing.assert_allclose(values[35][0], expected[0], atol=1e-2)  # 0 but for rounding
    np.testing.assert_allclose(values[7], maps.mean(axis=(1, 2)), atol=1e-5)
    with pytest.raises(ModelFileError, match=r"'maps' .* output of shape \(5, 6, 7\), .* cannot read 34 features"):
        with_features(network, "maps", 34)


def test_maps_before_a_classifier_of_convolutions_are_the_features() -> None:
    image = Input((8, 8, 3))
    maps = Conv2D(5, 3, name="maps")(image)
    output = Activation("softmax")(GlobalAveragePool2D()(Conv2D(2, 1, name="classes")(maps)))
    network = Network(image, output)
    assert open_set_layer(network) == "maps"


def test_networks_of_other_forms_have_no_features() -> None:
    image = Input((4,))
    output = Activation("softmax")(Concatenate()([Dense(2, name="a")(image), Dense(2, name="b")(image)]))
    assert open_set_layer(Network(image, output)) is None


@pytest.fixture(scope="module")
def fitted(data: Dataset) -> Model:
    """A network that was trained with `fit` and has a detector."""
    network = Network.sequential(
        [Input((12, 12, 1)), Conv2D(6, 3, activation="relu"), Conv2D(6, 3, 2, activation="relu"), Flatten(),
         Dense(3, activation="softmax")],
    )  # fmt: skip
    model = Model.from_network(network, seed=1)
    model.use_engine("numpy")
    model.compile("adam")
    model.fit(data.train.x, data.train.y, epochs=4, verbose=0)
    model.fit_unknown(data.train.x, np.eye(3)[data.train.y], validation_data=(data.validation.x, data.validation.y))
    return model


NOISE = np.random.default_rng(3).integers(0, 256, (200, 12, 12, 1), dtype=np.uint8)


def test_fit_unknown_is_saved_and_used_by_predictions(fitted: Model, data: Dataset, tmp_path: Path) -> None:
    known = stripes(600, 7)[0]
    assert fitted.is_unknown(known).mean() < 0.06
    assert fitted.is_unknown(NOISE).mean() > 0.9
    fitted.classes, fitted.policy = data.classes, data.policy
    fitted.save(tmp_path / "model.safetensors")
    loaded = load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.is_unknown(known), fitted.is_unknown(known))
    trained = open_trained_model(tmp_path / "model.safetensors")
    assert trained.detects_unknown
    np.testing.assert_array_equal(trained.predict_open_set(NOISE)[1], fitted.is_unknown(NOISE))
    as_set = Model.from_network(fitted.network)
    as_set.named_weights = fitted.named_weights
    as_set.fit_unknown(data)
    np.testing.assert_array_equal(as_set.is_unknown(known), fitted.is_unknown(known))
    loaded.train_on_batch(data.train.x[:8], data.train.y[:8])  # its features are others now
    with pytest.raises(UsageError, match=r"has no detector of unknown images\. After training, call fit_unknown"):
        loaded.is_unknown(known)


def test_fit_unknown_says_what_it_needs(fitted: Model, data: Dataset) -> None:
    x, y = data.train.x, data.train.y
    for arguments, message in (
        ((x,), "y is missing"),
        ((x, y), "validation_data is missing"),
        ((x, y, (x[:4], y[:4])), "at least 5 validation images for the threshold; received 4"),
        ((x, y[:5], (x, y)), r"classes of shape \(5,\)"),
        ((x, y + 1, (x, y)), "numbers from 0 to 2"),
    ):
        with pytest.raises((DataError, UsageError), match=message):
            fitted.fit_unknown(*arguments)
    image = Input((12, 12, 1))
    flat = Flatten()(image)
    split = Network(image, Activation("softmax")(Concatenate()([Dense(1)(flat), Dense(1)(flat)])))
    with pytest.raises(UsageError, match="does not end in a chain of layers"):
        Model.from_network(split).fit_unknown(x, y % 2, (x[:9], y[:9] % 2))


def test_an_ensemble_detects_unknown_images_together(data: Dataset, tmp_path: Path) -> None:
    plan = make_plan("mnist5k", "simple-convnet", ensemble=2, epochs=4, engine=EngineSettings("numpy"))
    prepared = prepare(plan, data=data)
    result = train(prepared, start(prepared, tmp_path / "run"), verbose=0, echo=lambda _: None)
    trained = open_trained_model(tmp_path / "run")
    assert trained.detects_unknown
    known = stripes(600, 7)[0]
    probabilities, unknown = trained.predict_open_set(known)
    np.testing.assert_allclose(probabilities, trained.outputs(known), atol=1e-6)
    assert unknown.mean() < 0.06
    assert trained.predict_open_set(NOISE)[1].mean() > 0.9
    held_out = []  # the mean distance of the validation images sets the threshold
    for number in (0, 1):
        member = load(member_path(result.run, number))
        detector = OpenSetDetector.from_extras(member.extras)
        assert detector
        held_out.append(open_set_distances(member, detector, data.validation.x))
    expected = held_out_quantile(np.mean(held_out, axis=0), 0.98)
    assert result.run.record.distance_threshold == pytest.approx(expected, rel=1e-4)
    assert 'id="unknown"' in (result.run.path / "report.html").read_text("utf-8")
