"""Read and check ONNX files of any program. No other file is opened, and nothing is executed."""

import os
from math import prod
from pathlib import Path

from onnx import ModelProto, defs

from striate.errors import ModelFileError
from striate.onnx.graph import OnnxGraph, OnnxNode, from_proto, shorten
from striate.onnx.importing.protobuf_scan import ProtobufError, check_size

TEXT_CHECK_BYTES = 512  # bytes of a file by which text is recognized
MAX_FILE_BYTES = 2**31  # protobuf reads no more
MAX_NODES = 20_000
MAX_INPUTS = 64
MAX_INPUT_VALUES = 1 << 28  # number of values of one image: a gigabyte of float32
MIN_OPSET = 7  # ONNX 1.2 (2017), the first in which Add and similar operators broadcast by themselves
FOREIGN_FORMATS = {  # first bytes of files that are mistaken for ONNX
    b"PK\x03\x04": "a zip archive, as PyTorch (.pt, .pth) and Keras (.keras) write; export it to ONNX there",
    b"\x89HDF": "an HDF5 file, as Keras writes; export it to ONNX there",
    b"\x80\x02": "a Python pickle, as older PyTorch writes; export it to ONNX there",
    b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"\x89PNG": "an image (PNG)",
    b"\xff\xd8\xff": "an image (JPEG)",
    b"GIF8": "an image (GIF)",
    b"RIFF": "an image or audio file (RIFF)",
    b"%PDF": "a PDF document",
    b"GGUF": "a language model (GGUF)",
    b"ORTM": "in ONNX Runtime's own format; use the .onnx file that it was made from",
    b"version https://git-lfs": "a Git LFS pointer in place of the file; fetch the file with git lfs pull",
    b"<": "a web page or XML, perhaps from a failed download",
    b"{": "JSON text",
}


def read_onnx(path: str | os.PathLike[str]) -> OnnxGraph:
    """Read and check the graph in an ONNX file.

    Args:
        path: The file.

    Returns:
        Its graph. Every operator is known to ONNX and called as ONNX specifies, and every name is defined once.

    Raises:
        ModelFileError: If the file is missing, damaged or not ONNX, keeps data outside itself, uses operators that ONNX
            does not define, or has unreasonable sizes.
    """
    model = parse_onnx(path)
    if len(model.graph.node) > MAX_NODES:
        raise ModelFileError(f"'{path}' has {len(model.graph.node):,} operators; at most {MAX_NODES:,} are supported.")
    graph = from_proto(model, str(path))
    if len(graph.inputs) > MAX_INPUTS:
        raise ModelFileError(f"'{path}' has {len(graph.inputs):,} inputs; at most {MAX_INPUTS} are supported.")
    _check_domains(graph, path)
    _check_opset(graph, path)
    for node in graph.nodes:
        _check_call(node, graph.opset, path)
    for name, spec in graph.inputs.items():
        if prod(size or 1 for size in spec.shape or ()) > MAX_INPUT_VALUES:
            raise ModelFileError(f"'{path}': its input '{shorten(name)}' is too large: {shorten(spec.shape)}.")
        if any(size is not None and size < 0 for size in spec.shape or ()):
            raise ModelFileError(f"'{path}': its input '{shorten(name)}' has an invalid shape: {shorten(spec.shape)}.")
    return graph


def parse_onnx(path: str | os.PathLike[str]) -> ModelProto:
    """Parse an ONNX file without checking its graph.

    Args:
        path: The file.

    Returns:
        The protobuf message.

    Raises:
        ModelFileError: If the file cannot be read or is not ONNX.
    """
    content = _read_bytes(Path(path))
    if foreign := _foreign_format(content):
        raise ModelFileError(f"'{path}' is not an ONNX file; it is {foreign}.")
    try:
        check_size(content, ModelProto.DESCRIPTOR)
        model: ModelProto = ModelProto.FromString(content)
    except ProtobufError as error:
        raise ModelFileError(f"'{path}' is not an ONNX file, or it {error}.") from error
    except Exception as error:  # protobuf's DecodeError; only the onnx package depends on protobuf
        raise ModelFileError(f"'{path}' is not an ONNX file, or it is damaged or incomplete.") from error
    if not model.HasField("graph") or not model.graph.output:
        raise ModelFileError(f"'{path}' is not an ONNX file, or it is damaged: it contains no graph with outputs.")
    return model


def _read_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise ModelFileError(f"'{path}' is a folder; expected an ONNX file.")
    if not path.exists():
        raise ModelFileError(f"There is no file '{path}'.")
    if not path.is_file():
        raise ModelFileError(f"'{path}' is not a regular file.")
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ModelFileError(f"'{path}' has {size / 1e9:.1f} GB; an ONNX file can hold at most 2 GB.")
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"'{path}' cannot be read: {error.strerror or error}.") from error
    if not content:
        raise ModelFileError(f"'{path}' is empty.")
    return content


def _foreign_format(content: bytes) -> str | None:
    """Describe a file that is certainly not ONNX; return None for other files."""
    for beginning, description in FOREIGN_FORMATS.items():
        if content.startswith(beginning):
            return description
    if content[4:8] == b"TFL3":
        return "a TensorFlow Lite model; convert it with tf2onnx"
    if content[8:10] == b'{"' and int.from_bytes(content[:8], "little") < len(content):
        return "a safetensors file; Striate's own models open with striate.load"
    return "a text file" if _is_text(content[:TEXT_CHECK_BYTES]) else None


def _is_text(beginning: bytes) -> bool:
    """Return whether the beginning of a file is only text; that of a protobuf message is not."""
    text = beginning.decode("utf-8", "ignore")
    return len(text.encode()) > len(beginning) - 4 and all(c.isprintable() or c in "\n\r\t" for c in text)


def _check_domains(graph: OnnxGraph, path: object) -> None:
    """Raise ModelFileError for operators that ONNX itself does not define."""
    foreign = sorted({f"{node.domain}.{node.op_type}" for node in graph.nodes if node.domain})
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise ModelFileError(
            f"'{path}' uses operators that are not ONNX's own: {', '.join(map(shorten, foreign[:3]))}{more}. "
            "Export it again without them, for example before a runtime has optimized it."
        )


def _check_opset(graph: OnnxGraph, path: object) -> None:
    newest = defs.onnx_opset_version()
    if graph.opset > newest:
        raise ModelFileError(
            f"'{path}' uses opset {graph.opset}; the installed onnx package knows ONNX's operators up to opset "
            f"{newest}. Update onnx."
        )
    if graph.opset < MIN_OPSET:
        raise ModelFileError(
            f"'{path}' uses opset {graph.opset}; the oldest supported is {MIN_OPSET}. "
            "Convert it with onnx.version_converter."
        )


def _check_call(node: OnnxNode, opset: int, path: object) -> None:
    """Raise ModelFileError for an operator that ONNX does not know, or that is not called as ONNX specifies."""
    what = f"'{path}': {node.label}"
    try:
        schema = defs.get_schema(node.op_type, opset, node.domain)
    except defs.SchemaError as error:
        raise ModelFileError(f"{what} is not an operator of ONNX opset {opset}.") from error
    for word, names, least, most in (
        ("inputs", node.inputs, schema.min_input, schema.max_input),
        ("outputs", node.outputs, schema.min_output, schema.max_output),
    ):
        if not least <= len(names) <= most:
            raise ModelFileError(f"{what} has {len(names)} {word}; the operator takes {least} to {most}.")
    for index, name in enumerate(node.inputs):
        formal = schema.inputs[min(index, len(schema.inputs) - 1)]
        if not name and formal.option != defs.OpSchema.FormalParameterOption.Optional:
            raise ModelFileError(f"{what} lacks its input {formal.name}.")
    _check_attributes(node, schema, what)


def _check_attributes(node: OnnxNode, schema: defs.OpSchema, what: str) -> None:
    for name, value in node.attributes.items():
        if name not in schema.attributes:
            raise ModelFileError(f"{what} has an attribute '{shorten(name)}', which the operator does not take.")
        kind = str(schema.attributes[name].type).rpartition(".")[2]
        if not _has_type(value, kind):
            raise ModelFileError(f"{what}: its attribute '{name}' is not of type {kind.lower()}.")
    for name, attribute in schema.attributes.items():
        if attribute.required and name not in node.attributes:
            raise ModelFileError(f"{what} lacks its attribute '{name}'.")


def _has_type(value: object, kind: str) -> bool:
    types = {"INT": int, "FLOAT": float, "STRING": str}
    if kind.removesuffix("S") not in types:
        return not isinstance(value, int | float | str | tuple)
    if kind.endswith("S"):
        return isinstance(value, tuple) and all(isinstance(item, types[kind[:-1]]) for item in value)
    return isinstance(value, types[kind])
