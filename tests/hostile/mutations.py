"""Wrong values and damaged bytes for every kind of file."""

import copy
import random
from collections.abc import Iterator
from typing import Any

VALUES: tuple[Any, ...] = (
    None, "x", "", -1, 0, 2.5, 1e300, 10**30, [], {}, True, [[]], {"a": 1}, float("nan"), float("inf"), "\x1b[31m",
)  # fmt: skip
PIECES = (b"", b"\0", b"\xff", b'"', b"9" * 30, b"e999", b",", b"\x7f\xff\xff\xff", b"\xff" * 8)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the keys that lead to each value within a value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a copy of a value with another one at a place."""
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = replaced(value[path[0]], path[1:], new)
    return changed


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Cut a file, flip bits in it, or replace, remove, repeat or insert a piece."""
    result = bytearray(content)
    match rng.randrange(5):
        case 0:
            return content[: rng.randrange(len(content) + 1)]
        case 1:
            for _ in range(rng.randint(1, 8)):
                result[rng.randrange(len(result))] ^= 1 << rng.randrange(8)
        case 2:
            start = rng.randrange(len(result))
            result[start : start + rng.randint(0, 9)] = rng.choice(PIECES)
        case 3:
            start, length = rng.randrange(len(result)), rng.randint(1, 200)
            result[start:start] = result[start : start + length] * rng.randint(1, 3)
        case _:
            start, length = rng.randrange(len(result)), rng.randint(1, 64)
            result[start : start + length] = rng.randbytes(length)
    return bytes(result)
