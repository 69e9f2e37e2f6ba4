"""Read all picture files of a folder once, on all cores: their pixels, their digests, and why some are left out."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from striate.data.cache import Facts, NoRoomError, keep, photos_folder
from striate.data.layout import below
from striate.data.split import Digests, digest_bytes
from striate.data.stored import Stored
from striate.data.workers import cut, in_order, progress
from striate.errors import DataError
from striate.images import ImagePolicy, UnreadableFile, decoder, read_file

VERSION = 2  # of what the cache holds; a higher one makes all pixels anew
EASY_BYTES = 1_000_000_000  # of pixels that memory holds where the disk cannot
BLOCK_BYTES = 1_000_000  # of pixels that a thread decodes before it hands them over; they fit in a core's cache

Block = NDArray[np.uint8]


@dataclass(frozen=True)
class Pictures:
    """All files of a folder in order.

    x: uint8 (N, H, W, C), black for files that are left out. digests: (N,) of each file's bytes; 0 for those.
    faults: by row number. note: what the person should know about where the pixels are, or None.
    """

    x: Stored | Block
    digests: Digests
    faults: dict[int, UnreadableFile]
    note: str | None = None


def read_pictures(folder: Path, files: Sequence[Path], names: Sequence[str], policy: ImagePolicy) -> Pictures:
    """The pictures of these files, as the policy wants them; decoded once, then taken from the disk.

    names: what to call the files in faults. Where the disk has no room, up to EASY_BYTES are held in memory.
    Raises NoRoomError for more.
    """
    shape = (len(files), *policy.shape)

    def decode(file: BinaryIO) -> Facts:
        return _to_facts(*_decode_all(files, names, policy, lambda block: file.write(block.data)))

    try:
        _require_outside(folder)
        kept = keep(_key(folder, files, policy), shape, decode, lambda facts: _good(facts, files))
    except NoRoomError as error:
        if np.prod(shape, dtype=np.int64) > EASY_BYTES:
            raise
        return _in_memory(files, names, policy, f"The pixels are held in memory this time. {error}")
    return Pictures(kept.x, *_from_facts(kept.facts))


def _require_outside(folder: Path) -> None:
    place = photos_folder()
    if place.resolve().is_relative_to(folder.resolve()):
        raise NoRoomError(f"{place} lies among the pictures, where Striate never writes. Set STRIATE_CACHE to another.")


def _in_memory(files: Sequence[Path], names: Sequence[str], policy: ImagePolicy, note: str) -> Pictures:
    x = np.empty((len(files), *policy.shape), np.uint8)
    free = x

    def put(block: Block) -> None:
        nonlocal free
        free[: len(block)], free = block, free[len(block) :]

    return Pictures(x, *_decode_all(files, names, policy, put), note)


def _key(folder: Path, files: Sequence[Path], policy: ImagePolicy) -> str:
    """32 hexadecimal digits that change when a file, the policy or the decoder does."""
    state = hashlib.blake2b(f"{VERSION} {decoder()} {policy}".encode(), digest_size=16)
    state.update(os.fsencode(os.path.realpath(folder)))
    for file in files:
        state.update(b"\0" + os.fsencode(below(file, folder)) + _stamp(file))
    return state.hexdigest()


def _stamp(file: Path) -> bytes:
    try:
        found = file.stat()
    except OSError:
        return b"\0gone"
    return f"\0{found.st_size} {found.st_mtime_ns}".encode()


def _to_facts(digests: Digests, faults: dict[int, UnreadableFile]) -> Facts:
    """Ready for JSON."""
    return {
        "digests": digests.astype(">u8").tobytes().hex(),
        "faults": {str(row): [fault.file, fault.reason, fault.transient] for row, fault in faults.items()},
    }


def _from_facts(facts: Facts) -> tuple[Digests, dict[int, UnreadableFile]]:
    digests = np.frombuffer(bytes.fromhex(facts["digests"]), ">u8").astype(np.uint64)
    return digests, {int(row): UnreadableFile(*fault) for row, fault in facts["faults"].items()}


def _good(facts: Facts, files: Sequence[Path]) -> bool:
    """Whether facts are whole, and no file can be read now that could not: a right granted, a disk that is back."""
    try:
        digests, faults = _from_facts(facts)
    except (KeyError, ValueError, TypeError):
        return False
    mended = any(_readable(files[row]) for row, fault in faults.items() if fault.transient)
    return len(digests) == len(files) and not mended


def _readable(file: Path) -> bool:
    try:
        read_file(file)
    except DataError:
        return False
    return True


def _decode_all(
    files: Sequence[Path], names: Sequence[str], policy: ImagePolicy, put: Callable[[Block], object]
) -> tuple[Digests, dict[int, UnreadableFile]]:
    """Give all pixels to `put`, block after block in order; return digests and faults."""
    digests: list[int] = []
    faults: dict[int, UnreadableFile] = {}
    size = max(1, min(64, BLOCK_BYTES // int(np.prod(policy.shape))))
    with progress("reading pictures", len(files)) as advance:
        for block, found in in_order(lambda rows: _decode_block(rows, files, names, policy), cut(len(files), size)):
            faults |= {
                len(digests) + row: fault for row, fault in enumerate(found) if isinstance(fault, UnreadableFile)
            }
            digests += [0 if isinstance(digest, UnreadableFile) else digest for digest in found]
            put(block)
            advance(len(block))
    return np.array(digests, np.uint64), faults


def _decode_block(
    rows: range, files: Sequence[Path], names: Sequence[str], policy: ImagePolicy
) -> tuple[Block, list[int | UnreadableFile]]:
    """Pixels (n, H, W, C), and of each file its digest or why it is left out."""
    block = np.empty((len(rows), *policy.shape), np.uint8)
    found = [_decode(files[row], names[row], policy, out) for row, out in zip(rows, block, strict=True)]
    block[[isinstance(each, UnreadableFile) for each in found]] = 0
    return block, found


def _decode(file: Path, name: str, policy: ImagePolicy, out: Block) -> int | UnreadableFile:
    try:
        content = read_file(file, name)
    except DataError as error:
        return UnreadableFile(name, str(error), transient=isinstance(error.__cause__, OSError))
    try:
        out[:] = policy.decode(content, name)
    except DataError as error:
        return UnreadableFile(name, str(error))
    return int(digest_bytes([content], 0)[0])
