"""Bundle the files of an exported page into one HTML file.

A page opened from disk cannot load other files, nor can its modules import other modules. So modules become functions
that return what they export, and everything else is base64 text inside the page.
"""

import re
from collections.abc import Mapping

from striate.web.inline import as_base64, bundle, content_hash

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'"
)
PARTS = ("page.json", "model.onnx.gzip", "runtime/ort-wasm-simd-threaded.wasm.gzip")  # as page.js reads them


def single_file(files: Mapping[str, bytes]) -> bytes:
    """Return an HTML file with a whole page.

    Args:
        files: The files of the page by name.

    Returns:
        The content of the file.
    """
    page = files["index.html"].decode()

    def read(name: str) -> str:
        return files[name].decode()

    script = bundle("static/predict/page.js", read, is_module=True)
    worker = bundle("static/predict/worker.js", read, is_module=False)  # browsers load no module as worker from a file
    style = "".join(files[f"static/{sheet}"].decode() for sheet in ("shell.css", "predict/predict.css"))
    policy = CONTENT_POLICY.replace("script-src 'self'", f"script-src {content_hash(script)}")
    policy = policy.replace("style-src 'self'", f"style-src {content_hash(style)}")
    policy = policy.replace("worker-src 'self'", "worker-src blob:").replace(" 'self'", "")
    policy = re.sub(r"(connect|manifest)-src; ", "", policy)
    icon = f"data:image/svg+xml;base64,{as_base64(files['static/icon.svg'])}"
    page = page.replace(CONTENT_POLICY, policy)
    page = re.sub(r'<link rel="(manifest|apple-touch-icon|stylesheet)"[^>]*>\n', "", page)
    page = re.sub(r"<script[^>]*></script>\n", "", page).replace("static/icon.svg", icon)
    worker = worker.replace("import.meta.url", "self.location.href")
    parts = {part: files[part] for part in PARTS} | {"worker.js": worker.encode()}
    blocks = "".join(
        f'<script type="text/plain" id="{part}">{as_base64(content)}</script>\n' for part, content in parts.items()
    )
    license_text = files["runtime/LICENSE"].decode().replace("--", "- -")
    end = f'{blocks}<!-- ONNX Runtime:\n{license_text}-->\n<script type="module">{script}</script>\n</body>'
    return page.replace("</head>", f"<style>{style}</style>\n</head>").replace("</body>", end).encode()
