"""What `striate explore` shows: a model, its images and mistakes, and what `explain` computes for them."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from striate._types import Array
from striate.data import Images
from striate.engines.losses import class_probabilities
from striate.errors import StriateError, UsageError
from striate.explain import (
    Filters,
    Graph,
    Region,
    Trace,
    Unit,
    filters,
    graph,
)
from striate.explain import receptive_field as region_of
from striate.explain.attribution import last_maps, occlusions_of
from striate.explain.estimates import Estimate, Occlusions, grad_cam_of, integrated_estimates
from striate.explain.filters import filters_before
from striate.explain.scores import ClassScores
from striate.images import ImagePolicy
from striate.models import Model
from striate.network import Input
from striate.network.outputs import output_forms
from striate.tasks import Task
from striate.training import Run

MAX_UPLOADS = 32  # images from the page that are kept
MAX_TRACE_BYTES = 400_000_000  # values of networks that are kept
TRAINING = "t"  # begins the keys of training images: "t0" is the first
MAX_OCCLUSIONS = 8  # images of which the scores with covered parts are kept
METHODS = ("grad_cam", "occlusion", "integrated_gradients")  # the fastest first


@dataclass(frozen=True, eq=False)
class ExploredImages:
    """Images with predictions.

    Attributes:
        x: uint8 (N, H, W, C).
        names: The file of each image, if known.
        labels: The true class numbers (N,), if known.
        predicted: The predicted class numbers (N,); -1 where no prediction was made yet.
        probabilities: The probability of the predicted class (N,); 0 where no prediction was made.
    """

    x: Array
    names: tuple[str, ...] | None
    labels: Array | None
    predicted: Array
    probabilities: Array


class Explorer:
    """A model with images, and everything that is computed about them. It may be used from several threads.

    Args:
        name: Name of the model, for the title.
        model: The model.
        images: Its images.
        notes: Sentences for the user.
        run: Folder of the run, whose filters before and during training are shown too; None if there is none.
        training: The images that the model was trained with, if known.
        is_whole: Whether the model is the whole network; the beginning of one gives no scores of classes.

    Attributes:
        name: Name of the model.
        model: The model.
        images: Its images.
        training: The images that the model was trained with, if known.
        notes: Sentences for the user.
        run: Folder of the run.
        policy: How files become pixels.
        is_whole: Whether the model is the whole network.
        classes: Names of the outputs; none if the model is not the whole network.
    """

    def __init__(
        self, name: str, model: Model, images: ExploredImages, notes: Sequence[str] = (), run: Path | None = None,
        training: Images | None = None, *, is_whole: bool = True,
    ) -> None:  # fmt: skip
        self.training = training
        self.name, self.model, self.images, self.notes, self.run = name, model, images, tuple(notes), run
        self.policy = policy_of(model, is_whole=is_whole)
        self.is_whole = is_whole
        outputs = model.network.output_shapes[0][-1] if is_whole else 0
        self.classes = model.classes if len(model.classes) == outputs else tuple(map(str, range(outputs)))
        self._uploads: OrderedDict[str, Array] = OrderedDict()
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._occlusions: OrderedDict[str, Occlusions] = OrderedDict()
        self._uploaded = 0

    @property
    def is_classifier(self) -> bool:
        """Whether each image has one class."""
        return self.is_whole and self.model.decision.task is Task.CLASSIFICATION

    @property
    def cost(self) -> int:
        """The multiply-adds of one image."""
        return cost_of(self.model)

    def graph(self) -> Graph:
        """Return the network for drawing."""
        return graph(self.model)

    def pixels(self, image: str) -> Array:
        """Return the pixels of an image.

        Args:
            image: The key of the image.

        Returns:
            uint8 (H, W, C).

        Raises:
            UsageError: If there is no such image.
        """
        if image in self._uploads:
            return self._uploads[image]
        part, number = self._place(image)
        if number < len(part):
            return np.asarray(part[number])
        raise UsageError(f"There is no image '{image:.20}'. Choose or upload one.")

    def images_of(self, prefix: str) -> Any:
        """Return all images whose keys have a prefix.

        Args:
            prefix: "" for the images that are shown, or TRAINING.

        Returns:
            The images (N, H, W, C).
        """
        if prefix == TRAINING:
            return self.images.x[:0] if self.training is None else self.training.x
        return self.images.x

    def label(self, image: str) -> int | None:
        """Return the true class of an image.

        Args:
            image: The key of the image.

        Returns:
            Its number; None if it is unknown.
        """
        part, number = self._place(image)
        labels = self.images.labels
        if image.startswith(TRAINING):
            labels = None if self.training is None else self.training.y
        return None if labels is None or number >= len(part) or labels.ndim != 1 else int(labels[number])

    def file(self, image: str) -> str | None:
        """Return the name of the file of an image.

        Args:
            image: The key of the image.

        Returns:
            The name; None if it is unknown.
        """
        _, number = self._place(image)
        names = self.images.names
        if image.startswith(TRAINING):
            names = None if self.training is None else self.training.names
        return names[number] if names and number < len(names) else None

    def _place(self, image: str) -> tuple[Any, int]:
        """Return the images of which a key names one, and its number there; a number too large for other keys."""
        prefix = TRAINING if image.startswith(TRAINING) else ""
        digits, part = image.removeprefix(prefix), self.images_of(prefix)
        return part, int(digits) if digits.isdecimal() and digits.isascii() and len(digits) < 10 else len(part)

    def add(self, content: bytes) -> str:
        """Add the content of an image file, in place of the oldest one if there are many.

        Args:
            content: Content of the file.

        Returns:
            The key of the image.

        Raises:
            DataError: If it cannot be decoded.
        """
        return self._keep(self.policy.decode(content))

    def add_frame(self, pixels: Array, previous: str) -> str:
        """Add a frame of a drawing or of the camera in place of the one before.

        Args:
            pixels: uint8 (H, W, 1 or 3) of any size.
            previous: Key of the frame before; empty for the first one.

        Returns:
            The key of the image.
        """
        self._uploads.pop(previous, None)
        self._traces.pop(previous, None)
        return self._keep(self.policy.apply(pixels))

    def _keep(self, pixels: Array) -> str:
        self._uploaded += 1
        key = f"u{self._uploaded}"
        self._uploads[key] = pixels
        while len(self._uploads) > MAX_UPLOADS:
            self._uploads.popitem(last=False)
        return key

    def find(self, image: str) -> str:
        """Return the key of an image of the run by its number, or add that of a file.

        Args:
            image: A file, or a number from 0.

        Returns:
            The key.

        Raises:
            UsageError: If there is no such image.
            DataError: If the file cannot be decoded.
        """
        if Path(image).is_file() or not image.isdecimal():
            return self._keep(self.policy.read(image))
        self.pixels(image)
        return str(int(image))

    def first(self) -> str:
        """Choose the image that is shown first.

        Returns:
            The key of the first wrong prediction; of the first image if there is none.

        Raises:
            UsageError: If there are no images.
        """
        predicted, labels = self.images.predicted, self.images.labels
        if not len(predicted):
            raise UsageError(f"'{self.name}' has no images: choose one with --image FILE.")
        wrong = np.zeros(0) if labels is None else np.flatnonzero((predicted >= 0) & (predicted != labels))
        return str(int(wrong[0])) if len(wrong) else "0"

    def trace(self, image: str) -> Trace:
        """Compute all values of the network for an image. The values for the last images are kept in memory.

        Args:
            image: The key of the image.

        Returns:
            The values.

        Raises:
            UsageError: If there is no such image.
        """
        if image not in self._traces:
            self._traces[image] = Trace(self.model, self._as_input(image))
        self._traces.move_to_end(image)
        size = sum(value.nbytes for value in self._traces[image].values)
        while len(self._traces) > max(1, min(MAX_UPLOADS, MAX_TRACE_BYTES // size)):
            self._traces.popitem(last=False)
        return self._traces[image]

    def probabilities(self, image: str) -> Array:
        """Predict an image.

        Args:
            image: The key of the image.

        Returns:
            Probabilities of all classes, float32 (K,), or the outputs of a model for another task.

        Raises:
            UsageError: If there is no such image.
        """
        network = self.model.network
        if not self.is_whole:
            return np.zeros(0, np.float32)
        outputs = self.trace(image).values[network.outputs[0]][None]
        if not self.is_classifier:
            return np.asarray(outputs[0])
        return np.asarray(class_probabilities(outputs, output_forms(network)[0])[0])

    def unit(self, image: str, node: int, position: tuple[int, int, int]) -> tuple[Unit, Region | None]:
        """Explain a unit.

        Args:
            image: The key of the image.
            node: Number of the layer.
            position: (y, x, channel) of the unit in the layer's output.

        Returns:
            Its arithmetic, and its receptive field; None if that is padding only.

        Raises:
            UsageError: If there is no such image or unit.
        """
        unit = self.trace(image).unit(node, position)
        try:
            return unit, region_of(self.model, node, position)
        except UsageError:
            return unit, None

    def filters(self, node: int) -> tuple[Filters, ...]:
        """Return the filters of a convolution.

        Args:
            node: Number of the layer.

        Returns:
            The filters; for a run, also those before and during training first.

        Raises:
            UsageError: If the layer has no filters.
        """
        last = filters(self.model, node)
        if self.run is None:
            return (last,)
        try:
            return (*filters_before(Run.open(self.run), self.model, node), last)
        except StriateError:  # the filters before are an addition: the trained ones are shown in any case
            return (last,)

    def check_attributions(self, image: str, classes: Sequence[int]) -> None:
        """Check the arguments of `attributions`.

        Args:
            image: Key of the image.
            classes: Numbers of the classes.

        Raises:
            UsageError: If there is no such image or class, or no class at all.
        """
        self.pixels(image)
        if not classes:
            raise UsageError("The classes are missing from the request: ?class=3,5.")
        for number in classes:
            if not 0 <= number < len(self.classes):
                raise UsageError(
                    f"The class must be below {len(self.classes)}, the number of classes; received {number}."
                )

    def attributions(self, image: str, classes: Sequence[int]) -> Iterator[tuple[str, int, Estimate | StriateError]]:
        """Compute which pixels speak for some classes with all methods, first coarsely, then more exactly.

        Engines, and the scores of images with covered parts, are kept for other classes and images; one thread at a
        time may do this.

        Args:
            image: Key of the image.
            classes: Numbers of the classes.

        Yields:
            The method, the class, and the next estimate, or why the method does not suit the network.

        Raises:
            UsageError: If there is no such image or class.
        """
        self.check_attributions(image, classes)
        waiting = [(method, number, self._estimates(image, method, number)) for method in METHODS for number in classes]
        while waiting:  # each method for each class takes a step in turn
            method, number, estimates = waiting.pop(0)
            try:
                yield method, number, next(estimates)
            except StopIteration:
                continue
            except StriateError as error:
                yield method, number, error
            else:
                waiting.append((method, number, estimates))

    def _estimates(self, image: str, method: str, number: int) -> Iterator[Estimate]:
        pixels = self._as_input(image)[None].astype(np.float32)
        if method == "integrated_gradients":
            yield from integrated_estimates(self._scores, pixels, number, np.zeros_like(pixels[0]))
        elif method == "occlusion":
            if image not in self._occlusions:
                self._occlusions[image] = occlusions_of(self._scores, pixels)
                while len(self._occlusions) > MAX_OCCLUSIONS:
                    self._occlusions.popitem(last=False)
            yield from self._occlusions[image].estimates(number)
        else:
            node = last_maps(self.model.network)
            maps = self.trace(image).values[node]
            yield Estimate(1, 1, grad_cam_of(self._scores, [pixels], number, node, maps))

    @cached_property
    def _scores(self) -> ClassScores:
        return ClassScores(self.model)

    def as_inputs(self, pixels: Array) -> Array:
        """Convert images to the layout that the network takes.

        Args:
            pixels: (N, H, W, C).

        Returns:
            The same, with the channels first if the network takes them first.
        """
        return pixels.transpose(0, 3, 1, 2) if channels_first(self.model) else pixels

    def _as_input(self, image: str) -> Array:
        return np.asarray(self.as_inputs(self.pixels(image)[None])[0])


def policy_of(model: Model, *, is_whole: bool = True) -> ImagePolicy:
    """Return how image files become the input of a model, by cropping if the model does not say.

    Args:
        model: The model.
        is_whole: Whether it must give a vector.

    Returns:
        Its policy.

    Raises:
        UsageError: If its input is not one image with one or three channels, or its output is not a vector.
    """
    shapes = model.network.input_shapes
    sizes = [node.shape for node in model.network.nodes if isinstance(node.layer, Input)]
    reads_images = len(shapes) == 1 and len(sizes[0]) == 3 and sizes[0][2] in (1, 3)
    if not reads_images or (is_whole and len(model.network.output_shapes[0]) != 1):
        raise UsageError(
            f"'{model.name}' takes {shapes} and returns {model.network.output_shapes}. A network can be explored if it "
            "takes one image, gray or RGB, and returns scores of classes (K,)."
        )
    height, width, channels = sizes[0]
    return model.policy or ImagePolicy(height, width, channels, fit="digit" if sizes[0] == (28, 28, 1) else "crop")


def cost_of(model: Model) -> int:
    """Return the multiply-adds of one image, at least 1."""
    return max(1, sum(row.multiply_adds for row in model.network.table()))


def channels_first(model: Model) -> bool:
    """Return whether a model reads images (N, C, H, W)."""
    return getattr(model.network.nodes[model.network.inputs[0]].layer, "data_format", "") == "channels_first"
