"""Published weights by name, and other people's files of weights, for the networks of the zoo."""

from striate.pretrained.load import load_pretrained, required_settings

__all__ = ["load_pretrained", "required_settings"]
