"""Which language is chosen, how messages are translated, and that the catalogue is complete."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

import striate
from striate.cli import striate as command_line
from striate.cli.group import COMMANDS
from striate.cli.help import unwrapped
from striate.errors import UsageError
from striate.language import Language, choose_language, localized, translate, use_language
from striate.language.errors import ERRORS
from striate.language.help import HELP
from striate.language.messages import MESSAGES
from striate.language.report import STRINGS
from striate.language.terminal import TERMINAL
from striate.language.translation import _pattern, catalogue, with_particles
from striate.language.usage import USAGE
from striate.systems.registry import SYSTEMS

SOURCE = Path(striate.__file__).parent
SAME = {"ID", "AP", "Striate"}  # Korean texts without Korean letters
PUT_TOGETHER = "The model in '{path}'"  # these errors have no template in the code
TRANSLATING = {"translate": slice(1), "heads": slice(None), "entry": slice(1), "echo_page": slice(1, 2)}


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko"}, "ko"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "kok_IN"}, "en"),
        ({"LC_ALL": "ko_KR.UTF-8", "LANG": "en_US.UTF-8"}, "ko"),
        ({"LC_ALL": "C", "LANG": "ko_KR.UTF-8"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "ko_KR", "LANG": "C"}, "ko"),
        ({"STRIATE_LANG": "ko"}, "ko"),
        ({"STRIATE_LANG": "en", "LC_ALL": "ko_KR.UTF-8"}, "en"),
        ({"STRIATE_LANG": "KO_kr.UTF-8"}, "ko"),
    ],
)
def test_environment_chooses_the_language(variables: dict[str, str], language: str) -> None:
    assert choose_language(variables) == language


def test_region_of_windows_chooses_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locale.getlocale", lambda: ("Korean_Korea", "949"))
    assert choose_language({}) == "ko"
    assert choose_language({"LANG": "C"}) == "en"


def test_unknown_language_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"STRIATE_LANG is 'fr'. Set it to 'en' or 'ko'"):
        choose_language({"STRIATE_LANG": "fr"})


def test_python_speaks_english() -> None:
    assert translate("{n:,} images", n=1234) == "1,234 images"
    assert localized("Stopped.") == "Stopped."


def test_what_has_no_korean_stays_english() -> None:
    with use_language(Language.KOREAN):
        assert translate("{n} unheard-of things", n=2) == "2 unheard-of things"
        for message in ("Wait for the thing; it is as the base.", "", "{", "'a' is 3 minutes", "a for b"):
            assert localized(message) == message


@given(st.text())
def test_any_message_can_be_localized(message: str) -> None:
    with use_language(Language.KOREAN):
        assert isinstance(localized(message), str)
        quoted = message.replace("'", "").strip()
        assert localized(f"There is no folder '{quoted}'.").startswith(f"폴더 '{quoted}'")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
     ("고양이은(는)", "고양이는"), ("'빵'을(를)", "'빵'을"), ("3이(가)", "3이"), ("2와(과)", "2와"),
     ("서울(으)로", "서울로"), ("부산(으)로", "부산으로"), ("개(으)로", "개로"),
     ("lenet5은(는)", "lenet5는"), ("'cat'은(는)", "'cat'은(는)")],
)  # fmt: skip
def test_particles_follow_the_letter_before_them(written: str, expected: str) -> None:
    assert with_particles(written) == expected


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        (
            "'a.csv' cannot be read: No such file or directory.",
            "'a.csv'을(를) 읽을 수 없습니다: 파일이나 폴더가 없습니다.",
        ),
        ("'a' could not be written: Permission denied.", "'a'을(를) 쓸 수 없습니다: 권한이 없습니다."),
        (
            "Class 'b' has only 30 images in one group: none for validation and test.",
            "클래스 'b'에는 이미지가 한 그룹에 30장뿐이어서 검증과 테스트에 쓸 것이 없습니다.",
        ),
        (
            "Label 'b' has only 30 images in 2 groups: none for test.",
            "라벨 'b'이(가) 붙은 이미지는 2개 그룹에 30장뿐이어서 테스트에 쓸 것이 없습니다.",
        ),
        (
            "'a.onnx': CumSum 'c' cannot become a layer: Striate has no layer for CumSum.",
            "'a.onnx': CumSum 'c'을(를) 층으로 바꿀 수 없습니다: Striate에는 CumSum에 해당하는 층이 없습니다.",
        ),
        (
            "Left out: 1 file outside the class folders; the first is 'a.txt'.",
            "제외: 클래스 폴더 밖의 파일 1개('a.txt').",
        ),
        (
            "Corrections of the user: 2 images ('a', 'b') left out, 0 images relabeled.",
            "사용자의 수정: 제외 2장('a', 'b'), 라벨 변경 0장.",
        ),
        (
            "'a.heic' has a format that Striate does not read. Save it as JPEG first.",
            "'a.heic'은(는) Striate가 읽지 않는 형식입니다. 먼저 JPEG로 저장하십시오.",
        ),
        (
            "'g.csv' names 2 files that are not there: 'a', 'b'.",
            "'g.csv'에 있는 파일 2개를 찾을 수 없습니다: 'a', 'b'.",
        ),
        (
            "'p' could not be read: image file is truncated (62 bytes not processed).",
            "'p'을(를) 읽을 수 없습니다: 파일의 끝이 잘려 있음(62바이트 미처리).",
        ),
        (
            "1 value of 'age' is far from the others (half of them are between 27 and 69): 999 of '5.jpg'. Check for "
            "typing errors and codes for missing values.",
            "'age'의 값 1개가 나머지와 동떨어져 있습니다(절반은 27에서 69 사이): '5.jpg'의 999. 잘못 입력했거나 "
            "결측값을 나타내는 수가 아닌지 확인하십시오.",
        ),
        (
            "Classes 'A' and 'a' differ only in upper and lower case and are treated as different classes. If they are "
            "one class, merge their folders.",
            "클래스 'A', 'a'은(는) 대소문자만 다르며, 서로 다른 클래스로 봅니다. 같은 클래스라면 폴더를 합치십시오.",
        ),
        (
            "Not shown: 2 files. 'a' cannot be read: the file is empty.",
            "표시하지 않음: 파일 2개. 'a'을(를) 읽을 수 없습니다: 파일이 비어 있습니다.",
        ),
        (
            "--epochs and --schedule need --method fine-tune or --method scratch: they do not apply to the method "
            "'features', which was requested.",
            "--epochs, --schedule에는 --method fine-tune 또는 --method scratch이(가) 필요합니다. 방법 'features'에는 "
            "맞지 않습니다(요청한 방법).",
        ),
        (
            "'t.csv' has contradicting rows for some images: '0.jpg': 'a' (line 1) / 'b' (line 3) and 55 more. Keep "
            "one row for each image.",
            "'t.csv'에 같은 이미지의 행이 서로 다른 것이 있습니다: '0.jpg': 'a' (1번째 줄) / 'b' (3번째 줄) 외 55개. "
            "이미지마다 한 행만 남기십시오.",
        ),
        (
            "All layers: loss 0.5 → 0.6, 80 → 79 % correct on held-out images; no clear improvement, so 'Halfway' is "
            "kept",
            "모든 층: 떼어 둔 이미지의 손실 0.5 → 0.6, 정확도 80 → 79 %, 뚜렷한 이득이 없어 '중간 가중치' 유지",
        ),
        (
            "Halfway: loss 0.5 → 0.6, 80 → 79 % correct on held-out images; clearly worse, so the initial network is "
            "kept",
            "중간 가중치: 떼어 둔 이미지의 손실 0.5 → 0.6, 정확도 80 → 79 %, 뚜렷이 나빠져 처음 상태 유지",
        ),
        ("All layers: loss 0.5 → 0.4 on held-out images; kept", "모든 층: 떼어 둔 이미지의 손실 0.5 → 0.4, 채택"),
        (
            "Fine-tuning: all layers for 1 epoch of 80 images; 20 held-out images are used to choose the best weights",
            "미세 조정: 모든 층, 이미지 80장으로 1에포크. 따로 떼어 둔 20장으로 무엇을 남길지 정합니다",
        ),
    ],
)
def test_values_within_messages_are_translated_too(english: str, korean: str) -> None:
    with use_language(Language.KOREAN):
        assert localized(english) == korean


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_catalogue_is_complete_and_has_the_same_placeholders() -> None:
    for english, korean in (HELP | TERMINAL | MESSAGES | ERRORS | USAGE).items():
        assert placeholders(english) == placeholders(korean), english
        assert re.search("[가-힣]", korean) or korean in SAME, english


def test_terminal_and_report_use_the_same_korean() -> None:
    report = {texts["en"]: texts["ko"] for texts in STRINGS.values()}
    assert not (TERMINAL | HELP | MESSAGES | ERRORS).keys() & report.keys()
    assert not MESSAGES.keys() & ERRORS.keys()
    assert not TERMINAL.keys() & MESSAGES.keys() and not TERMINAL.keys() & HELP.keys()


def translated_texts() -> Iterator[str]:
    """Yield all texts that the code passes to `translate` and to the functions that call it."""
    for file in SOURCE.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = getattr(call.func, "id", "")
            within = [each for each in functions if each.lineno <= call.lineno <= (each.end_lineno or 0)]
            for argument in call.args[TRANSLATING.get(name, slice(0))]:
                yield from texts_of(argument, [*within[-1:], tree])


def texts_of(node: ast.expr, scopes: list[ast.AST]) -> Iterator[str]:
    """Yield the constants that an expression may be; a variable is looked up in the function, then in the module."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp():
            yield from texts_of(node.body, scopes)
            yield from texts_of(node.orelse, scopes)
        case ast.Name():
            for scope in scopes:
                assignments = [each for each in ast.walk(scope) if isinstance(each, ast.Assign)]
                values = [each.value for each in assignments if node.id in map(ast.unparse, each.targets)]
                for value in values:
                    yield from texts_of(value, scopes)
                if values:
                    return


def test_every_text_of_the_terminal_has_korean() -> None:
    texts = set(translated_texts()) - {""}
    assert len(texts) > 100
    assert sorted(texts - catalogue().keys()) == []
    systems = {text for system in SYSTEMS for text in (system.title, system.reported) if re.search("[a-z]{3}", text)}
    assert sorted(systems - catalogue().keys()) == []


def help_texts(command: click.Command, context: click.Context) -> Iterator[str]:
    own = [command.help, command.epilog, command.short_help]
    own += [getattr(parameter, "help", None) for parameter in command.get_params(context)]
    yield from (unwrapped(inspect.cleandoc(text)) for text in own if text)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from help_texts(inner, click.Context(inner, parent=context, info_name=name))


def test_help_of_every_command_has_korean() -> None:
    texts = {*help_texts(command_line, click.Context(command_line)), *COMMANDS.values()}
    assert len(texts) > 80
    assert sorted(texts - HELP.keys()) == []
    frame = {"Usage:", "Options", "Commands", "Examples", "default:", "required"}
    assert sorted(HELP.keys() - texts - frame) == []  # nothing is left over


def commands(command: click.Command, context: click.Context) -> Iterator[click.Command]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, click.Context(inner, parent=context, info_name=name))
    else:
        yield command


def test_help_of_every_command_shows_an_example() -> None:
    found = list(commands(command_line, click.Context(command_line)))
    assert len(found) > 15
    assert [command.name for command in found if not getattr(command, "examples", ())] == []


def constants() -> str:
    """Return all strings of the code, f-strings with {} for each value, one per line."""
    found = []
    for file in SOURCE.rglob("*.py"):
        if "language" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                found.append(
                    "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
                )
    return "\n".join(found)


def test_no_korean_is_left_over() -> None:
    """The code still contains the English of the catalogue; of composed messages, nearly all words."""
    source = constants()
    known = set(re.findall(r"\w+", source))
    assert [text for text in TERMINAL if text not in source] == []
    unused = []
    for message in MESSAGES | ERRORS:
        literals = [literal for literal, *_ in Formatter().parse(message)]
        words = [word for literal in literals for word in re.findall(r"\w+", literal)]
        in_a_row = [run for literal in literals for run in three_words(literal)]
        missing = sum(word not in known for word in words) > 0.2 * len(words)
        reworded = len(words) > 8 and sum(run in source for run in in_a_row) < 0.5 * len(in_a_row)
        if missing or reworded:
            unused.append(message)
    assert unused == []


def templates() -> Iterator[str]:
    """Yield the texts of the code with 7 in place of each value, alone and as errors of a layer begin."""
    for file in SOURCE.rglob("*.py"):
        if "language" in file.relative_to(SOURCE).parts:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant | ast.JoinedStr):
                parts = node.values if isinstance(node, ast.JoinedStr) else [node]
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in parts)
                yield from (text, f"Dense: {text}")


def test_korean_errors_are_those_of_the_code() -> None:
    """Each Korean error translates a message that the code raises, word by word."""
    raised = {text.strip() for text in templates() if text.count(" ") > 1}
    composed = [re.compile(re.escape(text).replace("7", ".+"), re.DOTALL) for text in raised if "7" in text]
    missing = []
    for english in ERRORS:
        if english.startswith(PUT_TOGETHER):
            continue
        longest = max((literal for literal, *_ in Formatter().parse(english)), key=len)
        if any(_pattern(english).fullmatch(text) for text in raised if longest in text):
            continue
        if not any(text.fullmatch(english) for text in composed if 2 * len(text.pattern) > len(english)):
            missing.append(english)
    assert missing == []


def three_words(literal: str) -> list[str]:
    words = literal.split()
    return [" ".join(words[start : start + 3]) for start in range(len(words) - 2)]
