"""Decode all image files of a folder once, on all cores, and cache pixels, digests and read errors."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from striate.data.cache import CacheError, Metadata, array_folder, load_or_make
from striate.data.digests import Digests, digest_bytes
from striate.data.mapped import MappedArray
from striate.data.parallel import chunk_ranges, map_ordered, progress_bar
from striate.errors import DataError
from striate.files import EarlySync
from striate.images import ImagePolicy, UnreadableFile, decode_together, read_file
from striate.images.decode import decoder_version
from striate.images.find import relative_path
from striate.images.guards import mute_warnings

CACHE_VERSION = 3  # increase it to invalidate cached arrays
MAX_IN_MEMORY = 1_000_000_000  # bytes of pixels that are held in memory if the cache cannot be written
MAX_SECOND_BYTES = 100_000_000  # bytes of pixels by a second policy, which stay in memory until they are cached
BLOCK_BYTES = 1_000_000  # bytes of pixels that a thread decodes at a time; they fit in a core's cache

Block = NDArray[np.uint8]
FileResult = int | UnreadableFile  # digest of a file, or why it cannot be read


@dataclass(frozen=True)
class DecodedFiles:
    """All files of a folder, in order.

    Attributes:
        x: uint8 (N, H, W, C), black for unreadable files.
        digests: uint64 (N,), of each file's bytes; 0 for unreadable files.
        unreadable: The files that could not be decoded, by row number.
        note: A message for the user on where the pixels are stored, or None.
    """

    x: MappedArray | Block
    digests: Digests
    unreadable: dict[int, UnreadableFile]
    note: str | None = None


def decode_files(
    folder: Path, files: Sequence[Path], names: Sequence[str], policy: ImagePolicy, second: ImagePolicy | None = None
) -> DecodedFiles:
    """Decode image files, or load their pixels from the cache.

    If the cache cannot be written, up to `MAX_IN_MEMORY` bytes are held in memory.

    Args:
        folder: The absolute folder that holds the files.
        files: Absolute paths.
        names: The files' names in messages.
        policy: How images are converted to their size.
        second: A second policy, whose pixels are cached in the same pass if the files are decoded, and if they are few.

    Returns:
        The pixels, digests and read errors.

    Raises:
        CacheError: If the cache cannot be written, and there are too many pixels for memory.
    """
    shape = (len(files), *policy.shape)
    if second is not None and len(files) * np.prod(second.shape, dtype=np.int64) > MAX_SECOND_BYTES:
        second = None
    policies = [policy] if second is None else [policy, second]
    second_blocks: list[Block] = []
    is_valid = partial(_is_valid, files=files)

    def decode(file: BinaryIO) -> Metadata:
        results: list[FileResult] = []
        with EarlySync(file) as early:
            for blocks, block_results in _decode_blocks(files, names, policies):
                early.write(blocks[0].data)
                second_blocks.extend(blocks[1:])
                results += block_results
        return _to_metadata(*_split_results(results))

    try:
        _require_outside(folder)
        cached = load_or_make(_key(folder, files, policy), shape, decode, is_valid)
    except CacheError as error:
        if np.prod(shape, dtype=np.int64) > MAX_IN_MEMORY:
            raise
        return _decode_to_memory(files, names, policy, f"The pixels are held in memory this time. {error}")

    def write_second(file: BinaryIO) -> Metadata:
        file.writelines(block.data for block in second_blocks)
        return cached.metadata

    if second is not None and second_blocks:
        with suppress(CacheError):
            load_or_make(_key(folder, files, second), (len(files), *second.shape), write_second, is_valid)
    return DecodedFiles(cached.x, *_from_metadata(cached.metadata))


def _require_outside(folder: Path) -> None:
    cache = array_folder()
    if cache.resolve().is_relative_to(folder.resolve()):
        raise CacheError(
            f"The cache {cache} is inside the image folder, where Striate never writes. "
            "Set STRIATE_CACHE to another folder."
        )


def _decode_to_memory(files: Sequence[Path], names: Sequence[str], policy: ImagePolicy, note: str) -> DecodedFiles:
    x = np.empty((len(files), *policy.shape), np.uint8)
    results: list[FileResult] = []
    for blocks, block_results in _decode_blocks(files, names, [policy]):
        x[len(results) : len(results) + len(block_results)] = blocks[0]
        results += block_results
    return DecodedFiles(x, *_split_results(results), note)


def _key(folder: Path, files: Sequence[Path], policy: ImagePolicy) -> str:
    """Return the key of the cache: a hash of the files, the policy and the version of the decoder."""
    state = hashlib.blake2b(f"{CACHE_VERSION} {decoder_version()} {policy}".encode(), digest_size=16)
    hash_files(state, folder, files)
    return state.hexdigest()


def hash_files(state: hashlib.blake2b, folder: Path, files: Iterable[Path]) -> None:
    """Add the names, sizes and times of files to a hash, without reading them.

    Args:
        state: The hash.
        folder: The folder that contains them.
        files: The files.
    """
    state.update(os.fsencode(os.path.realpath(folder)))
    for file in files:
        state.update(b"\0" + os.fsencode(relative_path(file, folder)) + _stamp(file))


def _stamp(file: Path) -> bytes:
    try:
        status = file.stat()
    except OSError:
        return b"\0gone"
    return f"\0{status.st_size} {status.st_mtime_ns}".encode()


def _to_metadata(digests: Digests, unreadable: dict[int, UnreadableFile]) -> Metadata:
    return {
        "digests": digests.astype(">u8").tobytes().hex(),
        "unreadable": {str(row): [error.file, error.reason, error.transient] for row, error in unreadable.items()},
    }


def _from_metadata(metadata: Metadata) -> tuple[Digests, dict[int, UnreadableFile]]:
    digests = np.frombuffer(bytes.fromhex(metadata["digests"]), ">u8").astype(np.uint64)
    return digests, {int(row): UnreadableFile(*error) for row, error in metadata["unreadable"].items()}


def _is_valid(metadata: Metadata, files: Sequence[Path]) -> bool:
    """Return whether the metadata is complete, and no file with a temporary read error can be read now."""
    try:
        digests, unreadable = _from_metadata(metadata)
    except (KeyError, ValueError, TypeError):
        return False
    readable_now = any(_is_readable(files[row]) for row, error in unreadable.items() if error.transient)
    return len(digests) == len(files) and not readable_now


def _is_readable(file: Path) -> bool:
    try:
        read_file(file)
    except DataError:
        return False
    return True


def _decode_blocks(
    files: Sequence[Path], names: Sequence[str], policies: Sequence[ImagePolicy]
) -> Iterator[tuple[list[Block], list[FileResult]]]:
    """Decode all files on all cores, and yield blocks in order.

    Args:
        files: The files.
        names: Their names in messages.
        policies: How images are converted to their size.

    Yields:
        Pixels (n, H, W, C) for each policy, and the result of each file.
    """
    size = max(1, min(64, BLOCK_BYTES // int(np.prod(policies[0].shape))))
    chunks = chunk_ranges(len(files), size)
    with progress_bar("reading images", len(files)) as advance, mute_warnings():
        for blocks, results in map_ordered(lambda rows: _decode_block(rows, files, names, policies), chunks):
            yield blocks, results
            advance(len(results))


def _split_results(results: Sequence[FileResult]) -> tuple[Digests, dict[int, UnreadableFile]]:
    """Return the digest of each file, 0 for unreadable ones, and the unreadable files by row number."""
    unreadable = {row: result for row, result in enumerate(results) if isinstance(result, UnreadableFile)}
    digests = [0 if isinstance(result, UnreadableFile) else result for result in results]
    return np.array(digests, np.uint64), unreadable


def _decode_block(
    rows: range, files: Sequence[Path], names: Sequence[str], policies: Sequence[ImagePolicy]
) -> tuple[list[Block], list[FileResult]]:
    """Return pixels (n, H, W, C) for each policy, and for each file its digest or its read error."""
    blocks = [np.empty((len(rows), *policy.shape), np.uint8) for policy in policies]
    results = [
        _decode(files[row], names[row], policies, [block[position] for block in blocks])
        for position, row in enumerate(rows)
    ]
    for block in blocks:
        block[[isinstance(result, UnreadableFile) for result in results]] = 0
    return blocks, results


def _decode(file: Path, name: str, policies: Sequence[ImagePolicy], outputs: Sequence[Block]) -> FileResult:
    try:
        content = read_file(file, name)
    except DataError as error:
        return UnreadableFile(name, str(error), transient=isinstance(error.__cause__, OSError))
    try:
        for output, pixels in zip(outputs, decode_together(content, name, policies), strict=True):
            output[:] = pixels
    except DataError as error:
        return UnreadableFile(name, str(error))
    return int(digest_bytes([content], 0)[0])
