"""Hash the pixels of images and the bytes of files to 64-bit numbers."""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.mapped import MappedArray

Digests = NDArray[np.uint64]


def digest_bytes(contents: Iterable[Any], key: int) -> Digests:
    """Hash contents with BLAKE2b (RFC 7693).

    Args:
        contents: Bytes-like objects.
        key: The key of the hash.

    Returns:
        A 64-bit number for each object, uint64 (N,).
    """
    blake, key_bytes = hashlib.blake2b, (key % 2**64).to_bytes(8, "little")
    joined = b"".join([blake(content, digest_size=8, key=key_bytes).digest() for content in contents])
    return np.frombuffer(joined, "<u8").astype(np.uint64)


def digest_images(x: Any, key: int) -> Digests:
    """Hash the pixels of images.

    Args:
        x: (N, H, W, C), an array or a `MappedArray`.
        key: The key of the hash.

    Returns:
        A 64-bit number for each image, uint64 (N,).
    """
    if isinstance(x, MappedArray):
        return digest_bytes((image.reshape(-1).data for image in x), key)
    if not len(x):
        return np.zeros(0, np.uint64)
    size = x.nbytes // len(x)
    content = np.ascontiguousarray(x).reshape(-1).view(np.uint8).data
    return digest_bytes((content[start : start + size] for start in range(0, x.nbytes, size)), key)
