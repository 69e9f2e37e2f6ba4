"""Read PyTorch's weight files as arrays, without PyTorch and without executing code from them.

There are two formats: since PyTorch 1.6 (2020) a zip archive with one pickle and one member for each storage; before
that a sequence of pickles, followed by the bytes of the storages.
"""

import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from striate._types import Array, Weights
from striate.errors import ModelFileError
from striate.pretrained.pickles import DamagedError, Storage, Tensor, UnsafeError, read_pickle

WEIGHTS_KEYS = ("state_dict", "model_state_dict", "model")  # keys of the weights in a checkpoint
OPTIMIZER = "optim"  # part of the key of an optimizer's state, whose tensors are not weights
MAX_NAMED = 3  # number of state dicts that a message names
MAX_LEVELS = 4  # levels of dicts around the weights
MAX_REASON = 200  # characters of another error in a message
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
        path: A file of `torch.save`: a state dict, or a checkpoint that contains one, under any key.

    Returns:
        The arrays by name, in PyTorch's layouts. Tensors that share a storage, or a part of it, share memory.

    Raises:
        ModelFileError: If the file is damaged, contains something other than tensors, or refers to code.
    """
    try:
        with path.open("rb") as file:
            value, read = _open_zip(file) if zipfile.is_zipfile(file) else _open_sequence(file)
            tensors = _state_dict(value)
            numbers = _read_storages(tensors.values(), read, os.fstat(file.fileno()).st_size)
            return {name: as_array(tensor, numbers[tensor.storage.key]) for name, tensor in tensors.items()}
    except UnsafeError as error:
        raise ModelFileError(
            f"'{path}' contains more than weights: it refers to {error}, which could execute arbitrary code. Nothing "
            "in it was executed. Save only the weights, with torch.save(model.state_dict(), FILE)."
        ) from error
    except (ValueError, LookupError, EOFError, OverflowError, MemoryError, RuntimeError, zipfile.BadZipFile) as error:
        reason = f"{error!s:.{MAX_REASON}}"  # zipfile quotes names from the file, however long
        raise ModelFileError(f"'{path}' is damaged, or not a PyTorch state dict: {reason}.") from error
    except OSError as error:
        raise ModelFileError(f"'{path}' could not be read: {error.strerror or error}.") from error


def _open_zip(file: IO[bytes]) -> tuple[Any, Read]:
    """Return the saved value, and a function that reads its storages."""
    archive = zipfile.ZipFile(file)
    names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(names) != 1 or any(item.compress_type != zipfile.ZIP_STORED for item in archive.infolist()):
        raise DamagedError("it is not a PyTorch archive")
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
        raise DamagedError("it does not start like a PyTorch file")
    _version, _machine, (value, storages), (keys, _) = (read_pickle(file) for _ in range(4))
    content: dict[str, bytes] = {}
    size = os.fstat(file.fileno()).st_size
    for key in keys:
        if not isinstance(key, str):
            raise DamagedError("the key of a storage is not a string")
        file.seek(8, os.SEEK_CUR)  # skip the count, which is known from the value
        content[key] = file.read(min(storages[key].count * _dtype(storages[key]).itemsize, size))
    return value, lambda storage: content[storage.key]


def _read_storages(tensors: Iterable[Tensor], read: Read, size: int) -> dict[str, Array]:
    """Read each storage once.

    Args:
        tensors: The tensors whose storages are read.
        read: Reads the bytes of a storage.
        size: Size of the file in bytes; the storages together cannot be larger.

    Returns:
        The numbers (N,) by the storage's key.

    Raises:
        DamagedError: If a storage is incomplete, or several overlap in the file.
    """
    numbers: dict[str, Array] = {}
    left = size
    for storage in (tensor.storage for tensor in tensors):
        if storage.key in numbers:
            continue
        left -= storage.count * _dtype(storage).itemsize
        if left < 0:
            raise DamagedError("its storages are larger than the file")
        numbers[storage.key] = storage_numbers(storage, read(storage))
    return numbers


def _state_dict(value: Any) -> dict[str, Tensor]:
    """Return the one dict of tensors: the value itself, or within a checkpoint, where other values are ignored."""
    if not isinstance(value, dict) or not value:
        raise DamagedError("it contains no state dict")
    found = dict(_tensor_dicts(value, (), set()))
    for key in WEIGHTS_KEYS:
        if len(found) > 1 and (key,) in found:
            found = {(key,): found[key,]}
    if not found:
        raise DamagedError("it contains objects other than tensors")
    if len(found) > 1:
        keys = ", ".join(f"'{'.'.join(keys)}'" for keys in [*found][:MAX_NAMED])
        raise DamagedError(f"it contains several state dicts, such as {keys}; save one of them to a separate file")
    return {str(name): tensor for name, tensor in next(iter(found.values())).items()}


def _tensor_dicts(
    value: Mapping[Any, Any], keys: tuple[str, ...], seen: set[int]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each dict that contains only tensors, with the keys that lead to it; each once."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if value and all(isinstance(item, Tensor) for item in value.values()):
        yield keys, value
    elif len(keys) < MAX_LEVELS:
        for key, item in value.items():
            if isinstance(item, dict) and OPTIMIZER not in str(key):
                yield from _tensor_dicts(item, (*keys, str(key)), seen)


def _dtype(storage: Storage) -> np.dtype[Any]:
    if storage.kind not in DTYPES:
        raise DamagedError(f"it contains numbers of an unsupported type, {storage.kind}")
    return np.dtype(DTYPES[storage.kind])


def storage_numbers(storage: Storage, content: bytes) -> Array:
    """Return the numbers of a storage; bfloat16 as float32.

    Args:
        storage: The storage.
        content: Its bytes.

    Returns:
        The numbers (N,), a view of the bytes except for bfloat16.

    Raises:
        DamagedError: If the storage is incomplete.
    """
    dtype = _dtype(storage)
    if len(content) != storage.count * dtype.itemsize:
        raise DamagedError("it is incomplete")
    numbers = np.frombuffer(content, dtype)
    if storage.kind == "BFloat16Storage":
        return (numbers.astype(np.uint32) << 16).view(np.float32)
    return numbers


def as_array(tensor: Tensor, numbers: Array) -> Array:
    """Return the array of a tensor, a view of its storage, because copies could exceed the memory.

    Args:
        tensor: The tensor.
        numbers: The numbers of its storage.

    Returns:
        An array of the tensor's shape, read-only, not always contiguous.

    Raises:
        DamagedError: If the tensor exceeds its storage.
    """
    if not _fits(tensor):
        raise DamagedError("a tensor exceeds its storage")
    strides = [stride * numbers.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides, writeable=False)


def _fits(tensor: Tensor) -> bool:
    if len(tensor.shape) != len(tensor.strides) or min((tensor.offset, *tensor.shape, *tensor.strides)) < 0:
        return False
    last = tensor.offset + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
    return last < tensor.storage.count and prod(tensor.shape) <= tensor.storage.count
