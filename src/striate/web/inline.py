"""What a page of one HTML file contains in place of other files: its ES modules as one script, and their hashes."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable

from striate.errors import UsageError

IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?(?:function\*? |const |class )(\w+))", re.MULTILINE)
EXPORT_LIST = re.compile(r"\bexport ?\{([^}]*)\};")
UNSUPPORTED = re.compile(r"^(?:import|export)\b(?![.(]).*|</script", re.MULTILINE)


def bundle(entry: str, read: Callable[[str], str], *, is_module: bool) -> str:
    """Return an ES module with all that it imports as one script.

    Each module becomes a function that is called once and returns what the module exports. It may import names from
    other modules, and export functions, classes and constants where they are defined, or names in a list.

    Args:
        entry: Path of the module, which imports others by paths relative to its own.
        read: Returns the text of a module.
        is_module: Whether the script runs as a module, so that all modules may wait outside functions.

    Returns:
        JavaScript. What a module exports is in the variable `module_variable(path)`.

    Raises:
        UsageError: If modules import each other, or a form of import or export that is not supported.
    """
    made: dict[str, str] = {}  # functions by path, in the order in which they are called
    _add(entry, read, made, ())
    before, call = ("async ", "await ") if is_module else ("", "")
    return "\n".join(f"const {module_variable(name)} = {call}({before}{code})();" for name, code in made.items())


def _add(name: str, read: Callable[[str], str], made: dict[str, str], importing: tuple[str, ...]) -> None:
    if name in importing:
        raise UsageError(f"Modules import each other: {' → '.join((*importing, name))}.")
    if name in made:
        return
    code = read(name)
    for _, source in IMPORT.findall(code):
        _add(_resolve(name, source), read, made, (*importing, name))
    exports = [found for _, found in EXPORT.findall(code)]
    for names in EXPORT_LIST.findall(code):
        exports += [_rename(item, "{1}: {0}") for item in names.split(",")]
    code = EXPORT_LIST.sub("", EXPORT.sub(r"\1", IMPORT.sub(lambda found: _constants(name, *found.groups()), code)))
    if left := UNSUPPORTED.search(code):
        raise UsageError(f"{name} has an import or export that one script cannot contain: {left[0]}")
    made[name] = f"() => {{\n{code}\nreturn {{ {', '.join(exports)} }};\n}}"


def _constants(importer: str, names: str, source: str) -> str:
    found = ", ".join(_rename(item, "{0}: {1}") for item in names.split(","))
    return f"const {{ {found} }} = {module_variable(_resolve(importer, source))};"


def _rename(item: str, form: str) -> str:
    """Return an item of a list of names as an item of an object.

    Example:
        >>> _rename(" own as public ", "{1}: {0}"), _rename("name", "{1}: {0}")
        ('public: own', 'name')
    """
    first, _, second = item.strip().partition(" as ")
    return form.format(first, second) if second else first


def _resolve(importer: str, source: str) -> str:
    """Return the path of the file that a module imports.

    Example:
        >>> _resolve("static/predict/worker.js", "../../runtime/ort.mjs")
        'runtime/ort.mjs'
    """
    parts = importer.split("/")[:-1]
    for part in source.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def module_variable(path: str) -> str:
    """Return the name of the variable with what a module exports."""
    return "module_" + re.sub(r"\W", "_", path)


def content_hash(content: str) -> str:
    """Return the source in a content security policy that allows an inline script or style sheet."""
    return f"'sha256-{as_base64(hashlib.sha256(content.encode()).digest())}'"


def as_base64(content: bytes) -> str:
    """Return bytes as text."""
    return b64encode(content).decode()
