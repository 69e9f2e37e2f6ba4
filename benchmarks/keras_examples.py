"""Run Keras's own examples and guides in Striate, and count the pieces that run.

Pass a checkout of https://github.com/keras-team/keras (release 3), or single files. The code is run as it is, apart
from the import lines (`import striate as keras`), the suffixes of files that it writes (.safetensors, and .svg for
plot_model) and the size of the data: MNIST has --images images, and random arrays of 50,000 rows have as many. A guide
is run piece by piece, as the text between them divides it, like the cells of a notebook, and each import is a piece.
Pages of https://keras.io (keras-team/keras-io) are passed as files; image_classification_from_scratch reads photographs
of two classes, of which --photographs FOLDER gives copies. Trainings of ten epochs and more have two.
"""

import argparse
import ast
import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import machine

import striate
from striate.errors import StriateError

EXAMPLES = (
    "examples/demo_mnist_convnet.py",
    "examples/demo_functional.py",
    "examples/demo_subclass.py",
    "guides/sequential_model.py",
    "guides/functional_api.py",
    "guides/making_new_layers_and_models_via_subclassing.py",
    "guides/training_with_built_in_methods.py",
    "guides/transfer_learning.py",
    "guides/writing_your_own_callbacks.py",
)


def adapted(code: str, images: int) -> str:
    code = re.sub(r"^(\s*)import keras$", r"\1import striate as keras", code, flags=re.MULTILINE)
    code = re.sub(r"^(\s*)from (?:tensorflow\.)?keras(?:\.src)?(?=[. ])", r"\1from striate", code, flags=re.MULTILINE)
    code = re.sub(r"^(\s*)from tensorflow import keras$", r"\1import striate as keras", code, flags=re.MULTILINE)
    code = code.replace("tf.keras.", "keras.")
    code = re.sub(r"(?:\.weights)?\.(?:keras|h5)\b", ".safetensors", code)
    code = re.sub(r"(plot_model\([^)]*)\.png", r"\1.svg", code)
    code = re.sub(r"\bepochs( ?)=( ?)\d\d+", r"epochs\1=\g<2>2", code)
    code = re.sub(r"\b10_?000\b", str(images // 5), code)
    return re.sub(r"\b(?:50_?000|60_?000)\b", str(images), code)


def pieces(code: str) -> list[ast.Module]:
    """Return the statements between the texts of a guide; all of them for a file without texts."""
    found: list[list[ast.stmt]] = [[]]
    for statement in ast.parse(code).body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            found.append([])
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            found += [[statement], []]
        else:
            found[-1].append(statement)
    return [ast.Module(statements, []) for statements in found if statements]


def copy_photographs(source: Path, folder: Path, images: int) -> None:
    """Copy images of two classes to the places where an example expects them."""
    for kind, name in zip(sorted(path for path in source.iterdir() if path.is_dir()), ("Cat", "Dog"), strict=False):
        (folder / "PetImages" / name).mkdir(parents=True)
        for number, path in enumerate(sorted(kind.iterdir())[:images]):
            shutil.copy(path, folder / "PetImages" / name / f"{6779 + number}.jpg")


@contextlib.contextmanager
def small_mnist(images: int) -> Any:
    load, counts = striate.datasets.DigitSet.load_data, (images, images // 5)

    def load_part(self: Any, path: str | None = None) -> Any:
        return tuple((x[:count], y[:count]) for count, (x, y) in zip(counts, load(self, path), strict=True))

    striate.datasets.DigitSet.load_data = load_part
    yield
    striate.datasets.DigitSet.load_data = load


def run(code: str, verbose: bool) -> Counter[str]:
    """Run all pieces in one namespace, and count how each ended."""
    module = ModuleType("example")
    sys.modules["example"] = module
    counts: Counter[str] = Counter()
    for piece in pieces(code):
        start = time.perf_counter()
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                exec(compile(piece, "example", "exec"), vars(module))
            kind, message = "run", ""
        except StriateError as error:
            kind, message = "refused", str(error)
        except ModuleNotFoundError as error:
            missing = (error.name or "").split(".")[0]
            kind, message = ("needs another package" if missing != "striate" else "fails"), str(error)
        except NameError as error:  # an earlier piece was refused
            kind, message = "depends on a refused piece", str(error)
        except Exception as error:
            kind, message = "fails", f"{type(error).__name__}: {error}"
        counts[kind] += 1
        seconds = time.perf_counter() - start
        if verbose and (kind != "run" or seconds > 20):
            line = ast.unparse(piece).splitlines()[0]
            print(f"    {kind} ({seconds:.0f} s): line {piece.body[0].lineno}: {line:.60} → {message:.400}", flush=True)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, nargs="+", help="a checkout of Keras, or files")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--photographs", type=Path, help="a folder with one folder of images for each of two classes")
    parser.add_argument("--verbose", action="store_true", help="print what does not run")
    args = parser.parse_args()
    files = [path / name for path in args.source if path.is_dir() for name in EXAMPLES if (path / name).exists()]
    files += [path for path in args.source if path.is_file()]
    warnings.simplefilter("ignore")
    total: Counter[str] = Counter()
    whole = 0
    with tempfile.TemporaryDirectory() as folder, small_mnist(args.images):
        codes = {path: adapted(path.read_text("utf-8"), args.images) for path in files}
        if args.photographs:
            copy_photographs(args.photographs, Path(folder), args.images // 20)
        os.chdir(folder)
        for path, code in codes.items():
            counts = run(code, args.verbose)
            print(f"{path.name}: {', '.join(f'{count} {kind}' for kind, count in counts.items())}", flush=True)
            total += counts
            whole += set(counts) == {"run"}
    print(f"\n{sum(total.values())} pieces: {', '.join(f'{count} {kind}' for kind, count in total.most_common())}")
    print(f"{whole} of {len(files)} files run as a whole")
    print(f"{machine.description()}. Command: `{machine.command()}`")


if __name__ == "__main__":
    main()
