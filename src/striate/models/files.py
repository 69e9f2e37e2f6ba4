"""Write and read model files."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import striate
from striate._types import Weights
from striate.engines.weight_files import (
    check_finite,
    check_model_name,
    check_weights,
    load_weights,
    save_weights,
    split_extras,
)
from striate.errors import ModelFileError, StriateError
from striate.images import ImagePolicy
from striate.network import Network
from striate.tasks import Decision
from striate.training import Recipe
from striate.training.input_scale import Range
from striate.training.saved_training import PREFIX, SavedTraining

KIND = "model"
ENTRIES = ("classes", "policy", "recipe", "fingerprint", "figures")  # entries of the metadata besides the network
THRESHOLDS = ("unknown_threshold",)  # numbers that must be finite and not negative
MAX_FIGURE = 1e30  # excludes infinity, and what float32 cannot hold
INVALID = (StriateError, TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, eq=False)
class ModelFile:
    """The content of a model file.

    Attributes:
        network: The description of the network.
        weights: Its parameters by full name.
        extras: Further arrays, under names with a colon.
        classes: Names of the classes or labels, or of the numbers; empty if unknown.
        policy: How image files become pixels; None if unknown.
        recipe: How the model was trained; None if it was not.
        fingerprint: Fingerprint of the data on which it was trained, if known.
        figures: Loss and metrics of the last epoch, and the threshold for "unknown"; finite numbers.
        decision: What the model predicts, and how its outputs become predictions.
        sequential: Whether the model is a `Sequential`.
        input_range: The smallest and the largest value of the inputs of training; None if unknown.
        training: How the model was compiled, and the state of the optimizer; None if it is not saved.
    """

    network: Network
    weights: Weights
    extras: Weights = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    policy: ImagePolicy | None = None
    recipe: Recipe | None = None
    fingerprint: str | None = None
    figures: dict[str, float] = field(default_factory=dict)
    decision: Decision = field(default_factory=Decision)
    sequential: bool = False
    input_range: Range | None = None
    training: SavedTraining | None = None


def write_model(path: str | os.PathLike[str], content: ModelFile) -> None:
    """Write a model file.

    Args:
        path: Where to write.
        content: The model.

    Raises:
        UsageError: If the name has the suffix of another format.
        RunError: If the file cannot be written.
    """
    check_model_name(path)
    metadata: dict[str, Any] = {
        "kind": KIND,
        "network": content.network.to_dict(),
        "classes": list(content.classes),
        "policy": content.policy and content.policy.to_dict(),
        "recipe": content.recipe and content.recipe.to_dict(),
        "fingerprint": content.fingerprint,
        "figures": {name: value for name, value in content.figures.items() if math.isfinite(value)},
        "decision": content.decision.to_dict(),
        "sequential": content.sequential,
        "striate": striate.__version__,
    }
    if content.input_range is not None:
        metadata["input_range"] = content.input_range
    slots: Weights = {}
    if content.training:
        metadata["training"] = content.training.to_dict()
        slots = {f"{PREFIX}{name}": array for name, array in content.training.slots.items()}
    save_weights(path, content.weights | content.extras | slots, metadata)


def read_model(path: str | os.PathLike[str]) -> ModelFile:
    """Read a model file.

    Args:
        path: The file.

    Returns:
        Its content; the weights match the network, all arrays are finite, and the image policy makes its input.

    Raises:
        ModelFileError: If the file is missing, damaged, of another program, or from a newer version of Striate.
        StriateError: If its network cannot be built, for example because a custom layer class is not registered.
    """
    arrays, metadata = load_weights(path)
    if metadata.get("kind") != KIND:
        raise ModelFileError(
            f"'{path}' contains only {metadata.get('kind')!s:.60}, not a whole model: build the network and call "
            "load_weights."
        )
    try:
        network = Network.from_dict(metadata.get("network", {}))
        weights, extras = split_extras(arrays)
        check_weights(network, weights, path)
        content = _parse(path, network, weights, extras, metadata)
    except StriateError as error:
        if hint := _update_hint(metadata):
            raise ModelFileError(f"'{path}': {error}{hint}") from error
        raise
    check_finite(arrays, path)
    return content


def _update_hint(metadata: Mapping[str, Any]) -> str:
    """Return a sentence if a later version of Striate wrote the file, such as 0.10.2 for 0.9.0."""
    version = metadata.get("striate")

    def numbers(text: str) -> list[int]:
        return [int(number) for number in re.findall(r"\d{1,9}", text[:60])]

    if not isinstance(version, str) or numbers(version) <= numbers(striate.__version__):
        return ""
    return f" The file was written by Striate {version:.60}, which is newer than this one: update Striate."


def _parse(
    path: str | os.PathLike[str], network: Network, weights: Weights, extras: Weights, metadata: Mapping[str, Any]
) -> ModelFile:
    """Return the content with the entries of the metadata, checked and converted."""
    missing = [name for name in ENTRIES if name not in metadata]
    if missing:
        raise ModelFileError(f"'{path}' is incomplete: its description has no '{missing[0]}'.")
    classes, fingerprint = metadata["classes"], metadata["fingerprint"]
    try:
        if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
            raise ModelFileError(f"'classes' must be a list of names, but is {classes!r:.60}")
        if not isinstance(fingerprint, str | None):
            raise ModelFileError(f"'fingerprint' must be a string, but is {fingerprint!r:.60}")
        policy, recipe = _policy(metadata["policy"], network), _recipe(metadata["recipe"])
        figures = _figures(metadata["figures"])
        decision = _decision(metadata.get("decision"), network)
        slots = {name: array for name, array in extras.items() if name.startswith(PREFIX)}
        extras = {name: array for name, array in extras.items() if name not in slots}
        training = _parse_training(metadata.get("training"), slots, network)
        sequential = metadata.get("sequential", False)
        if not isinstance(sequential, bool):
            raise ModelFileError(f"'sequential' must be true or false, but is {sequential!r:.60}")
        input_range = _input_range(metadata.get("input_range"))
    except ModelFileError as error:
        raise ModelFileError(f"'{path}' is damaged: {error}") from error
    return ModelFile(
        network,
        weights,
        extras,
        tuple(classes),
        policy,
        recipe,
        fingerprint,
        figures,
        decision,
        sequential,
        input_range,
        training,
    )


def _policy(settings: Any, network: Network) -> ImagePolicy | None:
    if settings is None:
        return None
    try:
        policy = ImagePolicy.from_dict(settings)
    except INVALID as error:
        raise ModelFileError(f"its image policy is invalid: {error}") from error
    if network.input_shapes != (policy.shape,):
        shapes = ", ".join(map(str, network.input_shapes))
        raise ModelFileError(f"its image policy makes images of shape {policy.shape}, but its network takes {shapes}.")
    return policy


def _recipe(settings: Any) -> Recipe | None:
    if settings is None:
        return None
    try:
        return Recipe.from_dict(settings)
    except INVALID as error:
        raise ModelFileError(f"its recipe is invalid: {error}") from error


def _decision(values: Any, network: Network) -> Decision:
    """Return the decision; older files, all of classifications, have none."""
    if values is None:
        return Decision()
    try:
        return Decision.from_dict(values, network.output_shapes[0][-1])
    except ValueError as error:
        raise ModelFileError(str(error)) from error


def _parse_training(values: Any, slots: Weights, network: Network) -> SavedTraining | None:
    """Return the compile settings; older files have none."""
    if values is None:
        return None
    layers = {str(node.layer.name) for node in network.nodes}
    try:
        return SavedTraining.from_dict(values, {name.removeprefix(PREFIX): a for name, a in slots.items()}, layers)
    except ValueError as error:
        raise ModelFileError(f"its training state is invalid: {error}") from error


def _input_range(values: Any) -> Range | None:
    """Return the range; older files, and those of networks that scale pixels themselves, have none."""
    if values is None:
        return None
    numbers = isinstance(values, list) and all(type(value) in (int, float) for value in values)
    if not numbers or len(values) != 2 or not -MAX_FIGURE <= values[0] <= values[1] <= MAX_FIGURE:
        raise ModelFileError(f"'input_range' must be two numbers, the smaller first, but is {values!r:.60}.")
    return float(values[0]), float(values[1])


def _figures(values: Any) -> dict[str, float]:
    """Return the finite numbers; those of an epoch may be NaN in older files."""
    if not isinstance(values, dict):
        raise ModelFileError(f"'figures' must be an object, but is {values!r:.60}.")
    for name, value in values.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or (name in THRESHOLDS and not 0 <= value <= MAX_FIGURE):
            expected = "a finite number, 0 or more" if name in THRESHOLDS else "a number"
            raise ModelFileError(f"'{name:.60}' must be {expected}, but is {value!r:.60}.")
    return {name: value for name, value in values.items() if abs(value) <= MAX_FIGURE}
