"""Methods of Keras's models that the table of Keras code only touches."""

from pathlib import Path

import numpy as np
import pytest

import striate as st
from striate.errors import UsageError


def test_export_writes_a_file_that_predicts_the_same(tmp_path: Path) -> None:
    end = st.layers.Dense(2, activation="softmax")
    model = st.Sequential([st.Input((5, 4, 2)), st.layers.Conv2D(3, 2), st.layers.Flatten(), end])
    model.classes = ("cat", "dog")
    model.export(tmp_path / "model.onnx")
    again = st.load(tmp_path / "model.onnx")
    x = np.random.default_rng(0).integers(0, 256, (3, 5, 4, 2), dtype=np.uint8)
    np.testing.assert_allclose(again.predict(x), model.predict(x), atol=1e-6)
    assert again.classes == ("cat", "dog")
    with pytest.raises(UsageError, match="export writes ONNX files; received format='tf_saved_model'"):
        model.export(tmp_path / "model", format="tf_saved_model")


@pytest.mark.parametrize("name", ["train_step", "compute_loss"])
def test_methods_that_would_never_be_called_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"Own.{name} would never be called"):
        type("Own", (st.Model,), {name: lambda self, data: {}})
