"""Wrong arguments for every public function, class and method: each is called with each argument replaced."""

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import striate
from striate.images import ImagePolicy

st: Any = striate  # so that type checkers let wrong calls pass
X, Y = np.zeros((12, 3), np.float32), np.arange(12) % 2
PIXELS = np.arange(12 * 16, dtype=np.uint8).reshape(12, 4, 4, 1)
WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 2.5, 10**30, float("nan"), float("inf"), "x", "", b"x", [], [None], ("a", 1), {}, {"a": []},
    {1, 2}, object(), int, len, np.zeros(0), np.zeros((2, 3)), np.array("x"), np.int64(-3), 1j,
)  # fmt: skip
NOT_ENUMERATED = frozenset(
    {
        "data.MappedArray",
        "data.get",
        "layers.Tensor",
        "layers.Parameter",
        "layers.Layer",
        "zoo.register_architecture",
    }
)  # made by Striate itself, or with an effect outside this process
OPTIMIZERS = ("Optimizer", "SGD", "AdaGrad", "RMSprop", "Adam", "AdamW", "get_optimizer", "with_weight_decay")
LOSSES = ("CategoricalCrossentropy", "BinaryCrossentropy", "MeanSquaredError", "get_loss")


def model() -> Any:
    """Return a compiled model of rows of three numbers."""
    built = st.Sequential([st.Input((3,), dtype="float32"), st.layers.Dense(2, activation="softmax", name="out")])
    built.compile()
    return built


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public callables by their names, Model's methods bound to a model of their own."""
    for name in ("Input", "Network", "Model", "Sequential", "load"):
        yield name, getattr(st, name)
    for package in ("callbacks", "data", "layers", "losses", "optimizers", "zoo"):
        module = getattr(st, package)
        names = {"losses": LOSSES, "optimizers": OPTIMIZERS}.get(package) or module.__all__
        for name in names:
            if f"{package}.{name}" not in NOT_ENUMERATED and callable(getattr(module, name)):
                yield f"{package}.{name}", getattr(module, name)
    for name, member in inspect.getmembers(st.Sequential):
        if name.startswith("_") or not callable(member) or name == "summary":
            continue
        yield f"Model.{name}", lambda *args, _name=name, **kwargs: getattr(model(), _name)(*args, **kwargs)
    for name in ("from_dict", "from_entries", "from_json", "sequential"):
        yield f"Network.{name}", getattr(st.Network, name)
    augmentation = st.data.Augmentation(rotation=5)
    for name, member in inspect.getmembers(augmentation):
        if not name.startswith("_") and callable(member):
            yield f"Augmentation.{name}", member


def valid(folder: Path) -> dict[str, dict[str, Any]]:
    """Return valid arguments by callable, where an argument is required or its default would take long."""
    inputs = st.Input((3,))
    dataset = st.data.from_arrays(PIXELS, Y, seed=1)
    network = st.zoo.network("mlp") if "mlp" in st.zoo.list_models() else st.zoo.network("lenet5")
    saved = folder / "m.safetensors"
    if not saved.exists():
        model().save(saved)
    weights = model().named_weights
    return {
        "Input": {"shape": (3,)},
        "Network": {"inputs": inputs, "outputs": st.layers.Dense(2)(inputs)},
        "Model": {"inputs": inputs, "outputs": st.layers.Dense(2)(inputs)},
        "Sequential": {"layers": [st.Input((3,)), st.layers.Dense(2)]},
        "load": {"path": saved},
        "callbacks.LearningRateScheduler": {"schedule": lambda epoch: 0.1},
        "callbacks.ModelCheckpoint": {"filepath": folder / "c.safetensors"},
        "callbacks.TensorBoard": {"log_dir": folder / "logs"},
        "data.AugmentationParameters": {"rows": np.arange(3)},
        "data.Dataset": vars(dataset),
        "data.DatasetInfo": {"name": "a", "description": "b", "images": 1, "classes": 2, "build": lambda seed: dataset},
        "data.Images": {"x": PIXELS, "y": Y},
        "data.batches": {"n": 5, "batch_size": 2},
        "data.as_images": {"x": PIXELS, "y": Y},
        "data.epoch_order": {"n": 5, "seed": 0, "epoch": 0},
        "data.from_arrays": {"x": PIXELS, "y": Y},
        "data.get_augmentation": {"augmentation": "digits"},
        "data.load": {"name_or_path": "mnist5k"},
        "data.load_folder": {"path": folder, "policy": ImagePolicy(4, 4)},
        "data.uniform_samples": {"seed": 0, "epoch": 0, "index": np.arange(3), "draws": 2},
        "layers.Activation": {"activation": "relu"},
        "layers.Conv2D": {"filters": 2, "kernel_size": 3},
        "layers.Conv2DTranspose": {"filters": 2, "kernel_size": 3},
        "layers.Dense": {"units": 2},
        "layers.DepthwiseConv2D": {"kernel_size": 3},
        "layers.Dropout": {"rate": 0.5},
        "layers.Input": {"shape": (3,)},
        "layers.RadialBasis": {"units": 2, "prototypes": "zeros"},
        "layers.SelectChannels": {"channels": (0,)},
        "losses.get_loss": {"loss": "categorical_crossentropy"},
        "optimizers.get_optimizer": {"optimizer": "adam"},
        "optimizers.with_weight_decay": {"optimizer": st.optimizers.AdamW(), "weight_decay": 0.1},
        "zoo.Architecture": {"id": "a", "builder": lambda: network},
        "zoo.PublishedWeights": {"file": "a-123.pth", "layer_name": str},
        "zoo.DefaultRecipe": {"epochs": 1, "batch_size": 2, "learning_rate": 0.1},
        "zoo.build": {"id": "lenet5"},
        "zoo.get_architecture": {"id": "lenet5"},
        "zoo.input_shape": {"id": "lenet5"},
        "zoo.network": {"id": "lenet5"},
        "Model.add": {"layer": st.layers.Dense(2)},
        "Model.evaluate": {"x": X, "y": Y},
        "Model.fit": {"x": X, "y": Y, "verbose": 0},
        "Model.from_network": {"network": network},
        "Model.from_onnx": {"path": folder / "none.onnx"},
        "Model.load_weights": {"filepath": saved},
        "Model.predict": {"x": X},
        "Model.save": {"filepath": folder / "s.safetensors"},
        "Model.save_weights": {"filepath": folder / "w.safetensors"},
        "Model.set_weights": {"weights": weights},
        "Model.train": {"data": dataset, "verbose": 0},
        "Model.train_on_batch": {"x": X, "y": Y},
        "Network.from_dict": {"data": network.to_dict()},
        "Network.from_entries": {
            "name": "n", "entries": [(st.Input((3,), name="in"), ())], "inputs": (0,), "outputs": (0,)
        },
        "Network.from_json": {"text": network.to_json()},
        "Network.sequential": {"layers": [st.Input((3,)), st.layers.Dense(2)]},
        "Augmentation.sample": {"seed": 0, "epoch": 0, "index": np.arange(3), "shape": (4, 4, 1)},
        "Augmentation.from_dict": {"settings": {"rotation": 5}},
    }  # fmt: skip


def _recipe() -> Any:
    from striate.training import Recipe

    return Recipe(epochs=1, batch_size=4)


def cases(folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield a name and a wrong call for every argument of every public callable and every wrong value.

    Args:
        folder: Where calls that write may write.
    """
    known = valid(folder)
    for name, function in public():
        arguments = known.get(name, {})
        signature_of = getattr(st.Sequential, name[6:]) if name.startswith("Model.") else function
        for parameter in inspect.signature(signature_of).parameters.values():
            if parameter.name == "self" or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                continue
            for value in WRONG:
                shown = f"{name}({parameter.name}={value!r:.40})"
                yield shown.replace("\n", ""), partial(function, **{**arguments, parameter.name: value})
            yield f"{name}({parameter.name}x=1)", partial(function, **arguments, **{f"{parameter.name}x": 1})
        yield f"{name} without arguments", function
        yield f"{name} with ten arguments", partial(function, *range(10))
