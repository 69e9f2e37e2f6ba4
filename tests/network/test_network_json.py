"""Network descriptions as JSON, including custom layers."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from striate.errors import NetworkError
from striate.network import (
    Block,
    Conv2D,
    Dense,
    Flatten,
    FromValues,
    Input,
    Layer,
    Network,
    Parameter,
    RadialBasis,
    Shape,
    Tensor,
    Zeros,
    register_layer,
)


@register_layer
@dataclass(frozen=True)
class ScaleByMap(Layer):
    """A custom elementary layer: y = x · weight, one weight for each map."""

    power: float = 1.0

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        return (Parameter("weight", inputs[0][-1:], Zeros()),)


@dataclass(frozen=True)
class Unregistered(ScaleByMap):
    pass


def small() -> Network:
    return Network.sequential([Input((4, 4, 1)), Conv2D(2, 3, name="C1"), Flatten(), Dense(3, name="output")])


def edited(change: Any) -> str:
    description = json.loads(small().to_json())
    change(description)
    return json.dumps(description)


def test_json_has_one_line_for_each_layer() -> None:
    lines = small().to_json().splitlines()
    assert lines[0] == '{"format": 1, "name": "network", "inputs": [0], "outputs": [3], "nodes": ['
    assert [json.loads(line.rstrip(","))["name"] for line in lines[1:-1]] == ["input", "C1", "flatten", "output"]


def test_omitted_settings_are_defaults() -> None:
    network = Network.from_json(edited(lambda d: d["nodes"][1].update(settings={"filters": 2, "kernel_size": 3})))
    assert network == small()


def test_fixed_values_are_exact() -> None:
    values = FromValues(((0.1, 1 / 3), (1e-300, -2.5)))
    network = Network.sequential([Input((2,), "float32"), RadialBasis(2, values)])
    assert Network.from_json(network.to_json()).parameters[0].initializer == values
    assert '"Values"' in network.to_json()  # its name in the files of earlier versions


def test_custom_layers_are_found_by_name() -> None:
    network = Network.sequential([Input((4, 4, 3)), ScaleByMap(2.0, name="s")])
    assert Network.from_json(network.to_json()) == network
    assert network.parameters == (Parameter("s/weight", (3,), Zeros()),)


def test_block_classes_are_not_stored() -> None:
    class Private(Block):
        name = "mine"

        def call(self, *inputs: Tensor) -> Tensor:
            return Conv2D(2, 3, name="conv")(*inputs)

    text = Network.sequential([Input((4, 4, 1)), Private()]).to_json()
    assert "Private" not in text
    assert Network.from_json(text).nodes[1].layer.name == "mine.conv"


def test_unregistered_layer_cannot_be_serialized() -> None:
    network = Network.sequential([Input((4, 4, 3)), Unregistered(name="u")])
    with pytest.raises(NetworkError, match=r"^Unregistered 'u': its class is not registered.*@register_layer"):
        network.to_json()


def test_registration_is_validated() -> None:
    with pytest.raises(NetworkError, match="Layer class Plain must be a frozen dataclass"):

        @register_layer
        class Plain(Layer):
            pass

    with pytest.raises(NetworkError, match="There is already a layer class Dense"):
        register_layer(dataclass(frozen=True)(type("Dense", (Layer,), {})))


def rename(old: str, new: str) -> Any:
    return lambda d: d["nodes"][1].update({new: d["nodes"][1].pop(old)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format=2), r"has format 2, but this version of Striate reads format 1\. Update Striate"),
        (lambda d: d.update(format="1"), r"Expected a network description of format 1, received '1'"),
        (lambda d: d.update(extra=1), r"the description has the unknown key 'extra'"),
        (lambda d: d.pop("nodes"), r"the description lacks 'nodes'"),
        (lambda d: d.update(nodes={}), r"expected nodes as a list"),
        (lambda d: d.update(outputs=[9]), r"outputs points to node 9"),
        (lambda d: d.update(inputs=[]), r"inputs must list each of its Input layers once"),
        (lambda d: d["nodes"][1].update(kind="Conv3D"), r"no layer class 'Conv3D'. Did you mean 'Conv2D'\?.*import"),
        (lambda d: d["nodes"][1].update(kind="os.system"), r"no layer class 'os.system'"),
        (lambda d: d["nodes"][1]["settings"].update(fitlers=3), r"In node 1 .* Conv2D has no setting 'fitlers'"),
        (lambda d: d["nodes"][1]["settings"].pop("filters"), r"In node 1 .* Conv2D is invalid: .*'filters'\.$"),
        (lambda d: d["nodes"][1]["settings"].update(filters="x"), r"^Conv2D 'C1': filters: .* received 'x'"),
        (
            lambda d: d["nodes"][1]["settings"].update(kernel_initializer={"kind": "Evil"}),
            r"no initializer or regularizer 'Evil'",
        ),
        (rename("settings", "setting"), r"node 1 lacks 'settings'"),
        (lambda d: d["nodes"][1].update(inputs=[2]), r"node 1 points to node 2, which is not before it"),
        (lambda d: d["nodes"][1].update(inputs=[-1]), r"node 1, expected an integer of at least 0"),
        (lambda d: d["nodes"][1].update(inputs=[0, 0]), r"^Conv2D 'C1': expected one input, received 2"),
        (lambda d: d["nodes"][1].update(name="output"), r"Two layers are named 'output'"),
        (lambda d: d["nodes"][1].update(name=None), r"Expected a name"),
        (lambda d: d["nodes"].insert(1, {"shared": "C9", "inputs": [0]}), r"no layer before it is named 'C9'"),
    ],
)
def test_inexact_description_raises(change: Any, message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        Network.from_json(edited(change))


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "[" * 100_000])
def test_invalid_json_raises(text: str) -> None:
    with pytest.raises(NetworkError, match=r"must be JSON|expected the description as an object"):
        Network.from_json(text)


def test_dictionary_equals_json() -> None:
    network = Network.sequential([Input((4, 4, 1)), Flatten(), Dense(2, kernel_regularizer="l2")])
    assert network.to_dict() == json.loads(network.to_json())
    assert Network.from_dict(network.to_dict()) == network
    with pytest.raises(NetworkError, match="the description as an object, received 'text'"):
        Network.from_dict("text")  # type: ignore[arg-type]
