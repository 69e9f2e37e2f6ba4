"""`striate.ops`: NumPy's functions of arrays, PyTorch's of its tensors, and layers of a network's tensors."""

from typing import Any

import numpy as np
import pytest
import torch

import striate as st
from striate import ops
from striate.errors import NetworkError


def test_the_same_loss_of_arrays_and_tensors() -> None:
    def loss(y: Any, p: Any) -> Any:
        return ops.mean(ops.sum(ops.where(ops.abs(y - p) < 1, ops.square(y - p), ops.sqrt(ops.abs(y - p))), axis=-1))

    y, p = np.random.default_rng(0).normal(0, 1, (2, 5, 3))
    tensor = torch.from_numpy(p).requires_grad_()
    result = loss(torch.from_numpy(y), tensor)
    assert float(result.detach()) == pytest.approx(float(loss(y, p)))
    result.backward()
    assert tensor.grad is not None
    joined = ops.concatenate([torch.ones(2, 1), torch.zeros(2, 2)], axis=1)
    assert joined.shape == (2, 3)
    assert ops.norm(torch.tensor([3.0, 4.0])) == ops.norm(np.array([3.0, 4.0])) == 5


def test_arrays_are_float32_as_in_keras() -> None:
    assert ops.ones((2, 3)).dtype == ops.zeros(2).dtype == ops.convert_to_tensor([1.0], "float32").dtype == np.float32
    assert ops.shape(ops.cast(np.ones((2, 3)), "uint8")) == (2, 3)
    assert ops.one_hot([2, 0], 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert ops.one_hot(torch.tensor([2.0, 0.0]), 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert ops.convert_to_numpy(torch.ones(2)).tolist() == [1, 1]
    np.testing.assert_allclose(ops.softmax(np.array([[1.0, 3.0]])).sum(), 1)


def test_tensors_of_a_network_become_layers() -> None:
    image = st.Input((4, 4, 2), dtype="float32")
    maps = ops.relu(ops.subtract(ops.multiply(image, 2), 1))
    assert ops.shape(maps) == (None, 4, 4, 2)
    both = ops.concatenate([ops.mean(maps, axis=(1, 2)), ops.max(maps, axis=[1, 2])], axis=-1)
    model = st.Model(image, ops.add(both, ops.square(both)))
    x = np.random.default_rng(0).normal(0, 1, (3, 4, 4, 2)).astype("float32")
    inner = np.maximum(2 * x - 1, 0)
    expected = np.concatenate([inner.mean((1, 2)), inner.max((1, 2))], axis=-1)
    np.testing.assert_allclose(model.predict(x), expected + expected**2, rtol=1e-5)
    for name, arguments in (("argmax", (-1,)), ("mean", ()), ("reshape", (3, 4, 5))):
        with pytest.raises(NetworkError, match=r"is not a layer of Striate. Write layers such as"):
            getattr(ops, name)(image, *arguments)


def test_unknown_functions_are_named() -> None:
    with pytest.raises(NetworkError, match=r"ops has no function 'meen'. Did you mean 'mean'"):
        _ = ops.meen
