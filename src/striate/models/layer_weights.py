"""The weights of layer objects, which several models may share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Self

import numpy as np

from striate._types import Array, Weights
from striate.arguments import describe
from striate.engines.base import Engine
from striate.engines.initialization import initial_weights
from striate.engines.variables import Variable
from striate.errors import UsageError
from striate.network import Layer, Network, Parameter


class LayerWeights:
    """Where the current weights of one layer object are: in arrays, or in the engine that changed them last.

    Args:
        parameters: The parameters, under the names of the variables.
        initialize: Returns the initial weights; called if weights are read before a model needs them.
    """

    def __init__(self, parameters: tuple[Parameter, ...], initialize: Callable[[], Weights]) -> None:
        self.parameters, self._initialize = parameters, initialize
        self._arrays: Weights | None = None
        self._engine: Engine | None = None
        self._layer = ""
        self._version = 0

    @property
    def initialized(self) -> bool:
        """Whether there are weights already; they are initialized when a model first needs them."""
        return self._arrays is not None or self._engine is not None

    @property
    def version(self) -> int:
        """A number that differs after each change: above 0 for changes by engines."""
        return self._engine.changes if self._engine else self._version

    def is_in(self, engine: Engine | None) -> bool:
        """Return whether the current weights are in an engine.

        Args:
            engine: The engine; None for a model that has none.

        Returns:
            Whether it changed the weights last.
        """
        return engine is not None and self._engine is engine

    def set(self, arrays: Mapping[str, Array]) -> None:
        """Replace the weights.

        Args:
            arrays: The values by the names of the variables.
        """
        self._arrays, self._engine = {name: np.array(array, np.float32) for name, array in arrays.items()}, None
        self._version -= 1

    def set_engine(self, engine: Engine, layer: str) -> None:
        """Record that the current weights are in an engine.

        Args:
            engine: The engine.
            layer: Name of the layer in its network.
        """
        self._arrays, self._engine, self._layer = None, engine, layer

    def arrays(self) -> Weights:
        """Return copies of the weights by the names of the variables."""
        if self._engine:
            return self._engine.weights_of(self._layer)
        if self._arrays is None:
            self.set(self._initialize())
        return {name: array.copy() for name, array in (self._arrays or {}).items()}

    def select(self, weights: Weights) -> Weights:
        """Select the weights of this layer among all weights of the engine that has the current ones.

        Args:
            weights: The values by full name.

        Returns:
            The values by the names of the variables.
        """
        return {parameter.name: weights[f"{self._layer}/{parameter.name}"] for parameter in self.parameters}

    def variables(self, layer: Layer) -> "list[LayerVariable]":
        """Return the weights as a list in Keras's order.

        Args:
            layer: The layer object, whose names and `trainable` the variables show.

        Returns:
            A copy of each parameter.
        """
        arrays = self.arrays()
        return [LayerVariable(arrays[parameter.name], parameter, layer) for parameter in self.parameters]

    def set_list(self, values: Any, owner: str) -> None:
        """Replace the weights by a list in Keras's order.

        Args:
            values: One array for each parameter.
            owner: The layer, for messages.

        Raises:
            UsageError: If the number of arrays or a shape is wrong.
        """
        self.set(match_arrays(values, self.parameters, owner))


class SharedWeights:
    """The weights of all layer objects of a model, some of which other models may use too.

    The engine of each model has a copy of them. Before a model computes, `synchronize` copies what other models changed
    into its engine.

    Args:
        network: The network of the model.
        layers: Its layer objects, by their names in the network.
        seed: Decides the initial weights.

    Raises:
        UsageError: If a layer is part of another model with weights of other shapes.
    """

    def __init__(self, network: Network, layers: Mapping[str, Layer], seed: int) -> None:
        parameters: dict[str, list[Parameter]] = {}
        for parameter in network.parameters:
            layer, _, variable = parameter.name.rpartition("/")
            parameters.setdefault(layer, []).append(replace(parameter, name=variable))
        self._sources: dict[str, LayerWeights] = {}
        for name, own in parameters.items():
            identity = layers[name].identity
            if identity.weights is None:
                identity.weights = LayerWeights(tuple(own), partial(_initial, network, seed, name))
            elif identity.weights.parameters != tuple(own):
                raise _other_shapes(layers[name], identity.weights.parameters, own)
            self._sources[name] = identity.weights
        self._seen: dict[str, int] = {}

    @property
    def any_initialized(self) -> bool:
        """Whether some layer has weights already."""
        return any(source.initialized for source in self._sources.values())

    def initialized(self) -> Weights:
        """Return the weights of all layers that have some, by full name, and mark them as seen by this model."""
        return self._collect([name for name, source in self._sources.items() if source.initialized])

    def set(self, weights: Mapping[str, Array]) -> None:
        """Replace the weights of all layers.

        Args:
            weights: The values by full name.
        """
        for name, source in self._sources.items():
            source.set({each.name: weights[f"{name}/{each.name}"] for each in source.parameters})

    def attach(self, engine: Engine) -> None:
        """Use an engine that has the current weights: it becomes the source of all weights that no other engine has.

        Args:
            engine: The engine of the model.
        """
        for name, source in self._sources.items():
            if source._engine is None:
                source.set_engine(engine, name)
        engine.on_change = lambda: self._set_engine(engine)

    def detach(self, engine: Engine) -> None:
        """Copy the weights from an engine that is going to be replaced.

        Args:
            engine: The engine of the model.
        """
        engine.on_change = None
        weights = engine.weights
        for name, source in self._sources.items():
            if source.is_in(engine):
                source.set({each.name: weights[f"{name}/{each.name}"] for each in source.parameters})

    def synchronize(self, engine: Engine) -> None:
        """Copy the weights that other models changed into an engine.

        Args:
            engine: The engine of the model.
        """
        changed = [
            name
            for name, source in self._sources.items()
            if not source.is_in(engine) and source.version != self._seen.get(name)
        ]
        if changed:
            hook, engine.on_change = engine.on_change, None
            engine.weights = {**engine.weights, **self._collect(changed)}
            engine.on_change = hook

    def _set_engine(self, engine: Engine) -> None:
        for name, source in self._sources.items():
            source.set_engine(engine, name)

    def _collect(self, names: list[str]) -> Weights:
        weights: dict[int, Weights] = {}  # of each engine, which copies all of them
        found: Weights = {}
        for name in names:
            source, self._seen[name] = self._sources[name], self._sources[name].version
            engine = source._engine
            if engine and id(engine) not in weights:
                weights[id(engine)] = engine.weights
            arrays = source.arrays() if engine is None else source.select(weights[id(engine)])
            found |= {f"{name}/{variable}": array for variable, array in arrays.items()}
        return found


def _initial(network: Network, seed: int, layer: str) -> Weights:
    weights = initial_weights(network, seed, layer=layer)
    return {name.rpartition("/")[2]: array for name, array in weights.items()}


def match_arrays(values: Any, parameters: Sequence[Parameter], owner: str) -> Weights:
    """Return the arrays of a list by the names of the parameters.

    Args:
        values: One array for each parameter, in their order.
        parameters: The parameters.
        owner: The layer or model, for messages.

    Returns:
        The arrays.

    Raises:
        UsageError: If the number of arrays or a shape is wrong.
    """
    names = ", ".join(f"{each.name} {each.shape}" for each in parameters[:8])
    names += ", …" if len(parameters) > 8 else ""
    if not isinstance(values, list | tuple) or len(values) != len(parameters):
        received = len(values) if isinstance(values, list | tuple) else describe(values)
        raise UsageError(
            f"set_weights of {owner}: expected a list of {len(parameters)} arrays ({names}), received {received}. "
            "The order is that of get_weights()."
        )
    arrays = {}
    for parameter, value in zip(parameters, values, strict=True):
        array = np.asarray(value)
        if array.ndim == len(parameter.shape) == 4 and parameter.shape[2] == 1 and array.size == parameter.size:
            array = array.reshape(*array.shape[:2], 1, -1)  # Keras's depthwise kernels are (KH, KW, C, multiplier)
        if array.shape != parameter.shape or array.dtype.kind not in "buif":
            raise UsageError(
                f"set_weights of {owner}: expected {parameter.name} of shape {parameter.shape}, received "
                f"{array.dtype} of shape {array.shape}. The order is that of get_weights(): {names}."
            )
        arrays[parameter.name] = array
    return arrays


def _other_shapes(layer: Layer, first: Sequence[Parameter], second: Sequence[Parameter]) -> UsageError:
    shapes = [", ".join(f"{each.name} {each.shape}" for each in each_) for each_ in (first, second)]
    return UsageError(
        f"{layer.label} is already part of a model in which its weights are {shapes[0]}; here they would be "
        f"{shapes[1]}. Make another layer for inputs of another shape."
    )


class LayerVariable(Variable):
    """A copy of the values of a parameter of a layer.

    Attributes:
        name: Name of the variable, such as "kernel".
        path: Its full name, such as "C1/kernel".
        trainable: Whether training changes it; False for moving statistics.
    """

    _layer: Layer | None

    def __new__(cls, values: Array, parameter: Parameter, layer: Layer) -> Self:
        """Make a variable of a layer."""
        variable = np.asarray(values).view(cls)
        variable.name, variable.trainable, variable._layer = (
            parameter.name.rpartition("/")[2],
            parameter.trainable and layer.trainable,
            layer,
        )
        variable.path = f"{layer.name}/{variable.name}" if layer.name else variable.name
        return variable

    def __array_finalize__(self, source: Any) -> None:
        super().__array_finalize__(source)
        self._layer = getattr(source, "_layer", None)

    def assign(self, value: Any) -> Self:
        """Set the values of the parameter in all models that use the layer.

        Args:
            value: The values, of the shape of the parameter.

        Returns:
            This variable.
        """
        assert self._layer is not None
        source = self._layer.identity.weights
        parameters = [each for each in source.parameters if each.name == self.name]
        source.set(source.arrays() | match_arrays([value], parameters, f"'{self.path}'"))
        self[...] = value
        return self
