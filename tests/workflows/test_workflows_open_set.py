"""Networks trained from scratch detect unknown images by their own features, on each engine."""

import numpy as np
import pytest

from striate import zoo
from striate._types import Array
from striate.data import Dataset, from_arrays
from striate.models import Model
from striate.network import Activation, Concatenate, Conv2D, Dense, Flatten, GlobalAveragePool2D, Input, Network
from striate.training import Recipe
from striate.transfer.feature_output import open_set_layer, with_features
from striate.workflows.open_set import fit_open_set


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
    found = fit_open_set(model, data)
    assert found
    fitted, distances = found
    detector = fitted.detector
    assert detector.layer == "C2"
    assert len(distances) == len(data.test)
    both = Model.from_network(with_features(network, detector.layer))
    both.named_weights = model.named_weights
    outputs, features = both.predict(stripes(600, 7)[0])
    np.testing.assert_allclose(outputs, model.predict(stripes(600, 7)[0]), atol=1e-5)
    assert detector.is_unknown(features).mean() < 0.06
    noise = np.random.default_rng(3).integers(0, 256, (200, 12, 12, 1), dtype=np.uint8)
    assert detector.is_unknown(both.predict(noise)[1]).mean() > 0.9


def test_too_few_validation_images_give_no_detector(data: Dataset) -> None:
    model = Model.from_network(zoo.network("mlp", input_shape=(12, 12, 1), classes=3))
    few = Dataset(**{**vars(data), "validation": data.validation.take(np.arange(4))})
    assert fit_open_set(model, few) is None


@pytest.mark.parametrize(
    ("name", "layer", "size"),
    [("lenet5", "S4", 400), ("mnist-cnn", "pool3", 2048), ("resnet18", "pool5", 512), ("mlp", "rescale", 784),
     ("alexnet", "fc7", 4096), ("lenet5-1998", "S4", 400)],
)  # fmt: skip
def test_last_maps_are_the_features_unless_they_are_large(name: str, layer: str, size: int) -> None:
    network = zoo.network(name)
    assert open_set_layer(network) == layer
    assert with_features(network, layer).output_shapes[1] == (size,)


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
