"""ARCHITECTURE.md's table of rooms holds: every import in the package is one that the table allows."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "striate"
DOCUMENT = ROOT / "ARCHITECTURE.md"
HEAD = "| package | holds | may import | packages |"


@dataclass(frozen=True)
class Package:
    """What the modules of a room may import: other rooms of Striate, and packages beside the standard library."""

    rooms: frozenset[str]
    packages: frozenset[str]


def read_table(text: str) -> dict[str, Package]:
    """The rooms of the document, in its order."""
    rows = text.split(HEAD)[1].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    rooms: dict[str, Package] = {}
    for name, _, imports, packages in (row.strip("| ").split(" | ") for row in rows):
        allowed = set(rooms) if "all above" in imports else set()
        allowed |= names(imports.replace("all above", ""))
        rooms[name.strip("`").removesuffix("/")] = Package(frozenset(allowed), frozenset(names(packages)))
    return rooms


def names(cell: str) -> set[str]:
    return {name.strip("`").removesuffix("/") for name in re.findall(r"`[^`]+`", cell)}


def violations(source: Path, rooms: dict[str, Package]) -> list[str]:
    """One sentence for each import that the table does not allow, and for each file that is in no room."""
    found = []
    for file in sorted(source.rglob("*.py")):
        path = file.relative_to(source).as_posix()
        room = room_of(path, rooms)
        if room is None:
            found.append(f"{path} is in no room")
            continue
        for line, imported in imports_of(file, source):
            if not allowed(imported, room, rooms):
                found.append(f"{path}:{line} imports {imported}, but {room} may not")
    return found


def room_of(path: str, rooms: dict[str, Package]) -> str | None:
    """The innermost room that holds the file."""
    holding = [room for room in rooms if path == room or path.startswith(f"{room}/")]
    return max(holding, key=len, default=None)


def imports_of(file: Path, source: Path) -> Iterator[tuple[int, str]]:
    """(line, what is imported) as a file of the package ("network/graph.py") or the name of a package ("numpy")."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{file}:{node.lineno} has a relative import"
            wanted = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in wanted:
            yield node.lineno, located(name, source)


def located(name: str, source: Path) -> str:
    package, *parts = name.split(".")
    if package != "striate":
        return package
    for length in range(len(parts), -1, -1):  # the last parts may be names within a module
        module = Path(*parts[:length])
        for candidate in (module.with_suffix(".py") if module.name else module, module / "__init__.py"):
            if (source / candidate).is_file():
                return candidate.as_posix()
    raise AssertionError(f"{name} is nowhere in {source}")


def allowed(imported: str, room: str, rooms: dict[str, Package]) -> bool:
    if not imported.endswith(".py"):
        return imported in sys.stdlib_module_names or imported in rooms[room].packages
    other = room_of(imported, rooms)
    return other == room or other in rooms[room].rooms


@pytest.fixture(scope="module")
def rooms() -> dict[str, Package]:
    return read_table(DOCUMENT.read_text("utf-8"))


def test_every_import_is_allowed(rooms: dict[str, Package]) -> None:
    assert violations(SOURCE, rooms) == []


def test_every_room_exists(rooms: dict[str, Package]) -> None:
    assert [room for room in rooms if not (SOURCE / room).exists()] == []


def test_packages_import_only_from_rooms_above(rooms: dict[str, Package]) -> None:
    order = list(rooms)
    for name, room in rooms.items():
        below = room.rooms - set(order[: order.index(name)])
        assert below <= {"__init__.py"}, f"{name} may import what does not stand above it: {below}"


TABLE = f"""
{HEAD}
|---|---|---|---|
| `errors.py` | exceptions | – | – |
| `network/` | descriptions | `errors.py` | – |
| `engines/` | the contract | `errors.py`, `network/` | `numpy` |
| `engines/numpy/` | one engine | all above | `numpy` |
| `cli/` | commands | all above | `click` |

| another | table |
"""


@pytest.mark.parametrize(
    ("file", "code", "found"),
    [
        ("network/graph.py", "from striate.errors import StriateError", []),
        ("network/graph.py", "import json", []),
        ("network/graph.py", "from striate.network import graph", []),
        ("engines/numpy/steps.py", "import numpy as np\nfrom striate.engines.base import Engine", []),
        ("cli/train.py", "import click\nfrom striate.engines.numpy import steps", []),
        ("network/graph.py", "import numpy as np", ["network/graph.py:1 imports numpy, but network may not"]),
        (
            "network/graph.py",
            "'''A doc.'''\ndef f():\n    from striate.engines import base",
            ["network/graph.py:3 imports engines/base.py, but network may not"],
        ),
        (
            "network/graph.py",
            "import striate.cli.train",
            ["network/graph.py:1 imports cli/train.py, but network may not"],
        ),
        (
            "engines/base.py",
            "from striate.engines.numpy import steps",
            ["engines/base.py:1 imports engines/numpy/steps.py, but engines may not"],
        ),
        ("errors.py", "import striate.network", ["errors.py:1 imports network/__init__.py, but errors.py may not"]),
        ("helpers.py", "", ["helpers.py is in no room"]),
    ],
)
def test_the_walk_finds_what_is_not_allowed(tmp_path: Path, file: str, code: str, found: list[str]) -> None:
    for path in (
        "errors.py", "network/__init__.py", "network/graph.py", "engines/base.py", "engines/numpy/__init__.py",
        "engines/numpy/steps.py", "cli/train.py",
    ):  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / file).write_text(code, "utf-8")
    assert violations(tmp_path, read_table(TABLE)) == found


def test_reading_the_table() -> None:
    table = read_table(TABLE)
    assert list(table) == ["errors.py", "network", "engines", "engines/numpy", "cli"]
    assert table["errors.py"] == Package(frozenset(), frozenset())
    assert table["cli"] == Package(
        frozenset({"errors.py", "network", "engines", "engines/numpy"}), frozenset({"click"})
    )
