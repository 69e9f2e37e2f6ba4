"""Which engine runs a network: the one that was asked for, or Striate's own choice with its reason."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from striate._types import Array
from striate.engines.base import Engine
from striate.errors import UsageError, nearest
from striate.network import Layer, Network
from striate.processes import current_process

AUTO = "auto"
ENGINES = ("numpy", "torch", "onnx")
# Multiply-adds for one image. Up to the first, steps of a few milliseconds leave an accelerator waiting for Python. Up
# to the second a step of NumPy took 0.7 to 1.7 times that of PyTorch on one core, and PyTorch takes a second or two to
# import; above it 1 to 1.8 times that in float32, and more where the processor has bfloat16.
TINY, SMALL = 1_000_000, 12_000_000


@dataclass(frozen=True)
class EngineSettings:
    """What is to compute, and how.

    engine: "auto", "numpy", "torch", or "onnx", which does not train. The others are the PyTorch engine's: device:
    "auto", "cpu", "cuda", "cuda:1", "mps". precision: "auto", "float32", "bfloat16", "float16". deterministic: the same
    bits each time. compiled: by torch.compile.
    """

    engine: str = AUTO
    device: str = AUTO
    precision: str = AUTO
    deterministic: bool = False
    compiled: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """All but the engine's name."""
        values = asdict(self)
        del values["engine"]
        return values

    @property
    def needs_torch(self) -> bool:
        """Whether NumPy cannot do what is asked for."""
        return self.device not in (AUTO, "cpu") or self.precision not in (AUTO, "float32") or self.compiled

    def check(self, *, training: bool = False) -> None:
        """Raise UsageError for what there is not, is not installed, clashes, or cannot train where it should."""
        if training and self.engine == "onnx":
            raise UsageError("The engine 'onnx' runs networks but does not train them: use 'numpy' or 'torch'.")
        if self.engine not in (AUTO, *ENGINES):
            raise UsageError(f"There is no engine '{self.engine}'.{nearest(self.engine, (AUTO, *ENGINES))}")
        if self.engine in ("numpy", "onnx") and self.needs_torch:
            name = {"numpy": "NumPy", "onnx": "ONNX"}[self.engine]
            raise UsageError(f"The {name} engine computes in float32 on the CPU; the rest needs the engine 'torch'.")
        if self.engine == "numpy" and current_process().world_size > 1:
            raise UsageError("The NumPy engine trains in one process; several need the engine 'torch'.")
        if self.engine == "torch" or self.needs_torch or self.device != AUTO:
            if not installed("torch"):
                raise UsageError(
                    "The engine 'torch' needs PyTorch, which is not installed: pip install \"striate[torch]\"."
                )
            from striate.engines.torch.device import check_precision, choose_device

            choose_device(self.device)
            check_precision(self.precision)


@dataclass(frozen=True)
class Choice:
    """engine: its name. reason: why it was taken, to stand after "because"."""

    engine: str
    reason: str


def choose(network: Network, asked: EngineSettings) -> Choice:
    """The engine for a network: NumPy for small ones on a CPU, PyTorch otherwise. Raises UsageError as `check` does."""
    asked.check()
    if asked.engine != AUTO:
        return Choice(asked.engine, "it was asked for")
    if asked.needs_torch:
        return Choice("torch", "NumPy has no such device or precision")
    if current_process().world_size > 1:
        return Choice("torch", "it can train in several processes")
    kinds = {type(node.layer) for node in network.nodes}
    own = {kind for kind in kinds if not kind.__module__.startswith("striate.")}
    return _by_rules(own) if own else _by_size(network.multiply_adds, asked.device)


def _by_rules(own: set[type[Layer]]) -> Choice:
    """For a network with layers of a person's own: the engine that was taught to run them."""
    from striate.engines.numpy.rules import has_rule

    if installed("torch") and not all(map(has_rule, own)):
        return Choice("torch", "NumPy has no rule for your own layers")
    return Choice("numpy", "it knows your own layers")


def _by_size(multiply_adds: int, device: str) -> Choice:
    size = f"{multiply_adds / 1e6:,.1f} million multiply-adds for one image"
    if multiply_adds <= TINY:
        return Choice("numpy", f"{size} are few")
    if not installed("torch"):
        slow = ", with which a network of this size is faster," if multiply_adds > SMALL else ""
        return Choice("numpy", f'PyTorch{slow} is not installed (pip install "striate[torch]")')
    if multiply_adds > SMALL:
        return Choice("torch", f"{size} are many")
    found = None if device == "cpu" else accelerator()
    if found:
        return Choice("torch", f"there is an accelerator, {found}")
    return Choice("numpy", f"{size} are few, and there is no accelerator")


def installed(package: str) -> bool:
    """Whether it could be imported."""
    return find_spec(package) is not None


def accelerator() -> str | None:
    """The kind of accelerator that PyTorch finds, "cuda" or "mps"; None without it or without PyTorch."""
    signs = (
        sys.platform == "darwin",
        shutil.which("nvidia-smi"),
        Path("/dev/nvidiactl").exists(),
        Path("/dev/kfd").exists(),
    )
    if not any(signs) or not installed("torch"):  # PyTorch knows for certain, but takes a second to import
        return None
    from striate.engines.torch.device import choose_device

    kind = choose_device(AUTO).type
    return None if kind == "cpu" else kind


def make_engine(name: str, network: Network, weights: Mapping[str, Array], **options: Any) -> Engine:
    """The engine of this name, or the best with "auto", running the network. options: the others of `EngineSettings`.

    Raises UsageError as `EngineSettings.check` does.
    """
    chosen = choose(network, EngineSettings(name, **options)).engine
    if chosen == "numpy":
        from striate.engines.numpy import NumpyEngine

        return NumpyEngine(network, weights)
    if chosen == "onnx":
        from striate.engines.onnxruntime import OnnxEngine

        return OnnxEngine(network, weights)
    from striate.engines.torch import TorchEngine

    return TorchEngine(network, weights, **options)
