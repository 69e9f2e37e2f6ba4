import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data import Dataset, from_arrays
from striate.data.digests import digest_images
from striate.data.split import assign_groups, assign_parts, pool
from striate.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (3000, 3, 3, 1), dtype=np.uint8)
Y = np.arange(3000) % 10


def split_of(data: Dataset) -> dict[bytes, str]:
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    return {pixels.tobytes(): name for name, part in parts.items() for pixels in part.x}


def test_each_class_has_its_share_of_each_part() -> None:
    data = from_arrays(X, Y, validation_split=0.2, test_split=0.1)
    for part, count in ((data.train, 210), (data.validation, 60), (data.test, 30)):
        assert np.bincount(part.y).tolist() == [count] * 10


def test_small_classes_are_in_every_part() -> None:
    data = from_arrays(X[:2100], np.arange(2100) % 525)  # 4 images of each
    assert np.bincount(data.test.y).tolist() == np.bincount(data.validation.y).tolist() == [1] * 525
    assert np.bincount(data.train.y).tolist() == [2] * 525
    assert not data.notes


def test_fractions_of_an_image_are_rounded_so_that_totals_are_right() -> None:
    data = from_arrays(X, np.arange(3000) % 200)  # 15 images of each, so 1.5 per part
    assert set(np.bincount(data.test.y)) == set(np.bincount(data.validation.y)) == {1, 2}
    assert abs(len(data.test) - 300) < 30
    assert abs(len(data.validation) - 300) < 30


@given(st.permutations(range(40)), st.integers(1, 39))
def test_split_does_not_depend_on_order_or_other_images(order: list[int], kept: int) -> None:
    digests = digest_images(X[:40], 3)
    some = np.array(order[:kept])
    assert np.array_equal(assign_parts(digest_images(X[some], 3), 0.3, 0.3), assign_parts(digests, 0.3, 0.3)[some])


@settings(deadline=None)
@given(st.integers(20, 120), st.integers(0, 2))
def test_an_added_image_moves_at_most_two_others_of_its_class(count: int, label: int) -> None:
    y = np.arange(count + 1) % 3
    y[-1] = label
    before, after = split_of(from_arrays(X[:count], y[:-1])), split_of(from_arrays(X[: count + 1], y))
    moved = [image for image, part in before.items() if after[image] != part]
    assert len(moved) <= 2
    of_image = {pixels.tobytes(): number for pixels, number in zip(X, y, strict=False)}
    assert all(of_image[image] == label for image in moved)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 40))
def test_no_group_is_divided_and_order_does_not_matter(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    y, groups = rng.integers(0, 3, 200), rng.integers(0, count, 200)
    digests = digest_images(X[:200], seed)
    parts = assign_groups(digests, y, groups, "abc", 0.1, 0.1)
    assert all(len(set(parts[groups == group].tolist())) == 1 for group in range(count) if (groups == group).any())
    assert set(y[parts == 0]) == set(y)  # every class can be learned
    order = rng.permutation(200)
    renamed = rng.permutation(count)[groups]
    assert np.array_equal(assign_groups(digests[order], y[order], renamed[order], "abc", 0.1, 0.1), parts[order])
    if count >= 20:  # groups of about ten images of all classes
        assert 8 <= (parts == 2).sum() <= 40


def test_class_with_large_groups_only_gives_its_smallest_one_to_the_test_part() -> None:
    y = np.repeat([0, 1], 30)
    groups = np.repeat([0, 1, 2, 3, 4, 5, 6, 7], [14, 10, 6, 15, 4, 4, 4, 3])
    parts = assign_groups(digest_images(X[:60], 0), y, groups, "ab", 0, 0.1)
    assert set(groups[(y == 0) & (parts == 2)]) == {2}
    assert len(set(groups[(y == 1) & (parts == 2)])) == 1


def test_copies_are_in_the_same_part() -> None:
    x = np.concatenate([X[:100]] * 5)
    data = from_arrays(x, np.concatenate([Y[:100]] * 5))
    parts = [{pixels.tobytes() for pixels in part.x} for part in (data.train, data.validation, data.test)]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]


def test_validation_fraction_does_not_change_test_part() -> None:
    small, large = from_arrays(X, Y, validation_split=0.05), from_arrays(X, Y, validation_split=0.3)
    assert np.array_equal(small.test.x, large.test.x)


def test_different_seeds_give_independent_splits_and_accept_any_integer() -> None:
    tests = [assign_parts(digest_images(X, seed), 0, 0.5) == 2 for seed in (0, 1, -1, 2**63, 2**70 + 5)]
    for i, one in enumerate(tests):
        for other in tests[:i]:
            assert abs(np.corrcoef(one, other)[0, 1]) < 0.08


def test_split_equals_recorded_values_in_every_process() -> None:
    code = (
        "import numpy as np; from striate.data.digests import digest_images;"
        "print(digest_images(np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3), 7).tolist())"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[12700141290216598952, 8374025558006832037]"


def test_given_test_part_is_kept_and_copies_leave_training() -> None:
    data = from_arrays(X, Y, test=(X[:30], Y[:30]))
    assert np.array_equal(data.test.x, X[:30])
    tested = {pixels.tobytes() for pixels in data.test.x}
    assert not tested & {pixels.tobytes() for part in (data.train, data.validation) for pixels in part.x}
    assert "30 training images are also in the test split and were removed from the training split." in data.notes


def test_class_too_small_to_split_is_reported() -> None:
    y: Any = np.where(np.arange(3000) == 5, 2, Y % 2)
    data = from_arrays(X, y, ["a", "b", "c"])
    part = split_of(data)[X[5].tobytes()]
    assert part == "train"
    assert data.notes == ("Class 'c' has only 1 image: none for validation and test.",)


def test_class_without_images_keeps_its_number_and_is_reported() -> None:
    data = from_arrays(X, Y % 2 * 2, ["a", "b", "c"])
    assert data.classes == ("a", "b", "c")
    assert data.notes == ("Class 'b' has no images.",)


def test_empty_training_part_raises() -> None:
    with pytest.raises(DataError, match="'arrays' is too small: the training split is empty"):
        from_arrays(X[:4], [0, 1, 0, 1], test=(X[:4], [0, 1, 0, 1]))


def test_fingerprint_depends_on_contents_labels_names_and_seed_only() -> None:
    base = from_arrays(X, Y).fingerprint
    assert from_arrays(X.copy(), Y.tolist()).fingerprint == base
    x, y = X.copy(), Y.copy()
    x[9, 0, 0, 0] ^= 1
    y[9] = (y[9] + 1) % 10
    names = [f"class {i}" for i in range(10)]
    others = [
        from_arrays(x, Y), from_arrays(X, y), from_arrays(X, Y, names), from_arrays(X, Y, seed=1),
        from_arrays(X, Y, validation_split=0.2), from_arrays(X[::-1], Y[::-1]),
    ]  # fmt: skip
    assert len({base, *(other.fingerprint for other in others)}) == 7


def test_pooled_images_do_not_depend_on_how_they_were_split() -> None:
    first, second = (pool(from_arrays(X[:200], Y[:200], test_split=share)) for share in (0.1, 0.4))
    assert len(first.train) == 200 and not len(first.test) and not len(first.validation)
    assert first.fingerprint == second.fingerprint
    assert np.array_equal(first.train.x, second.train.x) and np.array_equal(first.train.y, second.train.y)
    labels = {pixels.tobytes(): label for pixels, label in zip(X[:200], Y[:200], strict=True)}
    assert all(labels[pixels.tobytes()] == label for pixels, label in zip(first.train.x, first.train.y, strict=True))


def test_pooled_data_have_no_notes_on_parts() -> None:
    x = np.arange(15 * 9, dtype=np.uint8).reshape(15, 3, 3, 1)
    data = from_arrays(x, np.array([0] * 14 + [1]))
    assert any("has only 1 image: none for" in note for note in data.notes)
    assert not any("none for" in note for note in pool(data).notes)


def test_labels_and_numbers_are_shared_out_too() -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random((400, 3)) < (0.5, 0.2, 0.01)).astype(np.uint8)
    digests, groups = digest_images(X[:400], 0), np.arange(400) // 2
    parts = assign_groups(digests, labels, groups, "abc", 0.1, 0.1)
    assert (parts[::2] == parts[1::2]).all()
    for part in (1, 2):
        assert abs((parts == part).sum() - 40) <= 4
        assert np.all(np.abs(labels[parts == part].sum(axis=0) - 0.1 * labels.sum(axis=0)) <= 4)
        assert labels[parts == part].sum(axis=0).min() >= 1
    numbers = rng.random((400, 2)).astype(np.float32)
    assert np.bincount(assign_groups(digests, numbers, groups, ["x", "y"], 0.1, 0.1)).tolist() == [320, 40, 40]


def test_class_of_one_group_is_for_training_and_named() -> None:
    x = np.concatenate([X[:40], np.repeat(X[40:41], 30, axis=0)])
    data = from_arrays(x, np.repeat([0, 1], [40, 30]), ["a", "b"])
    assert [np.bincount(part.y, minlength=2).tolist() for part in (data.train, data.validation, data.test)] == [
        [32, 30], [4, 0], [4, 0],
    ]  # fmt: skip
    assert data.notes == ("Class 'b' has only 30 images in one group: none for validation and test.",)
