"""fit, evaluate and predict with the arguments of Keras, on arrays and on iterables of batches."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import striate as st
from striate._types import Array
from striate.errors import DataError, StriateError, UsageError
from striate.training.callbacks import History

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 4)).astype(np.float32)
Y = np.arange(12) % 3
KERNEL = (np.arange(12).reshape(4, 3) / 20).astype(np.float32)
IMAGES, LABELS = RNG.integers(0, 256, (120, 2, 2), np.uint8), np.arange(120) % 3
QUIET: Any = {"verbose": 0}


def model(loss: str | None = "sparse_categorical_crossentropy") -> st.Sequential:
    dense = st.layers.Dense(3, activation="softmax" if loss else "linear", name="d")
    made = st.Sequential([st.Input((4,)), dense])
    made.set_weights([KERNEL, np.zeros(3, np.float32)])
    made.compile("sgd", loss, learning_rate=0.01)
    return made


def batches(size: int = 4) -> Iterator[tuple[Array, Array]]:
    for start in range(0, 12, size):
        yield X[start : start + size], Y[start : start + size]


def endless() -> Iterator[tuple[Array, Array]]:
    while True:
        yield from batches()


class ByIndex:
    """As a PyDataset of Keras: no __iter__, and no IndexError."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.epochs = 0

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        self.seen.append(index)
        return X[4 * index : 4 * index + 4], Y[4 * index : 4 * index + 4]

    def on_epoch_end(self) -> None:
        self.epochs += 1


class Stream:
    """As a data set of TensorFlow: it can be iterated anew, and its length is unknown."""

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        return batches()

    def __len__(self) -> int:
        raise TypeError("unknown length")


def check(history: History, **expected: list[float]) -> None:
    assert set(history.history) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(history.history[name], values, atol=2e-6, err_msg=name)


# The numbers in these tests are those of Keras 3.15.1 with the PyTorch backend.


def test_positional_arguments_come_in_keras_order() -> None:
    trained = model()
    history = trained.fit(X, Y, 4, 2, 0, None, 0.0, None, False)
    assert trained.history is history
    check(history, accuracy=[0.416667, 0.416667], loss=[1.079507, 1.07733])


def test_validation_frequency_leaves_out_epochs() -> None:
    history = model().fit(X, Y, epochs=4, validation_data=(X, Y), validation_freq=[1, 3], shuffle=False, **QUIET)
    assert history.history["val_loss"] == pytest.approx([1.078192, 1.076729], abs=2e-6)
    assert len(model().fit(X, Y, epochs=4, validation_data=(X, Y), validation_freq=2, **QUIET).history["val_loss"]) == 2


def test_validation_steps_use_the_first_samples() -> None:
    settings: Any = {"validation_data": (X, Y), "validation_steps": 2, "validation_batch_size": 4}
    history = model().fit(X, Y, batch_size=12, shuffle=False, **settings, **QUIET)
    check(history, accuracy=[0.416667], loss=[1.078931], val_accuracy=[0.375], val_loss=[1.083861])


def test_initial_epoch_is_the_number_of_the_first() -> None:
    history = model().fit(X, Y, epochs=5, initial_epoch=3, **QUIET)
    check(history, accuracy=[0.416667, 0.416667], loss=[1.078931, 1.078191])
    assert history.epoch == [3, 4]
    assert model().fit(X, Y, epochs=3, initial_epoch=3, **QUIET).history == {}


def test_steps_go_on_where_the_epoch_before_ended() -> None:
    expected: Any = {"accuracy": [0.375, 0.375, 0.5], "loss": [1.085191, 1.077402, 1.072662]}
    for x in (endless(), itertools.cycle(batches()), list(batches()), Stream(), ByIndex()):
        check(model().fit(x, steps_per_epoch=2, epochs=3, shuffle=False, **QUIET), **expected)
    check(model().fit(X, Y, 4, steps_per_epoch=2, epochs=3, shuffle=False, **QUIET), **expected)


@pytest.mark.parametrize("make", [batches, Stream, ByIndex, lambda: list(batches())])
def test_batches_train_as_arrays_do(make: Callable[[], Any]) -> None:
    arrays, other = model(), model()
    history = arrays.fit(X, Y, 4, shuffle=False, validation_data=(X, Y), **QUIET)
    for name, values in other.fit(make(), shuffle=False, validation_data=make(), **QUIET).history.items():
        assert values == pytest.approx(history.history[name], rel=1e-12)
    assert all(np.array_equal(array, other.named_weights[name]) for name, array in arrays.named_weights.items())
    assert other.evaluate(make()) == pytest.approx(arrays.evaluate(X, Y), rel=1e-12)
    np.testing.assert_array_equal(other.predict(make()), arrays.predict(X, batch_size=4))


def test_batches_by_index_are_shuffled_by_the_seed() -> None:
    first, second = ByIndex(), ByIndex()
    for data in (first, second):
        model().fit(data, epochs=4, **QUIET)
    assert first.seen == second.seen
    assert first.epochs == 4
    passes = [tuple(first.seen[start : start + 3]) for start in range(0, 12, 3)]
    assert {tuple(sorted(order)) for order in passes} == {(0, 1, 2)}
    assert len(set(passes)) > 1
    ordered = ByIndex()
    model().fit(ordered, epochs=2, shuffle=False, **QUIET)
    assert ordered.seen == [0, 1, 2, 0, 1, 2]


def test_dataloader_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.data import DataLoader, TensorDataset

    data = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    trained, expected = model(), model()
    assert (
        trained.fit(DataLoader(data, batch_size=4), epochs=2, **QUIET).history
        == expected.fit(X, Y, 4, 2, shuffle=False, **QUIET).history
    )
    assert trained.predict(torch.from_numpy(X)).shape == (12, 3)
    with pytest.raises(UsageError, match=r"TensorDataset .* single samples: pass DataLoader\(dataset, batch_size=32\)"):
        trained.fit(data)
    images = st.Sequential([st.Input((5, 6, 1)), st.layers.Flatten(), st.layers.Dense(3, activation="softmax")])
    images.compile()
    first = TensorDataset(torch.zeros(8, 1, 5, 6), torch.zeros(8, dtype=torch.int64))
    with pytest.raises(DataError, match=r"Batch 1 of the DataLoader: .*channels last: x\.permute\(0, 2, 3, 1\)"):
        images.fit(DataLoader(first, batch_size=4), **QUIET)


def test_first_batch_shows_that_outputs_are_logits() -> None:
    seen = model(None)
    assert set(seen.fit(batches(), **QUIET).history) == {"loss", "accuracy"}
    assert seen.fit(batches(), **QUIET).history["loss"] < model(None).fit(batches(), **QUIET).history["loss"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.fit(endless()), "This generator never ends: pass steps_per_epoch"),
        (lambda m: m.fit(itertools.cycle(batches())), "This cycle never ends: pass steps_per_epoch"),
        (lambda m: m.evaluate(endless()), "never ends: pass steps, "),
        (lambda m: m.fit(batches(), validation_data=endless()), "never ends: pass validation_steps"),
        (lambda m: m.fit(batches(), epochs=2), "only once, and there are 2 epochs: pass steps_per_epoch, or an object"),
        (lambda m: m.fit(batches(), Y), r"x is a generator, .* yield \(x, y\), and leave y out"),
        (lambda m: m.fit(batches(), sample_weight=Y), r"yield \(x, y, sample_weight\), and leave sample_weight out"),
        (lambda m: m.fit(batches(), validation_split=0.5), "validation_split needs arrays; x is a generator"),
        (lambda m: m.fit(x for x in X), "Batch 1 of the generator: expected .x, y. or .x, y, sample_weight."),
        (lambda m: m.fit(iter([])), "contains no batches"),
        (lambda m: m.fit(Stream(), schedule="cosine"), "needs to know the number of steps: pass steps_per_epoch"),
        (lambda m: m.fit(X), "fit needs targets"),
        (lambda m: m.fit(), "fit needs data"),
        (lambda m: m.fit(X, Y, shuffle="batch"), "shuffle must be True or False; received 'batch'"),
        (lambda m: m.fit(X, Y, initial_epoch=-1), "initial_epoch must be"),
        (lambda m: m.fit(X, Y, steps_per_epoch=0), "steps_per_epoch must be"),
        (lambda m: m.fit(X, Y, steps_per_epoch=10**30), "steps_per_epoch must be at most 1000000000"),
        (lambda m: m.fit(X, Y, epochs=10**30), "epochs must be at most 1000000000"),
        (lambda m: m.fit(X, Y, validation_data=(X, Y), validation_freq=0), "validation_freq must be"),
        (lambda m: m.fit(X, Y, class_weight=[1, 2, 3]), r"class_weight must be a dict .* dict\(enumerate\(weights\)\)"),
        (lambda m: m.fit(X, Y, class_weight="balanced"), "Balanced weights are"),
        (lambda m: m.fit(X, Y, class_weight={0: -1}), "weight of class 0 must be 0 or more"),
        (lambda m: m.fit(X, Y, class_weight={0: 1}, sample_weight=Y), "exclude each other, as in Keras"),
        (lambda m: m.fit(X, Y, sample_weight=Y[:3]), r"one weight for each sample, \(12,\), received shape \(3,\)"),
        (lambda m: m.fit(st.data.from_arrays(IMAGES, LABELS)), r"call model\.train\(data\)"),
        (lambda m: m.evaluate(X, Y, verbose=3), "verbose must be"),
    ],
)
def test_wrong_calls_say_what_to_write(call: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(StriateError, match=message):
        call(model())


def test_generator_that_ends_early_ends_the_training() -> None:
    with pytest.warns(UserWarning, match="generator ended after 1 of 2 batches, and training with it"):
        history = model().fit(batches(), steps_per_epoch=2, epochs=3, **QUIET)
    check(history, accuracy=[0.375, 0.5], loss=[1.085191, 1.068139])


def test_batch_size_beside_batches_is_not_used() -> None:
    with pytest.warns(UserWarning, match="batch_size is not used: x is a generator"):
        assert model().fit(batches(), batch_size=2, **QUIET).params["steps"] == 3


def test_batch_of_one_class_is_noticed() -> None:
    x, y = np.zeros((64, 4)), np.repeat([0, 1], 32)
    with pytest.warns(UserWarning, match="All 32 samples of a batch are of class 0"):
        model().fit([(x[:32], y[:32]), (x[32:], y[32:])], **QUIET)


def test_evaluate_and_predict_take_steps() -> None:
    assert model().evaluate(X, Y, batch_size=4, steps=2, return_dict=True) == pytest.approx(
        {"accuracy": 0.375, "loss": 1.0846595764160156}
    )
    assert model().predict(X, batch_size=4, steps=2).shape == (8, 3)
    assert model().predict(x for x, _ in batches()).shape == (12, 3)


def test_methods_for_one_batch() -> None:
    own = model()
    assert own.metrics_names == ["loss", "accuracy"]
    assert own.train_on_batch(X, Y, return_dict=True) == pytest.approx({"loss": 1.078931, "accuracy": 0.416667})
    own.reset_metrics()
    assert tuple(own.test_on_batch(X, Y)) == pytest.approx((1.0781915, 0.416667))
    np.testing.assert_array_equal(own.predict_on_batch(X), own.predict(X))


def test_parts_of_a_data_set_are_accepted() -> None:
    data = st.data.from_arrays(IMAGES, LABELS)
    layers = st.layers
    made = st.Sequential(
        [st.Input((2, 2, 1)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(3, activation="softmax")]
    )
    made.compile("sgd")
    history = made.fit(data.train.x, data.train.y, validation_data=data.validation, **QUIET)
    assert history.history["val_loss"] == pytest.approx([made.evaluate(data.validation)["loss"]])


class Recorder(st.callbacks.Callback):
    def __init__(self) -> None:
        self.calls: list[str] = []
        for hook in (name for name in dir(st.callbacks.Callback) if name.startswith("on_") and "_batch" not in name):
            setattr(self, hook, lambda *_, hook=hook: self.calls.append(hook.removeprefix("on_")))

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.calls.append(f"test batch {batch}: {', '.join(logs)}")

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self.calls.append(f"predict batch {batch}: {logs['outputs'].shape}")


def test_hooks_of_evaluation_and_prediction() -> None:
    recorder = Recorder()
    model().evaluate(X, Y, batch_size=8, callbacks=recorder)
    tested = ["test_begin", "test batch 0: loss, accuracy", "test batch 1: loss, accuracy", "test_end"]
    assert recorder.calls == tested
    recorder = Recorder()
    model().predict(X, callbacks=[recorder])
    assert recorder.calls == ["predict_begin", "predict batch 0: (12, 3)", "predict_end"]
    recorder = Recorder()
    model().fit(X, Y, callbacks=[recorder], validation_data=(X, Y), validation_batch_size=8, **QUIET)
    assert recorder.calls == ["train_begin", "epoch_begin", *tested, "epoch_end", "train_end"]


@pytest.mark.parametrize(
    ("verbose", "lines"),
    [(0, []), ("auto", []), (1, ["evaluate: 2 batches  loss 1.0789  accuracy 0.4167"]), (2, ["evaluate: 2 batches"])],
)
def test_verbose_of_evaluate(verbose: Any, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    model().evaluate(X, Y, batch_size=8, verbose=verbose)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(lines)
    assert all(line.startswith(start) for line, start in zip(printed, lines, strict=True))


def test_progress_of_unknown_length(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("striate.training.progress.LiveProgress.refresh_seconds", 0)
    model().fit(Stream(), epochs=2, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines if "images/s" in line] == ["epoch 1/2", "epoch 2/2"]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({"class_weight": {0: 1.0, 1: 2.0, 2: 0.5}}, ([1.265119, 1.251363], [1.074833, 1.071069])),
        ({"class_weight": {1: 2, 2: 0.5}}, ([1.265119, 1.251363], [1.074833, 1.071069])),
        ({"sample_weight": np.arange(12.0)}, ([5.873825, 5.77295], [1.068447, 1.059465])),
    ],
)
def test_weights_of_classes_and_samples(weights: Any, expected: tuple[list[float], list[float]]) -> None:
    history = model().fit(X, Y, 4, 2, shuffle=False, validation_data=(X, Y), **weights, **QUIET).history
    assert history["loss"] == pytest.approx(expected[0], abs=2e-6)
    assert history["val_loss"] == pytest.approx(expected[1], abs=2e-6)


def test_weights_in_evaluation_and_in_batches() -> None:
    weights = np.arange(12.0)
    assert model().evaluate(X, Y, sample_weight=weights)["loss"] == pytest.approx(5.8625875, abs=2e-6)
    triples = [(X[i : i + 4], Y[i : i + 4], weights[i : i + 4]) for i in (0, 4, 8)]
    assert model().evaluate(triples)["loss"] == pytest.approx(5.8625875, abs=2e-6)
    batched = model().fit(triples, epochs=2, validation_data=(X, Y, weights), **QUIET).history
    assert batched["loss"] == pytest.approx([5.873825, 5.77295], abs=2e-6)
    assert batched["val_loss"] == pytest.approx([5.758959, 5.668547], abs=2e-6)
    assert model().train_on_batch(X, Y, weights)["loss"] == pytest.approx(5.8625875, abs=2e-6)
    split = model().fit(X, Y, validation_split=0.4, class_weight={0: 0, 1: 0, 2: 0}, **QUIET).history
    assert split["loss"] == [0.0]
    assert split["val_loss"][0] > 0.5
