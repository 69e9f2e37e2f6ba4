"""Base class of custom blocks, which combine layers."""

from typing import Any

from striate.arguments import check_constructor
from striate.network.layers.base import Tensor, as_tensors, scope
from striate.network.settings import check_name


@check_constructor
class Block:
    """Base of custom blocks. A subclass defines `call`, which connects layers as in the functional API.

    Calling a block adds its layers to the graph, with names prefixed by the name of the block (`block1.conv`). Layers
    created in `call` are new in each call; layers stored in attributes are shared by all calls. Model files contain
    the layers, not the block.
    """

    name: str | None = None

    def __init__(self) -> None:
        """Do nothing; derived classes may take arguments."""

    def call(self, *inputs: Tensor) -> Tensor:
        """Return the output for these inputs."""
        raise NotImplementedError(f"{type(self).__name__} must define the method call.")

    @property
    def label(self) -> str:
        """The name of the block in error messages, for example Residual 'block1'."""
        return f"{type(self).__name__} '{self.name}'" if self.name else type(self).__name__

    def __call__(self, *inputs: Any) -> Tensor:
        """Return the output for tensors, passed as separate arguments or as one list."""
        if self.name is not None:
            check_name(self.name)
        token = scope.set((*scope.get(), self))
        try:
            (output,) = as_tensors(self.label, (self.call(*as_tensors(self.label, inputs)),))
        finally:
            scope.reset(token)
        return output
