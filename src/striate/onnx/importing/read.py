"""ONNX files of any origin read as data: what they hold is checked, and nothing outside the file is ever opened."""

import os
from math import prod
from pathlib import Path

from onnx import ModelProto, defs

from striate.errors import ModelFileError
from striate.onnx.importing.graph import Graph, Operation, from_proto, shown
from striate.onnx.importing.wire import WireError, check_parts

BEGINNING = 512  # bytes that tell text
LARGEST_FILE = 2**31  # bytes: protobuf reads no more
MOST_OPERATIONS = 20_000
MOST_INPUTS = 64
LARGEST_INPUT = 1 << 28  # numbers in one image: a gigabyte of float32
OLDEST_OPSET = 7  # of 2017: from then on Add and its like broadcast by themselves
BEGINNINGS = {  # what files are that people take for ONNX
    b"PK\x03\x04": "a zip archive, as PyTorch (.pt, .pth) and Keras (.keras) write; export it to ONNX there",
    b"\x89HDF": "an HDF5 file, as Keras writes; export it to ONNX there",
    b"\x80\x02": "a Python pickle, as older PyTorch writes; export it to ONNX there",
    b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF8": "a picture (GIF)",
    b"RIFF": "a picture or sound (RIFF)",
    b"%PDF": "a PDF document",
    b"GGUF": "a language model (GGUF)",
    b"ORTM": "in ONNX Runtime's own format; use the .onnx file that it was made of",
    b"version https://git-lfs": "a note of Git LFS in place of the file; fetch it with git lfs pull",
    b"<": "a web page or XML, perhaps a download that failed",
    b"{": "JSON text",
}


def read_onnx(path: str | os.PathLike[str]) -> Graph:
    """The graph in an ONNX file, checked: known operators, each rightly called, every name given once.

    Raises ModelFileError for a file that is missing, damaged or no ONNX, that keeps data outside itself, that has
    operators of its own or of other domains, or whose sizes are beyond all reason.
    """
    model = parse_onnx(path)
    if len(model.graph.node) > MOST_OPERATIONS:
        raise ModelFileError(f"{path} has {len(model.graph.node):,} operators; at most {MOST_OPERATIONS:,} are read.")
    graph = from_proto(model, str(path))
    if len(graph.inputs) > MOST_INPUTS:
        raise ModelFileError(f"{path} has {len(graph.inputs):,} inputs; at most {MOST_INPUTS} are read.")
    _check_domains(graph, path)
    _check_opset(graph, path)
    for operation in graph.operations:
        _check_call(operation, graph.opset, path)
    for name, door in graph.inputs.items():
        if prod(size or 1 for size in door.shape or ()) > LARGEST_INPUT:
            raise ModelFileError(
                f"{path}: its input '{shown(name)}' is declared larger than is read: {shown(door.shape)}."
            )
        if any(size is not None and size < 0 for size in door.shape or ()):
            raise ModelFileError(f"{path}: its input '{shown(name)}' has an impossible shape: {shown(door.shape)}.")
    return graph


def parse_onnx(path: str | os.PathLike[str]) -> ModelProto:
    """The message in the file, not yet checked. Raises ModelFileError where there is none."""
    content = _content(Path(path))
    if foreign := _foreign(content):
        raise ModelFileError(f"{path} is no ONNX file but {foreign}.")
    try:
        check_parts(content, ModelProto.DESCRIPTOR)
        model: ModelProto = ModelProto.FromString(content)
    except WireError as error:
        raise ModelFileError(f"{path} is no ONNX file, or it {error}.") from error
    except Exception as error:  # protobuf's DecodeError; its home is a package that only onnx asks for
        raise ModelFileError(f"{path} is no ONNX file, or it is damaged or cut off.") from error
    if not model.HasField("graph") or not model.graph.output:
        raise ModelFileError(f"{path} is no ONNX file, or it is damaged: it holds no graph with outputs.")
    return model


def _content(path: Path) -> bytes:
    if path.is_dir():
        raise ModelFileError(f"{path} is a folder; expected an ONNX file.")
    if not path.exists():
        raise ModelFileError(f"{path} does not exist.")
    if not path.is_file():
        raise ModelFileError(f"{path} is not an ordinary file.")
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise ModelFileError(f"{path} has {size / 1e9:.1f} GB; an ONNX file holds 2 GB at most.")
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not content:
        raise ModelFileError(f"{path} is empty.")
    return content


def _foreign(content: bytes) -> str | None:
    """What a file is that is certainly not ONNX."""
    for beginning, kind in BEGINNINGS.items():
        if content.startswith(beginning):
            return kind
    if content[4:8] == b"TFL3":
        return "a TensorFlow Lite model; convert it with tf2onnx"
    if content[8:10] == b'{"' and int.from_bytes(content[:8], "little") < len(content):
        return "a safetensors file; Striate's own models open with striate.load"
    return "text" if _is_text(content[:BEGINNING]) else None


def _is_text(beginning: bytes) -> bool:
    """Whether letters are all that a file begins with; a message of protobuf has other bytes at once."""
    letters = beginning.decode("utf-8", "ignore")
    return len(letters.encode()) > len(beginning) - 4 and all(c.isprintable() or c in "\n\r\t" for c in letters)


def _check_domains(graph: Graph, path: object) -> None:
    """Raise ModelFileError for operators that ONNX itself does not define."""
    foreign = sorted({f"{operation.domain}.{operation.kind}" for operation in graph.operations if operation.domain})
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise ModelFileError(
            f"{path} uses operators that are not ONNX's own: {', '.join(map(shown, foreign[:3]))}{more}. "
            "Export it again without them, for example before a runtime has optimised it."
        )


def _check_opset(graph: Graph, path: object) -> None:
    newest = defs.onnx_opset_version()
    if graph.opset > newest:
        raise ModelFileError(
            f"{path} uses version {graph.opset} of ONNX's operators; the onnx package here knows {newest}. Update onnx."
        )
    if graph.opset < OLDEST_OPSET:
        raise ModelFileError(
            f"{path} uses version {graph.opset} of ONNX's operators; the oldest that is read is {OLDEST_OPSET}. "
            "Convert it with onnx.version_converter."
        )


def _check_call(operation: Operation, opset: int, path: object) -> None:
    """Raise ModelFileError for an operator that ONNX does not know, or that is called otherwise than it says."""
    what = f"{path}: {operation.label}"
    try:
        schema = defs.get_schema(operation.kind, opset, operation.domain)
    except defs.SchemaError as error:
        raise ModelFileError(f"{what} is no operator of ONNX version {opset}.") from error
    for word, names, least, most in (
        ("inputs", operation.inputs, schema.min_input, schema.max_input),
        ("outputs", operation.outputs, schema.min_output, schema.max_output),
    ):
        if not least <= len(names) <= most:
            raise ModelFileError(f"{what} has {len(names)} {word}, which is not what the operator takes.")
    for place, name in enumerate(operation.inputs):
        formal = schema.inputs[min(place, len(schema.inputs) - 1)]
        if not name and formal.option != defs.OpSchema.FormalParameterOption.Optional:
            raise ModelFileError(f"{what} lacks its input {formal.name}.")
    _check_attributes(operation, schema, what)


def _check_attributes(operation: Operation, schema: defs.OpSchema, what: str) -> None:
    for name, value in operation.attributes.items():
        if name not in schema.attributes:
            raise ModelFileError(f"{what} has an attribute '{shown(name)}', which the operator does not take.")
        kind = str(schema.attributes[name].type).rpartition(".")[2]
        if not _is(value, kind):
            raise ModelFileError(f"{what}: its attribute '{name}' is not of the kind {kind.lower()}.")
    for name, attribute in schema.attributes.items():
        if attribute.required and name not in operation.attributes:
            raise ModelFileError(f"{what} lacks its attribute '{name}'.")


def _is(value: object, kind: str) -> bool:
    kinds = {"INT": int, "FLOAT": float, "STRING": str}
    if kind.removesuffix("S") not in kinds:
        return not isinstance(value, int | float | str | tuple)
    if kind.endswith("S"):
        return isinstance(value, tuple) and all(isinstance(item, kinds[kind[:-1]]) for item in value)
    return isinstance(value, kinds[kind])
