"""ONNX image classifiers of any program as bases: their last dense layer is found, and pixels become their input."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from striate._types import Weights
from striate.errors import ModelFileError, NetworkError, UsageError
from striate.network import (
    Activation,
    Dense,
    Dropout,
    Flatten,
    Identity,
    Input,
    Network,
    Rescale,
    Reshape,
    SelectChannels,
    Softmax,
)
from striate.network.graph import Entry
from striate.network.outputs import needed_network
from striate.zoo.photographs import MEAN, STDDEV

if TYPE_CHECKING:  # the onnx package is loaded when a file is opened
    from striate.onnx.graph import OnnxGraph
    from striate.onnx.importing import ImportedNetwork

SUFFIX = ".onnx"
PREPROCESSING = "preprocessing"  # the setting of a base that says how pixels become its input
Channels = tuple[float, ...]  # one number for each of red, green and blue
NAMED_PREPROCESSING: Mapping[str, tuple[Channels, Channels]] = {
    "imagenet": (MEAN, STDDEV),
    "0..1": ((0.0,) * 3, (1.0,) * 3),
    "-1..1": ((0.5,) * 3, (0.5,) * 3),
    "0..255": ((0.0,) * 3, (1 / 255,) * 3),
}
NEUTRAL = "0..255"  # pixels as they are
DEFAULT_SIZE = 224  # height and width of images for a file that accepts any size
RESERVED = {"pool", "output", "all_layers"}  # names of layers that are added to a base
AFTER_CLASSIFIER = (Activation, Softmax, Identity, Flatten, Reshape, Dropout, Rescale)
# Of ONNX's documented metadata for images: the range of the numbers.
RANGE_KEY, FORMAT_KEY = "Image.NominalPixelRange", "Image.BitmapPixelFormat"
RANGES = {"NominalRange_0_255": "0..255", "Normalized_0_1": "0..1", "Normalized_1_1": "-1..1"}


@dataclass(frozen=True)
class Preprocessing:
    """How pixels 0 … 255 become the input of a network: (x / 255 − mean) / std.

    Attributes:
        mean: Mean of red, green and blue, from 0 to 1.
        std: Standard deviation of the same.
        bgr: Whether the network takes blue first.
    """

    mean: Channels
    std: Channels
    bgr: bool = False

    @classmethod
    def parse(cls, value: Any) -> "Preprocessing":
        """Parse the setting for the preprocessing of a base.

        Args:
            value: A name, or a dict of mean and std, and bgr if blue is first.

        Returns:
            The preprocessing.

        Raises:
            UsageError: If the value is neither.
        """
        if isinstance(value, str) and value in NAMED_PREPROCESSING:
            return cls(*NAMED_PREPROCESSING[value])
        if isinstance(value, Mapping) and {"mean", "std"} <= set(value) <= {"mean", "std", "bgr"}:
            mean, std = (_numbers(value[name]) for name in ("mean", "std"))
            if mean and std and min(std) > 0 and isinstance(value.get("bgr", False), bool):
                return cls(mean, std, value.get("bgr", False))
        raise UsageError(
            f"{PREPROCESSING} must be one of {', '.join(NAMED_PREPROCESSING)}, or "
            "mean and standard deviation of pixels from 0 to 1, "
            f'as in {{"mean":[0.5,0.5,0.5],"std":[0.2,0.2,0.2]}}, with "bgr":true if blue is first; received '
            f"{value!s:.80}."
        )

    @property
    def scaling(self) -> Rescale:
        """The layer that scales RGB pixels."""
        scale = tuple(1 / (255 * std) for std in self.std)
        offset = tuple(-mean / std for mean, std in zip(self.mean, self.std, strict=True))
        return Rescale(scale, offset)


def _numbers(values: Any) -> Channels:
    """Return three numbers, for one the same three times; none if the values are something else."""
    listed = values if isinstance(values, list | tuple) else [values]
    valid = all(isinstance(value, int | float) and not isinstance(value, bool) for value in listed)
    return tuple(map(float, listed * 3 if len(listed) == 1 else listed)) if valid and len(listed) in (1, 3) else ()


def is_onnx_file(name: str) -> bool:
    """Return whether a base is an ONNX file.

    Args:
        name: The name of the base.

    Returns:
        Whether it ends like that of an ONNX file, rather than being an id of the zoo.
    """
    return name.lower().endswith(SUFFIX)


def onnx_input_shape(path: str) -> tuple[int, int, int]:
    """Return the (H, W, 3) of the images that a file takes, without importing its network; 224×224 for any size.

    Args:
        path: The file.

    Returns:
        The shape.

    Raises:
        ModelFileError: If the file cannot be read, or takes no color images.
    """
    from striate.onnx.importing import read_onnx

    return _image_shape(read_onnx(path), path)


def open_onnx(
    path: str, input_shape: tuple[int, int, int] | None = None, settings: Mapping[str, Any] | None = None
) -> tuple[Network, Weights]:
    """Import an image classifier as a network that takes RGB pixels and ends with its last dense layer.

    Args:
        path: The file.
        input_shape: (H, W, 3) of the images; None: as in the file.
        settings: PREPROCESSING, for a file that does not say how pixels become its input.

    Returns:
        The network and its weights.

    Raises:
        UsageError: If the preprocessing is unknown or invalid.
        ModelFileError: If the file cannot be read, or is not an image classifier.
    """
    from striate.onnx.importing import import_graph, read_onnx

    if wrong := sorted(set(settings or {}) - {PREPROCESSING}):
        raise UsageError(f"A base from an ONNX file has no setting '{wrong[0]}', only {PREPROCESSING}.")
    graph = read_onnx(path)
    shape = _image_shape(graph, path)
    if input_shape and input_shape != shape and not _takes_any_size(graph):
        raise UsageError(
            f"'{path}' takes images of {shape[0]}×{shape[1]} only; received {input_shape[0]}×{input_shape[1]}."
        )
    try:
        imported = import_graph(graph, path, size=(input_shape or shape)[:2])
    except NetworkError as error:
        raise ModelFileError(f"'{path}' cannot be a base, for which every operator needs a layer. {error}") from error
    last = _last_dense(imported, path)
    return _as_base(imported, last, _find_preprocessing(graph, imported, path, (settings or {}).get(PREPROCESSING)))


def _image_shape(graph: "OnnxGraph", path: str) -> tuple[int, int, int]:
    """Return (H, W, 3) of the only input."""
    from striate.onnx.graph import shorten
    from striate.onnx.importing.inputs import input_axes

    (name, spec), *others = graph.inputs.items() or [("", None)]
    sizes = spec.shape if spec else None
    if others or sizes is None or len(sizes) != 4 or not spec or not spec.dtype.startswith(("float", "uint8")):
        taken = ", ".join(
            f"'{shorten(key)}' ({each.dtype}, {_sizes(each.shape)})" for key, each in graph.inputs.items()
        )
        kind = " It may be a language model." if taken and "int64" in taken else ""
        raise ModelFileError(
            f"'{path}' cannot be a base: it takes {taken or 'no inputs'}, and a base takes one batch of color images."
            f"{kind}"
        )
    axes = input_axes(graph, name, sizes)
    height, width, channels = (sizes[1 + axes.index(axis)] for axis in "HWC")
    if channels not in (3, None):
        raise ModelFileError(
            f"'{path}' cannot be a base: its images have {channels} channels, and a base takes color images with 3."
        )
    return height or DEFAULT_SIZE, width or DEFAULT_SIZE, 3


def _takes_any_size(graph: "OnnxGraph") -> bool:
    (spec,) = graph.inputs.values()
    return spec.shape is not None and None in spec.shape[1:]


def _sizes(shape: tuple[int | None, ...] | None) -> str:
    return "unknown shape" if shape is None else "×".join("?" if size is None else str(size) for size in shape)


def _last_dense(imported: "ImportedNetwork", path: str) -> int:
    """Return the node of the dense layer that gives the classes, after which only activations follow."""
    network = imported.network
    found = set()
    for output in network.outputs:
        index = output
        while isinstance(network.nodes[index].layer, AFTER_CLASSIFIER) and len(network.nodes[index].inputs) == 1:
            (index,) = network.nodes[index].inputs
        if isinstance(network.nodes[index].layer, Dense) and len(network.nodes[index].shape) == 1:
            found.add(index)
    if len(found) == 1:
        return found.pop()
    outputs = ", ".join("×".join(map(str, shape)) for shape in network.output_shapes)
    raise ModelFileError(
        f"'{path}' cannot be a base: an image classifier ends in one dense layer with an output for each class, but "
        f"this network returns {outputs} values per image, computed by "
        f"{network.nodes[network.outputs[0]].layer.label}, as a detector or a segmentation network does."
    )


def _find_preprocessing(graph: "OnnxGraph", imported: "ImportedNetwork", path: str, given: Any) -> Preprocessing | None:
    """Return how pixels become the input; None if it takes them as they are."""
    layer = imported.network.nodes[imported.network.inputs[0]].layer
    if isinstance(layer, Input) and layer.dtype == "uint8" and given is None:
        return None
    if given is not None:
        return Preprocessing.parse(given)
    written = RANGES.get(graph.metadata.get(RANGE_KEY, ""))
    if written:
        return replace(Preprocessing.parse(written), bgr=graph.metadata.get(FORMAT_KEY, "").startswith("Bgr"))
    raise UsageError(
        f"'{path}' does not say how pixels become its input. Add --set {PREPROCESSING}=imagenet, as for most networks "
        "from PyTorch, 0..1 or -1..1, as for many from TensorFlow and Keras, or 0..255; docs/bases.md says how to find "
        "out."
    )


def _as_base(imported: "ImportedNetwork", last: int, preprocessing: Preprocessing | None) -> tuple[Network, Weights]:
    """Return the network up to its last dense layer for RGB pixels uint8 (N, H, W, 3), and its weights."""
    network = imported.network
    renamed = {str(node.layer.name): _free_name(str(node.layer.name)) for node in network.nodes}
    (image,) = network.inputs
    entries: list[Entry] = [
        (Input(network.nodes[image].shape, "uint8", name=renamed[str(network.nodes[image].layer.name)]), ())
    ]
    if preprocessing and preprocessing.bgr:
        entries.append((SelectChannels((2, 1, 0), name="bgr"), (0,)))
        ordered = replace(preprocessing, mean=preprocessing.mean[::-1], std=preprocessing.std[::-1])
        entries.append((replace(ordered.scaling, name="preprocessing"), (1,)))
    elif preprocessing:
        entries.append((replace(preprocessing.scaling, name="preprocessing"), (0,)))
    places = {image: len(entries) - 1}
    for index, node in enumerate(network.nodes):
        if index != image:
            places[index] = len(entries)
            layer = replace(node.layer, name=renamed[str(node.layer.name)])
            entries.append((layer, tuple(places[source] for source in node.inputs)))
    base = needed_network(network.name, entries, (0,), (places[last],))
    layers = {new: old for old, new in renamed.items()}
    weights = {}
    for parameter in base.parameters:
        name, _, variable = parameter.name.rpartition("/")
        weights[parameter.name] = imported.weights[f"{layers[name]}/{variable}"]
    return base, weights


def _free_name(name: str) -> str:
    return f"{name}_0" if name in RESERVED | {"preprocessing", "bgr"} else name
