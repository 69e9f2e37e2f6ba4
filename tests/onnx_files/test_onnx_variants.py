"""The same function written in many ways: what imports gives ONNX Runtime's numbers, and what does not is named."""

from pathlib import Path

import numpy as np
import pytest

from striate._types import Array
from striate.engines.numpy import NumpyEngine
from striate.errors import NetworkError
from striate.onnx.importing import ImportedNetwork, import_onnx

from .graphs import numbers, runtime_outputs
from .variants import VARIANTS

TOLERANCE = 1e-5
REFUSED = {  # and what the error says
    "torch padding by reflection": "it pads with something other than zeros",
    "torch hard shrink": "Striate has no layer for Greater",
}


def opened(name: str, folder: Path) -> tuple[ImportedNetwork, Array, list[Array]]:
    """Return the network, an input of the file, and what ONNX Runtime computes of it."""
    proto = VARIANTS[name]()
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    sizes = [size.dim_value or 2 for size in proto.graph.input[0].type.tensor_type.shape.dim]
    x = numbers(*sizes)
    return import_onnx(path), x, runtime_outputs(proto, x)


@pytest.mark.parametrize("name", sorted(VARIANTS.keys() - REFUSED.keys()))
def test_variant_gives_the_same_numbers(tmp_path: Path, name: str) -> None:
    imported, x, expected = opened(name, tmp_path)
    network = imported.network
    found = NumpyEngine(network, imported.weights).forward([x.reshape(2, *network.input_shapes[0])])
    if len(found) < len(expected) or expected[0].dtype.kind == "i":
        assert "(ArgMax)" in imported.notes[0]
        classes = next(output for output in expected if output.dtype.kind == "i")
        assert (found[0].argmax(axis=-1) == classes.reshape(-1)).all()
        expected = [output for output in expected if output.dtype.kind == "f"]
    for own, output in zip(found, expected, strict=False):
        channels_first = own.transpose(0, 3, 1, 2) if own.ndim == 4 else own
        np.testing.assert_allclose(channels_first.reshape(output.shape), output, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("name", REFUSED)
def test_other_functions_raise(tmp_path: Path, name: str) -> None:
    with pytest.raises(NetworkError, match=REFUSED[name]):
        opened(name, tmp_path)


def test_nearly_all_variants_import() -> None:
    assert len(VARIANTS) >= 60
    assert 1 - len(REFUSED) / len(VARIANTS) >= 0.95


ALIKE = [  # graphs of one function, and the layers they become
    (("torch gelu", "tf gelu", "jax gelu", "paddle gelu", "torch gelu, opset 20"), ["Activation"]),
    (("tf gelu tanh", "torch gelu tanh", "jax gelu tanh", "torch gelu tanh, opset 20"), ["Activation"]),
    (("torch mish", "tf mish", "torch mish, opset 18"), ["Activation"]),
    (
        ("torch global average", "torch full window", "torch mean, dynamo", "torch mean twice",
         "torch mean twice, kept", "tf mean twice, channels last", "torch view(N, C, -1), ReduceMean",
         "torch flatten(2), mean", "torch flatten(2), transpose, mean", "paddle sum and div"),
        ["GlobalAveragePool2D"],
    ),
    (("torch squeeze and excitation", "torch squeeze and excitation, Shape and Expand"),
     ["GlobalAveragePool2D", "Dense", "Multiply"]),
    (("torch gray by expand", "onnx gray by expand", "torch gray by repeat"), ["SelectChannels", "Conv2D"]),
    (("torch layer norm, channels last", "torch layer norm, opset 13",
      "torch layer norm of channels first, written out"), ["LayerNormalization"]),
    (("torch group norm", "torch group norm, opset 21"), ["GroupNormalization"]),
]  # fmt: skip


@pytest.mark.parametrize(("names", "layers"), ALIKE)
def test_equal_functions_get_equal_layers(tmp_path: Path, names: tuple[str, ...], layers: list[str]) -> None:
    for name in names:
        network = opened(name, tmp_path)[0].network
        assert [entry.layer.kind for entry in network.nodes[1:]] == layers, name
