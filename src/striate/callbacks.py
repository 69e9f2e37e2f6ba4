"""The callbacks, importable as in Keras: `from striate.callbacks import EarlyStopping`."""

from striate.training import callbacks as _callbacks
from striate.training.callbacks import *  # noqa: F403
from striate.training.tensorboard import TensorBoard

__all__ = [*_callbacks.__all__, "TensorBoard"]  # noqa: PLE0604 - strings, in another module
