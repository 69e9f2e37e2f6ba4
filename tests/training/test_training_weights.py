import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import save_file

from striate._types import Weights
from striate.engines import weight_files as module
from striate.engines.initialization import initial_weights
from striate.engines.weight_files import check_weights, load_weights, save_weights
from striate.errors import ModelFileError
from striate.network import (
    Constant,
    Conv2D,
    Dense,
    Flatten,
    FromValues,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    Input,
    Network,
    Normal,
    Ones,
    TruncatedNormal,
    Uniform,
    Zeros,
)

WEIGHTS: Weights = {
    "b/kernel": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "a/bias": np.array([1.5], np.float64),
    "empty": np.zeros((0, 4), np.int64),
    "scalar": np.array(7, np.uint8),
}


def dense(initializer: Initializer, inputs: int = 200, units: int = 300, name: str = "F") -> Network:
    return Network.sequential([Input((inputs,)), Dense(units, kernel_initializer=initializer, name=name)])


def drawn(initializer: Initializer, **settings: Any) -> Any:
    return initial_weights(dense(initializer, **settings), 3, "float64")["F/kernel"]


@pytest.mark.parametrize(
    ("initializer", "mean", "deviation", "limit"),
    [
        (Normal(0.5, 0.1), 0.5, 0.1, np.inf),
        (TruncatedNormal(0.5, 0.1), 0.5, 0.1 * 0.8796, 0.2),
        (Uniform(-1, 3), 1, 4 / np.sqrt(12), 2),
        (GlorotUniform(), 0, np.sqrt(2 / 500), np.sqrt(6 / 500)),
        (GlorotNormal(), 0, np.sqrt(2 / 500), 2 * np.sqrt(2 / 500) / 0.8796),
        (HeUniform(), 0, np.sqrt(2 / 200), np.sqrt(6 / 200)),
        (HeNormal(), 0, np.sqrt(2 / 200), 2 * np.sqrt(2 / 200) / 0.8796),
        (Constant(0.1), 0.1, 0, 0),
        (Zeros(), 0, 0, 0),
        (Ones(), 1, 0, 0),
    ],
)
def test_initializers_have_their_mean_standard_deviation_and_limits(
    initializer: Initializer, mean: float, deviation: float, limit: float
) -> None:
    values = drawn(initializer)
    assert values.shape == (200, 300)
    assert values.mean() == pytest.approx(mean, abs=max(0.02 * deviation, 1e-12))
    assert values.std() == pytest.approx(deviation, rel=0.02, abs=1e-12)
    assert np.abs(values - mean).max() <= limit * 1.001 + 1e-12
    if np.isfinite(limit) and limit:
        assert np.abs(values - mean).max() > 0.99 * limit


def test_given_values_are_used_unchanged() -> None:
    values = drawn(FromValues(((1, 2, 3), (4, 5, 6))), inputs=2, units=3)
    assert values.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_initial_weights_depend_on_seed_and_name_only() -> None:
    network = Network.sequential([Input((8, 8, 1)), Conv2D(4, 3, name="C1"), Flatten(), Dense(5, name="F")])
    longer = Network.sequential(
        [Input((8, 8, 1)), Conv2D(4, 3, name="C1"), Conv2D(4, 3, name="C2"), Flatten(), Dense(5, name="F")]
    )
    first, again, other = (initial_weights(network, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["C1/kernel"], other["C1/kernel"])
    assert np.array_equal(first["C1/kernel"], initial_weights(longer, 1)["C1/kernel"])
    assert first["C1/kernel"].dtype == np.float32
    assert np.array_equal(first["C1/kernel"], initial_weights(network, 1, "float64")["C1/kernel"].astype(np.float32))


def test_unconnected_weights_are_initialized_with_zero() -> None:
    layer = Conv2D(3, 2, connections=((0,), (1, 2), (0, 2)), name="C3")
    kernel = initial_weights(Network.sequential([Input((4, 4, 3)), layer]), 0)["C3/kernel"]
    used = (kernel != 0).all(axis=(0, 1))  # (C, O)
    assert used.tolist() == [[True, False, True], [False, True, False], [False, True, True]]
    assert np.count_nonzero(kernel) == 4 * 5


def test_round_trip_of_arrays_and_metadata(tmp_path: Path) -> None:
    metadata = {"classes": ["고양이", "chien"], "figure": 0.1, "none": None, "nested": {"list": [1, 2]}}
    save_weights(tmp_path / "m.safetensors", WEIGHTS, metadata)
    found, read = load_weights(tmp_path / "m.safetensors")
    assert read == metadata
    assert list(found) == sorted(WEIGHTS)
    for name, array in WEIGHTS.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert np.array_equal(found[name], array)


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5).filter(lambda name: name != "__metadata__" and name.isprintable()),
        arrays.arrays(np.float32, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)),
        max_size=4,
    )
)
def test_round_trip_of_arbitrary_arrays(tmp_path_factory: pytest.TempPathFactory, tensors: Weights) -> None:
    path = tmp_path_factory.mktemp("any") / "m.safetensors"
    save_weights(path, tensors, {})
    found, _ = load_weights(path)
    assert set(found) == set(tensors)
    assert all(found[name].tobytes() == np.ascontiguousarray(tensors[name]).tobytes() for name in tensors)


def test_same_content_gives_same_bytes(tmp_path: Path) -> None:
    metadata = {f"key{number}": number for number in range(20)}
    save_weights(tmp_path / "a", WEIGHTS, metadata)
    save_weights(tmp_path / "b", dict(reversed(WEIGHTS.items())), metadata)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_every_changed_byte_is_detected(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_weights(path, {"k": np.arange(4, dtype=np.float32)}, {"classes": ["a", "b"]})
    good = path.read_bytes()
    for position in range(len(good)):
        path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        try:
            found, metadata = load_weights(path)
        except ModelFileError:
            continue
        # A changed space in the padding does not affect what is read.
        assert found["k"].tolist() == [0, 1, 2, 3]
        assert metadata == {"classes": ["a", "b"]}


def test_every_truncation_is_detected(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_weights(path, {"k": np.arange(4, dtype=np.float32)}, {})
    good = path.read_bytes()
    for length in range(len(good)):
        path.write_bytes(good[:length])
        with pytest.raises(ModelFileError, match=r"damaged|not a Striate model file"):
            load_weights(path)


class MaliciousPickle:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("a pickle was executed",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a Striate model file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "is not a Striate model file"),
        (pickle.dumps(MaliciousPickle()), "is not a Striate model file"),
        (b"\xff" * 7 + b"\x7f{" + b" " * 50, "is damaged"),
    ],
)
def test_foreign_files_raise(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        load_weights(path)


def test_foreign_safetensors_raise(tmp_path: Path) -> None:
    save_file({"k": np.zeros(3)}, tmp_path / "m.safetensors", {"format": "pt"})
    with pytest.raises(ModelFileError, match="was not written by Striate"):
        load_weights(tmp_path / "m.safetensors")


def test_missing_file_and_folder_raise(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"There is no model file .*nothing\.safetensors"):
        load_weights(tmp_path / "nothing.safetensors")
    with pytest.raises(ModelFileError, match="could not be read: it is a folder, pipe or device, not a regular file"):
        load_weights(tmp_path)


def test_newer_format_error_recommends_an_update(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FORMAT", 2)
    save_weights(tmp_path / "m", WEIGHTS, {})
    monkeypatch.setattr(module, "FORMAT", 1)
    with pytest.raises(
        ModelFileError, match=r"has format 2, but this version of Striate reads formats up to 1\. Update Striate"
    ):
        load_weights(tmp_path / "m")


def test_weights_of_another_network_raise() -> None:
    network = dense(Zeros(), 2, 3)
    good = initial_weights(network, 0)
    check_weights(network, good, "m")
    with pytest.raises(ModelFileError, match="m' has no weights 'F/bias'"):
        check_weights(network, {"F/kernel": good["F/kernel"]}, "m")
    with pytest.raises(ModelFileError, match=r"m': 'F/kernel' should have shape \(2, 3\) .* but has \(3, 2\)"):
        check_weights(network, good | {"F/kernel": np.zeros((3, 2))}, "m")
    with pytest.raises(ModelFileError, match="m' contains weights 'G/bias', which this network lacks"):
        check_weights(network, good | {"G/bias": np.zeros(3)}, "m")


def test_header_can_be_read_by_other_programs(tmp_path: Path) -> None:
    save_weights(tmp_path / "m", WEIGHTS, {"classes": ["a"]})
    data = (tmp_path / "m").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert json.loads(header["__metadata__"]["striate"])["metadata"] == {"classes": ["a"]}
