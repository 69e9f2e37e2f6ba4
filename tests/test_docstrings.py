"""The examples in docstrings run, and every user-facing function has one."""

import doctest
from importlib import import_module
from inspect import isfunction
from pathlib import Path

import pytest

import striate as st

SOURCES = Path(st.__file__).parent
MODULES = sorted(
    ".".join(("striate", *path.relative_to(SOURCES).with_suffix("").parts)).removesuffix(".__init__")
    for path in SOURCES.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)
REQUIRED = [
    "Model.compile", "Model.evaluate", "Model.fit", "Model.predict", "Model.save", "Model.summary", "Sequential",
    "load", "zoo.build", "zoo.network",
    *(f"data.{name}" for name in st.data.__all__ if isfunction(getattr(st.data, name))),
]  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_examples_print_the_shown_output(module: str) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(optionflags=flags)
    for example in doctest.DocTestFinder(exclude_empty=True).find(import_module(module)):
        runner.run(example)
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.parametrize("name", REQUIRED)
def test_user_facing_functions_have_an_example(name: str) -> None:
    found: object = st
    for part in name.split("."):
        found = getattr(found, part)
    assert ">>> " in (found.__doc__ or "")
