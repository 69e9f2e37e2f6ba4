"""One model in several threads and processes, and copies of models, on all engines."""

import copy
import multiprocessing
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import numpy as np
import pytest

import striate as st
from striate._types import Array
from striate.engines.choose import make_engine
from striate.errors import UsageError
from striate.network import Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D

ENGINES = ("numpy", "torch", "onnx")
TRAINING = ("numpy", "torch")
X = np.random.default_rng(0).integers(0, 256, (80, 8, 8, 1), np.uint8)
Y = np.arange(80) % 3


def build(engine: str) -> st.Model:
    model = st.Sequential([
        Input((8, 8, 1)), Conv2D(4, 3, activation="relu"), MaxPooling2D(2), Flatten(), Dropout(0.2),
        Dense(3, activation="softmax"),
    ], seed=1)  # fmt: skip
    model.use_engine(engine)
    return model


@pytest.mark.parametrize("engine", ENGINES)
def test_simultaneous_predictions_are_those_of_one_thread(engine: str) -> None:
    model = build(engine)
    batches = [X[start : start + 60] for start in range(0, 20, 5)]
    expected = [model.predict(batch) for batch in batches]

    def differs(number: int) -> bool:
        return bool(np.abs(model.predict(batches[number % 4]) - expected[number % 4]).max() > 1e-6)

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(differs, range(100))) == 0


@pytest.mark.parametrize("engine", TRAINING)
def test_predictions_during_training_do_not_change_it(engine: str) -> None:
    def trained(disturbed: bool) -> dict[str, Array]:
        model = build(engine)
        model.compile("sgd", learning_rate=0.01)
        ended = threading.Event()

        def predict() -> None:
            while not ended.is_set():
                model.predict(X[:30])

        threads = [threading.Thread(target=predict) for _ in range(2 * disturbed)]
        for thread in threads:
            thread.start()
        model.fit(X, Y, epochs=3, batch_size=50, verbose=0)
        ended.set()
        for thread in threads:
            thread.join()
        return model.named_weights

    alone, disturbed = trained(False), trained(True)
    assert all(np.array_equal(alone[name], disturbed[name]) for name in alone)


@pytest.mark.parametrize("engine", TRAINING)
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_continues_as_the_original(engine: str, copied: object) -> None:
    model = build(engine)
    model.compile("adam", learning_rate=0.01)
    model.fit(X, Y, verbose=0)
    other = copied(model)  # type: ignore[operator]
    for one in (model, other):
        one.fit(X, Y, epochs=2, verbose=0)
    for name, array in model.named_weights.items():
        np.testing.assert_array_equal(other.named_weights[name], array)
    before = model.predict(X[:5])
    other.named_weights = {name: array * 0 for name, array in other.named_weights.items()}
    np.testing.assert_array_equal(model.predict(X[:5]), before)


def test_copies_of_models_that_were_never_used_or_compiled() -> None:
    for model in (build("numpy"), st.zoo.build("lenet5")):
        assert copy.deepcopy(model).network == model.network
    copy.deepcopy(st.Sequential()).add(Input((2,)))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_engines_cannot_be_copied(engine: str, copied: object) -> None:
    model = build(engine)
    made = make_engine(engine, model.network, model.named_weights)
    with pytest.raises(UsageError, match=r"An engine cannot be copied or pickled\. Copy or pickle its model"):
        copied(made)  # type: ignore[operator]


def predict_in_child(model: st.Model, expected: Array) -> None:
    os._exit(0 if np.array_equal(model.predict(X), expected) else 3)


def check_child(child: multiprocessing.process.BaseProcess) -> None:
    """Run a process, which must end without an error instead of hanging."""
    child.start()
    child.join(60)
    hangs = child.is_alive()
    child.kill()
    assert not hangs
    assert child.exitcode == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", sorted({"fork", "spawn"} & set(multiprocessing.get_all_start_methods())))
def test_processes_started_after_use(method: str) -> None:
    model = build("numpy")
    child = multiprocessing.get_context(method).Process(  # type: ignore[attr-defined]
        target=predict_in_child, args=(model, model.predict(X))
    )
    check_child(child)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("engine", TRAINING)
def test_a_process_forked_while_another_thread_computes_is_not_blocked(engine: str) -> None:
    model = build(engine)
    expected = model.predict(X)
    holds, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with model.engine._lock:
            holds.set()
            may_go.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    holds.wait()
    if engine == "numpy":
        child = multiprocessing.get_context("fork").Process(target=predict_in_child, args=(model, expected))
        check_child(child)
    else:  # PyTorch's own threads do not survive a fork: only the lock is tried
        process = os.fork()
        if not process:
            os._exit(0 if model.engine._lock.acquire(blocking=False) else 3)
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    may_go.set()
    thread.join()


@pytest.mark.parametrize("engine", TRAINING)
def test_predictions_see_the_weights_before_or_after_a_step(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build(engine)
    model.compile("sgd", learning_rate=0.5)
    engine_class: Any = type(model.engine)
    update, found = engine_class._update, []
    with ThreadPoolExecutor(1) as pool:

        def disturbed(self: object, *args: object) -> object:
            found.append(pool.submit(model.predict, X[:30]))
            wait(found, timeout=0.1)
            assert not found[0].done()
            return update(self, *args)

        monkeypatch.setattr(engine_class, "_update", disturbed)
        model.train_on_batch(X, Y)
        np.testing.assert_array_equal(found[0].result(), model.predict(X[:30]))
