"""The groups of the campaign of `benchmarks/hostile.py`: cases that may be refused in one sentence, and do no harm.

A case is right if it returns, or raises a `StriateError`. What it must not do, it checks by assertions.
"""

import io
import itertools
import json
import os
import pickle
import random
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx_files.graphs import runtime_outputs
from onnx_files.variants import VARIANTS

import striate
from striate import strict_json
from striate.cli import main
from striate.engines import weight_files
from striate.engines.numpy import NumpyEngine
from striate.engines.weight_files import load_weights
from striate.errors import DataError, StriateError
from striate.images import ImagePolicy, decode_image, encode_png
from striate.images.formats import HEAD, identify
from striate.onnx.importing import import_graph, import_onnx
from striate.onnx.importing.operator_costs import operator_costs
from striate.onnx.importing.read import read_onnx
from striate.pretrained.statedict import read_state_dict
from striate.training import Recipe
from striate.workflows.plan import make_plan
from striate.workflows.run_record import TrainingRecord, TrainingRun
from striate.workflows.trained_model import open_trained_model

from . import misuse
from .image_files import BOMBS, image_files, reference
from .mutations import VALUES, damaged, places, replaced

st: Any = striate
TOLERANCE = 1e-5
UNSAFE = ("\x1b", "\x07", "\r", "\x9b", "\u202e", "\u2066")


class Case(NamedTuple):
    """What is tried.

    Attributes:
        name: Shown if it goes wrong.
        call: What to do.
        may_fail: Whether it may be refused.
        times: How many times the bound of time it may take.
    """

    name: str
    call: Callable[[], object]
    may_fail: bool = True
    times: int = 1


Cases = Iterator[Case]


def images(rng: random.Random, count: int, folder: Path) -> Cases:
    """Images of all formats, whole and damaged, compared with Pillow."""
    for name, content, whole in image_files(rng, count):
        yield Case(name, partial(check_pixels, content, name, whole=whole))


def check_pixels(content: bytes, name: str, *, whole: bool = False) -> None:
    """Decode an image; its pixels must be those that Pillow reads."""
    try:
        found = decode_image(content, name)
    except DataError as error:
        assert not whole or "shows nothing" in str(error), f"refused: {error}"
        raise
    expected = reference(content)
    assert expected is None or np.array_equal(found, expected), "wrong pixels"


def bombs(rng: random.Random, count: int, folder: Path) -> Cases:
    """Small image files that ask for much time or memory, alone and sixteen at once."""
    policy, contents = ImagePolicy(32, 32), {name: make() for name, make in itertools.islice(BOMBS.items(), count)}
    for name, content in contents.items():
        yield Case(name, partial(policy.decode, content, name))

    def refused_or_read(content: bytes) -> None:
        with suppress(DataError):
            policy.decode(content)

    def together(some: list[bytes]) -> None:
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(refused_or_read, some))

    all_contents = list(contents.values())
    for start in range(0, len(all_contents), 4):  # few enough for the bound of time of one case
        yield Case(f"{start} to {start + 3} at once", partial(together, all_contents[start : start + 4]), times=4)


def model_files(rng: random.Random, count: int, folder: Path) -> Cases:
    """Model files with wrong values under a checksum that fits, and with damaged bytes."""
    path = folder / "m.safetensors"
    model = small_model()
    model.save(path)
    content, (arrays, metadata) = path.read_bytes(), load_weights(path)
    targets = list(places(metadata))
    for number in range(count):
        if number % 2:
            yield Case(f"{number} damaged", partial(answer, path, damaged(content, rng)))
        else:
            place, value = rng.choice(targets), rng.choice(VALUES)
            yield Case(f"{place} = {value!r:.30}", partial(answer, path, model_file(arrays, metadata, place, value)))


def small_model() -> Any:
    """Return a model of all that a model file can hold."""
    layers = st.layers
    model = st.Sequential([
        st.Input((4, 6, 1)), layers.Conv2D(2, 3), layers.BatchNormalization(), layers.Flatten(),
        layers.Dense(3, activation="softmax", name="out"),
    ])  # fmt: skip
    model.classes, model.policy = ("a", "b", "c"), ImagePolicy(4, 6, 1, "stretch")
    model.recipe, model.fingerprint = Recipe(augmentation=st.data.Augmentation(rotation=5)), "abc"
    model.figures = {"loss": 0.5, "unknown_threshold": 0.25}
    return model


def model_file(arrays: Any, metadata: Any, place: tuple[Any, ...], value: Any) -> bytes:
    """Return a model file with another value in its metadata and the checksum that fits."""
    from safetensors.numpy import save

    text = json.dumps(replaced(metadata, place, value))
    digest = weight_files._digest(arrays, strict_json.canonical_with_nan(json.loads(text)))
    return save(arrays, {"striate": f'{{"format":1,"metadata":{text},"sha256":"{digest}"}}'})


def answer(path: Path, content: bytes) -> None:
    """Open a model file and predict; answers must be probabilities."""
    path.write_bytes(content)
    trained = open_trained_model(path)
    result = trained.predict_open_set(np.zeros((1, *trained.policy.shape), np.uint8))
    probabilities = np.asarray(getattr(result, "probabilities", result[0] if isinstance(result, tuple) else 0.5))
    assert np.isfinite(probabilities).all(), "the answer is not finite"


class Canary:
    """Creates a file when it is unpickled by Python."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def state_dicts(rng: random.Random, count: int, folder: Path) -> Cases:
    """PyTorch files, damaged, and pickles that would execute something."""
    import torch

    weights = {"fc.weight": torch.arange(12.0).reshape(4, 3), "fc.bias": torch.ones(4, dtype=torch.float16)}
    contents, canary = [], folder / "canary"
    for value in (weights, {"state_dict": weights, "epoch": 3}):
        for new in (True, False):
            file = io.BytesIO()
            torch.save(value, file, _use_new_zipfile_serialization=new)
            contents.append(file.getvalue())
    contents += [pickle.dumps({"fc.weight": Canary(canary)}, protocol) for protocol in range(2, 6)]
    path = folder / "w.pth"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        try:
            arrays = read_state_dict(path)
            assert all(isinstance(array, np.ndarray) for array in arrays.values())
        finally:
            assert not canary.exists(), "the pickle was executed"

    for number in range(count):
        content = contents[number % len(contents)]
        yield Case(f"{number}", partial(read, content if number < len(contents) else damaged(content, rng) or b"\0"))


def onnx_files(rng: random.Random, count: int, folder: Path) -> Cases:
    """ONNX files as exporters write them, compared with ONNX Runtime; with other fields, and with damaged bytes."""
    path, protos = folder / "m.onnx", {name: make() for name, make in sorted(VARIANTS.items())}
    for name, proto in itertools.islice(protos.items(), count):
        yield Case(name, partial(check_numbers, proto, path))
    for number in range(count):
        name, proto = rng.choice(list(protos.items()))
        if number % 2:
            yield Case(f"{number} damaged {name}", partial(inspect, path, damaged(proto.SerializeToString(), rng)))
        else:
            changed = change_field(proto, rng).SerializeToString()
            yield Case(f"{number} changed {name}", partial(inspect, path, changed))


def check_numbers(proto: onnx.ModelProto, path: Path) -> None:
    """Import a graph; its numbers must be ONNX Runtime's."""
    path.write_bytes(proto.SerializeToString())
    imported = import_onnx(path)
    sizes = [size.dim_value or 2 for size in proto.graph.input[0].type.tensor_type.shape.dim]
    x = np.random.default_rng(0).standard_normal(sizes).astype(np.float32)
    expected = [output for output in runtime_outputs(proto, x) if output.dtype.kind == "f"]
    found = NumpyEngine(imported.network, imported.weights).forward(
        [x.reshape(len(x), *imported.network.input_shapes[0])]
    )
    for own, output in zip(found, expected, strict=False):
        first = own.transpose(0, 3, 1, 2) if own.ndim == 4 else own
        np.testing.assert_allclose(first.reshape(output.shape), output, rtol=TOLERANCE, atol=TOLERANCE)


def change_field(proto: onnx.ModelProto, rng: random.Random) -> onnx.ModelProto:
    """Return a graph with one attribute, name, shape or constant changed."""
    changed = onnx.ModelProto()
    changed.CopyFrom(proto)
    node = rng.choice(changed.graph.node)
    match rng.randrange(6):
        case 0 if node.attribute:
            attribute = rng.choice(node.attribute)
            attribute.i, attribute.f = rng.choice((-1, 0, 2, 1 << 40)), rng.choice((-1.0, 0.0, float("nan")))
            for index in range(len(attribute.ints)):
                attribute.ints[index] = rng.choice((-1, 0, 1, 3, 1 << 40))
        case 1 if node.input:
            node.input[rng.randrange(len(node.input))] = rng.choice(("", "x", "y", "missing", "\x1b[2J"))
        case 2:
            node.op_type = rng.choice(("Relu", "Conv", "MatMul", "If", "Loop", "Scan", "Reshape", "Resize", "x\n"))
        case 3 if changed.graph.initializer:
            tensor = rng.choice(changed.graph.initializer)
            tensor.dims[:] = [rng.choice((-1, 0, 1, 1 << 40)) for _ in range(rng.randint(0, 4))]
        case 4:
            dims = changed.graph.input[0].type.tensor_type.shape.dim
            rng.choice(dims).dim_value = rng.choice((-1, 0, 1, 1 << 40))
        case _:
            del changed.graph.node[rng.randrange(len(changed.graph.node))]
    return changed


def inspect(path: Path, content: bytes) -> None:
    """Do what `striate inspect` does with an ONNX file."""
    path.write_bytes(content)
    graph = read_onnx(path)
    try:
        import_graph(graph, path).network.table()
    except StriateError:
        operator_costs(graph)


def run_folders(rng: random.Random, count: int, folder: Path) -> Cases:
    """Run folders whose files have wrong values or damaged bytes."""
    plan = make_plan("mnist5k", "lenet5", ensemble=2)
    run = TrainingRun.create(TrainingRecord(plan.recipe, "abc", "float32", plan=plan), folder / "run")
    run.write_history({"loss": [2.0, 1.0], "val_loss": [2.5, 1.5]})
    (run.path / "metrics.json").write_text('{"images": 100, "correct": 90}', encoding="utf-8")
    original = {name: (run.path / name).read_bytes() for name in ("config.json", "history.csv", "metrics.json")}
    record = json.loads(original["config.json"])
    targets = list(places(record))

    def read(name: str, content: bytes) -> None:
        for other, whole in original.items():
            (run.path / other).write_bytes(content if other == name else whole)
        opened = TrainingRun.open(run.path)
        opened.record.to_dict()
        history = opened.read_history()
        assert all(np.isfinite(values).all() for values in history.values()) or name == "history.csv"
        with suppress(StriateError):  # there are no models in it
            open_trained_model(run.path)

    for number in range(count):
        if number % 2:
            name = rng.choice(list(original))
            yield Case(f"{number} {name} damaged", partial(read, name, damaged(original[name], rng)))
        else:
            place, value = rng.choice(targets), rng.choice(VALUES)
            text = json.dumps(replaced(record, place, value)).encode()
            yield Case(f"{place} = {value!r:.30}", partial(read, "config.json", text))


def arguments(rng: random.Random, count: int, folder: Path) -> Cases:
    """Wrong arguments of every public callable."""
    every = [case for case in misuse.cases(folder) if "torch_compile=True" not in case[0]]
    for name, call in rng.sample(every, min(count, len(every))):
        yield Case(name, call)


PATHS = ("", "nowhere", "\x1b[2J\r\nx", "a\u202eb", "x" * 300, "CON", "~/x", "-", "/dev/null", "http://x/y.zip",
         "*.jpg", "text.txt", "empty.png", "broken.jpg", "empty", "images", "pipe", "loop", "m.safetensors",
         "image.png", "labels.csv")  # fmt: skip
VALUES_OF_OPTIONS = ("", "x", "-1", "0", "nan", "inf", "1e999", "10" * 30, "2", "\x1b[2J", "🦊", "none", "a=b")
COMMANDS = {
    "summary": 1, "evaluate": 2, "predict": 2, "export": 1, "inspect": 1, "find-lr": 1, "augment": 1, "data scan": 1,
    "train": 1,
}  # fmt: skip


def commands(rng: random.Random, count: int, folder: Path) -> Cases:
    """Commands with wrong paths and options."""
    make_paths(folder)
    known = {command: options_of(command) for command in COMMANDS}
    for _ in range(count):
        command, most = rng.choice(list(COMMANDS.items()))
        words = [rng.choice(PATHS) for _ in range(rng.randint(0, most + 1))]
        for _ in range(rng.randint(0, 2)):
            words += [rng.choice(known[command]), rng.choice(VALUES_OF_OPTIONS)]
        if command == "train":  # never a real training
            words = [word for word in words if word not in ("images", "m.safetensors")] or ["nowhere"]
            words[0] = words[0] if not words[0].startswith("-") else "nowhere"
        if command == "find-lr":  # nor a real search
            words = [word for word in words if word != "images"]
        yield Case(f"{command} {words}", partial(command_line, folder, [*command.split(), *words]))


def make_paths(folder: Path) -> None:
    """Write what the paths of the commands name."""
    small_model().save(folder / "m.safetensors")
    (folder / "text.txt").write_text("a\nb\n")
    (folder / "labels.csv").write_text("file,label\nimage.png,=1+1\n../x,b\n")
    (folder / "empty.png").touch()
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    (folder / "image.png").write_bytes(encode_png(np.zeros((5, 5, 3), np.uint8)))
    (folder / "empty").mkdir(exist_ok=True)
    for number in range(2):
        (folder / "images" / f"c{number}").mkdir(parents=True, exist_ok=True)
        for index in range(3):
            pixels = np.full((9, 9), 40 * number + index, np.uint8)
            (folder / "images" / f"c{number}" / f"{index}.png").write_bytes(encode_png(pixels))
    if hasattr(os, "mkfifo") and not (folder / "pipe").exists():
        os.mkfifo(folder / "pipe")
        (folder / "loop").symlink_to("loop")


def options_of(command: str) -> list[str]:
    """Return the options of a command."""
    from striate.cli import striate as group

    found: Any = group
    for word in command.split():
        found = found.get_command(None, word)
    names = [option for parameter in found.params for option in parameter.opts if option.startswith("--")]
    return [name for name in names if name not in ("--device", "--engine", "--images")] or ["--help"]


def command_line(folder: Path, words: list[str]) -> None:
    """Run a command in this process: it exits with 0, 1 or 2, prints no control characters and reports no bug."""
    before, argv = Path.cwd(), sys.argv
    out, err = io.StringIO(), io.StringIO()
    os.chdir(folder)
    sys.argv = ["striate", *words]
    code: Any = None
    try:
        with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings():
            main()
    except SystemExit as stop:
        code = stop.code
    finally:
        os.chdir(before)
        sys.argv = argv
    printed = out.getvalue() + err.getvalue()
    assert code in (0, 1, 2, None), f"exit code {code}"
    assert "bug in Striate" not in printed and "Traceback" not in printed, printed[-500:]
    assert not any(letter in printed for letter in UNSAFE), ascii(printed[-500:])


def threads(rng: random.Random, count: int, folder: Path) -> Cases:
    """One model in several threads at once, on all engines."""
    model = small_model()
    x = np.random.default_rng(0).integers(0, 256, (64, 4, 6, 1), np.uint8)

    def together(engine: str) -> None:
        model.use_engine(engine)
        expected = [model.predict(x[start : start + 32]) for start in range(4)]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda i: model.predict(x[i % 4 : i % 4 + 32]), range(24)))
        worst = max(np.abs(own - expected[i % 4]).max() for i, own in enumerate(found))
        assert worst < 1e-6, f"differs by {worst}"

    for number, engine in zip(range(count), itertools.cycle(("numpy", "torch", "onnx")), strict=False):
        yield Case(f"{number} {engine}", partial(together, engine), may_fail=False)


def public_files(paths: list[Path]) -> Cases:
    """Files of public collections: images are compared with Pillow, others opened as what they are named."""
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                yield Case(str(file), partial(open_file, file))


def open_file(path: Path) -> None:
    """Open a file as its content or name says."""
    match path.suffix.lower():
        case ".onnx":
            inspect_file(path)
        case ".pt" | ".pth" | ".bin":
            read_state_dict(path)
        case ".safetensors":
            striate.load(path)
        case _:
            content = path.read_bytes()
            if identify(content[:HEAD]):
                check_pixels(content, str(path))
            ImagePolicy(64, 64).decode(content, path)


def inspect_file(path: Path) -> None:
    """Inspect an ONNX file where it lies."""
    graph = read_onnx(path)
    try:
        import_graph(graph, path).network.table()
    except StriateError:
        operator_costs(graph)
        raise


GROUPS: dict[str, Callable[[random.Random, int, Path], Cases]] = {
    "images": images,
    "bombs": bombs,
    "model files": model_files,
    "state dicts": state_dicts,
    "ONNX files": onnx_files,
    "run folders": run_folders,
    "arguments": arguments,
    "commands": commands,
    "threads": threads,
}


def clean(folder: Path) -> None:
    """Empty the folder between groups."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
