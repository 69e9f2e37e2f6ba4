"""Choose the engine that runs a network, and make it."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from striate._types import Array
from striate.engines.base import Engine
from striate.errors import UsageError, nearest
from striate.network import Layer, Network
from striate.processes import current_process

AUTO = "auto"
PRECISIONS = ("float32", "bfloat16", "float16")
# Multiply-adds for one image. Up to the first, steps of a few milliseconds leave an accelerator waiting for Python. Up
# to the second a step of NumPy took 0.7 to 1.7 times that of PyTorch on one core, and PyTorch takes a second or two to
# import; above it 1 to 1.8 times that in float32, and more where the processor has bfloat16.
TINY, SMALL = 1_000_000, 12_000_000


@dataclass(frozen=True)
class EngineEntry:
    """An engine that can be chosen by name.

    Attributes:
        label: What messages call it.
        module: The module that holds its class, imported when the engine is made.
        class_name: The name of its class.
        trains: Whether it can train.
        configurable: Whether it takes a device, a precision and the other settings beside its name.
        distributed: Whether it runs in several processes together.
    """

    label: str
    module: str
    class_name: str
    trains: bool = True
    configurable: bool = False
    distributed: bool = True


ENGINES = {
    "numpy": EngineEntry("NumPy", "striate.engines.numpy", "NumpyEngine", distributed=False),
    "torch": EngineEntry("PyTorch", "striate.engines.torch", "TorchEngine", configurable=True),
    "onnx": EngineEntry("ONNX", "striate.engines.onnxruntime", "OnnxEngine", trains=False),
}


@dataclass(frozen=True)
class EngineSettings:
    """Which engine computes, on which device, and how.

    All but `engine` are settings of the PyTorch engine.

    Attributes:
        engine: "auto", "numpy", "torch", or "onnx", which does not train.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        precision: Of training: "auto", "float32", "bfloat16" or "float16".
        deterministic: Whether to use only algorithms that give the same bits each time.
        compiled: Whether to compile the network with torch.compile.
    """

    engine: str = AUTO
    device: str = AUTO
    precision: str = AUTO
    deterministic: bool = False
    compiled: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """The settings without the engine's name."""
        values = asdict(self)
        del values["engine"]
        return values

    @property
    def needs_torch(self) -> bool:
        """Whether only the PyTorch engine supports these settings."""
        return self.device not in (AUTO, "cpu") or self.precision not in (AUTO, "float32") or self.compiled

    def check(self, *, training: bool = False) -> None:
        """Check that the settings fit together and this machine.

        Args:
            training: Whether the engine is to train.

        Raises:
            UsageError: An engine, device or precision does not exist or is not installed, settings contradict each
                other, or the engine does not support training here.
        """
        if self.engine not in (AUTO, *ENGINES):
            raise UsageError(f"There is no engine '{self.engine}'.{nearest(self.engine, (AUTO, *ENGINES))}")
        if self.engine != AUTO:
            self._check_entry(ENGINES[self.engine], training=training)
        if self.engine == "torch" or self.needs_torch or self.device != AUTO:
            if not installed("torch"):
                raise UsageError(
                    "The engine 'torch' needs PyTorch, which is not installed: pip install \"striate[torch]\"."
                )
            from striate.engines.torch.device import check_precision, choose_device

            choose_device(self.device)
            check_precision(self.precision)

    def _check_entry(self, entry: EngineEntry, *, training: bool) -> None:
        if training and not entry.trains:
            raise UsageError(
                f"The engine '{self.engine}' runs networks but does not train them: use 'numpy' or 'torch'."
            )
        if self.needs_torch and not entry.configurable:
            raise UsageError(f"The {entry.label} engine computes in float32 on the CPU only: use the engine 'torch'.")
        if not entry.distributed and current_process().world_size > 1:
            raise UsageError(
                f"The {entry.label} engine trains in one process only: use the engine 'torch' for several."
            )


@dataclass(frozen=True)
class Choice:
    """An engine and the reason for it.

    Attributes:
        engine: The name of the engine.
        reason: Why it was chosen, worded to follow "because".
    """

    engine: str
    reason: str


def choose(network: Network, asked: EngineSettings) -> Choice:
    """Choose the engine for a network: NumPy for small networks on a CPU, else PyTorch. Raise UsageError as `check`."""
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
    """Choose the engine that has rules for the user's own layers."""
    from striate.engines.numpy.rules import has_rule

    if installed("torch") and not all(map(has_rule, own)):
        return Choice("torch", "NumPy has no rule for your own layers")
    return Choice("numpy", "it has rules for your own layers")


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
    """Return whether a package can be imported."""
    return find_spec(package) is not None


def accelerator() -> str | None:
    """Return the accelerator that PyTorch finds, "cuda" or "mps"; None if there is none or no PyTorch."""
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
    """Make an engine by name, or the best with "auto". Raise UsageError as `EngineSettings.check` does."""
    chosen = choose(network, EngineSettings(name, **options)).engine
    entry = ENGINES[chosen]
    engine: Engine = getattr(import_module(entry.module), entry.class_name)(
        network, weights, **(options if entry.configurable else {})
    )
    return engine
