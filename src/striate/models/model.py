"""The model: a network with its weights and an engine, and the methods of Keras: compile, fit, evaluate, predict."""

import os
from collections.abc import Sequence
from typing import Any

from striate.arguments import check_methods
from striate.engines.weight_files import check_finite
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
