"""Fetch ONNX Runtime for browsers from its npm package, and pack what exported pages need.

python tools/fetch_onnxruntime_web.py            # needs npm; writes src/striate/web/vendor/onnxruntime-web.tar.xz
python tools/fetch_onnxruntime_web.py PACKAGE.tgz

Of 138 MB, a page needs two files: the library with its loader, and the WebAssembly build for CPUs. The package is
checked against INTEGRITY, and the archive is the same bytes on each run with the same onnxruntime installed, whose
license files it includes.
"""

import hashlib
import io
import lzma
import subprocess
import sys
import tarfile
from base64 import b64encode
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory

PACKAGE = "onnxruntime-web@1.30.0"
INTEGRITY = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="  # sha512, of npm
FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
LICENSES = ("LICENSE", "ThirdPartyNotices.txt")  # the npm package has none; these are of the Python package
TARGET = Path(__file__).parents[1] / "src/striate/web/vendor/onnxruntime-web.tar.xz"


def download() -> bytes:
    """Return the npm package."""
    with TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", PACKAGE], cwd=folder, check=True)
        (file,) = Path(folder).iterdir()
        return file.read_bytes()


def pack(package: bytes) -> bytes:
    """Return the archive made of an npm package. Raises SystemExit if it is not the expected one."""
    if b64encode(hashlib.sha512(package).digest()).decode() != INTEGRITY:
        raise SystemExit(f"The package is not {PACKAGE}: its checksum differs.")
    contents = {}
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for name in FILES:
            member = archive.extractfile(f"package/dist/{name}")
            assert member
            contents[name] = member.read()
    for name in LICENSES:
        contents[name] = Path(str(distribution("onnxruntime").locate_file(f"onnxruntime/{name}"))).read_bytes()
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in contents.items():
            header = tarfile.TarInfo(name)
            header.size, header.mode = len(content), 0o644
            archive.addfile(header, io.BytesIO(content))
    return lzma.compress(plain.getvalue(), preset=9 | lzma.PRESET_EXTREME)


if __name__ == "__main__":
    packed = pack(Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else download())
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(packed)
    print(f"{TARGET}: {len(packed):,} bytes, sha256 {hashlib.sha256(packed).hexdigest()}")
