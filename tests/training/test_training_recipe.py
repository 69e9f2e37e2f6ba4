"""The effect of each setting of a recipe, compared with the same training written by hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import training_job as job

import striate as st
from striate._types import Weights
from striate.data import batches, epoch_order
from striate.engines.base import TrainingSettings
from striate.engines.choose import make_engine
from striate.engines.initialization import initial_weights
from striate.engines.losses import CategoricalCrossentropy
from striate.engines.optimizers import SGD, AdaGrad, Adam, AdamW, with_weight_decay
from striate.errors import UsageError
from striate.network import Dense, Flatten, Input, Rescale
from striate.training import ConstantSchedule, OneCycle, Recipe, Run, RunRecord, StepDecay
from striate.training.callbacks import Callback
from striate.training.monitors import EarlyStopping
from striate.training.samples import balanced_weights

QUIET: Any = {"verbose": 0}


@pytest.fixture(scope="module")
def data() -> st.data.Dataset:
    """Return data with few samples of class 2."""
    complete = job.data()
    kept = (complete.train.y != 2) | (np.arange(len(complete.train)) % 8 == 0)
    return st.data.Dataset(
        "uneven",
        complete.classes,
        complete.train.take(kept),
        complete.validation,
        complete.test,
        complete.policy,
        "0" * 16,
    )


def softmax_regression(seed: int = 0) -> st.Model:
    layers = [Input((12, 10, 1)), Rescale(), Flatten(), Dense(3, activation="softmax", name="F")]
    return st.Sequential(layers, seed=seed)


def train_by_hand(
    data: st.data.Dataset, recipe: Recipe, losses: Sequence[CategoricalCrossentropy], **settings: Any
) -> list[Weights]:
    """Return the weights after each step."""
    network = softmax_regression().network
    engine = make_engine("numpy", network, initial_weights(network, recipe.seed))
    engine.compile(TrainingSettings(recipe.optimizer, losses, seed=recipe.seed, **settings))
    x, y, step, found = data.train.x, data.train.y, 0, []
    for epoch in range(recipe.epochs):
        order = epoch_order(len(x), recipe.seed, epoch)
        for part in batches(len(x), recipe.batch_size):
            rate = recipe.optimizer.rate_at(0)
            engine.train_step([x[order[part]]], [y[order[part]]], learning_rate=rate, step=step)
            found.append(engine.weights)
            step += 1
    return found


def same(first: Weights, second: Weights) -> bool:
    return all(np.array_equal(array, second[name]) for name, array in first.items())


def test_class_weights_balance_the_classes(data: st.data.Dataset) -> None:
    recipe = Recipe(2, 40, SGD(0.05), ConstantSchedule(), label_smoothing=0.1, class_weights=True, seed=3)
    model = softmax_regression()
    model.train(data, recipe, **QUIET)
    counts = [int((data.train.y == k).sum()) for k in range(3)]
    weights = tuple(len(data.train) / (3 * count) for count in counts)
    assert weights[2] > 4
    assert sum(weights[k] * counts[k] for k in range(3)) == pytest.approx(len(data.train))
    loss = CategoricalCrossentropy(label_smoothing=0.1, class_weights=weights)
    assert same(model.named_weights, train_by_hand(data, recipe, [loss])[-1])
    assert model.losses == (loss,)


def test_class_without_samples_has_a_weight() -> None:
    assert balanced_weights(np.array([0, 0, 0, 2]), 3) == (4 / 9, 4 / 3, 4 / 3)


def test_gradients_are_clipped(data: st.data.Dataset) -> None:
    recipe = Recipe(1, 40, SGD(0.05), ConstantSchedule(), global_clipnorm=0.02)
    model = softmax_regression()
    model.train(data, recipe, **QUIET)
    assert same(model.named_weights, train_by_hand(data, recipe, [CategoricalCrossentropy()], global_clipnorm=0.02)[-1])
    assert not same(model.named_weights, train_by_hand(data, recipe, [CategoricalCrossentropy()])[-1])


class WeightRecorder(Callback):
    """Record the weights at the end of each epoch."""

    def __init__(self) -> None:
        self.weights: list[Weights] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.weights.append(self.model.engine.weights)


def moving_averages(steps: Sequence[Weights], memory: float) -> list[Weights]:
    """Return the moving average after each step, in float64."""
    found: list[Weights] = []
    for t, weights in enumerate(steps):
        m = min(memory, (1 + t) / (10 + t)) if t else 0.0
        found.append({name: m * found[-1][name] + (1 - m) * w if t else w for name, w in weights.items()})
    return found


def test_averaged_weights_are_validated_passed_to_callbacks_and_saved(data: st.data.Dataset, tmp_path: Path) -> None:
    recipe = Recipe(3, 40, SGD(0.05), ConstantSchedule(), ema_decay=0.9)
    steps = train_by_hand(data, recipe, [CategoricalCrossentropy()])
    expected = moving_averages(steps, 0.9)
    run, watcher, model = (
        Run.create(RunRecord(recipe, data.fingerprint), tmp_path),
        WeightRecorder(),
        softmax_regression(),
    )
    history = model.train(data, run=run, callbacks=[watcher], **QUIET).history
    in_epoch = len(steps) // 3
    for epoch, seen in enumerate(watcher.weights):
        for name, w in expected[(epoch + 1) * in_epoch - 1].items():
            np.testing.assert_allclose(seen[name], w, rtol=1e-4, atol=1e-6)
    assert same(model.named_weights, watcher.weights[-1])
    assert not same(model.named_weights, steps[-1])
    validation = model.evaluate(data.validation.x, data.validation.y)
    assert validation["loss"] == pytest.approx(history["val_loss"][-1], rel=1e-6)
    assert same(st.load(tmp_path / "model.safetensors").named_weights, model.named_weights)
    checkpoint = run.checkpoints.load()
    assert checkpoint is not None
    assert same(checkpoint.weights, steps[-1])
    assert same({n: checkpoint.slots[f"{n}/average"] for n in model.named_weights}, model.named_weights)


def test_extended_run_continues_from_the_unaveraged_weights(data: st.data.Dataset, tmp_path: Path) -> None:
    run = Run.create(
        RunRecord(Recipe(2, 40, SGD(0.05), ConstantSchedule(), ema_decay=0.9), data.fingerprint), tmp_path / "run"
    )
    softmax_regression().train(data, run=run, **QUIET)
    run.extend(3)
    extended, complete = softmax_regression(), softmax_regression()
    extended.train(data, run=run, **QUIET)
    complete.train(data, run.recipe, **QUIET)
    assert same(extended.named_weights, complete.named_weights)


def test_fit_supports_averaging(data: st.data.Dataset) -> None:
    few = data.train.take(np.arange(100))
    model, watcher = softmax_regression(), WeightRecorder()
    model.compile("sgd", ema_decay=0.8, global_clipnorm=2.0)
    model.fit(few.x, few.y, epochs=2, callbacks=[watcher], **QUIET)
    assert same(model.named_weights, watcher.weights[-1])
    assert model.recipe
    assert (model.recipe.ema_decay, model.recipe.global_clipnorm) == (0.8, 2.0)


def two_layers() -> st.Model:
    layers = [Input((12, 10, 1)), Rescale(1 / 255), Flatten(), Dense(8, activation="relu", name="lower"),
              Dense(3, activation="softmax", name="upper")]  # fmt: skip
    return st.Sequential(layers)


def changed_layers(before: Weights, after: Weights) -> set[str]:
    return {name.split("/")[0] for name in before if not np.array_equal(before[name], after[name])}


def test_layers_can_be_frozen_by_recipe_and_by_compile(data: st.data.Dataset) -> None:
    trained, fitted = two_layers(), two_layers()
    before = trained.named_weights
    recipe = Recipe(1, 40, SGD(0.05), ConstantSchedule(), frozen_layers=("lower",))
    trained.train(data, recipe, **QUIET)
    fitted.compile(SGD(0.05), frozen_layers=["lower"])
    fitted.fit(data.train.x, data.train.y, batch_size=40, **QUIET)
    assert changed_layers(before, trained.named_weights) == {"upper"}
    assert same(fitted.named_weights, trained.named_weights)
    assert fitted.recipe
    assert fitted.recipe.frozen_layers == ("lower",)
    assert Recipe.from_dict(recipe.to_dict() | {"frozen": ["lower"]}) == recipe
    trained.train(data, Recipe(1, 40, SGD(0.05), ConstantSchedule()), **QUIET)
    assert changed_layers(fitted.named_weights, trained.named_weights) == {"lower", "upper"}


def test_invalid_frozen_layers_raise_and_leave_the_model_unchanged() -> None:
    model = two_layers()
    model.compile(SGD(0.05), frozen_layers=["lower"])
    with pytest.raises(UsageError, match="'sequential' has no layer 'lowest'"):
        model.compile(SGD(0.1), frozen_layers=["lowest"])
    assert model.learning_rate == 0.05
    for wrong in ("lower", (3,)):
        with pytest.raises(UsageError, match="frozen_layers must be a list of layer names; received"):
            Recipe(frozen_layers=wrong)  # type: ignore[arg-type]


RISING = Recipe(9, 40, SGD(50.0), ConstantSchedule(), patience=2)  # a learning rate so large that validation gets worse


def test_patience_stops_and_restores_the_best_epoch(data: st.data.Dataset) -> None:
    model, own = softmax_regression(), softmax_regression()
    history = model.train(data, RISING, **QUIET)
    best = int(np.argmin(history.history["val_loss"]))
    assert len(history.epoch) == best + 3 < 9
    assert model.evaluate(data.validation.x, data.validation.y)["loss"] == pytest.approx(
        history.history["val_loss"][best], rel=1e-6
    )
    plain = Recipe(9, 40, SGD(50.0), ConstantSchedule())
    own.train(data, plain, callbacks=[EarlyStopping(patience=2, restore_best_weights=True)], **QUIET)
    assert same(own.named_weights, model.named_weights)


def test_patience_is_restored_when_a_run_is_resumed(data: st.data.Dataset, tmp_path: Path) -> None:
    complete = softmax_regression()
    history = complete.train(data, RISING, **QUIET)

    class Stop(Callback):
        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            if epoch == len(history.epoch) - 1:
                raise ValueError("killed")

    run = Run.create(RunRecord(RISING, data.fingerprint), tmp_path / "run")
    with pytest.raises(ValueError, match="killed"):
        softmax_regression().train(data, run=run, callbacks=[Stop()], **QUIET)
    resumed = softmax_regression()
    assert resumed.train(data, run=run, **QUIET).history == history.history
    assert same(resumed.named_weights, complete.named_weights)


def test_patience_without_validation_raises(data: st.data.Dataset) -> None:
    none = data.validation.take(np.zeros(len(data.validation), bool))
    bare = st.data.Dataset("bare", data.classes, data.train, none, data.test, data.policy, "0" * 16)
    with pytest.raises(UsageError, match="EarlyStopping monitors 'val_loss', but this training reports only"):
        softmax_regression().train(bare, RISING, **QUIET)


def test_recipes_of_earlier_versions_can_be_read() -> None:
    old = {
        "epochs": 3,
        "batch_size": 20,
        "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0},
        "schedule": {"name": "constant"},
        "augmentation": None,
        "label_smoothing": 0.1,
        "seed": 7,
    }
    assert Recipe.from_dict(old) == Recipe(3, 20, SGD(0.1, 0.9), ConstantSchedule(), label_smoothing=0.1, seed=7)


def test_settings_keep_their_names_in_files() -> None:
    """Model files written before these settings were renamed still load."""
    recipe = Recipe(global_clipnorm=0.5, ema_decay=0.9, frozen_layers=("a",), schedule=OneCycle(0.1, 2, 3, "linear"))
    saved = recipe.to_dict()
    assert (saved["clip_norm"], saved["average"], saved["frozen"]) == (0.5, 0.9, ["a"])
    assert saved["schedule"] == {
        "name": "one_cycle", "warmup": 0.1, "start_divisor": 2, "end_divisor": 3, "shape": "linear",
    }  # fmt: skip
    assert Recipe.from_dict(saved) == recipe
    assert Recipe(schedule=StepDecay(0.5, 3)).to_dict()["schedule"] == {"name": "step", "factor": 0.5, "every": 3}


def test_recipe_json_round_trip() -> None:
    recipe = Recipe(class_weights=True, global_clipnorm=0.5, ema_decay=0.99, patience=3)
    assert Recipe.from_dict(recipe.to_dict()) == recipe


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patience": 0}, "patience must be an integer, 1 or more; received 0"),
        ({"patience": 1.5}, r"patience must be an integer, 1 or more; received 1\.5"),
        ({"class_weights": "yes"}, "class_weights must be True or False; received 'yes'"),
        ({"global_clipnorm": -1.0}, r"global_clipnorm must be above 0; received -1\.0"),
        ({"ema_decay": 1.0}, r"ema_decay must be at least 0 and below 1; received 1\.0"),
    ],
)
def test_settings_out_of_range_raise(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Recipe(**settings)


def test_weight_decay_is_passed_to_the_optimizer() -> None:
    assert with_weight_decay(Adam(0.01, beta_2=0.98), 5e-4) == AdamW(0.01, beta_2=0.98, weight_decay=5e-4)
    assert with_weight_decay(AdamW(0.01), 0.1) == AdamW(0.01, weight_decay=0.1)
    assert with_weight_decay(SGD(0.1, 0.9, True), 0.2) == SGD(0.1, 0.9, True, weight_decay=0.2)
    assert with_weight_decay(AdaGrad(), 0.1) == AdaGrad(weight_decay=0.1)
