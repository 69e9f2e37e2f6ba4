"""For which models of the zoo weights are published, and where."""

from striate.errors import UsageError
from striate.pretrained import efficientnet, torchvision
from striate.pretrained.source import Published

PUBLISHED = torchvision.PUBLISHED | efficientnet.PUBLISHED


def published(model: str) -> Published:
    """What is published for a model of the zoo. Raises UsageError where nothing is, or nothing that fits."""
    if model in PUBLISHED:
        return PUBLISHED[model]
    reason = f" {torchvision.ALEXNET}" if model.startswith("alexnet") else ""
    raise UsageError(f"There are no published weights for '{model}'.{reason} There are for: {', '.join(PUBLISHED)}.")
