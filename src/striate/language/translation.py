"""Translation of texts and of finished messages with the catalogue."""

import re
from functools import cache
from string import Formatter
from typing import Any

from striate.language.choice import Language, current_language

# What placeholders of messages match, by their name or its ending; all others match anything.
NUMBERS = ("n", "m")
WORD = "_word"
INNER = ("_text", "reason")  # a text of the catalogue too
FRAGMENTS = (  # parts of lists, in any value but a number
    (re.compile(r"\(line (\d+)"), r"(\1번째 줄"),
    (re.compile(r" and ([\d,]+) more$"), r" 외 \1개"),
    (re.compile(r" or (?=--)"), " 또는 "),
    (re.compile(r" and (?=--)"), ", "),
    (re.compile(r"' and '"), "', '"),
    (re.compile(r"' as '"), "' → '"),
    (re.compile(r"([-+.e\d]+) of ('[^']*')"), r"\2의 \1"),
)


def translate(text: str, **values: Any) -> str:
    """Return a text in the language of the terminal.

    Args:
        text: The English text, with placeholders in braces as for `str.format`.
        **values: What is inserted, by placeholder.

    Returns:
        The Korean if that is the language and the catalogue has it, else the English, with the values.

    Example:
        >>> translate("{n:,} images", n=1234)
        '1,234 images'
        >>> from striate.language import Language, use_language
        >>> with use_language(Language.KOREAN):
        ...     translate("{n:,} images", n=1234)
        '이미지 1,234장'
    """
    if current_language() is not Language.KOREAN or text not in catalogue():
        return text.format(**values) if values else text
    korean = catalogue()[text]
    return with_particles(korean.format(**values) if values else korean)


def localized(message: str) -> str:
    """Return a finished message, whose values are already inserted, in the language of the terminal.

    Notes of a run and errors are written in English, because run folders keep them and Python shows them; the command
    line translates them when it prints them.

    Args:
        message: The English message.

    Returns:
        The Korean if that is the language and the catalogue has a text that matches, else the message.

    Example:
        >>> from striate.language import Language, use_language
        >>> with use_language(Language.KOREAN):
        ...     localized("There is no model 'lenet'. Did you mean 'lenet5'?")
        "모델 'lenet'은(는) 없습니다. 혹시 'lenet5'입니까?"
    """
    if current_language() is not Language.KOREAN:
        return message
    body = message.strip()
    return message.replace(body, catalogue().get(body) or _match(body) or body) if body else message


def _match(message: str) -> str | None:
    for literal, english, korean in _messages_with_values():
        if literal in message and (found := _pattern(english).fullmatch(message)):
            values = {name: _localized_value(name, value) for name, value in found.groupdict().items()}
            return with_particles(korean.format(**values))
    return None


def _localized_value(name: str, value: str) -> str:
    if name.endswith(INNER):
        return localized(value)
    for pattern, korean in FRAGMENTS if name not in NUMBERS else ():
        value = pattern.sub(korean, value)
    return value


def with_particles(text: str) -> str:
    """Choose between the two forms of particles, written as in 은(는), by the letter or digit before them.

    Args:
        text: Korean text. After other characters, such as Latin letters, both forms stay.

    Returns:
        The text.

    Example:
        >>> with_particles("'고양이'이(가) 3을(를) 1(으)로")
        "'고양이'가 3을 1로"
    """
    return _PARTICLE.sub(_choose_particle, text)


def keep_words_whole(korean: str) -> str:
    r"""Forbid line breaks between Korean letters and what is written to them without a space.

    `word-break: keep-all` keeps Korean letters together, but allows a line to end before or after a parenthesis, as in
    폴드(fold)별, or after a percent sign.

    Args:
        korean: Text of a page.

    Returns:
        The text with word joiners (U+2060), which are invisible.

    Example:
        >>> keep_words_whole("폴드(fold)별 60%까지").split("\u2060")
        ['폴드', '(fold)', '별 60%', '까지']
    """
    return _BREAK_IN_WORD.sub("\u2060", korean)


_BREAK_IN_WORD = re.compile(r"(?<=[가-힣])(?=[(‘“])|(?<=[)%’”}])(?=[가-힣])")
_PARTICLES = {"은(는)": "은는", "이(가)": "이가", "을(를)": "을를", "와(과)": "과와"}  # after a final consonant, else
_PARTICLE = re.compile(r"([가-힣0-9])(['’”)]*)(은\(는\)|이\(가\)|을\(를\)|와\(과\)|\(으\)로)")
_SPOKEN_DIGITS = "영일이삼사오육칠팔구"
_RIEUL = 8  # number of the final consonant ㄹ, after which it is 로


def _choose_particle(found: re.Match[str]) -> str:
    letter, quotes, particle = found.groups()
    letter_spoken = _SPOKEN_DIGITS[int(letter)] if letter.isdecimal() else letter
    final = (ord(letter_spoken) - ord("가")) % 28  # each syllable has 28 forms, the first without a final consonant
    if particle == "(으)로":
        return f"{letter}{quotes}{'로' if final in (0, _RIEUL) else '으로'}"
    return f"{letter}{quotes}{_PARTICLES[particle][not final]}"


def localized_setting(text: str) -> str:
    """Return the name or the value of a setting, or a note, in the language of the terminal.

    Args:
        text: The English text, such as "learning_rate" or "adam (learning_rate 0.002)".

    Returns:
        The Korean if that is the language, else the text. Names without a Korean translation stay as they are.

    Example:
        >>> from striate.language import Language, use_language
        >>> with use_language(Language.KOREAN):
        ...     print(localized_setting("adam (learning_rate 0.002, beta_2 0.98)"))
        ...     print(localized_setting("logistic regression, L2 penalty 0.03, temperature 1.05"))
        ...     print(localized_setting("fine-tuning, start"))
        adam(학습률 0.002, beta_2 0.98)
        로지스틱 회귀, L2 규제 0.03, 온도 1.05
        미세 조정, 처음 상태
    """
    if current_language() is not Language.KOREAN:
        return text
    if (whole := localized(text)) != text:  # a note, which may contain semicolons
        return whole
    return "; ".join(map(_localized_clause, text.split("; ")))


@cache
def _setting_names() -> dict[str, str]:
    from striate.language.training_messages import SETTING_NAMES

    return SETTING_NAMES


def _localized_clause(text: str) -> str:
    whole = _setting_names().get(text) or localized(text)
    return "".join(map(_localized_part, _SEPARATOR.split(text))) if whole == text else whole


def _localized_part(part: str) -> str:
    if part == " (":
        return "("
    if (found := _setting_names().get(part) or localized(part)) != part:
        return found
    for pattern, korean in _PHRASES:
        if pattern.fullmatch(part):
            return pattern.sub(korean, part)
    if (pair := _VALUE.fullmatch(part)) and (name := _localized_part(pair[1])) != pair[1]:
        return f"{name} {_setting_names().get(pair[2], pair[2])}"
    return part


_PHRASES = (
    (re.compile(r"([\d.]+ %) correct"), r"정확도 \1"),
    (re.compile(r"layer ('.*')"), r"층 \1"),
    (re.compile(r"(\d+) held-out images"), r"학습에서 뺀 이미지 \1장"),
    (re.compile(r"(\d+) trainings"), r"학습 \1회"),
    (re.compile(r"seeds (\d+) to (\d+)"), r"시드 \1~\2"),
)
_VALUE = re.compile(r"(.+?) (yes|[\d.–e+-]+(?: %)?)")
_SEPARATOR = re.compile(r"(, | \(|\))")


@cache
def catalogue() -> dict[str, str]:
    """Return the Korean by English text, read when it is first needed."""
    from striate.language.errors import ERRORS
    from striate.language.explorer_errors import EXPLORER_ERRORS
    from striate.language.file_errors import SYSTEM_ERRORS
    from striate.language.help import HELP
    from striate.language.messages import MESSAGES
    from striate.language.report import STRINGS
    from striate.language.terminal import TERMINAL
    from striate.language.usage import USAGE

    return (
        {texts["en"]: texts["ko"] for texts in STRINGS.values()}
        | TERMINAL
        | HELP
        | MESSAGES
        | ERRORS
        | EXPLORER_ERRORS
        | USAGE
        | SYSTEM_ERRORS
    )


@cache
def _messages_with_values() -> list[tuple[str, str, str]]:
    """Return, for each message with placeholders, its longest literal part, the English and the Korean."""
    from striate.language.errors import ERRORS
    from striate.language.explorer_errors import EXPLORER_ERRORS
    from striate.language.messages import MESSAGES
    from striate.language.usage import USAGE

    found = []
    for english, korean in (MESSAGES | ERRORS | EXPLORER_ERRORS | USAGE).items():
        parts = list(Formatter().parse(english))
        literals = [literal for literal, *_ in parts]
        if any(name for _, name, *_ in parts):
            found.append((sum(map(len, literals)), max(literals, key=len), english, korean))
    # Those with more literal text come first, so that a message is not taken for a more general one.
    return [(literal, english, korean) for _, literal, english, korean in sorted(found, key=lambda each: -each[0])]


@cache  # compiled when first needed: compiling all takes as long as a report
def _pattern(text: str) -> re.Pattern[str]:
    """Return a pattern that matches the text with any values."""
    pattern, seen = "", set()
    for literal, name, *_ in Formatter().parse(text):
        pattern += re.escape(literal)
        if name:
            pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{_value_pattern(name)})"
            seen.add(name)
    return re.compile(pattern, re.DOTALL)


def _value_pattern(name: str) -> str:
    if name in NUMBERS:
        return r"[\d,.]+"
    return r"\S+" if name.endswith(WORD) else ".*?"
