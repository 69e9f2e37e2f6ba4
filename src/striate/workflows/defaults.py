"""What a person gets who names a folder of photographs and nothing else."""

from striate.data import describe
from striate.data.layout import read_layout
from striate.data.split import TRAINING
from striate.engines.choose import accelerator, installed

SMALL_MODEL, LARGE_MODEL = "tutorial-cnn", "resnet18"
TRAINED = 0.8  # of the images, where the folder does not say which


def folder_model() -> tuple[str, str]:
    """The model for a folder of photographs, and why it: a small network where a large one would take hours."""
    if not installed("torch"):
        return SMALL_MODEL, 'larger networks need PyTorch, which is not installed (pip install "striate[torch]")'
    found = accelerator()
    if found:
        return LARGE_MODEL, f"there is an accelerator, {found}"
    return SMALL_MODEL, f"it takes minutes without an accelerator; --model {LARGE_MODEL} knows more, but takes hours"


def training_images(data: str, *, folder: bool) -> int:
    """About how many images there will be to train on, from the names of files alone."""
    if not folder:
        known = {item.name: item.images for item in describe()}
        return round(TRAINED * known.get(data, 0))
    parts = read_layout(data).parts
    given = int((parts == TRAINING).sum())
    return given if given < len(parts) else round(TRAINED * len(parts))
