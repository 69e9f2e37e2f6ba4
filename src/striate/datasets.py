"""The data sets, importable as in Keras: `(x, y), (xt, yt) = striate.datasets.mnist.load_data()`."""

from typing import Any

from striate.errors import UsageError

__all__ = ["mnist", "mnist5k"]

OTHERS = ("boston_housing", "california_housing", "cifar10", "cifar100", "fashion_mnist", "imdb", "reuters")
Part = tuple[Any, Any]


class DigitSet:
    """A data set of handwritten digits.

    Args:
        name: "mnist" or "mnist5k".
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def load_data(self, path: str | None = None) -> tuple[Part, Part]:
        """Load the images and the class numbers, for training and for the test.

        `mnist` is the whole of MNIST, which is downloaded when it is first used; `mnist5k`, 5,000 of its training
        digits, comes with Striate.

        Args:
            path: Accepted as in Keras, where it names a file in the cache; not used.

        Returns:
            (x_train, y_train), (x_test, y_test): uint8 images (N, 28, 28) and uint8 class numbers (N,). Models with
            Input((28, 28, 1)) accept these images too.

        Raises:
            DownloadError: If MNIST is missing and cannot be downloaded.

        Example:
            >>> (x_train, y_train), (x_test, y_test) = mnist5k.load_data()
            >>> x_train.shape, x_test.shape
            ((4472, 28, 28), (528, 28, 28))
        """
        from striate.data.mnist import official_parts, parts_of_mnist5k

        train, test = official_parts() if self.name == "mnist" else parts_of_mnist5k()
        return _as_in_keras(train), _as_in_keras(test)

    def __repr__(self) -> str:
        return f"<data set {self.name}: {self.name}.load_data()>"


def _as_in_keras(part: Any) -> Part:
    return part.x[..., 0], part.y.astype("uint8")


mnist, mnist5k = DigitSet("mnist"), DigitSet("mnist5k")


def __getattr__(name: str) -> Any:
    if name in OTHERS:
        raise UsageError(
            f"Striate has no data set '{name}'; it has mnist and mnist5k. Load the arrays of another with a package "
            "that has it, and pass them to fit, or put images into one folder per class: st.data.load(folder)."
        )
    raise AttributeError(f"module 'striate.datasets' has no attribute '{name}'")
