"""The callbacks, importable as in Keras: `from striate.callbacks import EarlyStopping`."""

from striate.training import callbacks as _callbacks
from striate.training.callbacks import *  # noqa: F403

__all__ = [*_callbacks.__all__]  # noqa: PLE0604 - strings, in another module
