"""Compare an exported page in Chromium with Python on photographs, and time it.

python benchmarks/page.py RUN FOLDER [--images 200] [--precision float32]

The page is exported, served from this machine and opened; its own worker then predicts images from FOLDER one by one.
Python's answers are those of `striate predict`. Times hold decoding, resizing and the
network, in one thread. On a busy machine only the processor time counts, which holds all threads of the page's process.
"""

import argparse
import functools
import json
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import numpy as np
from machine import description
from playwright.sync_api import sync_playwright

from striate.images import find_images
from striate.web.exported_page import PageOptions, export_folder
from striate.workflows.export import Precision
from striate.workflows.predict import Prediction, predict_files
from striate.workflows.trained_model import open_trained_model

WARM_UP = 3
OPEN = """async () => {
  const unpack = async (name) => {
    const packed = (await fetch(name)).body.pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(packed).arrayBuffer());
  };
  const worker = new Worker("static/predict/worker.js", { type: "module" });
  window.ask = (message) => new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data.answer ?? data.error);
    worker.postMessage(message);
  });
  const began = performance.now();
  const settings = await (await fetch("page.json")).json();
  const [network, runtime] = [
    await unpack("model.onnx.gzip"), await unpack("runtime/ort-wasm-simd-threaded.wasm.gzip")];
  await ask({ settings, network, runtime });
  return performance.now() - began;
}"""
PREDICT = """async (names) => {
  const answers = [];
  for (const name of names) {
    const image = await (await fetch(name)).blob();
    const start = performance.now();
    answers.push({ ...(await ask({ image })), ms: performance.now() - start });
  }
  return answers;
}"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...


def processor_seconds() -> float:
    """Return the processor time of Chromium's renderers among the descendants of this process so far."""
    parents, ticks = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            process, fields = int(stat.parent.name), stat.read_text("utf-8").rpartition(")")[2].split()
            parents[process] = int(fields[1])
            if b"--type=renderer" in (stat.parent / "cmdline").read_bytes():
                ticks[process] = int(fields[11]) + int(fields[12])
        except OSError:  # has ended
            continue

    def is_own(process: int) -> bool:
        while process > 1 and process != os.getpid():
            process = parents.get(process, 0)
        return process == os.getpid()

    return sum(count for process, count in ticks.items() if is_own(process)) / os.sysconf("SC_CLK_TCK")


def in_browser(folder: Path, names: list[str]) -> dict[str, Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.locator("#use").wait_for()
        opened = page.evaluate(OPEN)
        page.evaluate(PREDICT, names[:WARM_UP])
        before = processor_seconds()
        answers = page.evaluate(PREDICT, names)
        seconds = processor_seconds() - before
        found = {"opened": opened, "answers": answers, "seconds": seconds, "browser": browser.version}
        browser.close()
    server.shutdown()
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--precision", default="8-bit weights", choices=get_args(Precision))
    args = parser.parse_args()
    print(description())
    trained, files = open_trained_model(args.run), find_images([args.folder])
    files = [files[k] for k in np.unique(np.linspace(0, len(files) - 1, min(args.images, len(files))).astype(int))]
    with TemporaryDirectory() as folder:
        page = Path(folder) / "page"
        result = export_folder(trained, page, PageOptions(args.run.name, precision=args.precision))
        names = [f"images/{number}{file.suffix}" for number, file in enumerate(files)]
        (page / "images").mkdir()
        for name, file in zip(names, files, strict=True):
            shutil.copy(file, page / name)
        found = in_browser(page, names)
    answers = found["answers"]
    expected = [p for p in predict_files(trained, files, top=len(trained.classes)) if isinstance(p, Prediction)]
    pairs = [(answer, p) for answer, p in zip(answers, expected, strict=True) if "label" in answer]
    same = sum(answer["label"] == p.label for answer, p in pairs)
    unknown = sum(answer["unknown"] == p.unknown for answer, p in pairs)
    named = [(answer, p) for (answer, p), file in zip(pairs, files, strict=True) if file.parent.name in trained.classes]
    names_of = [file.parent.name for file in files if file.parent.name in trained.classes]
    correct = [sum(x == y for x, y in zip(labels, names_of, strict=True))
               for labels in ([p.label for _, p in named], [answer["label"] for answer, _ in named])]  # fmt: skip
    differences = [max(abs(answer["probabilities"][k] - v) for k, v in p.probabilities.items()) for answer, p in pairs]
    ms = np.array([answer["ms"] for answer in answers])
    print(f"{args.run.name}: {result.precision}, {result.bytes / 1e6:.2f} MB to load, "
          f"ready {found['opened']:.0f} ms after that; Chromium {found['browser']}")  # fmt: skip
    print(f"same class on {same} of {len(files)}, same 'unknown' on {unknown}; correct of {len(named)}: Python "
          f"{correct[0]}, page {correct[1]}; probabilities differ by {np.median(differences):.4f} (median), at most "
          f"{max(differences):.3f}")  # fmt: skip
    print(f"ms per image: median {np.median(ms):.0f}, quartiles {np.percentile(ms, 25):.0f} and "
          f"{np.percentile(ms, 75):.0f}, shortest {ms.min():.0f}; processor time of the browser "
          f"{1000 * found['seconds'] / len(files):.0f}")  # fmt: skip
    wrong = [(file.name, answer["label"], round(answer["probability"], 3), p.label, p.probability)
             for file, (answer, p) in zip(files, pairs, strict=True) if answer["label"] != p.label]  # fmt: skip
    print(json.dumps(wrong[:20]))


if __name__ == "__main__":
    main()
