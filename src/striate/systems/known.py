"""All systems: first steps, small networks, classic networks on photographs, in the order in which people meet them."""

from striate.errors import UsageError, nearest
from striate.systems.linear_regression import linear_regression
from striate.systems.optimizers import optimizers
from striate.systems.photographs import DOGS_VS_CATS, FROM_SCRATCH
from striate.systems.system import Form, System
from striate.systems.toy_convolutions import toy_convolutions


def _of_photographs(model: str, reported: str) -> Form:
    """Reported on photographs that were padded to squares and shrunk to 214×214."""
    was = {"input_shape": (214, 214, 3), "normalization": "lrn"}
    return Form("", model, reported, FROM_SCRATCH[model], as_reported=was, fit="pad")


MNIST_CNN = System(
    "mnist-cnn", "one network written in three ways", "99.36 / 99.35 / 99.35 %",
    (Form("sequential", "mnist-cnn", "99.36 %"), Form("functional", "mnist-cnn-functional", "99.35 %"),
     Form("subclassed", "mnist-cnn-subclassed", "99.35 %")),
)  # fmt: skip

BASE = "efficientnet-lite0"
ITS_BASE = f"{BASE} as the base"

SYSTEMS = (
    System(
        "linear-regression", "three exam scores predict the final one, in matrix form", "cost falls",
        show=linear_regression,
    ),
    System("mlp", "a small fully connected net on MNIST", "97.8 %", (Form("", "mlp", "97.8 %"),)),
    System("toy-convolutions", "worked examples, every number shown", "exact", show=toy_convolutions),
    System("optimizers", "the paths and curves of six optimisers, side by side", "all descend", show=optimizers),
    System(
        "scattered-digits", "digits of any place, size, thickness and angle: an MLP and a CNN on the same budget",
        "the CNN wins clearly", (Form("mlp", "mlp"), Form("cnn", "mnist-quick", "wins clearly")), data="scattered",
    ),
    System("simple-convnet", "the from-scratch network: conv – relu – pool – affine – relu – affine – softmax",
           "98.90 %", (Form("", "simple-convnet", "98.90 %"),)),
    System("tutorial-cnn", "two conv layers and dropout for one's own folder of photographs", "–",
           (Form("", "tutorial-cnn"),), data=""),
    MNIST_CNN,
    System("mnist-ensemble", "three mnist-cnn trained apart, their outputs averaged", "99.47 %",
           (Form("", "mnist-cnn", "99.47 %"),), members=3, combines=MNIST_CNN),
    System("mnist-best", "augmentation, batch normalisation, an ensemble", "99.68 %",
           (Form("", "mnist-best", "99.68 %", as_reported={"form": "reported"}),), members=3,
           changed="five convolutions; images changed anew each time instead of four fixed copies"),
    System("lenet5", "LeNet-5 as usually rebuilt", "98.57 %", (Form("", "lenet5", "98.57 %"),)),
    System(
        "lenet5-1998", "LeNet-5 as published: learnt subsampling, partial connection, radial-basis output",
        "99.05 %",
        (Form("tanh", "lenet5-1998", "99.05 %"), Form("sigmoid", "lenet5-1998", settings={"activation": "sigmoid"})),
        changed="weights start at 1 / √(inputs)",
    ),
    System("mnist-quick", "Striate's smallest, fastest road to 99 %", "99.0 %", (Form("", "mnist-quick", "99.0 %"),)),
    System("alexnet", "AlexNet in its modern form, on 2,000 photographs of dogs and cats", "51 %",
           (_of_photographs("alexnet", "51 %"),), data=DOGS_VS_CATS, changed="batch normalisation"),
    System("googlenet", "GoogLeNet, on 2,000 photographs of dogs and cats", "65 %",
           (_of_photographs("googlenet", "65 %"),), data=DOGS_VS_CATS, changed="batch normalisation"),
    System("resnet18", "a residual network, on 2,000 photographs of dogs and cats", "–",
           (Form("", "resnet18"),), data=DOGS_VS_CATS),
    System("feature-extraction", "a pretrained base as it is, with a new head, on 2,000 photographs of dogs and cats",
           "90 %", (Form("", BASE, "90 %", base=BASE),), data=DOGS_VS_CATS, changed=ITS_BASE),
    System("fine-tuning", "the same, then the upper layers of the base, then all of it, slowly", "94–97 %",
           (Form("", BASE, "94–97 %", base=BASE, fine_tune=True),), data=DOGS_VS_CATS, changed=ITS_BASE),
)  # fmt: skip


def find(id: str) -> System:
    """The system of this id. Raises UsageError for an unknown one."""
    known = {system.id: system for system in SYSTEMS}
    if id not in known:
        raise UsageError(f"There is no system '{id}'.{nearest(id, known)}")
    return known[id]
