"""The NumPy engine: a network's plan, run on threads over the shards of each batch."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from itertools import compress
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from striate._types import Array, Weights
from striate.engines.base import Engine, StepResult, TrainingSettings
from striate.engines.losses import Loss
from striate.engines.numpy import losses, optimizers
from striate.engines.numpy.memory import Scratch
from striate.engines.numpy.parameters import Average, Flat, Penalties, clip, joined, stretches
from striate.engines.numpy.plan import Plan, Planned, make_plan
from striate.engines.numpy.shards import Crew, cut
from striate.engines.numpy.steps import Place
from striate.engines.optimizers import Optimizer
from striate.errors import UsageError
from striate.network import BatchNormalization, Network

Task = Generator[Any, list[Any], Any]


class Shard:
    """One part of a batch on its way through a plan: its places, its values, its gradients."""

    def __init__(self, plan: Plan, views: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        self.plan = plan
        workbench = Scratch()
        self.places = [self._place(planned, views, gradients, workbench) for planned in plan.steps]
        self.values: list[Any] = []

    @staticmethod
    def _place(
        planned: Planned, views: Mapping[str, Array], gradients: Mapping[str, Array], workbench: Scratch
    ) -> Place:
        names = {variable: f"{planned.layer}/{variable}" for variable in planned.variables}
        own = {variable: gradients[names[variable]] for variable in planned.trainable}
        if planned.again:
            own = {variable: np.empty_like(gradient) for variable, gradient in own.items()}
        weights = {variable: views[name] for variable, name in names.items()}
        if planned.frozen and planned.goes_back:  # its steps write what nobody reads
            own = {variable: np.empty_like(weight) for variable, weight in weights.items()}
        return Place(Scratch(workbench), weights, own, needs_dx=planned.needs_dx)

    def forward(self, inputs: Sequence[Array], training: bool) -> Task:
        """Fill `values`; returns the outputs."""
        self.values = [None] * self.plan.slots
        for slot, x in zip(self.plan.inputs, inputs, strict=True):
            self.values[slot] = x
        for planned, place in zip(self.plan.steps, self.places, strict=True):
            place.training = training and not planned.frozen
            result = planned.step.forward(place, *[self.values[slot] for slot in planned.inputs])
            if isinstance(result, Generator):
                result = yield from result
            self.values[planned.output] = result
        return [self.values[output.slot] for output in self.plan.outputs]

    def backward(self, starts: Mapping[int, Array], gradients: Mapping[str, Array]) -> Task:
        """From the gradients at some slots to those of the weights."""
        flowing: list[Any] = [None] * self.plan.slots
        for slot, start in starts.items():
            flowing[slot] = start
        for planned, place in zip(reversed(self.plan.steps), reversed(self.places), strict=True):
            dy, flowing[planned.output] = flowing[planned.output], None
            if dy is None or not planned.goes_back:
                continue
            result = planned.step.backward(place, dy)
            if isinstance(result, Generator):
                result = yield from result
            if planned.again:
                for variable, gradient in place.gradients.items():
                    gradients[f"{planned.layer}/{variable}"] += gradient
            for slot, dx, needed in zip(planned.inputs, result, planned.needs_dx, strict=True):
                if needed:
                    flowing[slot] = dx if flowing[slot] is None else flowing[slot] + dx


class NumpyEngine(Engine):
    """Runs and trains a network with NumPy alone, on all cores.

    dtype: "float32", or "float64" for gradient checks. threads: how many; the results' bits do not depend on it.
    """

    name = "numpy"

    def __init__(
        self, network: Network, weights: Mapping[str, Array], *, dtype: str = "float32", threads: int | None = None
    ) -> None:
        super().__init__(network, weights, dtype=dtype)
        self._crew = Crew(threads)
        self._lay_out(frozenset())
        self._optimizer: Optimizer | None = None
        self._losses: tuple[Loss, ...] = ()
        self._clip_norm: float | None = None
        self._average: Average | None = None
        self._slots: dict[str, Flat] = {}
        self._updates = 0
        self._seed = 0
        self._step = 0
        self.weights = dict(weights)

    def _lay_out(self, frozen: frozenset[str]) -> None:
        """Room for all weights, those that learn in one stretch, and the plan to run them."""
        network, self._frozen = self.network, frozen
        learns = [p.trainable and p.name.rsplit("/", 1)[0] not in frozen for p in network.parameters]
        self._trained = tuple(compress(network.parameters, learns))
        self._trainable = Flat(self._trained, self.dtype)
        self._fixed = Flat(tuple(p for p, does in zip(network.parameters, learns, strict=True) if not does), self.dtype)
        self._views = {**self._trainable.views, **self._fixed.views}
        self._plan = make_plan(network, np.dtype(self.dtype), frozen=frozen)
        self._shards: list[tuple[Shard, Flat]] = []
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
        for name, view in self._views.items():
            if name not in weights or weights[name].shape != view.shape:
                received = weights[name].shape if name in weights else "nothing"
                raise UsageError(f"Weights of '{name}': expected shape {view.shape}, received {received}.")
        self._trainable.set(weights)
        self._fixed.set(weights)

    def compile(self, settings: TrainingSettings) -> None:
        """Set how to train, and clear the slots."""
        settings.check(self.network)
        self._freeze(frozenset(settings.frozen))
        self._optimizer, self._losses, self._seed = settings.optimizer, tuple(settings.losses), settings.seed
        self._clip_norm, average, self._updates = settings.clip_norm, settings.average, 0
        self._average = None if average is None else Average(average, [self._trainable, self._fixed])
        self._slots = {name: Flat(self._trained, self.dtype) for name in optimizers.slot_names(settings.optimizer)}

    @property
    def slots(self) -> Weights:
        """The optimiser's memory: `C1/kernel/mean` and so on, and `iterations`, the number of updates."""
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
        """Within it, the averaged weights stand in the place of the weights."""
        return self._average.in_place() if self._average and self._updates else nullcontext()

    def forward(self, inputs: Sequence[Array], *, training: bool = False, step: int = 0) -> tuple[Array, ...]:
        """Outputs of one batch, each (N, …)."""
        self._step = step
        parts = cut(len(inputs[0]))
        shards = self._shards_for(len(parts))
        with self._one_blas_thread():
            tasks = [
                shard.forward([x[part] for x in inputs], training)
                for part, (shard, _) in zip(parts, shards, strict=True)
            ]
            results = self._crew.run(tasks)
        return _joined(results)

    def activations(self, inputs: Sequence[Array]) -> dict[str, Array]:
        """The output (N, …) of every layer, without the plan's short cuts."""
        plan = make_plan(self.network, np.dtype(self.dtype), fuse=False)
        shard = Shard(plan, self._views, self._trainable.views)
        with self._one_blas_thread():
            self._crew.run([shard.forward(inputs, training=False)])
        return {
            str(node.layer.name): np.ascontiguousarray(shard.values[plan.slot_of[i]])
            for i, node in enumerate(self.network.nodes)
        }

    def gradients(
        self, inputs: Sequence[Array], targets: Sequence[Array], *, training: bool = True, step: int = 0
    ) -> tuple[float, Weights]:
        """Loss and its gradient for every trainable parameter."""
        loss, _, shards = self._differentiate(inputs, targets, training, step)
        total = joined([gradients for _, gradients in shards])
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
    ) -> StepResult:
        """One optimiser step, of one process: all samples of the batch are given here."""
        if self._optimizer is None:
            raise UsageError("The engine does not know how to train yet: call compile first.")
        loss, outputs, shards = self._differentiate(inputs, targets, True, step)
        loss += self._penalties.value()
        self._penalties.add_gradients(shards[0][1].views)
        self._update([gradients for _, gradients in shards], learning_rate)
        self._move_statistics(shards[0][0])
        if self._average:
            self._average.follow(self._updates - 1)
        return StepResult(loss, outputs)

    def _differentiate(
        self, inputs: Sequence[Array], targets: Sequence[Array], training: bool, step: int
    ) -> tuple[float, tuple[Array, ...], list[tuple[Shard, Flat]]]:
        self._step = step
        count = len(inputs[0])
        parts = cut(count)
        shards = self._shards_for(len(parts))
        with self._one_blas_thread():
            tasks = [
                self._there_and_back(
                    shard, flat, [x[part] for x in inputs], [t[part] for t in targets], training, count
                )
                for part, (shard, flat) in zip(parts, shards, strict=True)
            ]
            results = self._crew.run(tasks)
        loss = sum(value for value, _ in results) / count
        return loss, _joined([outputs for _, outputs in results]), shards

    def _there_and_back(
        self, shard: Shard, flat: Flat, inputs: list[Array], targets: list[Array], training: bool, count: int
    ) -> Task:
        """One shard's forward pass, loss and backward pass; returns its summed loss and its outputs."""
        outputs = yield from shard.forward(inputs, training)
        value, starts = 0.0, {}
        for output, p, target, loss in zip(self._plan.outputs, outputs, targets, self._losses, strict=True):
            matched = losses.MATCHES.get(type(loss), {}).get(output.activation, 0.0)
            part, gradient = losses.RULES[type(loss)](p, target, loss, count, matched=matched)
            value += part
            starts[output.before if matched and output.before is not None else output.slot] = gradient
        yield from shard.backward(starts, flat.views)
        return value, outputs

    def _update(self, gradients: list[Flat], rate: float) -> None:
        assert self._optimizer is not None
        self._updates += 1
        if self._clip_norm is not None:
            gradients = [joined(gradients)]
            clip(gradients[0].array, self._clip_norm)
        optimizer, count = self._optimizer, self._updates
        rule = optimizers.RULES[type(optimizer)][0]
        pieces = stretches(self._trainable.array.size)

        def move(index: int) -> None:
            piece = pieces[index]
            g = gradients[0].array[piece]
            for other in gradients[1:]:
                g += other.array[piece]
            slots = tuple(flat.array[piece] for flat in self._slots.values())
            work = np.empty_like(g)
            rule(optimizer, self._trainable.array[piece], g, slots, rate, count, work, self._decay[piece])

        self._crew.map(move, len(pieces))

    @cached_property
    def _decay(self) -> Array:
        """1 for the numbers of kernels, 0 for all others: (all trainable numbers,)."""
        flat = Flat(self._trained, self.dtype)
        for name, view in flat.views.items():
            view[...] = name.endswith("/kernel")
        return flat.array

    def _move_statistics(self, shard: Shard) -> None:
        """moving ← m · moving + (1 − m) · batch, from what the shards joined."""
        for planned, place in zip(self._plan.steps, shard.places, strict=True):
            if place.moments is None:
                continue
            layer = self.network.layer(planned.layer)
            assert isinstance(layer, BatchNormalization)
            for name, batch in (("moving_mean", place.moments.mean), ("moving_variance", place.moments.variance)):
                view = place.weights[name]
                view *= layer.momentum
                view += ((1 - layer.momentum) * batch).astype(view.dtype)

    def _shards_for(self, count: int) -> list[tuple[Shard, Flat]]:
        """The first `count` shards, made when first needed."""
        while len(self._shards) < count:
            number = len(self._shards)
            flat = Flat(self._trained, self.dtype)
            shard = Shard(self._plan, self._views, flat.views)
            for index, place in enumerate(shard.places):
                place.random = self._dice(number, index)
            self._shards.append((shard, flat))
        return self._shards[:count]

    def _dice(self, shard: int, place: int) -> Any:
        """Random numbers that depend on seed, step, shard and place alone."""
        return lambda: np.random.Generator(np.random.Philox(key=[self._seed, self._step], counter=[0, 0, place, shard]))

    @cached_property
    def _blas(self) -> ThreadpoolController:
        return ThreadpoolController().select(user_api="blas")

    def _one_blas_thread(self) -> Any:
        """The shards share the cores among themselves; a matrix product of many threads would only disturb."""
        return self._blas.limit(limits=1)


def _joined(results: Sequence[Sequence[Array]]) -> tuple[Array, ...]:
    """Each output's shards, one after another."""
    return tuple(np.concatenate(parts) for parts in zip(*results, strict=True))
