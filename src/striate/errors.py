"""Every exception that Striate raises on purpose, and the "did you mean" they share."""

from collections.abc import Iterable
from difflib import get_close_matches


class StriateError(Exception):
    """Base of all errors whose message is meant for the person at the keyboard."""


class UsageError(StriateError):
    """What was asked for makes no sense: an unknown name, options that clash."""


class NetworkError(StriateError):
    """A network that cannot be built: a shape that does not fit, a wrong setting, a name used twice."""


class DataError(StriateError):
    """Images, labels or a data set that cannot be used."""


class DownloadError(DataError):
    """A data set that could not be fetched, or whose checksum is wrong."""


class ModelFileError(StriateError):
    """A model file that is damaged, foreign, or from a newer Striate."""


class RunError(StriateError):
    """A run folder that cannot be written, read or continued."""


class TrainingError(StriateError):
    """Training that cannot go on, for example because the loss is not a number."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of an error sentence: " Did you mean …?" or the list of what there is."""
    known = sorted(known)
    close = get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    if close:
        return f" Did you mean '{close[0]}'?"
    return f" Known are: {', '.join(known)}."
