"""The ONNX engine: inference with ONNX Runtime, the fastest engine on CPUs. It does not train."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from math import prod
from threading import Lock
from typing import Any, NoReturn

import numpy as np
import onnxruntime

from striate._types import Array, Ranges, Weights
from striate.engines.base import Engine
from striate.errors import UsageError
from striate.network import Network
from striate.onnx.export.int8 import LEVELS, int8_maps, sum_of_largest_products, to_int8, with_ranges
from striate.onnx.export.model import build_model
from striate.onnx.export.weights import MAX_INT8
from striate.processes import cores

# Maximum number of values of the largest feature map in one call: small enough for the CPU's cache, large enough that
# the overhead of a call does not matter.
CHUNK_VALUES = 1 << 21
BYTES_OF_FLOAT = 4  # a feature map in 8-bit integers takes a quarter of the memory of one in float32
ERRORS_ONLY = 3
Session = Callable[[Sequence[Array]], list[Array]]


class OnnxEngine(Engine):
    """Inference with ONNX Runtime on the CPU. Training raises UsageError.

    Threads compute different images, so results do not depend on the number of threads. Several threads may call
    `forward` at the same time.

    Args:
        network: The network.
        weights: Its parameters by full name.
        dtype: "float32", the only supported dtype.
        threads: Number of threads; None: one for each core.
        ranges: Ranges of feature maps, as `feature_ranges` measures them. The convolutions between them are computed in
            8-bit integers. None: everything is computed in float32.

    Raises:
        UsageError: If the dtype is not "float32", or the weights do not fit the network.
    """

    name = "onnx"

    def __init__(
        self, network: Network, weights: Mapping[str, Array], *, dtype: str = "float32", threads: int | None = None,
        ranges: Ranges | None = None,
    ) -> None:  # fmt: skip
        if dtype != "float32":
            raise UsageError(f"The ONNX engine supports only float32; received {dtype}.")
        super().__init__(network, weights, dtype=dtype)
        self.threads = threads or cores()
        self.ranges = ranges
        self._opening = Lock()
        self.weights = dict(weights)

    @property
    def weights(self) -> Weights:
        """Return copies of all parameters by full name."""
        return {name: array.copy() for name, array in self._weights.items()}

    @weights.setter
    def weights(self, weights: Mapping[str, Array]) -> None:
        self._check_weights(weights)
        self._weights = {p.name: np.array(weights[p.name], self.dtype) for p in self.network.parameters}
        self._sessions: dict[tuple[tuple[str, ...], bool], Session] = {}
        self._note_change()

    def weights_of(self, layer: str) -> Weights:
        """Return copies of the parameters of one layer by variable (`kernel`)."""
        own = (name for name in self._weights if name.rsplit("/", 1)[0] == layer)
        return {name.removeprefix(f"{layer}/"): self._weights[name].copy() for name in own}

    def forward(self, inputs: Sequence[Array], *, training: bool = False, step: int = 0) -> tuple[Array, ...]:
        """Compute the outputs of one batch, each (N, …)."""
        if training:
            self._raise_inference_only()
        session, arrays = self._prepare(inputs, all_outputs=False)
        starts = range(0, len(arrays[0]), self._chunk_size)
        chunks = ([x[start : start + self._chunk_size] for x in arrays] for start in starts)
        parts = list((self._pool.map if len(starts) > 1 else map)(session, chunks))
        if not parts:
            return tuple(np.zeros((0, *shape), self.dtype) for shape in self.network.output_shapes)
        return tuple(part[0] if len(part) == 1 else np.concatenate(part) for part in zip(*parts, strict=True))

    def node_values(self, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """Compute the output (N, …) of every node, without folding batch normalizations."""
        session, arrays = self._prepare(inputs, all_outputs=True)
        return tuple(session(arrays))

    @cached_property
    def _chunk_size(self) -> int:
        """Number of images in one call; in 8-bit integers a power of two, which divides batches evenly."""
        images = max(1, CHUNK_VALUES // max(prod(node.shape) for node in self.network.nodes))
        return 1 << (BYTES_OF_FLOAT * images).bit_length() - 1 if self.ranges else images

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads)

    def _prepare(self, inputs: Sequence[Array], all_outputs: bool) -> tuple[Session, list[Array]]:
        """Return the session for the dtypes of the inputs, and the inputs in the form that it accepts."""
        arrays = [np.ascontiguousarray(x, "uint8" if np.asarray(x).dtype == np.uint8 else "float32") for x in inputs]
        key = tuple(x.dtype.name for x in arrays), all_outputs
        with self._opening:  # other threads wait while one opens the session
            if key not in self._sessions:
                model = build_model(self.network, self._weights, dtypes=key[0], all_outputs=all_outputs)
                if self.ranges and not all_outputs:
                    model = to_int8(model, self.ranges, signed=products_are_exact())
                self._sessions[key] = open_session(model.SerializeToString())
            return self._sessions[key], arrays

    @property
    def slots(self) -> Weights:
        """Always empty: there is no optimizer."""
        return {}

    @slots.setter
    def slots(self, slots: Mapping[str, Array]) -> None:
        if slots:
            self._raise_inference_only()

    def _raise_inference_only(self, *_: Any, **__: Any) -> NoReturn:
        """Raise UsageError: ONNX Runtime does not train."""
        raise UsageError("The ONNX engine supports inference only, not training: use engine 'numpy' or 'torch'.")

    compile = gradients = train_step = _raise_inference_only


def feature_ranges(network: Network, weights: Mapping[str, Array], x: Array) -> Ranges:
    """Measure the ranges of the feature maps that `OnnxEngine` rounds when it computes in 8-bit integers.

    The range of a map is that of its smallest and largest values in each image, averaged over the images. A few larger
    values are clipped then, which costs less accuracy than larger steps would.

    Args:
        network: The network.
        weights: Its parameters by full name.
        x: Images, uint8 (N, H, W, C).

    Returns:
        The ranges by the name of the map, rounded to three digits, so that other processors find the same.
    """
    model = build_model(network, weights, dtypes=["uint8"])
    session = open_session(with_ranges(model).SerializeToString())
    with ThreadPoolExecutor(cores()) as pool:
        found = list(pool.map(lambda row: session([x[row : row + 1]]), range(len(x))))
    means = np.asarray(found, np.float64).mean(axis=0)
    rounded = [float(np.float32(f"{mean:.3g}")) for mean in means.ravel()]  # as model files keep them
    return dict(zip(int8_maps(model), zip(rounded[::2], rounded[1::2], strict=True), strict=True))


@cache
def products_are_exact() -> bool:
    """Return whether ONNX Runtime adds products of uint8 and int8 without overflow on this processor.

    On x86 processors without VNNI instructions, sums of two products are limited to 16 bits.
    """
    model = sum_of_largest_products()
    channels = int(model.graph.input[0].type.tensor_type.shape.dim[1].dim_value)
    (found,) = open_session(model.SerializeToString())([np.full((1, channels, 1, 1), LEVELS, np.uint8)])
    return int(found.item()) == channels * LEVELS * MAX_INT8


def open_session(model: bytes | str) -> Session:
    """Open a model with ONNX Runtime.

    A call uses one core. Several threads may call the session at once, which is faster than parallelizing one call.

    Args:
        model: The bytes of a model, or the path of its file.

    Returns:
        A function from the model's inputs to its outputs, both in the model's order.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [info.name for info in session.get_inputs()]

    def run(arrays: Sequence[Array]) -> list[Array]:
        outputs: list[Array] = session.run(None, dict(zip(names, arrays, strict=True)))
        return outputs

    return run
