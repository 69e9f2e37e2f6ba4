"""The choice of the engine, its reason, and errors for engines that are not available."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import striate as st
from striate import zoo
from striate.engines import choose as module
from striate.engines.choose import AUTO, SMALL, TINY, Choice, EngineSettings, choose, make_engine
from striate.engines.initialization import initial_weights
from striate.engines.numpy import rules as numpy_rules
from striate.engines.trial import EngineTrial
from striate.errors import UsageError
from striate.network import Conv2D, Dense, Flatten, GlobalAveragePool2D, Input, Layer, Network
from striate.network.shapes import Shape


def network(multiply_adds: int) -> Network:
    """Return a network with about this many multiply-adds: one convolution on 32×32 pixels."""
    filters = max(1, round(multiply_adds / (32 * 32 * 27)))
    return Network.sequential(
        [Input((32, 32, 3)), Conv2D(filters, 3, padding="same"), GlobalAveragePool2D(), Dense(2, activation="softmax")]
    )


def environment_with(monkeypatch: pytest.MonkeyPatch, *, torch: bool = True, accelerator: str | None = None) -> None:
    monkeypatch.setattr(module, "installed", lambda package: torch)
    monkeypatch.setattr(module, "accelerator", lambda: accelerator if torch else None)


TINY_ONE, MIDDLE, LARGE = (network(n) for n in (TINY // 2, (TINY + SMALL) // 2, SMALL * 2))


@pytest.mark.parametrize(
    ("net", "torch", "accelerator", "engine", "reason"),
    [
        (TINY_ONE, True, "cuda", "numpy", r"^the network is small \(497,700 multiply-adds for one image\)$"),
        (MIDDLE, True, None, "numpy", r"^the network is small \(6,497,750 multiply-adds .*\) and there is no GPU$"),
        (MIDDLE, True, "cuda", "torch", r"^there is a GPU \(cuda\)$"),
        (MIDDLE, False, None, "numpy", r'^PyTorch is not installed \(pip install "striate\[torch\]"\)$'),
        (LARGE, True, None, "torch", r"^the network is large \(2\d,\d{3},\d{3} multiply-adds for one image\)$"),
        (LARGE, False, None, "numpy", "^PyTorch, which is faster for a network of this size, is not installed"),
    ],
)
def test_choice_by_size_installation_and_accelerator(
    net: Network, torch: bool, accelerator: str | None, engine: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment_with(monkeypatch, torch=torch, accelerator=accelerator)
    choice = choose(net, EngineSettings())
    assert choice.engine == engine
    assert re.search(reason, choice.reason), choice.reason


def trial(seconds_of_a_step: dict[str, float], begun: list[str], *, seconds: float = 100) -> EngineTrial:
    """Return the trial of a training of 1,000 steps, with a clock on which a step takes so many seconds."""
    now = [0.0]

    def prepare(engine: str) -> Callable[[], None]:
        begun.append(engine)

        def step() -> None:
            now[0] += seconds_of_a_step[engine]

        return step

    return EngineTrial(1_000, seconds, prepare, lambda: now[0])


@pytest.mark.parametrize(
    ("numpy", "torch", "engine", "reason"),
    [
        (0.009, 0.007, "torch", "a short trial estimates 7 seconds with PyTorch and 9 with NumPy"),
        (2.0, 1.2, "torch", "a short trial estimates 1,200 seconds with PyTorch and 2,000 with NumPy"),
        (0.010, 0.0094, "torch", "a short trial estimates 9 seconds with PyTorch and 10 with NumPy"),
        (0.010, 0.0096, "numpy", "a short trial estimates 10 seconds with NumPy and 10 with PyTorch"),
        (0.006, 0.008, "numpy", "a short trial estimates 6 seconds with NumPy and 8 with PyTorch"),
    ],
)
@pytest.mark.parametrize("net", [TINY_ONE, MIDDLE])
def test_engine_of_a_long_training_is_chosen_by_a_trial(
    net: Network, numpy: float, torch: float, engine: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment_with(monkeypatch)
    begun: list[str] = []
    assert choose(net, EngineSettings(), trial=trial({"numpy": numpy, "torch": torch}, begun)) == Choice(engine, reason)
    assert begun == ["numpy", "torch"]


@pytest.mark.parametrize(("seconds", "steps"), [(100, 4), (20, 10), (2, 100)])
def test_rounds_of_a_trial_take_long_enough_to_measure(
    seconds: float, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("striate.engines.trial.MIN_SECONDS", 0)
    taken: list[str] = []
    found = EngineTrial(1_000, seconds, lambda engine: lambda: taken.append(engine)).predict("numpy")
    assert found is not None
    assert len(taken) == 3 * steps


@pytest.mark.parametrize(
    ("net", "settings", "present", "seconds"),
    [
        (MIDDLE, {}, {}, 29), (TINY_ONE, {}, {"torch": False}, 1e6), (MIDDLE, {}, {"torch": False}, 1e6),
        (MIDDLE, {}, {"accelerator": "cuda"}, 1e6), (LARGE, {}, {}, 1e6), (MIDDLE, {"engine": "torch"}, {}, 1e6),
        (MIDDLE, {"engine": "numpy"}, {}, 1e6), (MIDDLE, {"precision": "bfloat16"}, {}, 1e6),
    ],
)  # fmt: skip
def test_engine_is_tried_only_if_it_is_open_and_training_long(
    net: Network, settings: dict[str, Any], present: dict[str, Any], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, begun = EngineSettings(**settings), list[str]()
    environment_with(monkeypatch)
    monkeypatch.setattr(EngineSettings, "check", lambda *_, **__: None)
    environment_with(monkeypatch, **present)
    assert choose(net, asked, trial=trial({}, begun, seconds=seconds)) == choose(net, asked)
    assert begun == []


def test_systems_for_digits_do_not_need_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    environment_with(monkeypatch)
    for id in ("mlp", "simple-convnet", "mnist-cnn", "lenet5", "lenet5-1998", "mnist-quick", "mnist-best"):
        assert choose(zoo.network(id), EngineSettings()).engine == "numpy", id


def test_options_that_only_pytorch_supports_choose_pytorch() -> None:
    assert choose(TINY_ONE, EngineSettings(precision="bfloat16")) == Choice(
        "torch", "NumPy does not support this device or precision"
    )
    assert choose(TINY_ONE, EngineSettings(device="cpu")).engine == "numpy"
    assert choose(LARGE, EngineSettings("numpy")) == Choice("numpy", "it was requested")


def test_accelerator_is_not_queried_unless_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    environment_with(monkeypatch, accelerator="cuda")
    assert choose(MIDDLE, EngineSettings(device="cpu")).engine == "numpy"


class Doubled(Layer):
    """A custom layer."""

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


def test_custom_layers_run_on_engines_with_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    environment_with(monkeypatch)
    net = Network.sequential([Input((4,)), Doubled(name="d"), Dense(2)])
    assert choose(net, EngineSettings()) == Choice("torch", "NumPy has no rule for your custom layers")
    monkeypatch.setitem(numpy_rules._FACTORIES, Doubled, None)
    assert choose(net, EngineSettings()) == Choice("numpy", "it has rules for your custom layers")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (EngineSettings("nunpy"), r"There is no engine 'nunpy'\. Did you mean 'numpy'\?"),
        (EngineSettings("numpy", device="cuda"), "The NumPy engine supports only float32 on the CPU: use the"),
        (EngineSettings(device="cudda"), r"There is no device 'cudda'\. Did you mean 'cuda'\?"),
        (EngineSettings(precision="float8"), r"There is no precision 'float8'\. Did you mean 'float\d+'\?"),
    ],
)
def test_unknown_engines_and_options_raise(settings: EngineSettings, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settings.check()


@pytest.mark.parametrize(
    "settings", [EngineSettings("torch"), EngineSettings(device="cuda"), EngineSettings(torch_compile=True)]
)
def test_missing_engine_error_contains_the_install_command(
    settings: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment_with(monkeypatch, torch=False)
    with pytest.raises(
        UsageError, match=r"The engine 'torch' needs PyTorch, which is not installed: pip install \"striate\[torch\]\""
    ):
        make_engine(settings.engine, TINY_ONE, initial_weights(TINY_ONE, 0), **settings.options)


def small_model() -> st.Model:
    return st.Sequential([Input((6, 5, 1)), Flatten(), Dense(2, activation="softmax")])


def test_model_moves_between_engines_with_its_weights(tmp_path: Path) -> None:
    model = small_model()
    x = np.random.default_rng(0).integers(0, 256, (7, 6, 5, 1), dtype=np.uint8)
    expected = model.predict(x)
    assert model.engine.name == "numpy"
    model.compile("sgd", engine="torch", device="cpu", precision="float32")
    assert model.engine.name == "torch"
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-4, atol=1e-6)
    torch = model.engine
    model.compile("adam")
    assert model.engine is torch
    model.fit(x, np.arange(7) % 2, epochs=1, verbose=0)
    after = model.predict(x)
    model.use_engine("numpy")
    assert model.engine.name == "numpy"
    np.testing.assert_allclose(model.predict(x), after, rtol=1e-4, atol=1e-6)
    with pytest.raises(UsageError, match="not compiled"):
        model.fit(x, np.arange(7) % 2, verbose=0)
    model.save(tmp_path / "model.safetensors")
    loaded = st.load(tmp_path / "model.safetensors")
    assert loaded.engine.name == "numpy"
    np.testing.assert_allclose(loaded.predict(x), after, rtol=1e-4, atol=1e-6)


def test_invalid_engine_leaves_the_model_unchanged() -> None:
    model = small_model()
    model.compile("sgd")
    engine = model.engine
    for wrong in ({"engine": "tensorflow"}, {"engine": "numpy", "device": "cuda"}, {"precision": "int8"}):
        options: Any = wrong
        with pytest.raises(UsageError):
            model.compile("adam", **options)
    assert model.engine is engine
    assert isinstance(model.optimizer, st.optimizers.SGD)


def test_auto_equals_the_default() -> None:
    assert EngineSettings() == EngineSettings(AUTO, AUTO, AUTO)
    assert make_engine("auto", TINY_ONE, initial_weights(TINY_ONE, 0)).name == "numpy"


def test_onnx_engine_requires_a_trained_model() -> None:
    EngineSettings("onnx").check()
    with pytest.raises(UsageError, match=r"^The engine 'onnx' supports inference only, not training: use 'numpy' or"):
        EngineSettings("onnx").check(training=True)
    with pytest.raises(UsageError, match=r"^The ONNX engine supports only float32 on the CPU: use the engine"):
        EngineSettings("onnx", precision="bfloat16").check()
    model = st.zoo.build("lenet5", seed=3)
    x = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), dtype=np.uint8)
    before = model.predict(x)
    model.use_engine("onnx")
    assert model.engine.name == "onnx"
    np.testing.assert_allclose(model.predict(x), before, atol=1e-6)
    with pytest.raises(UsageError, match=r"The engine 'onnx' supports inference only, not training"):
        model.compile()
