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
        random,
        regularizers,
        saving,
        textbook,
        utils,
        zoo,
    )
    from striate.engines.losses import Loss
    from striate.engines.variables import Variable
    from striate.images import ImagePolicy
    from striate.models import Model, Sequential, load
    from striate.network import Initializer, Input, Layer, Network, Regularizer
    from striate.network.layers.operators import Operators as KerasTensor
    from striate.optimizers import Optimizer
    from striate.training import Run
    from striate.training.metrics import Metric

__version__ = "0.1.0"

# ONNX Runtime would write a device id and an event queue into the user's cache folder when it is imported. Nothing in
# Striate can import it before this line; processes that Striate starts inherit the variable.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

_OBJECTS = {  # module of each
    "Input": "striate.network",
    "Network": "striate.network",
    "ImagePolicy": "striate.images",
    "Model": "striate.models",
    "Sequential": "striate.models",
    "Run": "striate.training",
    "Variable": "striate.engines.variables",
    "Initializer": "striate.network",
    "KerasTensor": "striate.network.layers.operators:Operators",
    "Layer": "striate.network",
    "Loss": "striate.engines.losses",
    "Metric": "striate.training.metrics",
    "Optimizer": "striate.optimizers",
    "Regularizer": "striate.network",
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
    "random": "striate.random",
    "regularizers": "striate.regularizers",
    "saving": "striate.saving",
    "textbook": "striate.textbook",
    "utils": "striate.utils",
    "zoo": "striate.zoo",
}
_PRECISION = "layers compute in float32; half precision is a setting of a model, compile(precision='bfloat16')"
_PARALLEL = "several GPUs or machines are used by torchrun -m striate train (docs/scale.md)"
_REPLACEMENTS = {  # what to use in place of names in Keras
    **dict.fromkeys(("DTypePolicy", "FloatDTypePolicy", "dtype_policies"), _PRECISION),
    **dict.fromkeys(("Quantizer", "quantizers"), "write `striate export MODEL --to FILE.onnx --int8`"),
    **dict.fromkeys(("distribution", "RematScope", "remat"), _PARALLEL),
    **dict.fromkeys(("StatelessScope", "SymbolicScope", "Operation", "InputSpec"), "engines run networks, and a layer "
                    "made in Python consists of other layers"),
    "Function": "write Model(inputs, outputs)",
    "device": "write model.compile(device='cuda')",
    "distillation": "train on the outputs of the other model: student.fit(x, teacher.predict(x))",
    "export": "write model.export('model.onnx')",
    "name_scope": "give layers names: Conv2D(8, 3, name='block1.conv')",
    "tree": "inputs and outputs are lists or dictionaries of arrays, without further nesting",
    "version": "write striate.__version__",
    "visualization": "write striate.plot",
    "wrappers": "models have fit and predict; scikit-learn's functions take their arrays",
}  # fmt: skip
__all__ = [
    "ImagePolicy", "Initializer", "Input", "KerasTensor", "Layer", "Loss", "Metric", "Model", "Network", "Optimizer",
    "Regularizer", "Run", "Sequential", "Variable", "__version__", "activations", "applications", "audit",
    "backend", "callbacks", "constraints", "data", "datasets", "errors", "evaluation", "explain", "initializers",
    "layers", "load", "losses", "metrics", "mixed_precision", "models", "ops", "optimizers", "plot",
    "preprocessing", "random", "regularizers", "saving", "textbook", "utils", "zoo",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _OBJECTS:
        module, _, other_name = _OBJECTS[name].partition(":")
        return getattr(import_module(module), other_name or name)
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _REPLACEMENTS:
        from striate.errors import UsageError

        raise UsageError(f"Striate has no {name}: {_REPLACEMENTS[name]}.")
    raise AttributeError(f"module 'striate' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
