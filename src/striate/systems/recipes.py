"""The usual training recipe of each model of the zoo."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import Any

from striate.data import PHOTOGRAPHS, PRESETS
from striate.engines.optimizers import SGD, Adam, AdamW
from striate.training import OneCycle, Recipe

TYPICAL_IMAGES, SMALL_BATCH = 1_600, 32  # training images and batch size to which a PhotoRecipe's values refer
BATCH_SIZES = {5_000: 32, 50_000: 64}  # batch size for at most so many training images
LARGE_BATCH = 128
MIN_EPOCHS = 20
EPOCHS_EXPONENT = 0.4  # epochs ∝ images ** −EPOCHS_EXPONENT
AVERAGED_EPOCHS = 2  # over which weights are averaged


@dataclass(frozen=True)
class PhotoRecipe:
    """Hyperparameters of a family of networks for photographs, scaled with the number of training images.

    Attributes:
        learning_rate: Peak learning rate for batches of 32.
        epochs: Number of epochs for 1,600 training images.
        weight_decay: Weight decay of AdamW.
    """

    learning_rate: float
    epochs: int
    weight_decay: float = 0.05

    def scaled(self, images: int) -> Recipe:
        """Return the recipe for a number of training images.

        With more images there are fewer epochs and larger batches, the learning rate grows with the square root of the
        batch size, and weights are averaged over about two epochs.

        Source:
            Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks", for the learning rate.
        """
        batch_size = next((size for most, size in BATCH_SIZES.items() if images <= most), LARGE_BATCH)
        steps = ceil(images / batch_size)
        epochs = round(self.epochs * (TYPICAL_IMAGES / max(images, 1)) ** EPOCHS_EXPONENT)
        return Recipe(
            epochs=min(max(epochs, MIN_EPOCHS), 2 * self.epochs),
            batch_size=batch_size,
            optimizer=AdamW(self.learning_rate * sqrt(batch_size / SMALL_BATCH), weight_decay=self.weight_decay),
            schedule=OneCycle(),
            augmentation=PHOTOGRAPHS["standard"],
            label_smoothing=0.1,
            average=min(round(1 - 1 / max(AVERAGED_EPOCHS * steps, 10), 4), 0.9999),
        )


PHOTO_RECIPES = {  # by the beginning of the model's id
    "alexnet": PhotoRecipe(3e-4, 120),
    "googlenet": PhotoRecipe(1e-3, 120),
    "resnet": PhotoRecipe(1e-3, 120),
    "vgg": PhotoRecipe(2e-4, 120),
    "efficientnet": PhotoRecipe(1e-3, 120),
}

LIGHT = PRESETS["light"]
RECIPES: dict[str, Recipe] = {  # by the model's id
    "mlp": Recipe(12, 100, Adam(1e-3), OneCycle(), LIGHT),
    "simple-convnet": Recipe(12, 100, Adam(2e-3), OneCycle(), LIGHT),
    "tutorial-cnn": Recipe(20, 50, Adam(1e-3), OneCycle(), PHOTOGRAPHS["light"]),
    "mnist-cnn": Recipe(8, 100, Adam(2e-3), OneCycle(), LIGHT),
    "mnist-best": Recipe(18, 100, Adam(4e-3), OneCycle(), PRESETS["standard"]),
    "lenet5": Recipe(12, 50, Adam(2e-3), OneCycle(), LIGHT),
    "lenet5-1998": Recipe(10, 50, Adam(2e-3), OneCycle()),
    "mnist-quick": Recipe(2, 200, Adam(3e-2, beta_2=0.98), OneCycle()),
}

# Settings with which networks learn from photographs alone. Their local response normalization came before batch
# normalization, with which they learn faster and better (Ioffe & Szegedy 2015, "Batch normalization").
FROM_SCRATCH: Mapping[str, Mapping[str, Any]] = {
    "alexnet": {"normalization": "batch"},
    "googlenet": {"normalization": "batch"},
}

# Fine-tuning starts from a fitted head. Where the classes resemble those of ImageNet, gradients are small; where they
# do not, smaller learning rates changed too little. A stage that makes the model worse is undone.
TUNED = Recipe(2, 32, SGD(5e-3, 0.9), OneCycle(), PHOTOGRAPHS["light"], clip_norm=1.0, average=0.95, patience=2)
MIN_TUNING_STEPS = 90  # of each stage
MAX_TUNING_EPOCHS = 12


def recipe_for(model: str, images: int = TYPICAL_IMAGES) -> Recipe:
    """Return the usual recipe of a model.

    Args:
        model: Id of the model in the zoo.
        images: Number of training images.
    """
    photos = photo_recipe(model)
    if photos:
        return photos.scaled(images)
    return RECIPES["mnist-cnn"] if model.startswith("mnist-cnn-") else RECIPES.get(model, Recipe())


def photo_recipe(model: str) -> PhotoRecipe | None:
    """Return the hyperparameters of a model for photographs; None for other models."""
    return next((recipe for start, recipe in PHOTO_RECIPES.items() if model.startswith(start)), None)


def tuning_recipe(images: int) -> Recipe:
    """Return the recipe for fine-tuning a base; with few images there are more epochs.

    Args:
        images: Number of training images.
    """
    steps = max(1, images // TUNED.batch_size)
    return replace(TUNED, epochs=min(max(TUNED.epochs, -(-MIN_TUNING_STEPS // steps)), MAX_TUNING_EPOCHS))
