"""What fine-tuning leaves alone, who decides, and by what."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from striate import zoo
from striate._types import Array
from striate.data import Dataset, Images, from_arrays
from striate.data.split import digest_images
from striate.engines.base import check_frozen
from striate.engines.onnxruntime import OnnxEngine
from striate.engines.weights import initial_weights
from striate.network import BatchNormalization, Conv2D, Dense, Network
from striate.systems.recipes import TUNED, tuning_recipe
from striate.systems.registry import get_system
from striate.training import Recipe
from striate.transfer.features import answers
from striate.transfer.open_set import NOT_HELD_OUT, fit_detector
from striate.transfer.tuning import Judged, divided, lower_layers, normalizations, set_apart
from striate.workflows.fine_tune import SLOWER, stages

LITE = zoo.network("efficientnet-lite0", classes=2)


@pytest.mark.parametrize("network", [LITE, zoo.network("efficientnet-lite1", classes=3), zoo.network("resnet18")])
def test_two_thirds_of_the_work_are_below(network: Network) -> None:
    lower = lower_layers(network)
    names = [str(node.layer.name) for node in network.nodes]
    assert names[: len(lower)] == list(lower)
    done = sum(n.layer.multiply_adds(*network.shapes_into(n)) for n in network.nodes[: len(lower)])
    assert 0.6 < done / network.multiply_adds <= 2 / 3
    assert names[-1] not in lower


def test_of_lite0_the_last_two_stages_are_above() -> None:
    assert lower_layers(LITE)[-1] == "block5_3.add"


def test_the_upper_layers_learn_first_then_all_and_slowly() -> None:
    recipe = replace(TUNED, batch_size=7, seed=3)
    upper, every = stages(LITE, recipe)
    still = set(normalizations(LITE))
    assert still == {str(node.layer.name) for node in LITE.nodes if isinstance(node.layer, BatchNormalization)}
    assert set(upper.recipe.frozen) == still | set(lower_layers(LITE))
    assert set(every.recipe.frozen) == still
    assert every.recipe.optimizer.learning_rate == pytest.approx(SLOWER * upper.recipe.optimizer.learning_rate)
    for stage in (upper, every):
        optimizer = replace(stage.recipe.optimizer, learning_rate=recipe.optimizer.learning_rate)
        assert replace(stage.recipe, frozen=(), optimizer=optimizer) == recipe
        assert len(stage.recipe.frozen) == len(check_frozen(LITE, stage.recipe.frozen))
        assert Recipe.from_dict(stage.recipe.to_dict()) == stage.recipe
    learning = {str(n.layer.name) for n in LITE.nodes if isinstance(n.layer, Conv2D | Dense)} - set(upper.recipe.frozen)
    assert {"output", "head", "block7_1.project", "block6_1.expand"} <= learning
    assert not any(name.startswith(("stem", "block1", "block5")) for name in learning)


@given(some.integers(1, 10**6), some.integers(1, 10**5))
def test_few_pictures_are_seen_more_often(images: int, more: int) -> None:
    few, many = tuning_recipe(images), tuning_recipe(images + more)
    assert 12 >= few.epochs >= many.epochs >= TUNED.epochs
    assert get_system("fine-tuning").recipe(images=images) == few


def photographs(train: tuple[int, ...], held: int) -> Dataset:
    """So many training pictures of each class, and of class 0 for validation."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(len(train)), train)
    data = from_arrays(rng.integers(0, 256, (60, 4, 4, 3), dtype=np.uint8), np.arange(60) % len(train))
    pixels = rng.integers(0, 256, (len(y) + held, 4, 4, 3), dtype=np.uint8)
    parts = Images(pixels[: len(y)], y), Images(pixels[len(y) :], np.zeros(held, np.int64))
    return replace(data, train=parts[0], validation=parts[1])


def test_validation_that_is_large_enough_decides_alone() -> None:
    data = photographs((30, 30), 50)
    assert not set_apart(data).any()
    assert divided(data, set_apart(data)) is data


def test_small_validation_gets_a_fifth_of_each_class_by_content() -> None:
    data = photographs((31, 10, 1, 2), 3)
    apart = set_apart(data)
    np.testing.assert_array_equal(np.bincount(data.train.y[apart], minlength=4), [7, 2, 0, 1])
    found = divided(data, apart)
    assert (len(found.train), len(found.validation)) == (44 - 10, 3 + 10)
    assert found.test is data.test
    before = [*digest_images(data.train.x, 1), *digest_images(data.validation.x, 1)]
    after = [*digest_images(found.train.x, 1), *digest_images(found.validation.x, 1)]
    assert sorted(before) == sorted(after)
    order = np.random.default_rng(1).permutation(len(data.train))
    again = set_apart(replace(data, train=data.train.take(order)))
    np.testing.assert_array_equal(again, apart[order])


def test_copies_stay_together() -> None:
    data = photographs((20, 20), 0)
    pixels = data.train.x.copy()
    pixels[5:10] = pixels[5]
    apart = set_apart(replace(data, train=Images(pixels, data.train.y)))
    assert len(set(apart[5:10])) == 1
    pixels[:20] = pixels[5]  # a class of copies has nothing that could be held out
    assert not set_apart(replace(data, train=Images(pixels, data.train.y)))[:20].any()


def judged(losses: Array, right: Array | None = None) -> Judged:
    return Judged(losses, np.ones(len(losses), bool) if right is None else right)


def test_only_what_is_clearly_better_and_no_less_right_wins() -> None:
    losses = np.random.default_rng(0).exponential(0.1, 200)
    start = judged(losses, np.arange(200) > 3)
    noise = np.random.default_rng(1).normal(0, 0.05, 200)
    noise -= noise.mean()
    assert judged(0.8 * losses, start.right).beats(start)
    assert not judged(losses, start.right).beats(start)
    assert not judged(1.1 * losses, start.right).beats(start)
    assert not judged(0.8 * losses, np.arange(200) > 4).beats(start)
    assert judged(0.8 * losses, np.arange(200) > 2).beats(start)
    assert not judged(losses + noise - 0.001, start.right).beats(start)  # a gain of a third of its error
    assert judged(losses + noise - 0.01, start.right).beats(start)


def test_loss_and_accuracy_are_those_of_probabilities() -> None:
    p = np.array([[0.5, 0.5, 0.0], [0.2, 0.1, 0.7], [1.0, 0.0, 0.0]])
    found = Judged.of(p, np.array([0, 2, 1]))
    assert found.loss == pytest.approx((np.log(2) - np.log(0.7) - np.log(1e-12)) / 3)
    assert found.accuracy == pytest.approx(2 / 3)


def test_pictures_that_were_learnt_from_do_not_set_the_limit_of_the_unknown() -> None:
    """They lie nearer to the centres than others ever will."""
    rng = np.random.default_rng(0)
    near, far = rng.normal(0, 0.5, (300, 40)), rng.normal(0, 1.0, (100, 40))
    x, y = np.concatenate([near, far]), np.arange(400) % 2
    folds = np.concatenate([np.full(300, NOT_HELD_OUT), np.arange(100) % 5])
    careful, thresholds = fit_detector(x, y, 2, folds, rejection_rate=0.05)
    careless, _ = fit_detector(x, y, 2, np.arange(400) % 5, rejection_rate=0.05)
    others = rng.normal(0, 1.0, (500, 40))
    assert careful.is_unknown(others).mean() < 0.12 < careless.is_unknown(others).mean()
    assert max(thresholds.values()) <= careful.distances(far).max() * 1.2


def test_answers_are_probabilities_and_features_part_by_part() -> None:
    network = zoo.network("efficientnet-lite0", input_shape=(32, 32, 3), classes=3)
    weights = initial_weights(network, 0)
    x = np.random.default_rng(0).integers(0, 256, (70, 32, 32, 3), dtype=np.uint8)
    (p, rows), (none, nothing) = answers(network, weights, [x, x[:0]])
    engine = OnnxEngine(network, weights)
    np.testing.assert_allclose(p, engine.forward([x])[0], atol=1e-6)
    np.testing.assert_allclose(rows[:2], engine.activations([x[:2]])["pool"], rtol=1e-3, atol=1e-5)
    assert (none.shape, nothing.shape) == ((0, 3), (0, 1280))
