"""What each training step gets: which samples in which order, changed and mixed, worked out while steps run."""

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

AHEAD = 2  # batches in the making
THREADS = 1  # one keeps up with any step; on two cores a second changed nothing
SMALL = 1 << 20  # bytes of a batch that is taken sooner than a thread is told to take it


class Feed:
    """The batches of a training, of this process: of several, each has the samples rank, rank + world, … of a batch.

    steps: how many batches an epoch has. What a step gets depends on the recipe's seed, the epoch and the batch's
    number, never on threads. Raises UsageError for augmentation of what are no images (N, H, W, C).
    """

    def __init__(self, train: Samples, recipe: Recipe, engine: Engine) -> None:
        self._train, self._seed, self._engine = train, recipe.seed, engine
        self._slices = batches(len(train), recipe.batch_size)
        chosen = recipe.augmentation
        self._augmentation = None if chosen is None or chosen.is_identity else chosen
        if self._augmentation:
            _check_images(train, engine)

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return len(self._slices)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Samples, int]]:
        """The batches of an epoch from number `start` on, each with its number of samples in all processes.

        Where pictures are mixed, targets are float32: rows (N, classes) for class numbers.
        """
        order = epoch_order(len(self._train), self._seed, epoch)
        wanted = [order[part] for part in self._slices[start:]]
        augmentation = self._augmentation
        if augmentation is not None:
            return _ahead(lambda index: (self._changed(augmentation, index, epoch), len(index)), wanted)
        return map(self._plain, wanted) if self._bytes <= SMALL else _ahead(self._plain, wanted)

    @property
    def _bytes(self) -> int:
        """Of the inputs of a batch."""
        sample = sum(x.dtype.itemsize * prod(x.shape[1:]) for x in self._train.inputs)
        return int(self._slices[0].stop) * sample

    def _plain(self, index: Array) -> tuple[Samples, int]:
        return self._train.take(index[self._engine.rank :: self._engine.world_size]), len(index)

    def _changed(self, augmentation: Augmentation, index: Array, epoch: int) -> Samples:
        engine = self._engine
        inputs = []
        for x in self._train.inputs:
            parameters = augmentation.sample(
                index, self._seed, epoch, x.shape[1:], rank=engine.rank, world_size=engine.world_size
            )
            rows, mixing = index[parameters.rows], parameters.mixing
            inputs.append(engine.augment(x[rows], parameters))
        targets = tuple(y[rows] for y in self._train.targets)
        return Samples(tuple(inputs), targets if mixing is None else self._mixed(targets, mixing))

    def _mixed(self, targets: Sequence[Array], mixing: Mixing) -> tuple[Array, ...]:
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


def _ahead(make: Callable[[Array], T], items: Sequence[Array]) -> Iterator[T]:
    """make(item) for each item in order, the next ones being made in other threads while one is used."""
    waiting = iter(items)
    with ThreadPoolExecutor(THREADS, "feed") as pool:
        pending = deque(pool.submit(make, item) for item in islice(waiting, AHEAD))
        while pending:
            ready = pending.popleft().result()
            pending.extend(pool.submit(make, item) for item in islice(waiting, 1))
            yield ready
