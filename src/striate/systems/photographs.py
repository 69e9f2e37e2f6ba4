"""How networks for photographs are trained: by the number of images they learn from."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, sqrt
from pathlib import Path
from typing import Any

from striate.data import PHOTOGRAPHS
from striate.engines.optimizers import AdamW
from striate.errors import DataError
from striate.training import OneCycle, Recipe

FEW, SMALL_BATCH = 1_600, 32  # training images and batch size for which the guides hold as they stand
BATCHES = {5_000: 32, 50_000: 64}  # batch size up to so many training images
LARGE_BATCH = 128
LEAST_EPOCHS, GROWTH = 20, 0.4
MEMORY = 2  # epochs over which weights are averaged

DOGS_VS_CATS = "dogs-vs-cats"
SOURCE = "https://www.kaggle.com/c/dogs-vs-cats/data"


@dataclass(frozen=True)
class Guide:
    """What suits a family of networks on 1,600 training images, in batches of 32.

    rate: the peak learning rate. epochs: how often each image is seen. weight_decay: of AdamW.
    """

    rate: float
    epochs: int
    weight_decay: float = 0.05

    def recipe(self, images: int) -> Recipe:
        """The recipe for so many training images.

        More images are seen less often each. Batches grow with them, and the rate with the root of the batch's size, as
        Krizhevsky 2014 ("One weird trick for parallelizing convolutional neural networks") argues. Weights are
        averaged over about two epochs.
        """
        batch_size = next((size for most, size in BATCHES.items() if images <= most), LARGE_BATCH)
        steps = ceil(images / batch_size)
        epochs = round(self.epochs * (FEW / max(images, 1)) ** GROWTH)
        return Recipe(
            epochs=min(max(epochs, LEAST_EPOCHS), 2 * self.epochs),
            batch_size=batch_size,
            optimizer=AdamW(self.rate * sqrt(batch_size / SMALL_BATCH), weight_decay=self.weight_decay),
            schedule=OneCycle(),
            augmentation=PHOTOGRAPHS["standard"],
            label_smoothing=0.1,
            average=min(round(1 - 1 / max(MEMORY * steps, 10), 4), 0.9999),
        )


GUIDES = {  # by the beginning of the model's id
    "alexnet": Guide(3e-4, 120),
    "googlenet": Guide(1e-3, 120),
    "resnet": Guide(1e-3, 120),
    "vgg": Guide(2e-4, 120),
    "efficientnet": Guide(1e-3, 120),
}

# Settings with which networks learn from photographs alone. Their local response normalisation came before batch
# normalisation, with which they learn faster and better (Ioffe & Szegedy 2015, "Batch normalization").
FROM_SCRATCH: Mapping[str, Mapping[str, Any]] = {
    "alexnet": {"normalization": "batch"},
    "googlenet": {"normalization": "batch"},
}


def guide_of(model: str) -> Guide | None:
    """The guide for a model of the zoo; None where it is not for photographs."""
    return next((guide for start, guide in GUIDES.items() if model.startswith(start)), None)


def find_dogs_vs_cats(folder: str | None = None) -> Path:
    """The folder of the photographs: the one given, or $STRIATE_DATA/dogs-vs-cats.

    Raises DataError that says where to get them.
    """
    place = Path(folder) if folder else Path(os.environ.get("STRIATE_DATA", "")) / DOGS_VS_CATS
    if (folder or os.environ.get("STRIATE_DATA")) and place.is_dir():
        return place.resolve()
    missing = f"There is no folder '{folder}'. " if folder else ""
    raise DataError(
        f"{missing}These systems learn from Kaggle's Dogs vs. Cats: get the photographs from {SOURCE}, put them into "
        f"FOLDER/cats/*.jpg and FOLDER/dogs/*.jpg, and give --data FOLDER, or set STRIATE_DATA to the folder that "
        f"holds them as {DOGS_VS_CATS}/."
    )
