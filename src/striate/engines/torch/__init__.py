"""The PyTorch engine: the same networks on PyTorch, for large networks and accelerators."""

from striate.engines.torch.engine import TorchEngine
from striate.engines.torch.rules import Context, rule

__all__ = ["Context", "TorchEngine", "rule"]
