"""The model: a network with its weights and an engine, and the methods of Keras: compile, fit, evaluate, predict."""

import os
from collections.abc import Sequence
from typing import Any

from striate._types import Array
from striate.arguments import check_methods
from striate.engines.weight_files import check_finite
from striate.errors import UsageError
from striate.models.fitting import FittableModel
from striate.network import Network, Tensor
from striate.notebook import Page


@check_methods
class Model(FittableModel):
    """A network that can be trained and predict.

    Args:
        inputs: Symbolic tensors or Input layers, one or a list, as for `Network`.
        outputs: Symbolic tensors, one or a list.
        name: Name of the model.
        seed: Decides the initial weights, the order of the samples and dropout; 0 or more.

    Attributes:
        classes: Names of the classes or labels, or of the numbers that are predicted; empty if unknown.
        decision: What is predicted (one class, labels or numbers), and how outputs become predictions.
        policy: How image files become pixels; None if unknown.
        recipe: How the model was trained; None if it was not.
        fingerprint: Fingerprint of the data on which it was trained, if known.
        figures: Loss and metrics of the last epoch.
        input_range: The smallest and the largest value of the inputs of training; None if the network scales pixels
            itself, or is not trained.
        extras: Arrays saved beside the weights, under names with a colon such as "unknown:scale"; removed when the
            model is trained further.
        notes: What to know about a model from an ONNX file, such as outputs that were left out.
        history: What the last `fit` returned; None before.
    """

    @classmethod
    def from_onnx(cls, path: str | os.PathLike[str], *, size: tuple[int, int] | None = None) -> "Model":
        """Load the network of an ONNX file, from any program, as a model to predict with, train further or save.

        No other file is opened, and nothing in the file is executed.

        Args:
            path: The ONNX file.
            size: Height and width, for a file that takes images of any size.

        Returns:
            A model that takes the same arrays as the file, for example float32 (N, C, H, W) from PyTorch. Files that
            Striate exported also restore the classes and the image policy.

        Raises:
            ModelFileError: If the file is damaged, not ONNX, or unsafe.
            NetworkError: If an operator, which the message names, has no corresponding layer.
        """
        from striate.onnx.importing import import_onnx
        from striate.transfer.open_set import OpenSetDetector

        imported = import_onnx(path, size=size)
        model = Model.from_network(imported.network)
        metadata = imported.metadata
        model.classes, model.policy, model.figures = metadata.classes, metadata.policy, metadata.figures
        model.decision = metadata.decision
        check_finite(imported.weights, path)
        model._set_weights(imported.weights)
        model.notes = imported.notes
        if imported.detector:
            model.extras = OpenSetDetector(str(metadata.detector_layer), **imported.detector).to_extras()
        return model

    def _initialize(self, network: Network | None, seed: int) -> None:
        self.notes: tuple[str, ...] = ()
        super()._initialize(network, seed)

    def _state(self) -> tuple[str, ...]:
        if self._saved_training:
            return ("compile settings saved",)
        if self.optimizer is None:
            return ("not compiled",)
        figures = (f"{name} {value:.4f}" for name, value in self.figures.items() if name != "learning_rate")
        return f"compiled with {type(self.optimizer.description).__name__}", *figures

    def _make(self, inputs: list[Tensor], outputs: list[Tensor], name: str) -> "Model":
        return Model(inputs, outputs, name=name)

    def fit_unknown(self, x: Any, y: Any = None, validation_data: Any = None) -> None:
        """Fit a detector of images of none of the classes, for a classifier after `fit`.

        Images are compared with training images by the directions of their features. The threshold is set so that 2 %
        of images of the known classes count as unknown. `is_unknown` uses the detector, `save` keeps it, and so it is
        used by `striate predict` and `striate serve`. Training the model further removes it.

        Args:
            x: Images that the model was trained on, as in `fit`; or a data set, of which the training and validation
                parts are used.
            y: Their classes.
            validation_data: (x, y), images that the model was not trained on; at least five, better some hundred.

        Raises:
            DataError: If the images do not match the network, or there are fewer than five for validation.
            UsageError: If the network is not a classifier that ends in a chain of layers, or an argument is missing.

        Example:
            >>> import striate as st
            >>> from striate.training import Recipe
            >>> digits = st.data.load("mnist5k")
            >>> model = st.zoo.build("lenet5")
            >>> history = model.train(digits, Recipe(epochs=1), verbose=0)
            >>> model.fit_unknown(digits)
            >>> bool(model.is_unknown(digits.test.x).mean() < 0.1)
            True
        """
        from striate.models.open_set import check_parts, fit_open_set

        train, held_out, classes = check_parts(self.network, self.decision.task, x, y, validation_data)
        fitted = fit_open_set(self, train, held_out, classes)
        if fitted is None:
            raise UsageError(
                f"'{self.name}' does not end in a chain of layers with weights, so it has no features by which unknown "
                "images could be detected."
            )
        self.extras = dict(self.extras) | fitted.detector.to_extras()

    def is_unknown(self, x: Any) -> Array:
        """Return which images are of none of the classes, by their distance from the training images.

        Args:
            x: Images, as in `predict`.

        Returns:
            Bool (N,).

        Raises:
            UsageError: If the model has no detector of unknown images.

        Example:
            >>> import numpy as np
            >>> import striate as st
            >>> st.zoo.build("lenet5").is_unknown(np.zeros((1, 28, 28, 1), np.uint8))
            Traceback (most recent call last):
            striate.errors.UsageError: 'lenet5' has no detector of unknown images. After training, call fit_unknown.
        """
        from striate.models.open_set import open_set_distances
        from striate.transfer.open_set import OpenSetDetector, are_beyond

        detector = OpenSetDetector.from_extras(self.extras)
        if detector is None:
            raise UsageError(f"'{self.name}' has no detector of unknown images. After training, call fit_unknown.")
        return are_beyond(open_set_distances(self, detector, x), detector.threshold)

    def report(self, x: Any, y: Any = None, *, classes: Sequence[str] | None = None, history: Any = None) -> Page:
        """Evaluate the model on images, and make a report: metrics with intervals, confusion matrix, all errors.

        Args:
            x: Images that the model was not trained on; or a data set, of which the test part is used.
            y: Their classes, as in `fit`.
            classes: Names of the classes; None for those of the data set or the model, or numbers.
            history: What `fit` returned, for the curves.

        Returns:
            The report, which a notebook shows below the cell; its `save` writes it to a file.

        Raises:
            DataError: If images, labels or classes do not match the network, or its outputs are not probabilities.
            UsageError: If there are no labels, or the network has several outputs.

        Example:
            >>> import striate as st
            >>> digits = st.data.load("mnist5k")
            >>> st.zoo.build("lenet5").report(digits)
            Page(title='Report of lenet5')
        """
        from striate.models.report import report_of_model

        return report_of_model(self, x, y, classes, history)
