"""Groups of images that belong on one side of a split: copies, near-duplicates, and those that the user names.

Splits and folds never divide a group.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from striate.data.cache import CacheError, load_or_make
from striate.data.decoding import DecodedFiles, decode_files
from striate.data.digests import Digests
from striate.data.mapped import MappedArray, take_rows
from striate.data.near_duplicates import THUMBNAILS, NearDuplicates, find_matches, pairs_of
from striate.data.pair_scores import CANDIDATES, MIN_RESEMBLING_SIMILARITY
from striate.data.tables import FileFinder, Table, read_table
from striate.errors import DataError
from striate.images import ImagePolicy
from striate.images.decode import decoder_version
from striate.text import counted, listed, printable

Rows = NDArray[np.intp]
GroupNumbers = NDArray[np.int64]  # (N,), the same number for images of one group

CACHE_VERSION = 11  # increase it to invalidate cached near-duplicates
MAX_IMAGES = 100_000  # images, above which near-duplicates are not searched
LARGE_GROUP = 20  # images; a larger group of near-duplicates is held together by its most similar pairs only
STRICT_SIMILARITY = 0.93  # similarity of these pairs
MAX_GROUP_SHARE = 0.3  # share of all images; near-duplicates that form a larger group are not kept together
NO_PAIRS = NearDuplicates(np.zeros((0, 2), np.int64), np.zeros(0, np.float32), np.zeros(0, bool))
MAX_EXAMPLES = 3  # examples in a message
RESEMBLING_NOTE = (
    "Many different images of this folder resemble each other, as letters or digits do. Only pairs with a similarity "
    f"of at least {MIN_RESEMBLING_SIMILARITY:g} count as near-duplicates, so altered copies may be missed. Keep images "
    "that belong together in one split with --groups."
)


def group_files(
    folder: Path, files: Sequence[Path], names: Sequence[str], digests: Digests, table: str | Path | None = None
) -> tuple[GroupNumbers, list[str]]:
    """Find the groups of images that belong on one side of a split.

    Args:
        folder: The absolute folder that holds the files.
        files: Absolute paths.
        names: Paths relative to the folder.
        digests: uint64 (N,), of the files.
        table: A table of further groups; see `read_groups`.

    Returns:
        int64 (N,), the same number for images of one group, and notes for the user.
    """
    named = read_groups(table, folder.name, names) if table else None
    found, notes = near_duplicate_files(folder, files, names)
    groups, more_notes = join_near_duplicates(identical_groups(digests), found)
    if named is None:
        return groups, [*notes, *more_notes]
    return join_named(groups, named.numbers), [*notes, *more_notes, *named.notes]


def near_duplicate_files(folder: Path, files: Sequence[Path], names: Sequence[str]) -> tuple[NearDuplicates, list[str]]:
    """Find near-duplicates among image files, or load them from the cache.

    They depend only on the content of the files, not on the size or the part of the image that a network sees.

    Args:
        folder: The absolute folder that holds the files.
        files: Absolute paths.
        names: The files' names in messages.

    Returns:
        The pairs, of which no two images are identical files, and notes for the user.
    """
    if len(files) > MAX_IMAGES:
        return NO_PAIRS, [
            f"With more than {MAX_IMAGES:,} images, near-duplicates are not searched: only identical images are kept "
            "in the same split."
        ]
    try:
        decoded = decode_files(folder, files, names, THUMBNAILS)
    except CacheError as error:
        return NO_PAIRS, [f"Only identical images are kept together, not similar ones. {error}"]
    digests, rows = np.unique(decoded.digests, return_index=True)  # in the order of content
    if int(rows[0]) in decoded.unreadable:
        digests, rows = digests[1:], rows[1:]  # unreadable files have the digest 0
    thumbnails = take_rows(decoded.x, rows)
    cacheable = isinstance(decoded.x, MappedArray)
    found = pairs_of(*(_cached_matches(thumbnails, digests) if cacheable else find_matches(thumbnails)))
    pairs = np.sort(rows[found.pairs], axis=1)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    notes = [RESEMBLING_NOTE] if found.images_resemble else []
    sorted_pairs = NearDuplicates(pairs[order], found.similarity[order], found.mirrored[order], found.images_resemble)
    return sorted_pairs, notes


def without_mirror_images_of_other_classes(found: NearDuplicates, differ: NDArray[np.bool_]) -> NearDuplicates:
    """Drop pairs in which one image is like the other mirrored, but has another label, as the letters b and d.

    Only in a folder whose images resemble each other: in others, such a pair is a mirrored copy with a wrong label.

    Args:
        found: The near-duplicates.
        differ: Whether the labels of each pair contradict each other (P,).

    Returns:
        The others.
    """
    if not found.images_resemble:
        return found
    kept = ~(found.mirrored & differ)
    return NearDuplicates(found.pairs[kept], found.similarity[kept], found.mirrored[kept], found.images_resemble)


def _cached_matches(thumbnails: Any, digests: NDArray[np.uint64]) -> tuple[Any, bool]:
    state = hashlib.blake2b(f"{CACHE_VERSION} {decoder_version()}".encode(), digest_size=16)
    state.update(digests.astype("<u8").tobytes())

    def make(file: BinaryIO) -> dict[str, Any]:
        matches, images_resemble = find_matches(thumbnails)
        file.write(matches.data)
        return {"images_resemble": images_resemble}

    shape = (len(digests), CANDIDATES, 3)
    try:
        cached = load_or_make(state.hexdigest(), shape, make, lambda found: "images_resemble" in found, np.float32)
        return cached.x[:], bool(cached.metadata["images_resemble"])
    except CacheError:
        return find_matches(thumbnails)


def decode_with_thumbnails(
    folder: Path, files: Sequence[Path], names: Sequence[str], policy: ImagePolicy
) -> DecodedFiles:
    """Decode image files as `decode_files` does, and cache what `near_duplicate_files` needs in the same pass.

    Args:
        folder: The absolute folder that holds the files.
        files: Absolute paths.
        names: The files' names in messages.
        policy: How images are converted to their size.

    Returns:
        The pixels, digests and read errors.
    """
    return decode_files(folder, files, names, policy, THUMBNAILS if len(files) <= MAX_IMAGES else None)


def identical_groups(digests: NDArray[np.uint64]) -> GroupNumbers:
    """Return one group for each distinct digest (N,)."""
    return np.unique(digests, return_inverse=True)[1].reshape(-1).astype(np.int64)


def rows_of_groups(groups: GroupNumbers) -> list[Rows]:
    """List the groups with two or more images.

    Args:
        groups: Group of each image, (N,).

    Returns:
        The row numbers of each such group, in the order of their first rows.

    Example:
        >>> import numpy as np
        >>> [rows.tolist() for rows in rows_of_groups(np.array([5, 3, 3, 5, 4]))]
        [[0, 3], [1, 2]]
    """
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    found = [rows for rows in np.split(order, starts) if len(rows) > 1]
    return sorted(found, key=lambda rows: int(rows[0]))


def smallest_of_group(keys: Digests, groups: GroupNumbers) -> Digests:
    """Find the key that represents the group of each image.

    Args:
        keys: Key of each image, (N,).
        groups: Group of each image, (N,).

    Returns:
        The smallest key of its group, (N,).

    Example:
        >>> import numpy as np
        >>> smallest_of_group(np.array([5, 9, 2], np.uint64), np.array([1, 1, 0]))
        array([5, 5, 2], dtype=uint64)
    """
    _, number = np.unique(groups, return_inverse=True)
    smallest = np.full(len(keys), 2**64 - 1, np.uint64)
    np.minimum.at(smallest, number.reshape(-1), keys)
    chosen: Digests = smallest[number.reshape(-1)]
    return chosen


def grouped_folds(keys: Digests, groups: GroupNumbers, y: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Assign images to folds, so that a group never spans two and each class is spread evenly.

    Args:
        keys: Keys of the content of each image (N,); they decide the fold, so the order of the images does not matter.
        groups: Integers (N,); images with the same number stay together.
        y: Class numbers (N,).
        count: The number of folds.

    Returns:
        Int64 (N,).

    Example:
        >>> import numpy as np
        >>> keys = np.array([5, 9, 2, 7], np.uint64)
        >>> grouped_folds(keys, np.array([0, 0, 1, 2]), np.array([0, 1, 0, 1]), 2).tolist()
        [1, 1, 0, 1]
    """
    first = np.lexsort((keys, groups))
    _, starts, members = np.unique(groups[first], return_index=True, return_counts=True)
    leaders = first[starts]  # the image with the smallest key in each group
    fold = np.empty(len(leaders), np.int64)
    for number in np.unique(y[leaders]):
        chosen = np.flatnonzero(y[leaders] == number)
        rank = np.argsort(np.argsort(keys[leaders[chosen]], kind="stable"), kind="stable")
        fold[chosen] = (rank + number) % count
    folds = np.empty(len(y), np.int64)
    folds[first] = np.repeat(fold, members)
    return folds


def join_pairs(groups: GroupNumbers, pairs: NDArray[np.int64]) -> GroupNumbers:
    """Join the groups of each pair of images.

    Args:
        groups: int64 (N,).
        pairs: Rows (P, 2).

    Returns:
        int64 (N,): the smallest row of each group.

    Example:
        >>> import numpy as np
        >>> join_pairs(np.arange(5), np.array([[3, 1], [4, 3]]))
        array([0, 1, 2, 1, 1])
    """
    first_rows = np.unique(groups, return_index=True, return_inverse=True)
    parent: list[int] = first_rows[1][first_rows[2].reshape(-1)].tolist()

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for one, other in pairs.tolist():
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return np.array([root(row) for row in range(len(parent))], np.int64)


def join_near_duplicates(groups: GroupNumbers, found: NearDuplicates) -> tuple[GroupNumbers, list[str]]:
    """Join groups of identical images that are near-duplicates.

    Pairs that look alike can chain many images that do not, such as those on one flat background. So a group of more
    than `LARGE_GROUP` images is kept together only by pairs of at least `STRICT_SIMILARITY`, and one of more than
    `MAX_GROUP_SHARE` of all images only by copies.

    Args:
        groups: int64 (N,), of identical images.
        found: The near-duplicates.

    Returns:
        int64 (N,), the groups, and notes for the user.
    """
    joined = join_pairs(groups, found.pairs)
    sizes = np.bincount(joined, minlength=len(joined))
    kept = (sizes[joined[found.pairs[:, 0]]] <= LARGE_GROUP) | (found.similarity >= STRICT_SIMILARITY)
    joined = join_pairs(groups, found.pairs[kept])
    sizes = np.bincount(joined, minlength=len(joined))
    too_large = sizes > max(LARGE_GROUP, MAX_GROUP_SHARE * len(joined))
    if not too_large.any():
        return joined, []
    count = int(sizes[too_large].sum())
    kept &= ~too_large[joined[found.pairs[:, 0]]]
    note = (
        f"{count:,} images are near-duplicates, too many to keep them in one split, so only identical images are kept "
        "together. If the images show a few subjects, such as persons or places, pass them as groups with --groups."
    )
    return join_pairs(groups, found.pairs[kept]), [note]


@dataclass(frozen=True)
class NamedGroups:
    """The groups that a table names.

    Attributes:
        numbers: int64 (N,); images that the table does not name have their own number.
        notes: What the table lacks, and what in it was not found.
    """

    numbers: GroupNumbers
    notes: tuple[str, ...]


def read_groups(path: str | Path, folder: str, names: Sequence[str]) -> NamedGroups:
    r"""Read the groups of a folder's images from a table with the columns file and group.

    Args:
        path: The table; see `read_table`.
        folder: Name of the folder.
        names: Paths of its images relative to it.

    Returns:
        The groups.

    Raises:
        DataError: If the table cannot be read, has another number of columns, names none of the images, gives an image
            two groups, or puts all images into one.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "people.csv")
        ...     _ = file.write_text("1.jpg,Kim\n2.jpg,Lee\n3.jpg,Kim")
        ...     read_groups(file, "photos", ["a/1.jpg", "a/2.jpg", "b/3.jpg"]).numbers
        array([0, 1, 0])
    """
    table = read_table(path)
    if len(table.rows[0]) != 2:
        raise DataError(f"'{path}' has {len(table.rows[0])} columns, but a table of groups has two: file and group.")
    group_of, unknown, repeated = _match_rows(table, folder, names)
    if not group_of:
        raise DataError(
            f"'{path}' refers to no image in '{folder}': there is no file '{printable(table.rows[0][0])}'. Write paths "
            f"such as '{names[0]}'."
        )
    numbers = {group: number for number, group in enumerate(dict.fromkeys(group_of.values()))}
    if len(numbers) == 1 and len(group_of) == len(names):
        raise DataError(
            f"In '{path}', all images belong to one group, '{printable(next(iter(numbers)))}', so the test split would "
            "be empty. Use at least three groups, preferably ten or more."
        )
    of_row = [numbers[group_of[row]] if row in group_of else len(numbers) + row for row in range(len(names))]
    return NamedGroups(np.array(of_row, np.int64), tuple(_table_notes(path, unknown, repeated, names, group_of)))


def _match_rows(table: Table, folder: str, names: Sequence[str]) -> tuple[dict[int, str], list[str], list[str]]:
    """Return the group of each named image by its row, the files that are not there, and the repeated names.

    Raises:
        DataError: If a name is ambiguous, or an image has no group or two.
    """
    finder = FileFinder(folder, names)
    group_of: dict[int, str] = {}
    unknown, repeated = [], []
    for (cell, group), line in zip(table.rows, table.lines, strict=True):
        where = f"'{table.path}', line {line}:"
        if not group:
            raise DataError(f"{where} the group of '{printable(cell)}' is empty.")
        rows = finder.find(cell)
        if len(rows) > 1:
            choices = _examples(names[row] for row in rows)
            raise DataError(f"{where} '{printable(cell)}' may be {choices}. Write the path below '{folder}'.")
        if not rows:
            unknown.append(cell)
            continue
        name, other = names[rows[0]], group_of.get(rows[0])
        if other is not None and other != group:
            raise DataError(
                f"{where} '{name}' is in two groups, '{printable(other)}' and '{printable(group)}'. Leave one."
            )
        if other is not None and name not in repeated:
            repeated.append(name)
        group_of[rows[0]] = group
    return group_of, unknown, repeated


def _table_notes(
    path: str | Path, unknown: Sequence[str], repeated: Sequence[str], names: Sequence[str], group_of: dict[int, str]
) -> Iterator[str]:
    largest, size = Counter(group_of.values()).most_common(1)[0]
    if 2 * size > len(names):
        yield (
            f"'{path}' puts {size:,} of {len(names):,} images into one group, '{printable(largest)}', which is never "
            "divided between training and test. The metrics are therefore unreliable. Give more, smaller groups."
        )
    if unknown:
        yield f"'{path}' names {counted(len(unknown), 'file')} that {_are(unknown)} not there: {_examples(unknown)}."
    if repeated:
        yield f"'{path}' names {counted(len(repeated), 'file')} more than once: {_examples(repeated)}."
    if missing := [name for row, name in enumerate(names) if row not in group_of]:
        yield f"{counted(len(missing), 'image')} {_are(missing)} not in '{path}' and grouped by content alone: " \
              f"{_examples(missing)}."  # fmt: skip


def join_named(groups: GroupNumbers, named: GroupNumbers) -> GroupNumbers:
    """Join groups of similar images with the groups that the user named.

    Args:
        groups: Group of each image, int64 (N,).
        named: Named group of each image, int64 (N,).

    Returns:
        Groups in which images share a group if they share either, int64 (N,).
    """
    order = np.argsort(named, kind="stable")
    same = np.flatnonzero(np.diff(named[order]) == 0)
    return join_pairs(groups, np.stack([order[same], order[same + 1]], axis=1))


def _are(items: Sequence[str]) -> str:
    return "is" if len(items) == 1 else "are"


def _examples(items: Iterable[str]) -> str:
    return listed([f"'{printable(item)}'" for item in items], MAX_EXAMPLES)
