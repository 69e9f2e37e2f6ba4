"""`import striate` loads no heavy packages and still offers every public name."""

import subprocess
import sys

import pytest

import striate as st

HEAVY = {
    "PIL", "click", "jax", "jinja2", "markupsafe", "ml_dtypes", "numpy", "onnx", "onnxruntime", "platformdirs", "rich",
    "safetensors", "scipy", "sklearn", "tensorboardX", "tensorflow", "threadpoolctl", "torch",
}  # fmt: skip


def modules_loaded_by(code: str) -> set[str]:
    """Return the modules that a new Python process has loaded after running the code."""
    program = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, encoding="utf-8")
    return set(done.stdout.split())


def packages_loaded_by(code: str) -> set[str]:
    """Return the heavy packages that a new Python process has loaded after running the code."""
    return HEAVY & {name.split(".")[0] for name in modules_loaded_by(code)}


@pytest.mark.parametrize(
    "code",
    [
        "import striate",
        "import striate, striate.network; striate.zoo.network('lenet5').table()",
        "import striate; striate.Input, striate.Network, striate.layers.Conv2D, striate.errors.StriateError",
    ],
)
def test_describing_networks_loads_no_heavy_packages(code: str) -> None:
    assert packages_loaded_by(code) == set()


def test_check_detects_loaded_packages() -> None:
    assert "numpy" in packages_loaded_by("import striate; striate.Model")


def test_numpy_engine_loads_no_other_framework() -> None:
    code = "import striate as st; st.zoo.build('lenet5').predict([[[[0]] * 28] * 28])"
    assert packages_loaded_by(code).isdisjoint(
        {"torch", "onnx", "onnxruntime", "tensorflow", "jax", "scipy", "sklearn"}
    )


def test_pytorch_trains_without_loading_its_compiler() -> None:
    """It would double the time until the first step."""
    code = """
import striate as st
model = st.zoo.build("mlp", input_shape=(4, 4, 1), hidden=[3])
model.use_engine("torch", device="cpu")
model.compile("adam", "sparse_categorical_crossentropy")
model.fit([[[[0]] * 4] * 4] * 2, [0, 1], verbose=0)"""
    loaded = modules_loaded_by(code)
    assert "torch" in loaded
    assert loaded & {"torch._dynamo", "sympy"} == set()


@pytest.mark.parametrize("modules", ["cli.train, workflows.train, workflows.report", "cli.predict, workflows.predict"])
def test_commands_load_only_what_they_use(modules: str) -> None:
    loaded = modules_loaded_by(f"import {', '.join(f'striate.{module}' for module in modules.split(', '))}")
    used_elsewhere = {
        "IPython", "matplotlib", "onnx", "onnxruntime", "pandas", "scipy", "starlette", "statistics",
        "striate.explain", "striate.onnx.export", "striate.onnx.importing", "striate.plot", "striate.textbook",
        "striate.training.lr_finder", "striate.web", "striate.workflows.explore", "torch", "uvicorn",
    }  # fmt: skip
    assert loaded & used_elsewhere == set()
    assert sum(name.startswith("striate.") for name in loaded) < 250


def test_every_public_name_exists() -> None:
    assert set(dir(st)) == set(st.__all__)
    for name in st.__all__:
        assert getattr(st, name) is not None


def test_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'striate' has no attribute 'Modle'"):
        _ = st.Modle
