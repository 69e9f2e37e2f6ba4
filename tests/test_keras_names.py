"""Names of Keras: those that Striate has can be imported; others say what to write."""

from typing import Any

import numpy as np
import pytest

import striate
from striate.errors import StriateError

st: Any = striate  # so that type checkers let unknown names pass


@pytest.fixture(scope="module")
def model() -> Any:
    made = st.Sequential([st.Input((4,)), st.layers.Dense(2, name="d")])
    made.compile("adam", "mse")
    return made


@pytest.mark.parametrize(("get", "message"), [
    (lambda: st.DTypePolicy, r"precision='bfloat16'"),
    (lambda: st.wrappers, "models have fit and predict"),
    (lambda: st.layers.Conv1D, "not sequences"),
    (lambda: st.layers.Convolution3D, "not volumes"),
    (lambda: st.layers.TorchModuleWrapper, r"model\.onnx"),
    (lambda: st.layers.AdaptiveAveragePooling2D, "GlobalAveragePool2D"),
    (lambda: st.metrics.serialize, r"saving\.serialize_keras_object"),
    (lambda: st.losses.deserialize, r"saving\.deserialize_keras_object"),
    (lambda: st.activations.sparsemax, "Did you mean 'softmax'"),
    (lambda: st.callbacks.CallbackList, "fit"),
    (lambda: st.utils.model_to_dot, "plot_model"),
    (lambda: st.random.dropout, "layers.Dropout"),
    (lambda: st.initializers.stft, "sounds"),
    (lambda: st.preprocessing.text, "classifies images"),
    (lambda: st.mixed_precision.Policy, "bfloat16"),
    (lambda: st.saving.KerasFileEditor, "safetensors"),
    (lambda: st.initializers.HeNormal(input_axes=None), "HeNormal has no argument 'input_axes'"),
    (lambda: st.initializers.Ones()((2, 2)), "describes initial values"),
    (lambda: st.layers.Resizing(4, 4, crop_to_aspect_ratio=True), "crop_to_aspect_ratio=True is not supported"),
    (lambda: st.callbacks.TensorBoard(profile_batch=2), "does not support profile_batch"),
])  # fmt: skip
def test_names_that_only_keras_has_say_what_to_write(get: Any, message: str) -> None:
    with pytest.raises(StriateError, match=message):
        get()


@pytest.mark.parametrize(("name", "message"), [
    ("fit_generator", r"fit\(generator, steps_per_epoch=…\)"),
    ("predict_classes", r"argmax\(axis=-1\)"),
    ("parameters", "named_weights"),
    ("cuda", "device='cuda'"),
    ("add_loss", "compile"),
    ("train_step", "train_on_batch"),
    ("evalute", "Sequential has no attribute 'evalute'. Did you mean 'evaluate'"),
])  # fmt: skip
def test_attributes_that_models_do_not_have_say_what_to_write(model: Any, name: str, message: str) -> None:
    assert not hasattr(model, name)
    with pytest.raises(StriateError, match=message):
        getattr(model, name)


def test_attributes_that_layers_and_optimizers_do_not_have(model: Any) -> None:
    with pytest.raises(StriateError, match=r"Dense has no attribute 'input_shape': write layer\.input\.shape"):
        model.layers[0].input_shape  # noqa: B018
    with pytest.raises(StriateError, match=r"Adam has no attribute 'apply_gradients': .*train_on_batch"):
        model.optimizer.apply_gradients([])
    assert not hasattr(model.layers[0], "__array__")


def test_loss_and_settings_of_compile_can_be_read_and_passed_on(model: Any) -> None:
    other = st.Sequential([st.Input((4,)), st.layers.Dense(2)])
    assert (other.compiled, other.loss, other.get_compile_config()) == (False, None, None)
    other.compile_from_config(model.get_compile_config())
    assert (other.compiled, other.loss) == (True, "mse")


def test_files_that_exist_are_replaced_unless_forbidden(model: Any, tmp_path: Any) -> None:
    file = tmp_path / "m.safetensors"
    model.save(filepath=file)
    model.save(file, overwrite=True)
    for write in (model.save, model.save_weights):
        with pytest.raises(StriateError, match=r"m\.safetensors' exists. Choose another name"):
            write(file, overwrite=False)
    assert not st.models.load_model(file, compile=False).compiled
    assert st.models.load_model(file, custom_objects={}).compiled
    with pytest.raises(StriateError, match="all weights or none"):
        model.load_weights(file, skip_mismatch=True)


def test_a_loss_without_a_gradient_chooses_pytorch(model: Any) -> None:
    x = np.ones((6, 4), "float32")

    def loss(y_true: Any, y_pred: Any) -> Any:
        return st.ops.mean(st.ops.square(y_true - y_pred), axis=-1)

    trained = st.Sequential([st.Input((4,)), st.layers.Dense(2)])
    trained.compile("sgd", loss, metrics=[])
    assert trained.engine.name == "torch"
    first, *_, last = trained.fit(x, np.zeros((6, 2)), epochs=5, verbose=0).history["loss"]
    assert last < first
    with pytest.raises(StriateError, match=r"Return \(loss, gradient\)"):
        trained.compile("sgd", loss, metrics=[], engine="numpy")


def test_layers_of_ones_own_are_found_by_name() -> None:
    saving = st.saving

    @saving.register_keras_serializable(package="mine", name="Twofold")
    class Twice(st.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x * 2

    try:
        chain = st.Sequential([st.Input((4,)), Twice(name="t"), st.layers.Dense(2)])
        assert st.Sequential.from_config(chain.get_config()).count_params() == 10
        assert saving.get_custom_objects()["mine>Twofold"] is Twice
        assert st.layers.deserialize(st.layers.serialize(Twice(name="a"))).name == "a"
    finally:
        saving.get_custom_objects().clear()
    with pytest.raises(StriateError, match="There is no layer class 'Twice'"):
        st.Sequential.from_config(chain.get_config())


def test_random_arrays_follow_their_seed() -> None:
    draw = st.random
    assert (draw.normal((3,), seed=1) == draw.normal((3,), seed=1)).all()
    seeds = draw.SeedGenerator(0)
    assert (draw.uniform((3,), seed=seeds) != draw.uniform((3,), seed=seeds)).any()
    assert abs(draw.truncated_normal((500,), seed=2)).max() <= 2
    assert sorted(draw.shuffle(range(5), seed=3).tolist()) == [0, 1, 2, 3, 4]
    assert set(draw.randint((50,), 0, 3, seed=4).tolist()) == {0, 1, 2}
    with pytest.raises(StriateError, match="maxval must be above"):
        draw.randint((2,), 3, 3)
