"""The PyTorch engine: the same networks on PyTorch, for large networks and accelerators."""

from striate.engines.torch.engine import TorchEngine
from striate.engines.torch.own import rule

__all__ = ["TorchEngine", "rule"]
