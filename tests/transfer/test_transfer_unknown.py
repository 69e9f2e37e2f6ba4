"""Strangers are told from pictures of the classes, at the price that was named."""

import numpy as np
import pytest

from striate._types import Array
from striate.errors import ModelFileError
from striate.transfer.novelty import from_extras, to_extras
from striate.transfer.unknown import OpenSetDetector, fit_open_set

MIX = np.random.default_rng(9).normal(size=(12, 80))


def pictures(images: int, seed: int, centres: int = 2) -> tuple[Array, Array]:
    """Features that vary in 12 directions within a class, and a little in all others."""
    rng = np.random.default_rng(seed)
    y = np.arange(images) % centres
    places = np.random.default_rng(5).normal(size=(centres, 80)) * 6
    return places[y] + rng.normal(size=(images, 12)) @ MIX + 0.3 * rng.normal(size=(images, 80)), y


@pytest.fixture(scope="module")
def known() -> OpenSetDetector:
    x, y = pictures(600, 0)
    return fit_open_set(x, y, 2, np.arange(600) % 5, refused=0.04)[0]


def test_few_real_pictures_and_nearly_all_strangers_are_unknown(known: OpenSetDetector) -> None:
    real, _ = pictures(2000, 1)
    assert 0.01 < known.unknown(real).mean() < 0.08
    assert 0.4 < known.distances(real).mean() < 1.2
    strangers = np.random.default_rng(2).normal(size=(500, 80)) * 6
    assert known.unknown(strangers).mean() > 0.99


def test_a_stranger_between_or_beyond_the_classes_is_unknown(known: OpenSetDetector) -> None:
    centres = known.centres * known.deviation + known.mean
    assert not known.unknown(centres).any()
    assert known.unknown(centres.mean(axis=0, keepdims=True)).all()
    assert known.unknown(centres + 3 * (centres - centres.mean(axis=0))).all()


def test_the_distance_is_mahalanobis_with_the_covariance_it_says() -> None:
    x, y = pictures(300, 3)
    found, _ = fit_open_set(x, y, 2, np.arange(300) % 5)
    size, directions = 80, found.directions
    rest = found.rest**2
    covariance = directions * (found.spreads**2 - rest) @ directions.T + rest * np.eye(size)
    z = (x - found.mean) / found.deviation
    squares = [np.einsum("ni,ni->n", z - c, np.linalg.solve(covariance, (z - c).T).T) for c in found.centres]
    np.testing.assert_allclose(found.distances(x), np.sqrt(np.min(squares, axis=0) / size), rtol=1e-3)
    np.testing.assert_allclose(directions.T @ directions, np.eye(directions.shape[1]), atol=1e-4)


def test_nearer_limits_refuse_more() -> None:
    x, y = pictures(400, 4)
    found, trade = fit_open_set(x, y, 2, np.arange(400) % 5, refused=0.02)
    limits = [row.limit for row in trade]
    assert limits == sorted(limits, reverse=True)
    assert float(found.limit) in limits
    assert [row.refused for row in trade] == sorted(row.refused for row in trade)


@pytest.mark.parametrize("images", [4, 6, 20])
def test_few_pictures_are_enough_to_go_by(images: int) -> None:
    x, y = pictures(images, 7)
    found, _ = fit_open_set(x, y, 2, np.arange(images) % images)
    assert np.isfinite(found.distances(pictures(50, 8)[0])).all()
    assert found.unknown(np.random.default_rng(2).normal(size=(50, 80)) * 20).mean() > 0.9


def test_a_class_without_pictures_is_passed_over() -> None:
    x, y = pictures(60, 1)
    found, _ = fit_open_set(x, y + (y == 1), 3, np.arange(60) % 5)  # classes 0 and 2
    assert len(found.centres) == 2


def test_it_comes_back_from_a_models_file_as_it_was(known: OpenSetDetector) -> None:
    extras = to_extras(known)
    assert all(name.startswith("unknown:") and array.dtype == np.float32 for name, array in extras.items())
    again = from_extras(extras | {"other:thing": np.zeros(3)})
    real, _ = pictures(100, 1)
    assert again is not None
    np.testing.assert_allclose(again.distances(real), known.distances(real), rtol=1e-3)
    assert from_extras({}) is None


def test_arrays_that_do_not_fit_are_refused(known: OpenSetDetector) -> None:
    extras = to_extras(known)
    short = extras | {"unknown:mean": np.zeros(3, np.float32)}
    with pytest.raises(ModelFileError, match="'mean' has shape \\(3,\\), not \\(80,\\)"):
        from_extras(short)
    del extras["unknown:limit"]
    with pytest.raises(ModelFileError, match="unknown pictures is not whole"):
        from_extras(extras)


def test_one_picture_of_each_class_is_something_to_go_by() -> None:
    x, y = np.random.default_rng(0).normal(size=(4, 30)), np.arange(4)
    found, _ = fit_open_set(x, y, 4, y)
    assert found.distances(x).max() < 1e-3
    assert found.unknown(10 * x + 5).all()
