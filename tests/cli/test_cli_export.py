"""The command `striate export`: the file has the model's outputs, or is not written."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from striate._types import Array
from striate.data import load
from striate.engines.onnxruntime import open_session
from striate.errors import DataError, ModelFileError, UsageError
from striate.images import ImagePolicy, encode_png, read_image
from striate.models import Model
from striate.models.open_set import open_set_distances
from striate.network import BatchNormalization, Conv2D, Dense, Flatten, Input, MaxPool2D, Network, Rescale
from striate.onnx.export import to_onnx
from striate.workflows import export as module
from striate.workflows.export import ExportResult, ensemble_network, export
from striate.workflows.trained_model import TrainedModel, open_trained_model

from .conftest import Cli, Finished

CLASSES = ("가", "나", "cat")
POLICY = ImagePolicy(8, 9, 3, "crop")


def small_model(seed: int = 0, shape: tuple[int, int, int] = POLICY.shape) -> Model:
    conv = Conv2D(shape[2], 3, padding="same", name="conv")  # used twice
    layers = [Rescale(), conv, BatchNormalization(), conv, MaxPool2D(2), Flatten(), Dense(3, activation="softmax")]
    model = Model.from_network(Network.sequential([Input(shape), *layers], name="small"), seed=seed)
    model.classes, model.policy = CLASSES, POLICY
    return model


def trained_model(*models: Model, data: str | None = None, threshold: float | None = None) -> TrainedModel:
    return TrainedModel(models, 0.5, data, distance_threshold=threshold)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of 20 images of several sizes."""
    folder, generator = tmp_path / "images", np.random.default_rng(0)
    folder.mkdir()
    for number in range(20):
        size = generator.integers(6, 40, 2)
        (folder / f"그림 {number}.png").write_bytes(encode_png(generator.integers(0, 256, (*size, 3), dtype=np.uint8)))
    return folder


def predictions(data: Path, trained: TrainedModel) -> tuple[Array, Array]:
    """Return all images of a folder in the model's size, and the model's probabilities."""
    x = np.stack([trained.policy.read(file) for file in sorted(data.iterdir())])
    return x, trained.outputs(x)


def test_export_of_a_run(trained: tuple[Path, Finished], cli: Cli, tmp_path: Path) -> None:
    result = cli("export", trained[0], "--to", "out/model.onnx")
    assert result.returncode == 0, result.stderr
    assert re.search(r"^out/model\.onnx: \d+\.\d [kM]B, float32$".replace("/", r"[/\\]"), result.stdout, re.MULTILINE)
    assert re.search(r"on \d+ test images of mnist5k: same predicted class for all, prob.* by at most \de-0\d$",
                     result.stdout, re.MULTILINE)  # fmt: skip
    assert result.stderr == ""
    test = load("mnist5k").test
    found = open_session(str(tmp_path / "out" / "model.onnx"))([test.x])[0]
    expected = open_trained_model(trained[0]).outputs(test.x)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    metadata = {item.key: item.value for item in onnx.load(tmp_path / "out" / "model.onnx").metadata_props}
    assert json.loads(metadata["classes"]) == [str(digit) for digit in range(10)]
    assert json.loads(metadata["policy"])["fit"] == "digit"
    assert 0 < json.loads(metadata["unknown_threshold"]) < 1
    assert metadata["fingerprint"] == json.dumps(load("mnist5k").fingerprint)


def test_the_file_recognizes_unknown_images_as_the_run_does(
    trained: tuple[Path, Finished], cli: Cli, tmp_path: Path
) -> None:
    cli("export", trained[0], "--to", "model.onnx")
    cli("export", trained[0], "--to", "small.onnx", "--int8")
    test = load("mnist5k").test.x[:200]
    x = np.concatenate([test, test[:, :, ::-1], 255 - test, np.zeros_like(test[:1])])
    model = open_trained_model(trained[0])
    probabilities, unknown = model.predict_open_set(x)
    assert 0.1 < unknown.mean() < 0.9
    found = open_session(str(tmp_path / "model.onnx"))([x])
    np.testing.assert_allclose(found[0], probabilities, atol=1e-5)
    np.testing.assert_array_equal(found[2], unknown)
    (detector,) = model.detectors
    np.testing.assert_array_equal(found[1] > detector.threshold, unknown)
    assert (open_session(str(tmp_path / "small.onnx"))([x])[2] == unknown).mean() > 0.97
    again = open_trained_model(tmp_path / "model.onnx")
    assert again.detects_unknown
    np.testing.assert_array_equal(again.predict_open_set(x)[1], unknown)


def test_int8(trained: tuple[Path, Finished], cli: Cli, tmp_path: Path) -> None:
    result = cli("export", trained[0], "--to", "small.onnx", "--int8")
    assert (result.returncode, result.stderr) == (0, "")
    pattern = r"effect of quantization: (\d+) of these (\d+) images correct before, (\d+) after"
    match = re.search(pattern, result.stdout)
    assert match
    before, images, after = map(int, match.groups())
    assert abs(before - after) <= 2
    test = load("mnist5k").test
    assert images == len(test)
    found = open_session(str(tmp_path / "small.onnx"))([test.x])[0].argmax(axis=1)
    assert (found == test.y).sum() == after


def test_images_of_any_size(tmp_path: Path, images: Path) -> None:
    """The file receives full-size images; the model receives them resized by its policy."""
    trained = trained_model(small_model())
    result = export(trained, tmp_path / "any.onnx", resize=True, images=[str(images)])
    assert (result.images, result.agreement) == ("20 images", 1)
    session = open_session(str(tmp_path / "any.onnx"))
    for file in images.iterdir():
        image = read_image(file)
        expected = trained.outputs(POLICY.apply(image)[None])
        np.testing.assert_allclose(session([image[None]])[0], expected, atol=0.01)


def test_gray_images_of_any_size(tmp_path: Path, images: Path) -> None:
    model = small_model(shape=(8, 9, 1))
    model.policy = ImagePolicy(8, 9, 1, "stretch")
    result = export(trained_model(model), tmp_path / "any.onnx", resize=True, images=[str(images)])
    assert result.agreement == 1


def test_ensemble_is_exported_as_one_network(tmp_path: Path, images: Path) -> None:
    trained = trained_model(*(small_model(seed) for seed in range(3)))
    result = export(trained, tmp_path / "three.onnx", images=[str(images)])
    assert result.difference < 1e-6
    x, expected = predictions(images, trained)
    np.testing.assert_allclose(open_session(str(tmp_path / "three.onnx"))([x])[0], expected, atol=1e-6)
    network, weights = ensemble_network(trained.models)
    assert network.name == "small × 3"
    assert network.layer("member-2.conv") == Conv2D(3, 3, padding="same", name="member-2.conv")
    model = Model.from_network(network)
    model.named_weights = weights
    np.testing.assert_allclose(model.predict(x), expected, atol=1e-6)


def test_exported_ensemble_recognizes_unknown_images(tmp_path: Path, images: Path) -> None:
    rng = np.random.default_rng(0)
    members = [small_model(seed) for seed in range(3)]
    x = rng.integers(0, 256, (80, *members[0].network.input_shapes[0]), dtype=np.uint8)
    for model in members:
        model.fit_unknown(x[:40], np.arange(40) % 2, validation_data=(x[40:60], np.arange(20) % 2))
    pairs = zip(members, trained_model(*members, threshold=1).detectors, strict=True)
    distances = np.mean([open_set_distances(model, detector, x) for model, detector in pairs], axis=0)
    trained = trained_model(*members, threshold=float(np.median(distances)))
    expected, unknown = trained.predict_open_set(x)
    assert 0.3 < unknown.mean() < 0.7
    export(trained, tmp_path / "three.onnx", images=[str(images)])
    found = open_session(str(tmp_path / "three.onnx"))([x])
    np.testing.assert_allclose(found[0], expected, atol=1e-6)
    np.testing.assert_allclose(found[1], distances, rtol=1e-3)
    assert (found[2] == unknown).mean() > 0.95  # one lies on the threshold
    again = open_trained_model(tmp_path / "three.onnx")  # one network, without the members' detectors
    np.testing.assert_allclose(again.outputs(x), expected, atol=1e-6)
    assert not again.detects_unknown


def test_members_with_different_inputs_raise() -> None:
    with pytest.raises(UsageError, match=r"The members of the ensemble take images of different sizes"):
        ensemble_network([small_model(), small_model(shape=(9, 9, 3))])


@pytest.mark.parametrize("damage", [0.05, np.nan])
def test_file_with_different_outputs_is_not_written(
    damage: float, tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The existing file is kept."""

    def wrong(network: Network, weights: dict[str, Array], **options: Any) -> bytes:
        bias = weights["dense/bias"] + np.array([damage, 0, 0], "float32")
        return to_onnx(network, weights | {"dense/bias": bias}, **options)

    target = tmp_path / "model.onnx"
    export(trained_model(small_model(1)), target, images=[str(images)])
    before = target.read_bytes()
    monkeypatch.setattr(module, "to_onnx", wrong)
    with pytest.raises(
        ModelFileError,
        match=r"The ONNX file was not written: on 20 of 20 images its outputs differ from the original's "
        r"by up to (0\.01\d*|nan), most on .*그림 \d+\.png\.",
    ):
        export(trained_model(small_model()), target, images=[str(images)])
    assert target.read_bytes() == before


def test_only_an_earlier_export_is_overwritten(tmp_path: Path, images: Path) -> None:
    target = tmp_path / "model.onnx"
    export(trained_model(small_model(1)), target, images=[str(images)])
    older = target.read_bytes()
    for int8 in (True, False):
        export(trained_model(small_model()), target, int8=int8, images=[str(images)])
        assert target.read_bytes() != older
    foreign = onnx.load(target)
    del foreign.metadata_props[:]
    for content in (b"a letter", foreign.SerializeToString()):
        target.write_bytes(content)
        with pytest.raises(UsageError, match=r"model\.onnx' already exists and was not exported by Striate\. Choose"):
            export(trained_model(small_model()), target, images=[str(images)])
        assert target.read_bytes() == content
    assert not list(tmp_path.glob(".*.tmp"))


def test_export_without_any_images(tmp_path: Path) -> None:
    """If the data set is gone, the export still works, and a note reports it."""
    missing = export(trained_model(small_model(), data=str(tmp_path / "gone")), tmp_path / "a.onnx")
    unknown = export(trained_model(small_model()), tmp_path / "b.onnx")
    for result, reason in (
        (missing, r"The data set it was trained on cannot be loaded \(There is no data set or folder '.*gone'"),
        (unknown, "The model does not say which data set it was trained on"),
    ):
        assert (result.images, result.agreement, result.correct) == ("256 random images", 1, None)
        (note,) = result.notes
        assert re.match(
            reason + r".*, so random images are used in place of images\. Pass real images with --images\.$", note
        )


def test_images_that_cannot_be_read(tmp_path: Path, images: Path) -> None:
    (images / "bad.jpg").write_bytes(b"no image")
    result = export(trained_model(small_model()), tmp_path / "a.onnx", images=[str(images), "missing.png"])
    assert result.images == "20 images"
    assert [re.sub(r"(?<=').*[/\\]", "", note) for note in result.notes] == [
        "Skipped: There is no file or folder 'missing.png'.",
        "Skipped: 'bad.jpg' cannot be read: it is a text file, not a JPEG, PNG, WebP, BMP, GIF, TIFF or PPM image.",
    ]
    with pytest.raises(DataError, match=r"None of the images to compare on can be read\. Skipped: .*bad\.jpg"):
        export(trained_model(small_model()), tmp_path / "b.onnx", images=[str(images / "bad.jpg")])
    assert not (tmp_path / "b.onnx").exists()


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--to", "model.pb"], 2, r"^Error: 'model\.pb' ends in '\.pb', which does not say"),
        (["--to", "m.onnx", "--resize"], 2, r"^Error: Images with fit 'digit' cannot be resized inside"),
        ([], 2, r"Missing option '--to'"),
    ],
)
def test_invalid_requests_raise(
    args: list[str], code: int, message: str, trained: tuple[Path, Finished], cli: Cli
) -> None:
    result = cli("export", trained[0], *args)
    assert result.returncode == code
    assert re.search(message, result.stderr, re.MULTILINE), result.stderr
    assert result.stdout == ""


def test_models_without_an_image_policy(tmp_path: Path) -> None:
    model = small_model()
    model.policy = None
    with pytest.raises(ModelFileError, match=r"The model 'small' does not record how images become its input\."):
        export(trained_model(model), tmp_path / "m.onnx")


def test_number_of_compared_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as fit into a budget of multiply-adds, spread evenly over the split, but no fewer than a minimum."""
    monkeypatch.setattr(module, "MIN_IMAGES", 10)
    model = Model.from_network(Network.sequential([Input((28, 28, 1)), Flatten(), Dense(10, activation="softmax")]))
    model.classes, model.policy = tuple(map(str, range(10))), ImagePolicy(28, 28, 1, "digit")

    def compared(budget: float) -> ExportResult:
        monkeypatch.setattr(module, "MAX_MULTIPLY_ADDS", budget)
        return export(trained_model(model, data="mnist5k"), tmp_path / "m.onnx")

    test = len(load("mnist5k").test)
    assert compared(7840 * 50.5).images == "50 test images of mnist5k"
    assert compared(1).images == "10 test images of mnist5k"
    assert compared(1e12).images == f"{test} test images of mnist5k"


def test_training_with_onnx_raises_before_anything_is_created(cli: Cli, tmp_path: Path) -> None:
    result = cli("train", "--engine", "onnx", "--out", "run")
    assert (result.returncode, result.stdout) == (2, "")
    assert "'onnx' is not one of 'auto', 'numpy', 'torch'." in result.stderr
    assert not (tmp_path / "run").exists()
