"""Strongest patches, dead units, nearest images and filters, against computations image by image."""

from pathlib import Path

import numpy as np
import pytest

import striate as st
from striate._types import Array
from striate.data import from_arrays
from striate.engines.initialization import initial_weights
from striate.engines.optimizers import SGD
from striate.errors import DataError, NetworkError, RunError, UsageError
from striate.explain import (
    dead_units,
    feature_maps,
    features,
    filters,
    nearest_images,
    receptive_field,
    strongest_patches,
    training_filters,
)
from striate.explain import strongest as strongest_module
from striate.training import Recipe, Run, RunRecord

L = st.layers
SHAPE = (10, 9, 3)


def classifier() -> st.Sequential:
    return st.Sequential(
        [
            st.Input(SHAPE),
            L.Rescale(),
            L.Conv2D(6, 3, padding="same", activation="relu", name="first"),
            L.MaxPool2D(2),
            L.Conv2D(5, 3, name="second"),
            L.Flatten(),
            L.Dense(7, activation="relu", name="hidden"),
            L.Dropout(0.5),
            L.Dense(3, activation="softmax", name="end"),
        ]
    )


@pytest.fixture(scope="module")
def images() -> Array:
    return np.random.default_rng(0).integers(0, 256, (150, *SHAPE), dtype=np.uint8)


@pytest.mark.parametrize("layer", ["first", "second", "hidden"])
def test_strongest_patches_of_all_channels(layer: str, images: Array) -> None:
    """They are those of a sorted list of all images, over several batches, with the pixels that the unit sees."""
    model = classifier()
    found = strongest_patches(model, images, layer)
    maps = np.array([feature_maps(model, image, layer) for image in images])
    best = maps.reshape(len(images), -1, maps.shape[-1]).max(axis=1)
    assert found.images.shape == found.values.shape == (maps.shape[-1], 9)
    for channel in range(maps.shape[-1]):
        expected = np.sort(best[:, channel])[::-1][:9]
        np.testing.assert_allclose(found.values[channel], expected, rtol=1e-5, atol=1e-6)
        assert len(set(found.images[channel])) == 9
        for patch in found.for_channel(channel):
            y, x, _ = patch.position
            value = maps[patch.image, y, x, channel] if maps.ndim == 4 else maps[patch.image, channel]
            assert value == pytest.approx(patch.value, rel=1e-5, abs=1e-6)
            assert patch.region == receptive_field(model, layer, patch.position)
            np.testing.assert_array_equal(patch.pixels, patch.region.crop(images[patch.image]))


def test_one_channel_equals_the_pass_over_all(images: Array) -> None:
    model = classifier()
    one, all_channels = (
        strongest_patches(model, images, "second", 3, count=4),
        strongest_patches(model, images, "second"),
    )
    np.testing.assert_array_equal(one.images[0], all_channels.images[3, :4])
    with pytest.raises(UsageError, match="There are no patches of channel 2 of 'second'"):
        one.for_channel(2)


def test_patches_do_not_depend_on_the_batch_size(images: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    model, expected = classifier(), strongest_patches(classifier(), images, "first")
    monkeypatch.setattr(strongest_module, "CHUNK_IMAGES", 7)
    found = strongest_patches(model, images, "first")
    np.testing.assert_array_equal(found.images, expected.images)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-5)


def test_progress_is_reported_and_can_cancel(images: Array) -> None:
    done: list[tuple[int, int]] = []
    strongest_patches(classifier(), images, "first", progress=lambda *numbers: done.append(numbers))
    assert done == [(64, 150), (128, 150), (150, 150)]

    class StoppedError(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        raise StoppedError

    for function in (strongest_patches, dead_units):
        with pytest.raises(StoppedError):
            function(classifier(), images, "first", progress=cancel)


def test_fewer_images_than_patches() -> None:
    data = from_arrays(np.zeros((30, *SHAPE), np.uint8), np.arange(30) % 3)
    found = strongest_patches(classifier(), data.train.take(np.arange(4)), "first")
    np.testing.assert_array_equal(found.images, np.broadcast_to(np.arange(4), (6, 4)))  # ties: the first image


def test_dead_units(images: Array) -> None:
    """A filter with a bias of −1000 never responds; ranges and shares are those of all maps."""
    model = classifier()
    weights = model.named_weights
    weights["first/bias"][2] = -1000
    model.named_weights = weights
    found = dead_units(model, images, "first")
    maps = np.array([feature_maps(model, image, "first") for image in images])
    assert found.dead.tolist() == [2]
    assert found.dead_fraction == 1 / 6
    np.testing.assert_allclose(found.largest, maps.max(axis=(0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(found.active, (maps > 0).mean(axis=(0, 1, 2)), atol=1e-4)
    np.testing.assert_allclose(found.mean, maps.mean(axis=(0, 1, 2)), rtol=1e-4)


def test_nearest_images(images: Array) -> None:
    """An image of the data set is nearest to itself, the order is that of cosine distances, features may be given."""
    model = classifier()
    rows = features(model, images)
    expected = np.array([feature_maps(model, image, "hidden") for image in images])
    np.testing.assert_allclose(rows, expected, rtol=1e-4, atol=1e-5)
    found, again = nearest_images(model, images[5], images), nearest_images(model, images[5], rows)
    unit = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    distances = 1 - unit @ unit[5]
    assert found.indices[0] == 5
    np.testing.assert_allclose(found.distances, np.sort(distances)[:9], atol=1e-5)
    np.testing.assert_array_equal(found.indices, again.indices)
    assert found.layer == "hidden"
    with pytest.raises(DataError, match=r"Expected features \(N, 7\), as `features` returns them"):
        nearest_images(model, images[5], rows[:, :3])


def test_filters_as_images() -> None:
    """Medium gray is 0, and white the largest absolute weight; filters of three channels have colors."""
    model = classifier()
    kernel = model.named_weights["first/kernel"]
    found = filters(model, "first")
    assert found.images().shape == (6, 3, 3, 3)
    np.testing.assert_allclose(
        found.images()[4, 0, 1], 0.5 + kernel[0, 1, :, 4] / (2 * np.abs(kernel).max()), rtol=1e-6
    )
    assert np.abs(found.images() - 0.5).max() == 0.5
    second = filters(model, "second")
    assert second.images().shape == (5, 6, 3, 3, 1)
    np.testing.assert_allclose(second.images(100.0), 0.5, atol=0.01)
    with pytest.raises(UsageError, match="Dense 'hidden' has no filters: expected a convolution"):
        filters(model, "hidden")


def test_filters_before_during_and_after_training(tmp_path: Path, images: Array) -> None:
    data = from_arrays(images, np.arange(150) % 3)
    run = Run.create(RunRecord(Recipe(2, 40, SGD(0.05), seed=3), data.fingerprint), tmp_path / "run")
    model = classifier()
    model.train(data, run=run, verbose=0)
    stages = training_filters(tmp_path / "run", "first")
    assert (stages[0].step, stages[-1].step) == (0, None)
    np.testing.assert_array_equal(stages[0].kernel, initial_weights(model.network, 3)["first/kernel"])
    np.testing.assert_array_equal(stages[-1].kernel, model.named_weights["first/kernel"])
    assert len(stages) > 2
    np.testing.assert_array_equal(stages[-2].kernel, stages[-1].kernel)  # the last checkpoint
    with pytest.raises(RunError, match="is not a run folder"):
        training_filters(tmp_path, "first")


def test_wrong_requests_are_refused(images: Array) -> None:
    with pytest.raises(UsageError, match="Conv2D 'first' has 6 channels; received 6"):
        strongest_patches(classifier(), images, "first", 6)
    with pytest.raises(NetworkError, match="has no layer 'third'"):
        strongest_patches(classifier(), images, "third")
    with pytest.raises(DataError, match=r"Expected images \(N, H, W, C\); received an array of shape \(0, 10, 9, 3\)"):
        dead_units(classifier(), images[:0], "first")
    with pytest.raises(DataError, match="Input 'input'"):
        dead_units(classifier(), images[:, 1:], "first")
