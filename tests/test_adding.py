"""A layer is local: one description, one rule for each engine and for ONNX, each in one place."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import striate
from striate.network import layers

SOURCE = Path(striate.__file__).parent
RULES = ("network/layers", "engines/numpy/layers", "engines/torch/layers", "onnx/export/layers")
NEW_FILES = {
    "network/layers/negative.py": """
from dataclasses import dataclass
from striate.network.layers.base import Layer
from striate.network.registry import register_layer

__all__ = ["Negative"]

@register_layer
@dataclass(frozen=True)
class Negative(Layer):
    def output_shape(self, *inputs):
        return inputs[0]
""",
    "engines/numpy/layers/negative.py": """
from striate.engines.numpy.rules import LayerRule, rule
from striate.network import Negative

@rule(Negative)
class NegativeRule(LayerRule):
    def forward(self, context, x):
        return -x, None

    def backward(self, context, state, dy):
        return (-dy,)
""",
    "engines/torch/layers/negative.py": """
from striate.engines.torch.rules import rule
from striate.network import Negative

@rule(Negative)
def negative(layer, weights, x):
    return -x
""",
    "onnx/export/layers/negative.py": """
from striate.network import Negative
from striate.onnx.export.rules import rule

@rule(Negative)
def negative(graph, layer, weights, x):
    return graph.op("Neg", x.name)
""",
}
USE = """
import numpy as np
import striate as st
from striate.engines.base import TrainingSettings
from striate.engines.choose import make_engine
from striate.engines.gradcheck import check_gradients
from striate.engines.initialization import initial_weights
from striate.engines.losses import CategoricalCrossentropy
from striate.engines.optimizers import SGD
from striate.network import Network

Negative = st.layers.Negative
network = Network.sequential([st.layers.Input((4,)), Negative(), st.layers.Dense(3, activation="softmax")])
assert Network.from_json(network.to_json()) == network
assert max(row.max_error for row in check_gradients(network)) < 1e-7
weights = initial_weights(network, 0)
x, t = np.arange(20.0).reshape(5, 4).astype("float32"), np.array([0, 1, 2, 0, 1])
engines = [make_engine(name, network, weights) for name in ("numpy", "torch", "onnx")]
first, *others = (engine.forward([x])[0] for engine in engines)
plain = Network.sequential([st.layers.Input((4,)), st.layers.Dense(3, activation="softmax")])
np.testing.assert_allclose(first, make_engine("numpy", plain, weights).forward([-x])[0], atol=1e-6)
for other in others:
    np.testing.assert_allclose(other, first, atol=1e-5)
for engine in engines[:2]:
    engine.compile(TrainingSettings(SGD(), [CategoricalCrossentropy()]))
    assert np.isfinite(engine.train_step([x], [t], learning_rate=0.1, step=0).loss)
"""


def test_new_layer_needs_one_new_file_for_each_engine(tmp_path: Path) -> None:
    """It runs in all engines and is exported by name in a copy of the package with no other file changed."""
    copy = tmp_path / "striate"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path, code in NEW_FILES.items():
        (copy / path).write_text(code, "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", USE], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


LAYER_CLASSES = {name for name in dir(layers) if isinstance(getattr(layers, name), type)} - {"Layer", "Parameter"}


def layers_named_in(file: Path) -> set[str]:
    names = {node.id for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Name)}
    return names & LAYER_CLASSES


@pytest.mark.parametrize("folder", ["network", "engines", "onnx/export", "training", "workflows", "cli", "models"])
def test_no_other_module_lists_the_layers(folder: str) -> None:
    """A module outside the packages of rules may name a few layers that it treats specially, never most of them."""
    for file in (SOURCE / folder).rglob("*.py"):
        path = file.relative_to(SOURCE).as_posix()
        if not path.startswith(RULES):
            assert len(layers_named_in(file)) < len(LAYER_CLASSES) / 3, path


def test_files_named_in_contributing_exist() -> None:
    root = SOURCE.parents[1]
    named = re.findall(
        r"`((?:src|tests|docs)/[\w./-]+|[\w-]+\.(?:toml|txt|md))`", (root / "CONTRIBUTING.md").read_text("utf-8")
    )
    assert len(named) > 30
    assert [path for path in named if "NAME" not in path and not (root / path).exists()] == []
