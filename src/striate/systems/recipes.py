"""How each system is trained: the recipe that Striate found to work, and the one it was reported with."""

from dataclasses import replace

from striate.data import PHOTOGRAPHS, PRESETS, Augmentation
from striate.engines.optimizers import SGD, Adam
from striate.systems.photographs import FEW, guide_of
from striate.training import Constant, OneCycle, Recipe, Step

LIGHT = PRESETS["light"]
STANDARD = PRESETS["standard"]

CNN = Recipe(8, 100, Adam(2e-3), OneCycle(), LIGHT)
RECIPES: dict[str, Recipe] = {
    "mlp": Recipe(12, 100, Adam(1e-3), OneCycle(), LIGHT),
    "scattered-digits": Recipe(15, 100, Adam(3e-3), OneCycle()),
    "simple-convnet": Recipe(12, 100, Adam(2e-3), OneCycle(), LIGHT),
    "tutorial-cnn": Recipe(20, 50, Adam(1e-3), OneCycle(), PHOTOGRAPHS["light"]),
    "mnist-cnn": CNN,
    "mnist-ensemble": CNN,
    "mnist-best": Recipe(18, 100, Adam(4e-3), OneCycle(), STANDARD),
    "lenet5": Recipe(12, 50, Adam(2e-3), OneCycle(), LIGHT),
    "lenet5-1998": Recipe(10, 50, Adam(2e-3), OneCycle()),
    "mnist-quick": Recipe(2, 200, Adam(3e-2, beta_2=0.98), OneCycle()),
}

# From the head that the extraction found, the upper layers. Its gradients are small where classes are near to everyday
# objects; where they are far, smaller rates were too timid. What does harm is undone.
TUNED = Recipe(2, 32, SGD(5e-3, 0.9), OneCycle(), PHOTOGRAPHS["light"], clip_norm=1.0, average=0.95, patience=2)
TUNED_STEPS = 90  # at least, of each stage
TUNED_EPOCHS = 12  # at most

KERAS = Recipe(15, 100, Adam(1e-3), Constant())
TUTORIAL = Recipe(300, 256, Adam(1e-3), Constant())
AS_REPORTED: dict[str, Recipe] = {
    "mlp": replace(KERAS, epochs=20, batch_size=128),
    "scattered-digits": RECIPES["scattered-digits"],
    "simple-convnet": replace(KERAS, epochs=20),
    "tutorial-cnn": replace(KERAS, epochs=16, batch_size=50),
    "mnist-cnn": KERAS,
    "mnist-ensemble": KERAS,
    # Each image and four changed copies in every epoch are five epochs of images changed anew each time.
    "mnist-best": Recipe(75, 100, Adam(1e-3), Step(0.5, 25), Augmentation(rotation=10, shift=0.1)),
    "lenet5": replace(KERAS, epochs=19, batch_size=50),
    "lenet5-1998": Recipe(20, 1, SGD(5e-4), Step(0.4, 3)),
    "mnist-quick": RECIPES["mnist-quick"],
    "alexnet": TUTORIAL,  # its row of the table names no settings: those of GoogLeNet, from the same place
    "googlenet": TUTORIAL,
    # He et al. 2015, section 3.4, without its test at ten crops.
    "resnet18": Recipe(90, 256, SGD(0.1, 0.9, weight_decay=1e-4), Step(0.1, 30),
                       Augmentation(crop=(0.08, 1.0), flip_horizontal=True)),
    "feature-extraction": Recipe(),  # its head is fitted to convergence, by no recipe
    "fine-tuning": TUNED,  # reported by its order of stages and small rate alone
}  # fmt: skip


def tuning_recipe(images: int) -> Recipe:
    """How the upper layers of a base are fine-tuned on so many training images: few of them are seen more often."""
    steps = max(1, images // TUNED.batch_size)
    return replace(TUNED, epochs=min(max(TUNED.epochs, -(-TUNED_STEPS // steps)), TUNED_EPOCHS))


def recipe_for(model: str, images: int = FEW) -> Recipe:
    """The recipe of a model of the zoo, for so many training images; the usual one where no system has its name."""
    if model == "fine-tuning":
        return tuning_recipe(images)
    guide = guide_of(model)
    if guide:
        return guide.recipe(images)
    return RECIPES["mnist-cnn"] if model.startswith("mnist-cnn-") else RECIPES.get(model, Recipe())


def difference(ours: Recipe, reported: Recipe) -> str:
    """What is not as it was reported, in few words; empty where nothing is."""
    pairs = zip(_words(ours), _words(reported), strict=True)
    return ", ".join(f"{own} for {other}" for own, other in pairs if own != other)


def _words(recipe: Recipe) -> tuple[str, ...]:
    presets = {value: name for table in (PHOTOGRAPHS, PRESETS) for name, value in table.items()}
    augmentation = recipe.augmentation or Augmentation()
    return (
        f"{recipe.epochs} epochs",
        f"batches of {recipe.batch_size}",
        f"{type(recipe.optimizer).__name__} {recipe.optimizer.learning_rate:g}",
        f"a {type(recipe.schedule).__name__} rate",
        f"{presets.get(augmentation, 'own')} augmentation".replace("none", "no"),
        f"label smoothing {recipe.label_smoothing:g}",
        "averaged weights" if recipe.average else "the last weights",
    )
