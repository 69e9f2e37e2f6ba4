"""Reading the pickles in PyTorch's files without running them: plain values and tensors, and nothing else.

A pickle is a program for a small stack machine, and some of its instructions call functions by name. Here each
instruction that state dicts consist of is carried out by hand; calls are answered for the few that make a tensor or
a dict, without calling anything; every other one is refused.
"""

import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

STORAGE = re.compile(r"torch\.[A-Za-z0-9]+Storage")  # such as torch.FloatStorage


@dataclass(frozen=True)
class Global:
    """The full name of a function or class, nothing more."""

    name: str


@dataclass(frozen=True)
class Storage:
    """The numbers of one or more tensors. kind: PyTorch's class of it, such as FloatStorage."""

    kind: str
    key: str
    count: int


@dataclass(frozen=True)
class Tensor:
    """A view of a storage: its first number, and sizes and strides in numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class DamagedError(ValueError):
    """What was read is no whole pickle."""


class RefusedError(Exception):
    """What was read asks for something that could be any code; the text says for what."""


def read_pickle(file: IO[bytes]) -> tuple[Any, dict[str, Storage]]:
    """The value of the pickle at which the file stands, and by key all storages it names; the file then stands behind.

    Raises RefusedError for one that asks for more than what makes a tensor or a dict, DamagedError for no pickle.
    """
    machine = _Machine()
    try:
        for code, argument, _ in pickletools.genops(file):
            machine.carry_out(code.name, argument)
        return machine.stack.pop(), machine.storages
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, MemoryError) as error:
        raise DamagedError("it holds no whole pickle") from error


class _Machine:
    """The stack, the stacks set apart by MARK, and what was memorised."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}

    def carry_out(self, code: str, argument: Any) -> None:
        if code in _PUSH_ARGUMENT:
            self.stack.append(argument)
        elif code in _PUSH:
            self.stack.append(_PUSH[code]())
        elif code in _STEPS:
            _STEPS[code](self, argument)
        elif code not in _NOTHING:
            raise RefusedError(f"the instruction {code}")

    def since_mark(self) -> list[Any]:
        """What was pushed since the last MARK."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def mark(self, _: Any) -> None:
        self.below.append(self.stack)
        self.stack = []

    def memorise(self, key: int | None) -> None:
        self.memo[len(self.memo) if key is None else key] = self.stack[-1]

    def recall(self, key: int) -> None:
        self.stack.append(self.memo[key])

    def take(self, count: int) -> list[Any]:
        """The last so many values, in the order in which they were pushed."""
        return [self.stack.pop() for _ in range(count)][::-1]

    def push_tuple(self, items: list[Any]) -> None:
        self.stack.append(tuple(items))

    def append(self, items: list[Any]) -> None:
        self.stack[-1].extend(items)

    def set_items(self, items: list[Any]) -> None:
        """items: a key, its value, the next key, …"""
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def name(self, name: str) -> None:
        if name not in _CALLS and not STORAGE.fullmatch(name):
            raise RefusedError(name)
        self.stack.append(Global(name))

    def call(self, _: Any) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, Global) or function.name not in _CALLS:
            raise RefusedError("a call")
        self.stack.append(_CALLS[function.name](*arguments))

    def build(self, _: Any) -> None:
        """Attributes of a dict (PyTorch keeps versions there) are left out; no other object has any."""
        self.stack.pop()
        if not isinstance(self.stack[-1], dict):
            raise RefusedError("an object with attributes")

    def storage(self, _: Any) -> None:
        kind, storage, key, _, count, *_ = self.stack.pop()
        if kind != "storage" or not isinstance(storage, Global):
            raise DamagedError("a storage is not described as one")
        self.storages[str(key)] = Storage(storage.name.removeprefix("torch."), str(key), int(count))
        self.stack.append(self.storages[str(key)])


def _rebuild_tensor(storage: Storage, offset: int, shape: Any, strides: Any, *_: Any) -> Tensor:
    if not isinstance(storage, Storage):
        raise DamagedError("a tensor has no storage")
    return Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


_CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": dict,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": lambda data, *_: data,
    "torch.Size": tuple,
}
_NOTHING = {"PROTO", "FRAME", "STOP"}
_PUSH_ARGUMENT = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "UNICODE", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES",
}  # fmt: skip
_PUSH: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict,
}  # fmt: skip
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "PUT": _Machine.memorise, "BINPUT": _Machine.memorise, "LONG_BINPUT": _Machine.memorise,
    "MEMOIZE": _Machine.memorise,
    "GET": _Machine.recall, "BINGET": _Machine.recall, "LONG_BINGET": _Machine.recall,
    "TUPLE": lambda machine, _: machine.push_tuple(machine.since_mark()),
    "TUPLE1": lambda machine, _: machine.push_tuple(machine.take(1)),
    "TUPLE2": lambda machine, _: machine.push_tuple(machine.take(2)),
    "TUPLE3": lambda machine, _: machine.push_tuple(machine.take(3)),
    "APPEND": lambda machine, _: machine.append(machine.take(1)),
    "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items(machine.take(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "GLOBAL": lambda machine, argument: machine.name(argument.replace(" ", ".")),
    "STACK_GLOBAL": lambda machine, _: machine.name(".".join(machine.take(2))),
    "REDUCE": _Machine.call,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.storage,
}  # fmt: skip
