"""Models: a network with its weights and an engine. Importable as in Keras: `from striate.models import Sequential`."""

from striate.models.loading import clone_model, load, load_model, model_from_json, save_model
from striate.models.model import Model
from striate.models.sequential import Sequential

__all__ = ["Model", "Sequential", "clone_model", "load", "load_model", "model_from_json", "save_model"]
