"""Speed of the page of `striate explore` in Chromium: time from opening, clicking or drawing until it is displayed.

`python benchmarks/explore.py [NETWORK]…`: lenet5, efficientnet-lite0 and resnet50 by default, untrained, on random
images or digits. `lesson` measures the size of exported pages and the time to open them instead. Prints the median and
range of each time; needs Chromium.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import machine
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

import striate as st
from striate.images import ImagePolicy, encode_png

NETWORKS = ("lenet5", "efficientnet-lite0", "resnet50")
RUNS = 7
DRAWING = 3.0  # seconds
SETTLING = 3000  # milliseconds in which the computations of the view before end, after its connection has closed
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
GO = """async (hash) => {
  const shown = new Promise((resolve) => {
    const view = document.querySelector("#view");
    const check = () => { if (view.dataset.address === hash && DONE) resolve(); };
    new MutationObserver(check).observe(view, { childList: true, subtree: true, attributes: true });
  });
  const start = performance.now();
  location.hash = hash;
  await shown;
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  return performance.now() - start;
}"""
COUNT = """() => {
  window.updates = [];
  const count = () => window.updates.push(performance.now());
  new MutationObserver(count).observe(document.querySelector(".answer"), { childList: true });
}"""
EXACT = "figure[aria-busy=false]"
DRAWN = "document.querySelectorAll('{} .stack canvas + canvas, {} .error').length === {}"


@contextmanager
def explored(name: str) -> Iterator[tuple[str, float]]:
    """Start `striate explore` of an untrained network; yield its address and how long it took to start."""
    with tempfile.TemporaryDirectory() as folder:
        model, rng = st.zoo.build(name), np.random.default_rng(0)
        shape = model.network.input_shapes[0]
        command = [sys.executable, "-m", "striate", "explore", f"{folder}/{name}.safetensors", "--no-browser"]
        if shape == (28, 28, 1):
            digits = st.data.load("mnist5k")
            model.classes, model.policy = digits.classes, digits.policy
        else:
            model.policy = ImagePolicy(*shape)
            for number in range(4):
                noise = rng.integers(0, 256, (8, 8, 3)).repeat(40, axis=0).repeat(40, axis=1).astype(np.uint8)
                Path(folder, f"{number}.png").write_bytes(encode_png(noise))
            command += [f"{folder}/{number}.png" for number in range(4)]
        model.save(f"{folder}/{name}.safetensors")
        start = time.perf_counter()
        process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE)
        assert process.stdout
        yield process.stdout.readline().split()[-1], time.perf_counter() - start
        process.terminate()
        process.wait()


def show(what: str, times: list[float]) -> None:
    """Print the median and range of times in milliseconds."""
    print(f"  {what:<48}{median(times):7.0f} ms ({min(times):.0f} to {max(times):.0f})", flush=True)


def opening(browser: Browser, address: str) -> None:
    """Measure the first paint and the time until the first view is complete, each time in a new profile."""
    first, complete = [], []
    for _ in range(RUNS):
        page = browser.new_context().new_page()
        start = time.perf_counter()
        page.goto(address)
        page.wait_for_selector("#view h1")
        page.wait_for_function("() => [...document.images].every((image) => image.complete)")
        complete.append(1000 * (time.perf_counter() - start))
        paint = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        first.append(page.wait_for_function(paint).json_value())
        page.context.close()
    show("open: first contentful paint", first)
    show("open: first view complete", complete)


def clicking(page: Page, network: Any, image: Callable[[int], str]) -> None:
    """Measure the time from a click to everything drawn: feature maps, units, attribution."""
    nodes = network.nodes
    convolutions = [number for number, node in enumerate(nodes) if node.layer.kind == "Conv2D"]
    rng = np.random.default_rng(1)

    def go(hash: str, done: str = "true") -> float:
        return float(page.evaluate(GO.replace("DONE", done), hash))

    def go_to_idle(hash: str, done: str) -> float:
        go("#/network")
        page.wait_for_timeout(SETTLING)
        return go(hash, done)

    def unit(number: int) -> str:
        return ",".join(str(int(rng.integers(size))) for size in nodes[number].shape)

    last, first = convolutions[-1], convolutions[0]
    show("feature maps of the first convolution, new image", [go(f"#/layer/{image(n)}/{first}") for n in range(3)])
    show("feature maps of another layer", [go(f"#/layer/0/{n}") for n in convolutions[1 : RUNS + 1]])
    show("a unit of the first convolution", [go(f"#/unit/0/{first}:{unit(first)}") for _ in range(RUNS)])
    show("a unit of the last convolution", [go(f"#/unit/0/{last}:{unit(last)}") for _ in range(RUNS)])
    end = network.outputs[0]
    classes = nodes[end].shape[0]
    show("a unit of the output", [go(f"#/unit/0/{end}:0,0,{n % classes}") for n in range(RUNS)])
    drawn, exact = DRAWN.format(".method", ".method", 6), DRAWN.format(EXACT, ".method", 6)
    go(f"#/why/{image(3)}/0/1", drawn)  # the first time, PyTorch is imported
    grad_cam = DRAWN.format("#grad_cam", "#grad_cam", 2)
    times = [go_to_idle(f"#/why/{image(n)}/{n}/{n + 1}", grad_cam) for n in range(3)]
    show("why: Grad-CAM for two classes", times)
    times = [go_to_idle(f"#/why/{image(n)}/{n + 2}/{n + 3}", drawn) for n in range(3)]
    show("why: something of three methods for two classes", times)
    times = [go(f"#/why/{image(n)}/{n + 4}/{n + 5}", drawn) for n in range(3)]
    show("the same while the view before is computed", times)
    show("why: three methods for two classes, complete", [go("#/why/0/5/6", exact)])
    show("network", [go("#/network"), go("#/filter"), go("#/network")][::2])


def drawing(page: Page, address: str) -> None:
    """Measure how many predictions with feature maps a second appear while a digit is drawn."""
    page.goto(f"{address.split('#', maxsplit=1)[0]}#/own")
    box = page.locator("#paper").bounding_box()
    assert box
    page.evaluate(COUNT)
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < DRAWING:
        angle = count / 30
        page.mouse.move(box["x"] + 140 + 80 * np.sin(angle), box["y"] + 140 + 80 * np.cos(angle))
        count += 1
    page.mouse.up()
    times = np.array(page.evaluate("() => window.updates"))
    frames = len(times) / DRAWING
    print(f"  drawing: {frames:.1f} frames/s; between frames {np.median(np.diff(times)):.0f} ms", flush=True)


def lesson() -> None:
    """Print the size of lessons and the time to make and to open them."""
    print("| network | images | size | made in | opened in |\n|---|---|---|---|---|")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for name, images in (
            ("lenet5", 1),
            ("lenet5", 3),
            ("tutorial-cnn", 1),
            ("mnist-best", 1),
            ("efficientnet-lite0", 1),
        ):
            model, file = st.zoo.build(name), Path(folder, "lesson.html")
            shape = model.network.input_shapes[0]
            model.policy = ImagePolicy(*shape)
            noise = np.random.default_rng(0).integers(0, 256, (8, 8, shape[2])).repeat(40, axis=0).repeat(40, axis=1)
            for number in range(images):
                Path(folder, f"{number}.png").write_bytes(encode_png(np.roll(noise, 40 * number, 0).astype(np.uint8)))
            model.save(f"{folder}/model.safetensors")
            chosen = [part for number in range(images) for part in ("--image", f"{folder}/{number}.png")]
            start = time.perf_counter()
            command = [sys.executable, "-m", "striate", "explore", f"{folder}/model.safetensors", *chosen]
            subprocess.run([*command, "--export", str(file)], check=True, capture_output=True)
            made, opened = time.perf_counter() - start, []
            for _ in range(3):
                page = browser.new_page()
                start = time.perf_counter()
                page.goto(file.as_uri())
                page.wait_for_selector("#view h1")
                opened.append(time.perf_counter() - start)
                page.close()
            size = file.stat().st_size / 1e6
            print(f"| {name} | {images} | {size:.1f} MB | {made:.1f} s | {median(opened):.2f} s |", flush=True)
        browser.close()


def chromium() -> str:
    """Return the path of Chromium."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit("There is no Chromium. Install it: apt-get install chromium")
    return found


def main(names: list[str]) -> None:
    """Measure the networks."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        print(f"{machine.description()}; Chromium {browser.version}")
        for name in names:
            with explored(name) as (address, started):
                print(f"\n{name}: the command answers after {started:.1f} s")
                opening(browser, address)
                page = browser.new_context().new_page()
                page.goto(address)
                page.wait_for_selector("#view h1")
                network = st.zoo.network(name)
                clicking(page, network, str)
                if network.input_shapes[0] == (28, 28, 1):
                    drawing(page, address)
                page.context.close()
        browser.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["lesson"]:
        lesson()
    else:
        main(sys.argv[1:] or list(NETWORKS))
    print(f"\nstriate {st.__version__}, numpy {version('numpy')}, onnxruntime {version('onnxruntime')}")
