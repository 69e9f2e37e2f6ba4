"""All systems of `striate reproduce`, from first steps to classic networks on photographs."""

import os
from dataclasses import replace
from pathlib import Path

from striate.data import Augmentation
from striate.engines.optimizers import SGD, Adam
from striate.errors import DataError, UsageError, nearest
from striate.systems.leak import leak
from striate.systems.linear_regression import linear_regression
from striate.systems.optimizers import optimizers
from striate.systems.recipes import TUNED
from striate.systems.system import System, Variant
from striate.systems.toy_convolutions import toy_convolutions
from striate.training import ConstantSchedule, OneCycle, Recipe, StepDecay
from striate.zoo.registry import get_architecture

DOGS_VS_CATS = "dogs-vs-cats"
DOGS_VS_CATS_SOURCE = "https://www.kaggle.com/c/dogs-vs-cats/data"

KERAS = Recipe(15, 100, Adam(1e-3), ConstantSchedule())
TUTORIAL = Recipe(300, 256, Adam(1e-3), ConstantSchedule())

BASE = "efficientnet-lite0"
BASE_CHANGED = f"{BASE} as the base"


def _on_photographs(model: str, reported: str) -> Variant:
    """Return a network whose figure was reported on photographs padded to squares and resized to 214×214."""
    as_reported = {"input_shape": (214, 214, 3), "normalization": "lrn"}
    return Variant("", model, reported, get_architecture(model).from_scratch, as_reported=as_reported, fit="pad")


MNIST_CNN = System(
    "mnist-cnn", "one network written in three ways", "99.36 / 99.35 / 99.35 %",
    (Variant("sequential", "mnist-cnn", "99.36 %"), Variant("functional", "mnist-cnn-functional", "99.35 %"),
     Variant("subclassed", "mnist-cnn-subclassed", "99.35 %")),
    reported_recipe=KERAS,
)  # fmt: skip

SYSTEMS = (
    System(
        "linear-regression", "linear regression of a final exam score on three other scores, in matrix "
                             "form", "cost falls",
        demo=linear_regression,
    ),
    System("mlp", "a small fully connected network on MNIST", "97.8 %", (Variant("", "mlp", "97.8 %"),),
           reported_recipe=replace(KERAS, epochs=20, batch_size=128)),
    System("toy-convolutions", "worked examples that print every computed number", "exact", demo=toy_convolutions),
    System("leak", "a data leak: a split that is redrawn at each start, compared with a fixed split",
           "an accuracy that is too high because of the leak", demo=leak),
    System("optimizers", "the paths and loss curves of six optimizers", "all descend", demo=optimizers),
    System(
        "scattered-digits", "digits at random place, size, thickness and angle: an MLP and a CNN on the same budget",
        "CNN more accurate than "
        "MLP",
        (Variant("mlp", "mlp"),
         Variant("cnn", "mnist-quick", "more accurate than the MLP", settings={"filters": (6, 24)})),
        data="scattered", own_recipe=Recipe(15, 100, Adam(3e-3), OneCycle()),
    ),
    System("simple-convnet", "the first network in plain NumPy: conv – relu – pool – affine – relu – affine – softmax",
           "98.90 %", (Variant("", "simple-convnet", "98.90 %"),), reported_recipe=replace(KERAS, epochs=20)),
    System("tutorial-cnn", "two convolutions and dropout for your own folder of photographs", "–",
           (Variant("", "tutorial-cnn"),), data="", reported_recipe=replace(KERAS, epochs=16, batch_size=50)),
    MNIST_CNN,
    System("mnist-ensemble", "an ensemble of three mnist-cnn networks with averaged outputs", "99.47 %",
           (Variant("", "mnist-cnn", "99.47 %"),), members=3, combines=MNIST_CNN, reported_recipe=KERAS),
    System("mnist-best", "augmentation, batch normalization, an ensemble", "99.68 %",
           (Variant("", "mnist-best", "99.68 %", as_reported={"form": "reported"}),), members=3,
           changed="five convolutions; new random changes in each epoch instead of four fixed copies",
           # Each image and four changed copies per epoch correspond to five epochs with new changes each time.
           reported_recipe=Recipe(75, 100, Adam(1e-3), StepDecay(0.5, 25), Augmentation(rotation=10, shift=0.1))),
    System("lenet5", "LeNet-5 in its usual modern form", "98.57 %", (Variant("", "lenet5", "98.57 %"),),
           reported_recipe=replace(KERAS, epochs=19, batch_size=50)),
    System(
        "lenet5-1998", "LeNet-5 as published: trainable subsampling, partial connection, radial-basis output",
        "99.05 %",
        (Variant("tanh", "lenet5-1998", "99.05 %"),
         Variant("sigmoid", "lenet5-1998", settings={"activation": "sigmoid"})),
        changed="initial weights with a standard deviation proportional to 1 / "
        "√fan_in", reported_recipe=Recipe(20, 1, SGD(5e-4), StepDecay(0.4, 3)),
    ),
    System("mnist-quick", "the smallest and fastest network in Striate that reaches 99 %", "99.0 %",
           (Variant("", "mnist-quick", "99.0 %"),)),
    # No settings were reported for AlexNet; those of GoogLeNet come from the same source.
    System("alexnet", "AlexNet in its modern form, on 2,000 photographs of dogs and cats", "51 %",
           (_on_photographs("alexnet", "51 %"),), data=DOGS_VS_CATS, changed="batch normalization",
           reported_recipe=TUTORIAL),
    System("googlenet", "GoogLeNet, on 2,000 photographs of dogs and cats", "65 %",
           (_on_photographs("googlenet", "65 %"),), data=DOGS_VS_CATS, changed="batch normalization",
           reported_recipe=TUTORIAL),
    System("resnet18", "a residual network, on 2,000 photographs of dogs and cats", "–",
           (Variant("", "resnet18"),), data=DOGS_VS_CATS,
           # He et al. 2015, "Deep Residual Learning for Image Recognition", section 3.4, without ten-crop testing.
           reported_recipe=Recipe(90, 256, SGD(0.1, 0.9, weight_decay=1e-4), StepDecay(0.1, 30),
                                  Augmentation(crop=(0.08, 1.0), flip_horizontal=True))),
    System("feature-extraction", "a pretrained base with a new head, on 2,000 photographs of dogs and cats",
           "90 %", (Variant("", BASE, "90 %", base=BASE),), data=DOGS_VS_CATS, changed=BASE_CHANGED),
    System("fine-tuning", "feature extraction, then fine-tuning of all layers of the base",
           "94–97 %", (Variant("", BASE, "94–97 %", base=BASE, fine_tune=True),), data=DOGS_VS_CATS,
           # Reported was only that the learning rate is small.
           changed=BASE_CHANGED, reported_recipe=TUNED),
)  # fmt: skip


def get_system(id: str) -> System:
    """Return the system of an id.

    Args:
        id: Its name on the command line.

    Returns:
        The system.

    Raises:
        UsageError: If there is no such system.
    """
    systems = {system.id: system for system in SYSTEMS}
    if id not in systems:
        raise UsageError(f"There is no system '{id}'.{nearest(id, systems)}")
    return systems[id]


def find_dogs_vs_cats(folder: str | None = None) -> Path:
    """Find the photographs of Dogs vs. Cats.

    Args:
        folder: The folder that contains them; by default $STRIATE_DATA/dogs-vs-cats.

    Returns:
        The absolute path of the folder.

    Raises:
        DataError: If there is no such folder; the message says where to get the photographs.
    """
    root = os.environ.get("STRIATE_DATA")
    path = Path(folder) if folder else Path(root or "") / DOGS_VS_CATS
    if (folder or root) and path.is_dir():
        return path.resolve()
    missing = f"There is no folder '{folder}'. " if folder else ""
    raise DataError(
        f"{missing}This system is trained on Kaggle's Dogs vs. Cats. Get the photographs from {DOGS_VS_CATS_SOURCE}, "
        "put them into FOLDER/cats/*.jpg and FOLDER/dogs/*.jpg, and use --data FOLDER, or set STRIATE_DATA to the "
        f"folder that contains {DOGS_VS_CATS}/."
    )
