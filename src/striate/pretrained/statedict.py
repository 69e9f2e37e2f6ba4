"""Read PyTorch's files of weights as arrays, without PyTorch and without executing code from them.

There are two formats: since PyTorch 1.6 (2020) a zip archive with one pickle and one member for each storage; before
that a sequence of pickles, followed by the bytes of the storages.
"""

import os
import zipfile
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from striate._types import Array, Weights
from striate.errors import ModelFileError
from striate.pretrained.pickles import DamagedError, Storage, Tensor, UnsafeError, read_pickle

MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of a file in the older format
# The little-endian type of a storage's numbers; bfloat16 is the upper half of a float32.
DTYPES = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "BFloat16Storage": "<u2",
    "LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "|i1", "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}  # fmt: skip

Read = Callable[[Storage], bytes]


def is_torch_file(head: bytes) -> bool:
    """Return whether a file that starts with these bytes may be PyTorch's."""
    return head.startswith((b"PK\x03\x04", b"\x80"))


def read_state_dict(path: Path) -> Weights:
    """Read the arrays of a state dict.

    Args:
        path: A file of `torch.save`: a state dict, or a checkpoint with one as "state_dict".

    Returns:
        The arrays by name, in PyTorch's layouts.

    Raises:
        ModelFileError: If the file is damaged, contains something other than tensors, or refers to code.
    """
    try:
        with path.open("rb") as file:
            value, read = _open_zip(file) if zipfile.is_zipfile(file) else _open_sequence(file)
            return {name: as_array(tensor, read(tensor.storage)) for name, tensor in _state_dict(value).items()}
    except UnsafeError as error:
        raise ModelFileError(
            f"{path} contains more than weights: it refers to {error}, which could execute arbitrary code. Nothing in "
            "it was executed. Save only the weights, with torch.save(model.state_dict(), FILE)."
        ) from error
    except (ValueError, LookupError, EOFError, OverflowError, MemoryError, RuntimeError, zipfile.BadZipFile) as error:
        raise ModelFileError(f"{path} is damaged, or not a state dict of PyTorch: {error}.") from error
    except OSError as error:
        raise ModelFileError(f"{path} could not be read: {error.strerror or error}.") from error


def _open_zip(file: IO[bytes]) -> tuple[Any, Read]:
    """Return the saved value, and a function that reads its storages."""
    archive = zipfile.ZipFile(file)
    names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(names) != 1 or any(item.compress_type != zipfile.ZIP_STORED for item in archive.infolist()):
        raise DamagedError("it is not an archive of PyTorch")
    folder = names[0].removesuffix("data.pkl")
    order = f"{folder}byteorder"
    if order in archive.namelist() and archive.read(order) != b"little":
        raise DamagedError("its numbers are big-endian")
    with archive.open(names[0]) as pickle:
        value, _ = read_pickle(pickle)
    return value, lambda storage: archive.read(f"{folder}data/{storage.key}")


def _open_sequence(file: IO[bytes]) -> tuple[Any, Read]:
    """Do the same for the older format: magic number, version, machine, value, keys of the storages, storages."""
    file.seek(0)
    if read_pickle(file)[0] != MAGIC:
        raise DamagedError("it does not start like a file of PyTorch")
    _version, _machine, (value, storages), (keys, _) = (read_pickle(file) for _ in range(4))
    content: dict[str, bytes] = {}
    size = os.fstat(file.fileno()).st_size
    for key in keys:
        file.seek(8, os.SEEK_CUR)  # skip the count, which is known from the value
        content[key] = file.read(min(storages[key].count * _dtype(storages[key]).itemsize, size))
    return value, lambda storage: content[storage.key]


def _state_dict(value: Any) -> Mapping[str, Tensor]:
    if isinstance(value, dict) and isinstance(value.get("state_dict"), dict):
        value = value["state_dict"]
    if not isinstance(value, dict) or not value:
        raise DamagedError("it contains no state dict")
    tensors = {str(name): tensor for name, tensor in value.items() if isinstance(tensor, Tensor)}
    if len(tensors) < len(value):
        raise DamagedError("it contains other things than tensors")
    return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}


def _dtype(storage: Storage) -> np.dtype[Any]:
    if storage.kind not in DTYPES:
        raise DamagedError(f"it contains numbers of an unsupported type, {storage.kind}")
    return np.dtype(DTYPES[storage.kind])


def as_array(tensor: Tensor, content: bytes) -> Array:
    """Return the numbers of a tensor; bfloat16 as float32.

    Args:
        tensor: The tensor.
        content: The bytes of its storage.

    Returns:
        An array of the tensor's shape.

    Raises:
        DamagedError: If the storage is incomplete, or the tensor exceeds it.
    """
    dtype = _dtype(tensor.storage)
    if len(content) != tensor.storage.count * dtype.itemsize:
        raise DamagedError("it is incomplete")
    if not _fits(tensor):
        raise DamagedError("a tensor exceeds its storage")
    numbers = np.frombuffer(content, dtype)[tensor.offset :]
    if tensor.storage.kind == "BFloat16Storage":
        numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
    strides = [stride * numbers.itemsize for stride in tensor.strides]
    return np.asarray(np.lib.stride_tricks.as_strided(numbers, tensor.shape, strides), order="C")


def _fits(tensor: Tensor) -> bool:
    if len(tensor.shape) != len(tensor.strides) or min((tensor.offset, *tensor.shape, *tensor.strides)) < 0:
        return False
    last = tensor.offset + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
    return last < tensor.storage.count and prod(tensor.shape) <= tensor.storage.count
