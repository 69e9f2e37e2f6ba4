"""All exceptions of Striate, and the "Did you mean …?" of their messages."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches


class StriateError(Exception):
    """Base class of all errors whose message is written for the user."""


class UsageError(StriateError):
    """An invalid request: an unknown name, a value out of range, options that exclude each other."""


class MissingAttributeError(UsageError, AttributeError):
    """An attribute that an object does not have. As for every AttributeError, `hasattr` returns False."""


class UnknownAttributeError(MissingAttributeError):
    """There is no such attribute. The similar name is found when the message is read, not for `getattr` and `hasattr`.

    Args:
        kind: The class of the object.
        attribute: The unknown name.
    """

    def __init__(self, kind: type, attribute: str) -> None:
        """Keep the arguments for the message."""
        super().__init__(kind, attribute)

    def __str__(self) -> str:
        """Return the message."""
        kind, attribute = self.args
        close = get_close_matches(attribute, [known for known in dir(kind) if known[0] != "_"], n=1, cutoff=0.7)
        return f"{kind.__name__} has no attribute '{attribute}'." + (f" Did you mean '{close[0]}'?" if close else "")


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
        " Did you mean …?" if a similar name exists, or one that begins like this; else the list of names, if any.

    Example:
        >>> nearest("trian", ["train", "evaluate"])
        " Did you mean 'train'?"
        >>> nearest("adma", ["adam", "adamax"]), nearest("f1", ["f1_score", "recall"])
        (" Did you mean 'adam'?", " Did you mean 'f1_score'?")
    """
    known = sorted(known)
    return similar(name, known) or (f" Available: {', '.join(known)}." if known else "")


def similar(name: str, known: Iterable[str]) -> str:
    """Return the question whether a similar name was meant, for the end of a message; empty if there is none.

    Args:
        name: The unknown name.
        known: The names that exist.

    Returns:
        " Did you mean …?", or nothing.

    Example:
        >>> similar("smae", ["valid", "same"]), similar("cat", ["valid", "same"])
        (" Did you mean 'same'?", '')
    """
    lower = str(name).lower()
    close = get_close_matches(lower, known, n=3, cutoff=0.5)
    if not close and len(lower) > 1:
        close = [each for each in known if each.startswith(lower)]
    same_letters = (each for each in close if sorted(each) == sorted(lower))  # "adma" is "adam"
    best = next(same_letters, close[0] if close else "")
    return f" Did you mean '{best}'?" if best else ""


def missing_attribute(owner: object, name: str, instead: Mapping[str, str]) -> AttributeError:
    """Return the error for an attribute that an object does not have.

    Args:
        owner: The object.
        name: The attribute.
        instead: What to write in place of attributes of Keras, by name.

    Returns:
        The error, which says what to write, or which attribute has a similar name.

    Example:
        >>> print(missing_attribute([], "apend", {}))
        list has no attribute 'apend'. Did you mean 'append'?
    """
    if name.startswith("_"):  # Python and libraries ask for these
        return AttributeError(name)
    kind = type(owner).__name__
    if name in instead:
        return MissingAttributeError(f"{kind} has no attribute '{name}': {instead[name]}.")
    return UnknownAttributeError(type(owner), name)


def raise_for_serialization(module: str, name: str) -> None:
    """Raise an error for the functions `serialize` and `deserialize` of Keras's modules.

    Args:
        module: Name of the module.
        name: Name of the attribute.

    Raises:
        UsageError: If it is one of these functions; the message says what to use.
    """
    if name in ("serialize", "deserialize"):
        raise UsageError(f"Striate has no {module}.{name}: write striate.saving.{name}_keras_object(…).")
