"""Every import in Striate is allowed by the table of packages in ARCHITECTURE.md."""

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
class Allowed:
    """What the modules of a package may import: packages of Striate, and packages outside the standard library."""

    internal: frozenset[str]
    external: frozenset[str]


def read_table(text: str) -> dict[str, Allowed]:
    """Return the packages of the document, in its order."""
    rows = text.split(HEAD)[1].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    packages: dict[str, Allowed] = {}
    for name, _, imports, externals in (row.strip("| ").split(" | ") for row in rows):
        internal = set(packages) if "all above" in imports else set()
        internal |= names(imports.replace("all above", ""))
        packages[name.strip("`").removesuffix("/")] = Allowed(frozenset(internal), frozenset(names(externals)))
    return packages


def names(cell: str) -> set[str]:
    return {name.strip("`").removesuffix("/") for name in re.findall(r"`[^`]+`", cell)}


def violations(source: Path, packages: dict[str, Allowed]) -> list[str]:
    """Return one sentence for each import that the table does not allow, and for each file in no package."""
    found = []
    for file in sorted(source.rglob("*.py")):
        path = file.relative_to(source).as_posix()
        package = package_of(path, packages)
        if package is None:
            found.append(f"{path} is in no package")
            continue
        for line, imported in imports_of(file, source):
            if not is_allowed(imported, package, packages):
                found.append(f"{path}:{line} imports {imported}, but {package} may not")
    return found


def package_of(path: str, packages: dict[str, Allowed]) -> str | None:
    """Return the innermost package that contains the file."""
    holding = [package for package in packages if path == package or path.startswith(f"{package}/")]
    return max(holding, key=len, default=None)


def imports_of(file: Path, source: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, import), the import as a file of Striate ("network/graph.py") or an external package ("numpy")."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            expected = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{file}:{node.lineno} has a relative import"
            expected = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in expected:
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
    raise AssertionError(f"{name} does not exist in {source}")


def is_allowed(imported: str, package: str, packages: dict[str, Allowed]) -> bool:
    if not imported.endswith(".py"):
        return imported in sys.stdlib_module_names or imported in packages[package].external
    other = package_of(imported, packages)
    return other == package or other in packages[package].internal


@pytest.fixture(scope="module")
def packages() -> dict[str, Allowed]:
    return read_table(DOCUMENT.read_text("utf-8"))


def test_every_import_is_allowed(packages: dict[str, Allowed]) -> None:
    assert violations(SOURCE, packages) == []


def test_every_package_exists(packages: dict[str, Allowed]) -> None:
    assert [package for package in packages if not (SOURCE / package).exists()] == []


def test_packages_import_only_from_packages_above(packages: dict[str, Allowed]) -> None:
    order = list(packages)
    for name, package in packages.items():
        below = package.internal - set(order[: order.index(name)])
        assert below <= {"__init__.py"}, f"{name} may import packages that are not above it: {below}"


def test_files_of_models_import_only_from_files_before_them() -> None:
    (row,) = re.findall(r"^\| `models/` \|.*", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    order = [f"models/{file}" for file in re.findall(r"`(\w+\.py)`", row.split(" | ")[1])]
    folder = SOURCE / "models"
    assert sorted([*order, "models/__init__.py"]) == sorted(f"models/{file.name}" for file in folder.glob("*.py"))
    for number, name in enumerate(order):
        imported = {other for _, other in imports_of(SOURCE / name, SOURCE) if other.startswith("models/")}
        assert imported <= set(order[:number]), name


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
        ("engines/numpy/rules.py", "import numpy as np\nfrom striate.engines.base import Engine", []),
        ("cli/train.py", "import click\nfrom striate.engines.numpy import rules", []),
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
            "from striate.engines.numpy import rules",
            ["engines/base.py:1 imports engines/numpy/rules.py, but engines may not"],
        ),
        ("errors.py", "import striate.network", ["errors.py:1 imports network/__init__.py, but errors.py may not"]),
        ("helpers.py", "", ["helpers.py is in no package"]),
    ],
)
def test_forbidden_imports_are_found(tmp_path: Path, file: str, code: str, found: list[str]) -> None:
    for path in (
        "errors.py", "network/__init__.py", "network/graph.py", "engines/base.py", "engines/numpy/__init__.py",
        "engines/numpy/rules.py", "cli/train.py",
    ):  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / file).write_text(code, "utf-8")
    assert violations(tmp_path, read_table(TABLE)) == found


def test_table_is_read() -> None:
    table = read_table(TABLE)
    assert list(table) == ["errors.py", "network", "engines", "engines/numpy", "cli"]
    assert table["errors.py"] == Allowed(frozenset(), frozenset())
    assert table["cli"] == Allowed(
        frozenset({"errors.py", "network", "engines", "engines/numpy"}), frozenset({"click"})
    )
