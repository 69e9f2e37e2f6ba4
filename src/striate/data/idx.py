"""Read IDX files, the format of the MNIST family, packed with gzip."""

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.errors import DataError

MAGIC = {1: 0x801, 3: 0x803}  # uint8 values along 1 or 3 axes
LARGEST = 1 << 30  # bytes; MNIST's largest file unpacks to 47 MB


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """The uint8 array in a gzipped IDX file with 1 or 3 axes. Raises DataError for anything else."""
    try:
        content = gunzip(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}{_advice(path)}") from error
    header = 4 + 4 * axes
    if len(content) < header or int.from_bytes(content[:4], "big") != MAGIC[axes]:
        raise DataError(
            f"{path} is not an IDX file of bytes with {axes} {'axis' if axes == 1 else 'axes'}{_advice(path)}"
        )
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", axes, offset=4))
    expected = int(np.prod(shape, dtype=np.float64))
    if len(content) - header != expected:
        raise DataError(f"{path} should hold {expected} bytes of data but has {len(content) - header}{_advice(path)}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def gunzip(packed: bytes) -> bytes:
    """The content of a gzip file of one member, its length and CRC checked. Raises ValueError if it is damaged."""
    size = int.from_bytes(packed[-4:], "little")  # gzip ends with the unpacked length
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(packed, min(size + 1, LARGEST))
    except zlib.error as error:
        raise ValueError(f"it is not a gzip file, or damaged ({error})") from error
    if not unpacker.eof:
        raise ValueError("it is cut short or damaged")
    return content


def _advice(path: Path) -> str:
    return f". Delete it and run `striate data get mnist`, or put a good {path.name} in its place."
