"""Published weights by name, and other people's files of weights, for the networks of the zoo."""

from striate.pretrained.load import IMAGENET, load_pretrained, required_settings

__all__ = ["IMAGENET", "load_pretrained", "required_settings"]
