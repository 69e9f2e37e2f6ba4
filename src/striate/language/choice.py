"""The language of the terminal: named by the user, or that of the system."""

import locale
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from types import SimpleNamespace

from striate.errors import UsageError

VARIABLE = "STRIATE_LANG"
SYSTEM_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set decides, as in POSIX


class Language(StrEnum):
    """A language of the terminal."""

    ENGLISH = "en"
    KOREAN = "ko"


_current = SimpleNamespace(language=Language.ENGLISH)


def choose_language(environment: Mapping[str, str]) -> Language:
    """Return the language that environment variables ask for.

    Args:
        environment: Variables by name. STRIATE_LANG is "en" or "ko". Without it LC_ALL, LC_MESSAGES and LANG decide,
            and if none of them is set, as on Windows, the region that Python reads from the system.

    Returns:
        Korean if it is asked for, else English.

    Raises:
        UsageError: If STRIATE_LANG has another value.

    Example:
        >>> choose_language({"LANG": "ko_KR.UTF-8"})
        <Language.KOREAN: 'ko'>
        >>> choose_language({"LANG": "ko_KR.UTF-8", "STRIATE_LANG": "en"})
        <Language.ENGLISH: 'en'>
    """
    if asked := environment.get(VARIABLE):
        if _code(asked) not in tuple(Language):
            raise UsageError(f"{VARIABLE} is '{asked}'. Set it to 'en' or 'ko', or unset it for the system's language.")
        return Language(_code(asked))
    system = next(filter(None, map(environment.get, SYSTEM_VARIABLES)), None) or locale.getlocale()[0] or ""
    return Language.KOREAN if _code(system) in ("ko", "korean") else Language.ENGLISH


def preferred_language(accepted: str) -> Language:
    """Return the language that a browser prefers.

    Args:
        accepted: The header Accept-Language of its request.

    Returns:
        Korean if it is preferred to English, else English.

    Example:
        >>> preferred_language("ko-KR,ko;q=0.9,en;q=0.8")
        <Language.KOREAN: 'ko'>
        >>> preferred_language("en,ko;q=0.5"), preferred_language("fr, */*;q=x")
        (<Language.ENGLISH: 'en'>, <Language.ENGLISH: 'en'>)
    """
    found = re.findall(r"(?:^|,)\s*(ko|en)\b[^,;]*(?:;\s*q=([01](?:\.\d*)?))?", accepted[:1000].lower())
    weights = {name: float(weight or 1) for name, weight in reversed(found)}
    return Language.KOREAN if weights.get("ko", 0) > weights.get("en", 0) else Language.ENGLISH


def _code(name: str) -> str:
    """Return the language of a locale's name: ko_KR.UTF-8 → ko, Korean_Korea → korean."""
    return re.split(r"[_.@-]", name)[0].lower()


def current_language() -> Language:
    """Return the language of the terminal: English, unless the command line chose another."""
    return Language(_current.language)


@contextmanager
def use_language(language: Language) -> Iterator[None]:
    """Print in a language within a `with` block.

    Args:
        language: The language.
    """
    before, _current.language = _current.language, language
    try:
        yield
    finally:
        _current.language = before
