import gzip
import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from striate.data import download, load, mnist
from striate.data.mnist import SHA256, download_mnist, find_mnist, official_parts, read_ahead, read_idx
from striate.errors import DataError, DownloadError

REAL = find_mnist()
PUBLISHED_MD5 = {
    "train-images-idx3-ubyte.gz": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte.gz": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte.gz": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte.gz": "27ae3e4e09519cfbb04c329615203637",
}
needs_mnist = pytest.mark.skipif(REAL is None, reason="MNIST is neither in STRIATE_DATA nor in the cache")


def idx(array: NDArray[np.uint8]) -> bytes:
    header = (0x800 + array.ndim).to_bytes(4, "big")
    return header + b"".join(size.to_bytes(4, "big") for size in array.shape) + array.tobytes()


@pytest.fixture
def small_mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bytes]:
    """Packed files of an MNIST with 60 + 20 images, accepted as the real one; no data folder, an empty cache."""
    rng = np.random.default_rng(0)
    files = {}
    for part, n in (("train", 60), ("t10k", 20)):
        files[f"{part}-images-idx3-ubyte.gz"] = idx(rng.integers(0, 256, (n, 28, 28), dtype=np.uint8))
        files[f"{part}-labels-idx1-ubyte.gz"] = idx((np.arange(n) % 10).astype(np.uint8))
    for name, content in files.items():
        monkeypatch.setitem(SHA256, name, hashlib.sha256(content).hexdigest())
    monkeypatch.delenv("STRIATE_DATA", raising=False)
    for module in ("mnist", "registry"):
        monkeypatch.setattr(f"striate.data.{module}.cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return {name: gzip.compress(content) for name, content in files.items()}


class Mirror:
    """A local web server that serves files, some of them damaged."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rsplit("/", 1)[-1]
                mirror.asked.append(name)
                if name not in mirror.files:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(mirror.declared_length(name)))
                self.end_headers()
                self.wfile.write(mirror.files[name])

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/mnist/"
        self.extra = 0
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def declared_length(self, name: str) -> int:
        return len(self.files[name]) + self.extra


@pytest.fixture
def mirrors() -> Iterator[tuple[Mirror, Mirror]]:
    pair = Mirror(), Mirror()
    yield pair
    for mirror in pair:
        mirror.server.shutdown()
        mirror.server.server_close()


Mirrors = tuple[Mirror, Mirror]


def test_mnist_is_downloaded_once_and_cached(
    small_mnist: dict[str, bytes], mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrors[0].files = small_mnist
    monkeypatch.setenv("STRIATE_MNIST_MIRRORS", mirrors[0].address)
    data = load("mnist")
    assert (len(data.train) + len(data.validation), len(data.test)) == (60, 20)
    assert data.test.y.tolist() == [*range(10)] * 2
    assert sorted(mirrors[0].asked) == sorted(small_mnist)
    assert load("mnist").fingerprint == data.fingerprint
    assert len(mirrors[0].asked) == 4
    assert Path(download("mnist")).name == "mnist"


@pytest.mark.parametrize("broken", ["missing", "wrong", "cut", "shorter than promised", "no gzip"])
def test_broken_mirror_falls_back_to_the_next(
    small_mnist: dict[str, bytes], mirrors: Mirrors, tmp_path: Path, broken: str
) -> None:
    bad, good = mirrors
    good.files = small_mnist
    bad.files = {
        "missing": {},
        "wrong": {name: gzip.compress(b"else") for name in small_mnist},
        "cut": {name: content[:-20] for name, content in small_mnist.items()},
        "shorter than promised": {name: content[:-20] for name, content in small_mnist.items()},
        "no gzip": dict.fromkeys(small_mnist, b"<html>please log in</html>"),
    }[broken]
    bad.extra = 20 if broken == "shorter than promised" else 0
    download_mnist(tmp_path / "new", [bad.address, good.address])
    assert {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()} == small_mnist
    assert len(bad.asked) == len(good.asked) == 4


def test_offline_error_contains_remedy(small_mnist: dict[str, bytes], mirrors: Mirrors, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        with pytest.raises(DownloadError) as caught:
            download_mnist(tmp_path / "new", [closed, mirrors[0].address, "nonsense"])
    message = str(caught.value)
    assert message.startswith("MNIST could not be downloaded. train-images-idx3-ubyte.gz: ")
    assert "refused" in message and "404" in message and "unknown url type" in message
    assert f"put {', '.join(small_mnist)} into '{tmp_path / 'new'}'" in message
    assert "use the data set 'mnist5k', which needs no download" in message
    assert not (tmp_path / "new").exists()


def test_only_missing_or_damaged_files_are_downloaded(
    small_mnist: dict[str, bytes], mirrors: Mirrors, tmp_path: Path
) -> None:
    mirrors[0].files = small_mnist
    download_mnist(tmp_path, [mirrors[0].address])
    lost, damaged, *_ = small_mnist
    (tmp_path / lost).unlink()
    (tmp_path / damaged).write_bytes(b"x")
    mirrors[0].asked.clear()
    download_mnist(tmp_path, [mirrors[0].address])
    assert sorted(mirrors[0].asked) == sorted([lost, damaged])


def test_endless_response_is_aborted(
    small_mnist: dict[str, bytes], mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "MAX_PACKED", 1000)
    mirrors[0].files = dict.fromkeys(small_mnist, b"x" * 5000)
    with pytest.raises(DownloadError, match="it is not a gzip file"):
        download_mnist(tmp_path, [mirrors[0].address])


def test_files_that_are_read_ahead_are_read_once(
    small_mnist: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    read_ahead()  # nothing is there yet: it neither downloads nor fails
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    for name, packed in small_mnist.items():
        (tmp_path / "mnist" / name).write_bytes(packed)
    expected = official_parts()
    read: list[str] = []

    def counting(path: Path, axes: int) -> NDArray[np.uint8]:
        read.append(path.name)
        return read_idx(path, axes)

    monkeypatch.setattr("striate.data.mnist.read_idx", counting)
    read_ahead()
    parts = official_parts()
    assert sorted(read) == sorted(SHA256)
    for part, other in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(part.x, other.x)
        np.testing.assert_array_equal(part.y, other.y)
    official_parts()
    assert len(read) == 8  # images that were returned are not kept in memory


def test_data_folder_has_priority_over_cache(
    small_mnist: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    for name, content in small_mnist.items():
        (tmp_path / "mnist" / name).write_bytes(content)
    assert len(load("mnist").test) == 20
    (tmp_path / "mnist/t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.zeros(7, np.uint8))))
    with pytest.raises(DataError, match=r"do not match: images \(20, 28, 28\), labels \(7,\)"):
        load("mnist")


def gzipped(content: bytes) -> bytes:
    """Compress without a timestamp, so that all pytest workers have equal test names."""
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read: it is truncated or damaged"),
        (b"plain", "cannot be read: it is not a gzip file"),
        (gzipped(idx(np.zeros((2, 3, 4), np.uint8)))[:-9], "cannot be read: it is "),
        (gzipped(b"\0\0\x08\x01\0\0"), "not an IDX file of bytes with 3 axes"),
        (gzipped(idx(np.zeros(24, np.uint8))), "not an IDX file of bytes with 3 axes"),
        (gzipped(idx(np.zeros((2, 3, 4), np.uint8))[:-1]), "should contain 24 bytes of data, but contains 23"),
        (gzipped((0x803).to_bytes(4, "big") + b"\xff" * 12), "bytes of data, but contains 0"),
    ],
)
def test_damaged_files_raise_with_reason_and_remedy(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_idx(path, 3)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)
    assert "Delete it and run `striate data download mnist`" in str(caught.value)


def test_flipped_bit_is_detected(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(idx(np.arange(240, dtype=np.uint8).reshape(10, 4, 6)), compresslevel=0))
    content[100] ^= 1
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises(DataError, match="it is not a gzip file, or it is damaged"):
        read_idx(tmp_path / "x.gz", 3)


def test_idx_round_trip(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    (tmp_path / "x.gz").write_bytes(gzip.compress(idx(array)))
    assert np.array_equal(read_idx(tmp_path / "x.gz", 3), array)


@needs_mnist
@pytest.mark.parametrize("name", PUBLISHED_MD5)
def test_checksums_equal_those_of_published_files(name: str) -> None:
    assert REAL is not None
    content = gzip.decompress((REAL / name).read_bytes())
    assert hashlib.md5(content).hexdigest() == PUBLISHED_MD5[name]
    assert hashlib.sha256(content).hexdigest() == SHA256[name]


@needs_mnist
def test_mnist_is_complete_and_parts_are_disjoint() -> None:
    data = load("mnist", seed=3)
    assert len(data.train) + len(data.validation) == 60_000
    assert abs(len(data.validation) - 6000) < 300
    assert np.bincount(data.test.y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.notes == ()
    trained = {pixels.tobytes() for pixels in data.train.x}
    for other in (data.validation, data.test):
        assert trained.isdisjoint(pixels.tobytes() for pixels in other.x)
    # A model trained on all of MNIST has not seen the test digits of the small sample either.
    assert trained.isdisjoint(pixels.tobytes() for pixels in load("mnist5k", seed=3).test.x)


def test_pickle_is_never_loaded() -> None:
    source = Path(mnist.__file__).parent
    assert all("allow_pickle=True" not in path.read_text("utf-8") for path in source.glob("*.py"))
    assert (source / "mnist5k.npz").stat().st_size < 1_300_000
