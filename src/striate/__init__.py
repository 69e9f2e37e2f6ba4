"""Striate: image classification with convolutional networks. Importing it loads nothing heavy, not even NumPy."""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from striate import (
        activations,
        applications,
        audit,
        backend,
        callbacks,
        constraints,
        data,
        datasets,
        errors,
        evaluation,
        explain,
        initializers,
        layers,
        losses,
        metrics,
        mixed_precision,
        models,
        ops,
        optimizers,
        plot,
        preprocessing,
        regularizers,
        textbook,
        utils,
        zoo,
    )
    from striate.engines.variables import Variable
    from striate.models import Model, Sequential, load
    from striate.network import Input, Network
    from striate.training import Run

__version__ = "0.1.0"

# ONNX Runtime would write a device id and an event queue into the user's cache folder when it is imported. Nothing in
# Striate can import it before this line; processes that Striate starts inherit the variable.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

_OBJECTS = {  # module of each
    "Input": "striate.network",
    "Network": "striate.network",
    "Model": "striate.models",
    "Sequential": "striate.models",
    "Run": "striate.training",
    "Variable": "striate.engines.variables",
    "load": "striate.models",
}
_MODULES = {
    "activations": "striate.activations",
    "applications": "striate.applications",
    "audit": "striate.audit",
    "backend": "striate.backend",
    "callbacks": "striate.callbacks",
    "config": "striate.backend",
    "constraints": "striate.constraints",
    "data": "striate.data",
    "datasets": "striate.datasets",
    "errors": "striate.errors",
    "evaluation": "striate.evaluation",
    "explain": "striate.explain",
    "initializers": "striate.initializers",
    "layers": "striate.layers",
    "losses": "striate.losses",
    "metrics": "striate.metrics",
    "mixed_precision": "striate.mixed_precision",
    "models": "striate.models",
    "ops": "striate.ops",
    "optimizers": "striate.optimizers",
    "plot": "striate.plot",
    "preprocessing": "striate.preprocessing",
    "regularizers": "striate.regularizers",
    "textbook": "striate.textbook",
    "utils": "striate.utils",
    "zoo": "striate.zoo",
}
__all__ = [
    "Input", "Model", "Network", "Run", "Sequential", "Variable", "__version__", "activations", "applications", "audit",
    "backend", "callbacks", "constraints", "data", "datasets", "errors", "evaluation", "explain", "initializers",
    "layers", "load", "losses", "metrics", "mixed_precision", "models", "ops", "optimizers", "plot",
    "preprocessing", "regularizers", "textbook", "utils", "zoo",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _OBJECTS:
        return getattr(import_module(_OBJECTS[name]), name)
    if name in _MODULES:
        return import_module(_MODULES[name])
    raise AttributeError(f"module 'striate' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
