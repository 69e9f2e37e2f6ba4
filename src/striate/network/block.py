"""Your own layer classes, made of other layers."""

from typing import Any

from striate.network.layers.base import Tensor, as_tensors, check_name, scope


class Block:
    """Base of layers made of layers: write `call`, which joins layers as in the functional style.

    Calling a block puts its layers into the graph, their names prefixed by the block's (`block1.conv`). Layers that
    `call` makes are new with each call; layers kept in attributes are shared by all calls. Files hold the layers,
    never the class.
    """

    name: str | None = None

    def call(self, *inputs: Tensor) -> Tensor:
        """Return the output for these inputs."""
        raise NotImplementedError(f"{type(self).__name__} must define the method call.")

    @property
    def label(self) -> str:
        """Its name in error messages: Residual 'block1'."""
        return f"{type(self).__name__} '{self.name}'" if self.name else type(self).__name__

    def __call__(self, *inputs: Any) -> Tensor:
        """Return the output for these tensors, given one by one or as one list."""
        if self.name is not None:
            check_name(self.name)
        token = scope.set((*scope.get(), self))
        try:
            (output,) = as_tensors(self.label, (self.call(*as_tensors(self.label, inputs)),))
        finally:
            scope.reset(token)
        return output
