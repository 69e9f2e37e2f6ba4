"""A small convolutional network, numerical gradients to check it, and a training loop."""

import os
from collections.abc import Callable

import numpy as np

from striate._types import Array, Weights
from striate.engines.weight_files import check_model_name, load_weights, save_weights
from striate.errors import ModelFileError
from striate.textbook.convolution import Convolution, Pooling, output_size
from striate.textbook.layers import Affine, Relu, SoftmaxWithLoss
from striate.textbook.optimizers import Adam, Optimizer


def numerical_gradient(f: Callable[[Array], float], x: Array, h: float = 1e-4) -> Array:
    """Return the gradient of f at x by central differences: ∂f/∂xᵢ ≈ (f(x + h·eᵢ) − f(x − h·eᵢ)) / 2h.

    It needs two evaluations of f for every number in x, so it is slow, but hardly anything can go wrong.

    Args:
        f: A function of x that returns one number.
        x: Array of floating-point numbers of any shape. It is changed during the computation and restored.
        h: Half the distance between the two points.

    Returns:
        The gradient, with the shape of x.

    Example:
        >>> numerical_gradient(lambda x: (x**2).sum(), np.array([1.0, 2.0])).round(6)
        array([2., 4.])
    """
    gradient = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        value = x[i]
        x[i] = value + h
        above = f(x)
        x[i] = value - h
        below = f(x)
        x[i] = value
        gradient[i] = (above - below) / (2 * h)
    return gradient


class SimpleConvNet:
    """The network conv – relu – pool – affine – relu – affine – softmax with cross-entropy.

    Weights start as random numbers from N(0, std²), biases as 0. `params` and the gradients are dictionaries:

    | key | shape | layer |
    |---|---|---|
    | W1, b1 | (filters, C, filter_size, filter_size), (filters,) | conv |
    | W2, b2 | (filters · PH · PW, hidden), (hidden,), where PH × PW is the size after 2 × 2 pooling | first affine |
    | W3, b3 | (hidden, classes), (classes,) | second affine |

    Args:
        input_shape: Shape (C, H, W) of one image.
        filters: Number of filters.
        filter_size: Height and width of the filters.
        hidden: Units of the first affine layer.
        classes: Number of classes.
        std: Standard deviation of the initial weights.
        seed: Seed of the initial weights.

    Example:
        >>> network = SimpleConvNet((1, 8, 8), filters=4, filter_size=3, hidden=16, classes=3)
        >>> network.params["W1"].shape, network.params["W2"].shape
        ((4, 1, 3, 3), (36, 16))
        >>> x, t = np.random.default_rng(0).random((5, 1, 8, 8)), np.array([0, 1, 2, 0, 1])
        >>> network.predict(x).shape, round(network.loss(x, t), 2)  # log 3, as all classes are equally probable
        ((5, 3), 1.1)
        >>> sorted(network.gradient(x, t))
        ['W1', 'W2', 'W3', 'b1', 'b2', 'b3']
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        filters: int = 30,
        filter_size: int = 5,
        hidden: int = 100,
        classes: int = 10,
        std: float = 0.01,
        seed: int = 0,
    ) -> None:
        C, H, W = input_shape
        rows, columns = output_size(H, filter_size), output_size(W, filter_size)
        features = filters * output_size(rows, 2, 2) * output_size(columns, 2, 2)  # after pooling
        rng = np.random.default_rng(seed)
        self.params: Weights = {
            "W1": std * rng.standard_normal((filters, C, filter_size, filter_size)),
            "b1": np.zeros(filters),
            "W2": std * rng.standard_normal((features, hidden)),
            "b2": np.zeros(hidden),
            "W3": std * rng.standard_normal((hidden, classes)),
            "b3": np.zeros(classes),
        }
        # The layers hold the same arrays as params, so an optimizer that changes params in place changes the layers.
        self.conv = Convolution(self.params["W1"], self.params["b1"])
        self.affine1 = Affine(self.params["W2"], self.params["b2"])
        self.affine2 = Affine(self.params["W3"], self.params["b3"])
        self.layers: list[Convolution | Relu | Pooling | Affine] = [
            self.conv, Relu(), Pooling(2, 2, stride=2), self.affine1, Relu(), self.affine2,
        ]  # fmt: skip
        self.last_layer = SoftmaxWithLoss()

    def predict(self, x: Array) -> Array:
        """Return the scores before softmax.

        Args:
            x: Images (N, C, H, W).

        Returns:
            Scores (N, classes).
        """
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def loss(self, x: Array, t: Array) -> float:
        """Return the mean cross-entropy.

        Args:
            x: Images (N, C, H, W).
            t: Class numbers (N,), or one-hot targets (N, classes).

        Returns:
            The loss.
        """
        return self.last_layer.forward(self.predict(x), t)

    def accuracy(self, x: Array, t: Array, batch_size: int = 100) -> float:
        """Return (number of correct predictions) / N.

        Args:
            x: Images (N, C, H, W).
            t: Class numbers (N,), or one-hot targets (N, classes).
            batch_size: Images that are computed at a time.

        Returns:
            The accuracy, 0 … 1.
        """
        classes = t if t.ndim == 1 else t.argmax(axis=1)
        correct = 0
        for start in range(0, len(x), batch_size):  # in batches, because im2col needs much memory
            predicted = self.predict(x[start : start + batch_size]).argmax(axis=1)
            correct += int((predicted == classes[start : start + batch_size]).sum())
        return correct / len(x)

    def gradient(self, x: Array, t: Array) -> Weights:
        """Return ∂loss/∂w for all parameters by backpropagation.

        Args:
            x: Images (N, C, H, W).
            t: Class numbers (N,), or one-hot targets (N, classes).

        Returns:
            Gradients, with the keys and shapes of `params`.
        """
        self.loss(x, t)
        dout = self.last_layer.backward()
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return {
            "W1": self.conv.dW, "b1": self.conv.db,
            "W2": self.affine1.dW, "b2": self.affine1.db,
            "W3": self.affine2.dW, "b3": self.affine2.db,
        }  # fmt: skip

    def numerical_gradient(self, x: Array, t: Array) -> Weights:
        """Return ∂loss/∂w for all parameters by central differences.

        This is slow: use it to check `gradient` on a tiny network.

        Args:
            x: Images (N, C, H, W).
            t: Class numbers (N,), or one-hot targets (N, classes).

        Returns:
            Gradients, with the keys and shapes of `params`.
        """
        return {key: numerical_gradient(lambda _: self.loss(x, t), w) for key, w in self.params.items()}

    def save_params(self, path: str | os.PathLike[str] = "params.safetensors") -> None:
        """Write the parameters to a safetensors file, with the keys of `params`.

        Args:
            path: The file.

        Raises:
            UsageError: If the name has the suffix of another format, such as .pt.
            RunError: If the file cannot be written.
        """
        check_model_name(path)
        save_weights(path, self.params, {"textbook": "SimpleConvNet"})

    def load_params(self, path: str | os.PathLike[str] = "params.safetensors") -> None:
        """Read the parameters from a file written by `save_params`.

        Args:
            path: The file.

        Raises:
            ModelFileError: If the file is missing or damaged, or belongs to a network with other shapes.
        """
        arrays, _ = load_weights(path)
        expected = {key: w.shape for key, w in self.params.items()}
        received = {key: w.shape for key, w in arrays.items()}
        if received != expected:
            raise ModelFileError(
                f"'{os.fspath(path)}' belongs to another network: expected the parameters {expected}, "
                f"received {received}. Create SimpleConvNet with the arguments that it had when it was saved."
            )
        for key, w in self.params.items():
            w[...] = arrays[key]  # in place: the layers hold the same arrays


class Trainer:
    """Train a network: for each batch of each epoch, compute the gradients and update the parameters.

    The order of the images is a random permutation in each epoch, determined by (seed, epoch).

    Args:
        network: The network.
        x_train: Training images (N, C, H, W).
        t_train: Their targets, class numbers (N,) or one-hot (N, classes).
        x_val: Validation images. They only show how training proceeds.
        t_val: Their targets.
        epochs: Number of passes over the training images.
        batch_size: Images per step; the last batch of an epoch may be smaller.
        optimizer: The update rule; None: Adam with learning rate 0.001.
        evaluate_samples: Number of images of both parts on which accuracy is measured after each epoch; None: all.
        seed: Seed of the order.
        verbose: Whether to print a line after each epoch.

    Attributes:
        train_loss: The loss of each step.
        train_accuracy: Accuracy on training images after each epoch.
        val_accuracy: Accuracy on validation images after each epoch.

    Example:
        >>> x = np.random.default_rng(0).normal(0, 0.1, (200, 1, 8, 8))
        >>> t = np.arange(200) % 2
        >>> x[t == 0, :, ::2] += 1  # class 0: horizontal stripes
        >>> x[t == 1, :, :, ::2] += 1  # class 1: vertical stripes
        >>> network = SimpleConvNet((1, 8, 8), filters=4, filter_size=3, hidden=16, classes=2, std=0.1)
        >>> Trainer(network, x[:150], t[:150], x[150:], t[150:], epochs=2, batch_size=10, optimizer=Adam(0.01)).train()
        epoch 1/2  loss ...  accuracy 1.0000  val_accuracy 1.0000
        epoch 2/2  loss ...  accuracy 1.0000  val_accuracy 1.0000
    """

    def __init__(
        self,
        network: SimpleConvNet,
        x_train: Array,
        t_train: Array,
        x_val: Array,
        t_val: Array,
        epochs: int = 20,
        batch_size: int = 100,
        optimizer: Optimizer | None = None,
        evaluate_samples: int | None = 1000,
        seed: int = 0,
        verbose: bool = True,
    ) -> None:
        self.network = network
        self.x_train, self.t_train = x_train, t_train
        self.x_val, self.t_val = x_val, t_val
        self.epochs, self.batch_size = epochs, batch_size
        self.optimizer = optimizer or Adam()
        self.evaluate_samples, self.seed, self.verbose = evaluate_samples, seed, verbose
        self.train_loss: list[float] = []
        self.train_accuracy: list[float] = []
        self.val_accuracy: list[float] = []

    def train(self) -> None:
        """Run all epochs: grads = ∂loss/∂w of each batch (batch_size, C, H, W), then one update of the parameters."""
        first = slice(self.evaluate_samples)
        for epoch in range(self.epochs):
            order = np.random.default_rng([self.seed, epoch]).permutation(len(self.x_train))
            for start in range(0, len(order), self.batch_size):
                batch = order[start : start + self.batch_size]
                grads = self.network.gradient(self.x_train[batch], self.t_train[batch])
                self.optimizer.update(self.network.params, grads)
                self.train_loss.append(self.network.last_layer.loss)
            self.train_accuracy.append(self.network.accuracy(self.x_train[first], self.t_train[first]))
            self.val_accuracy.append(self.network.accuracy(self.x_val[first], self.t_val[first]))
            if self.verbose:
                print(
                    f"epoch {epoch + 1}/{self.epochs}  loss {self.train_loss[-1]:.4f}  "
                    f"accuracy {self.train_accuracy[-1]:.4f}  val_accuracy {self.val_accuracy[-1]:.4f}"
                )
