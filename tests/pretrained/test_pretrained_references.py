"""With the weights of timm and torchvision, our networks compute what theirs compute.

The references were recorded by benchmarks/reference_bases.py: names and shapes of all arrays, and outputs for weights
that are a function of their names.
"""

import gzip
import json
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from striate import zoo
from striate._types import Array
from striate.engines.onnxruntime import OnnxEngine
from striate.errors import ModelFileError
from striate.network.outputs import with_output_activation
from striate.pretrained import load_pretrained, required_settings

REFERENCES: dict[str, dict[str, Any]] = {
    library: json.loads(gzip.decompress((Path(__file__).parent / f"references/{library}.json.gz").read_bytes()))
    for library in ("timm", "torchvision")
}
CASES = [(library, id) for library, found in REFERENCES.items() for id in found["networks"]]
SHAPE = (65, 96, 3)


def array_for(name: str, shape: tuple[int, ...]) -> Array:
    """Return the array that benchmarks/reference_bases.py gave to the original."""
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    count = math.prod(shape)
    if shape and count > shape[0]:
        return generator.standard_normal(shape, np.float32) * np.float32((2 / (count // shape[0])) ** 0.5)
    if name.endswith(("weight", "running_var", "gamma", "layer_scale")):
        return generator.random(shape, np.float32) * np.float32(0.6) + np.float32(0.7)
    return generator.standard_normal(shape, np.float32) * np.float32(0.1)


def weights_of(library: str, id: str, folder: Path, without: str = "", extra: str = "") -> Path:
    """Write the weights of a reference, except one array, with another one."""
    arrays = REFERENCES[library]["networks"][id]["arrays"]
    found = {name: array_for(name, tuple(shape)) for name, shape in arrays.items() if name != without}
    if extra:
        found[extra] = np.zeros(3, np.float32)
    save_file(found, folder / "weights.safetensors")
    return folder / "weights.safetensors"


def images() -> Array:
    small = np.random.default_rng(1).integers(0, 256, (2, 5, 6, 3), dtype=np.uint8)
    return small.repeat(SHAPE[0] // 5, axis=1).repeat(SHAPE[1] // 6, axis=2)


@pytest.mark.parametrize(("library", "id"), CASES)
def test_outputs_are_those_of_the_original(library: str, id: str, tmp_path: Path) -> None:
    path = weights_of(library, id, tmp_path)
    network = zoo.network(id, input_shape=SHAPE, classes=10, **required_settings(id, str(path)))
    weights, notes = load_pretrained(network, path)
    assert notes == ()
    assert set(weights) == {parameter.name for parameter in network.parameters}
    (found,) = OnnxEngine(with_output_activation(network, "linear"), weights).forward([images()])
    expected = np.array(REFERENCES[library]["networks"][id]["outputs"])
    np.testing.assert_allclose(found[:, 1:] - found[:, :1], expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    assert np.ptp(expected, axis=0).max() > 0.01 * np.abs(expected).max()  # otherwise any weights would pass


def test_all_names_that_do_not_fit_are_in_one_message(tmp_path: Path) -> None:
    network = zoo.network("mobilenetv3-small", classes=10, epsilon=1e-5)
    path = weights_of("timm", "mobilenetv3-small", tmp_path, "blocks.1.0.bn2.bias", "blocks.9.weight")
    with pytest.raises(ModelFileError) as caught:
        load_pretrained(network, path)
    assert str(caught.value) == (
        f"'{path}' contains the weights of another network: it contains 'blocks.9.weight', which 'mobilenetv3-small' "
        "does not have, and it lacks 'blocks.1.0.bn2.bias'."
    )
    with pytest.raises(ModelFileError, match=r"only \d+ of its 210 names belong to 'resnet18', which has 102 such as"):
        load_pretrained(zoo.network("resnet18"), path)
    with pytest.raises(
        ModelFileError, match=r"only \d+ of its 210 names belong to 'efficientnet-b0', which has 311 such as"
    ):
        load_pretrained(zoo.network("efficientnet-b0"), weights_of("torchvision", "mobilenetv3-small", tmp_path))


def test_dense_layers_may_be_convolutions_in_the_file(tmp_path: Path) -> None:
    """Timm's VGG16 reads the flattened maps with a convolution of their size."""
    network = zoo.network("vgg16", input_shape=(32, 64, 3), classes=3)
    theirs, _ = zoo.get_architecture("vgg16").weight_names
    expected, arrays = {}, {}
    for parameter in network.parameters:
        layer, _, variable = parameter.name.partition("/")
        values = expected[parameter.name] = np.random.default_rng(1).random(parameter.shape, np.float32)
        if variable == "bias":
            arrays[f"{theirs.layer_name(layer)}.bias"] = values
        elif layer == "fc6":  # (H·W·C, O) → (H, W, C, O) → (O, C, H, W)
            arrays["pre_logits.fc1.weight"] = values.reshape(1, 2, 512, 4096).transpose(3, 2, 0, 1)
        elif layer == "fc7":
            arrays["pre_logits.fc2.weight"] = values.T[:, :, None, None]
        else:
            name = "head.fc" if layer == "output" else theirs.layer_name(layer)
            arrays[f"{name}.weight"] = values.T if values.ndim == 2 else values.transpose(3, 2, 0, 1)
    for old, new in (
        ("classifier.0", "pre_logits.fc1"),
        ("classifier.3", "pre_logits.fc2"),
        ("classifier.6", "head.fc"),
    ):
        arrays[f"{new}.bias"] = arrays.pop(f"{old}.bias")
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, tmp_path / "vgg.safetensors")
    weights, notes = load_pretrained(network, tmp_path / "vgg.safetensors")
    assert notes == ()
    for name, array in expected.items():
        np.testing.assert_array_equal(weights[name], array)
