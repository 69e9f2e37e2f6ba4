"""How each model is trained: the recipe that Striate found to work, and the one it was reported with."""

from dataclasses import replace

from striate.data import PRESETS, Augmentation
from striate.engines.optimizers import SGD, Adam
from striate.training import Constant, OneCycle, Recipe, Step

LIGHT = PRESETS["light"]
STANDARD = PRESETS["standard"]

RECIPES: dict[str, Recipe] = {
    "mlp": Recipe(15, 100, Adam(1e-3), OneCycle(), LIGHT),
    "simple-convnet": Recipe(20, 100, Adam(2e-3), OneCycle()),
    "tutorial-cnn": Recipe(20, 50, Adam(1e-3), OneCycle(), LIGHT),
    "mnist-cnn": Recipe(15, 100, Adam(2e-3), OneCycle(), LIGHT),
    "mnist-best": Recipe(30, 100, Adam(3e-3), OneCycle(), STANDARD),
    "lenet5": Recipe(15, 50, Adam(2e-3), OneCycle()),
    "lenet5-1998": Recipe(20, 50, Adam(2e-3), OneCycle()),
    "mnist-quick": Recipe(2, 100, Adam(1e-2), OneCycle()),
}
RECIPES |= {f"mnist-cnn-{form}": RECIPES["mnist-cnn"] for form in ("functional", "subclassed")}

SCATTERED = Recipe(15, 100, Adam(1e-3), OneCycle())
"""The same budget for both networks."""

REGRESSION = Recipe(2001, 5, SGD(1e-6), Constant())

# Each image and four changed copies in every epoch: five times the epochs, and changes that never repeat.
_SHIFTED_AND_TURNED = Augmentation(rotation=10, shift=0.1)
_KERAS = Recipe(15, 100, Adam(1e-3), Constant())

AS_REPORTED: dict[str, Recipe] = {
    "mlp": replace(_KERAS, epochs=20, batch_size=128),
    "simple-convnet": replace(_KERAS, epochs=20),
    "tutorial-cnn": Recipe(10, 50, Adam(1e-3), Constant()),
    "mnist-cnn": _KERAS,
    "mnist-best": Recipe(75, 100, Adam(1e-3), Step(0.5, 25), _SHIFTED_AND_TURNED),
    "lenet5": Recipe(19, 50, Adam(1e-3), Constant()),
    "lenet5-1998": Recipe(20, 50, SGD(1e-3), Constant()),
}
AS_REPORTED |= {f"mnist-cnn-{form}": _KERAS for form in ("functional", "subclassed")}


def recipe_of(model: str) -> Recipe:
    """The recipe of a model of the zoo; the usual one where it has none of its own."""
    return RECIPES.get(model, Recipe())
