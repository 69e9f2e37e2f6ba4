"""Batches from generators, data loaders and any other iterable, with a known or unknown number of them."""

import dis
import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import GeneratorType
from typing import Any, Protocol

from striate.data import epoch_order
from striate.engines.base import Engine
from striate.errors import DataError, UsageError
from striate.training.samples import Samples

END = object()  # marks the end of an iterator
ENDLESS = (itertools.cycle, itertools.count, itertools.repeat)


class BatchSource(Protocol):
    """The batches of a training, from any source.

    Attributes:
        steps: The number of batches in an epoch; None while it is unknown.
        samples: The number of samples in an epoch, of all processes; None if it is unknown.
        exhausted: Whether there are no more batches for another epoch.
    """

    @property
    def exhausted(self) -> bool: ...  # noqa: D102 - an attribute, described above

    @property
    def steps(self) -> int | None: ...  # noqa: D102

    @property
    def samples(self) -> int | None: ...  # noqa: D102

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Samples, int]]:
        """Iterate over the batches of an epoch.

        Args:
            epoch: The epoch, from 0.
            start: The first batch, from 0.

        Returns:
            This process's samples of each batch and the number of samples in all processes.
        """


def is_batches(x: Any) -> bool:
    """Return whether a value is an iterable of batches, and not an array, a list of arrays, or arrays by name.

    A list holds batches if its items are tuples (x, y) or (x, y, sample_weight).

    Args:
        x: Any value.

    Returns:
        Whether it is an iterable of batches.
    """
    if x is None or isinstance(x, str | bytes | Mapping) or hasattr(x, "__array__") or hasattr(x, "shape"):
        return False
    if isinstance(x, tuple):
        return False
    if isinstance(x, list):
        return bool(x) and all(
            isinstance(item, tuple) and len(item) in (2, 3) and all(hasattr(part, "__len__") for part in item[:2])
            for item in x
        )
    return hasattr(x, "__iter__") or (hasattr(x, "__len__") and hasattr(x, "__getitem__"))


def split_batch(item: Any) -> tuple[Any, Any, Any]:
    """Split an item of an iterable of batches.

    Args:
        item: Inputs, (inputs, targets) or (inputs, targets, weights).

    Returns:
        Inputs, targets and sample weights; None for those that are missing.

    Raises:
        DataError: If it has another form.
    """
    if isinstance(item, list | tuple):
        if not 1 <= len(item) <= 3:
            raise DataError(f"expected (x, y) or (x, y, sample_weight), received {len(item)} parts")
        x, y, weights = (*item, None, None)[:3]
        return x, y, weights
    return item, None, None


class BatchStream:
    """The items of an iterable of batches, epoch by epoch.

    An object with `__len__` and `__getitem__` but without `__iter__`, such as a PyDataset of Keras, is read by index,
    in an order that is a function of (seed, pass) if it is shuffled. All others are read in their own order.

    Args:
        batches: The iterable.
        steps: Number of batches in an epoch; the next epoch continues from there. None: all batches.
        epochs: Number of epochs.
        shuffle_seed: Seed of the order of batches that are read by index; None: in order.
        steps_name: Name of the argument for the number of steps, for messages.

    Attributes:
        kind: The type of the iterable, for messages.
        steps: Number of batches in an epoch; None while it is unknown.
        exhausted: Whether there are no more batches for another epoch.

    Raises:
        UsageError: If the iterable never ends or can be iterated only once, and the number of steps is not given.
    """

    def __init__(
        self,
        batches: Any,
        *,
        steps: int | None = None,
        epochs: int = 1,
        shuffle_seed: int | None = None,
        steps_name: str = "steps_per_epoch",
    ) -> None:
        self.kind = kind_of(batches)
        self._batches, self._asked, self._seed, self._steps_name = batches, steps, shuffle_seed, steps_name
        self._by_index = not hasattr(batches, "__iter__")
        self._once = not self._by_index and iter(batches) is batches
        self._iterator: Iterator[Any] | None = None
        self._passes = 0
        self.exhausted = False
        _check_not_samples(batches)
        self.steps = _length(batches) if steps is None else steps
        if steps is None and _is_endless(batches):
            raise UsageError(f"This {self.kind} never ends: pass {steps_name}, the number of batches to use.")
        if steps is None and self._once and epochs > 1:
            raise UsageError(
                f"This {self.kind} can be gone through only once, and there are {epochs} epochs: pass {steps_name}, or "
                "an object that can be iterated repeatedly, such as a list or a DataLoader."
            )

    def first(self) -> Any:
        """Return the first item, which stays the first of the next epoch.

        Returns:
            The item.

        Raises:
            DataError: If there are no items.
        """
        self._iterator = self._iterator or self._open()
        item = next(self._iterator, END)
        if item is END:
            raise DataError(f"This {self.kind} contains no batches.")
        self._iterator = itertools.chain([item], self._iterator)
        return item

    def epoch(self) -> Iterator[Any]:
        """Iterate over the items of the next epoch.

        Yields:
            Each item.

        Raises:
            DataError: If there are no items.
        """
        number = 0
        for item in self._items():
            number += 1
            yield item
        if not number and not self.exhausted:
            raise DataError(f"This {self.kind} contains no batches.")
        if self._asked is None:
            self.steps = number
        _notify(self._batches, "on_epoch_end")

    def samples(self, make: Callable[[Any], Samples]) -> Iterator[Samples]:
        """Iterate over the samples of the next epoch.

        Args:
            make: Makes samples of an item, and raises DataError for one that does not fit.

        Yields:
            The samples of each batch.

        Raises:
            DataError: If a batch does not fit the network, or there are none.
        """
        for number, item in enumerate(self.epoch(), start=1):
            try:
                samples = make(item)
            except DataError as error:
                raise DataError(f"Batch {number} of the {self.kind}: {error}") from error
            yield samples

    def _items(self) -> Iterator[Any]:
        """Yield the items of an epoch; a number of steps may begin and end in the middle of a pass."""
        if self._asked is None:
            iterator, self._iterator = self._iterator or self._open(), None
            yield from iterator
            return
        for number in range(self._asked):
            item = self._next()
            if item is END:
                self.exhausted = True
                return self._warn(number)
            yield item

    def _next(self) -> Any:
        """Return the next item, of a new pass if one has ended, or END."""
        if self._iterator is None:
            self._iterator = self._open()
        item = next(self._iterator, END)
        if item is END and not self._once:
            self._iterator = self._open()
            item = next(self._iterator, END)
        return item

    def _warn(self, number: int) -> None:
        """Warn that there are fewer batches than asked for."""
        warnings.warn(
            f"The {self.kind} ended after {number} of {self._asked} batches, and training with it. It must "
            f"yield {self._steps_name} × epochs batches.",
            stacklevel=2,
        )

    def _open(self) -> Iterator[Any]:
        """Begin a pass over all items."""
        _notify(self._batches, "on_epoch_begin")
        self._passes += 1
        if not self._by_index:
            return iter(self._batches)
        count = self.steps if self._asked is None else _length(self._batches)
        if count is None:
            return map(self._batches.__getitem__, itertools.count())
        if self._seed is None:
            return map(self._batches.__getitem__, range(count))
        return map(self._batches.__getitem__, epoch_order(count, self._seed, self._passes - 1).tolist())


class StreamLoader:
    """The batches of a stream as a source of training batches.

    Args:
        stream: The stream; in distributed training it is the same in all processes.
        make: Makes samples of an item.
        engine: Its rank and number of processes are used.
    """

    samples: int | None = None

    def __init__(self, stream: BatchStream, make: Callable[[Any], Samples], engine: Engine) -> None:
        self._stream, self._make, self._engine = stream, make, engine

    @property
    def steps(self) -> int | None:
        """The number of batches in an epoch; None while it is unknown."""
        return self._stream.steps

    @property
    def exhausted(self) -> bool:
        """Whether there are no more batches for another epoch."""
        return self._stream.exhausted

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Samples, int]]:
        """Iterate over the batches of the next epoch; its number and `start` are not used, as there is no going back.

        Args:
            epoch: The epoch, from 0.
            start: The first batch, from 0.

        Yields:
            This process's samples of each batch and the number of samples in all processes.
        """
        for batch in self._stream.samples(self._make):
            yield batch.take(slice(self._engine.rank, None, self._engine.world_size)), len(batch)


def kind_of(batches: Any) -> str:
    """Return the type of an iterable, for messages."""
    return "generator" if isinstance(batches, GeneratorType) else type(batches).__name__


def _length(batches: Any) -> int | None:
    """Return the number of items, or None if it is unknown."""
    try:
        return len(batches)
    except TypeError:
        return None


def _is_endless(batches: Any) -> bool:
    """Return whether an iterable certainly never ends: its code has no way to return, or it is a known one."""
    if not isinstance(batches, GeneratorType):
        return isinstance(batches, ENDLESS) or (not hasattr(batches, "__iter__") and _length(batches) is None)
    return not any(step.opname in ("RETURN_VALUE", "RETURN_CONST") for step in dis.get_instructions(batches.gi_code))


def _check_not_samples(batches: Any) -> None:
    """Raise UsageError for a Dataset of PyTorch, which holds samples and not batches."""
    for kind in type(batches).__mro__:
        if kind.__module__.startswith("torch.utils.data") and kind.__name__ == "Dataset":
            raise UsageError(
                f"A {type(batches).__name__} of PyTorch contains single samples: pass DataLoader(dataset, "
                "batch_size=32)."
            )


def _notify(batches: Any, hook: str) -> None:
    method = getattr(batches, hook, None)
    if callable(method):
        method()
