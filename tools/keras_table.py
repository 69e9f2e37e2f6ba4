"""Run the table of Keras code in docs/keras/*.toml, and write docs/keras.md and docs/keras.ko.md from it.

Each `[[probe]]` of the table has

    id       a unique name
    en, ko   what the code does, in a few words
    code     Python as it is typed for Keras; the value of its last expression is the result
    value    the result in Keras 3 as JSON, which benchmarks/keras_probes.py records
    kind     "same" (the default): the same code has the same result in Striate
             "refused": it raises a StriateError that contains `message`
             "different": it runs and has another result, on purpose
    striate  for refused and different: what to write instead; it has the result `value`, or `striate_value`
    why_en, why_ko  for refused and different: the reason

Command: `python tools/keras_table.py`. In the Python of a Keras installation, `run_all("keras")` needs only NumPy.
"""

import argparse
import ast
import contextlib
import html
import io
import json
import os
import re
import sys
import tempfile
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs/keras"
DATA = """\
import numpy as np
import keras
from keras import Input, Model, Sequential, layers

x = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1)).astype("float32")
y = np.arange(12) % 3
"""
MODEL = """\
model = Sequential([
    Input((8, 8, 1)),
    layers.Rescaling(1 / 255),
    layers.Conv2D(2, 3, activation="relu", kernel_initializer="ones", name="conv"),
    layers.Flatten(),
    layers.Dense(3, activation="softmax", kernel_initializer="ones", name="out"),
])
model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
"""
SHOWN = 12  # numbers of an array that are compared


@dataclass(frozen=True)
class Probe:
    """One row of the table; the attributes are described at the top of this file."""

    topic: str
    id: str
    en: str
    ko: str
    code: str
    kind: str = "same"
    value: str = ""
    message: str = ""
    striate: str = ""
    striate_value: str = ""
    why_en: str = ""
    why_ko: str = ""


@dataclass(frozen=True)
class Outcome:
    """What running a piece of code gave: its result as JSON, or the exception, of Striate or of Python."""

    value: str = ""
    error: str = ""
    message: str = ""
    is_sentence: bool = False  # whether the exception is a StriateError


def topics() -> list[dict[str, str]]:
    """Return the title of each topic in both languages, with its file name, in the order of the document."""
    return [{"file": path.name, **tomllib.loads(path.read_text("utf-8"))["topic"]} for path in _files()]


def probes() -> list[Probe]:
    """Return all rows of the table."""
    tables = {path.name: tomllib.loads(path.read_text("utf-8")) for path in _files()}
    return [Probe(topic, **row) for topic, table in tables.items() for row in table.get("probe", [])]


def _files() -> list[Path]:
    return sorted(TABLE.glob("*.toml"))


def for_striate(code: str) -> str:
    """Change the import lines of Keras code to those of Striate."""
    code = re.sub(r"^(\s*)import keras$", r"\1import striate as keras", code, flags=re.MULTILINE)
    return re.sub(r"^(\s*)from keras(?=[. ])", r"\1from striate", code, flags=re.MULTILINE)


def run(code: str, library: str) -> Outcome:
    """Run code as for Keras, with the data and the model that it mentions, in an empty folder.

    Args:
        code: The code; its result is the value of the last line if that is an expression.
        library: "keras" or "striate".

    Returns:
        The result or the exception.
    """
    parts = [DATA, MODEL if re.search(r"\bmodel\b", code) else "", code]
    tree = ast.parse("".join(for_striate(part) if library == "striate" else part for part in parts))
    last = tree.body[-1]
    if isinstance(last, ast.Expr):
        tree.body.pop()
    names: dict[str, Any] = {"__name__": "probe"}
    with _empty_folder(), contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(compile(tree, "probe", "exec"), names)
            value = (
                eval(compile(ast.Expression(last.value), "probe", "eval"), names)
                if isinstance(last, ast.Expr)
                else None
            )
            return Outcome(json.dumps(_plain(value)))
        except Exception as error:
            kinds = {kind.__name__ for kind in type(error).__mro__}
            return Outcome("", type(error).__name__, str(error), "StriateError" in kinds)


@contextlib.contextmanager
def _empty_folder() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def _plain(value: Any) -> Any:
    """Return a value of either library as JSON values."""
    if hasattr(value, "detach"):  # a tensor
        value = value.detach().numpy()
    if isinstance(value, np.ndarray):
        value = {"shape": list(value.shape), "values": value.ravel()[:SHOWN].tolist()}
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float | np.generic):
        return float(f"{float(value):.5g}")
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return list(map(_plain, value)) if hasattr(value, "__iter__") else type(value).__name__


def equal(first: Any, second: Any) -> bool:
    """Return whether two results from JSON are equal, numbers up to 0.1 %."""
    if isinstance(first, float | int) and isinstance(second, float | int) and not isinstance(first, bool):
        return bool(np.isclose(first, second, rtol=1e-3, atol=1e-5, equal_nan=True))
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(equal, first, second))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(equal(first[key], second[key]) for key in first)
    return bool(first == second)


def agrees(outcome: Outcome, value: str) -> bool:
    """Return whether an outcome is the recorded result; with none recorded, whether there was no exception."""
    return not outcome.error and (not value or equal(json.loads(outcome.value), json.loads(value)))


def classify(probe: Probe) -> tuple[str, Outcome]:
    """Return "same", "refused" or "differs" for a row's Keras code in Striate, and its outcome."""
    outcome = run(probe.code, "striate")
    if outcome.is_sentence:
        return "refused", outcome
    return ("same" if agrees(outcome, probe.value) else "differs"), outcome


TEXTS = {
    "en": {
        "title": "Keras and Striate",
        "intro": (
            "Code as it is typed for Keras 3 runs in Striate after one change, the import line: "
            "`import striate as keras`, `from striate import layers`. Everything in this table is run by the tests, "
            "and its results are those of Keras 3 itself. Of {total} pieces of code, {same} behave the same, "
            "{refused} are refused by an error that says what to write, and {different} differ on purpose."
        ),
        "counts": "{count} pieces; refused or different: {others}",
        "setup": "The code on this page uses these names:",
        "head": "| | Keras | Striate |\n|---|---|---|\n",
        "same": "the same",
        "refused": "refused",
        "different": "different",
        "write": "Write",
        "link": "[한국어](keras.ko.md)",
    },
    "ko": {
        "title": "Keras와 Striate",
        "intro": (
            "Keras 3용으로 쓴 코드는 import 줄만 `import striate as keras`, `from striate import layers`처럼 바꾸면 "
            "Striate에서 실행됩니다. 아래 표의 코드는 모두 테스트에서 실행되며, 결과는 Keras 3의 실제 결과와 "
            "비교합니다. "
            "코드 {total}개 가운데 {same}개는 똑같이 동작하고, {refused}개는 무엇을 써야 하는지 알려 주는 오류로 "
            "거부되며, {different}개는 일부러 다르게 동작합니다."
        ),
        "counts": "{count}개. 거부하거나 다른 것: {others}",
        "setup": "이 페이지의 코드는 다음 이름을 사용합니다.",
        "head": "| | Keras | Striate |\n|---|---|---|\n",
        "same": "같음",
        "refused": "거부",
        "different": "다름",
        "write": "대신 쓸 코드:",
        "link": "[English](keras.md)",
    },
}


def document(language: str) -> str:
    """Return the document in a language, "en" or "ko"."""
    texts, rows = TEXTS[language], probes()
    counts = {kind: sum(row.kind == kind for row in rows) for kind in ("same", "refused", "different")}
    parts = [
        "<!-- Written by tools/keras_table.py from docs/keras/*.toml. -->\n\n",
        f"# {texts['title']}\n\n{texts['link']}\n\n",
        texts["intro"].format(total=len(rows), **counts) + "\n\n",
        "".join(_contents_line(topic[language], [row for row in rows if row.topic == topic["file"]], texts)
                for topic in topics()),
        f"\n{texts['setup']}\n\n```\n{for_striate(DATA)}\n{for_striate(MODEL)}```\n",
    ]  # fmt: skip
    for topic in topics():
        chosen = [row for row in rows if row.topic == topic["file"]]
        if chosen:
            parts += [f"\n## {topic[language]}\n\n", texts["head"], *(_line(row, language) for row in chosen)]
    return "".join(parts)


def _contents_line(title: str, rows: list[Probe], texts: dict[str, str]) -> str:
    """Return a link to the table of a topic, with the rows that are refused or differ."""
    anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
    others = [row.en if texts is TEXTS["en"] else row.ko for row in rows if row.kind != "same"]
    return f"- [{title}](#{anchor}): {texts['counts'].format(count=len(rows), others=', '.join(others) or '–')}\n"


def _line(row: Probe, language: str) -> str:
    texts = TEXTS[language]
    title, why = (row.en, row.why_en) if language == "en" else (row.ko, row.why_ko)
    right = texts["same"]
    if row.kind != "same":
        right = f"**{texts[row.kind]}**: {why}"
        if row.striate:
            right += f" {texts['write']} {_cell(row.striate)}"
    return f"| {title} | {_cell(row.code)} | {right} |\n"


def _cell(code: str) -> str:
    """Return code for a cell of a Markdown table."""
    lines = [html.escape(line, quote=False) for line in code.strip().splitlines()]
    indented = [re.sub(r"^ +", lambda spaces: "&nbsp;" * len(spaces[0]), line) for line in lines]
    escaped = "<br>".join(indented).replace("|", "&#124;").replace("*", "&#42;").replace("_", "&#95;")
    return f"<code>{escaped}</code>"


def run_all(library: str) -> dict[str, dict[str, Any]]:
    """Return the outcome of every row's Keras code in a library, by the row's id."""
    warnings.simplefilter("ignore")
    return {row.id: vars(run(row.code, library)) for row in probes()}


def main() -> None:
    """Write the documents, or run rows by name and print what they give."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", choices=("keras", "striate"), help="run the rows and print the outcomes as JSON")
    parser.add_argument("--show", metavar="ID", help="run one row in Striate and print the outcome")
    args = parser.parse_args()
    if args.run:
        json.dump(run_all(args.run), sys.stdout)
    elif args.show:
        (row,) = (row for row in probes() if row.id == args.show)
        print(row, *classify(row), sep="\n")
    else:
        for language, name in (("en", "keras.md"), ("ko", "keras.ko.md")):
            (ROOT / "docs" / name).write_text(document(language), "utf-8")


if __name__ == "__main__":
    main()
