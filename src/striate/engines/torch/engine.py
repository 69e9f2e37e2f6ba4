"""The PyTorch engine: a network as a module, trained by PyTorch's own optimizers on any of its devices."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from math import prod
from traceback import clear_frames
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from striate._types import Array, Weights
from striate.engines.base import AugmentationParameters, StepResult, TrainingSettings
from striate.engines.losses import Loss
from striate.engines.optimizers import Optimizer
from striate.engines.torch import optimizers
from striate.engines.torch.augment import augment
from striate.engines.torch.device import (
    DTYPES,
    check_precision,
    choose_device,
    maker_name,
    repeatable,
)
from striate.engines.torch.distributed import DistributedEngine, lost_processes
from striate.engines.torch.layers.dropout import draw_uniform
from striate.engines.torch.layout import from_maps, to_maps, to_target
from striate.engines.torch.losses import sample_losses
from striate.engines.torch.memory import keep_freed_memory
from striate.engines.torch.module import TorchNetwork, Values
from striate.engines.torch.rules import Context
from striate.engines.torch.trial import faster_precision, out_of_memory
from striate.errors import TrainingError, UsageError
from striate.network import Input, Network
from striate.network.regularizers import strengths

PIECE = 1 << 24  # numbers of the largest map at once, in inference on the CPU
ACCELERATOR_PIECE = 1 << 27  # the same on an accelerator, which only a large batch keeps busy


class TorchEngine(DistributedEngine):
    """Runs and trains a network with PyTorch.

    dtype: "float32", or "float64" for gradient checks. device: "auto", "cpu", "cuda", "cuda:1", "mps".
    precision: of the forward and backward pass in training; "auto" measures float32 against the mixed precision that
    the device has, and takes the faster. Weights, losses and inference stay in `dtype`.
    deterministic: only algorithms that give the same bits each time, also where they are slower.
    compiled: let torch.compile make kernels for this network; worth its minute in long trainings on a GPU.
    Where torchrun started several processes, their engines train together, each on a device of its own.
    Raises UsageError for a device that is not there.
    """

    name = "torch"

    def __init__(
        self,
        network: Network,
        weights: Mapping[str, Array],
        *,
        dtype: str = "float32",
        device: str = "auto",
        precision: str = "auto",
        deterministic: bool = False,
        compiled: bool = False,
    ) -> None:
        super().__init__(network, weights, dtype=dtype)
        check_precision(precision)
        self.device = choose_device(device)
        self.accelerator = maker_name(self.device)
        self.precision = precision if dtype == "float32" else "float32"
        self.deterministic = deterministic
        self._dtype = DTYPES[dtype]
        self._check(weights)
        self._module = TorchNetwork(network, weights, self._dtype, self.device)
        self._run: Any = torch.compile(self._module) if compiled else self._module
        self._optimizer: Optimizer | None = None
        self._losses: tuple[Loss, ...] = ()
        self._seed = self._updates = 0
        self._clip_norm: float | None = None
        self._average: float | None = None
        self._averages: dict[str, Tensor] = {}
        self._frozen: frozenset[str] = frozenset()
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=False)

    @property
    def weights(self) -> Weights:
        """Copies of all parameters by full name."""
        return {name: self._module.to_array(name, value) for name, value in self._module.values.items()}

    @weights.setter
    def weights(self, weights: Mapping[str, Array]) -> None:
        self._check(weights)
        self._set_values({name: self._module.to_tensor(name, weights[name]) for name in self._module.values})

    def _check(self, weights: Mapping[str, Array]) -> None:
        for parameter in self.network.parameters:
            name = parameter.name
            if name not in weights or weights[name].shape != parameter.shape:
                received = weights[name].shape if name in weights else "nothing"
                raise UsageError(f"Weights of '{name}': expected shape {parameter.shape}, received {received}.")

    def compile(self, settings: TrainingSettings) -> None:
        """Set how to train, and clear the slots."""
        settings.check(self.network)
        self._freeze(frozenset(settings.frozen))
        self._optimizer, self._losses, self._seed = settings.optimizer, tuple(settings.losses), settings.seed
        self._clip_norm, self._average = settings.clip_norm, settings.average
        self._averages, self._updates = {}, 0
        self._reset_optimizer()
        if self.device.type == "cpu":
            keep_freed_memory()
        if self.precision == "auto":
            self.precision = self.broadcast(faster_precision(self.network, self._losses, self.device, self._run_once))
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "float16")

    def _freeze(self, frozen: frozenset[str]) -> None:
        self._frozen = frozen
        for name, value in self._module.values.items():
            if isinstance(value, nn.Parameter):
                value.requires_grad_(name.rsplit("/", 1)[0] not in frozen)
        for known in ("_trained", "_distributed"):  # from when other layers were frozen
            self.__dict__.pop(known, None)

    @cached_property
    def _trained(self) -> dict[str, Tensor]:
        return {name: value for name, value in self._module.values.items() if value.requires_grad}

    @property
    def slots(self) -> Weights:
        """The optimizer's memory, the averages, and `iterations`, the number of updates."""
        if not self._updates:
            return {}
        assert self._optimizer is not None
        slots = optimizers.read_slots(type(self._optimizer), self._torch_optimizer, self._trained)
        slots |= {f"{name}/average": value for name, value in self._averages.items()}
        arrays = {name: self._module.to_array(name.rsplit("/", 1)[0], value) for name, value in slots.items()}
        if self._scaler.is_enabled():
            state = self._scaler.state_dict()
            arrays["loss_scale"] = np.array([state["scale"], state["_growth_tracker"]])
        return {**arrays, "iterations": np.array([self._updates])}

    @slots.setter
    def slots(self, slots: Mapping[str, Array]) -> None:
        self._reset_optimizer()
        self._updates = int(slots["iterations"][0]) if slots else 0
        whole = {n: self._module.to_tensor(n.rsplit("/", 1)[0], v) for n, v in slots.items() if n.count("/") > 1}
        kept = {name: f"{name}/average" for name in self._module.values}
        self._averages = {name: whole[slot] for name, slot in kept.items() if slot in whole}
        if not slots:
            return
        assert self._optimizer is not None
        optimizers.write_slots(type(self._optimizer), self._torch_optimizer, self._trained, whole, self._updates)
        if "loss_scale" in slots:
            scale, tracker = slots["loss_scale"]
            state = self._scaler.state_dict()
            self._scaler.load_state_dict({**state, "scale": float(scale), "_growth_tracker": int(tracker)})

    @cached_property
    def _torch_optimizer(self) -> torch.optim.Optimizer:
        assert self._optimizer is not None
        return optimizers.make_optimizer(self._optimizer, self._trained, fused=self.device.type in ("cpu", "cuda"))

    def _reset_optimizer(self) -> None:
        """PyTorch's optimizer begins anew when it is next needed."""
        self.__dict__.pop("_torch_optimizer", None)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within it, the averaged weights stand in the place of the weights."""
        live = {name: self._module.values[name].detach().clone() for name in self._averages}
        self._set_values(self._averages)
        try:
            yield
        finally:
            self._set_values(live)

    @torch.no_grad()
    def _set_values(self, values: Mapping[str, Tensor]) -> None:
        for name, value in values.items():
            self._module.values[name].copy_(value)

    def forward(self, inputs: Sequence[Array], *, training: bool = False, step: int = 0) -> tuple[Array, ...]:
        """Return the outputs of one batch, each (N, …)."""
        count = len(inputs[0])
        piece = count if training else min(count, self._piece)
        parts = []
        with torch.no_grad():
            for start in range(0, count, piece):
                values, _, _ = self._pass([x[start : start + piece] for x in inputs], training, step, count)
                parts.append([from_maps(values[index], self.dtype) for index in self.network.outputs])
        return tuple(np.concatenate(part) for part in zip(*parts, strict=True))

    @cached_property
    def _piece(self) -> int:
        """How many images go through the network at once, so that memory stays bounded."""
        piece = PIECE if self.device.type == "cpu" else ACCELERATOR_PIECE
        return max(1, piece // max(prod(node.shape) for node in self.network.nodes))

    def activations(self, inputs: Sequence[Array]) -> dict[str, Array]:
        """Return the output (N, …) of every layer."""
        with torch.no_grad():
            values, _, _ = self._pass(inputs, False, 0, len(inputs[0]), every=True)
        return {str(node.layer.name): from_maps(values[i], self.dtype) for i, node in enumerate(self.network.nodes)}

    def gradients(
        self, inputs: Sequence[Array], targets: Sequence[Array], *, training: bool = True, step: int = 0
    ) -> tuple[float, Weights]:
        """Loss and its gradient for every trainable parameter."""
        self._module.zero_grad()
        loss, _, _ = self._differentiate(inputs, targets, training, step)
        found = {name: p.grad if p.grad is not None else torch.zeros_like(p) for name, p in self._trained.items()}
        arrays = {name: self._module.to_array(name, gradient) for name, gradient in found.items()}
        self._module.zero_grad()
        return float(loss), arrays

    def train_step(
        self,
        inputs: Sequence[Array],
        targets: Sequence[Array],
        *,
        learning_rate: float,
        step: int,
        global_batch: int | None = None,
    ) -> StepResult:
        """One optimizer step. Raises TrainingError when the device's memory does not hold the batch."""
        if self._optimizer is None:
            raise UsageError("The engine is not compiled for training: call compile first.")
        count = global_batch or int(self.sum_over_processes([len(inputs[0])])[0])
        try:
            with lost_processes():
                loss, outputs, context = self._differentiate(inputs, targets, True, step, count)
            moved = self._update(learning_rate)
        except torch.OutOfMemoryError as error:
            clear_frames(error.__traceback__)  # which hold on to the maps
            raise self._out_of_memory(inputs, targets) from error
        if moved:
            self._move_statistics(context)
            self._move_averages()
            self._updates += 1
        mean = self.sum_over_processes([float(loss)])[0] / self.world_size
        return StepResult(mean, tuple(from_maps(output, self.dtype) for output in outputs))

    def augment(self, x: Array, parameters: AugmentationParameters) -> Any:
        """Augment images (N, H, W, C) on the device, as a tensor (N, C, H, W); on the CPU NumPy is faster."""
        if self.device.type == "cpu":
            return parameters.apply(x)
        return augment(to_maps(x, self.device, torch.uint8 if x.dtype == np.uint8 else self._dtype), parameters)

    @cached_property
    def _distributed(self) -> Any:
        """The network whose gradients are means over all processes."""
        if self.world_size == 1 or not self._trained:
            return self._run
        return nn.parallel.DistributedDataParallel(self._run, gradient_as_bucket_view=True)

    def _pass(
        self,
        inputs: Sequence[Any],
        training: bool,
        step: int,
        count: int,
        *,
        together: bool = False,
        every: bool = False,
    ) -> tuple[Values, Values, Context]:
        """Return the outputs, the same before their activations, and the context of the pass.

        count: of the samples given, or of those that all processes are given together. every: of all nodes.
        """
        uniform = draw_uniform(self.network, self._seed, step, count, self.device) if training else {}
        if together:  # drawn for the whole batch, so that several processes drop what a single one would
            uniform = {name: whole[self.rank :: self.world_size] for name, whole in uniform.items()}
        context = Context(training, uniform, together and self.world_size > 1, every, frozen=self._frozen)
        tensors = [
            to_maps(x, self.device, self._dtype, channels_first=self._channels_first(index))
            for index, x in zip(self.network.inputs, inputs, strict=True)
        ]
        mixed = training and self.precision in ("bfloat16", "float16")
        with torch.autocast(self.device.type, DTYPES.get(self.precision), enabled=mixed):
            values, before = (self._distributed if together else self._run)(tensors, context)
        return values, before, context

    def _channels_first(self, index: int) -> bool:
        layer = self.network.nodes[index].layer
        return isinstance(layer, Input) and layer.data_format == "channels_first"

    def _differentiate(
        self, inputs: Sequence[Any], targets: Sequence[Array], training: bool, step: int, batch: int | None = None
    ) -> tuple[Tensor, list[Tensor], Context]:
        """Loss, outputs and what the pass met; the gradients are in the parameters.

        batch: of how many samples these are this process's part. The loss and its gradient are then means over the
        processes: here penalties count in full, and samples `world` times.
        """
        count = batch or len(inputs[0])
        with repeatable(self.deterministic):
            values, before, context = self._pass(inputs, training, step, count, together=batch is not None)
            loss = self._loss(values, before, targets, count / self.world_size if batch else count)
            if loss.requires_grad:  # or nothing in the network can be trained
                self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        return loss.detach(), [values[index] for index in self.network.outputs], context

    def _loss(self, values: Values, before: Values, targets: Sequence[Array], count: float) -> Tensor:
        """Sum over the samples given / count, and the penalties."""
        loss = self._penalty()
        for index, target, kind in zip(self.network.outputs, targets, self._losses, strict=True):
            activation = getattr(self.network.nodes[index].layer, "activation", "linear")
            wanted = to_target(target, self.device, self._dtype)
            loss = loss + sample_losses(values[index], before[index], activation, wanted, kind).sum() / count
        return loss

    def _penalty(self) -> Tensor:
        """λ₁ Σ|w| + λ₂ Σw² over the parameters that have such a penalty."""
        total = torch.zeros((), dtype=self._dtype, device=self.device)
        for parameter in self.network.parameters:
            l1, l2 = strengths(parameter.regularizer)
            w = self._module.values[parameter.name]
            if l1 and parameter.trainable:
                total = total + l1 * w.abs().sum()
            if l2 and parameter.trainable:
                total = total + l2 * w.square().sum()
        return total

    def _update(self, learning_rate: float) -> bool:
        """Whether the weights moved: not where float16 overflowed, after which the loss is scaled by less."""
        rule, scale = self._torch_optimizer, self._scaler.get_scale()
        for group in rule.param_groups:
            group["lr"] = learning_rate
        if self._clip_norm is not None:
            self._scaler.unscale_(rule)
            self._clip(self._clip_norm)
        self._scaler.step(rule)
        self._scaler.update()
        rule.zero_grad()
        return self._scaler.get_scale() >= scale

    def _clip(self, limit: float) -> None:
        """Shrink gradients whose norm is larger to this norm; PyTorch's own adds 1e-6 to the norm."""
        gradients = [p.grad for p in self._trained.values() if p.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        torch._foreach_mul_(gradients, (limit / norm).clamp(max=1))

    @torch.no_grad()
    def _move_statistics(self, context: Context) -> None:
        """Update moving ← m · moving + (1 − m) · batch."""
        for parameter, batch, momentum in context.statistics:
            value = self._module.values[parameter]
            value.mul_(momentum).add_(batch.to(value.dtype), alpha=1 - momentum)

    @torch.no_grad()
    def _move_averages(self) -> None:
        if self._average is None:
            return
        values = self._module.values
        if not self._averages:
            self._averages = {name: value.detach().clone() for name, value in values.items()}
        memory = min(self._average, (1 + self._updates) / (10 + self._updates))
        torch._foreach_lerp_(list(self._averages.values()), [v.detach() for v in values.values()], 1 - memory)

    def _run_once(self, inputs: Sequence[Any], targets: Sequence[Array], precision: str) -> None:
        """Forward and backward pass alone, to their end."""
        self.precision = precision
        self._module.zero_grad()
        loss, _, _ = self._differentiate(inputs, targets, True, 0)
        float(loss)  # waits for the device
        self._module.zero_grad()

    def _out_of_memory(self, inputs: Sequence[Any], targets: Sequence[Array]) -> TrainingError:
        def run(count: int) -> None:
            self._run_once([x[:count] for x in inputs], [t[:count] for t in targets], self.precision)

        self._module.zero_grad()
        return out_of_memory(self.network, self.device, len(inputs[0]), run)
