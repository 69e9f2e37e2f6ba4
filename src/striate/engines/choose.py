"""Choose the engine for a network, and create it."""

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
from striate.engines.trial import EngineTrial
from striate.errors import UsageError, nearest
from striate.network import Layer, Network
from striate.processes import current_process

AUTO = "auto"
# Multiply-adds per image. Up to TINY, a step takes a few milliseconds and a GPU would wait for Python. Up to
# SMALL, a NumPy step took 0.7 to 1.7 times as long as a PyTorch step on one core, and importing PyTorch takes one to
# two seconds, so that long trainings are tried on both. Above SMALL it took 1 to 1.8 times as long in float32, and
# longer on CPUs with bfloat16.
TINY, SMALL = 1_000_000, 12_000_000
MIN_SPEEDUP = 1.05  # speedup from which a trial chooses PyTorch; repeated trials differ by a few percent


@dataclass(frozen=True)
class EngineEntry:
    """An engine that can be chosen by name.

    Attributes:
        label: Its name in messages.
        module: The module of its class, imported when the engine is created.
        class_name: The name of its class.
        trains: Whether it supports training.
        configurable: Whether it supports the device, precision and other options of `EngineSettings`.
        distributed: Whether it supports distributed training.
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
    """The engine to use, and its options.

    Only the PyTorch engine supports options other than the defaults.

    Attributes:
        engine: "auto", "numpy", "torch", or "onnx" (inference only).
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        precision: Precision of training: "auto", "float32", "bfloat16" or "float16".
        deterministic: Whether to use only deterministic algorithms.
        torch_compile: Whether to compile the network with torch.compile.
    """

    engine: str = AUTO
    device: str = AUTO
    precision: str = AUTO
    deterministic: bool = False
    torch_compile: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """All settings except `engine`, by name."""
        values = asdict(self)
        del values["engine"]
        return values

    @property
    def needs_torch(self) -> bool:
        """Whether only the PyTorch engine supports these settings."""
        return self.device not in (AUTO, "cpu") or self.precision not in (AUTO, "float32") or self.torch_compile

    def check(self, *, training: bool = False) -> None:
        """Check that the settings are valid and supported on this machine.

        Args:
            training: Whether the engine is needed for training.

        Raises:
            UsageError: If an engine, device or precision is unknown or not available, settings contradict each other,
                or the engine does not support training, alone or in several processes.
        """
        if self.engine not in (AUTO, *ENGINES):
            raise UsageError(f"There is no engine '{self.engine}'.{nearest(self.engine, (AUTO, *ENGINES))}")
        if self.engine != AUTO:
            self._check_entry(ENGINES[self.engine], training=training)
        if self.engine == "torch" or self.needs_torch:
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
                f"The engine '{self.engine}' supports inference only, not training: use 'numpy' or 'torch'."
            )
        if self.needs_torch and not entry.configurable:
            raise UsageError(f"The {entry.label} engine supports only float32 on the CPU: use the engine 'torch'.")
        if training and not entry.distributed and current_process().world_size > 1:
            raise UsageError(f"The {entry.label} engine does not support several processes: use the engine 'torch'.")


@dataclass(frozen=True)
class Choice:
    """An engine and the reason for it.

    Attributes:
        engine: The name of the engine.
        reason: The reason, a clause to follow "because".
    """

    engine: str
    reason: str


def choose(
    network: Network, settings: EngineSettings, *, alone: bool = False, trial: EngineTrial | None = None
) -> Choice:
    """Choose the engine for a network: with "auto", NumPy for small networks on a CPU, else PyTorch.

    Args:
        network: The network.
        settings: The requested engine and options.
        alone: Whether each of several processes computes for itself.
        trial: The training, if the engine is to be chosen for one; a long one is begun on both engines to choose the
            faster.

    Returns:
        The engine and the reason.

    Raises:
        UsageError: If the settings are invalid or not supported; see `EngineSettings.check`.
    """
    settings.check()
    if settings.engine != AUTO:
        return Choice(settings.engine, "it was requested")
    if settings.needs_torch:
        return Choice("torch", "NumPy does not support this device or precision")
    if current_process().world_size > 1 and not alone:
        return Choice("torch", "it supports several processes")
    classes = {type(node.layer) for node in network.nodes}
    custom = {layer for layer in classes if not layer.__module__.startswith("striate.")}
    return _by_rules(custom) if custom else _by_size(network.multiply_adds, settings.device, trial)


def _by_rules(custom: set[type[Layer]]) -> Choice:
    """Choose the engine that has rules for the custom layers."""
    from striate.engines.numpy.rules import has_rule

    if installed("torch") and not all(map(has_rule, custom)):
        return Choice("torch", "NumPy has no rule for your custom layers")
    return Choice("numpy", "it has rules for your custom layers")


def _by_size(multiply_adds: int, device: str, trial: EngineTrial | None) -> Choice:
    size = f"{multiply_adds:,} multiply-adds for one image"
    tiny = multiply_adds <= TINY
    if not tiny and not installed("torch"):
        faster = ", which is faster for a network of this size," if multiply_adds > SMALL else ""
        return Choice("numpy", f'PyTorch{faster} is not installed (pip install "striate[torch]")')
    if multiply_adds > SMALL:
        return Choice("torch", f"the network is large ({size})")
    device_type = None if tiny or device == "cpu" else accelerator()
    if device_type:
        return Choice("torch", f"there is a GPU ({device_type})")
    predicted = trial.predict("numpy", "torch") if trial and installed("torch") else None
    if predicted:
        return _by_time(**predicted)
    return Choice("numpy", f"the network is small ({size})" + ("" if tiny else " and there is no GPU"))


def _by_time(numpy: float, torch: float) -> Choice:
    """Choose by the predicted seconds of the training; NumPy, which needs no other package, if they hardly differ."""
    if torch * MIN_SPEEDUP < numpy:
        return Choice("torch", f"a short trial estimates {torch:,.0f} seconds with PyTorch and {numpy:,.0f} with NumPy")
    return Choice("numpy", f"a short trial estimates {numpy:,.0f} seconds with NumPy and {torch:,.0f} with PyTorch")


def installed(package: str) -> bool:
    """Return whether a package can be imported."""
    return find_spec(package) is not None


def accelerator() -> str | None:
    """Return the type of accelerator that PyTorch finds, "cuda" or "mps"; None without one or without PyTorch."""
    indications = (
        sys.platform == "darwin",
        shutil.which("nvidia-smi"),
        Path("/dev/nvidiactl").exists(),
        Path("/dev/kfd").exists(),
    )
    if not any(indications) or not installed("torch"):  # asking PyTorch takes a second, for its import
        return None
    from striate.engines.torch.device import choose_device

    device_type = choose_device(AUTO).type
    return None if device_type == "cpu" else device_type


def make_engine(name: str, network: Network, weights: Mapping[str, Array], **options: Any) -> Engine:
    """Create an engine.

    Args:
        name: "auto", "numpy", "torch" or "onnx".
        network: The network.
        weights: Its parameters by full name (`C1/kernel`).
        **options: The other fields of `EngineSettings`.

    Returns:
        The engine.

    Raises:
        UsageError: If the settings are invalid or not supported, or the weights do not fit the network.
    """
    chosen = choose(network, EngineSettings(name, **options)).engine
    entry = ENGINES[chosen]
    engine: Engine = getattr(import_module(entry.module), entry.class_name)(
        network, weights, **(options if entry.configurable else {})
    )
    return engine
