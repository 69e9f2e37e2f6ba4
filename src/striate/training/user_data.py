"""What a user passes as x, y and weights to fit, evaluate and predict: arrays, or an iterable of batches."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from striate._types import Array
from striate.arguments import check_integer, describe
from striate.data import Dataset
from striate.data.dataset import Images
from striate.engines.base import Engine
from striate.engines.losses import Loss
from striate.errors import DataError, UsageError
from striate.network import Network
from striate.training.batches import BatchSource, BatchStream, StreamLoader, is_batches, kind_of, split_batch
from striate.training.inference import BATCH_SIZE, rows_of_process, slices
from striate.training.input_scale import Range, check_range
from striate.training.samples import Samples, check_inputs, check_samples, warn_of_missing_classes
from striate.training.weighting import check_class_weight, check_weights, weights_of_classes

MAX_COUNT = 10**9  # number of steps or epochs; more would never end
BATCH_SIZE_OF_STEPS = 32  # as in Keras, where a number of steps decides how many samples are used


class UserData:
    """Arrays or an iterable of batches, before anything is known of the network.

    Args:
        x: Arrays, an iterable of batches, or the `Images` of a data set.
        y: Targets; None if `x` contains them.
        sample_weight: The weight of each sample in the loss.
        class_weight: The weight of each class in the loss.
        batch_size: Number of samples in a batch; None: the default.
        steps: Number of batches in an epoch; None: all.
        epochs: Number of epochs.
        shuffle_seed: Seed of the order of batches that are read by index; None: in order.
        steps_name: Name of the argument for the number of steps, for messages.
        purpose: What the data are for, for messages; targets are needed for all but "predict".

    Attributes:
        input_range: The range of the inputs of training, with which these are compared; None: not compared.
        on_first_batch: Called with the inputs of the first batch that is made from an iterable.

    Raises:
        UsageError: If the arguments exclude each other, or the number of steps is needed.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        batch_size: int | None = None,
        steps: int | None = None,
        epochs: int = 1,
        shuffle_seed: int | None = None,
        steps_name: str = "steps",
        purpose: str = "fit",
    ) -> None:
        if isinstance(x, Dataset):
            raise UsageError(
                f"A Dataset has several splits. To train on it call model.train(data); to pass one split to {purpose}, "
                "write for example data.test.x, data.test.y."
            )
        if isinstance(x, Images) and y is None:
            x, y = x.x, x.y
        self.x, self.y, self.sample_weight = x, y, sample_weight
        self.class_weight = None if class_weight is None else check_class_weight(class_weight)
        self.batch_size = None if batch_size is None else check_integer("batch_size", batch_size, 1)
        self.steps = None if steps is None else check_integer(steps_name, steps, 1, MAX_COUNT)
        self.stream: BatchStream | None = None
        self.input_range: Range | None = None
        self.on_first_batch: Callable[[tuple[Array, ...]], None] | None = None
        if is_batches(x):
            _require_nothing_beside(x, y=y, sample_weight=sample_weight)
            if batch_size is not None:
                warnings.warn(
                    f"batch_size is not used: x is a {kind_of(x)}, whose batches have their own size.", stacklevel=4
                )
            self.stream = BatchStream(
                x, steps=self.steps, epochs=epochs, shuffle_seed=shuffle_seed, steps_name=steps_name
            )
        elif x is None:
            raise UsageError(f"{purpose} needs data: pass x and y, or an iterable of batches (x, y).")
        elif y is None and purpose != "predict":
            raise UsageError(f"{purpose} needs targets: pass y as well as x, or an iterable of batches (x, y).")
        if sample_weight is not None and class_weight is not None:
            raise UsageError(
                "sample_weight and class_weight exclude each other, as in Keras: multiply the weight of each sample by "
                "that of its class, and pass sample_weight."
            )

    @property
    def first_x(self) -> Any:
        """The inputs, or those of the first batch."""
        return self.x if self.stream is None else split_batch(self.stream.first())[0]

    @property
    def first_y(self) -> Any:
        """The targets, or those of the first batch."""
        return self.y if self.stream is None else split_batch(self.stream.first())[1]

    def samples(self, network: Network, losses: Sequence[Loss]) -> Samples:
        """Return the samples of arrays.

        Args:
            network: The network.
            losses: One for each output.

        Returns:
            The checked samples.

        Raises:
            DataError: If they do not match the network.
        """
        return self._make(network, losses, self.x, self.y, self.sample_weight)

    def loader(self, network: Network, losses: Sequence[Loss], engine: Engine) -> BatchSource:
        """Return the source of a training on an iterable of batches. Its batches raise DataError if they do not fit.

        Args:
            network: The network.
            losses: One for each output.
            engine: The engine that takes the batches.

        Returns:
            The source.
        """
        assert self.stream
        make, warned = self._maker(network, losses), False

        def make_and_warn(item: Any) -> Samples:
            nonlocal warned
            batch = make(item)
            if self.on_first_batch:
                self.on_first_batch(batch.inputs)
                self.on_first_batch = None
            if not warned:
                warned = warn_of_missing_classes(network, batch, losses, "samples of a batch")
            return batch

        return StreamLoader(self.stream, make_and_warn, engine)

    def batches(self, network: Network, losses: Sequence[Loss], engine: Engine) -> tuple[Iterable[Samples], int | None]:
        """Return this process's batches for an evaluation, and their number, None if it is unknown.

        Args:
            network: The network.
            losses: One for each output.
            engine: Its rank and number of processes are used.

        Returns:
            The batches and their number.

        Raises:
            DataError: If they do not match the network.
        """
        if self.stream:
            own = slice(engine.rank, None, engine.world_size)
            parts = (batch.take(own) for batch in self.stream.samples(self._maker(network, losses)))
            return parts, self.stream.steps
        samples = self.used_samples(network, losses)
        rows = list(slices(rows_of_process(engine, len(samples)), self.size))
        return map(samples.take, rows), len(rows)

    def used_samples(self, network: Network, losses: Sequence[Loss]) -> Samples:
        """Return those samples of arrays that the number of steps requires."""
        samples = self.samples(network, losses)
        count = self._count(len(samples))
        return samples if count == len(samples) else samples.take(slice(count))

    def input_batches(self, network: Network) -> tuple[Iterator[tuple[Array, ...]], int | None]:
        """Prepare the batches of inputs for a prediction.

        Args:
            network: The network.

        Returns:
            The inputs of each batch, and the number of batches; None if it is unknown.
        """
        if self.stream:
            items = self.stream.samples(lambda item: Samples(self._inputs(network, split_batch(item)[0]), ()))
            return (batch.inputs for batch in items), self.stream.steps
        inputs = self._inputs(network, self.x)
        parts = list(slices(range(self._count(len(inputs[0]))), self.size))
        return (tuple(x[part] for x in inputs) for part in parts), len(parts)

    @property
    def size(self) -> int:
        """The number of samples in a batch of arrays."""
        return self.batch_size or (BATCH_SIZE_OF_STEPS if self.steps else BATCH_SIZE)

    def _count(self, samples: int) -> int:
        """Return how many samples of arrays are used."""
        return min(samples, self.steps * self.size) if self.steps else samples

    def _inputs(self, network: Network, x: Any) -> tuple[Array, ...]:
        inputs = check_inputs(network, x)
        check_range(network, inputs, self.input_range)
        return inputs

    def _maker(self, network: Network, losses: Sequence[Loss]) -> Callable[[Any], Samples]:
        def make(item: Any) -> Samples:
            x, y, weights = split_batch(item)
            if y is None:
                raise DataError(f"expected (x, y) or (x, y, sample_weight), received {describe(item)}.")
            return self._make(network, losses, x, y, weights)

        return make

    def _make(self, network: Network, losses: Sequence[Loss], x: Any, y: Any, weights: Any) -> Samples:
        samples = check_samples(network, losses, x, y)
        check_range(network, samples.inputs, self.input_range)
        if weights is not None:
            return Samples(samples.inputs, samples.targets, check_weights(network, weights, len(samples)))
        if self.class_weight is not None:
            return Samples(samples.inputs, samples.targets, weights_of_classes(self.class_weight, samples, losses))
        return samples


def _require_nothing_beside(x: Any, **others: Any) -> None:
    """Raise UsageError if targets or weights are passed beside an iterable of batches, which contains them."""
    for name, value in others.items():
        if value is not None:
            what = "(x, y, sample_weight)" if name == "sample_weight" else "(x, y)"
            raise UsageError(
                f"x is a {kind_of(x)}, whose batches contain everything: yield {what}, and leave {name} out."
            )
