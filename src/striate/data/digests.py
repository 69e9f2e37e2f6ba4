"""Hash images, and the bytes of files, to 64-bit numbers that stand for their content."""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.mapped import MappedArray

Digests = NDArray[np.uint64]


def digest_bytes(contents: Iterable[Any], seed: int) -> Digests:
    """Hash contents with BLAKE2b (RFC 7693).

    Args:
        contents: Bytes-like objects.
        seed: The key of the hash.

    Returns:
        A 64-bit number for each object, uint64 (N,).
    """
    key, blake = (seed % 2**64).to_bytes(8, "little"), hashlib.blake2b
    joined = b"".join([blake(content, digest_size=8, key=key).digest() for content in contents])
    return np.frombuffer(joined, "<u8").astype(np.uint64)


def digest_images(x: Any, seed: int) -> Digests:
    """Hash the pixels of images.

    Args:
        x: (N, H, W, C), an array or a `MappedArray`.
        seed: The key of the hash.

    Returns:
        A 64-bit number for each image, uint64 (N,).
    """
    if isinstance(x, MappedArray):
        return digest_bytes((image.reshape(-1).data for image in x), seed)
    if not len(x):
        return np.zeros(0, np.uint64)
    size = x.nbytes // len(x)
    content = np.ascontiguousarray(x).reshape(-1).view(np.uint8).data
    return digest_bytes((content[start : start + size] for start in range(0, x.nbytes, size)), seed)
