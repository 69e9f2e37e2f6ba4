"""Join the files of an exported page to one HTML file without any other.

A page from the disk may load no other file, and its modules no other module. So modules become functions that return
what they export, and everything else is base64 text inside the page.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'"
)
IMPORT = re.compile(r'^import \{ ([^}]*) \} from "([^"]*)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?(?:function\*? |const |let |class )(\w+))", re.MULTILINE)
EXPORT_LIST = re.compile(r"export\{([^}]*)\};")
PARTS = ("page.json", "model.onnx.gzip", "runtime/ort-wasm-simd-threaded.wasm.gzip")  # as page.js reads them


def single_file(files: Mapping[str, bytes]) -> bytes:
    """Return an HTML file with a whole page.

    Args:
        files: The files of the page by name.

    Returns:
        The content of the file.
    """
    page = files["index.html"].decode()
    script, worker = (_joined(f"static/predict/{entry}", files) for entry in ("page.js", "worker.js"))
    style = "".join(files[f"static/{sheet}"].decode() for sheet in ("shell.css", "predict/predict.css"))
    policy = CONTENT_POLICY.replace("script-src 'self'", f"script-src {_digest(script)}")
    policy = policy.replace("style-src 'self'", f"style-src {_digest(style)}")
    policy = policy.replace("worker-src 'self'", "worker-src blob:").replace(" 'self'", "")
    policy = re.sub(r"(connect|manifest)-src; ", "", policy)
    icon = f"data:image/svg+xml;base64,{_base64(files['static/icon.svg'])}"
    page = page.replace(CONTENT_POLICY, policy)
    page = re.sub(r'<link rel="(manifest|apple-touch-icon|stylesheet)"[^>]*>\n', "", page)
    page = re.sub(r"<script[^>]*></script>\n", "", page).replace("static/icon.svg", icon)
    worker = worker.replace("import.meta.url", "self.location.href")  # a worker from a page on the disk is no module
    parts = {part: files[part] for part in PARTS} | {"worker.js": worker.encode()}
    blocks = "".join(
        f'<script type="text/plain" id="{part}">{_base64(content)}</script>\n' for part, content in parts.items()
    )
    license_text = files["runtime/LICENSE"].decode().replace("--", "- -")
    end = f'{blocks}<!-- ONNX Runtime:\n{license_text}-->\n<script type="module">{script}</script>\n</body>'
    return page.replace("</head>", f"<style>{style}</style>\n</head>").replace("</body>", end).encode()


def _joined(name: str, files: Mapping[str, bytes]) -> str:
    """Return a module with all modules that it imports, as one script.

    Args:
        name: Of the module.
        files: All files by name.

    Returns:
        The script.
    """
    modules: dict[str, str] = {}
    return "".join([*_dependencies(name, files, modules), "{\n", modules[name], "}\n"])


def _dependencies(name: str, files: Mapping[str, bytes], modules: dict[str, str]) -> list[str]:
    """Return the modules that one imports, in the order in which they run, and store its own text in `modules`."""
    found = []

    def imported(match: re.Match[str]) -> str:
        names, source = match.groups()
        target = _resolved(name, source)
        if target not in modules:
            found.extend(_dependencies(target, files, modules))
            found.append(_function(target, modules[target]))
        return f"const {{ {names} }} = {_variable(target)};\n"

    modules[name] = IMPORT.sub(imported, files[name].decode())
    return found


def _resolved(name: str, source: str) -> str:
    """Return the name of the file that a module imports.

    Example:
        >>> _resolved("static/predict/worker.js", "../../runtime/ort.mjs")
        'runtime/ort.mjs'
    """
    parts = name.split("/")[:-1]
    for part in source.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _variable(name: str) -> str:
    return "module_" + re.sub(r"\W", "_", name)


def _function(name: str, text: str) -> str:
    """Return a module as a function that is called once and returns its exports."""
    exports = {found: found for _, found in EXPORT.findall(text)}
    text = EXPORT.sub(r"\1", text)
    for names in EXPORT_LIST.findall(text):
        exports |= {public: own for own, public in (item.split(" as ") for item in names.split(","))}
    text = EXPORT_LIST.sub("", text)
    returned = ", ".join(f"{public}: {own}" for public, own in exports.items())
    return f"const {_variable(name)} = (() => {{\n{text}\nreturn {{ {returned} }};\n}})();\n"


def _digest(text: str) -> str:
    return f"'sha256-{_base64(hashlib.sha256(text.encode()).digest())}'"


def _base64(content: bytes) -> str:
    return b64encode(content).decode()
