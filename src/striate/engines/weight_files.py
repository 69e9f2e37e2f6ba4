"""Write and read weight files: safetensors with JSON metadata and a checksum."""

import hashlib
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as pack_tensors

from striate import strict_json
from striate._types import Array, Weights
from striate.errors import ModelFileError, UsageError
from striate.files import atomic_write
from striate.network import Network

MODEL_NAME = "model.safetensors"  # file name of the model in a run folder
SUFFIX = ".safetensors"
FOREIGN_SUFFIX = re.compile(r"\.[^\W\d]\w*")  # unlike the ends of "model-0.98" and "model-{epoch}.{loss:.2f}"
FORMAT = 1  # version of the file format


def save_weights(path: str | os.PathLike[str], arrays: Mapping[str, Array], metadata: Mapping[str, Any]) -> None:
    """Write arrays and metadata to a safetensors file, atomically. The same content gives the same bytes.

    Args:
        path: The file.
        arrays: Arrays by name.
        metadata: Values that JSON supports, by name.

    Raises:
        RunError: If the file cannot be written.
    """
    ordered = {name: np.asarray(arrays[name], order="C") for name in sorted(arrays)}
    text = strict_json.canonical(metadata)
    header = {"format": FORMAT, "metadata": strict_json.loads(text), "sha256": _digest(ordered, text)}
    # A single key, because safetensors writes several keys in no fixed order.
    atomic_write(path, pack_tensors(ordered, {"striate": strict_json.canonical(header)}))


def load_weights(path: str | os.PathLike[str]) -> tuple[Weights, dict[str, Any]]:
    """Read a file written by `save_weights`, without executing code from it.

    Args:
        path: The file.

    Returns:
        The arrays by name, and the metadata.

    Raises:
        ModelFileError: If the file is missing, damaged, not written by Striate, or written by a newer Striate.
    """
    path = Path(path)
    data = _read(path)
    header = _header(path, data)
    try:
        arrays = parse_tensors(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ModelFileError(_damaged_message(path)) from error
    if header.get("sha256") != _digest(arrays, strict_json.canonical_with_nan(header.get("metadata"))):
        raise ModelFileError(_damaged_message(path))
    return dict(sorted(arrays.items())), header["metadata"]


def find_model_file(path: str | os.PathLike[str]) -> Path:
    """Return the path of a model file, which may be given as the run folder that contains it.

    Args:
        path: A file or a run folder.

    Returns:
        The path of the file, which may not exist unless a folder was given.

    Raises:
        ModelFileError: If the folder has no model, because training has not finished, or because it is an ensemble.
    """
    path = Path(path)
    if not path.is_dir() or (path / MODEL_NAME).is_file():
        return path / MODEL_NAME if path.is_dir() else path
    members = sorted(path.glob(f"*/{MODEL_NAME}"))
    if members:
        raise ModelFileError(
            f"'{path}' contains {len(members)} models. Choose one of them, such as '{members[0].parent}'."
        )
    raise ModelFileError(
        f"'{path}' is a folder without a {MODEL_NAME}. Pass a model file, or the run folder of a finished training run."
    )


def split_extras(arrays: Mapping[str, Array]) -> tuple[Weights, Weights]:
    """Separate the parameters of a network from a model's extra arrays, whose names contain a colon."""
    extras = {name: array for name, array in arrays.items() if ":" in name}
    return {name: array for name, array in arrays.items() if name not in extras}, extras


def check_model_name(path: str | os.PathLike[str]) -> None:
    """Check that the name of a file to write is not one of another format.

    Args:
        path: The file; it ends in .safetensors or has no suffix.

    Raises:
        UsageError: If the name has another suffix, such as .onnx, .keras, .h5 or .pt.
    """
    suffix = Path(path).suffix
    if not Path(path).name:
        raise UsageError(f"'{os.fspath(path)}' is not a file name. Give a path such as model.safetensors.")
    if not FOREIGN_SUFFIX.fullmatch(suffix) or suffix.lower() == SUFFIX:
        return
    name = os.fspath(path)
    remedy = f"Use '{os.fspath(Path(path).with_suffix(SUFFIX))}'."
    if suffix.lower() == ".onnx":
        remedy = (
            f"For an ONNX file, call model.export({name!r}), or save the model as MODEL.safetensors and run: striate "
            f"export MODEL.safetensors --to {shlex.quote(name)}."
        )
    raise UsageError(f"The name of a model file ends in {SUFFIX}; received '{name}'. {remedy}")


def check_regular_file(path: Path) -> None:
    """Check that a path is not a pipe or a device, which may never end.

    Args:
        path: The path; if there is no such file, nothing is checked.

    Raises:
        ModelFileError: If it is not a regular file.
    """
    if path.exists() and not path.is_file():
        raise ModelFileError(f"'{path}' could not be read: it is a folder, pipe or device, not a regular file.")


def check_weights(network: Network, arrays: Mapping[str, Array], source: str | os.PathLike[str]) -> None:
    """Check that the names and shapes of arrays are exactly those of the network's parameters.

    Args:
        network: The network.
        arrays: Arrays by name.
        source: The file, for error messages.

    Raises:
        ModelFileError: If an array is missing, has another shape, or does not belong to the network.
    """
    expected = {parameter.name: parameter.shape for parameter in network.parameters}
    for name, shape in expected.items():
        if name not in arrays:
            raise ModelFileError(
                f"'{source}' has no weights '{name}', which this network needs. The file belongs to another network."
            )
        if arrays[name].shape != shape:
            raise ModelFileError(
                f"'{source}': '{name}' should have shape {shape} for this network, but has {arrays[name].shape}."
            )
    extra = sorted(set(arrays) - set(expected))
    if extra:
        raise ModelFileError(
            f"'{source}' contains weights '{extra[0]}', which this network lacks. The file belongs to another network."
        )


def check_finite(arrays: Mapping[str, Array], source: str | os.PathLike[str]) -> None:
    """Check that all numbers of arrays are finite.

    Args:
        arrays: Arrays by name.
        source: Where the arrays are from, for the error message.

    Raises:
        ModelFileError: If an array contains NaN or infinity.
    """
    for name, array in arrays.items():
        if array.dtype.kind not in "biu" and not np.isfinite(array).all():
            raise ModelFileError(
                f"'{source}' cannot be used: '{name}' contains NaN or infinity, so the model's predictions would not "
                "be numbers. Its training failed, or the file is damaged: train again."
            )


def _read(path: Path) -> bytes:
    check_regular_file(path)
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelFileError(f"There is no model file or run folder '{path}'.") from error
    except OSError as error:
        raise ModelFileError(f"'{path}' could not be read: {error.strerror or error}.") from error


def _header(path: Path, data: bytes) -> dict[str, Any]:
    """Return Striate's metadata from a safetensors header: eight bytes with its length, then JSON."""
    length = int.from_bytes(data[:8], "little")
    if data[8:9] != b"{":
        raise ModelFileError(f"'{path}' is not a Striate model file: expected a safetensors file.")
    try:
        metadata = strict_json.loads(data[8 : 8 + length]).get("__metadata__") or {}
        text = metadata.get("striate")
    except (ValueError, AttributeError) as error:
        raise ModelFileError(_damaged_message(path)) from error
    if text is None:
        raise ModelFileError(f"'{path}' is a safetensors file that was not written by Striate: it contains no network.")
    try:
        header: dict[str, Any] = strict_json.loads(text)
        version = header["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(_damaged_message(path)) from error
    if not isinstance(version, int) or version < 1 or not isinstance(header.get("metadata"), dict):
        raise ModelFileError(_damaged_message(path))
    if version > FORMAT:
        raise ModelFileError(
            f"'{path}' has format {version}, but this version of Striate reads formats up to {FORMAT}. Update Striate."
        )
    return header


def _damaged_message(path: Path) -> str:
    return f"'{path}' is damaged: its content does not match its checksum. Use a copy, or train again."


def _digest(arrays: Mapping[str, Array], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.reshape(-1).data)
    return digest.hexdigest()
