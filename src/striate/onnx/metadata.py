"""Metadata of exported ONNX files: written by `to_onnx`, read on import."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import striate
from striate import strict_json
from striate.errors import DataError, ModelFileError
from striate.images import ImagePolicy
from striate.network import Network
from striate.tasks import Decision

VERSION = "striate"  # key of the version, which only files exported by Striate have
NETWORK, CLASSES, POLICY = "network", "classes", "policy"
UNKNOWN_THRESHOLD, FINGERPRINT, DECISION = "unknown_threshold", "fingerprint", "decision"
DETECTOR = "open-set"  # key of the open-set detector, and part of the names of its tensors before the slash
DISTANCE, UNKNOWN = "distance", "unknown"  # the outputs of the detector
UNSIZED, RESIZED = "/pixels", "/resized pixels"  # tensors before and after the resizing inside a model


@dataclass(frozen=True)
class ExportMetadata:
    """Metadata of an exported network; the network itself is read from the graph, never from here.

    Attributes:
        classes: Names of the classes, labels or numbers, in the order of the outputs; empty if unknown.
        policy: How image files become the network's pixels.
        unknown_threshold: The probability below which an image counts as unknown, 0 to 1.
        fingerprint: The fingerprint of the training data.
        decision: What the network predicts, and how its outputs become predictions.
        detector_layer: The layer whose output the detector of unknown images reads; None without a detector.
    """

    classes: tuple[str, ...] = ()
    policy: ImagePolicy | None = None
    unknown_threshold: float | None = None
    fingerprint: str | None = None
    decision: Decision = field(default_factory=Decision)
    detector_layer: str | None = None

    @property
    def figures(self) -> dict[str, float]:
        """The figures by name, as in `Model.figures`."""
        return {} if self.unknown_threshold is None else {UNKNOWN_THRESHOLD: self.unknown_threshold}

    def to_props(self, network: Network) -> dict[str, str]:
        """Convert the metadata to entries of ONNX's `metadata_props`.

        Args:
            network: The network, which is one of the entries.

        Returns:
            The entries: the version as text, everything else as JSON.
        """
        values: dict[str, Any] = {
            NETWORK: network.to_dict(),
            CLASSES: list(self.classes),
            POLICY: self.policy and self.policy.to_dict(),
        }
        decision = None if self.decision == Decision() else self.decision.to_dict()
        optional = {
            UNKNOWN_THRESHOLD: self.unknown_threshold, FINGERPRINT: self.fingerprint, DECISION: decision,
            DETECTOR: self.detector_layer,
        }  # fmt: skip
        values |= {key: value for key, value in optional.items() if value is not None}
        texts = {key: strict_json.dumps(value) for key, value in values.items()}
        return {VERSION: striate.__version__, **texts}

    @classmethod
    def from_props(cls, props: Mapping[str, str], where: str) -> "ExportMetadata":
        """Read the entries of `metadata_props`; those of other programs' files are ignored.

        Args:
            props: The entries.
            where: The file's name, for errors.

        Returns:
            The metadata.

        Raises:
            ModelFileError: If the entries are damaged.
        """
        if VERSION not in props:
            return cls()
        try:
            policy = _parse(props, POLICY)
            classes = _texts(_parse(props, CLASSES) or [])
            decision = Decision.from_dict(_parse(props, DECISION), len(classes)) if DECISION in props else Decision()
            policy = policy and ImagePolicy.from_dict(policy)
            metadata = cls(
                classes, policy, fingerprint=_text(props, FINGERPRINT), decision=decision,
                detector_layer=_text(props, DETECTOR),
            )  # fmt: skip
            threshold = _parse(props, UNKNOWN_THRESHOLD)
        except (ValueError, TypeError, DataError, RecursionError) as error:
            raise ModelFileError(
                f"'{where}' is damaged: its metadata (classes, image policy) cannot be read."
            ) from error
        if UNKNOWN_THRESHOLD not in props:
            return metadata
        if not (isinstance(threshold, int | float) and 0 <= threshold <= 1):
            raise ModelFileError(
                f"'{where}' is damaged: its {UNKNOWN_THRESHOLD} must be a number from 0 to 1, but is {threshold!s:.40}."
            )
        return replace(metadata, unknown_threshold=threshold)

    def check(self, network: Network, where: str) -> None:
        """Check that classes and image policy match the network.

        Args:
            network: The network of the file.
            where: Name of the file, for messages.

        Raises:
            ModelFileError: If the number of classes or the images' shape differs.
        """
        units = network.output_shapes[0][-1]
        if self.classes and len(self.classes) != units:
            raise ModelFileError(f"'{where}' names {len(self.classes)} classes, but its network has {units} outputs.")
        if self.policy and network.input_shapes != (self.policy.shape,):
            raise ModelFileError(
                f"'{where}' prepares images of shape {self.policy.shape}, but its network takes {network.input_shapes}."
            )


def _parse(props: Mapping[str, str], key: str) -> Any:
    return strict_json.loads(props.get(key, "null"))


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"expected a list of strings, received {values!r}")
    return tuple(values)


def _text(props: Mapping[str, str], key: str) -> str | None:
    value = _parse(props, key)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"expected a string, received {value!r}")
    return value
