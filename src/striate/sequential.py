"""A model that is a chain of layers."""

from collections.abc import Iterable

from striate.arguments import check_methods
from striate.errors import UsageError
from striate.model import Model
from striate.network import Block, Layer, Network


@check_methods
class Sequential(Model):
    """A chain of layers, of which the first is an Input. `add` appends a layer before the model is first used.

    Example:
        >>> import striate as st
        >>> model = Sequential([st.Input((28, 28, 1)), st.layers.Flatten()])
        >>> model.add(st.layers.Dense(10, activation="softmax"))
        >>> model.network.output_shapes
        ((10,),)
    """

    def __init__(self, layers: Iterable[Layer | Block] = (), *, name: str = "sequential", seed: int = 0) -> None:
        self._initialize(None, seed)
        self._name, self._chain = name, list(layers)
        if self._chain:
            _ = self.network  # raises an error now if the network is invalid

    @property
    def network(self) -> Network:
        """The description. Raises NetworkError while the chain is not a network."""
        if self._network is None:
            self._network = Network.sequential(self._chain, name=self._name)
        return self._network

    def add(self, layer: Layer | Block) -> None:
        """Append a layer. Raises UsageError once the model has weights, NetworkError if the layer does not fit."""
        if self._engine is not None or self._pending_weights:
            raise UsageError("The model has weights; add all layers before compile, fit and predict.")
        network = Network.sequential([*self._chain, layer], name=self._name)
        self._chain.append(layer)
        self._network = network
