"""The ONNX engine: a network run by ONNX Runtime, the fastest on a CPU. It does not train."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from math import prod
from typing import NoReturn

import numpy as np
import onnxruntime

from striate._types import Array, Weights
from striate.engines.base import Engine, StepResult
from striate.engines.losses import Loss
from striate.engines.optimizers import Optimizer
from striate.errors import UsageError
from striate.network import Network
from striate.onnx.export.convert import build
from striate.processes import cores

PIECE = 1 << 21  # numbers of the largest map at once: few enough for a processor's cache, enough to be worth a call
QUIET = 3  # errors only
Session = Callable[[Sequence[Array]], list[Array]]


class OnnxEngine(Engine):
    """Runs a network in float32 with ONNX Runtime on the CPU.

    threads: how many to use; None: all cores. Each takes some of the images, so results do not depend on their number.
    Training raises UsageError.
    """

    name = "onnx"

    def __init__(
        self, network: Network, weights: Mapping[str, Array], *, dtype: str = "float32", threads: int | None = None
    ) -> None:
        if dtype != "float32":
            raise UsageError(f"The ONNX engine computes in float32 only; received {dtype}.")
        super().__init__(network, weights, dtype=dtype)
        self.threads = threads or cores()
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
        self._sessions: dict[tuple[tuple[str, ...], bool], Session] = {}

    def forward(self, inputs: Sequence[Array], *, training: bool = False, step: int = 0) -> tuple[Array, ...]:
        """Outputs of one batch, each (N, …)."""
        if training:
            self._refuse()
        session, arrays = self._prepared(inputs, every=False)
        starts = range(0, len(arrays[0]), self._piece)
        pieces = ([x[start : start + self._piece] for x in arrays] for start in starts)
        parts = list((self._pool.map if len(starts) > 1 else map)(session, pieces))
        if not parts:
            return tuple(np.zeros((0, *shape), self.dtype) for shape in self.network.output_shapes)
        return tuple(part[0] if len(part) == 1 else np.concatenate(part) for part in zip(*parts, strict=True))

    def activations(self, inputs: Sequence[Array]) -> dict[str, Array]:
        """The output (N, …) of every layer, batch normalisations by themselves."""
        session, arrays = self._prepared(inputs, every=True)
        values = session(arrays)
        return {str(node.layer.name): value for node, value in zip(self.network.nodes, values, strict=True)}

    @cached_property
    def _piece(self) -> int:
        """How many images go through the network at once."""
        return max(1, PIECE // max(prod(node.shape) for node in self.network.nodes))

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads)

    def _prepared(self, inputs: Sequence[Array], every: bool) -> tuple[Session, list[Array]]:
        """What runs the network on arrays like these, made when it is first needed, and the arrays as it takes them."""
        arrays = [np.ascontiguousarray(x, "uint8" if np.asarray(x).dtype == np.uint8 else "float32") for x in inputs]
        key = tuple(x.dtype.name for x in arrays), every
        if key not in self._sessions:
            model = build(self.network, self._weights, dtypes=key[0], every=every)
            self._sessions[key] = open_session(model.SerializeToString())
        return self._sessions[key], arrays

    def compile(
        self,
        optimizer: Optimizer,
        losses: Sequence[Loss],
        *,
        seed: int = 0,
        clip_norm: float | None = None,
        average: float | None = None,
        frozen: Collection[str] = (),
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


def open_session(model: bytes | str) -> Session:
    """What runs a model, given as its bytes or the path of its file: from its inputs to its outputs, in their order.

    It uses one core. Any number of threads may call it at once, which costs less than to divide the work of one call.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [door.name for door in session.get_inputs()]

    def run(arrays: Sequence[Array]) -> list[Array]:
        found: list[Array] = session.run(None, dict(zip(names, arrays, strict=True)))
        return found

    return run
