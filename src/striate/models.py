"""The models, importable as in Keras: `from striate.models import Sequential`."""

from striate.model import Model
from striate.sequential import Sequential, load

__all__ = ["Model", "Sequential", "load_model"]

load_model = load
