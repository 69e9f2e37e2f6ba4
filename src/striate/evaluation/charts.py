"""Drawings of the report: charts as inline SVG, and thumbnails and filters as PNG data URIs."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10, sqrt

import numpy as np
from markupsafe import Markup, escape

from striate._types import Array
from striate.evaluation.curves import LearningCurves
from striate.evaluation.intervals import Estimate
from striate.evaluation.metrics import Bin
from striate.evaluation.ranking import Ranking
from striate.images import encode_png
from striate.language.report import STRINGS
from striate.text import printable

THUMBNAIL = 96  # pixels on the longer side
MAX_LINES = 25  # number of lines in one chart; with more classes, only those with the lowest areas are drawn
LOWEST_LINES = 5
MAX_DOTS = 3_000  # number of dots in a scatter plot


@dataclass(frozen=True)
class Frame:
    """The plot area and the ranges of its axes; converts data to pixels of a 460 × 290 drawing."""

    x: tuple[float, float]
    y: tuple[float, float]
    left: float = 46
    right: float = 448
    top: float = 34
    bottom: float = 246

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel of a data point.

        Args:
            x: Value on the horizontal axis.
            y: Value on the vertical axis.

        Returns:
            Horizontal and vertical coordinate in pixels.
        """
        across = (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        up = (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        return round(self.left + across * (self.right - self.left), 1), round(
            self.bottom - up * (self.bottom - self.top), 1
        )


def curve_chart(curves: LearningCurves, metric: str) -> Markup:
    """Draw a metric over the epochs, for training and validation.

    Args:
        curves: The history.
        metric: "loss" or "accuracy".

    Returns:
        SVG.
    """
    training, validation = (_points(curves, name) for name in (metric, f"val_{metric}"))
    values = [y for _, y in training + validation]
    epochs = curves.columns["epoch"]
    percent = metric == "accuracy"
    frame = Frame((float(epochs[0]), float(epochs[-1])), _range(values, top=1.0 if percent else None))
    parts = [
        _marks(curves, frame, frame.bottom - 8 if percent else frame.top + 14),
        _axes(frame, "epoch", percent, whole=True),
        _line(training, frame, "training"),
        _line(validation, frame, "validation"),
        _hovers(curves, metric, frame, percent),
    ]
    return _svg(parts, f"curve_{metric}", 290)


def rate_chart(rates: Sequence[float], losses: Sequence[float], smooth: Sequence[float], marked: float) -> Markup:
    """Draw the loss over the learning rate on a logarithmic axis.

    Args:
        rates: Learning rate of each step.
        losses: Loss of each step, drawn as dots.
        smooth: The smoothed losses, drawn as a line.
        marked: A learning rate to mark.

    Returns:
        SVG.
    """
    top = 1.15 * max(smooth)
    frame = Frame((log10(rates[0]), log10(rates[-1])), (0.0, top))
    dots, line = ([(log10(rate), y) for rate, y in zip(rates, ys, strict=True)] for ys in (losses, smooth))
    u, _ = frame.at(log10(marked), 0)
    parts = [
        _axes(frame, "learning_rate", False, whole=True, log_x=True),
        f'<line class="best" x1="{u}" y1="{frame.top}" x2="{u}" y2="{frame.bottom}"/>',
        f'<g class="training">{"".join(_dot(frame.at(x, y)) for x, y in dots if y <= top)}</g>',
        _line(line, frame, "validation"),
    ]
    return _svg(parts, "rate_sweep", 290)


def line_chart(
    title: str, lines: Sequence[tuple[str, Sequence[tuple[float, float]]]], x_label: str, *, percent: bool = False,
    equal: bool = False, caption: str = "",
) -> Markup:  # fmt: skip
    """Draw several lines, which CSS tells apart by their number.

    Args:
        title: Key of the title.
        lines: Styles and points of the lines; a style is a class of CSS, such as "line-1".
        x_label: Key of the label of the horizontal axis.
        percent: Whether the values are shares, shown in percent.
        equal: Whether both axes have the same scale, as for paths in a plane.
        caption: What is written above.

    Returns:
        The drawing.
    """
    points = [point for _, line in lines for point in line]
    (x0, x1), (y0, y1) = ((min(values), max(values)) for values in zip(*points, strict=True))
    margin = 0.06 * ((y1 - y0) or 1.0)
    y_range = (y0 - margin, min(y1 + margin, 1.0) if percent else y1 + margin)
    frame = Frame((x0, x1), y_range)
    height = 290
    if equal:
        scale = (frame.right - frame.left) / ((x1 - x0) or 1.0)
        frame = Frame((x0, x1), y_range, bottom=frame.top + scale * (y_range[1] - y_range[0]))
        height = round(frame.bottom) + 44
    above = f'<text class="label" x="{frame.left}" y="16">{escape(caption)}</text>'
    drawn = [_line(line, frame, f"series {style}") for style, line in lines]
    return _svg([above, _axes(frame, x_label, percent, whole=True), *drawn], title, height)


def _dot(center: tuple[float, float]) -> str:
    return f'<circle cx="{center[0]}" cy="{center[1]}" r="1.8"/>'


def reliability_chart(bins: Sequence[Bin], before: Sequence[Bin] = ()) -> Markup:
    """Draw accuracy over confidence, one dot with its interval per bin, and the diagonal where both are equal.

    Args:
        bins: Images grouped by probability.
        before: The same before calibration, drawn as circles.

    Returns:
        The drawing.
    """
    frame = Frame((0, 1), (0, 1), left=46, right=266, top=28, bottom=248)
    total = sum(b.count for b in bins)
    (x0, y0), (x1, y1) = frame.at(0, 0), frame.at(1, 1)
    parts = [
        _text("accuracy", 0, 12, "label"),
        _axes(frame, "confidence", True, whole=False, percent_x=True),
        f'<line class="ideal" x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}"/>',
        *(_bin(b, frame, total, before=True) for b in before),
        *(_bin(b, frame, total) for b in bins),
    ]
    return _svg(parts, "calibration", 290, 280)


def ranking_chart(rankings: Sequence[Ranking], curve: str) -> Markup:
    """Draw a curve for each class; that of the class with the lowest area is marked.

    Args:
        rankings: The curves.
        curve: "roc" or "precision_recall".

    Returns:
        SVG.
    """
    drawn = sorted((each for each in rankings if each.roc), key=lambda each: each.auc.value or 0.0)
    drawn = drawn if len(drawn) <= MAX_LINES else drawn[:LOWEST_LINES]
    frame = Frame((0, 1), (0, 1), left=46, right=266, top=28, bottom=248)
    x_label, y_label = ("false_rate", "recall") if curve == "roc" else ("recall", "precision")
    lines = []
    for number, ranking in reversed(list(enumerate(drawn))):  # the marked line is drawn last, above the others
        points = ranking.roc if curve == "roc" else ranking.precision_recall
        path = " ".join("{},{}".format(*frame.at(x, y)) for x, y in points)
        title = f"<title>{escape(printable(ranking.name))}</title>"
        lines.append(f'<g class="{"validation" if number == 0 else "other"}">{title}<polyline points="{path}"/></g>')
    axes = _axes(frame, x_label, True, whole=False, percent_x=True)
    return _svg([_text(y_label, 0, 12, "label"), axes, *lines], f"curve_{curve}", 290, 280)


def scatter_chart(true: Array, predicted: Array, half_width: float | None) -> Markup:
    """Draw predicted over true values, the line on which they are equal, and the prediction interval.

    Args:
        true: True values (N,).
        predicted: Predicted values (N,).
        half_width: Half the width of the prediction interval.

    Returns:
        SVG.
    """
    values = np.concatenate([true, predicted])
    margin = 0.04 * (float(np.ptp(values)) or 1.0)
    low, high = float(values.min()) - margin, float(values.max()) + margin
    frame = Frame((low, high), (low, high), left=56, right=296, top=28, bottom=268)
    (x0, y0), (x1, y1) = frame.at(low, low), frame.at(high, high)
    band = ""
    if half_width is not None:
        corners = (
            (low, low - half_width),
            (high, high - half_width),
            (high, high + half_width),
            (low, low + half_width),
        )
        path = " ".join(f"{x},{min(max(y, frame.top), frame.bottom)}" for x, y in (frame.at(*c) for c in corners))
        band = f'<polygon class="over" points="{path}"/>'
    shown = np.linspace(0, len(true) - 1, min(len(true), MAX_DOTS)).astype(int)
    dots = "".join(_dot(frame.at(float(true[row]), float(predicted[row]))) for row in shown)
    parts = [
        _text("predicted_value", 0, 12, "label"),
        _axes(frame, "true_value", False, whole=False),
        band,
        f'<line class="ideal" x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}"/>',
        f'<g class="validation dots">{dots}</g>',
    ]
    return _svg(parts, "scatter", 310, 310)


def interval_bar(estimate: Estimate, lowest: float) -> Markup:
    """Draw an interval as a bar with a tick at the value.

    Args:
        estimate: The value and its interval.
        lowest: Start of the axis, which ends at 1.

    Returns:
        SVG.
    """
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return Markup("")
    low, value, high = (
        round(100 * (v - lowest) / (1 - lowest), 1) for v in (estimate.low, estimate.value, estimate.high)
    )
    return Markup(
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="track" d="M0 5H100"/><path class="span" d="M{low} 5H{high}"/>'
        f'<path class="tick" d="M{value} 0V10"/></svg>'
    )


def _svg(parts: Sequence[str], title: str, height: int, width: int = 460) -> Markup:
    label = STRINGS[title]
    return Markup(
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label["en"])}" '
        f'data-en="{escape(label["en"])}" data-ko="{escape(label["ko"])}">{"".join(parts)}</svg>'
    )


def _text(key: str, x: float, y: float, style: str = "", **values: str) -> str:
    """Return an SVG text in both languages. CSS shows the selected language."""
    return "".join(
        f'<text lang="{language}" x="{x}" y="{y}" class="{style}">{escape(text.format(**values))}</text>'
        for language, text in STRINGS[key].items()
    )


def _points(curves: LearningCurves, name: str) -> list[tuple[float, float]]:
    if name not in curves.columns:
        return []
    pairs = zip(curves.columns["epoch"].tolist(), curves.columns[name].tolist(), strict=True)
    return [(x, y) for x, y in pairs if isfinite(y)]


def _range(values: Sequence[float], top: float | None) -> tuple[float, float]:
    if top is None:
        return 0.0, max(values, default=1.0) * 1.05 or 1.0
    low = min(values, default=0.0)
    return max(0.0, top - (top - low) * 1.1 - 1e-3), top


def _ticks(low: float, high: float, count: int, whole: bool) -> list[float]:
    """Return round numbers in low..high with a spacing of 1, 2 or 5 times a power of ten."""
    span = (high - low) or 1
    rough = span / count
    power = 10.0 ** floor(log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    step = max(step, 1.0) if whole else step
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(n * step, 10) for n in range(first, last + 1)]


def _axes(
    frame: Frame, x_label: str, percent: bool, *, whole: bool, percent_x: bool = False, log_x: bool = False
) -> str:
    parts = []
    for y in _ticks(*frame.y, 5, False):
        _, v = frame.at(frame.x[0], y)
        label = f"{100 * y:.4g}%" if percent else f"{y:.4g}"
        parts.append(f'<line class="grid" x1="{frame.left}" y1="{v}" x2="{frame.right}" y2="{v}"/>')
        parts.append(f'<text class="end" x="{frame.left - 7}" y="{v + 4}">{label}</text>')
    for x in _ticks(*frame.x, 8 if frame.right > 300 else 4, whole):
        u, _ = frame.at(x, frame.y[0])
        label = f"{100 * x:.4g}%" if percent_x else f"{10**x if log_x else x:.4g}"
        parts.append(f'<text class="middle" x="{u}" y="{frame.bottom + 17}">{label}</text>')
    parts.append(_text(x_label, (frame.left + frame.right) / 2, frame.bottom + 36, "middle label"))
    return "".join(parts)


def _line(points: Sequence[tuple[float, float]], frame: Frame, style: str) -> str:
    if not points:
        return ""
    pixels = [frame.at(x, y) for x, y in points]
    path = " ".join(f"{u},{v}" for u, v in pixels)
    dots = "".join(f'<circle cx="{u}" cy="{v}" r="2.4"/>' for u, v in pixels) if len(pixels) <= 40 else ""
    return f'<g class="{style}"><polyline points="{path}"/>{dots}</g>'


def _marks(curves: LearningCurves, frame: Frame, baseline: float) -> str:
    """Mark the epoch of the best validation loss, and overfitting after it."""
    if curves.best is None or len(curves.columns["epoch"]) < 2:
        return ""
    u, _ = frame.at(float(curves.columns["epoch"][curves.best]), frame.y[0])
    line = f'<line class="best" x1="{u}" y1="{frame.top}" x2="{u}" y2="{frame.bottom}"/>'
    if curves.diagnosis != "overfitting":
        return line
    width = round(frame.right - u, 1)
    area = f'<rect class="over" x="{u}" y="{frame.top}" width="{width}" height="{frame.bottom - frame.top}"/>'
    x, style = (u - 5, "end accent") if width < 70 else (u + 6, "accent")
    return area + line + _text("overfitting_mark", x, baseline, style)


def _hovers(curves: LearningCurves, metric: str, frame: Frame, percent: bool) -> str:
    """Draw an invisible strip for each epoch that shows a line and the values on hover."""
    epochs = curves.columns["epoch"].tolist()
    half = (frame.right - frame.left) / max(len(epochs) - 1, 1) / 2
    series = [curves.columns[name].tolist() for name in (metric, f"val_{metric}") if name in curves.columns]
    parts = []
    for index, epoch in enumerate(epochs):
        u, _ = frame.at(epoch, frame.y[0])
        values = [f"{100 * s[index]:.2f}%" if percent else f"{s[index]:.4f}" for s in series if isfinite(s[index])]
        parts.append(
            f'<g class="hover"><rect x="{round(u - half, 1)}" y="{frame.top}" width="{round(2 * half, 1)}" '
            f'height="{frame.bottom - frame.top}"/><line x1="{u}" y1="{frame.top}" x2="{u}" y2="{frame.bottom}"/>'
            f"{_readout(epoch, values, frame)}</g>"
        )
    return "".join(parts)


def _readout(epoch: float, values: Sequence[str], frame: Frame) -> str:
    return "".join(
        f'<text lang="{language}" class="end readout" x="{frame.right}" y="{frame.top - 14}">'
        f"{escape(text.format(n=f'{epoch:g}'))}: {' · '.join(values)}</text>"
        for language, text in STRINGS["epoch_number"].items()
    )


def _bin(b: Bin, frame: Frame, total: int, *, before: bool = False) -> str:
    low, value, high = b.accuracy.low or 0.0, b.accuracy.value or 0.0, b.accuracy.high or 0.0
    u, v = frame.at(b.confidence, value)
    radius = round(2.2 + 5 * sqrt(b.count / total), 1)
    title = f"{100 * b.confidence:.1f}% → {100 * value:.1f}% ({b.count:,})"
    if before:
        return f'<g class="before"><title>{title}</title><circle cx="{u}" cy="{v}" r="{radius}"/></g>'
    return (
        f'<g class="bin"><title>{title}</title><line x1="{u}" y1="{frame.at(0, low)[1]}" x2="{u}" '
        f'y2="{frame.at(0, high)[1]}"/><circle cx="{u}" cy="{v}" r="{radius}"/></g>'
    )


def data_uri(pixels: Array) -> str:
    """Encode uint8 pixels (H, W, 1) or (H, W, 3) as a PNG data URI.

    Args:
        pixels: uint8 (H, W, 1) or (H, W, 3).

    Returns:
        The data URI.
    """
    return "data:image/png;base64," + b64encode(encode_png(np.ascontiguousarray(pixels))).decode("ascii")


def thumbnail(image: Array) -> str:
    """Shrink an image to at most 96 pixels on its longer side.

    Args:
        image: Pixels (H, W, C); if not uint8, they are scaled from their minimum to their maximum.

    Returns:
        A PNG data URI.
    """
    if image.dtype != np.uint8:
        image = (255 * (image - image.min()) / (np.ptp(image) or 1)).astype(np.uint8)
    if image.shape[2] not in (1, 3):
        image = image[:, :, :3] if image.shape[2] > 3 else image[:, :, :1]
    return data_uri(_shrink(image, -(-max(image.shape[:2]) // THUMBNAIL)))


def _shrink(image: Array, factor: int) -> Array:
    if factor <= 1:
        return image
    factor = min(factor, *image.shape[:2])
    height, width, channels = image.shape[0] // factor, image.shape[1] // factor, image.shape[2]
    blocks = image[: height * factor, : width * factor].reshape(height, factor, width, factor, channels)
    means: Array = blocks.mean(axis=(1, 3)).astype(np.uint8)  # H, block, W, block, C → H W C
    return means


def filter_tiles(kernel: Array) -> list[str]:
    """Draw each filter of a kernel: medium gray is zero, black and white are its largest weight.

    Args:
        kernel: Weights (KH, KW, C, O); three input channels are shown as RGB, others as their mean.

    Returns:
        A PNG data URI for each filter.
    """
    pixels = kernel if kernel.shape[2] == 3 else kernel.mean(axis=2, keepdims=True)
    largest = np.abs(pixels).max(axis=(0, 1, 2), keepdims=True)
    scaled = np.divide(pixels, largest, out=np.zeros(pixels.shape), where=largest > 0)
    tiles = np.moveaxis((127.5 + 127.5 * scaled).round().astype(np.uint8), -1, 0)  # KH KW C O → O KH KW C
    return [data_uri(tile) for tile in tiles]


def matrix_image(percent: Array) -> str:
    """Draw a matrix of percentages as gray dots: white for 0, black for 100, darkness by the square root.

    Args:
        percent: Percentages (rows, columns), 0 … 100.

    Returns:
        A PNG data URI.
    """
    gray = 255 - np.sqrt(np.clip(percent, 0, 100) / 100) * 255
    return data_uri(gray.round().astype(np.uint8)[:, :, None])  # → H W 1
