"""The batches of each training step: ordered, augmented and mixed samples, prepared in a background thread."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from math import prod
from typing import TypeVar

import numpy as np

from striate._types import Array
from striate.data import Augmentation, batches, epoch_order
from striate.data.mixing import Mixing
from striate.engines.base import Engine
from striate.errors import UsageError
from striate.training.recipe import Recipe
from striate.training.samples import Samples

T = TypeVar("T")

PREFETCHED = 2  # batches being prepared
THREADS = 1  # number of threads; on two cores, a second one changed nothing
SMALL_BATCH = 1 << 20  # bytes; preparing a smaller batch takes less time than passing it to a thread


class BatchLoader:
    """The training batches for this process, which has the samples rank, rank + world_size, … of each batch.

    The contents of a batch depend on the recipe's seed, the epoch and the batch's number, never on threads.
    Raises UsageError when the recipe augments inputs that are not images (N, H, W, C).

    Args:
        train: The samples.
        recipe: Its batch size, seed and augmentation are used.
        engine: The engine that takes the batches.
        shuffle: Whether each pass has its own order.
        steps: Number of batches in an epoch, of which the next one goes on where it ended. None: those of one pass.
    """

    exhausted = False

    def __init__(
        self, train: Samples, recipe: Recipe, engine: Engine, *, shuffle: bool = True, steps: int | None = None
    ) -> None:
        self._train, self._seed, self._engine, self._shuffle = train, recipe.seed, engine, shuffle
        self._slices = batches(len(train), recipe.batch_size)
        self._steps = len(self._slices) if steps is None else steps
        chosen = recipe.augmentation
        self._augmentation = None if chosen is None or chosen.is_identity else chosen
        if self._augmentation:
            _check_images(train, engine)

    @property
    def steps(self) -> int:
        """The number of batches in an epoch."""
        return self._steps

    @property
    def samples(self) -> int:
        """The number of samples in an epoch, of all processes."""
        return len(self._train) * self._steps // len(self._slices)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Samples, int]]:
        """Iterate over the batches of an epoch.

        Args:
            epoch: The epoch, from 0.
            start: The first batch, from 0.

        Returns:
            This process's samples of each batch and the number of samples in all processes. If images are
            mixed, targets are float32, with rows (N, classes) instead of class numbers.
        """
        indices = self._indices(epoch, start)
        augmentation = self._augmentation
        if augmentation is not None:
            return _prefetch(lambda index: (self._augment(augmentation, index, epoch), len(index)), indices)
        return map(self._plain, indices) if self._batch_bytes <= SMALL_BATCH else _prefetch(self._plain, indices)

    def _indices(self, epoch: int, start: int) -> list[Array]:
        """Return the numbers of the samples of each batch."""
        passes: dict[int, Array] = {}
        indices = []
        for position in range(epoch * self._steps + start, (epoch + 1) * self._steps):
            number, part = divmod(position, len(self._slices))
            if number not in passes:
                count = len(self._train)
                passes[number] = epoch_order(count, self._seed, number) if self._shuffle else np.arange(count)
            indices.append(passes[number][self._slices[part]])
        return indices

    @property
    def _batch_bytes(self) -> int:
        sample = sum(x.dtype.itemsize * prod(x.shape[1:]) for x in self._train.inputs)
        return int(self._slices[0].stop) * sample

    def _plain(self, index: Array) -> tuple[Samples, int]:
        return self._train.take(index[self._engine.rank :: self._engine.world_size]), len(index)

    def _augment(self, augmentation: Augmentation, index: Array, epoch: int) -> Samples:
        engine = self._engine
        inputs = []
        for x in self._train.inputs:
            parameters = augmentation.sample(
                index, self._seed, epoch, x.shape[1:], rank=engine.rank, world_size=engine.world_size
            )
            rows, mixing = index[parameters.indices], parameters.mixing
            inputs.append(engine.augment(x[rows], parameters))
        targets = tuple(y[rows] for y in self._train.targets)
        weights = tuple(w[rows] for w in self._train.weights)
        if mixing is None:
            return Samples(tuple(inputs), targets, weights)
        mixed = tuple(map(mixing.mix_targets, weights))
        return Samples(tuple(inputs), self._mix_targets(targets, mixing), mixed)

    def _mix_targets(self, targets: Sequence[Array], mixing: Mixing) -> tuple[Array, ...]:
        classes = [shape[-1] for shape in self._engine.network.output_shapes]
        rows = [np.eye(n, dtype=np.float32)[y] if y.ndim == 1 else y for y, n in zip(targets, classes, strict=True)]
        return tuple(map(mixing.mix_targets, rows))


def _check_images(train: Samples, engine: Engine) -> None:
    for x, index in zip(train.inputs, engine.network.inputs, strict=True):
        layer = engine.network.nodes[index].layer
        if x.ndim != 4 or getattr(layer, "data_format", "channels_last") != "channels_last":
            raise UsageError(
                f"Augmentation changes images (N, H, W, C), and input '{layer.name}' takes "
                f"{'other data' if x.ndim != 4 else 'them with channels first'}. Train without augmentation."
            )


def _prefetch(make: Callable[[Array], T], items: Sequence[Array]) -> Iterator[T]:
    """Yield make(item) for each item in order; threads make the next ones while one is used."""
    waiting = iter(items)
    with ThreadPoolExecutor(THREADS, "loader") as pool:
        pending = deque(pool.submit(make, item) for item in islice(waiting, PREFETCHED))
        while pending:
            ready = pending.popleft().result()
            pending.extend(pool.submit(make, item) for item in islice(waiting, 1))
            yield ready
