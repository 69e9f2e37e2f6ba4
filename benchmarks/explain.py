"""st.explain: exactness of single units in every network of the zoo at full size, speed, and completeness.

`python benchmarks/explain.py units` compares random units with the engine: the difference relative to the largest value
of the layer, and relative to the number itself. `speed` prints medians and ranges; `completeness` how far integrated
gradients of trained networks are from the difference of the scores.
"""

import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import machine
import numpy as np

import striate as st
from striate.explain.units import as_maps
from striate.images import ImagePolicy
from striate.pretrained import load_pretrained, required_settings

UNITS = 3  # of each node
RUNS = 7


def units() -> None:
    """Compare random units of all nodes with the engine."""
    print("| network | engine | units | largest difference / largest value of layer | within 1e-5 of the number |")
    print("|---|---|---|---|---|")
    rng = np.random.default_rng(0)
    for name in st.zoo.list_models():
        model = st.zoo.build(name)
        shape = model.network.input_shapes[0]
        trace = st.explain.Trace(model, rng.integers(0, 256, shape, dtype=np.uint8))
        worst, close, count = 0.0, 0, 0
        for number, node in enumerate(model.network.nodes):
            scale = float(np.abs(trace.values[number]).max()) or 1.0
            for _ in range(UNITS):
                unit = trace.unit(number, [int(rng.integers(size)) for size in as_maps(node.shape)])
                difference = abs(unit.output - unit.engine_output)
                worst, count = max(worst, difference / scale), count + 1
                close += difference <= 1e-5 * abs(unit.engine_output)
        print(f"| {name} | {model.engine.name} | {count} | {worst:.1e} | {close / count:.1%} |", flush=True)


def timed(function: Callable[[], object], runs: int = RUNS) -> str:
    """Return median and range of the time of a call after a first one."""
    function()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(1000 * (time.perf_counter() - start))
    return f"{median(times):.1f} ms ({min(times):.1f} to {max(times):.1f})"


def speed() -> None:
    """Print the time of each computation."""
    for name, engine in (("lenet5", "numpy"), ("efficientnet-lite0", "onnx"), ("resnet50", "onnx")):
        print(f"\n{name}, {engine}")
        for what, function, runs in computations(name, engine):
            print(f"  {what:<24}{timed(function, runs)}", flush=True)


def computations(name: str, engine: str) -> list[tuple[str, Callable[[], object], int]]:
    """Return what to measure of a network, with the number of runs."""
    model = st.zoo.build(name)
    model.use_engine(engine)
    image = np.random.default_rng(0).integers(0, 256, model.network.input_shapes[0], dtype=np.uint8)
    layer = [str(node.layer.name) for node in model.network.nodes if node.layer.kind == "Conv2D"][-2]
    trace, last = st.explain.Trace(model, image), len(model.network.nodes) - 1
    return [
        ("all maps and one unit", lambda: st.explain.Trace(model, image).unit(layer, (1, 1, 1)), RUNS),
        ("one unit more", lambda: trace.unit(layer, (1, 1, 1)), RUNS),
        ("a class after softmax", lambda: trace.unit(last, 1), RUNS),
        ("receptive field", lambda: st.explain.receptive_field(model, layer, (1, 1)), RUNS),
        ("graph", lambda: st.explain.graph(model), RUNS),
        ("Grad-CAM", lambda: st.explain.grad_cam(model, image), 3),
        ("occlusion", lambda: st.explain.occlusion(model, image), 1),
        ("32 integrated gradients", lambda: st.explain.integrated_gradients(model, image, steps=32), 1),
    ]


def completeness() -> None:
    """Print the error of integrated gradients for a trained and a pretrained network, for their predicted classes."""
    digits = st.data.load("mnist5k")
    lenet = st.zoo.build("lenet5")
    lenet.compile("adam")
    lenet.fit(digits.train.x, digits.train.y, epochs=3, verbose=0)
    report("lenet5", lenet, digits.test.x[:20])
    folder = os.environ.get("STRIATE_DATA")
    if not folder:
        print("no photographs: STRIATE_DATA is not set")
        return
    name = "efficientnet-lite0"
    model = st.zoo.build(name, **required_settings(name, "imagenet"))
    model.named_weights = load_pretrained(model.network, "imagenet")[0]
    files = sorted((Path(folder) / "flowers").rglob("*.jpg"))[::700][:2]
    report(name, model, np.stack([ImagePolicy(*model.network.input_shapes[0]).read(file) for file in files]))


def report(name: str, model: st.Model, images: Any) -> None:
    """Print the errors and steps of integrated gradients for some images."""
    found = [st.explain.integrated_gradients(model, image) for image in images]
    differences = [item.score - (item.baseline_score or 0.0) for item in found]
    errors = [abs(item.values.sum(dtype=np.float64) / d - 1) for item, d in zip(found, differences, strict=True)]
    steps = sorted(item.steps or 0 for item in found)
    print(f"{name}, {len(images)} images: error median {median(errors):.3%}, largest {max(errors):.3%}; steps {steps}")


if __name__ == "__main__":
    for part in sys.argv[1:] or ["units", "speed", "completeness"]:
        {"units": units, "speed": speed, "completeness": completeness}[part]()
    print(f"\nNumPy {version('numpy')}, PyTorch {version('torch')}, ONNX Runtime {version('onnxruntime')}")
    print(f"{machine.command()} on {machine.description()}")
