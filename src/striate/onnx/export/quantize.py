"""Quantize ONNX models to 8-bit weights and feature maps: a quarter of the size, and faster."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from onnx import ModelProto
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from striate._types import Array
from striate.onnx.metadata import DETECTOR

PREPARED = "onnx.quant.pre_process"  # metadata key that tells ONNX Runtime that batch normalizations are already folded
WEIGHTED = {"Conv", "Gemm"}
# Probabilities in steps of 1/255 could not tell confident answers apart; a normalization has no kernel to quantize.
FLOAT_KINDS = {"Softmax", "LogSoftmax", "BatchNormalization"}


def quantize(model: bytes, batches: Iterable[Sequence[Array]]) -> bytes:
    """Quantize a model made by `to_onnx` to int8 weights and uint8 feature maps (QDQ format).

    Everything before the first weights, softmax, normalizations that could not be folded and the detector of unknown
    images stay in float32.

    Args:
        model: The bytes of the model.
        batches: Inputs for calibration, similar to those in later use; they determine the range of each feature map.

    Returns:
        The bytes of the quantized model, with the same metadata and `quantized`.
    """
    proto = onnx.load_from_string(model)
    metadata = {item.key: item.value for item in proto.metadata_props}
    onnx.helper.set_model_props(proto, {PREPARED: "onnxruntime.quant"})
    names = [info.name for info in proto.graph.input]
    with TemporaryDirectory(prefix="striate-") as folder:
        path = Path(folder) / "model.onnx"
        quantize_static(
            proto, path, _BatchReader(dict(zip(names, batch, strict=True)) for batch in batches),
            quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, nodes_to_exclude=_float_nodes(proto),
        )  # fmt: skip
        quantized = onnx.load(path)
    quantized.producer_name, quantized.producer_version = proto.producer_name, proto.producer_version
    onnx.helper.set_model_props(quantized, {**metadata, "quantized": '"int8"'})
    return bytes(quantized.SerializeToString())


def _float_nodes(model: ModelProto) -> list[str]:
    """Return the names of the operators that stay in float32."""
    op_types = [node.op_type for node in model.graph.node]
    first = next((index for index, op_type in enumerate(op_types) if op_type in WEIGHTED), len(op_types))
    return [
        node.name
        for index, node in enumerate(model.graph.node)
        if index < first or node.op_type in FLOAT_KINDS or node.name.startswith(f"{DETECTOR}/")
    ]


class _BatchReader(CalibrationDataReader):  # type: ignore[misc]
    """Batches, as ONNX Runtime reads them for calibration."""

    def __init__(self, batches: Iterator[dict[str, Array]]) -> None:
        self._batches = batches

    def get_next(self) -> dict[str, Array] | None:
        return next(self._batches, None)
