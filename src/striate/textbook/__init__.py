"""A textbook in code: a convolutional network in plain NumPy, to be read from top to bottom.

Read `convolution.py` (im2col, convolution, pooling), `layers.py` (the other layers and the loss), `optimizers.py` and
`network.py` (a small network, numerical gradients, a training loop), in this order. Images have the shape (N, C, H, W),
as in most books, and all numbers are float64. docs/textbook.md compares this package with the engines that Striate
trains with, which compute the same numbers about ten times faster.
"""

from striate.textbook.convolution import Convolution, Pooling, col2im, im2col, output_size
from striate.textbook.layers import (
    Affine,
    BatchNormalization,
    Dropout,
    Relu,
    Sigmoid,
    SoftmaxWithLoss,
    log_softmax,
)
from striate.textbook.network import SimpleConvNet, Trainer, numerical_gradient
from striate.textbook.optimizers import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop

__all__ = [
    "SGD", "AdaGrad", "Adam", "Affine", "BatchNormalization", "Convolution", "Dropout", "Momentum", "Nesterov",
    "Pooling", "RMSprop", "Relu", "Sigmoid", "SimpleConvNet", "SoftmaxWithLoss", "Trainer", "col2im", "im2col",
    "log_softmax", "numerical_gradient", "output_size",
]  # fmt: skip
