"""Draw the first-layer filters of simple-convnet before and after training: docs/images/filters.png.

Command: `python tools/draw_filters.py`. It takes a minute, and the same machine draws the same image each time.
"""

from pathlib import Path

import numpy as np

import striate as st
from striate._types import Array
from striate.images import encode_png
from striate.systems.recipes import recipe_for

TARGET = Path(__file__).parent.parent / "docs/images/filters.png"
KERNEL = "conv1/kernel"
SCALE, GAP, COLUMNS, PAPER = 8, 4, 6, 255  # pixels of a weight, pixels between filters, filters in a row, gray


def main() -> None:
    """Train the network with its usual recipe on the embedded digits, and write the image."""
    model, data = st.zoo.build("simple-convnet", seed=0), st.data.load("mnist5k")
    before = np.array(model.named_weights[KERNEL])
    model.train(data, recipe_for("simple-convnet", len(data.train)))
    after = model.named_weights[KERNEL]
    sheets = [sheet(kernel) for kernel in (before, after)]
    middle = np.full((sheets[0].shape[0], 5 * GAP), PAPER, np.uint8)
    TARGET.write_bytes(encode_png(np.hstack([sheets[0], middle, sheets[1]])[:, :, None]))
    accuracy = np.mean(model.predict(data.test.x).argmax(axis=1) == data.test.y)
    print(f"{TARGET}: test accuracy {100 * accuracy:.2f} % in {len(data.test)} images")


def sheet(kernel: Array) -> Array:
    """Return filters (KH, KW, 1, O) as gray pixels (H, W): medium gray is 0, black and white the largest weight."""
    scaled = kernel[:, :, 0] / np.abs(kernel).max(axis=(0, 1, 2))
    tiles = (127.5 + 127.5 * scaled).round().astype(np.uint8).repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    height, width, count = tiles.shape
    rows = -(-count // COLUMNS)
    drawn = np.full((rows * (height + GAP) - GAP, COLUMNS * (width + GAP) - GAP), PAPER, np.uint8)
    for number in range(count):
        top, left = number // COLUMNS * (height + GAP), number % COLUMNS * (width + GAP)
        drawn[top : top + height, left : left + width] = tiles[:, :, number]
    return drawn


if __name__ == "__main__":
    main()
