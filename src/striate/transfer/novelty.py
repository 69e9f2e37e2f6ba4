"""What a model's file holds of the unknown, and a model that tells both class and doubt."""

from collections.abc import Mapping

from striate._types import Array, Weights
from striate.network import Network
from striate.transfer.bases import with_features
from striate.transfer.unknown import OpenSetDetector

ROOM = "unknown:"


def to_extras(novelty: OpenSetDetector) -> Weights:
    """Arrays for a model's file."""
    return {f"{ROOM}{name}": array for name, array in novelty.to_arrays().items()}


def from_extras(extras: Mapping[str, Array]) -> OpenSetDetector | None:
    """What a model's file holds; None where it holds nothing. Raises ModelFileError for what is not whole."""
    found = {name.removeprefix(ROOM): array for name, array in extras.items() if name.startswith(ROOM)}
    return OpenSetDetector.from_arrays(found) if found else None


class OpenSetClassifier:
    """Runs a network with its features, by ONNX Runtime."""

    def __init__(self, network: Network, weights: Mapping[str, Array], novelty: OpenSetDetector) -> None:
        from striate.engines.onnxruntime import OnnxEngine

        self._engine, self._novelty = OnnxEngine(with_features(network), weights), novelty

    def answer(self, x: Array) -> tuple[Array, Array]:
        """Probabilities float32 (N, K), and whether each picture of x (N, H, W, C) is unknown, bool (N,)."""
        probabilities, features = self._engine.forward([x])
        return probabilities, self._novelty.unknown(features)
