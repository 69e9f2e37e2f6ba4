"""Memory-mapped arrays: indexing as in NumPy, released memory."""

import mmap
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from striate.data import mapped
from striate.data.digests import digest_images
from striate.data.mapped import MappedArray, join_rows, take_rows

X = np.random.default_rng(0).integers(0, 256, (23, 5, 4, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def mapped_array(tmp_path_factory: pytest.TempPathFactory) -> MappedArray:
    path = tmp_path_factory.mktemp("stored") / "x.pixels"
    path.write_bytes(X.tobytes())
    return MappedArray.open(path, (23, 5, 4, 3))


ROWS = st.one_of(
    st.integers(-23, 22),
    st.slices(23),
    st.lists(st.integers(-23, 22), max_size=30).map(lambda rows: np.array(rows, int)),
    st.lists(st.booleans(), min_size=23, max_size=23).map(np.array),
)


@given(rows=ROWS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_indexing_returns_writable_copies_equal_to_numpy(mapped_array: MappedArray, rows: Any) -> None:
    read = mapped_array[rows]
    assert np.array_equal(read, X[rows])
    read[...] = 0
    assert np.array_equal(mapped_array[rows], X[rows])


@given(first=st.lists(st.integers(0, 22), min_size=1), again=st.data())
def test_repeated_indexing_equals_numpy(mapped_array: MappedArray, first: list[int], again: Any) -> None:
    rows = np.array(again.draw(st.lists(st.integers(0, len(first) - 1))), int)
    part = mapped_array.subset(np.array(first)).subset(rows)
    assert part.shape == (len(rows), 5, 4, 3)
    assert part.nbytes == X[first][rows].nbytes
    assert np.array_equal(part[:], X[first][rows])


@pytest.mark.parametrize("rows", [[], [3, 1]])
def test_joined_rows_of_one_file_stay_mapped(mapped_array: MappedArray, rows: list[int]) -> None:
    parts = [mapped_array.subset(np.array(rows, int)), mapped_array.subset(np.array(rows[::-1], int))]
    joined = join_rows(parts)
    assert isinstance(joined, MappedArray)
    assert np.array_equal(joined[:], X[rows + rows[::-1]])


def test_mapped_array_has_array_attributes(mapped_array: MappedArray) -> None:
    assert (mapped_array.shape, mapped_array.dtype, mapped_array.ndim, len(mapped_array), mapped_array.nbytes) == (
        X.shape,
        X.dtype,
        4,
        23,
        X.nbytes,
    )
    assert np.array_equal(np.asarray(mapped_array), X)
    assert np.array_equal(np.stack(list(mapped_array)), X)
    assert np.array_equal(digest_images(mapped_array, 3), digest_images(X, 3))
    assert np.array_equal(take_rows(mapped_array, X[:, 0, 0, 0] > 99)[:], take_rows(X, X[:, 0, 0, 0] > 99))
    with pytest.raises(IndexError):
        mapped_array[23]
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(mapped_array, copy=False)


@pytest.mark.parametrize("size", [0, 1, 23 * 60 - 1, 23 * 60 + 1])
def test_file_of_wrong_size_raises(tmp_path: Path, size: int) -> None:
    (tmp_path / "x.pixels").write_bytes(bytes(size))
    with pytest.raises(ValueError, match=r"."):
        MappedArray.open(tmp_path / "x.pixels", (23, 5, 4, 3))


@pytest.mark.parametrize("advice", [True, False])
def test_threads_read_correctly_while_memory_is_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: bool
) -> None:
    monkeypatch.setattr(mapped, "RELEASE_BYTES", 200)
    if not advice:
        monkeypatch.delattr(mmap, "MADV_DONTNEED", raising=False)
    (tmp_path / "x.pixels").write_bytes(X.tobytes())
    mapped_array = MappedArray.open(tmp_path / "x.pixels", (23, 5, 4, 3))

    def read(seed: int) -> bool:
        rows = np.random.default_rng(seed).integers(0, 23, 7)
        return np.array_equal(mapped_array[rows], X[rows])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(read, range(400)))


READ_ALL = """
import sys
from pathlib import Path
import numpy as np
from striate.data import mapped
mapped.RELEASE_BYTES = 16_000_000
x = mapped.MappedArray.open(Path(sys.argv[1]), (1000, 224, 224, 3))
peak = 0
for rows in np.random.default_rng(0).permutation(1000).reshape(-1, 40):
    x[rows]
    peak = max(peak, *(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssFile")))
print(peak)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much of a file is in memory")
def test_random_access_to_large_file_keeps_memory_low(tmp_path: Path) -> None:
    with (tmp_path / "x.pixels").open("wb") as file:
        for _ in range(10):
            file.write(bytes(100 * 224 * 224 * 3))  # 150 MB in total
    command = [sys.executable, "-c", READ_ALL, str(tmp_path / "x.pixels")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 80_000  # KiB, a third of which is the interpreter and NumPy
    (tmp_path / "x.pixels").unlink()


def test_dtype_and_shape_are_those_given_to_open(tmp_path: Path) -> None:
    rows = np.random.default_rng(1).normal(size=(6, 9)).astype(np.float32)
    (tmp_path / "features").write_bytes(rows.tobytes())
    mapped_array = MappedArray.open(tmp_path / "features", (6, 9), np.float32)
    assert (mapped_array.shape, mapped_array.ndim, mapped_array.nbytes) == ((6, 9), 2, rows.nbytes)
    assert mapped_array.dtype == np.float32
    np.testing.assert_array_equal(mapped_array[[5, 0]], rows[[5, 0]])
    with pytest.raises(ValueError):
        MappedArray.open(tmp_path / "features", (6, 9), np.float64)
