"""Words and numbers of the report, each sentence in both languages at once."""

from dataclasses import dataclass

from markupsafe import Markup, escape

from striate.evaluation.strings import STRINGS

NOTHING = "–"


def t(key: str, **values: object) -> Markup:
    """A text in both languages, values filled in and escaped; CSS shows the chosen one."""
    return Markup("").join(
        Markup('<span lang="{}">{}</span>').format(language, Markup(escape(text)).format(**values))
        for language, text in STRINGS[key].items()
    )


def label(key: str, attribute: str = "aria-label", **values: object) -> Markup:
    """An attribute in English, with both languages beside it for the script to choose from."""
    english, korean = (STRINGS[key][language].format(**values) for language in ("en", "ko"))
    return Markup('{}="{}" data-en="{}" data-ko="{}"').format(Markup(attribute), english, english, korean)


def bold(value: object) -> Markup:
    """A value that the script may change."""
    return Markup("<b>{}</b>").format(value)


def number(value: int) -> str:
    """12,345."""
    return f"{value:,}"


def points(share: float) -> str:
    """A difference of shares in percentage points, without a sign: 0.0123 → 1.2."""
    return f"{100 * abs(share):.1f}"


def duration(seconds: float) -> Markup:
    """Seconds as people say them."""
    if seconds < 60:
        return t("seconds", n=f"{seconds:.1f}")
    if seconds < 3600:
        return t("minutes", m=int(seconds // 60), s=int(seconds % 60))
    return t("hours", h=int(seconds // 3600), m=int(seconds % 3600 // 60))


@dataclass(frozen=True)
class Percent:
    """Shares as percent, with as many decimals as the number of images supports."""

    images: int

    def __call__(self, share: float | None, sign: bool = True) -> str:
        """0.98571 → "98.57%" from 2,000 images on, else "98.6%"; only 1 is 100%. None → a dash."""
        if share is None:
            return NOTHING
        decimals = 2 if self.images >= 2000 else 1
        shown = 100 * share if share >= 1 else min(100 * share, 100 - 10**-decimals)
        return f"{shown:.{decimals}f}{'%' if sign else ''}"
