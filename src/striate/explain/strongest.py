"""Which images excite the channels of a layer most, and which channels never respond, in one pass over a data set."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from striate._types import Array
from striate.arguments import check_integer, describe, explain_arguments
from striate.errors import DataError, UsageError
from striate.explain.attribution import Progress
from striate.explain.receptive_field import Fields, Region
from striate.explain.scores import make_part
from striate.explain.trace import AnyLayer, AnyModel, as_model, node_index
from striate.explain.units import as_maps
from striate.models import Model
from striate.network.outputs import network_up_to
from striate.training import check_inputs

CHUNK_VALUES, CHUNK_IMAGES = 1 << 24, 64  # limits of a batch: values of its largest feature maps, and images


@dataclass(frozen=True, eq=False)
class Patch:
    """A patch of an image with a strong activation of a channel.

    Attributes:
        image: Number of the image in the data set.
        position: (y, x, channel) of the unit with the strongest response in this image.
        value: Its response.
        region: What the unit sees.
        pixels: The part of the image that it sees, (h, w, C), cut off at the borders of the image.
    """

    image: int
    position: tuple[int, int, int]
    value: float
    region: Region
    pixels: Array


@dataclass(frozen=True, eq=False)
class StrongestPatches:
    """The images with the strongest activation of each channel of a layer, in descending order, each image once.

    Attributes:
        layer: Name of the layer.
        channels: int64 (K,), the channels.
        images: int64 (K, count), numbers of images.
        rows: int64 (K, count), y of the unit with the strongest response in the image.
        columns: int64 (K, count), x of that unit.
        values: float32 (K, count), its response.
        smallest: float32 (K,), the smallest output over all images and places.
    """

    layer: str
    channels: Array
    images: Array
    rows: Array
    columns: Array
    values: Array
    smallest: Array
    _fields: Fields = field(repr=False)
    _node: int = field(repr=False)
    _pixels: Any = field(repr=False)

    @property
    def dead(self) -> Array:
        """The channels, int64, whose output is the same number everywhere, such as 0 after ReLU."""
        return np.asarray(self.channels[self.smallest == self.values[:, 0]])

    def with_images(self, images: Any) -> "StrongestPatches":
        """Return the same for these images; None leaves out the pixels, so that it can be sent to another process."""
        return replace(self, _pixels=images)

    def for_channel(self, channel: int) -> tuple[Patch, ...]:
        """Return the patches of a channel.

        Args:
            channel: One of `channels`.

        Returns:
            The patches, the strongest first.

        Raises:
            UsageError: If there are no patches of this channel.
        """
        found = np.flatnonzero(self.channels == check_integer("channel", channel))
        if not found.size:
            raise UsageError(f"There are no patches of channel {channel} of '{self.layer}'.")
        row = found[0]
        return tuple(
            self._patch(int(image), (int(y), int(x), channel), float(value))
            for image, y, x, value in zip(
                self.images[row], self.rows[row], self.columns[row], self.values[row], strict=True
            )
        )

    def _patch(self, image: int, position: tuple[int, int, int], value: float) -> Patch:
        region = self._fields.region(self._node, *position)
        pixels = np.asarray(self._pixels[image : image + 1])[0]
        return Patch(image, position, value, region, np.array(region.crop(pixels)))


@explain_arguments
def strongest_patches(
    model: AnyModel,
    images: Any,
    layer: AnyLayer,
    channel: int | None = None,
    *,
    count: int = 9,
    progress: Progress | None = None,
) -> StrongestPatches:
    """Find the images with the strongest activation of channels of a layer, and the receptive field in each.

    One pass over the images finds the patches of all channels. The memory does not grow with the number of images.

    Args:
        model: The model, or the path of a run folder, model file or ONNX file.
        images: Images (N, H, W, C), or a part of a data set such as `data.test`.
        layer: The layer.
        channel: The channel; None for all.
        count: Number of images for each channel.
        progress: Called with the numbers of images done and of all images; an exception that it raises ends the
            computation.

    Returns:
        The patches; `of(channel)` returns those of one channel with their pixels.

    Raises:
        NetworkError: If there is no such layer.
        UsageError: If there is no such channel.
        DataError: If the images do not match the model, or there are none.

    Example:
        >>> import striate as st
        >>> digits = st.data.load("mnist5k")
        >>> found = st.explain.strongest_patches(st.zoo.build("lenet5"), digits.test.x[:100], "C3")
        >>> patches = found.for_channel(4)
        >>> len(patches), patches[0].value >= patches[8].value, patches[0].region.size
        (9, True, (14, 14))

    Source:
        Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section 4, without the
        deconvolutional network.
    """
    model, pixels, node = _check_arguments(model, images, layer)
    channels = as_maps(model.network.nodes[node].shape)[2]
    if channel is not None and check_integer("channel", channel) >= channels:
        raise UsageError(f"{model.network.nodes[node].layer.label} has {channels} channels; received {channel}.")
    chosen = np.arange(channels) if channel is None else np.array([channel])
    count = min(check_integer("count", count, 1), len(pixels))
    kept: list[Array] = []  # value, image and place of each, (≤ count, K)
    smallest = np.full(len(chosen), np.inf, np.float32)
    for start, maps in _maps(model, node, pixels, progress):
        n, _, width, _ = maps.shape
        flat = maps.reshape(n, -1, channels)[:, :, chosen]
        places = flat.argmax(axis=1)
        smallest = np.minimum(smallest, flat.min(axis=(0, 1)))
        values = np.take_along_axis(flat, places[:, None], axis=1)[:, 0]
        numbers = np.broadcast_to(np.arange(start, start + n)[:, None], places.shape)
        new = [values, numbers, places]
        joined = [np.concatenate(parts) for parts in zip(kept, new, strict=True)] if kept else new
        order = np.argsort(-joined[0], axis=0, kind="stable")[:count]  # of equal ones the first image
        kept = [np.take_along_axis(part, order, axis=0) for part in joined]
    values, numbers, places = (part.T for part in kept)
    return StrongestPatches(
        str(model.network.nodes[node].layer.name), chosen, numbers, places // width, places % width, values,
        smallest, Fields(model.network), node, pixels,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class ActivationStatistics:
    """Statistics of the outputs of the channels of a layer for a data set.

    Attributes:
        layer: Name of the layer.
        smallest: float32 (C,), the smallest output of each channel, over all images and places.
        largest: float32 (C,), the largest output.
        mean: float64 (C,), the mean output.
        active: float64 (C,), the share of outputs above 0.
    """

    layer: str
    smallest: Array
    largest: Array
    mean: Array
    active: Array

    @property
    def dead(self) -> Array:
        """The channels, int64, whose output is the same number everywhere, such as 0 after ReLU."""
        return np.flatnonzero(self.smallest == self.largest)

    @property
    def dead_fraction(self) -> float:
        """The share of these channels."""
        return len(self.dead) / len(self.largest)


@explain_arguments
def dead_units(
    model: AnyModel, images: Any, layer: AnyLayer, *, progress: Progress | None = None
) -> ActivationStatistics:
    """Find dead channels of a layer: their output is the same for all images and positions.

    Args:
        model: The model, or the path of a run folder, model file or ONNX file.
        images: Images (N, H, W, C), or a part of a data set such as `data.test`.
        layer: The layer; of a vector, each feature is a channel.
        progress: As for `strongest_patches`.

    Returns:
        The range of the outputs of each channel; `dead` contains the indices of the dead channels,
        `dead_fraction` their fraction.

    Raises:
        NetworkError: If there is no such layer.
        DataError: If the images do not match the model, or there are none.

    Example:
        >>> import striate as st
        >>> digits = st.data.load("mnist5k")
        >>> found = st.explain.dead_units(st.zoo.build("simple-convnet"), digits.test.x[:50], "conv1")
        >>> found.dead_fraction <= 1, found.active.shape
        (True, (30,))
    """
    model, pixels, node = _check_arguments(model, images, layer)
    channels = as_maps(model.network.nodes[node].shape)[2]
    smallest, largest = np.full(channels, np.inf, np.float32), np.full(channels, -np.inf, np.float32)
    total, above, count = np.zeros(channels), np.zeros(channels), 0
    for _, maps in _maps(model, node, pixels, progress):
        flat = maps.reshape(-1, channels)
        smallest, largest = np.minimum(smallest, flat.min(axis=0)), np.maximum(largest, flat.max(axis=0))
        total += flat.sum(axis=0, dtype=np.float64)
        above += (flat > 0).sum(axis=0)
        count += len(flat)
    return ActivationStatistics(
        str(model.network.nodes[node].layer.name), smallest, largest, total / count, above / count
    )


def as_images(images: Any) -> Any:
    """Return images as an array.

    Args:
        images: An array (N, H, W, C), or a part of a data set.

    Returns:
        (N, H, W, C).

    Raises:
        DataError: If there are no images.
    """
    pixels = getattr(images, "x", images)
    if not hasattr(pixels, "shape"):
        pixels = np.asarray(pixels)
    if not len(pixels.shape) or not len(pixels):
        raise DataError(f"Expected images (N, H, W, C); received {describe(images)}.")
    return pixels


def _check_arguments(model: AnyModel, images: Any, layer: AnyLayer) -> tuple[Model, Any, int]:
    """Return the model, its images and the index of a node."""
    model = as_model(model)
    node = node_index(model.network, layer)
    if len(model.network.inputs) > 1:
        raise UsageError(f"'{model.name}' has {len(model.network.inputs)} inputs: expected a model with one.")
    (pixels,) = check_inputs(model.network, as_images(images))
    return model, pixels, node


def _maps(model: Model, node: int, pixels: Any, progress: Progress | None) -> Iterator[tuple[int, Array]]:
    """Yield the number of the first image of each batch, and the output (n, H, W, C) of a node for it."""
    part = network_up_to(model.network, [node])
    size = min(CHUNK_IMAGES, max(1, CHUNK_VALUES // max(prod(item.shape) for item in part.nodes)))
    engine = make_part(model, part, gradients=False)
    for start in range(0, len(pixels), size):
        batch = np.asarray(pixels[start : start + size])
        (values,) = engine.forward([batch])
        yield start, values.reshape(len(batch), *as_maps(part.output_shapes[0]))
        if progress:
            progress(start + len(batch), len(pixels))
