"""Weights of timm's networks on the Hugging Face hub, such as timm/resnet18.a1_in1k, downloaded once."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

from striate import strict_json
from striate.downloads import MAX_BYTES, cache_folder, failure_of, fetch, has_checksum, read_address
from striate.errors import DownloadError, ModelFileError, UsageError
from striate.files import atomic_write
from striate.zoo.registry import WeightNames, get_architecture, list_models

HUB = "https://huggingface.co"
OWNER = "timm/"
WEIGHTS = "model.safetensors"
MAX_JSON = 1 << 20  # bytes of a listing or a description
MISSING = (401, 404)  # the hub answers 401 for what does not exist or is private


@dataclass(frozen=True)
class HubModel:
    """A network on the hub.

    Attributes:
        id: The architecture's name in Striate's zoo.
        settings: With which it was trained.
        input_shape: (H, W, 3) of the images on which it was tested.
        mean: Mean of the pixels from 0 to 1, in red, green and blue.
        std: Standard deviation, likewise.
    """

    id: str
    settings: Mapping[str, Any]
    input_shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def is_hub_name(source: str) -> bool:
    """Return whether weights are given by their name on the hub rather than as a file."""
    return re.fullmatch(rf"{OWNER}[\w.-]+", source) is not None and not Path(source).exists()


def architecture_of(source: str) -> tuple[str, WeightNames]:
    """Return the architecture of a network on the hub, from its name alone.

    Args:
        source: Its name, timm/ARCHITECTURE.TRAINING.

    Returns:
        Its id in the zoo, and the names of its weights.

    Raises:
        UsageError: If it is not in the zoo.
    """
    name = source.removeprefix(OWNER).partition(".")[0]
    known = {each.timm: (id, each) for id in list_models() for each in get_architecture(id).weight_names if each.timm}
    if name not in known:
        raise UsageError(
            f"'{source}' is not among the networks of timm that Striate has: {', '.join(sorted(known))}. Any other "
            "image classifier can be a base as an ONNX file: --base FILE.onnx."
        )
    return known[name]


def describe_hub_model(source: str) -> HubModel:
    """Return what the hub says about a network.

    Args:
        source: Its name, timm/ARCHITECTURE.TRAINING.

    Returns:
        The description, which is kept for later calls without network access.

    Raises:
        UsageError: If it is not on the hub, or not in the zoo.
        DownloadError: If the hub cannot be reached.
        ModelFileError: If the description is damaged.
    """
    id, weight_names = architecture_of(source)
    path = _folder(source) / "config.json"
    if not path.is_file():
        content = _read(source, f"{source}/resolve/main/config.json")
        _parse_config(content, source)
        atomic_write(path, content)
    size, mean, std = _parse_config(path.read_bytes(), source)
    return HubModel(id, weight_names.settings, size, mean, std)


def fetch_hub_weights(source: str) -> Path:
    """Download the weights of a network, unless they are there already.

    Args:
        source: Its name on the hub.

    Returns:
        The path of the file; its checksum is the one that the hub states.

    Raises:
        UsageError: If it is not on the hub, or not in the zoo.
        DownloadError: If the hub cannot be reached, or the file is too large or damaged.
    """
    architecture_of(source)
    folder = _folder(source)
    path, digest = folder / WEIGHTS, folder / f"{WEIGHTS}.sha256"
    if digest.is_file() and has_checksum(path, digest.read_text("utf-8")):
        return path
    sha256 = _sha256_on_hub(source)
    address = f"{_hub()}/{quote(source)}/resolve/main/{WEIGHTS}"
    try:
        fetch(address, path, sha256)
    except DownloadError as error:
        raise DownloadError(f"{error} {_by_hand(source)}") from error
    atomic_write(digest, sha256)
    return path


def _sha256_on_hub(source: str) -> str:
    """Return the checksum that the hub states for the weights."""
    listing = _json(_read(source, f"api/models/{source}/tree/main"), source)
    for entry in listing if isinstance(listing, list) else []:
        if isinstance(entry, dict) and entry.get("path") == WEIGHTS:
            stored = entry.get("lfs")
            sha256 = stored.get("oid") if isinstance(stored, dict) else None
            size = entry.get("size")
            if not isinstance(sha256, str) or len(sha256) != 64 or not isinstance(size, int):
                break
            if size > MAX_BYTES:
                raise DownloadError(
                    f"The weights of '{source}' have {size:,} bytes; at most {MAX_BYTES:,} are downloaded."
                )
            return sha256
    raise UsageError(f"'{source}' has no {WEIGHTS} on the hub whose checksum is known. Choose another network.")


def _read(source: str, address: str) -> bytes:
    """Read a small file of the hub."""
    full = f"{_hub()}/{quote(address)}"
    try:
        return read_address(full, MAX_JSON)
    except HTTPError as error:
        if error.code in MISSING:
            raise UsageError(f"There is no '{source}' on the hub: {full} answers {error.code}.") from error
        raise DownloadError(f"{full} could not be read: {error}. {_by_hand(source)}") from error
    except OSError as error:
        raise DownloadError(f"{full} could not be read: {failure_of(error)}. {_by_hand(source)}") from error


def _by_hand(source: str) -> str:
    id, _ = architecture_of(source)
    return (
        f"Without access to the hub, download {WEIGHTS} of {source} elsewhere, and give the file: "
        f"--base {id} --weights {WEIGHTS}"
    )


def _parse_config(content: bytes, source: str) -> tuple[tuple[int, int, int], tuple[float, ...], tuple[float, ...]]:
    """Return the size of the images, and mean and standard deviation of the pixels."""
    config = _json(content, source)
    trained = config.get("pretrained_cfg", config) if isinstance(config, dict) else None
    try:
        channels, height, width = (int(size) for size in trained["input_size"])  # type: ignore[index]
        mean, std = (tuple(map(float, trained[name])) for name in ("mean", "std"))  # type: ignore[index]
    except (TypeError, ValueError, KeyError) as error:
        raise ModelFileError(
            f"The description of '{source}' on the hub is damaged or has an unknown format."
        ) from error
    if channels != 3 or len(mean) != 3 or len(std) != 3 or min(std) <= 0 or not 0 < max(height, width) < 10_000:
        raise ModelFileError(f"'{source}' does not take color images, so it cannot be a base.")
    return (height, width, 3), mean, std


def _json(content: bytes, source: str) -> Any:
    try:
        return strict_json.loads(content)
    except ValueError as error:
        raise ModelFileError(f"The description of '{source}' on the hub is not JSON.") from error


def _hub() -> str:
    """Return the address of the hub: $HF_ENDPOINT, as for Hugging Face's own programs, or the public one."""
    return (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")


def _folder(source: str) -> Path:
    return cache_folder() / "hub" / source.replace("/", "--")
