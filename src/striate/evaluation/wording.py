"""Texts and numbers of the report; each text in both languages at once."""

from dataclasses import dataclass

from markupsafe import Markup, escape

from striate.evaluation.strings import STRINGS

NOTHING = "–"


def t(key: str, **values: object) -> Markup:
    """Return a text in both languages with escaped values; CSS shows the selected one."""
    return Markup("").join(
        Markup('<span lang="{}">{}</span>').format(language, Markup(escape(text)).format(**values))
        for language, text in STRINGS[key].items()
    )


def label(key: str, attribute: str = "aria-label", **values: object) -> Markup:
    """Return an attribute in English, and both languages as data attributes for the script."""
    english, korean = (STRINGS[key][language].format(**values) for language in ("en", "ko"))
    return Markup('{}="{}" data-en="{}" data-ko="{}"').format(Markup(attribute), english, english, korean)


def bold(value: object) -> Markup:
    """Mark a value that the script may change."""
    return Markup("<b>{}</b>").format(value)


def number(value: int) -> str:
    """Format an integer: 12345 → 12,345."""
    return f"{value:,}"


def points(share: float) -> str:
    """Format a difference of proportions in percentage points without sign: 0.0123 → 1.2."""
    return f"{100 * abs(share):.1f}"


def duration(seconds: float) -> Markup:
    """Format a duration in seconds, minutes or hours."""
    if seconds < 60:
        return t("seconds", n=f"{seconds:.1f}")
    if seconds < 3600:
        return t("minutes", m=int(seconds // 60), s=int(seconds % 60))
    return t("hours", h=int(seconds // 3600), m=int(seconds % 3600 // 60))


@dataclass(frozen=True)
class Percent:
    """Formats proportions as percent, with as many decimals as the number of images supports."""

    images: int

    def __call__(self, share: float | None, sign: bool = True) -> str:
        """Format 0.98571 as 98.57% from 2,000 images on, else as 98.6%; only 1 is 100%, and None is a dash."""
        if share is None:
            return NOTHING
        decimals = 2 if self.images >= 2000 else 1
        shown = 100 * share if share >= 1 else min(100 * share, 100 - 10**-decimals)
        return f"{shown:.{decimals}f}{'%' if sign else ''}"
