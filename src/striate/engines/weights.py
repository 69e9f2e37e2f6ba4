"""Weights as arrays by name: their first values, and the one safe file they are kept in."""

import hashlib
import json
import math
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as pack_tensors

from striate._types import Array, Weights
from striate.errors import ModelFileError, UsageError
from striate.files import atomic_write
from striate.network import (
    Constant,
    Conv2D,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    Network,
    Normal,
    Ones,
    TruncatedNormal,
    Uniform,
    Values,
    Zeros,
    fans,
)

FORMAT = 1
"""Version of the file; a Striate that finds a greater one says that it is too old."""
TRUNCATED_DEVIATION = 0.87962566103423978  # of the standard normal cut at ±2


def initial_weights(network: Network, seed: int, dtype: str = "float32") -> Weights:
    """The first value of every parameter by full name, as its initialiser describes it.

    The numbers are a function of seed (0 or more), the parameter's name and its shape alone: a layer added elsewhere
    changes nothing.
    """
    weights = {
        parameter.name: _draw(parameter.initializer, parameter.shape, _generator(seed, parameter.name)).astype(dtype)
        for parameter in network.parameters
    }
    for layer in {node.layer for node in network.nodes}:
        if isinstance(layer, Conv2D) and layer.connections:
            _cut_connections(weights[f"{layer.name}/kernel"], layer.connections)
    return weights


def _cut_connections(kernel: Array, connections: tuple[tuple[int, ...], ...]) -> None:
    """Set to 0 the weights of a kernel (KH, KW, C, O) where filter o does not see channel c."""
    for output, seen in enumerate(connections):
        kernel[:, :, [channel for channel in range(kernel.shape[2]) if channel not in seen], output] = 0


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _draw(initializer: Initializer, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    values: Array | float
    match initializer:
        case Zeros():
            values = 0.0
        case Ones():
            values = 1.0
        case Constant(value):
            values = value
        case Values(numbers):
            values = np.array(numbers)
        case Normal(mean, deviation):
            values = generator.normal(mean, deviation, shape)
        case Uniform(low, high):
            values = generator.uniform(low, high, shape)
        case TruncatedNormal(mean, deviation):
            values = mean + deviation * _truncated(shape, generator)
        case GlorotUniform() | HeUniform():
            limit = math.sqrt(3 * _variance(initializer, shape))
            values = generator.uniform(-limit, limit, shape)
        case GlorotNormal() | HeNormal():
            values = math.sqrt(_variance(initializer, shape)) / TRUNCATED_DEVIATION * _truncated(shape, generator)
        case _:
            raise UsageError(f"The engines know no initializer {type(initializer).__name__}.")
    return np.broadcast_to(values, shape)


def _variance(initializer: Initializer, shape: tuple[int, ...]) -> float:
    fan_in, fan_out = fans(shape)
    return 2 / fan_in if isinstance(initializer, HeUniform | HeNormal) else 2 / (fan_in + fan_out)


def _truncated(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Standard normal draws, those beyond ±2 drawn again until none is left."""
    values = generator.standard_normal(shape)
    beyond = np.abs(values) > 2
    while beyond.any():
        values[beyond] = generator.standard_normal(np.count_nonzero(beyond))
        beyond = np.abs(values) > 2
    return values


def save_weights(path: str | os.PathLike[str], arrays: Mapping[str, Array], metadata: Mapping[str, Any]) -> None:
    """Write arrays and metadata (plain JSON values) to one safetensors file, all of it or nothing.

    The same content gives the same bytes. Raises RunError when the file cannot be written.
    """
    ordered = {name: np.asarray(arrays[name], order="C") for name in sorted(arrays)}
    text = _compact(metadata)
    header = {"format": FORMAT, "metadata": json.loads(text), "sha256": _digest(ordered, text)}
    # One key only: the order in which safetensors writes several is not fixed.
    atomic_write(path, pack_tensors(ordered, {"striate": _compact(header)}))


def load_weights(path: str | os.PathLike[str]) -> tuple[Weights, dict[str, Any]]:
    """Read what `save_weights` wrote: (arrays by name, metadata). Nothing in the file is ever executed.

    Raises ModelFileError for a file that is missing, damaged, not Striate's, or from a newer Striate.
    """
    path = Path(path)
    data = _read(path)
    header = _header(path, data)
    try:
        arrays = parse_tensors(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise _damaged(path) from error
    if header.get("sha256") != _digest(arrays, _compact(header.get("metadata"))):
        raise _damaged(path)
    return dict(sorted(arrays.items())), header["metadata"]


def split_extras(arrays: Mapping[str, Array]) -> tuple[Weights, Weights]:
    """A network's own arrays, and those that a model's file holds beside them: their names have a colon."""
    extras = {name: array for name, array in arrays.items() if ":" in name}
    return {name: array for name, array in arrays.items() if name not in extras}, extras


def check_weights(network: Network, arrays: Mapping[str, Array], source: str | os.PathLike[str]) -> None:
    """Raise ModelFileError unless the arrays are exactly the network's parameters, in name and shape."""
    expected = {parameter.name: parameter.shape for parameter in network.parameters}
    for name, shape in expected.items():
        if name not in arrays:
            raise ModelFileError(f"{source} has no weights '{name}', which the network needs; it is another network's.")
        if arrays[name].shape != shape:
            raise ModelFileError(
                f"{source}: '{name}' should have shape {shape} for this network, but has {arrays[name].shape}."
            )
    extra = sorted(set(arrays) - set(expected))
    if extra:
        raise ModelFileError(f"{source} holds weights '{extra[0]}', which the network lacks; it is another network's.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelFileError(f"There is no model file {path}.") from error
    except OSError as error:
        raise ModelFileError(f"{path} could not be read: {error.strerror or error}.") from error


def _header(path: Path, data: bytes) -> dict[str, Any]:
    """Striate's part of a safetensors header: eight bytes of length, then JSON with "__metadata__"."""
    length = int.from_bytes(data[:8], "little")
    if data[8:9] != b"{":
        raise ModelFileError(f"{path} is not a model file of Striate (a safetensors file is expected).")
    try:
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__") or {}
    except ValueError as error:
        raise _damaged(path) from error
    if "striate" not in metadata:
        raise ModelFileError(f"{path} is a safetensors file, but Striate did not write it: it holds no network.")
    try:
        header: dict[str, Any] = json.loads(metadata["striate"])
        version = int(header["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path) from error
    if version > FORMAT:
        raise ModelFileError(f"{path} has format {version}, this Striate reads up to {FORMAT}: please update Striate.")
    return header


def _damaged(path: Path) -> ModelFileError:
    return ModelFileError(f"{path} is damaged: its content does not match its checksum. Use a copy, or train again.")


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _digest(arrays: Mapping[str, Array], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.reshape(-1).data)
    return digest.hexdigest()
