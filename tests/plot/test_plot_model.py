"""Drawings of models."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import striate as st
from striate.errors import UsageError

layers = st.layers
SVG = "{http://www.w3.org/2000/svg}"


def branches() -> st.Model:
    image = st.Input((8, 8, 1), name="in&")
    a, b = layers.Conv2D(4, 3, padding="same", name="a")(image), layers.Conv2D(4, 1, activation="relu", name="b")(image)
    return st.Model(image, layers.Dense(2, name="out")(layers.Flatten()(layers.Add()([a, b]))))


def test_every_layer_is_a_box_and_every_connection_an_arrow(tmp_path: Path) -> None:
    drawing = st.utils.plot_model(
        branches(), tmp_path / "model.svg", show_shapes=True, show_layer_names=True, show_layer_activations=True
    )
    root = ElementTree.parse(tmp_path / "model.svg").getroot()
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert len(root.findall(f"{SVG}rect")) == len(branches().layers) == 6
    assert len(root.findall(f"{SVG}path")) == 6
    assert {"in&", "a", "b", "(None, 8, 8, 4)", "(None, 2)", "Conv2D (relu)"} <= set(words)
    assert drawing._repr_svg_() == (tmp_path / "model.svg").read_text("utf-8")


def test_nested_models_are_boxes_unless_expanded(tmp_path: Path) -> None:
    inner = st.Sequential([layers.Flatten(), layers.Dense(3)], name="inner")
    model = st.Sequential([st.Input((4, 4, 1)), inner, layers.Dense(2)])
    for expand, boxes in ((False, 3), (True, 4)):
        text = st.utils.plot_model(model, tmp_path / "m.svg", expand_nested=expand).svg
        assert text.count("<rect") == boxes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"to_file": "model.png"}, r"writes SVG.*Use 'model.svg'"),
        ({"rankdir": "LR"}, "rankdir must be 'TB'"),
        ({"model": 3}, "model must be a model; received 3"),
    ],
)
def test_what_cannot_be_drawn_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        st.utils.plot_model(**{"model": branches(), **settings})
