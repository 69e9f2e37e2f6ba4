"""All exceptions of Striate, and the "Did you mean …?" of their messages."""

from collections.abc import Iterable
from difflib import get_close_matches


class StriateError(Exception):
    """Base class of all errors whose message is written for the user."""


class UsageError(StriateError):
    """An invalid request: an unknown name, a value out of range, options that exclude each other."""


class NetworkError(StriateError):
    """A network that cannot be built: a shape that does not fit, an invalid setting, a name used twice."""


class DataError(StriateError):
    """Images, labels or a data set that cannot be used."""


class DownloadError(DataError):
    """A file that could not be downloaded, or whose checksum is wrong."""


class ModelFileError(StriateError):
    """A model file that is damaged, not a model file, or from a newer version of Striate."""


class RunError(StriateError):
    """A run folder or another file that cannot be written, read or continued."""


class TrainingError(StriateError):
    """Training that cannot continue, for example because the loss is not a number."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name.

    Args:
        name: The unknown name.
        known: The names that exist.

    Returns:
        " Did you mean …?" if a similar name exists, else the list of names.

    Example:
        >>> nearest("trian", ["train", "evaluate"])
        " Did you mean 'train'?"
    """
    known = sorted(known)
    close = get_close_matches(str(name).lower(), known, n=1, cutoff=0.5)
    if close:
        return f" Did you mean '{close[0]}'?"
    return f" Known are: {', '.join(known)}."
