"""Results do not depend on the number of threads, bit for bit."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from striate._types import Array
from striate.engines.base import TrainingSettings
from striate.engines.initialization import initial_weights
from striate.engines.numpy import NumpyEngine, workers
from striate.engines.optimizers import Adam
from striate.network import Network
from striate.training.losses import default_losses
from striate.zoo.registry import list_models
from striate.zoo.registry import network as zoo_network

from .networks import NETWORKS, pixels

SMALLER: dict[str, Any] = {"input_shape": (13, 12, 1)}
LARGE = {"tutorial-cnn", "mnist-cnn", "mnist-cnn-functional", "mnist-cnn-subclassed", "mnist-best"}
# The other networks are for larger images.
FOR_NUMPY = [name for name in list_models() if zoo_network(name).multiply_adds < 5e7]


def train(network: Network, batch: int, threads: int) -> tuple[list[bytes], list[float]]:
    """Return the bytes of all weights, slots and outputs, and the losses, of three steps."""
    engine = NumpyEngine(network, initial_weights(network, 1), threads=threads)
    engine.compile(TrainingSettings(Adam(), default_losses(network), seed=2))
    shape = network.output_shapes[0]
    losses, outputs = [], []
    for step in range(3):
        target: Array = np.arange(batch) % shape[0] if shape[0] > 1 else np.full((batch, 1), 0.5)
        result = engine.train_step(pixels(network, batch, step), [target], learning_rate=0.01, step=step)
        losses.append(result.loss)
        outputs += [output.tobytes() for output in result.outputs]
    return [array.tobytes() for array in (*engine.weights.values(), *engine.slots.values())] + outputs, losses


@pytest.mark.parametrize("name", FOR_NUMPY)
def test_every_network_of_the_zoo(name: str) -> None:
    network = zoo_network(name, **(SMALLER if name in LARGE else {}))
    for batch in (1, 7, 33, 100):
        single_threaded = train(network, batch, threads=1)
        assert np.isfinite(single_threaded[1]).all()
        for threads in (2, 3, 5):
            assert train(network, batch, threads) == single_threaded, (batch, threads)


@pytest.mark.parametrize("name", ["conv bn relu pool", "graph", "dropout", "connections", "depthwise", "lrn"])
def test_more_shards_than_threads_and_vice_versa(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "SHARD_SIZE", 4)
    monkeypatch.setattr(workers, "MAX_SHARDS", 5)
    assert len(workers.split_batch(33)) == 5
    single_threaded = train(NETWORKS[name], 33, threads=1)
    for threads in (2, 3, 9):
        assert train(NETWORKS[name], 33, threads) == single_threaded


@pytest.mark.parametrize("n", [1, 2, 24, 25, 49, 50, 51, 99, 100, 1000])
def test_batch_is_split_into_even_parts_that_cover_it(n: int) -> None:
    parts = workers.split_batch(n)
    assert np.array_equal(np.concatenate([np.arange(n)[part] for part in parts]), np.arange(n))
    sizes = [part.stop - part.start for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert len(parts) == 1 or min(sizes) >= workers.SHARD_SIZE


def test_error_in_any_shard_is_raised() -> None:
    done: list[int] = []

    def job(index: int) -> None:
        if index == 3:
            raise ValueError("shard 3")
        done.append(index)

    pool = workers.WorkerPool(2)
    pool.map(job, 3)
    assert sorted(done) == [0, 1, 2]
    with pytest.raises(ValueError, match="shard 3"):
        pool.map(job, 5)
    pool.map(job, 2)
    assert sorted(done)[-1] in (2, 4)


@pytest.mark.parametrize("bad", [0, 1, 2])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_error_after_an_exchange_is_raised_without_deadlock(bad: int, threads: int) -> None:
    def task(own: int) -> Any:
        parts = yield own
        if own == bad:
            raise ValueError(f"shard {own}")
        yield sum(parts)
        return own

    pool = workers.WorkerPool(threads)
    with pytest.raises(ValueError, match=f"shard {bad}"):
        pool.run([task(i) for i in range(3)])
    assert pool.run([task(i) for i in range(3, 6)]) == [3, 4, 5]


def test_shards_receive_the_parts_of_all() -> None:
    def task(own: int) -> Any:
        first = yield own
        second = yield own * sum(first)
        return own, sum(second)

    assert workers.WorkerPool(2).run([task(1), task(2), task(3)]) == [(1, 36), (2, 36), (3, 36)]


@pytest.mark.parametrize("name", ["conv bn relu pool", "graph", "winograd pool"])
def test_several_threads_can_use_one_engine(name: str) -> None:
    """Each gets the outputs and activations of its own batch."""
    network = NETWORKS[name]
    engine = NumpyEngine(network, initial_weights(network, 1))
    batches = [pixels(network, 60, seed) for seed in range(8)]
    outputs = [engine.forward(batch)[0].tobytes() for batch in batches]
    activations = [engine.activations(batch) for batch in batches]

    def check(index: int) -> bool:
        same = engine.forward(batches[index])[0].tobytes() == outputs[index]
        found = engine.activations(batches[index])
        return same and all(np.array_equal(found[layer], a) for layer, a in activations[index].items())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(check, list(range(8)) * 10))
