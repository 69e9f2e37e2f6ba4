"""The table of Keras code in docs/keras: every row runs, and the documents are written from it."""

import gzip
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import keras_table  # noqa: E402 - a program of tools/
from keras_table import Probe  # noqa: E402

PROBES = keras_table.probes()


@pytest.fixture(scope="module", autouse=True)
def small_mnist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Ten images in place of MNIST, which not every machine has."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "mnist").mkdir()
    for part in ("train", "t10k"):
        images, labels = b"\0\0\x08\x03" + bytes((0, 0, 0, 10, 0, 0, 0, 28, 0, 0, 0, 28)), b"\0\0\x08\x01\0\0\0\x0a"
        files = {"images-idx3": images + bytes(10 * 28 * 28), "labels-idx1": labels + bytes(range(10))}
        for name, content in files.items():
            (folder / "mnist" / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIATE_DATA", str(folder))
        yield


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.id)
def test_row_behaves_as_the_table_says(probe: Probe) -> None:
    found, outcome = keras_table.classify(probe)
    expected = {"same": "same", "refused": "refused", "different": "differs"}[probe.kind]
    assert found == expected, f"{probe.code}\n{outcome}\nKeras: {probe.value}"
    if probe.kind == "refused":
        assert probe.message, "the row needs the message"
        assert probe.message in outcome.message
    elif probe.kind == "different":
        assert not outcome.error, outcome.message
    if probe.striate:
        other = keras_table.run(probe.striate, "striate")
        assert keras_table.agrees(other, probe.striate_value or probe.value), f"{other}\nKeras: {probe.value}"


def test_rows_are_complete() -> None:
    assert not [name for name, count in Counter(probe.id for probe in PROBES).items() if count > 1]
    for probe in PROBES:
        assert probe.en and probe.ko, probe.id
        assert probe.kind == "same" or (probe.why_en and probe.why_ko), probe.id


@pytest.mark.parametrize(("language", "name"), [("en", "keras.md"), ("ko", "keras.ko.md")])
def test_documents_are_up_to_date(language: str, name: str) -> None:
    written = (ROOT / "docs" / name).read_text("utf-8")
    assert written == keras_table.document(language), "run: python tools/keras_table.py"
