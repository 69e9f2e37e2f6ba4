"""Visit every view of `striate explore`, and those of a lesson, in Firefox, and print what went wrong.

Command: `python tools/check_firefox.py RUN`, after `pip install websockets`. It drives the Firefox of the system by
WebDriver BiDi, for which no other program is needed.
"""

import asyncio
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import websockets  # type: ignore[import-not-found, unused-ignore]

PORT = 9333
WIDTHS = (1280, 390)
VIEWS = (
    "images", "network", "layer/0/3", "layer/0/5", "unit/0/5:2,3,4", "unit/0/10:0,0,4", "why/0/1/2", "own/0", "filter",
    "play",
)  # fmt: skip
IN_LESSON = ("network", "layer", "unit", "why", "filter")
COMPLETE = """document.querySelector("#view")?.dataset.address === "#/VIEW"
  && [...document.querySelectorAll(".method .stack")].every((stack) => stack.children.length === 2)"""
OVERFLOW = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
PATIENCE = 60.0  # seconds


class Firefox:
    """A session of WebDriver BiDi.

    Args:
        connection: To Firefox.
    """

    def __init__(self, connection: Any) -> None:
        self._connection, self._numbers, self.context = connection, itertools.count(1), ""
        self.messages: list[str] = []

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command, and return its result."""
        number = next(self._numbers)
        await self._connection.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(await self._connection.recv())
            if message.get("method") == "log.entryAdded":
                self.messages.append(message["params"]["text"])
            elif message.get("id") == number:
                if message["type"] == "error":
                    raise RuntimeError(message["message"])
                result: dict[str, Any] = message["result"]
                return result

    async def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        target = {"context": self.context}
        found = await self.send("script.evaluate", expression=expression, target=target, awaitPromise=True)
        return found["result"].get("value") if found["type"] == "success" else None

    async def visit(self, address: str, views: tuple[str, ...]) -> None:
        """Visit the views of a page in all widths, and note those that are incomplete or too wide."""
        await self.send("browsingContext.navigate", context=self.context, url=address, wait="complete")
        for width, view in itertools.product(WIDTHS, views):
            size = {"width": width, "height": 900}
            await self.send("browsingContext.setViewport", context=self.context, viewport=size)
            await self.evaluate(f"location.hash = '#/{view}'")
            deadline = asyncio.get_running_loop().time() + PATIENCE
            while not await self.evaluate(COMPLETE.replace("VIEW", view)):
                await asyncio.sleep(0.1)
                if asyncio.get_running_loop().time() > deadline:
                    self.messages.append(f"{view} is incomplete at {width} pixels")
                    break
            if await self.evaluate(OVERFLOW):
                self.messages.append(f"{view} is too wide at {width} pixels")


async def check(run: str, folder: Path) -> list[str]:
    """Return the problems in all views."""
    striate = [sys.executable, "-m", "striate", "explore", run]
    subprocess.run([*striate, "--export", str(folder / "lesson.html"), "--image", "0"], check=True)
    explorer = subprocess.Popen([*striate, "--no-browser"], stdout=subprocess.PIPE, text=True)
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None or explorer.stdout is None:
        sys.exit("There is no Firefox. Install it: apt-get install firefox-esr")
    arguments = ["--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", str(PORT)]
    firefox = subprocess.Popen([path, *arguments], stderr=subprocess.DEVNULL)
    try:
        address = explorer.stdout.readline().split()[-1]
        for attempt in range(120):
            try:
                connection = await websockets.connect(f"ws://127.0.0.1:{PORT}/session", max_size=None)
                break
            except OSError:
                if attempt == 119:
                    raise
                await asyncio.sleep(0.5)
        session = Firefox(connection)
        version = (await session.send("session.new", capabilities={}))["capabilities"]["browserVersion"]
        await session.send("session.subscribe", events=["log.entryAdded"])
        session.context = (await session.send("browsingContext.getTree"))["contexts"][0]["context"]
        await session.visit(address, VIEWS)
        lesson = tuple(view for view in VIEWS if view.split("/", maxsplit=1)[0] in IN_LESSON)
        await session.visit((folder / "lesson.html").as_uri(), lesson)
        print(f"Firefox {version}: {len(VIEWS)} views, {len(lesson)} of a lesson")
        return session.messages
    finally:
        firefox.terminate()
        explorer.terminate()
        firefox.wait()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        problems = asyncio.run(check(sys.argv[1], Path(folder)))
    print("\n".join(problems) or "no problems")
