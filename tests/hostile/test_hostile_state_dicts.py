"""PyTorch's files that were made to take all memory or time, and checkpoints that wrap their weights."""

import os
import pickle
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import striate as st
from striate.errors import ModelFileError, UsageError
from striate.network import Dense, Input, Network
from striate.pretrained import load_pretrained, required_settings
from striate.pretrained.load import _strip_prefix
from striate.pretrained.statedict import MAGIC, read_state_dict

LEVELS = 200  # a tuple that holds the last one twice has 2^200 items
TIED = 1500
DOUBLED = (b"h" + bytes([n]) + b"h" + bytes([n]) + b"\x86q" + bytes([n + 1]) for n in range(LEVELS))
SHARED_TUPLE = b"(Nq\x00" + b"".join(DOUBLED) + b"t"


def old_file(path: Path, value: bytes, keys: bytes = b"]") -> Path:
    """Write a file in PyTorch's older format with these pickled instructions as value and as keys of storages."""
    head = pickle.dumps(MAGIC, 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2)
    path.write_bytes(head + b"\x80\x02" + value + b"." + b"\x80\x02" + keys + b".")
    return path


@pytest.mark.parametrize("value", [
    b"}" + SHARED_TUPLE + b"Ns",
    b"}(" + SHARED_TUPLE + b"Nu",
    b"ccollections\nOrderedDict\n(((" + SHARED_TUPLE + b"NtttR",
    b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\n" + SHARED_TUPLE + b"NK\x01tQ",
], ids=["item", "items", "ordered-dict", "storage"])  # fmt: skip
def test_shared_tuple_as_key_raises_immediately(tmp_path: Path, value: bytes) -> None:
    with pytest.raises(ModelFileError, match="it has a key of type tuple; expected a string or an integer"):
        read_state_dict(old_file(tmp_path / "weights.pth", value))


def test_shared_tuple_as_storage_key_raises_immediately(tmp_path: Path) -> None:
    path = old_file(tmp_path / "weights.pth", b"}X\x01\x00\x00\x00aNs", b"](" + SHARED_TUPLE + b"e")
    with pytest.raises(ModelFileError, match="the key of a storage is not a string"):
        read_state_dict(path)


@pytest.mark.parametrize("value", [
    b"N" + b"\x85" * 200_000,
    b"]" * 100_000 + b"a" * 99_999,
    b"}X\x01\x00\x00\x00aq\x00" + b"}h\x00" * 50_000 + b"N" + b"s" * 50_001,
], ids=["tuples", "lists", "dicts"])  # fmt: skip
def test_deep_nesting_raises(tmp_path: Path, value: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"its values are nested more than 100 deep\."):
        read_state_dict(old_file(tmp_path / "weights.pth", value))


@pytest.mark.parametrize("kind", [b"ctorch\nSize\n", b"ccollections\nOrderedDict\n"])
def test_many_copies_of_a_long_list_raise(tmp_path: Path, kind: bytes) -> None:
    pair = b"X\x01\x00\x00\x00aN\x86q\x02"
    long = b"]q\x00(" + pair + b"h\x02" * 50_000 + b"e"
    value = long + kind + b"q\x01](" + b"h\x01h\x00\x85R" * 20_000 + b"e"
    with pytest.raises(ModelFileError, match=r"it copies too many values|the shape of a tensor is invalid"):
        read_state_dict(old_file(tmp_path / "weights.pth", value))


@pytest.mark.parametrize("form", [True, False], ids=["new", "old"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_storage_of_many_tensors_is_read_once(tmp_path: Path, form: bool, dtype: torch.dtype) -> None:
    tensor = torch.arange(250_000).reshape(500, 500).to(dtype)
    tied = {str(number): tensor.T if number % 2 else tensor for number in range(TIED)}
    torch.save(tied, tmp_path / "weights.pth", _use_new_zipfile_serialization=form)
    tracemalloc.start()
    arrays = read_state_dict(tmp_path / "weights.pth")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
    assert len(arrays) == TIED
    np.testing.assert_array_equal(arrays["1499"], tensor.float().numpy().T)


def test_storages_that_overlap_in_the_file_raise(tmp_path: Path) -> None:
    torch.save({str(number): torch.zeros(50_000) for number in range(100)}, tmp_path / "honest.pth")
    with zipfile.ZipFile(tmp_path / "honest.pth") as honest, zipfile.ZipFile(tmp_path / "bomb.pth", "w") as bomb:
        for item in honest.infolist():
            if item.filename.rpartition("/")[2] != "0" and "/data/" in item.filename:
                first = bomb.getinfo(f"{item.filename.partition('/')[0]}/data/0")
                item.header_offset, item.CRC = first.header_offset, first.CRC
                bomb.filelist.append(item)
                bomb.NameToInfo[item.filename] = item
            else:
                bomb.writestr(item.filename, honest.read(item))
        bomb._didModify = True  # type: ignore[attr-defined]
    assert (tmp_path / "bomb.pth").stat().st_size < 300_000
    with pytest.raises(ModelFileError, match="is damaged, or not a PyTorch state dict: "):
        read_state_dict(tmp_path / "bomb.pth")


def network() -> Network:
    """Return a network with names of which the published resnet18 has some."""
    return Network.sequential([Input((2,)), Dense(3, name="fc")], name="resnet18")


WEIGHTS = {"fc.weight": torch.arange(6.0).reshape(3, 2), "fc.bias": torch.ones(3)}


def prefixed(prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in WEIGHTS.items()}


@pytest.mark.parametrize("value", [
    {"model_state_dict": WEIGHTS, "epoch": 3, "loss": torch.tensor(0.5),
     "optimizer_state_dict": {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 0.1}]}},
    {"model": WEIGHTS, "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(2)}}}, "lr": 0.1},
    {"state_dict": prefixed("model."), "pytorch-lightning_version": "2.0", "optimizer_states": [{}]},
    {"state_dict": WEIGHTS, "ema": {"fc.weight": torch.zeros(3, 2)}},
    {"network": {"weights": prefixed("module.backbone.")}},
    {"net": prefixed("_orig_mod."), "args": {"lr": 0.1, "milestones": [1, 2]}},
    WEIGHTS,
    prefixed("module."),
    prefixed("model."),
    prefixed("backbone."),
])  # fmt: skip
def test_wrapped_state_dicts_are_found(tmp_path: Path, value: Any) -> None:
    assert set(read_written(tmp_path / "weights.pth", value)) == set(WEIGHTS)


def read_written(path: Path, value: Any) -> dict[str, Any]:
    torch.save(value, path)
    return dict(_strip_prefix(read_state_dict(path), {"fc"}))


def test_checkpoint_with_several_networks_raises(tmp_path: Path) -> None:
    torch.save({"generator": WEIGHTS, "discriminator": {"fc.weight": torch.zeros(1)}}, tmp_path / "gan.pth")
    with pytest.raises(ModelFileError, match="several state dicts, such as 'generator', 'discriminator'; save one"):
        read_state_dict(tmp_path / "gan.pth")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite_raise(tmp_path: Path, bad: float) -> None:
    model = st.Sequential([Input((2,)), Dense(3, name="fc")], name="resnet18")
    model.named_weights = {"fc/kernel": np.full((2, 3), bad, np.float32), "fc/bias": np.zeros(3, np.float32)}
    model.save(tmp_path / "m.safetensors")
    for use in (st.load, model.load_weights, lambda path: load_pretrained(network(), path)):
        with pytest.raises(ModelFileError, match=r"m\.safetensors' cannot be used: 'fc/kernel' contains NaN or inf"):
            use(tmp_path / "m.safetensors")


def test_run_folder_can_replace_the_model_file(tmp_path: Path) -> None:
    run = tmp_path / "run"
    model = st.Sequential([Input((2,)), Dense(3, name="fc")], name="resnet18")
    model.save(run / "model.safetensors")
    other = st.Sequential([Input((2,)), Dense(3, name="fc")], name="resnet18", seed=1)
    other.load_weights(run)
    assert required_settings("resnet18", str(run)) == {}
    for weights in (st.load(run).named_weights, other.named_weights, load_pretrained(network(), run)[0]):
        np.testing.assert_array_equal(weights["fc/kernel"], model.named_weights["fc/kernel"])


def test_folder_without_a_model_raises(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for use in (st.load, lambda path: required_settings("resnet18", str(path))):
        with pytest.raises(
            ModelFileError, match=r"empty' is a folder without a model\.safetensors\. Pass a model file"
        ):
            use(tmp_path / "empty")
    st.Sequential([Input((2,)), Dense(3)]).save(tmp_path / "ensemble" / "member-1" / "model.safetensors")
    with pytest.raises(ModelFileError, match=r"ensemble' contains 1 models\. Choose one of them, such as .*member-1"):
        st.load(tmp_path / "ensemble")
    with pytest.raises(UsageError, match="There is no weight file"):
        required_settings("resnet18", str(tmp_path / "nowhere"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_pipes_and_devices_raise(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path(os.devnull).with_name("zero")):
        for use in (st.load, lambda path: load_pretrained(network(), path)):
            with pytest.raises(
                ModelFileError, match=f"'{path}' could not be read: it is a folder, pipe or device, not a regular file"
            ):
                use(path)
