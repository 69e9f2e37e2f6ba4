"""Global settings as in `keras.backend` and `keras.config`: those that Striate has are fixed."""

from typing import Any

from striate.errors import UsageError
from striate.utils import clear_session

__all__ = [
    "backend", "clear_session", "disable_traceback_filtering", "enable_traceback_filtering", "epsilon", "floatx",
    "image_data_format", "set_floatx", "set_image_data_format",
]  # fmt: skip

FIXED = {"floatx": "float32", "image_data_format": "channels_last"}


def backend() -> str:
    """Return "striate". Each model has its engine: model.use_engine("numpy"), or "torch"."""
    return "striate"


def floatx() -> str:
    """Return "float32"."""
    return FIXED["floatx"]


def image_data_format() -> str:
    """Return "channels_last"."""
    return FIXED["image_data_format"]


def epsilon() -> float:
    """Return 1e-7, as in Keras."""
    return 1e-7


def set_floatx(value: str) -> None:
    """Accept "float32", in which layers always compute.

    Args:
        value: Name of the dtype.

    Raises:
        UsageError: If it is another dtype.
    """
    _check("floatx", value, "Half precision is a setting of a model: model.compile(precision='bfloat16').")


def set_image_data_format(value: str) -> None:
    """Accept "channels_last", the only format.

    Args:
        value: Name of the format.

    Raises:
        UsageError: If it is another format.
    """
    _check("image_data_format", value, "Say it in the input: Input((C, H, W), data_format='channels_first').")


def disable_traceback_filtering() -> None:
    """Do nothing: tracebacks are complete."""


def enable_traceback_filtering() -> None:
    """Do nothing: messages say what is wrong without a traceback."""


def _check(name: str, value: str, advice: str) -> None:
    if value != FIXED[name]:
        raise UsageError(f"{name} is '{FIXED[name]}' in Striate; received {value!r}. {advice}")


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    raise UsageError(f"Striate has no backend.{name}. For arrays use NumPy or striate.ops.")
