"""Model files whose metadata say what cannot be, with a checksum that fits: refused in one sentence, or harmless."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save as pack_tensors

import striate as st
from striate import strict_json
from striate._types import Weights
from striate.engines import weight_files
from striate.engines.weight_files import load_weights
from striate.errors import DataError, ModelFileError, StriateError, UsageError
from striate.images import ImagePolicy
from striate.network import BatchNormalization, Conv2D, Dense, Flatten, Input
from striate.training import Recipe
from striate.training.monitors import ModelCheckpoint
from striate.transfer.open_set import OpenSetDetector
from striate.workflows.trained_model import open_trained_model

from .mutations import VALUES, places, replaced

DEEP = "[" * 100_000 + "]" * 100_000
TOO_LARGE = "1e999"


def model() -> st.Model:
    layers = [
        Input((4, 6, 1)), Conv2D(2, 3), BatchNormalization(), Flatten(), Dense(3, activation="softmax", name="out")
    ]  # fmt: skip
    model = st.Sequential(layers)
    model.classes, model.policy = ("a", "b", "c"), ImagePolicy(4, 6, 1, "stretch")
    model.recipe, model.fingerprint = Recipe(augmentation=st.data.Augmentation(rotation=5)), "abc"
    model.figures = {"loss": 0.5, "unknown_threshold": 0.25}
    return model


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Weights, dict[str, Any]]:
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    model().save(path)
    return load_weights(path)


def write(path: Path, arrays: Weights, metadata: str, format: str = "1") -> Path:
    """Write a model file with this text as metadata and the checksum of what a reader finds there."""
    value = json.loads(metadata) if len(metadata) < 100_000 else None
    digest = weight_files._digest(arrays, strict_json.canonical_with_nan(value))
    header = f'{{"format":{format},"metadata":{metadata},"sha256":"{digest}"}}'
    path.write_bytes(pack_tensors(arrays, {"striate": header}))
    return path


def test_every_value_of_the_metadata_may_be_wrong(saved: tuple[Weights, dict[str, Any]], tmp_path: Path) -> None:
    arrays, metadata = saved
    path, tried, refused, wrong = tmp_path / "m.safetensors", 0, 0, []
    for place in places(metadata):
        for value in VALUES:
            tried += 1
            write(path, arrays, json.dumps(replaced(metadata, place, value)))
            try:
                trained = open_trained_model(path)
                trained.predict_open_set(np.zeros((1, *trained.policy.shape), np.uint8))
            except StriateError:
                refused += 1
            except Exception as error:
                wrong.append(f"{place} = {value!r:.40}: {error!r:.200}")
    assert not wrong, "\n".join(wrong)
    assert tried > 1_000
    assert refused > tried / 2


@pytest.mark.parametrize(("place", "value", "problem"), [
    (("policy", "width"), 7, r"image policy makes images of shape \(4, 7, 1\), but its network takes \(4, 6, 1\)"),
    (("policy", "width"), 6.0, "image policy is invalid: "),
    (("policy",), [1], "image policy is invalid: "),
    (("figures", "unknown_threshold"), "x", "'unknown_threshold' must be a finite number, 0 or more, but is 'x'"),
    (("figures", "unknown_threshold"), -0.5, "'unknown_threshold' must be a finite number, 0 or more, but is -0.5"),
    (("figures", "unknown_threshold"), float("inf"), "'unknown_threshold' must be a finite number, 0 or more, but is"),
    (("figures", "unknown_threshold"), None, "'unknown_threshold' must be a finite number, 0 or more, but is None"),
    (("figures", "loss"), "x", "'loss' must be a number, but is 'x'"),
    (("classes",), [1, 2, 3], r"'classes' must be a list of names, but is \[1, 2, 3\]"),
    (("fingerprint",), 3, "'fingerprint' must be a string, but is 3"),
    (("recipe", "epochs"), 0, "recipe is invalid: epochs must be an integer, 1 or more; received 0"),
])  # fmt: skip
def test_wrong_values_are_named(
    saved: tuple[Weights, dict[str, Any]], tmp_path: Path, place: tuple[Any, ...], value: Any, problem: str
) -> None:
    path = write(tmp_path / "m.safetensors", saved[0], json.dumps(replaced(saved[1], place, value)))
    with pytest.raises(ModelFileError, match=rf"m\.safetensors' is damaged: (its )?{problem}"):
        st.load(path)


@pytest.mark.parametrize(("metadata", "format"), [
    (DEEP, "1"), ("{}", DEEP), ("{}", TOO_LARGE), ("{}", "true"), ("{}", '"1"'), ("[]", "1"), ("3", "1"), ("{}", "-1"),
])  # fmt: skip
def test_headers_that_cannot_be(
    saved: tuple[Weights, dict[str, Any]], tmp_path: Path, metadata: str, format: str
) -> None:
    path = write(tmp_path / "m.safetensors", saved[0], metadata, format)
    with pytest.raises(ModelFileError, match=r"m\.safetensors' "):
        st.load(path)


def test_figures_that_are_not_finite_are_left_out(saved: tuple[Weights, dict[str, Any]], tmp_path: Path) -> None:
    """Files of earlier versions contain NaN."""
    metadata = replaced(saved[1], ("figures", "loss"), float("nan"))
    path = write(tmp_path / "m.safetensors", saved[0], json.dumps(metadata))
    assert st.load(path).figures == {"unknown_threshold": 0.25}
    again = model()
    again.figures["loss"] = float("nan")
    again.save(tmp_path / "again.safetensors")
    assert b"NaN" not in (tmp_path / "again.safetensors").read_bytes()
    assert st.load(tmp_path / "again.safetensors").figures == {"unknown_threshold": 0.25}


@pytest.mark.parametrize("name", ["m.onnx", "m.keras", "m.h5", "m.pt", "m.pth", "m.pkl", "m.ONNX", "m.tflite"])
def test_names_of_other_formats_raise(tmp_path: Path, name: str) -> None:
    for use in (model().save, model().save_weights, ModelCheckpoint):
        with pytest.raises(UsageError, match=rf"ends in \.safetensors; received '.*{name}'\. ") as caught:
            use(tmp_path / name)
        remedy = "striate export MODEL.safetensors --to" if name.lower() == "m.onnx" else "Use .*m.safetensors"
        assert caught.match(remedy)
    assert list(tmp_path.iterdir()) == []


def test_names_with_numbers_are_accepted(tmp_path: Path) -> None:
    for name in ("m", "m.SAFETENSORS", "model-0.98"):
        model().save(tmp_path / name)
        assert st.load(tmp_path / name).classes == ("a", "b", "c")
    ModelCheckpoint("m-{epoch:02d}-{val_loss:.2f}")


def test_predictions_that_are_not_probabilities_raise(tmp_path: Path) -> None:
    linear = st.Sequential([Input((4, 6, 1)), Flatten(), Dense(2, activation="relu", name="out")])
    linear.classes, linear.policy = ("a", "b"), ImagePolicy(4, 6, 1, "stretch")
    linear.named_weights = {"out/kernel": np.ones((24, 2), np.float32), "out/bias": np.zeros(2, np.float32)}
    linear.save(tmp_path / "m.safetensors")
    trained = open_trained_model(tmp_path / "m.safetensors")
    with pytest.raises(DataError, match=r"not probabilities: .*between 0 and 1, .*up to 6120.*ends in a softmax"):
        trained.predict_open_set(np.full((1, 4, 6, 1), 255, np.uint8))


def detector() -> OpenSetDetector:
    one, two = np.ones((), np.float32), np.eye(2, dtype=np.float32)
    return OpenSetDetector("pool", two.astype(np.int8), two[:, :1], two[:, :1], one, np.asarray(2.0))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["directions", "class_means", "scale", "threshold"])
def test_detectors_that_are_not_finite_raise(name: str, bad: float) -> None:
    extras = detector().to_extras()
    assert OpenSetDetector.from_extras(extras) is not None
    extras[f"unknown:{name}"] = np.full_like(extras[f"unknown:{name}"], bad)
    with pytest.raises(ModelFileError, match=f"'unknown:{name}' contains NaN or infinity"):
        OpenSetDetector.from_extras(extras)


@pytest.mark.parametrize("name", ["scale", "threshold"])
def test_detectors_with_scales_of_zero_raise(name: str) -> None:
    extras = detector().to_extras()
    extras[f"unknown:{name}"] = np.zeros_like(extras[f"unknown:{name}"])
    with pytest.raises(ModelFileError, match=f"'unknown:{name}' is 0.0, but must be above 0"):
        OpenSetDetector.from_extras(extras)


def test_features_that_are_not_finite_are_unknown() -> None:
    assert detector().is_unknown(np.array([[np.nan, 0], [np.inf, 0], [1, 1]], np.float32)).tolist() == [
        True,
        True,
        False,
    ]


def test_strict_json() -> None:
    value = {"a": [float("nan"), (1, -float("inf"))], "b": "é"}
    assert strict_json.dumps(value) == '{"a": [null, [1, null]], "b": "é"}'
    assert strict_json.canonical(value) == '{"a":[null,[1,null]],"b":"\\u00e9"}'
    assert strict_json.loads("[" * 100 + "]" * 100)
    for text in ("[" * 101 + "]" * 101, DEEP, "{", b"\xff", "1" * 10_000):
        with pytest.raises(ValueError, match=r"."):
            strict_json.loads(text)


def test_all_json_is_written_at_one_place() -> None:
    source = Path(st.__file__).parent
    users = [path.name for path in source.rglob("*.py") if re.search(r"^import json\b", path.read_text("utf-8"), re.M)]
    assert users == ["strict_json.py"]
