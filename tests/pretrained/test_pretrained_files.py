"""Weight files in every format are read without executing code in them; damage is reported."""

import collections
import contextlib
import os
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from striate import zoo
from striate.errors import ModelFileError
from striate.network import Dense, Input, Network
from striate.pretrained import load_pretrained
from striate.pretrained.pickles import DamagedError, Storage, Tensor
from striate.pretrained.statedict import MAGIC, as_array, read_state_dict

NEW, OLD = {"_use_new_zipfile_serialization": True}, {"_use_new_zipfile_serialization": False}


def tensors() -> dict[str, torch.Tensor]:
    """Return tensors of every type, including views, slices, parameters, scalars and empty ones."""
    base = torch.arange(24, dtype=torch.float32)
    kinds = (
        torch.float64,
        torch.float16,
        torch.bfloat16,
        torch.int64,
        torch.int32,
        torch.int16,
        torch.int8,
        torch.uint8,
    )
    return {
        "plain": base.reshape(2, 3, 4) / 7,
        "transposed": base.reshape(4, 6).T,
        "slice": base[5:9],
        "parameter": torch.nn.Parameter(base[:2] * 0.1),
        "scalar": torch.tensor(7),
        "empty": torch.zeros(0, 3),
        "bool": torch.tensor([True, False]),
        **{str(kind): base.to(kind) / 3 if kind.is_floating_point else base.to(kind) for kind in kinds},
    }


@pytest.mark.parametrize("form", [NEW, OLD])
def test_state_dicts_written_by_pytorch(tmp_path: Path, form: dict[str, bool]) -> None:
    written = tensors()
    torch.save(collections.OrderedDict(written), tmp_path / "weights.pth", **form)
    found = read_state_dict(tmp_path / "weights.pth")
    assert list(found) == list(written)
    for name, tensor in written.items():
        expected = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).detach().numpy()
        assert found[name].dtype == expected.dtype
        np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize("form", [NEW, OLD])
def test_state_dict_of_a_module_with_batch_normalization(tmp_path: Path, form: dict[str, bool]) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    torch.save(module.state_dict(), tmp_path / "weights.pth", **form)
    found = read_state_dict(tmp_path / "weights.pth")
    assert {name: array.shape for name, array in found.items()} == {
        name: tuple(tensor.shape) for name, tensor in module.state_dict().items()
    }


class Malicious:
    """Calls a function when it is unpickled."""

    def __init__(self, function: Any, argument: str) -> None:
        self.recipe = function, (argument,)

    def __reduce__(self) -> Any:
        return self.recipe


@pytest.mark.parametrize("form", [NEW, OLD])
@pytest.mark.parametrize(("function", "name"), [(os.mkdir, "mkdir"), (eval, "eval"), (os.system, "system")])
def test_state_dict_with_code_raises_and_nothing_is_executed(
    tmp_path: Path, form: dict[str, bool], function: Any, name: str
) -> None:
    path, trap = tmp_path / "malicious.pth", tmp_path / "trap"
    code = {"mkdir": str(trap), "eval": f"__import__('os').mkdir({str(trap)!r})", "system": f'mkdir "{trap}"'}[name]
    torch.save({"conv1.weight": torch.zeros(2), "conv1.bias": Malicious(function, code)}, path, **form)
    with pytest.raises(ModelFileError) as caught:
        load_pretrained(zoo.network("resnet18"), path)
    message = str(caught.value)
    assert re.match(
        rf"'{re.escape(str(path))}' contains more than weights: it refers to \w+\.{name}, which could execute", message
    )
    assert message.endswith(
        "Nothing in it was executed. Save only the weights, with torch.save(model.state_dict(), FILE)."
    )
    assert not trap.exists()
    torch.load(path, weights_only=False)
    assert trap.exists()  # PyTorch executes it


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_pickles_of_every_protocol_raise(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "malicious.pth"
    head = pickle.dumps(MAGIC, protocol=2)
    path.write_bytes(head + pickle.dumps(Malicious(os.mkdir, str(tmp_path / "trap")), protocol))
    with pytest.raises(ModelFileError, match=r"refers to (posix|nt)\.mkdir, which could execute arbitrary code"):
        read_state_dict(path)
    assert not (tmp_path / "trap").exists()


def test_pickled_module_raises_an_error_with_the_name_of_its_class(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 3), tmp_path / "whole.pth")
    with pytest.raises(
        ModelFileError, match=r"refers to torch\.nn\.modules\.linear\.Linear, which could execute arbitrary code"
    ):
        read_state_dict(tmp_path / "whole.pth")


@pytest.mark.parametrize(
    ("code", "named"),
    [
        (b"(S'x'\nios\nsystem\n.", "the instruction INST"),
        (b"(cos\nsystem\nS'x'\no.", "os.system"),
        (b"\x82\x01.", "the instruction EXT1"),
        (b"ccollections\nOrderedDict\n)\x81.", "the instruction NEWOBJ"),
        (b"ctorch\nFloatStorage\n)R.", "a call"),
        (b"ctorch._utils\n_rebuild_tensor_v2\n}b.", "an object with attributes"),
        (b"cbuiltins\nFloatStorage\n.", "builtins.FloatStorage"),
        (b"ctorch\nserialization.FakeStorage\n.", "torch.serialization.FakeStorage"),
    ],
)
def test_every_instruction_that_could_execute_code_raises(tmp_path: Path, code: bytes, named: str) -> None:
    path = tmp_path / "malicious.pth"
    path.write_bytes(b"\x80\x02" + code)
    with pytest.raises(ModelFileError, match=f"it refers to {re.escape(named)}, which could execute arbitrary code"):
        read_state_dict(path)


def test_files_without_weights_raise(tmp_path: Path) -> None:
    network, path = zoo.network("resnet18"), tmp_path / "file"
    contents: dict[bytes, str] = {
        b"": r"file' contains no weights: expected a safetensors file or a PyTorch state dict\.",
        b"<html>please log in</html>": r"file' contains no weights: expected",
        b"PK\x03\x04 and no more": r"file' is damaged, or not a PyTorch state dict: it contains no complete pickle\.",
        b"\x80\x02K\x01.": r"not a PyTorch state dict: it does not start like a PyTorch file\.",
        (9).to_bytes(8, "little") + b"{'not' it": r"file' is damaged, or has a number format that NumPy lacks: ",
    }
    for content, message in contents.items():
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match=message):
            load_pretrained(network, path)
    with pytest.raises(ModelFileError, match=r"nowhere' could not be read: No such file"):
        load_pretrained(network, tmp_path / "nowhere")
    torch.save({"epoch": 3}, path)
    with pytest.raises(ModelFileError, match="it contains objects other than tensors"):
        load_pretrained(network, path)
    torch.save([torch.zeros(2)], path)
    with pytest.raises(ModelFileError, match="it contains no state dict"):
        load_pretrained(network, path)
    torch.save({"a": torch.zeros(2, dtype=torch.complex64)}, path)
    with pytest.raises(ModelFileError, match="it contains numbers of an unsupported type, ComplexFloatStorage"):
        load_pretrained(network, path)
    save_file({}, path)
    with pytest.raises(ModelFileError, match="file' contains no weights: it is empty"):
        load_pretrained(network, path)
    save_file({"conv1.weight": torch.zeros(2).to(torch.float8_e4m3fn)}, path)
    with pytest.raises(ModelFileError, match="has a number format that NumPy lacks"):
        load_pretrained(network, path)


@pytest.mark.parametrize("length", [0x80, 0x180])
def test_safetensors_whose_length_looks_like_a_pickle(length: int, tmp_path: Path) -> None:
    network = Network.sequential([Input((2,)), Dense(1, use_bias=False, name="fc")], name="resnet18")
    header = b'{"fc/kernel": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}}'.ljust(length)
    (tmp_path / "file").write_bytes(length.to_bytes(8, "little") + header + np.array([3, 4], "<f4").tobytes())
    weights, _ = load_pretrained(network, tmp_path / "file")
    np.testing.assert_array_equal(weights["fc/kernel"], [[3], [4]])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_safetensors_of_other_precisions(dtype: torch.dtype, tmp_path: Path) -> None:
    network = Network.sequential([Input((4,)), Dense(3, name="fc")], name="resnet18")
    kernel, bias = torch.randn(4, 3).to(dtype), torch.randn(3).to(dtype)
    save_file({"fc/kernel": kernel, "fc/bias": bias}, tmp_path / "file")
    weights, _ = load_pretrained(network, tmp_path / "file")
    assert {name: array.dtype.name for name, array in weights.items()} == {"fc/kernel": "float32", "fc/bias": "float32"}
    np.testing.assert_array_equal(weights["fc/kernel"], kernel.float().numpy())


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (5,), (1,)), (3, (2,), (1,)), (-1, (2,), (1,)), (0, (2, 2), (3, 1)), (0, (10**12,), (0,)), (0, (2,), (1, 1)),
     (4, (2,), (-1,))],
)  # fmt: skip
def test_tensor_larger_than_its_storage_raises(offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
    with pytest.raises(DamagedError, match="a tensor exceeds its storage"):
        as_array(Tensor(Storage("FloatStorage", "0", 4), offset, shape, strides), np.zeros(4, np.float32))


def test_compressed_archive_raises(tmp_path: Path) -> None:
    """A few bytes could decompress to more than the available memory."""
    torch.save({"a": torch.zeros(1000)}, tmp_path / "weights.pth")
    with (
        zipfile.ZipFile(tmp_path / "weights.pth") as plain,
        zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in plain.namelist():
            bomb.writestr(name, plain.read(name))
    with pytest.raises(ModelFileError, match="it is not a PyTorch archive"):
        read_state_dict(tmp_path / "bomb.pth")


@pytest.fixture(scope="module", params=[NEW, OLD], ids=["new", "old"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("files") / "weights.pth"
    torch.save({"a": torch.ones(3, 4), "b": torch.zeros(5, dtype=torch.int64)}, path, **request.param)
    return path.read_bytes()


@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_file_raises_a_striate_error_or_is_harmless(
    data: st.DataObject, written: bytes, tmp_path: Path
) -> None:
    content = bytearray(written)
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "weights.pth"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    with contextlib.suppress(ModelFileError):
        assert sum(array.nbytes for array in read_state_dict(path).values()) <= 2 * len(written)


def test_message_quotes_little_of_a_damaged_archive(tmp_path: Path) -> None:
    """zipfile quotes the whole name in a member's header, which may have 64 kB."""
    path, name = tmp_path / "w.pth", "x" * 5_000
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/data.pkl", b"")
    path.write_bytes(path.read_bytes().replace(b"x" * 5_000, b"y" * 5_000, 1))
    with pytest.raises(
        ModelFileError, match="is damaged, or not a PyTorch state dict: File name in directory"
    ) as error:
        read_state_dict(path)
    assert len(str(error.value)) < len(str(path)) + 300
