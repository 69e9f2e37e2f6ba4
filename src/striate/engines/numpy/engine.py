"""The NumPy engine: runs the plan of a network on threads, one for each shard of a batch."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from itertools import compress
from types import GeneratorType
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from striate._types import Array, Weights
from striate.engines.base import Engine, StepResult, TrainingSettings
from striate.engines.losses.custom import RETURN_FORMS, CustomLoss
from striate.engines.numpy import losses, optimizers
from striate.engines.numpy.memory import Scratch, planes
from striate.engines.numpy.parameters import (
    FlatParameters,
    MovingAverage,
    Penalties,
    chunks,
    clip,
    clip_parameters,
    sum_into_first,
)
from striate.engines.numpy.planner import Operation, Plan, make_plan
from striate.engines.numpy.rules import LayerContext
from striate.engines.numpy.workers import Task, WorkerPool, split_batch
from striate.errors import UsageError
from striate.network import Network
from striate.network.outputs import output_forms


class Shard:
    """The computation of one part of a batch: contexts, states and values of all operations."""

    def __init__(self, plan: Plan, dtype: str, weights: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        self.plan, self._dtype = plan, dtype
        shared = Scratch()
        self.contexts = [self._context(operation, weights, gradients, shared) for operation in plan.operations]
        self.states: list[Any] = [None] * len(plan.operations)
        self.values: list[Any] = []

    def _context(
        self, operation: Operation, weights: Mapping[str, Array], gradients: Mapping[str, Array], shared: Scratch
    ) -> LayerContext:
        names = {variable: f"{operation.layer}/{variable}" for variable in operation.variables}
        own = {variable: weights[name] for variable, name in names.items()}
        outputs = {variable: gradients[names[variable]] for variable in operation.trainable}
        if operation.repeated:
            outputs = {variable: np.empty_like(gradient) for variable, gradient in outputs.items()}
        if operation.frozen and operation.has_backward:  # its rule writes gradients, which are discarded
            outputs = {variable: np.empty_like(weight) for variable, weight in own.items()}
        return LayerContext(Scratch(shared), self._dtype, own, outputs, needs_dx=operation.needs_dx)

    def forward(self, inputs: Sequence[Array], training: bool) -> Task:
        """Run the forward pass: set `values` and `states`, and return the outputs."""
        values = self.values = [None] * self.plan.slots
        for slot, x in zip(self.plan.inputs, inputs, strict=True):
            values[slot] = x
        for index, (operation, context) in enumerate(zip(self.plan.operations, self.contexts, strict=True)):
            context.training = training and not operation.frozen
            result = operation.rule.forward(context, *[values[slot] for slot in operation.inputs])
            if isinstance(result, GeneratorType):
                result = yield from result
            values[operation.output], self.states[index] = result
        return [values[output.slot] for output in self.plan.outputs]

    def backward(
        self, output_gradients: Mapping[int, Array], gradients: Mapping[str, Array], keep: Collection[int] = ()
    ) -> Task:
        """Run the backward pass from the gradients of some slots to those of the weights; return those of `keep`."""
        kept: dict[int, Array] = {}
        slot_gradients: list[Any] = [None] * self.plan.slots
        for slot, gradient in output_gradients.items():
            slot_gradients[slot] = gradient
        steps = zip(reversed(self.plan.operations), reversed(self.contexts), reversed(self.states), strict=True)
        for operation, context, state in steps:
            dy, slot_gradients[operation.output] = slot_gradients[operation.output], None
            if dy is not None and operation.output in keep:
                kept[operation.output] = dy.copy()  # because the rule may write to dy
            if dy is None or not operation.has_backward:
                continue
            result = operation.rule.backward(context, state, dy)
            if isinstance(result, GeneratorType):
                result = yield from result
            if operation.repeated:
                for variable, gradient in context.gradients.items():
                    gradients[f"{operation.layer}/{variable}"] += gradient
            for slot, dx, needed in zip(operation.inputs, result, operation.needs_dx, strict=True):
                if needed:
                    slot_gradients[slot] = dx if slot_gradients[slot] is None else slot_gradients[slot] + dx
        return kept

    def update_statistics(self) -> None:
        """Update the moving statistics from the last forward pass."""
        for operation, context, state in zip(self.plan.operations, self.contexts, self.states, strict=True):
            operation.rule.update_statistics(context, state)


class NumpyEngine(Engine):
    """Inference and training with NumPy on all cores.

    The engine is thread-safe: it processes one call at a time, with all its threads.

    Args:
        network: The network.
        weights: All parameters by full name.
        dtype: "float32", or "float64" for gradient checks.
        threads: Number of threads; None: one for each core. Results do not depend on it, bit for bit.

    Raises:
        UsageError: If the weights do not fit the network.
    """

    name = "numpy"

    def __init__(
        self, network: Network, weights: Mapping[str, Array], *, dtype: str = "float32", threads: int | None = None
    ) -> None:
        super().__init__(network, weights, dtype=dtype)
        self._pool = WorkerPool(threads)
        self._lay_out(frozenset())
        self._forms = output_forms(network)
        self._average: MovingAverage | None = None
        self._slots: dict[str, FlatParameters] = {}
        self._updates = 0
        self._step = 0
        self.weights = dict(weights)

    def _lay_out(self, frozen: frozenset[str]) -> None:
        """Allocate the weights, with the trained ones in one array, and plan the network."""
        network, self._frozen = self.network, frozen
        trained = [p.trainable and p.name.rsplit("/", 1)[0] not in frozen for p in network.parameters]
        self._trained = tuple(compress(network.parameters, trained))
        self._trainable = FlatParameters(self._trained, self.dtype)
        fixed = tuple(p for p, is_trained in zip(network.parameters, trained, strict=True) if not is_trained)
        self._fixed = FlatParameters(fixed, self.dtype)
        self._views = {**self._trainable.views, **self._fixed.views}
        self._plan = make_plan(network, frozen=frozen)
        self._shards: list[tuple[Shard, FlatParameters]] = []
        self._penalties = Penalties(network, self._views)
        self.__dict__.pop("_decay", None)

    def _freeze(self, frozen: frozenset[str]) -> None:
        if frozen == self._frozen:
            return
        weights = self.weights
        self._lay_out(frozen)
        self.weights = weights

    @property
    def weights(self) -> Weights:
        """Copies of all parameters by full name."""
        copies = {**self._trainable.copies(), **self._fixed.copies()}
        return {parameter.name: copies[parameter.name] for parameter in self.network.parameters}

    @weights.setter
    def weights(self, weights: Mapping[str, Array]) -> None:
        self._check_weights(weights)
        self._trainable.set(weights)
        self._fixed.set(weights)
        self._note_change()

    def weights_of(self, layer: str) -> Weights:
        """Return copies of the parameters of one layer by variable (`kernel`)."""
        return {n.removeprefix(f"{layer}/"): w.copy() for n, w in self._views.items() if n.rsplit("/", 1)[0] == layer}

    def compile(self, settings: TrainingSettings) -> None:
        """Set how to train, and clear the slots.

        Args:
            settings: How to train.

        Raises:
            UsageError: If the settings do not fit the network.
        """
        settings.check(self.network)
        for loss in settings.losses:
            if isinstance(loss, CustomLoss) and not loss.has_gradient:
                raise UsageError(
                    f"The loss '{loss.name}' returns no gradient, which the NumPy engine needs. {RETURN_FORMS}"
                )
        self._freeze(frozenset(settings.frozen_layers))
        self._settings, self._updates = settings, 0
        flats = [self._trainable, self._fixed]
        self._average = None if settings.ema_decay is None else MovingAverage(settings.ema_decay, flats)
        self._slots = {
            name: FlatParameters(self._trained, self.dtype) for name in optimizers.slot_names(settings.optimizer)
        }

    @property
    def slots(self) -> Weights:
        """Copies of the optimizer's state, the averaged weights, and `iterations`, the number of updates."""
        if not self._updates:
            return {}
        arrays = {f"{name}/{slot}": a for slot, flat in self._slots.items() for name, a in flat.copies().items()}
        averages = self._average.slots() if self._average else {}
        return {**arrays, **averages, "iterations": np.array([self._updates])}

    @slots.setter
    def slots(self, slots: Mapping[str, Array]) -> None:
        self._updates = int(slots["iterations"][0]) if slots else 0
        for slot, flat in self._slots.items():
            flat.set({name: slots[f"{name}/{slot}"] if slots else np.zeros(1) for name in flat.views})
        if self._average and slots:
            self._average.set(slots)

    def averaged(self) -> AbstractContextManager[None]:
        """Use the averaged weights in place of the weights inside a `with` block."""
        return self._average.swapped_in() if self._average and self._updates else nullcontext()

    def forward(self, inputs: Sequence[Array], *, training: bool = False, step: int = 0) -> tuple[Array, ...]:
        """Return the outputs of one batch, each (N, …)."""
        parts = split_batch(len(inputs[0]))
        with self._lock, self._one_blas_thread():
            self._step = step
            shards = self._shards_for(len(parts))
            tasks = [
                shard.forward([x[part] for x in inputs], training)
                for part, (shard, _) in zip(parts, shards, strict=True)
            ]
            return _concatenate(self._pool.run(tasks))

    def node_values(self, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """Return the output (N, …) of every node in order, from a plan without fusion."""
        plan = make_plan(self.network, fuse=False)
        shard = Shard(plan, self.dtype, self._views, self._trainable.views)
        with self._lock, self._one_blas_thread():
            self._pool.run([shard.forward(inputs, training=False)])
        return tuple(
            np.ascontiguousarray(shard.values[plan.slot_of[index]]) for index in range(len(self.network.nodes))
        )

    def node_gradients(
        self, inputs: Sequence[Array], output_gradients: Sequence[Array], nodes: Collection[int]
    ) -> dict[int, Array]:
        """Pass gradients of the outputs back to other nodes, from a plan without fusion in which all is frozen."""
        frozen = {str(node.layer.name) for node in self.network.nodes}
        plan = make_plan(self.network, fuse=False, frozen=frozen, input_gradients=True)
        shard = Shard(plan, self.dtype, self._views, {})
        seeds: dict[int, Array] = {}
        for output, gradient in zip(plan.outputs, output_gradients, strict=True):
            seed = planes(np.ascontiguousarray(planes(gradient.astype(self.dtype))))
            seeds[output.slot] = seeds[output.slot] + seed if output.slot in seeds else seed
        slots = {index: plan.slot_of[index] for index in nodes}
        with self._lock, self._one_blas_thread():
            self._pool.run([shard.forward(inputs, training=False)])
            (found,) = self._pool.run([shard.backward(seeds, {}, keep=set(slots.values()))])
        zeros = {index: np.zeros((len(inputs[0]), *self.network.nodes[index].shape), self.dtype) for index in nodes}
        return {index: np.ascontiguousarray(found.get(slot, zeros[index])) for index, slot in slots.items()}

    def gradients(
        self,
        inputs: Sequence[Array],
        targets: Sequence[Array],
        *,
        training: bool = True,
        step: int = 0,
        sample_weights: Sequence[Array | None] = (),
    ) -> tuple[float, Weights]:
        """Return the loss and its gradient for every trainable parameter."""
        with self._lock:
            loss, _, shards = self._differentiate(inputs, targets, sample_weights, training, step)
            total = sum_into_first([gradients for _, gradients in shards])
            self._penalties.add_gradients(total.views)
            return loss + self._penalties.value(), total.copies()

    def train_step(
        self,
        inputs: Sequence[Array],
        targets: Sequence[Array],
        *,
        learning_rate: float,
        step: int,
        global_batch: int | None = None,
        sample_weights: Sequence[Array | None] = (),
    ) -> StepResult:
        """Update the weights once. `global_batch` is ignored, because this engine runs in one process."""
        with self._lock:
            loss, outputs, shards = self._differentiate(inputs, targets, sample_weights, True, step)
            loss += self._penalties.value()
            self._penalties.add_gradients(shards[0][1].views)
            self._update([gradients for _, gradients in shards], learning_rate)
            shards[0][0].update_statistics()
            if self._average:
                self._average.update(self._updates - 1)
        self._note_change()
        return StepResult(loss, outputs)

    def _differentiate(
        self,
        inputs: Sequence[Array],
        targets: Sequence[Array],
        sample_weights: Sequence[Array | None],
        training: bool,
        step: int,
    ) -> tuple[float, tuple[Array, ...], list[tuple[Shard, FlatParameters]]]:
        self._step = step
        count = len(inputs[0])
        parts = split_batch(count)
        shards = self._shards_for(len(parts))
        with self._one_blas_thread():
            tasks = [
                self._forward_backward(
                    shard,
                    flat,
                    [x[part] for x in inputs],
                    [t[part] for t in targets],
                    [None if w is None else w[part] for w in sample_weights],
                    training,
                    count,
                )
                for part, (shard, flat) in zip(parts, shards, strict=True)
            ]
            results = self._pool.run(tasks)
        loss = sum(value for value, _ in results) / count
        return loss, _concatenate([outputs for _, outputs in results]), shards

    def _forward_backward(
        self,
        shard: Shard,
        flat: FlatParameters,
        inputs: list[Array],
        targets: list[Array],
        sample_weights: list[Array | None],
        training: bool,
        count: int,
    ) -> Task:
        """Run forward pass, loss and backward pass of one shard; return the sum of its losses, and its outputs."""
        outputs = yield from shard.forward(inputs, training)
        value, output_gradients = 0.0, {}
        ends = zip(
            self._plan.outputs, outputs, targets, sample_weights or [None] * len(outputs),
            self.settings.weighted_losses, self._forms, strict=True,
        )  # fmt: skip
        for output, p, target, weights, (loss, factor), form in ends:
            matched = losses.MATCHED_ACTIVATIONS.get(type(loss), {}).get(output.activation, 0.0)
            part, gradient = losses.differentiate(loss, p, target, count, weights=weights, matched=matched, form=form)
            if factor != 1:
                part, gradient = part * factor, gradient * factor
            value += part
            slot = output.logits if matched and output.logits is not None else output.slot
            output_gradients[slot] = gradient
        yield from shard.backward(output_gradients, flat.views)
        return value, outputs

    def _update(self, gradients: list[FlatParameters], rate: float) -> None:
        self._updates += 1
        optimizer, count, global_clipnorm = self.settings.optimizer, self._updates, self.settings.global_clipnorm
        if global_clipnorm is not None or optimizer.clips_parameters:
            gradients = [sum_into_first(gradients)]
            clip_parameters(gradients[0].views.values(), optimizer.clipnorm, optimizer.clipvalue)
        if global_clipnorm is not None:
            clip(gradients[0].array, global_clipnorm)
        pieces = chunks(self._trainable.array.size)

        def update_chunk(index: int) -> None:
            piece = pieces[index]
            g = gradients[0].array[piece]
            for other in gradients[1:]:
                g += other.array[piece]
            slots = tuple(flat.array[piece] for flat in self._slots.values())
            work = np.empty_like(g)
            optimizers.update(optimizer, self._trainable.array[piece], g, slots, rate, count, work, self._decay[piece])

        self._pool.map(update_chunk, len(pieces))

    @cached_property
    def _decay(self) -> Array:
        """1-D array of all trained values: 1 where weight decay applies (kernels), else 0."""
        flat = FlatParameters(self._trained, self.dtype)
        for name, view in flat.views.items():
            view[...] = name.endswith("/kernel")
        return flat.array

    def _shards_for(self, count: int) -> list[tuple[Shard, FlatParameters]]:
        """Return the first `count` shards, created at their first use."""
        while len(self._shards) < count:
            number = len(self._shards)
            flat = FlatParameters(self._trained, self.dtype)
            shard = Shard(self._plan, self.dtype, self._views, flat.views)
            for index, context in enumerate(shard.contexts):
                context.rng = self._rng(number, index)
            self._shards.append((shard, flat))
        return self._shards[:count]

    def _rng(self, shard: int, operation: int) -> Callable[[], np.random.Generator]:
        """Return a function that creates a generator from seed, step, shard and operation."""
        counter = [0, 0, operation, shard]
        return lambda: np.random.Generator(np.random.Philox(key=[self._seed, self._step], counter=counter))

    @cached_property
    def _blas(self) -> ThreadpoolController:
        return ThreadpoolController().select(user_api="blas")

    def _one_blas_thread(self) -> Any:
        """Limit BLAS to one thread within a `with` block, because the shards already use all cores."""
        return self._blas.limit(limits=1)


def _concatenate(results: Sequence[Sequence[Array]]) -> tuple[Array, ...]:
    """Concatenate the outputs of the shards."""
    return tuple(np.concatenate(parts) for parts in zip(*results, strict=True))
