"""Which features of a folder are in the cache, known from the names, sizes and times of its files alone.

With a time limit, the plan is made before any image is read, and features that are cached take no time.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from striate import strict_json
from striate.data import Dataset
from striate.data.cache import is_cached
from striate.data.decoding import hash_files
from striate.data.layout import Layout
from striate.downloads import cache_folder
from striate.files import atomic_write
from striate.transfer.bases import Base
from striate.transfer.features import feature_key, feature_shape

Input = tuple[int, bool]  # height and width in pixels, and whether features are computed in 8-bit integers


def remember_features(layout: Layout, model: str, base: Base, data: Dataset) -> None:
    """Record that the features of a folder are in the cache.

    Args:
        layout: The files of the folder.
        model: Id of the base.
        base: The base, with the ranges of its feature maps if it computes in 8-bit integers.
        data: The images of the folder.
    """
    file = _record(layout, (data.shape[0], bool(base.ranges)), model)
    content = {"key": feature_key(base, data), "shape": list(feature_shape(base, data))}
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic_write(file, strict_json.dumps(content))
    except OSError:
        return  # the next plan is made as if they were not cached


def cached_inputs(layout: Layout, model: str, inputs: Iterable[Input]) -> frozenset[Input]:
    """Return for which inputs of a base the features of a folder are in the cache.

    Args:
        layout: The files of the folder.
        model: Id of the base.
        inputs: The inputs in question.

    Returns:
        Some of them. Features of other splits or crops of the same files count too, so the time for them is only
        estimated.
    """
    return frozenset(each for each in inputs if _is_cached(_record(layout, each, model)))


def _is_cached(file: Path) -> bool:
    try:
        content = strict_json.loads(file.read_text("utf-8"))
        key, shape = str(content["key"]), tuple(map(int, content["shape"]))
    except (OSError, KeyError, TypeError, ValueError):
        return False
    return is_cached(key, shape, np.float32)


def _record(layout: Layout, each: Input, model: str) -> Path:
    """Return the file that records the features of these files; another one if a file or label changes."""
    state = hashlib.blake2b(f"{each} {model} {layout.classes}".encode(), digest_size=16)
    hash_files(state, layout.folder, layout.files)
    state.update(np.ascontiguousarray(layout.y).tobytes() + layout.parts.tobytes())
    return cache_folder() / "known-features" / f"{state.hexdigest()}.json"
