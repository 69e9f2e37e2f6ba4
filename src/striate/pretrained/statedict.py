"""PyTorch's files of weights as arrays, without PyTorch and without running anything in them.

Two forms are in use: a zip archive with a pickle and one member for each storage (since PyTorch 1.6, 2020), and
before that several pickles in a row, then the storages' bytes.
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
from striate.pretrained.pickles import DamagedError, RefusedError, Storage, Tensor, read_pickle

MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of a file of the older form
# The numbers of a storage, little-endian; bfloat16 is the upper half of a float32.
DTYPES = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "BFloat16Storage": "<u2",
    "LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "|i1", "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}  # fmt: skip

Read = Callable[[Storage], bytes]


def is_torch_file(head: bytes) -> bool:
    """Whether a file that begins with these bytes may be PyTorch's."""
    return head.startswith((b"PK\x03\x04", b"\x80"))


def read_state_dict(path: Path) -> Weights:
    """The arrays of a state dict by name, in PyTorch's layouts. A checkpoint's "state_dict" is taken out of it.

    Raises ModelFileError for a file that is damaged, no state dict, or would have to be run.
    """
    try:
        with path.open("rb") as file:
            value, read = _open_zip(file) if zipfile.is_zipfile(file) else _open_row(file)
            return {name: as_array(tensor, read(tensor.storage)) for name, tensor in _state_dict(value).items()}
    except RefusedError as error:
        raise ModelFileError(
            f"{path} holds more than weights: it asks for {error}, which could be any code, so nothing of it was run. "
            "Save the weights alone, with torch.save(model.state_dict(), FILE)."
        ) from error
    except (ValueError, LookupError, EOFError, OverflowError, MemoryError, RuntimeError, zipfile.BadZipFile) as error:
        raise ModelFileError(f"{path} is damaged, or no state dict of PyTorch: {error}.") from error
    except OSError as error:
        raise ModelFileError(f"{path} could not be read: {error.strerror or error}.") from error


def _open_zip(file: IO[bytes]) -> tuple[Any, Read]:
    """What was saved, and how its storages are read."""
    archive = zipfile.ZipFile(file)
    names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(names) != 1 or any(item.compress_type != zipfile.ZIP_STORED for item in archive.infolist()):
        raise DamagedError("it is no archive of PyTorch")
    folder = names[0].removesuffix("data.pkl")
    order = f"{folder}byteorder"
    if order in archive.namelist() and archive.read(order) != b"little":
        raise DamagedError("its numbers are big-endian")
    with archive.open(names[0]) as pickle:
        value, _ = read_pickle(pickle)
    return value, lambda storage: archive.read(f"{folder}data/{storage.key}")


def _open_row(file: IO[bytes]) -> tuple[Any, Read]:
    """The same for the older form: magic number, version, facts of the machine, value, the storages' keys, each."""
    file.seek(0)
    if read_pickle(file)[0] != MAGIC:
        raise DamagedError("it does not begin as PyTorch's files do")
    _version, _machine, (value, storages), (keys, _) = (read_pickle(file) for _ in range(4))
    content: dict[str, bytes] = {}
    size = os.fstat(file.fileno()).st_size
    for key in keys:
        file.seek(8, os.SEEK_CUR)  # the count, which the storage knows
        content[key] = file.read(min(storages[key].count * _dtype(storages[key]).itemsize, size))
    return value, lambda storage: content[storage.key]


def _state_dict(value: Any) -> Mapping[str, Tensor]:
    if isinstance(value, dict) and isinstance(value.get("state_dict"), dict):
        value = value["state_dict"]
    if not isinstance(value, dict) or not value:
        raise DamagedError("it holds no state dict")
    tensors = {str(name): tensor for name, tensor in value.items() if isinstance(tensor, Tensor)}
    if len(tensors) < len(value):
        raise DamagedError("it holds other things than tensors")
    return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}


def _dtype(storage: Storage) -> np.dtype[Any]:
    if storage.kind not in DTYPES:
        raise DamagedError(f"it holds numbers of an unknown kind, {storage.kind}")
    return np.dtype(DTYPES[storage.kind])


def as_array(tensor: Tensor, content: bytes) -> Array:
    """The numbers of a tensor; bfloat16 as float32. Raises DamagedError where it reaches beyond its storage."""
    dtype = _dtype(tensor.storage)
    if len(content) != tensor.storage.count * dtype.itemsize:
        raise DamagedError("it is cut short")
    if not _fits(tensor):
        raise DamagedError("a tensor reaches beyond its numbers")
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
