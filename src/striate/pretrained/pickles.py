"""Read the pickles in PyTorch's files without executing code from them: plain values and tensors only.

A pickle is a program for a small stack machine, and some of its instructions call functions by name. The machine in
this file has only the instructions of state dicts, and replaces the few calls that create tensors and dicts by its own
functions. Everything else raises UnsafeError.
"""

import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

STORAGE = re.compile(r"torch\.[A-Za-z0-9]+Storage")  # such as torch.FloatStorage
MAX_DEPTH = 100  # levels of nested values; a checkpoint has about ten
MAX_AXES = 64
MAX_NAME = 200  # characters of a name in a message
MAX_COPIED = 1_000_000  # items that all calls together may copy; a state dict has one item for each tensor
Key = str | int


@dataclass(frozen=True)
class Global:
    """The full name of a function or class, which is never looked up."""

    name: str


@dataclass(frozen=True)
class Storage:
    """The numbers of one or more tensors.

    Attributes:
        kind: The name of PyTorch's class, such as FloatStorage.
        key: Its name in the file.
        count: Number of its elements.
    """

    kind: str
    key: str
    count: int


@dataclass(frozen=True)
class Tensor:
    """A view of a storage.

    Attributes:
        storage: The storage.
        offset: The position of the first number.
        shape: The length of each axis.
        strides: The distance of neighbors along each axis, in elements.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class DamagedError(ValueError):
    """The file is incomplete or invalid."""


class UnsafeError(Exception):
    """The pickle refers to something that could execute arbitrary code; the text names it."""


def read_pickle(file: IO[bytes]) -> tuple[Any, dict[str, Storage]]:
    """Read one pickle.

    Args:
        file: At the pickle's first byte; afterwards at the byte after its last.

    Returns:
        The value, and the storages to which it refers by key.

    Raises:
        DamagedError: If the pickle is incomplete, has keys other than strings and integers, or is nested too deeply.
        UnsafeError: If it refers to something that could execute code.
    """
    machine = _Machine()
    try:
        for code, argument, _ in pickletools.genops(file):
            machine.step(code.name, argument)
        value = machine.stack.pop()
        _check_depth(value)
        return value, machine.storages
    except DamagedError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, MemoryError) as error:
        raise DamagedError("it contains no complete pickle") from error


def _check_depth(value: Any) -> None:
    """Raise DamagedError if values are nested too deeply; visits each container once, even if it is shared."""
    seen: set[int] = set()
    level = [value]
    for _ in range(MAX_DEPTH):
        containers = {id(item): item for item in level if isinstance(item, dict | list | tuple)}
        new = [item for key, item in containers.items() if key not in seen]
        if not new:
            return
        seen |= containers.keys()
        level = [part for item in new for part in (item.values() if isinstance(item, dict) else item)]
    raise DamagedError(f"its values are nested more than {MAX_DEPTH} deep")


def _checked_key(key: Any) -> Key:
    """Return a key. Hashing or printing any other value could take forever: a tuple may hold another one twice."""
    if not isinstance(key, str | int):
        raise DamagedError(f"it has a key of type {type(key).__name__}; expected a string or an integer")
    return key


class _Machine:
    """The stack, the stacks below the marks, and the memo."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}
        self.copied = 0

    def step(self, code: str, argument: Any) -> None:
        """Execute one instruction."""
        if code in _PUSH_ARGUMENT:
            self.stack.append(argument)
        elif code in _PUSH:
            self.stack.append(_PUSH[code]())
        elif code in _INSTRUCTIONS:
            _INSTRUCTIONS[code](self, argument)
        elif code not in _IGNORED:
            raise UnsafeError(f"the instruction {code}")

    def since_mark(self) -> list[Any]:
        """Remove and return the values above the last mark."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def mark(self, _: Any) -> None:
        self.below.append(self.stack)
        self.stack = []

    def memoize(self, key: int | None) -> None:
        self.memo[len(self.memo) if key is None else key] = self.stack[-1]

    def recall(self, key: int) -> None:
        self.stack.append(self.memo[key])

    def pop(self, count: int) -> list[Any]:
        """Remove and return this number of values from the top, in the order in which they were pushed."""
        return [self.stack.pop() for _ in range(count)][::-1]

    def push_tuple(self, items: list[Any]) -> None:
        self.stack.append(tuple(items))

    def append(self, items: list[Any]) -> None:
        self.stack[-1].extend(items)

    def set_items(self, items: list[Any]) -> None:
        """Set items of the dict on top: a key, its value, the next key, …"""
        self.stack[-1].update(zip(map(_checked_key, items[::2]), items[1::2], strict=True))

    def name(self, name: str) -> None:
        if name not in _CALLS and not STORAGE.fullmatch(name):
            raise UnsafeError(name[:MAX_NAME])
        self.stack.append(Global(name))

    def call(self, _: Any) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, Global) or function.name not in _CALLS:
            raise UnsafeError("a call")
        self.copied += sum(len(argument) for argument in arguments if isinstance(argument, dict | list | tuple))
        if self.copied > MAX_COPIED:
            raise DamagedError("it copies too many values")
        self.stack.append(_CALLS[function.name](*arguments))

    def build(self, _: Any) -> None:
        """Ignore the attributes of a dict, where PyTorch keeps versions; no other object may have any."""
        self.stack.pop()
        if not isinstance(self.stack[-1], dict):
            raise UnsafeError("an object with attributes")

    def storage(self, _: Any) -> None:
        kind, storage, key, _, count, *_ = self.stack.pop()
        if kind != "storage" or not isinstance(storage, Global):
            raise DamagedError("a storage is not described as one")
        name = str(_checked_key(key))
        found = Storage(storage.name.removeprefix("torch."), name, int(count))
        if self.storages.setdefault(name, found) != found:
            raise DamagedError("it describes a storage in two ways")
        self.stack.append(found)


def _dictionary(items: Any = ()) -> dict[Key, Any]:
    """Return a dict of pairs, as Python 2 writes an ordered dict."""
    return {_checked_key(key): value for key, value in items}


def _rebuild_tensor(storage: Storage, offset: int, shape: Any, strides: Any, *_: Any) -> Tensor:
    if not isinstance(storage, Storage):
        raise DamagedError("a tensor has no storage")
    return Tensor(storage, int(offset), _sizes(shape), _sizes(strides))


def _sizes(values: Any) -> tuple[int, ...]:
    if not isinstance(values, tuple | list) or len(values) > MAX_AXES:
        raise DamagedError("the shape of a tensor is invalid")
    return tuple(map(int, values))


_CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _dictionary,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": lambda data, *_: data,
    "torch.Size": _sizes,
}
_IGNORED = {"PROTO", "FRAME", "STOP"}
_PUSH_ARGUMENT = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "UNICODE", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES",
}  # fmt: skip
_PUSH: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict,
}  # fmt: skip
_INSTRUCTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "PUT": _Machine.memoize, "BINPUT": _Machine.memoize, "LONG_BINPUT": _Machine.memoize,
    "MEMOIZE": _Machine.memoize,
    "GET": _Machine.recall, "BINGET": _Machine.recall, "LONG_BINGET": _Machine.recall,
    "TUPLE": lambda machine, _: machine.push_tuple(machine.since_mark()),
    "TUPLE1": lambda machine, _: machine.push_tuple(machine.pop(1)),
    "TUPLE2": lambda machine, _: machine.push_tuple(machine.pop(2)),
    "TUPLE3": lambda machine, _: machine.push_tuple(machine.pop(3)),
    "APPEND": lambda machine, _: machine.append(machine.pop(1)),
    "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items(machine.pop(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "GLOBAL": lambda machine, argument: machine.name(argument.replace(" ", ".")),
    "STACK_GLOBAL": lambda machine, _: machine.name(".".join(machine.pop(2))),
    "REDUCE": _Machine.call,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.storage,
}  # fmt: skip
