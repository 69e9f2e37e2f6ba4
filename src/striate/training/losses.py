"""The losses that match the outputs of a network."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from striate.engines.losses import (
    LOSSES,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CustomLoss,
    KLDivergence,
    Loss,
    MeanSquaredError,
    Poisson,
    SparseCategoricalCrossentropy,
    check_custom_loss,
)
from striate.errors import UsageError
from striate.network import Network, Shape
from striate.network.outputs import output_activation
from striate.training.samples import holds_class_numbers, split_targets

LOSS_OF_ACTIVATION: dict[str, type[Loss]] = {
    "softmax": CategoricalCrossentropy,
    "softmin": CategoricalCrossentropy,
    "log_softmax": CategoricalCrossentropy,
    "sigmoid": BinaryCrossentropy,
    "linear": MeanSquaredError,
}


@dataclass(frozen=True)
class OutputRequirement:
    """The outputs for which a loss is meaningful.

    Attributes:
        losses: The losses.
        activations: The activations of the output.
        remedy: What to do about another activation.
    """

    losses: tuple[type[Loss], ...]
    activations: tuple[str, ...]
    remedy: str


USUAL_TARGETS: dict[type[Loss], tuple[str, str]] = {
    CategoricalCrossentropy: ("one-hot rows", "sparse_categorical_crossentropy"),
    SparseCategoricalCrossentropy: ("class numbers", "categorical_crossentropy"),
}
"""The targets that Keras requires for a loss, and its loss for the other ones."""

OUTPUT_REQUIREMENTS = (
    OutputRequirement(
        (CategoricalCrossentropy, CategoricalFocalCrossentropy),
        ("softmax", "softmin", "log_softmax", "linear"),
        "For one class of several, end in activation='softmax', or in no activation for a loss from logits; for "
        "independent classes, use activation='sigmoid' with loss='binary_crossentropy'.",
    ),
    OutputRequirement(
        (BinaryCrossentropy,),
        ("sigmoid", "linear"),
        "For independent classes, end in activation='sigmoid', or in no activation for a loss from logits; for one "
        "class of several, use activation='softmax' with loss='categorical_crossentropy'.",
    ),
    OutputRequirement(
        (KLDivergence,),
        ("softmax", "softmin", "log_softmax", "sigmoid", "hard_sigmoid", "linear"),
        "It compares probabilities: end in activation='softmax', or in no activation for a loss from logits.",
    ),
    OutputRequirement(
        (Poisson,),
        ("softplus", "relu", "relu6", "sigmoid", "hard_sigmoid", "softmax"),
        "It takes the logarithm of the output: end in activation='softplus', whose values are above 0.",
    ),
)


def default_losses(network: Network, *, classifies: bool = False) -> tuple[Loss, ...]:
    """Choose the loss that matches the activation of each output.

    Args:
        network: The network.
        classifies: Whether an output of several numbers without activation is the logits of classes.

    Returns:
        Categorical cross-entropy for softmax, softmin and log_softmax, binary cross-entropy for sigmoid; without an
        activation categorical cross-entropy for logits of classes, otherwise the mean squared error.

    Raises:
        UsageError: If an output has another activation.
    """
    return tuple(_default_loss(network, index, classifies) for index in network.outputs)


def _default_loss(network: Network, index: int, classifies: bool) -> Loss:
    activation = output_activation(network, index)
    if activation not in LOSS_OF_ACTIVATION:
        raise UsageError(
            f"The output layer '{network.nodes[index].layer.name}' has activation '{activation}', for which there is "
            "no default loss: end in softmax (one class of several), sigmoid (independent classes) or linear "
            "(regression), or pass a loss to compile."
        )
    if classifies and _takes_class_numbers(activation, network.nodes[index].shape):
        return CategoricalCrossentropy()
    return LOSS_OF_ACTIVATION[activation]()


def _takes_class_numbers(activation: str, shape: Shape) -> bool:
    return activation == "linear" and len(shape) == 1 and shape[0] > 1


def losses_for_targets(network: Network, losses: Sequence[Loss], y: Any) -> tuple[Loss, ...]:
    """Choose default losses by the targets: categorical cross-entropy for outputs that are logits.

    Class numbers (N,) for an output of several numbers without activation imply logits.

    Args:
        network: The network.
        losses: The default loss of each output.
        y: The targets.

    Returns:
        One loss for each output.
    """
    return tuple(
        CategoricalCrossentropy()
        if isinstance(loss, MeanSquaredError)
        and _takes_class_numbers(output_activation(network, index), network.nodes[index].shape)
        and holds_class_numbers(part)
        else loss
        for index, loss, part in zip(network.outputs, losses, split_targets(network, y), strict=True)
    )


def name_of_loss(loss: Loss) -> str:
    """Return Keras's name of a loss."""
    return next((name for name, kind in LOSSES.items() if kind is type(loss)), type(loss).__name__)


def check_custom_losses(network: Network, losses: Sequence[Loss]) -> tuple[Loss, ...]:
    """Check custom losses by calling each once for its output.

    Args:
        network: The network.
        losses: One for each output.

    Returns:
        The losses, with what the calls returned: whether they give gradients, and values for each sample.

    Raises:
        UsageError: If a loss has no gradient or a wrong one.
    """
    return tuple(
        check_custom_loss(loss, tuple(network.nodes[index].shape)) if isinstance(loss, CustomLoss) else loss
        for index, loss in zip(network.outputs, losses, strict=True)
    )


def needs_torch(losses: Sequence[Loss]) -> bool:
    """Return whether a custom loss must be differentiated, and PyTorch is installed."""
    own = any(isinstance(loss, CustomLoss) and not loss.has_gradient for loss in losses)
    return own and find_spec("torch") is not None


def check_losses(network: Network, losses: Sequence[Loss]) -> None:
    """Check that each loss is meaningful for its output.

    Args:
        network: The network.
        losses: One for each output.

    Raises:
        UsageError: If a loss has another reduction than the mean, or does not match the activation or the shape of its
            output, for example a cross-entropy of an output that is neither probabilities nor logits.
    """
    for index, loss in zip(network.outputs, losses, strict=True):
        name = name_of_loss(loss)
        layer, shape = network.nodes[index].layer.name, network.nodes[index].shape
        activation = output_activation(network, index)
        if loss.reduction in ("sum", "none", None):
            raise UsageError(
                f"The loss '{name}' has reduction={loss.reduction!r}, and training uses the mean over the samples of a "
                "batch: leave reduction out. For the gradient of the sum, multiply the learning rate by the batch size."
            )
        wanted = next((wanted for wanted in OUTPUT_REQUIREMENTS if isinstance(loss, wanted.losses)), None)
        if wanted and activation not in wanted.activations:
            raise UsageError(
                f"The loss '{name}' does not match the activation '{activation}' of '{layer}'. {wanted.remedy}"
            )
        if getattr(loss, "from_logits", False) and activation != "linear":
            raise UsageError(
                f"The loss '{name}' has from_logits=True, and '{layer}' ends in activation='{activation}', which does "
                "not return logits: remove from_logits=True, or the activation."
            )
        if loss.target_kind != "classes":
            continue
        if shape == (1,):
            raise UsageError(
                f"The loss '{name}' needs two outputs or more, and '{layer}' has one. For two classes use "
                "Dense(1, activation='sigmoid') with loss='binary_crossentropy', or Dense(2, activation='softmax')."
            )
        if len(shape) != 1:
            raise UsageError(
                f"The loss '{name}' needs an output of shape (classes,), and that of '{layer}' is {shape}. Put "
                "Flatten or GlobalAveragePool2D before the last Dense."
            )


def loss_notes(network: Network, losses: Sequence[Loss], y: Any, *, chosen: bool = True) -> list[str]:
    """Return notes on losses that are computed as they are probably meant, though Keras would compute or refuse them.

    Args:
        network: The network.
        losses: One for each output.
        y: The targets as they were passed.
        chosen: Whether the losses were passed to `compile`, and the targets are to be compared with them.

    Returns:
        A note for each output without activation whose loss is of probabilities, and for each whose targets are
        one-hot rows where class numbers are usual, or the reverse.
    """
    notes = []
    targets = split_targets(network, y) if chosen else [None] * len(losses)
    for index, loss, part in zip(network.outputs, losses, targets, strict=True):
        name, layer, shape = name_of_loss(loss), network.nodes[index].layer.name, network.nodes[index].shape
        if getattr(loss, "from_logits", None) is False and output_activation(network, index) == "linear":
            activation = "softmax" if loss.target_kind == "classes" else "sigmoid"
            accepts_it = hasattr(network.nodes[index].layer, "activation")
            advice = f"activation='{activation}' to the layer" if accepts_it else f"Activation('{activation}') after it"
            notes.append(
                f"The output layer '{layer}' has no activation, so the loss is computed from logits, and predict "
                f"returns logits, not probabilities. Add {advice}, or pass the loss as "
                f"losses.{type(loss).__name__}(from_logits=True)."
            )
        if chosen and type(loss) in USUAL_TARGETS:
            usual, other = USUAL_TARGETS[type(loss)]
            found = "one-hot rows" if np.shape(part)[1:] == shape else "class numbers"
            if found != usual:
                notes.append(
                    f"The loss '{name}' is for {usual}, and the targets of '{layer}' are {found}. Striate accepts "
                    f"both; in Keras, use loss='{other}'."
                )
    return notes


def weigh_classes(
    losses: Sequence[Loss], label_smoothing: float, class_weights: tuple[float, ...] | None
) -> tuple[Loss, ...]:
    """Set label smoothing and class weights in every categorical cross-entropy.

    Args:
        losses: The losses.
        label_smoothing: 0 … 1.
        class_weights: The weight of each class; None: all 1.

    Returns:
        The changed losses.
    """
    return tuple(
        replace(loss, label_smoothing=label_smoothing, class_weights=class_weights)
        if isinstance(loss, CategoricalCrossentropy)
        else loss
        for loss in losses
    )
