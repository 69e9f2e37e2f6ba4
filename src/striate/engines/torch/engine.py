"""The PyTorch engine: inference and training on CPUs and GPUs, in one or several processes."""

from collections.abc import Collection, Iterator, Mapping, Sequence
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
from striate.engines.torch import optimizers
from striate.engines.torch.augment import augment
from striate.engines.torch.device import (
    DTYPES,
    accelerator_name,
    check_precision,
    choose_device,
    deterministic_algorithms,
    keep_freed_memory,
)
from striate.engines.torch.distributed import DistributedEngine, communication_errors
from striate.engines.torch.layers.dropout import draw_uniform
from striate.engines.torch.layout import to_array, to_target, to_tensor
from striate.engines.torch.losses import penalty, sample_losses
from striate.engines.torch.micro_batches import micro_batches, take
from striate.engines.torch.module import TorchNetwork, Values
from striate.engines.torch.rules import Context
from striate.engines.torch.trial import faster_precision, out_of_memory
from striate.errors import TrainingError
from striate.network import Input, Network
from striate.network.outputs import output_forms

# Inference computes a large batch in chunks, so that the largest feature map of a chunk has at most this many values.
CPU_CHUNK_VALUES = 1 << 24
ACCELERATOR_CHUNK_VALUES = 1 << 27


class TorchEngine(DistributedEngine):
    """Inference and training with PyTorch.

    In distributed training, started with torchrun, each process has an engine with its own device.

    Args:
        network: The network.
        weights: Its parameters by full name (`C1/kernel`).
        dtype: Data type of weights, losses and inference: "float32", or "float64" for gradient checks.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        precision: Precision of the forward and backward pass in training: "float32", "bfloat16" or "float16"; "auto"
            measures float32 and the device's mixed precision, and chooses the faster.
        deterministic: Whether to use only deterministic algorithms, even if they are slower.
        torch_compile: Whether to compile the network with torch.compile. Compilation takes about a minute and pays off
            in long training runs on a GPU.

    Raises:
        UsageError: If a device or precision is unknown or not available, or the weights do not fit the network.
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
        torch_compile: bool = False,
    ) -> None:
        super().__init__(network, weights, dtype=dtype)
        check_precision(precision)
        self.device = choose_device(device)
        self.accelerator = accelerator_name(self.device)
        self.precision = precision if dtype == "float32" else "float32"
        self.deterministic = deterministic
        self._dtype = DTYPES[dtype]
        self._check_weights(weights)
        self._module = TorchNetwork(network, weights, self._dtype, self.device)
        self._run: Any = torch.compile(self._module) if torch_compile else self._module
        self._forms = output_forms(network)
        self._updates = 0
        self._averages: dict[str, Tensor] = {}
        self._frozen: frozenset[str] = frozenset()
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=False)

    @property
    def weights(self) -> Weights:
        """Copies of all parameters by full name."""
        with self._lock:
            return {name: self._module.to_array(name, value) for name, value in self._module.values.items()}

    @weights.setter
    def weights(self, weights: Mapping[str, Array]) -> None:
        self._check_weights(weights)
        self._set_values({name: self._module.to_tensor(name, weights[name]) for name in self._module.values})
        self._note_change()

    def weights_of(self, layer: str) -> Weights:
        """Return copies of the parameters of one layer by variable (`kernel`)."""
        with self._lock:
            values = self._module.parameters_of[layer].items()
            return {variable: self._module.to_array(f"{layer}/{variable}", value) for variable, value in values}

    def compile(self, settings: TrainingSettings) -> None:
        """Set how to train, and clear the slots.

        Args:
            settings: How to train.

        Raises:
            UsageError: If the settings do not fit the network.
        """
        settings.check(self.network)
        self._freeze(frozenset(settings.frozen_layers))
        self._settings, self._averages, self._updates = settings, {}, 0
        self._reset_optimizer()
        if self.device.type == "cpu":
            keep_freed_memory()
        if self.precision == "auto":
            self.precision = self.broadcast(
                faster_precision(self.network, settings.losses, self.device, self._run_once)
            )
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "float16")

    def _freeze(self, frozen: frozenset[str]) -> None:
        self._frozen = frozen
        for name, value in self._module.values.items():
            if isinstance(value, nn.Parameter):
                value.requires_grad_(name.rsplit("/", 1)[0] not in frozen)
        for cached in ("_trained", "_distributed"):  # computed for the previously frozen layers
            self.__dict__.pop(cached, None)

    @cached_property
    def _trained(self) -> dict[str, Tensor]:
        return {name: value for name, value in self._module.values.items() if value.requires_grad}

    @property
    def slots(self) -> Weights:
        """Copies of the optimizer's state, the averaged weights, and `iterations`, the number of updates."""
        if not self._updates:
            return {}
        slots = optimizers.read_slots(type(self.settings.optimizer), self._torch_optimizer, self._trained)
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
        tensors = {n: self._module.to_tensor(n.rsplit("/", 1)[0], v) for n, v in slots.items() if n.count("/") > 1}
        averages = {name: f"{name}/average" for name in self._module.values}
        self._averages = {name: tensors[slot] for name, slot in averages.items() if slot in tensors}
        if not slots:
            return
        kind = type(self.settings.optimizer)
        optimizers.write_slots(kind, self._torch_optimizer, self._trained, tensors, self._updates)
        if "loss_scale" in slots:
            scale, tracker = slots["loss_scale"]
            state = self._scaler.state_dict()
            self._scaler.load_state_dict({**state, "scale": float(scale), "_growth_tracker": int(tracker)})

    @cached_property
    def _torch_optimizer(self) -> torch.optim.Optimizer:
        fused = self.device.type in ("cpu", "cuda")
        return optimizers.make_optimizer(self.settings.optimizer, self._trained, fused=fused)

    def _reset_optimizer(self) -> None:
        """Discard the PyTorch optimizer; a new one is created at its next use."""
        self.__dict__.pop("_torch_optimizer", None)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Use the averaged weights in place of the weights inside a `with` block."""
        current = {name: self._module.values[name].detach().clone() for name in self._averages}
        self._set_values(self._averages)
        try:
            yield
        finally:
            self._set_values(current)

    @torch.no_grad()
    def _set_values(self, values: Mapping[str, Tensor]) -> None:
        with self._lock:
            for name, value in values.items():
                self._module.values[name].copy_(value)

    def forward(self, inputs: Sequence[Array], *, training: bool = False, step: int = 0) -> tuple[Array, ...]:
        """Return the outputs of one batch, each (N, …)."""
        count = len(inputs[0])
        chunk_size = count if training else min(count, self._chunk_size)
        chunks = []
        with self._lock, torch.no_grad():
            for start in range(0, count, chunk_size):
                values, _, _ = self._pass([x[start : start + chunk_size] for x in inputs], training, step, count)
                chunks.append([to_array(values[index], self.dtype) for index in self.network.outputs])
        return tuple(np.concatenate(output) for output in zip(*chunks, strict=True))

    @cached_property
    def _chunk_size(self) -> int:
        """Number of images computed at once in inference, which bounds the memory."""
        values = CPU_CHUNK_VALUES if self.device.type == "cpu" else ACCELERATOR_CHUNK_VALUES
        return max(1, values // max(prod(node.shape) for node in self.network.nodes))

    def node_values(self, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """Return the output (N, …) of every node in order, in inference mode."""
        with self._lock, torch.no_grad():
            values, _, _ = self._pass(inputs, False, 0, len(inputs[0]), keep_all=True)
        return tuple(to_array(values[index], self.dtype) for index in range(len(self.network.nodes)))

    def node_gradients(
        self, inputs: Sequence[Array], output_gradients: Sequence[Array], nodes: Collection[int]
    ) -> dict[int, Array]:
        """Pass gradients of the outputs back to other nodes, in inference mode."""
        with self._lock:
            values, _, _ = self._pass(inputs, False, 0, len(inputs[0]), keep_all=True, input_gradients=True)
            outputs = [values[index] for index in self.network.outputs]
            seeds = [to_tensor(gradient, self.device, self._dtype) for gradient in output_gradients]
            of = [values[index] for index in nodes]
            found = torch.autograd.grad(outputs, of, seeds, allow_unused=True, materialize_grads=True)
        return {index: to_array(gradient, self.dtype) for index, gradient in zip(nodes, found, strict=True)}

    def gradients(
        self,
        inputs: Sequence[Array],
        targets: Sequence[Array],
        *,
        training: bool = True,
        step: int = 0,
        sample_weights: Sequence[Array | None] = (),
    ) -> tuple[float, Weights]:
        """Return the loss and its gradient for every trainable parameter that is not frozen."""
        self._module.zero_grad()
        loss, _, _ = self._differentiate(inputs, targets, sample_weights, training, step)
        gradients = {n: p.grad if p.grad is not None else torch.zeros_like(p) for n, p in self._trained.items()}
        arrays = {name: self._module.to_array(name, gradient) for name, gradient in gradients.items()}
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
        sample_weights: Sequence[Array | None] = (),
    ) -> StepResult:
        """Update the weights once. Raise TrainingError if memory does not suffice, or another process ended."""
        count = global_batch or int(self.sum_over_processes([len(inputs[0])])[0])
        try:
            with communication_errors():
                loss, outputs, context = self._differentiate(inputs, targets, sample_weights, True, step, count)
            with self._lock:  # predictions of other threads see the weights before or after the step
                if self._update(learning_rate):
                    self._update_moving_statistics(context)
                    self._update_averages()
                    self._updates += 1
        except torch.OutOfMemoryError as error:
            clear_frames(error.__traceback__)  # which hold references to the feature maps
            raise self._out_of_memory(inputs, targets) from error
        self._note_change()
        mean = self.sum_over_processes([float(loss)])[0] / self.world_size
        return StepResult(mean, tuple(to_array(output, self.dtype) for output in outputs))

    def augment(self, x: Array, parameters: AugmentationParameters) -> Any:
        """Augment images (N, H, W, C): on an accelerator to a tensor (N, C, H, W), on the CPU with NumPy (faster)."""
        if self.device.type == "cpu":
            return parameters.apply(x)
        return augment(to_tensor(x, self.device, torch.uint8 if x.dtype == np.uint8 else self._dtype), parameters)

    @cached_property
    def _distributed(self) -> Any:
        """The module whose gradients are averaged over all processes."""
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
        distributed: bool = False,
        part: slice | None = None,
        keep_all: bool = False,
        input_gradients: bool = False,
    ) -> tuple[Values, Values, Context]:
        """Run a forward pass.

        Args:
            inputs: This process's samples.
            training: Whether dropout and batch statistics are active.
            step: The training step, which determines dropout.
            count: Number of samples; with `distributed`, in all processes.
            distributed: Whether the other processes compute other samples of the same batch.
            part: Which samples of this process's batch the inputs are; None: all.
            keep_all: Whether to return the outputs of all nodes.
            input_gradients: Whether gradients with respect to the inputs are needed.

        Returns:
            The outputs by node index, the network's outputs before the activation, and the context of the pass.
        """
        uniform = draw_uniform(self.network, self._seed, step, count, self.device) if training else {}
        if distributed:  # drawn for the global batch, so that dropout does not depend on the number of processes
            uniform = {name: values[self.rank :: self.world_size] for name, values in uniform.items()}
        if part:
            uniform = {name: values[part] for name, values in uniform.items()}
        context = Context(training, uniform, distributed and self.world_size > 1, keep_all, frozen=self._frozen)
        tensors = [
            to_tensor(x, self.device, self._dtype, channels_first=self._channels_first(index))
            for index, x in zip(self.network.inputs, inputs, strict=True)
        ]
        for tensor in tensors if input_gradients else ():
            tensor.requires_grad_()
        mixed = training and self.precision in ("bfloat16", "float16")
        with torch.autocast(self.device.type, DTYPES.get(self.precision), enabled=mixed):
            values, logits = (self._distributed if distributed else self._run)(tensors, context)
        return values, logits, context

    def _channels_first(self, index: int) -> bool:
        layer = self.network.nodes[index].layer
        return isinstance(layer, Input) and layer.data_format == "channels_first"

    def _differentiate(
        self,
        inputs: Sequence[Any],
        targets: Sequence[Array],
        sample_weights: Sequence[Array | None],
        training: bool,
        step: int,
        batch: int | None = None,
    ) -> tuple[Tensor, list[Tensor], Context]:
        """Run a forward and backward pass, in parts if memory requires it; the gradients are stored in the parameters.

        In distributed training, loss and gradients are averaged over the processes afterwards. So each process weights
        its samples by `world_size` and penalties by 1.

        Args:
            inputs: This process's samples.
            targets: Their targets.
            sample_weights: For each output, factors of the samples' losses, or None; empty: all 1.
            training: Whether dropout and batch statistics are active.
            step: The training step.
            batch: Number of samples in all processes; None if the other processes do not take part.

        Returns:
            The loss, the outputs, and the context of the last pass.
        """
        count, own = batch or len(inputs[0]), len(inputs[0])
        whole = self.device.type != "cpu" or self.world_size > 1
        total = torch.zeros((), dtype=self._dtype, device=self.device)
        outputs: list[list[Tensor]] = []
        with deterministic_algorithms(self.deterministic):
            for part in [slice(0, own)] if whole else micro_batches(self.network, self._frozen, own):
                x, t, weights = take(inputs, part), take(targets, part), take(sample_weights, part)
                values, logits, context = self._pass(x, training, step, count, distributed=batch is not None, part=part)
                loss = self._loss(values, logits, t, weights, count / self.world_size if batch else count)
                if not outputs:  # after a forward pass, in which distributed training may write parameters
                    loss = loss + penalty(self.network, self._module.values)
                total = total + loss
                if total.requires_grad:  # False if the network has no trainable parameters
                    self._scaler.scale(total).backward()  # type: ignore[no-untyped-call]
                total = total.detach()
                outputs.append([values[index].detach() for index in self.network.outputs])
        return total, [torch.cat(parts) for parts in zip(*outputs, strict=True)], context

    def _loss(
        self,
        values: Values,
        logits: Values,
        targets: Sequence[Array],
        sample_weights: Sequence[Array | None],
        count: float,
    ) -> Tensor:
        """Return the weighted sum of the losses of the samples, divided by `count`."""
        loss = torch.zeros((), dtype=self._dtype, device=self.device)
        outputs = zip(
            self.network.outputs, targets, sample_weights or [None] * len(targets), self.settings.weighted_losses,
            self._forms, strict=True,
        )  # fmt: skip
        for index, target, weights, (output_loss, factor), form in outputs:
            activation = getattr(self.network.nodes[index].layer, "activation", "linear")
            t = to_target(target, self.device, self._dtype)
            each = sample_losses(values[index], logits[index], activation, t, output_loss, form)
            if weights is not None:
                output_loss.check_weighted()
                each = each * to_target(weights, self.device, self._dtype)
            total = each.sum() / count
            loss = loss + (total if factor == 1 else total * factor)
        return loss

    def _update(self, learning_rate: float) -> bool:
        """Update the weights; return False if float16 overflowed and the gradient scaler skipped the step."""
        optimizer, scale = self._torch_optimizer, self._scaler.get_scale()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        if self.settings.global_clipnorm is not None or self.settings.optimizer.clips_parameters:
            self._scaler.unscale_(optimizer)
            gradients = [p.grad for p in self._trained.values() if p.grad is not None]
            optimizers.clip_gradients(gradients, self.settings.optimizer, self.settings.global_clipnorm)
        self._scaler.step(optimizer)
        self._scaler.update()
        optimizer.zero_grad()
        return self._scaler.get_scale() >= scale

    @torch.no_grad()
    def _update_moving_statistics(self, context: Context) -> None:
        """Update moving ← m · moving + (1 − m) · batch."""
        for name, batch, momentum in context.statistics:
            moving = self._module.values[name]
            moving.mul_(momentum).add_(batch.to(moving.dtype), alpha=1 - momentum)

    @torch.no_grad()
    def _update_averages(self) -> None:
        if self.settings.ema_decay is None:
            return
        values = self._module.values
        if not self._averages:
            self._averages = {name: value.detach().clone() for name, value in values.items()}
        decay = min(self.settings.ema_decay, (1 + self._updates) / (10 + self._updates))
        torch._foreach_lerp_(list(self._averages.values()), [v.detach() for v in values.values()], 1 - decay)

    def _run_once(self, inputs: Sequence[Any], targets: Sequence[Array], precision: str) -> None:
        """Run a forward and backward pass without an update, and wait for the device."""
        self.precision = precision
        self._module.zero_grad()
        loss, _, _ = self._differentiate(inputs, targets, (), True, 0)
        float(loss)  # synchronizes with the device
        self._module.zero_grad()

    def _out_of_memory(self, inputs: Sequence[Any], targets: Sequence[Array]) -> TrainingError:
        def run(count: int) -> None:
            self._run_once([x[:count] for x in inputs], [t[:count] for t in targets], self.precision)

        self._module.zero_grad()
        return out_of_memory(self.network, self.device, len(inputs[0]), run)
