"""Optimizers and schedules against the numbers of Keras 3.15.1, their arguments, and clipping in both engines."""

from typing import Any

import numpy as np
import pytest

import striate as st
from striate import optimizers
from striate.engines.base import TrainingSettings
from striate.engines.losses import MeanSquaredError
from striate.engines.numpy.optimizers import slot_names, update
from striate.engines.optimizers import OPTIMIZERS, SGD, Optimizer, get_optimizer
from striate.errors import UsageError
from striate.network import Dense, Input, Network
from striate.optimizers import schedules
from striate.training import Cosine, Recipe

from .networks import ENGINES, engine_of

GRADIENTS = [[0.5, -1.0, 0.25], [0.1, 0.2, -2.0], [-0.3, 0.4, 0.5], [0.05, -0.5, 0.02]]
STEPS = (0, 1, 5, 6, 10, 15, 16, 25, 47)

# The learning rates at STEPS.
SCHEDULES: list[tuple[str, list[float]]] = [
    ("ExponentialDecay(0.1, 10, 0.5)",
     [0.1, 0.0933033, 0.07071068, 0.06597539, 0.05, 0.03535534, 0.0329877, 0.01767767, 0.003847327]),
    ("ExponentialDecay(0.1, 10, 0.5, staircase=True)", [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.00625]),
    ("InverseTimeDecay(0.1, 10, 0.5)",
     [0.1, 0.0952381, 0.08, 0.07692308, 0.06666667, 0.05714286, 0.05555556, 0.04444445, 0.02985075]),
    ("InverseTimeDecay(0.1, 10, 0.5, staircase=True)",
     [0.1, 0.1, 0.1, 0.1, 0.06666667, 0.06666667, 0.06666667, 0.05, 0.03333334]),
    ("PolynomialDecay(0.1, 20)", [0.1, 0.095005, 0.075025, 0.07003, 0.05005, 0.025075, 0.02008, 0.0001, 0.0001]),
    ("PolynomialDecay(0.1, 20, 0.01, power=2.0, cycle=True)",
     [0.1, 0.091225, 0.060625, 0.0541, 0.0325, 0.015625, 0.0136, 0.02265625, 0.014225]),
    ("CosineDecay(0.1, 20)", [0.1, 0.09938442, 0.08535534, 0.07938927, 0.05, 0.01464466, 0.00954915, 0, 0]),
    ("CosineDecay(0.0, 20, alpha=0.1, warmup_target=0.1, warmup_steps=10)",
     [0, 0.01, 0.05, 0.06, 0.1, 0.08681981, 0.08145034, 0.0231802, 0.01]),
    ("CosineDecayRestarts(0.1, 10)",
     [0.1, 0.09755283, 0.05, 0.03454914, 0.1, 0.08535534, 0.07938927, 0.01464466, 0.06167228]),
    ("CosineDecayRestarts(0.1, 10, t_mul=1.0, m_mul=0.5, alpha=0.1)",
     [0.1, 0.09779754, 0.055, 0.04109422, 0.055, 0.0325, 0.02554712, 0.02125, 0.01115936]),
    ("PiecewiseConstantDecay([5, 15], [0.1, 0.05, 0.01])", [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.01, 0.01, 0.01]),
]  # fmt: skip

# Where [1, -2, 3] is after four steps with GRADIENTS.
ENDS: list[tuple[str, list[float]]] = [
    ("SGD(0.1)", [0.965, -1.91, 3.123]),
    ("SGD(0.1, momentum=0.9)", [0.85295, -1.7363, 3.359025]),
    ("SGD(0.1, momentum=0.9, nesterov=True)", [0.832655, -1.67267, 3.446122]),
    ("RMSprop(0.01)", [0.97611, -1.972802, 2.991437]),
    ("RMSprop(0.01, centered=True)", [0.9740157, -1.970973, 2.990891]),
    ("RMSprop(0.01, momentum=0.5, rho=0.8)", [0.9668986, -1.969637, 2.987718]),
    ("Adam(0.01)", [0.9776529, -1.980132, 3.002642]),
    ("Adam(0.01, amsgrad=True)", [0.9776529, -1.980132, 3.00264]),
    ("AdamW(0.01, weight_decay=0.1)", [0.9737071, -1.972185, 2.990673]),
    ("Adam(0.01, weight_decay=0.1)", [0.9737071, -1.972185, 2.990673]),
    ("Nadam(0.01)", [0.9900035, -1.989123, 2.997994]),
    ("Nadam(0.01, weight_decay=0.1)", [0.9860422, -1.981161, 2.986026]),
    ("Adamax(0.01)", [0.9814474, -1.9834, 2.998108]),
    ("Adadelta(1.0)", [0.9990421, -1.998819, 2.999851]),
    ("Adadelta(1.0, rho=0.8, weight_decay=0.1)", [0.6558059, -1.311712, 1.968242]),
    ("Lion(0.01)", [0.98, -2, 3]),
    ("Adagrad(0.01, initial_accumulator_value=0.0)", [0.9922676, -1.99146, 2.997419]),
    ("Adam(ExponentialDecay(0.1, 2, 0.5))", [0.8248701, -1.845078, 2.972812]),
]  # fmt: skip


def make(text: str) -> Any:
    return eval(text, vars(optimizers) | vars(schedules))


@pytest.mark.parametrize(("text", "rates"), SCHEDULES)
def test_schedules_equal_those_of_keras(text: str, rates: list[float]) -> None:
    schedule = make(text)
    assert [schedule(step) for step in STEPS] == pytest.approx(rates, rel=1e-5, abs=1e-8)
    optimizer = SGD(schedule)
    assert Recipe.from_dict(Recipe(optimizer=optimizer).to_dict()).optimizer == optimizer


@pytest.mark.parametrize(("text", "end"), ENDS)
def test_optimizers_equal_those_of_keras(text: str, end: list[float]) -> None:
    """ε outside the root, as in the papers, moves the result a little."""
    optimizer, w = make(text), np.array([1.0, -2.0, 3.0])
    slots = tuple(np.zeros(3) for _ in slot_names(optimizer))
    for t, gradient in enumerate(GRADIENTS, start=1):
        update(optimizer, w, np.array(gradient), slots, optimizer.rate_at(t - 1), t, np.empty(3), np.ones(3))
    assert w == pytest.approx(end, rel=1e-4 if "RMS" in text else 5e-6)


CLIPPED: list[tuple[dict[str, float], Any]] = [
    ({"clipnorm": 0.1}, lambda g, norm: g * min(1, 0.1 / np.linalg.norm(g))),
    ({"clipvalue": 0.1}, lambda g, norm: np.clip(g, -0.1, 0.1)),
    ({"global_clipnorm": 0.1}, lambda g, norm: g * min(1, 0.1 / norm)),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("settings", "clip"), CLIPPED, ids=["clipnorm", "clipvalue", "global_clipnorm"])
def test_gradients_are_clipped(settings: dict[str, float], clip: Any, engine: str) -> None:
    network = Network.sequential([Input((4,)), Dense(3, activation="tanh", name="a"), Dense(2, name="b")])
    made = engine_of(network, engine=engine, losses=[MeanSquaredError()])
    made.compile(TrainingSettings(SGD(1.0, **settings), [MeanSquaredError()]))  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    inputs, targets = [rng.standard_normal((9, 4))], [rng.standard_normal((9, 2))]
    before, gradients = made.weights, made.gradients(inputs, targets)[1]
    norm = np.sqrt(sum(np.square(g).sum() for g in gradients.values()))
    assert norm > 0.2
    made.train_step(inputs, targets, learning_rate=1.0, step=0)
    for name, after in made.weights.items():
        np.testing.assert_allclose(before[name] - after, clip(gradients[name], norm), rtol=1e-9, err_msg=name)


def test_names_in_any_case_classes_and_aliases() -> None:
    for name in ("SGD", "sgd", "Adam", "RMSprop", "ADAGRAD", "adamW", "Nadam", "Adamax", "Adadelta", "Lion"):
        assert type(get_optimizer(name)) is OPTIMIZERS[name.lower()]
        assert isinstance(get_optimizer(getattr(optimizers, type(get_optimizer(name)).__name__)), Optimizer)
    assert optimizers.Adagrad is optimizers.AdaGrad
    assert KERAS.SGD(lr=0.2, name="mine", weight_decay=None) == SGD(0.2)
    assert "clipnorm=1.0" in repr(optimizers.Adam(clipnorm=1.0))
    old: dict[str, Any] = {"learning_rate": 0.1, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0}
    assert get_optimizer("sgd", **old) == SGD(0.1, 0.9)


KERAS: Any = optimizers  # whose arguments type checkers do not know


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: KERAS.SGD(decay=1e-6), "has no argument 'decay': pass a schedule, learning_rate=schedules.Inverse"),
        (lambda: KERAS.SGD(0.1, lr=0.1), "lr is the same as learning_rate"),
        (lambda: KERAS.Adam(gradient_accumulation_steps=4), "use a larger batch_size"),
        (lambda: KERAS.Adam(loss_scale_factor=2.0), "precision='float16' of compile"),
        (lambda: KERAS.Adam(ema_overwrite_frequency=5), "averaged weights are validated"),
        (lambda: KERAS.Adagrad(initial_accumulator_value=0.1), "the accumulator begins at 0"),
        (lambda: KERAS.SGD(clipnorm=1.0, clipvalue=0.5), "give only one of clipnorm, clipvalue, global_clipnorm"),
        (lambda: KERAS.SGD(clipnorm=0.0), "clipnorm must be above 0; received 0.0"),
        (lambda: KERAS.SGD(momentun=0.9), "Did you mean 'momentum'"),
        (lambda: get_optimizer("Ftrl"), "Striate does not have the optimizer 'Ftrl'; use 'adam'"),
        (lambda: KERAS.Adafactor, "Striate does not have the optimizer 'Adafactor'"),
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps must be an integer, 1 or more"),
        (lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1]), "one value more than boundaries"),
        (lambda: Recipe(1, 1, SGD(schedules.CosineDecay(0.1, 5)), Cosine()), "leave `schedule` out"),
    ],
)  # fmt: skip
def test_wrong_arguments_raise(call: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()


def small_model(optimizer: Any) -> st.Model:
    model = st.Sequential([st.Input((2,), dtype="float32"), st.layers.Dense(1, name="out")])
    model.compile(optimizer, "mse")
    return model


X = np.random.default_rng(0).standard_normal((12, 2)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


class Halving(schedules.LearningRateSchedule):
    """A custom schedule."""

    def __call__(self, step: int) -> float:
        """Return the rate."""
        return 0.1 / (step + 1)


@pytest.mark.parametrize("schedule", [schedules.ExponentialDecay(0.1, 1, 0.5), Halving()])
def test_schedule_decides_the_rate_of_each_step(schedule: Any) -> None:
    """In fit, over several calls, and in train_on_batch."""
    models = [small_model(SGD(schedule)) for _ in range(3)]
    models[0].fit(X, Y, batch_size=12, epochs=4, verbose=0)
    for _ in range(2):
        models[1].fit(X, Y, batch_size=12, epochs=2, verbose=0)
    for _ in range(4):
        models[2].train_on_batch(X, Y)
    by_hand = small_model(SGD(0.1))
    for step in range(4):
        by_hand.optimizer.learning_rate = schedule(step)  # type: ignore[union-attr]
        by_hand.train_on_batch(X, Y)
    for model in models:
        for mine, other in zip(model.get_weights(), by_hand.get_weights(), strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-5)


def test_learning_rate_of_a_compiled_model_is_read_and_set_as_in_keras() -> None:
    model = small_model(KERAS.Adam(lr=0.01))
    optimizer: Any = model.optimizer
    assert isinstance(model.optimizer, optimizers.Adam)
    assert (optimizer, optimizer.lr, float(optimizer.learning_rate.numpy())) == (optimizers.Adam(0.01), 0.01, 0.01)
    optimizer.learning_rate = 1e-4
    assert model.learning_rate == 1e-4
    optimizer.lr.assign(0.5)
    assert (model.optimizer.lr, model.optimizer.get_config()["learning_rate"]) == (0.5, 0.5)
    model.train_on_batch(X, Y)
    assert (optimizer.iterations, optimizer.name, optimizer.beta_1) == (1, "adam", 0.9)
    with pytest.raises(UsageError, match="optimizer's beta_1 cannot be changed"):
        optimizer.beta_1 = 0.5
    with pytest.raises(UsageError, match="learning_rate must be a number; received 'fast'"):
        optimizer.learning_rate = "fast"
    scheduled = small_model(SGD(schedules.CosineDecay(0.1, 5))).optimizer
    with pytest.raises(UsageError, match="rate is a schedule"):
        scheduled.learning_rate = 0.1


def test_callback_that_sets_the_rate_of_a_schedule_raises() -> None:
    model = small_model(SGD(schedules.CosineDecay(0.1, 5)))
    callback = st.callbacks.LearningRateScheduler(lambda epoch: 0.01)
    with pytest.raises(UsageError, match=r"A callback set the learning rate to 0\.01, but that of the optimizer is a"):
        model.fit(X, Y, epochs=2, callbacks=[callback], verbose=0)


def test_average_of_the_weights_by_use_ema() -> None:
    averaged, plain = small_model(SGD(0.1, use_ema=True, ema_momentum=0.5)), small_model(SGD(0.1))
    plain.compile(SGD(0.1), "mse", ema_decay=0.5)
    for model in (averaged, plain):
        model.fit(X, Y, batch_size=4, verbose=0)
    for mine, other in zip(averaged.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert Recipe(optimizer=SGD(use_ema=True, global_clipnorm=2.0)).ema_decay == 0.99
