"""Attributions that become more exact while they are computed, so that something can be shown at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from striate._types import Array
from striate.explain.scores import ClassScores, resize

BATCH_SIZE = 8  # covered images, or gradients, between two estimates
MIN_STEPS, MAX_STEPS = 27, 300  # numbers of steps of integrated gradients; the first is a power of 3
COMPLETENESS_TOLERANCE = 0.009  # relative error of the sum of integrated gradients; 1 % is promised


@dataclass(frozen=True, eq=False)
class Attribution:
    """The contribution of each pixel of an image to the score of a class.

    Attributes:
        method: "grad_cam", "occlusion" or "integrated_gradients".
        values: float32 (H, W), the size of the image. Grad-CAM: 0 or more, without a unit. Occlusion: by how much the
            score falls if the pixel is covered. Integrated gradients: the part of the score that the pixel accounts
            for, summed over its channels.
        class_index: Number of the class.
        score: Its score before softmax.
        layer: The layer of Grad-CAM; None for other methods.
        maps: For Grad-CAM float32 (h, w), in the resolution of its layer; for integrated gradients float32 (H, W, C),
            the channels apart; for occlusion float32 (h, w), for each position of the square.
        baseline_score: For integrated gradients, the score of the baseline, else None: `values` sum up to
            score − baseline_score.
        steps: For integrated gradients, the number of gradients, else None.
    """

    method: str
    values: Array
    class_index: int
    score: float
    layer: str | None
    maps: Array
    baseline_score: float | None = None
    steps: int | None = None

    def __repr__(self) -> str:
        size = "×".join(map(str, self.values.shape))
        return f"<Attribution by {self.method}: {size}, class {self.class_index} with score {self.score:.4g}>"


@dataclass(frozen=True, eq=False)
class Estimate:
    """An attribution that is being computed.

    Attributes:
        done: Number of steps done.
        total: Number of all steps that are planned so far.
        found: The attribution after these steps; None if it was not computed again. The last estimate has it.
    """

    done: int
    total: int
    found: Attribution | None


def grad_cam_of(
    scores: ClassScores, inputs: Sequence[Array], class_index: int | str | None, node: int, maps: Array | None = None
) -> Attribution:
    """Compute Grad-CAM.

    Args:
        scores: The scores of the classes.
        inputs: The input of the network for one image.
        class_index: Number or name of the class; None for the predicted class.
        node: Index of a node with feature maps.
        maps: Its maps for this image, (H, W, C), if they are known.

    Returns:
        The map, resized to the image.
    """
    maps, score, number, gradient = scores.maps_gradient(inputs, class_index, node, maps)
    cam = np.maximum(maps @ gradient.mean(axis=(0, 1)), 0)
    name = str(scores.model.network.nodes[node].layer.name)
    return Attribution("grad_cam", resize(cam, *scores.size), number, score, name, cam)


class Occlusions:
    """The scores of all classes while one square of an image after another is covered.

    Args:
        scores: The scores of the classes.
        image: The image as the network reads it, with a batch axis.
        side: Side of the square in pixels.
        step: Distance between positions in pixels.
        color: Color of the square, (H, W, C).

    Attributes:
        scores: The scores of all classes for the whole image, float32 (K,).
    """

    def __init__(self, scores: ClassScores, image: Array, side: int, step: int, color: Array) -> None:
        self._engine, self._maps, self._side, self._color = scores, scores.as_maps(image[0]), side, color
        self.scores: Array = scores.of(image)[0]
        height, width = scores.size
        self._rows, self._columns = _positions(height, side, step), _positions(width, side, step)
        grid = np.arange(len(self._rows) * len(self._columns)).reshape(len(self._rows), -1)
        # Every second row and column first, so that all parts of the image are known soon.
        order = [grid[first::2, second::2].ravel() for first, second in ((0, 0), (1, 1), (0, 1), (1, 0))]
        self._order = np.concatenate(order).tolist()
        self._found = np.zeros((len(self._order), len(self.scores)), np.float32)
        self._done = 0

    def _places(self, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
        return ((self._rows[number // len(self._columns)], self._columns[number % len(self._columns)])
                for number in numbers)  # fmt: skip

    def _advance(self) -> None:
        """Compute the scores for the next positions."""
        batch = self._order[self._done : self._done + BATCH_SIZE]
        covered, side = np.repeat(self._maps[None], len(batch), axis=0), self._side
        for row, (y, x) in zip(covered, self._places(batch), strict=True):
            row[y : y + side, x : x + side] = self._color[y : y + side, x : x + side]
        self._found[batch] = self._engine.of(self._engine.as_inputs(covered))
        self._done += len(batch)

    def estimates(self, number: int) -> Iterator[Estimate]:
        """Yield estimates for a class; what was computed for another class is used again.

        Args:
            number: Number of the class.

        Yields:
            An estimate after each step.
        """
        shown = drawn = 0
        while shown < len(self._order):
            if self._done == shown:
                self._advance()
            shown = self._done
            due = shown == len(self._order) or shown >= 2 * drawn
            drawn = shown if due else drawn
            yield Estimate(shown, len(self._order), self._attribution(number) if due else None)

    def _attribution(self, number: int) -> Attribution:
        falls = np.zeros(len(self._order), np.float32)
        known = self._order[: self._done]
        falls[known] = self.scores[number] - self._found[known, number]
        total, count = np.zeros(self._maps.shape[:2]), np.zeros(self._maps.shape[:2])
        for fall, (y, x) in zip(falls[known], self._places(known), strict=True):
            total[y : y + self._side, x : x + self._side] += fall
            count[y : y + self._side, x : x + self._side] += 1
        values = (total / np.maximum(count, 1)).astype(np.float32)
        grid = falls.reshape(len(self._rows), -1)
        return Attribution("occlusion", values, number, float(self.scores[number]), None, grid)


def _positions(length: int, side: int, step: int) -> list[int]:
    """Return the positions of a square along an axis; the last one ends at the border."""
    return [*range(0, length - side, step), length - side]


def integrated_estimates(
    scores: ClassScores, image: Array, class_index: int | str | None, start: Array, steps: int | None = None
) -> Iterator[Estimate]:
    """Yield integrated gradients along the line between two inputs, with more and more gradients.

    Args:
        scores: The scores of the classes.
        image: The end of the line, as the network reads it, with a batch axis.
        class_index: Number or name of the class; None for the predicted class.
        start: The baseline, without a batch axis.
        steps: Number of gradients; None for as many as are needed for completeness.

    Yields:
        Estimates.
    """
    line = _Line(scores, start, image[0], class_index)
    if steps is not None:
        yield from line.divide([(0.0, 1.0)], steps, steps)
    while steps is None and len(line.pieces) < MIN_STEPS:  # 1, 3, 9, 27: the gradients before are used again
        pieces = list(line.pieces) or [(0.0, 1.0)]
        yield from line.divide(pieces, 3 if line.pieces else 1, MIN_STEPS)
    while steps is None and len(line.pieces) < MAX_STEPS:
        errors = line.errors()
        if abs(sum(errors.values())) <= COMPLETENESS_TOLERANCE * abs(line.difference):
            break
        worst = sorted(errors, key=lambda piece: -abs(errors[piece]))[: max(1, len(errors) // 8)]
        yield from line.divide(worst, 3, len(errors) + 2 * len(worst))
    yield Estimate(len(line.pieces), len(line.pieces), line.attribution())


class _Line:
    """The gradient of a score along the line between two inputs, in pieces with the gradient at the middle of each.

    Attributes:
        pieces: The gradient (H, W, C) in the middle of each piece, by the ends of the piece, from 0 to 1.
        difference: The score at the end minus that at the start.
    """

    def __init__(self, scores: ClassScores, start: Array, end: Array, class_index: int | str | None) -> None:
        self._scores, self._start, self._end = scores, start, end
        last, first = scores.of(np.stack([end, start]))
        self._number = scores.number(class_index, last)
        self._known = {0.0: float(first[self._number]), 1.0: float(last[self._number])}  # scores by place
        self.difference = self._known[1.0] - self._known[0.0]
        self.pieces: dict[tuple[float, float], Array] = {}
        self._delta = scores.as_maps(end - start)

    def _points(self, places: Sequence[float]) -> Array:
        points: Array = self._start + np.array(places, np.float32).reshape(-1, 1, 1, 1) * (self._end - self._start)
        return points

    def divide(self, pieces: Sequence[tuple[float, float]], count: int, planned: int) -> Iterator[Estimate]:
        """Divide pieces into `count` equal ones. The middle one of three has the gradient of the whole piece."""
        new: list[tuple[float, float]] = []
        kept = dict(self.pieces)
        for low, high in pieces:
            known = kept.pop((low, high), None)
            edges = np.linspace(low, high, count + 1).tolist()
            parts = list(pairwise(edges))
            if known is not None and count % 2:
                kept[parts.pop(count // 2)] = known
            new += parts
        for first in range(0, len(new), BATCH_SIZE):
            batch = new[first : first + BATCH_SIZE]
            points = self._points([(low + high) / 2 for low, high in batch])
            kept.update(zip(batch, self._scores.gradients(points, self._number), strict=True))
            if first + BATCH_SIZE < len(new):
                yield Estimate(len(kept), planned, None)
        self.pieces = kept
        yield Estimate(len(kept), planned, self.attribution() if len(kept) < planned else None)

    def errors(self) -> dict[tuple[float, float], float]:
        """Return for each piece the integral by the midpoint rule minus the difference of the scores at its ends."""
        missing = sorted({place for piece in self.pieces for place in piece} - self._known.keys())
        for first in range(0, len(missing), BATCH_SIZE):
            batch = missing[first : first + BATCH_SIZE]
            found = self._scores.of(self._points(batch))[:, self._number]
            self._known.update(zip(batch, found.tolist(), strict=True))
        return {
            (low, high): float((gradient * self._delta).sum(dtype=np.float64)) * (high - low)
            - (self._known[high] - self._known[low])
            for (low, high), gradient in self.pieces.items()
        }

    def attribution(self) -> Attribution:
        """Return the difference between the inputs times the mean of the gradient over the line."""
        mean: Array = np.zeros(self._delta.shape)
        for low, high in sorted(self.pieces):
            mean += (high - low) * self.pieces[low, high]
        parts = self._delta * mean
        return Attribution(
            "integrated_gradients", parts.sum(axis=2).astype(np.float32), self._number, self._known[1.0], None,
            parts.astype(np.float32), self._known[0.0], len(self.pieces),
        )  # fmt: skip
