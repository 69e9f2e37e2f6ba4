"""The ONNX engine: a network run by ONNX Runtime, the fastest on a CPU. It does not train."""

import os
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NoReturn

import numpy as np
import onnxruntime

from striate.engines.base import Array, Engine, StepResult, Weights
from striate.engines.losses import Loss
from striate.engines.onnx.convert import build
from striate.engines.optimizers import Optimizer
from striate.errors import UsageError
from striate.network import Network

PIECE = 1 << 24  # numbers of the largest map in memory at once
QUIET = 3  # errors only


class OnnxEngine(Engine):
    """Runs a network in float32 with ONNX Runtime on the CPU.

    threads: how many to use; None: all cores. Training raises UsageError.
    """

    name = "onnx"

    def __init__(
        self, network: Network, weights: Mapping[str, Array], *, dtype: str = "float32", threads: int | None = None
    ) -> None:
        if dtype != "float32":
            raise UsageError(f"The ONNX engine computes in float32 only; received {dtype}.")
        super().__init__(network, weights, dtype=dtype)
        self.threads = threads
        self.weights = dict(weights)

    @property
    def weights(self) -> Weights:
        """Copies of all parameters by full name."""
        return {name: array.copy() for name, array in self._weights.items()}

    @weights.setter
    def weights(self, weights: Mapping[str, Array]) -> None:
        for parameter in self.network.parameters:
            name = parameter.name
            if name not in weights or weights[name].shape != parameter.shape:
                received = weights[name].shape if name in weights else "nothing"
                raise UsageError(f"Weights of '{name}': expected shape {parameter.shape}, received {received}.")
        self._weights = {p.name: np.array(weights[p.name], self.dtype) for p in self.network.parameters}
        self._sessions: dict[tuple[tuple[str, ...], bool], Any] = {}

    def forward(self, inputs: Sequence[Array], *, training: bool = False, step: int = 0) -> tuple[Array, ...]:
        """Outputs of one batch, each (N, …)."""
        if training:
            self._refuse()
        count, piece = len(inputs[0]), self._piece
        parts = [self._run([x[i : i + piece] for x in inputs], every=False) for i in range(0, count, piece)]
        if not parts:
            return tuple(np.zeros((0, *shape), self.dtype) for shape in self.network.output_shapes)
        return tuple(part[0] if len(part) == 1 else np.concatenate(part) for part in zip(*parts, strict=True))

    def activations(self, inputs: Sequence[Array]) -> dict[str, Array]:
        """The output (N, …) of every layer, batch normalisations by themselves."""
        values = self._run(inputs, every=True)
        return {str(node.layer.name): value for node, value in zip(self.network.nodes, values, strict=True)}

    @property
    def _piece(self) -> int:
        """How many images go through the network at once, so that memory stays bounded."""
        return max(1, PIECE // max(prod(node.shape) for node in self.network.nodes))

    def _run(self, inputs: Sequence[Array], every: bool) -> list[Array]:
        arrays = [np.ascontiguousarray(x, "uint8" if np.asarray(x).dtype == np.uint8 else "float32") for x in inputs]
        session = self._session(tuple(x.dtype.name for x in arrays), every)
        names = (str(self.network.nodes[index].layer.name) for index in self.network.inputs)
        found: list[Array] = session.run(None, dict(zip(names, arrays, strict=True)))
        return found

    def _session(self, dtypes: tuple[str, ...], every: bool) -> Any:
        """ONNX Runtime's session for inputs of these dtypes, made when it is first needed."""
        key = dtypes, every
        if key not in self._sessions:
            model = build(self.network, self._weights, dtypes=dtypes, every=every)
            self._sessions[key] = open_session(model.SerializeToString(), self.threads)
        return self._sessions[key]

    def compile(
        self,
        optimizer: Optimizer,
        losses: Sequence[Loss],
        *,
        seed: int = 0,
        clip_norm: float | None = None,
        average: float | None = None,
    ) -> None:
        """Raises UsageError: ONNX Runtime does not train."""
        self._refuse()

    @property
    def slots(self) -> Weights:
        """None: there is no optimiser."""
        return {}

    @slots.setter
    def slots(self, slots: Mapping[str, Array]) -> None:
        if slots:
            self._refuse()

    def gradients(
        self, inputs: Sequence[Array], targets: Sequence[Array], *, training: bool = True, step: int = 0
    ) -> tuple[float, Weights]:
        """Raises UsageError: ONNX Runtime does not train."""
        self._refuse()

    def train_step(
        self,
        inputs: Sequence[Array],
        targets: Sequence[Array],
        *,
        learning_rate: float,
        step: int,
        batch: int | None = None,
    ) -> StepResult:
        """Raises UsageError: ONNX Runtime does not train."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise UsageError("The ONNX engine runs networks but does not train them: use engine 'numpy' or 'torch'.")


def open_session(model: bytes | str, threads: int | None = None) -> Any:
    """ONNX Runtime's session of a model, given as its bytes or the path of its file. threads: None: all cores."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
