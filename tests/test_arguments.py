"""Wrong arguments of public functions end in one clear sentence, never in an internal name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import striate
from striate.arguments import check_arguments
from striate.errors import NetworkError, UsageError

st: Any = striate  # so that type checkers let wrong calls pass
X, Y = np.zeros((6, 3), np.float32), np.arange(6) % 2


def model(*, compiled: bool = True) -> Any:
    built = st.Sequential([st.Input((3,), dtype="float32"), st.layers.Dense(2, activation="softmax")])
    if compiled:
        built.compile()
    return built


def my_function(*_: Any) -> float:
    return 0.0


CASES: list[tuple[Callable[[Any], object], str]] = [
    (
        lambda m: m.compile(metric=["accuracy"]),
        r"Sequential\.compile has no argument 'metric'\. Did you mean 'metrics'",
    ),
    (lambda m: m.compile(optimiser="adam"), "has no argument 'optimiser'. Did you mean 'optimizer'"),
    (lambda m: m.compile(device="cpu", precison="float32"), "Did you mean 'precision'"),
    (lambda m: m.use_engine("numpy", devise="cpu"), "use_engine has no argument 'devise'. Did you mean 'device'"),
    (lambda m: m.fit(X, Y, epoch=3), r"Sequential\.fit has no argument 'epoch'\. Did you mean 'epochs'"),
    (lambda m: m.fit(X), r"fit needs targets: pass y as well as x, or an iterable of batches \(x, y\)"),
    (lambda m: m.predict(X, 32, 0, 1, None, 2), "received 6 arguments by position and takes at most 5"),
    (lambda m: m.fit(X, Y, x=X), r"Sequential\.fit received 'x' twice"),
    (lambda m: m.evaluate(X, Y, batchsize=3), "Did you mean 'batch_size'"),
    (lambda m: m.predict(X, batch=3), "Did you mean 'batch_size'"),
    (lambda m: m.save(), r"Sequential\.save needs the argument 'filepath'"),
    (lambda m: m.add(), r"Sequential\.add needs the argument 'layer'"),
    (lambda m: st.load(file="m"), "load has no argument 'file'"),
    (lambda m: st.Sequential(layer=[]), "Sequential has no argument 'layer'. Did you mean 'layers'"),
    (lambda m: st.Sequential([], seed="a"), "seed must be an integer, 0 or more; received 'a'"),
    (lambda m: st.layers.Conv2D(8, 3, stride=2), "Conv2D has no argument 'stride'. Did you mean 'strides'"),
    (lambda m: st.layers.Dense(), "Dense needs the argument 'units'"),
    (lambda m: st.optimizers.Adam(learningrate=1), "Adam has no argument 'learningrate'. Did you mean 'learning_rate'"),
    (lambda m: st.optimizers.Adam("a"), "Adam: learning_rate must be a number; received 'a'"),
    (lambda m: st.losses.CategoricalCrossentropy(smoothing=0.1), "Did you mean 'label_smoothing'"),
    (
        lambda m: st.callbacks.EarlyStopping(patiense=3),
        "EarlyStopping has no argument 'patiense'. Did you mean 'patience'",
    ),
    (
        lambda m: st.callbacks.EarlyStopping(patience="a"),
        "patience must be an integer, 0 or more; received 'a'",
    ),
    (lambda m: st.callbacks.EarlyStopping(min_delta=None), "min_delta must be a number; received None"),
    (lambda m: st.callbacks.EarlyStopping(monitor=3), "monitor must be a name; received 3"),
    (lambda m: st.callbacks.ReduceLROnPlateau(factor="a"), "factor must be a number; received 'a'"),
    (lambda m: st.callbacks.LearningRateScheduler(0.1), "schedule must be a function; received 0.1"),
    (lambda m: st.callbacks.ModelCheckpoint(), "ModelCheckpoint needs the argument 'filepath'"),
    (lambda m: m.compile(None), "optimizer must be a name or an Optimizer; received None"),
    (lambda m: m.compile(st.losses.Huber), r"optimizer must be a name or an Optimizer; received the class Huber"),
    (
        lambda m: m.compile(loss=my_function, engine="numpy"),
        "The loss 'my_function' returns no gradient, which the NumPy engine needs",
    ),
    (lambda m: m.compile(metrics=[3]), "metrics must be names of metrics, metrics or functions; received 3"),
    (lambda m: m.compile(metrics=st.metrics.Mean()), "metrics or functions; received <Mean name=mean>"),
    (lambda m: m.compile(learning_rate="a"), "learning_rate must be a number; received 'a'"),
    (lambda m: m.compile(global_clipnorm="a"), "global_clipnorm must be a number; received 'a'"),
    (lambda m: m.fit(X, Y, validation_data=X), r"iterable of batches; received an array of shape \(6, 3\)"),
    (lambda m: m.fit(X, Y, validation_split="a"), "validation_split must be a number; received 'a'"),
    (
        lambda m: m.fit(X, Y, callbacks=[st.callbacks.EarlyStopping]),
        r"class EarlyStopping; write EarlyStopping\(…\)",
    ),
    (
        lambda m: m.fit(X, Y, callbacks="early"),
        "callbacks must be a list of callbacks; received 'early'",
    ),
    (lambda m: m.fit(X, Y, callbacks=["early"]), "received 'early'"),
    (lambda m: m.fit(X, Y, augmentation="digits"), "augmentation must be an Augmentation or None; received 'digits'"),
    (lambda m: m.fit(X, Y, schedule=3), "schedule must be a name or a Schedule; received 3"),
    (lambda m: m.fit(X, Y, batch_size="a"), "batch_size must be an integer, 1 or more; received 'a'"),
    (lambda m: m.predict(X, batch_size="a"), "batch_size must be an integer, 1 or more; received 'a'"),
    (lambda m: m.evaluate(X, Y, batch_size=2.5), r"batch_size must be an integer, 1 or more; received 2\.5"),
]


@pytest.mark.parametrize(("call", "message"), CASES)
def test_wrong_arguments_raise_one_sentence(call: Callable[[Any], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call(model())


def test_input_of_impossible_size_raises() -> None:
    with pytest.raises(NetworkError, match="at most 1,099,511,627,776 numbers in one sample, received"):
        st.Input((10**9, 10**9, 3))


def test_numbers_of_numpy_are_accepted() -> None:
    built = model(compiled=False)
    built.compile("sgd", learning_rate=np.float32(0.1))
    built.fit(X, Y, epochs=np.int64(2), batch_size=np.int32(3), verbose=0, callbacks=None)
    assert built.recipe.to_dict()["epochs"] == 2
    assert type(built.recipe.epochs) is int
    assert st.callbacks.EarlyStopping(patience=np.int64(3)).patience == 3


def test_errors_from_within_are_not_changed() -> None:
    @check_arguments
    def outer(x: int) -> int:
        return inner(x, wrong=1)  # type: ignore[call-arg]

    def inner(x: int) -> int:
        return x

    with pytest.raises(TypeError, match="unexpected keyword argument 'wrong'"):
        outer(1)
