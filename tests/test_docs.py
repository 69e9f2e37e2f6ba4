"""The documents are correct: their Python runs, their commands exist, their links work."""

import ast
import os
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from striate.cli import striate
from striate.cli.group import COMMANDS
from striate.systems.registry import SYSTEMS

ROOT = Path(__file__).parents[1]
TUTORIAL = "docs/tutorials/from-a-pixel-to-a-probability"
PHOTOGRAPHS = "docs/tutorials/photographs"
FACES = "docs/tutorials/whose-face"  # tests/test_whose_face.py runs it
ONNX = "docs/onnx"
AUDIT = "docs/audit"
LABELS = "docs/labels"
TEXTBOOK = "docs/textbook"
EXPLAIN = "docs/explain"
MODELS = "docs/models"
PROGRAMS = (
    "README.md",
    "README.ko.md",
    f"{TUTORIAL}.md",
    f"{TUTORIAL}.ko.md",
    f"{ONNX}.md",
    f"{ONNX}.ko.md",
    f"{AUDIT}.md",
    f"{AUDIT}.ko.md",
    f"{LABELS}.md",
    f"{LABELS}.ko.md",
    f"{TEXTBOOK}.md",
    f"{TEXTBOOK}.ko.md",
    f"{EXPLAIN}.md",
    f"{EXPLAIN}.ko.md",
    f"{MODELS}.md",
    f"{MODELS}.ko.md",
)
PAGES = (
    *PROGRAMS, f"{PHOTOGRAPHS}.md", f"{PHOTOGRAPHS}.ko.md", f"{FACES}.md", f"{FACES}.ko.md",
    "docs/scale.md", "docs/scale.ko.md",
)  # fmt: skip
DOCUMENTS = sorted(path for place in ("*.md", "docs/**/*.md", "src/**/*.md") for path in ROOT.glob(place))
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUICK = ("striate summary", "striate data list")


def text_of(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def import_command(name: str) -> click.Command | None:
    return striate.get_command(click.Context(striate), name)


def blocks(page: str, language: str) -> list[str]:
    return [code for fence, code in FENCE.findall(text_of(page)) if fence == language]


def program(page: str) -> str:
    """Return the Python code of a page with each line at its place, so that a traceback points to it."""
    lines = [""] * len(text_of(page).splitlines())
    for match in FENCE.finditer(text_of(page)):
        if match[1] == "python":
            first = text_of(page)[: match.start(2)].count("\n")
            code = match[2].splitlines()
            lines[first : first + len(code)] = code
    return "\n".join(lines)


def commands(page: str) -> list[str]:
    """Return the commands in the shell blocks, without comments and without printed output."""
    entered = [line for code in blocks(page, "sh") for line in code.splitlines()]
    entered += [line[2:] for code in blocks(page, "console") for line in code.splitlines() if line.startswith("$ ")]
    return [command for line in entered if (command := line.partition(" #")[0].strip())]


@pytest.mark.parametrize("page", PROGRAMS[::2])
def test_python_runs_and_prints_the_shown_output(page: str, tmp_path: Path) -> None:
    """The Korean page has the same code, as the next test shows, so that one run serves both."""
    script = tmp_path / "page.py"
    script.write_text(program(page), "utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"{page}\n{done.stderr}"
    for shown in (page, page.replace(".md", ".ko.md")):
        expected = re.findall(r"# → (.*)$", program(shown), re.MULTILINE) + blocks(shown, "text")
        assert expected
        for output in expected:
            assert output in done.stdout, f"{shown} shows output that is not printed:\n{output}\n\n{done.stdout}"


@pytest.mark.parametrize("page", PAGES[::2])
def test_both_languages_show_the_same_code(page: str) -> None:
    korean = page.replace(".md", ".ko.md")
    assert ast.dump(ast.parse(program(page))) == ast.dump(ast.parse(program(korean)))
    assert commands(page) == commands(korean)


LINES = {line for path in DOCUMENTS if path.is_relative_to(ROOT / "docs") for line in commands(str(path))}


@pytest.mark.parametrize("line", sorted(LINES | set(commands("README.md"))))
def test_commands_exist(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *arguments = shlex.split(re.sub(r"^[A-Z_]+=\S+ |^.* \| ", "", line))  # without variables and what is piped
    if program == "make":
        assert re.search(rf"^{arguments[0]}:", text_of("Makefile"), re.MULTILINE)
        return
    if program == "torchrun":
        program, *arguments = arguments[arguments.index("-m") + 1 :]
    if program != "striate":
        assert program in {"pip", "git", "cd", "python", "export", "curl", "docker"}
        return
    monkeypatch.chdir(tmp_path)
    parse(striate, arguments)
    if line.startswith(QUICK):
        subprocess.run([sys.executable, "-m", "striate", *arguments], check=True, capture_output=True)


def parse(command: click.Command, arguments: list[str]) -> None:
    """Raise click.UsageError unless the command accepts these arguments; nothing is run."""
    if isinstance(command, click.Group):
        name, found, rest = command.resolve_command(click.Context(command), arguments)
        assert found, name
        return parse(found, rest)
    with command.make_context(command.name, arguments):
        return None


EXAMPLES = [line for name in COMMANDS for line in getattr(import_command(name), "examples", ())]


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples_of_help_pages_are_valid(line: str) -> None:
    program, *arguments = shlex.split(line)
    assert program == "striate"
    assert len(line) < 79  # columns, of which two are indented
    parse(striate, arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "There is no command 'trian'. Did you mean 'train'?"),
        (["train", "--epoch-count", "3"], "No such option"),
        (["train", "mnist", "again"], "unexpected extra argument"),
    ],
)
def test_parser_rejects_unknown_commands_and_options(arguments: list[str], message: str) -> None:
    with pytest.raises(click.UsageError, match=re.escape(message)):
        parse(striate, arguments)


def code_spans(document: Path) -> set[str]:
    """Return the code within the sentences of a document."""
    prose = re.sub(r"^```.*?^```$", "", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_names_and_options_in_sentences_exist(document: Path) -> None:
    spans = code_spans(document)
    dotted = {name for span in spans for name in re.findall(r"\b(?:st|striate)(?:\.[A-Za-z_]\w*)+", span, re.ASCII)}
    for name in dotted:
        pkgutil.resolve_name(re.sub(r"^st\.", "striate.", name))
    for span in spans:
        program, *words = span.split()
        if program == "striate" and words:
            command: click.Command = striate
            while words and isinstance(command, click.Group) and words[0].islower() and words[0] != "--help":
                found = command.get_command(click.Context(command), words.pop(0))
                assert found, span
                command = found
            known = {name for option in command.get_params(click.Context(command)) for name in option.opts}
            assert {word for word in words if word.startswith("--")} <= known, span


@pytest.mark.parametrize(
    "document",
    [path for path in DOCUMENTS if path.with_suffix(".ko.md").exists()],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_both_languages_name_the_same_code(document: Path) -> None:
    """Placeholders, which are in capitals, may be translated."""

    def names(path: Path) -> set[str]:
        return {re.sub(r"\b[A-Z]{2,}\b|[가-힣]+", "…", span) for span in code_spans(path)}

    assert names(document) == names(document.with_suffix(".ko.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_work(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text("utf-8"))
    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []


@pytest.mark.parametrize("page", ["README.md", "README.ko.md"])
def test_table_of_systems_is_complete(page: str) -> None:
    rows = [line for line in text_of(page).splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert named == {system.id for system in SYSTEMS}
