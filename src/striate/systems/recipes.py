"""Turn the default recipe in a model's zoo entry into a training recipe, scaled with the number of training images."""

from dataclasses import replace
from math import ceil, sqrt

from striate.data import PHOTO_PRESETS, PRESETS, get_augmentation
from striate.engines.optimizers import AdamW, get_optimizer
from striate.training import OneCycle, Recipe
from striate.zoo.registry import DefaultRecipe, get_architecture

TYPICAL_IMAGES = 1_600  # training images, where their number is not known
BATCH_SIZES = {5_000: 32, 50_000: 64}  # batch size for at most so many training images
LARGE_BATCH = 128
MIN_EPOCHS = 20
EPOCHS_EXPONENT = 0.4  # epochs ∝ images ** −EPOCHS_EXPONENT
AVERAGED_EPOCHS = 2  # over which weights are averaged

# Fine-tuning starts from a fitted head. If it makes the model worse, it is undone.
TUNED = Recipe(3, 16, AdamW(3e-4, weight_decay=0.05), OneCycle(), PHOTO_PRESETS["light"], global_clipnorm=1.0)
MIN_TUNING_STEPS = 300
MAX_TUNING_EPOCHS = 12


def recipe_for(model: str, images: int = TYPICAL_IMAGES, *, drawings: bool = False) -> Recipe:
    """Return the default recipe of a model.

    Args:
        model: Id of the model in the zoo.
        images: Number of training images.
        drawings: Whether they are digits or other drawings. A recipe for photographs is adapted to them: a mirrored
            or strongly cropped digit is another one or none, and fewer epochs are enough.

    Returns:
        The recipe in the model's zoo entry; the default recipe if there is none.
    """
    default = get_architecture(model).recipe
    if default is None:
        return Recipe()
    recipe = _decode(default)
    recipe = recipe if default.images is None else _scale(recipe, default.images, images)
    if not (drawings and default.photographs):
        return recipe
    return replace(recipe, epochs=min(recipe.epochs, MIN_EPOCHS), augmentation=PRESETS["light"])


def _decode(default: DefaultRecipe) -> Recipe:
    augmentation = default.augmentation and get_augmentation(default.augmentation, photographs=default.photographs)
    return Recipe(
        epochs=default.epochs,
        batch_size=default.batch_size,
        optimizer=get_optimizer(default.optimizer, learning_rate=default.learning_rate, **default.optimizer_settings),
        schedule=OneCycle(default.warmup),
        augmentation=augmentation or None,
        label_smoothing=default.label_smoothing,
    )


def _scale(recipe: Recipe, reference: int, images: int) -> Recipe:
    """Adapt a recipe for one number of training images to another.

    With more images there are fewer epochs and larger batches, the learning rate grows with the square root of the
    batch size, and weights are averaged over about two epochs.

    Args:
        recipe: For `reference` training images.
        reference: The number of training images to which the recipe refers.
        images: The number of training images.

    Returns:
        The recipe for this number.

    Source:
        Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks", for the learning rate.
    """
    batch_size = next((size for most, size in BATCH_SIZES.items() if images <= most), LARGE_BATCH)
    steps = ceil(images / batch_size)
    epochs = round(recipe.epochs * (reference / max(images, 1)) ** EPOCHS_EXPONENT)
    learning_rate = recipe.optimizer.rate_at(0) * sqrt(batch_size / recipe.batch_size)
    return replace(
        recipe,
        epochs=min(max(epochs, MIN_EPOCHS), 2 * recipe.epochs),
        batch_size=batch_size,
        optimizer=replace(recipe.optimizer, learning_rate=learning_rate),
        ema_decay=min(round(1 - 1 / max(AVERAGED_EPOCHS * steps, 10), 4), 0.9999),
    )


def tuning_recipe(images: int, *, drawings: bool = False) -> Recipe:
    """Return the recipe for fine-tuning a base; with few images there are more epochs.

    Args:
        images: Number of training images.
        drawings: Whether they are drawings, which are augmented without mirroring.

    Returns:
        The recipe.
    """
    steps = max(1, images // TUNED.batch_size)
    augmentation = PRESETS["light"] if drawings else TUNED.augmentation
    epochs = min(max(TUNED.epochs, -(-MIN_TUNING_STEPS // steps)), MAX_TUNING_EPOCHS)
    return replace(TUNED, epochs=epochs, augmentation=augmentation)
