"""Downloads: checksums, and continuing after an interruption."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from striate import downloads
from striate.downloads import fetch
from striate.errors import DownloadError

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()[:8]


class Server:
    """Serves CONTENT; cut: the connection closes after so many bytes; ranges: whether range requests are supported."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.cut: int | None = None
        self.ranges = True
        self.ranges_requested: list[str | None] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requested = self.headers["Range"]
                server.ranges_requested.append(requested)
                start = int(requested.removeprefix("bytes=").removesuffix("-")) if requested and server.ranges else 0
                if start and start >= len(server.content):
                    self.send_error(416)
                    return
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(server.content) - start))
                self.end_headers()
                self.wfile.write(server.content[start : server.cut])

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}/file-{SHA256}.pth"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def test_file_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    for _ in range(2):
        assert fetch(server.address, path, SHA256) == path
        assert path.read_bytes() == CONTENT
    assert server.ranges_requested == [None]
    assert [file.name for file in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("ranges", [True, False])
def test_interrupted_download_resumes_or_restarts(server: Server, tmp_path: Path, ranges: bool) -> None:
    server.cut, server.ranges = 6000, ranges
    path = tmp_path / "file"
    with pytest.raises(
        DownloadError, match=r"the connection ended after 6,000 of 10,240 bytes\. Try again; a download continues w"
    ):
        fetch(server.address, path, SHA256)
    assert not path.exists()
    server.cut = None
    fetch(server.address, path, SHA256)
    assert path.read_bytes() == CONTENT
    assert server.ranges_requested == [None, "bytes=6000-"]


def test_complete_or_oversized_partial_file(server: Server, tmp_path: Path) -> None:
    path, part = tmp_path / "file", tmp_path / "file.part"
    part.write_bytes(CONTENT)
    assert fetch(server.address, path, SHA256).read_bytes() == CONTENT
    path.unlink()
    part.write_bytes(CONTENT + b"more")
    with pytest.raises(DownloadError, match=f"its SHA-256 does not begin with {SHA256}"):
        fetch(server.address, path, SHA256)
    assert fetch(server.address, path, SHA256).read_bytes() == CONTENT


def test_wrong_file_is_deleted_and_damaged_file_is_replaced(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"damaged")
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(DownloadError, match=r"/file-.*\.pth is not the expected file: its SHA-256 does not"):
        fetch(server.address, path, SHA256)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    server.content = CONTENT
    assert fetch(server.address, path, SHA256).read_bytes() == CONTENT


def test_failed_download_error_gives_the_reason(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MAX_BYTES", 9000)
    with pytest.raises(DownloadError, match="could not be downloaded: it has more than 9,000 bytes"):
        fetch(server.address, tmp_path / "file", SHA256)
    with pytest.raises(DownloadError, match="nonsense could not be downloaded: unknown url type"):
        fetch("nonsense", tmp_path / "other", SHA256)
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(DownloadError, match=r"could not be downloaded: .*taken"):
        fetch(server.address, tmp_path / "taken" / "file", SHA256)


def test_concurrent_downloads_in_several_processes(server: Server, tmp_path: Path) -> None:
    server.content = content = bytes(3 * downloads.CHUNK + 5)
    sha256 = hashlib.sha256(content).hexdigest()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fetch(server.address, tmp_path / "file", sha256).read_bytes(), range(4)))
    assert found == [content] * 4


def test_another_process_may_finish_the_download_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"

    def lose(address: str, part: Path) -> None:
        path.write_bytes(CONTENT)
        raise FileNotFoundError(part)

    monkeypatch.setattr(downloads, "_resume", lose)
    assert fetch("http://example.invalid/file", path, SHA256) == path
