"""Pretrained weights: published ones by name, and weight files in several formats."""

from striate.pretrained.load import load_pretrained, required_settings
from striate.pretrained.published import IMAGENET

__all__ = ["IMAGENET", "load_pretrained", "required_settings"]
