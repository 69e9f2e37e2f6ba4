"""The predictions on which a run's figures rest, kept in its folder for later evaluation and comparison."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from striate._types import Array
from striate.data import Images
from striate.data.split import digests_of
from striate.engines.weight_files import load_weights, save_weights
from striate.errors import ModelFileError
from striate.evaluation import Evaluation
from striate.evaluation.tasks import AnyEvaluation, evaluate_task
from striate.tasks import Decision

FILE_NAME = "predictions.safetensors"  # name of the file in a run folder
OF_IMAGES = ("fold", "groups", "distances", "rejection_rates")  # optional arrays with one number for each image


@dataclass(frozen=True, eq=False)
class Predictions:
    """Outputs of a model and the true labels of images that it was not trained on.

    Attributes:
        classes: Names of the classes, labels or numbers.
        probabilities: Float32 (N, K), of classes or labels; for regression, the numbers.
        labels: Class numbers (N,), or targets (N, K) of other tasks.
        digests: Uint64 (N,), of the content of each image.
        names: The file of each image, if known.
        folds: Number of folds if the predictions come from cross-validation; 0 if the images are test images.
        fold: Int64 (N,), number of the fold of each image in cross-validation, if known.
        groups: Int64 (N,), the same number for images that belong together, if known.
        trained_on: Uint64 (M,), digests of the training and validation images, if known.
        decision: What is predicted, and how outputs become predictions.
        distances: Float64 (N,), from the training images; 1 is the threshold for "unknown". None without a detector.
        rejection_rates: Float64 (N,), the smallest rate at which the detector rejects each image; see
            `striate.transfer.open_set.rejection_rates`.
    """

    classes: tuple[str, ...]
    probabilities: Array
    labels: Array
    digests: Array
    names: tuple[str, ...] | None
    folds: int = 0
    fold: Array | None = None
    groups: Array | None = None
    trained_on: Array | None = None
    decision: Decision = field(default_factory=Decision)
    distances: Array | None = None
    rejection_rates: Array | None = None

    @classmethod
    def of(
        cls, classes: tuple[str, ...], probabilities: Array, images: Images, fold: Array | None = None,
        decision: Decision | None = None,
    ) -> "Predictions":  # fmt: skip
        """Make the predictions for images.

        Args:
            classes: Names of the classes or labels, or of the numbers.
            probabilities: Outputs of the model (N, K).
            images: The N images.
            fold: Number of the fold of each image (N,); None: there was no cross-validation.
            decision: How outputs become predictions; None: the most probable class.

        Returns:
            The predictions in the order of the images.
        """
        outputs = np.asarray(probabilities, np.float32)
        return cls(
            classes, outputs, images.y, digests_of(images), images.names,
            0 if fold is None else len(np.unique(fold)), fold, images.groups,
            decision=decision or Decision(),
        )  # fmt: skip

    def evaluation(self, leaked: Array | None = None) -> AnyEvaluation:
        """Compare the predictions with the true labels.

        Args:
            leaked: Mask (N,) of the images of which near-copies were trained on; the figures without them are added to
                those of a classification.

        Returns:
            All metrics.
        """
        found = evaluate_task(
            self.decision, self.probabilities, self.labels, self.classes, self.names, self.folds, self.groups,
            self.fold,
        )  # fmt: skip
        if leaked is None or not leaked.any() or leaked.all() or not isinstance(found, Evaluation):
            return found
        without = self.take(np.flatnonzero(~leaked)).evaluation()
        assert isinstance(without, Evaluation)
        return replace(found, without_leaks=without)

    def take(self, rows: Array) -> "Predictions":
        """Select the predictions of some images.

        Args:
            rows: Row numbers (M,).

        Returns:
            Their predictions.
        """
        names = None if self.names is None else tuple(self.names[row] for row in rows)
        of_images: dict[str, Any] = {name: array[rows] for name, array in self._known().items()}
        return replace(
            self, probabilities=self.probabilities[rows], labels=self.labels[rows], digests=self.digests[rows],
            names=names, **of_images,
        )  # fmt: skip

    def _known(self) -> dict[str, Array]:
        """Return what is known of each image besides names, labels and probabilities, by the name of the field."""
        arrays = {name: getattr(self, name) for name in OF_IMAGES}
        return {name: array for name, array in arrays.items() if array is not None}

    def write(self, folder: Path) -> None:
        """Write the predictions into a run folder, atomically.

        Args:
            folder: The run folder.
        """
        arrays = {"probabilities": self.probabilities, "labels": self.labels, "digests": self.digests}
        arrays |= self._known()
        arrays |= {"trained_on": self.trained_on} if self.trained_on is not None else {}
        names = None if self.names is None else list(self.names)
        metadata = {"classes": list(self.classes), "names": names, "folds": self.folds}
        save_weights(folder / FILE_NAME, arrays, metadata | {"decision": self.decision.to_dict()})


def read_predictions(folder: Path) -> Predictions | None:
    """Read the predictions in a run folder.

    Args:
        folder: The run folder.

    Returns:
        The predictions; None if there are none, because training has not finished or an earlier version trained.

    Raises:
        ModelFileError: If the file is damaged.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    arrays, metadata = load_weights(path)
    try:
        names = metadata["names"]
        found = Predictions(
            tuple(map(str, metadata["classes"])), arrays["probabilities"], arrays["labels"], arrays["digests"],
            None if names is None else tuple(map(str, names)), int(metadata["folds"]),
            trained_on=arrays.get("trained_on"),
            decision=Decision.from_dict(metadata.get("decision", Decision().to_dict()), len(metadata["classes"])),
            **{name: arrays.get(name) for name in OF_IMAGES},
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"'{path}' does not contain predictions of a run. Train again.") from error
    images = len(found.labels)
    per_image = {array.shape for name in ("digests", *OF_IMAGES) if (array := getattr(found, name)) is not None}
    shapes = (found.probabilities.shape, len(found.names or found.labels), per_image)
    if shapes != ((images, len(found.classes)), images, {(images,)}):
        raise ModelFileError(
            f"'{path}' is damaged: the numbers of images, classes and predictions differ. Train again."
        )
    return found
