"""Attribution against independent computations: PyTorch's autograd, and networks whose answer is known."""

import numpy as np
import pytest
import torch
from torch.nn import functional

import striate as st
from striate._types import Array
from striate.errors import DataError, NetworkError, UsageError
from striate.explain import grad_cam, integrated_gradients, occlusion
from striate.explain.attribution import last_maps
from striate.explain.scores import logits_network, resize
from striate.models import Model

L = st.layers
SHAPE = (14, 12, 3)


def classifier(seed: int = 0, activation: str = "softmax") -> st.Sequential:
    return st.Sequential(
        [
            st.Input(SHAPE),
            L.Rescale(1 / 127.5, -1),
            L.Conv2D(5, 3, padding="same", activation="relu", name="first"),
            L.MaxPool2D(2),
            L.Conv2D(6, 3, activation="relu", name="last"),
            L.AveragePool2D(2),
            L.Flatten(),
            L.Dense(4, activation=activation, name="end"),
        ],
        seed=seed,
    )


def an_image(seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 256, SHAPE, dtype=np.uint8)


def torch_scores(model: Model, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the maps of the last convolution and the logits of the classifier, for pixels (N, H, W, C)."""
    w = {name: torch.from_numpy(array).double() for name, array in model.named_weights.items()}
    y = (x / 127.5 - 1).permute(0, 3, 1, 2)
    y = functional.conv2d(y, w["first/kernel"].permute(3, 2, 0, 1), w["first/bias"], padding=1).relu()
    y = functional.max_pool2d(y, 2)
    maps = functional.conv2d(y, w["last/kernel"].permute(3, 2, 0, 1), w["last/bias"]).relu()
    y = functional.avg_pool2d(maps, 2).permute(0, 2, 3, 1).flatten(1)
    return maps, y @ w["end/kernel"] + w["end/bias"]


@pytest.mark.parametrize("class_index", range(4))
def test_grad_cam_is_that_of_autograd(class_index: int) -> None:
    model, image = classifier(), an_image()
    found = grad_cam(model, image, class_index)
    maps, scores = torch_scores(model, torch.from_numpy(image[None]).double().requires_grad_())
    maps.retain_grad()
    scores[0, class_index].backward()  # type: ignore[no-untyped-call]
    assert maps.grad is not None
    weights = maps.grad.mean(dim=(2, 3), keepdim=True)
    expected = (weights * maps).sum(dim=1).relu()[0].detach()
    np.testing.assert_allclose(found.maps, expected, atol=1e-5 * float(maps.detach().abs().max()))
    large = functional.interpolate(expected[None, None], SHAPE[:2], mode="bilinear")[0, 0]
    np.testing.assert_allclose(found.values, large, atol=1e-5 * float(maps.detach().abs().max()))
    assert (found.layer, found.class_index) == ("last", class_index)
    assert found.score == pytest.approx(float(scores[0, class_index].detach()), rel=1e-4)


@pytest.mark.parametrize("baseline", [0, (10.0, 100.0, 255.0)])
def test_integrated_gradients_are_those_of_autograd(baseline: float | tuple[float, ...]) -> None:
    model, image = classifier(), an_image()
    found = integrated_gradients(model, image, 2, steps=20, baseline=baseline)
    start = torch.broadcast_to(torch.tensor(baseline).double(), SHAPE)
    end = torch.from_numpy(image).double()
    points = (torch.arange(20).double() + 0.5) / 20
    x = (start + points.reshape(-1, 1, 1, 1) * (end - start)).requires_grad_()
    torch_scores(model, x)[1][:, 2].sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    expected = (end - start) * x.grad.mean(dim=0)
    np.testing.assert_allclose(found.maps, expected, atol=1e-4 * float(expected.detach().abs().max()))
    np.testing.assert_allclose(found.values, found.maps.sum(axis=2), atol=1e-6)


@pytest.mark.parametrize("name", ["lenet5", "lenet5-1998", "mlp", "mnist-cnn"])
def test_integrated_gradients_sum_to_the_difference_of_scores(name: str) -> None:
    model = st.zoo.build(name)
    image = np.random.default_rng(0).integers(0, 256, model.network.input_shapes[0], dtype=np.uint8)
    found = integrated_gradients(model, image, 3)
    assert found.baseline_score is not None
    difference = found.score - found.baseline_score
    assert abs(found.values.sum(dtype=np.float64) - difference) <= 0.01 * abs(difference)


def test_grad_cam_of_maps_that_later_layers_bypass() -> None:
    """The gradient of maps in a residual block passes through the block only, as with PyTorch's autograd."""
    image = st.Input(SHAPE)
    first = L.Conv2D(3, 3, padding="same", name="first")(L.Rescale(1 / 127.5, -1)(image))
    inner = L.Conv2D(3, 3, padding="same", activation="tanh", name="inner")(first)
    end = L.Dense(4, activation="softmax", name="end")(L.GlobalAveragePool2D()(L.Add()([first, inner])))
    model = Model(image, end)
    found = grad_cam(model, an_image(), 1, "inner")
    kernel = model.named_weights["end/kernel"][:, 1] / (SHAPE[0] * SHAPE[1])  # the gradient of a mean
    maps = st.explain.feature_maps(model, an_image(), "inner")
    np.testing.assert_allclose(found.maps, np.maximum(maps @ kernel, 0), atol=1e-6)


def test_grad_cam_changes_with_the_weights() -> None:
    """The check of Adebayo et al. 2018, "Sanity checks for saliency maps": random weights give another map."""
    first, other = (
        np.concatenate([grad_cam(classifier(seed), an_image(), number).values.ravel() for number in range(4)])
        for seed in (0, 1)
    )
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.5


def test_occlusion_of_a_linear_classifier() -> None:
    """The score falls by the weights of the covered pixels times how much they change."""
    model = st.Sequential([st.Input((6, 8, 1)), L.Rescale(), L.Flatten(), L.Dense(3, activation="softmax", name="end")])
    image = np.random.default_rng(0).integers(0, 256, (6, 8, 1), dtype=np.uint8)
    steps = []
    found = occlusion(model, image, 1, size=2, stride=2, fill=255, progress=lambda *step: steps.append(step))
    change = model.named_weights["end/kernel"][:, 1].reshape(6, 8) * (image[..., 0] - 255.0) / 255
    expected = change.reshape(3, 2, 4, 2).sum(axis=(1, 3))
    np.testing.assert_allclose(found.maps, expected, atol=1e-5)
    np.testing.assert_allclose(found.values, expected.repeat(2, axis=0).repeat(2, axis=1), atol=1e-5)
    assert steps == [(8, 12), (12, 12)]


def test_occlusion_covers_every_pixel_and_fills_with_the_mean() -> None:
    flat = np.full(SHAPE, (40, 80, 120), np.uint8)
    found = occlusion(classifier(), flat, size=5, stride=4)
    assert found.maps.shape == (4, 3)
    np.testing.assert_allclose(found.values, 0, atol=1e-4)  # the mean color of a flat image hides nothing


def test_scores_are_those_before_the_activation() -> None:
    image = an_image()
    logits = classifier(activation="linear").predict(image[None])[0]
    for activation in ("softmax", "sigmoid", "log_softmax"):
        for method in (grad_cam, integrated_gradients):
            found = method(classifier(activation=activation), image)
            assert found.class_index == logits.argmax()
            assert found.score == pytest.approx(logits.max(), rel=1e-5)
    assert grad_cam(classifier(activation="softmin"), image).score == pytest.approx(-logits.min(), rel=1e-5)


def test_scores_of_lenet5_1998_are_negative_distances() -> None:
    model = st.zoo.build("lenet5-1998")
    image = np.random.default_rng(0).integers(0, 256, (1, *model.network.input_shapes[0]), dtype=np.uint8)
    distances = model.engine.activations([image])
    rbf = next(str(node.layer.name) for node in model.network.nodes if node.layer.kind == "RadialBasis")
    assert grad_cam(model, image).score == pytest.approx(-distances[rbf].min(), rel=1e-4)


@pytest.mark.parametrize(
    ("name", "layer"), [("lenet5", "C3"), ("vgg16", "conv5_3"), ("resnet50", None), ("efficientnet-lite0", None)]
)
def test_layer_of_grad_cam(name: str, layer: str | None) -> None:
    network = st.zoo.network(name)
    node = network.nodes[last_maps(network)]
    assert layer in (None, node.layer.name)
    assert node.shape[:2] == {"lenet5": (10, 10), "vgg16": (14, 14)}.get(name, (7, 7))


def test_networks_of_images_in_another_order() -> None:
    """An input (C, H, W), as in ONNX files of PyTorch, gives the same as (H, W, C)."""
    layers = [node.layer for node in classifier().network.nodes[1:]]
    first = st.Sequential([st.Input((3, 14, 12), data_format="channels_first"), *layers])
    first.named_weights = classifier().named_weights
    image = an_image()
    for method in (grad_cam, occlusion, integrated_gradients):
        expected, found = method(classifier(), image, 1), method(first, image.transpose(2, 0, 1), 1)
        np.testing.assert_allclose(found.values, expected.values, atol=1e-4)
        assert found.values.shape == SHAPE[:2]


def test_resizing_is_that_of_pytorch() -> None:
    maps = np.random.default_rng(0).random((5, 7))
    expected = functional.interpolate(torch.from_numpy(maps)[None, None], (12, 3), mode="bilinear")[0, 0]
    np.testing.assert_allclose(resize(maps, 12, 3), expected, rtol=1e-5)


def test_names_of_weights_stay() -> None:
    network = st.zoo.network("lenet5-1998")
    assert [p.name for p in logits_network(network).parameters] == [p.name for p in network.parameters]


def test_wrong_requests_are_refused() -> None:
    model, image = classifier(), an_image()
    model.classes = ("cat", "dog", "owl", "cow")
    assert grad_cam(model, image, "owl").class_index == 2
    with pytest.raises(UsageError, match=r"The model has no class 'dag'\. Did you mean 'dog'"):
        grad_cam(model, image, "dag")
    with pytest.raises(UsageError, match="class_index must be below 4, the number of classes; received 4"):
        integrated_gradients(model, image, 4)
    with pytest.raises(UsageError, match=r"Dense 'end' has no feature maps \(H, W, C\) for Grad-CAM"):
        grad_cam(model, image, 1, "end")
    with pytest.raises(NetworkError, match="has no layer 'lost'"):
        grad_cam(model, image, 1, "lost")
    with pytest.raises(UsageError, match="size must be at most 12, the shorter side of the image; received 13"):
        occlusion(model, image, size=13)
    with pytest.raises(UsageError, match=r"baseline must be a number, 3 numbers or an image of shape \(14, 12, 3\)"):
        integrated_gradients(model, image, baseline=(1, 2))
    with pytest.raises(UsageError, match="'mlp' has no feature maps for Grad-CAM: use occlusion or integrated_grad"):
        grad_cam(st.zoo.build("mlp"), np.zeros((28, 28, 1), np.uint8))
    with pytest.raises(DataError, match=r"Expected one image of shape \(14, 12, 3\)"):
        occlusion(model, image[1:])
