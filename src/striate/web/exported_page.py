"""Write a trained model as a web page that predicts in the browser: a folder for any web host, or one file."""

import gzip
import hashlib
import lzma
import os
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import striate
from striate import strict_json
from striate.errors import RunError, UsageError
from striate.files import atomic_folder, atomic_write
from striate.language.service import PAGE_STRINGS
from striate.network.outputs import output_forms
from striate.web.single_file import CONTENT_POLICY, single_file
from striate.workflows.export import ExportResult, Precision, convert
from striate.workflows.trained_model import TrainedModel

STATIC = Path(__file__).parent / "static"
RUNTIME = Path(__file__).parent / "vendor/onnxruntime-web.tar.xz"
SUFFIX = ".html"
SETTINGS, MODEL, WORKER = "page.json", "model.onnx.gzip", "sw.js"
ASSETS = (
    "shell.css", "icon.svg", "icon-192.png", "icon-512.png", "predict/predict.css", "predict/view.js",
    "predict/page.js", "predict/worker.js", "predict/pixels.js", "predict/outputs.js",
)  # fmt: skip
LARGE = ".wasm"  # such files are stored compressed, because few hosts compress them
LICENSES = ("runtime/LICENSE", "runtime/ThirdPartyNotices.txt")
PAPER = {"light": "#fcfbf9", "dark": "#151618"}  # as in shell.css


@dataclass(frozen=True)
class PageOptions:
    """How a page is exported.

    Attributes:
        name: Title of the page.
        precision: Precision of the model, as in `ExportResult`.
        images: As in `striate.workflows.export.export`.
        opset: As there.
    """

    name: str
    images: Sequence[str] = ()
    opset: int | None = None
    precision: Precision = "8-bit weights"


def export_page(trained: TrainedModel, path: str | os.PathLike[str], options: PageOptions) -> ExportResult:
    """Write a page: one file if the path ends in .html, and otherwise a folder.

    Args:
        trained: The model or ensemble.
        path: The file or folder.
        options: Options of the page.

    Returns:
        The comparison of the page's model with the original.

    Raises:
        UsageError: If the path is something else that exists, or has another suffix, or the model cannot be a page.
    """
    text, path = os.fspath(path), Path(path)
    if path.suffix.lower() == SUFFIX:
        return export_file(trained, path, options)
    if path.suffix and not text.endswith(("/", os.sep)) and not path.is_dir():
        raise UsageError(
            f"'{path}' ends in '{path.suffix}', which does not say what to write. Pass FILE.onnx, FILE{SUFFIX}, or "
            f"'{path}/' for a folder."
        )
    return export_folder(trained, path, options)


def export_folder(trained: TrainedModel, path: str | os.PathLike[str], options: PageOptions) -> ExportResult:
    """Write a page as a folder of static files, which also works without a connection after the first visit.

    Args:
        trained: The model or ensemble.
        path: The folder. It may be missing, empty, or hold an earlier page, which is replaced.
        options: Options of the page.

    Returns:
        The comparison of the page's model with the original.

    Raises:
        UsageError: If the folder holds something else, or the model cannot be a page.
    """
    path = Path(path)
    is_replaced = _check_folder(path)
    files, result = _page_files(trained, path, options)
    loaded = [name for name in files if name not in LICENSES]
    version = hashlib.sha256(b"".join(files[name] for name in sorted(files))).hexdigest()[:16]
    files[WORKER] = _service_worker(["./", *(name for name in loaded if name != "index.html")], version)
    with atomic_folder(path) as folder:
        for name, content in files.items():
            atomic_write(folder / name, content)
    notes = (*result.notes, f"The earlier page in '{path}' was replaced.") if is_replaced else result.notes
    return replace(result, bytes=sum(len(files[name]) for name in loaded), notes=notes)


def export_file(trained: TrainedModel, path: str | os.PathLike[str], options: PageOptions) -> ExportResult:
    """Write a page as one HTML file, which browsers also open from the disk.

    Args:
        trained: The model or ensemble.
        path: The file; an earlier page of this name is replaced.
        options: Options of the page.

    Returns:
        The comparison of the page's model with the original.

    Raises:
        UsageError: If the file is another one, or the model cannot be a page.
    """
    path = Path(path)
    if path.exists() and not _is_page(path):
        raise UsageError(f"'{path}' already exists and is not a page of Striate. Choose another name, or remove it.")
    files, result = _page_files(trained, path, options)
    content = single_file(files)
    atomic_write(path, content)
    return replace(result, bytes=len(content))


def _is_page(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return b'<meta name="generator" content="Striate' in file.read(1000)


def _check_folder(path: Path) -> bool:
    """Return whether the folder holds an earlier page. Raise UsageError if it holds anything else."""
    if path.exists() and not path.is_dir():
        raise UsageError(f"'{path}' is a file, but a page is a folder. Choose another name.")
    found = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if not file.is_dir())
    if not found:
        return False
    try:
        written = strict_json.loads((path / SETTINGS).read_bytes())["files"]
        other = next((name for name in found if name not in written), None)
    except (OSError, ValueError, KeyError, TypeError):
        other = found[0]
    if other:
        raise UsageError(
            f"'{path}' already exists and contains '{other}', which is not part of a page of Striate. Choose another "
            "folder, or remove it."
        )
    return True


def _page_files(trained: TrainedModel, path: Path, options: PageOptions) -> tuple[dict[str, bytes], ExportResult]:
    """Return the contents of the page's files by name, without the service worker, and the comparison."""
    if trained.policy.fit == "digit":
        raise UsageError(
            "This model expects handwritten digits that are centered and scaled as in MNIST, which an exported page "
            "cannot do. Use striate serve instead."
        )
    model, result = convert(
        trained, path, options.precision, resize=True, images=options.images, opset=options.opset
    )  # fmt: skip
    files = {name: (STATIC / name).read_bytes() for name in ASSETS}
    files = {f"static/{name}": content for name, content in files.items()}
    files |= {
        **runtime_files(),
        "index.html": _index(options.name).encode(),
        "manifest.webmanifest": _manifest(options.name),
        MODEL: _compress(model),
    }
    settings = _settings(trained, options.name) | {"files": sorted([*files, SETTINGS, WORKER])}
    return files | {SETTINGS: strict_json.dumps(settings).encode()}, result


@cache
def runtime_files() -> Mapping[str, bytes]:
    """Return the files of ONNX Runtime for browsers by name; large ones are compressed.

    Raises:
        RunError: If they are missing, as in a copy of the source without them.
    """
    if not RUNTIME.is_file():
        raise RunError(f"'{RUNTIME}' is missing. Install Striate again, or run tools/fetch_onnxruntime_web.py.")
    files = {}
    with tarfile.open(fileobj=BytesIO(lzma.decompress(RUNTIME.read_bytes()))) as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content
            name = f"runtime/{member.name}"
            if name.endswith(LARGE):
                files[f"{name}.gzip"] = _compress(content.read())
            else:
                files[name] = content.read()
    return files


def _compress(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)


def _settings(trained: TrainedModel, name: str) -> dict[str, Any]:
    decision, outputs = trained.decision, len(trained.classes)
    return {
        "striate": striate.__version__, "name": name, "task": str(decision.task), "classes": list(trained.classes),
        "input": list(trained.policy.shape), "form": output_forms(trained.models[0].network)[0],
        "threshold": trained.threshold, "thresholds": list(decision.thresholds_for(outputs)),
        "half_widths": list(decision.half_widths), "texts": PAGE_STRINGS,
    }  # fmt: skip


def _index(name: str) -> str:
    """Return the service's page with the script of an exported one."""
    page = (STATIC / "predict/index.html").read_text("utf-8")
    head = "\n".join([
        f'<meta name="generator" content="Striate {striate.__version__}">',
        f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}">',
        *(f'<meta name="theme-color" content="{c}" media="(prefers-color-scheme: {m})">' for m, c in PAPER.items()),
        '<link rel="manifest" href="manifest.webmanifest">',
        '<link rel="apple-touch-icon" href="static/icon-192.png">',
    ])  # fmt: skip
    page = page.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n{head}')
    page = page.replace("predict/service.js", "predict/page.js")
    for tag in ("<title>", '<span id="name">'):
        page = page.replace(f"{tag}Striate<", f"{tag}{escape(name)}<")
    return page


def _manifest(name: str) -> bytes:
    icons = [
        {"src": f"static/icon-{side}.png", "sizes": f"{side}x{side}", "type": "image/png", "purpose": purpose}
        for side in (192, 512)
        for purpose in ("any", "maskable")
    ]
    manifest = {
        "name": name, "short_name": name[:30], "start_url": "./", "display": "standalone", "icons": icons,
        "background_color": PAPER["light"], "theme_color": PAPER["light"],
    }  # fmt: skip
    return strict_json.dumps(manifest).encode()


def _service_worker(names: Sequence[str], version: str) -> bytes:
    script = (STATIC / "predict" / WORKER).read_text("utf-8")
    script = script.replace("const FILES = [];", f"const FILES = {strict_json.dumps(list(names))};")
    return script.replace('const VERSION = "";', f'const VERSION = "{version}";').encode()
