"""Model files: what is in them, and how they are written and read."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import striate
from striate._types import Weights
from striate.engines.weight_files import check_finite, check_weights, load_weights, save_weights, split_extras
from striate.errors import ModelFileError, StriateError
from striate.images import ImagePolicy
from striate.network import Network
from striate.training import Recipe


@dataclass(frozen=True, eq=False)
class ModelFile:
    """The content of a model file.

    Attributes:
        network: The description of the network.
        weights: Its parameters by full name.
        extras: Further arrays, under names with a colon.
        classes: Names of the classes; empty if unknown.
        policy: How image files become pixels; None if unknown.
        recipe: How the model was trained; None if it was not.
        fingerprint: Fingerprint of the data on which it was trained, if known.
        figures: Loss and metrics of the last epoch.
    """

    network: Network
    weights: Weights
    extras: Weights = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    policy: ImagePolicy | None = None
    recipe: Recipe | None = None
    fingerprint: str | None = None
    figures: dict[str, float] = field(default_factory=dict)


def write_model(path: str | os.PathLike[str], content: ModelFile) -> None:
    """Write a model file. Raise RunError if it cannot be written."""
    metadata = {
        "kind": "model",
        "network": content.network.to_dict(),
        "classes": list(content.classes),
        "policy": content.policy and content.policy.to_dict(),
        "recipe": content.recipe and content.recipe.to_dict(),
        "fingerprint": content.fingerprint,
        "figures": content.figures,
        "striate": striate.__version__,
    }
    save_weights(path, content.weights | content.extras, metadata)


def read_model(path: str | os.PathLike[str]) -> ModelFile:
    """Read a model file.

    Args:
        path: The file.

    Returns:
        Its content; the weights match the network.

    Raises:
        ModelFileError: The file is missing, damaged, of another program, or from a newer version of Striate.
        StriateError: Its network cannot be built, for example because a layer class of your own is not registered.
    """
    arrays, metadata = load_weights(path)
    if metadata.get("kind") != "model":
        raise ModelFileError(
            f"{path} contains only {metadata.get('kind')}, not a whole model: build the network and call load_weights."
        )
    try:
        return _parse(path, arrays, metadata)
    except (KeyError, TypeError) as error:
        raise ModelFileError(
            f"{path} is incomplete: its description has no {error}.{_update_hint(metadata)}"
        ) from error
    except StriateError as error:
        if hint := _update_hint(metadata):
            raise ModelFileError(f"{path}: {error}{hint}") from error
        raise


def _update_hint(metadata: Mapping[str, Any]) -> str:
    """Return a sentence if a later version of Striate wrote the file, such as 0.10.2 for 0.9.0."""
    version = metadata.get("striate")

    def numbers(text: str) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", text)]

    if not isinstance(version, str) or numbers(version) <= numbers(striate.__version__):
        return ""
    return f" The file was written by Striate {version}, which is newer than this one: update Striate."


def _parse(path: str | os.PathLike[str], arrays: Weights, metadata: Mapping[str, Any]) -> ModelFile:
    network = Network.from_dict(metadata["network"])
    check_finite(arrays, path)
    weights, extras = split_extras(arrays)
    check_weights(network, weights, path)
    return ModelFile(
        network, weights, extras, tuple(metadata["classes"]),
        policy=ImagePolicy.from_dict(metadata["policy"]) if metadata["policy"] else None,
        recipe=Recipe.from_dict(metadata["recipe"]) if metadata["recipe"] else None,
        fingerprint=metadata["fingerprint"], figures=metadata["figures"],
    )  # fmt: skip
