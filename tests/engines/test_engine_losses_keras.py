"""All losses against the numbers of Keras 3.15.1 (backend PyTorch 2.13.0), and their gradients against differences."""

from typing import Any

import numpy as np
import pytest

from striate import losses
from striate._types import Array
from striate.engines.gradcheck import numerical_gradient
from striate.engines.losses import LOSSES, NAMES, Loss, get_loss
from striate.errors import UsageError
from striate.network.outputs import OutputForm

A = np.array
ARRAYS = {
    "Y": A([[0.5, 0.25, 2.0], [0.0, 1.0, -1.5], [3.0, 0.75, 0.125], [1.0, 0.0, 1.0]]),
    "P": A([[0.25, 0.75, 1.0], [2.5, 0.5, 0.0625], [0.125, 1.25, 4.0], [1.0, 0.5, 0.25]]),
    "H": A([[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1]]),
    "C": A([2, 1, 0, 2]),
    "Q": A([[0.2, 0.3, 0.5], [0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.05, 0.05, 0.9]]),
    "Z": A([[0.2, -1.3, 0.5], [2.7, 0.2, -0.1], [0.6, -0.3, 1.1], [-0.5, 3.0, 0.9]]),
    "M": A([[1, 0, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0]]),
    "S": A([[1, -1, 1], [-1, 1, 1], [1, -1, -1], [-1, -1, -1]]),
}
"""Targets Y, H (one-hot), C (classes), M (labels), S (signs), and predictions P (numbers), Q (probabilities), Z."""
SAMPLE_WEIGHT = A([0.5, 2.0, 0.0, 1.25])

# Class, settings, arrays, the loss of each sample, and three reductions: the mean, the weighted mean over the number of
# samples, and over the sum of the weights.
KERAS: list[tuple[str, dict[str, Any], str, list[float], list[float]]] = [
    ("MeanSquaredError", {}, "YP",
        [0.4375, 2.980469, 7.84375, 0.2708333], [2.883138, 1.629557, 1.738194]),
    ("MeanAbsoluteError", {}, "YP",
        [0.5833333, 1.520833, 2.416667, 0.4166667], [1.234375, 0.9635417, 1.027778]),
    ("MeanAbsolutePercentageError", {}, "YP",
        [100, 833333400, 1087.5, 166666700], [250000320, 468750048, 500000064]),
    ("MeanSquaredLogarithmicError", {}, "YP",
        [0.1036189, 0.5519504, 1.299105, 0.1284351], [0.5207773, 0.3290635, 0.3510011]),
    ("Huber", {}, "YP",
        [0.21875, 1.0625, 1.958333, 0.1354167], [0.84375, 0.6009114, 0.6409722]),
    ("Huber", {"delta": 0.5}, "YP",
        [0.1770833, 0.6354167, 1.083333, 0.125], [0.5052084, 0.3789062, 0.4041667]),
    ("LogCosh", {}, "YP",
        [0.1949417, 0.9486782, 1.829143, 0.1261269], [0.7747225, 0.5381215, 0.5739962]),
    ("Poisson", {}, "YP",
        [0.9216891, -0.1344113, 3.75756, 1.045431], [1.397567, 0.3747028, 0.399683]),
    ("CosineSimilarity", {}, "YP",
        [-0.8735555, -0.0883618, -0.1396856, -0.7715168], [-0.4682799, -0.3944743, -0.4207726]),
    ("KLDivergence", {}, "HQ",
        [0.6931442, 1.609435, 0.5108228, 0.1053579], [0.72969, 0.9242849, 0.9859039]),
    ("KLDivergence", {}, "QQ",
        [0, 0, 0, 0], [0, 0, 0]),
    ("CategoricalHinge", {}, "HZ",
        [0.7, 3.5, 1.5, 3.1], [2.2, 2.80625, 2.993333]),
    ("Hinge", {}, "MZ",
        [0.4333333, 1.866667, 1.066667, 2.133333], [1.375, 1.654167, 1.764444]),
    ("Hinge", {}, "SZ",
        [0.4333333, 1.866667, 1.066667, 2.133333], [1.375, 1.654167, 1.764444]),
    ("SquaredHinge", {}, "SZ",
        [0.2966667, 5.18, 1.686666, 6.62], [3.445833, 4.695834, 5.008889]),
    ("CategoricalCrossentropy", {}, "HQ",
        [0.6931472, 1.609438, 0.5108256, 0.1053605], [0.7296928, 0.9242875, 0.9859067]),
    ("CategoricalCrossentropy", {"from_logits": True}, "HZ",
        [0.6450682, 2.633565, 1.116875, 2.242067], [1.659394, 2.098062, 2.237933]),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "HZ",
        [0.7150682, 2.560231, 1.130208, 2.218734], [1.65606, 2.062853, 2.200377]),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "HQ",
        [0.7407177, 1.590784, 0.5936558, 0.298052], [0.8058024, 0.981123, 1.046531]),
    ("CategoricalCrossentropy", {}, "HP",
        [0.6931472, 1.812379, 3.7612, 1.94591], [2.053159, 1.60093, 1.707658]),
    ("SparseCategoricalCrossentropy", {}, "CQ",
        [0.6931472, 1.609438, 0.5108256, 0.1053605], [0.7296928, 0.9242875, 0.9859067]),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "CZ",
        [0.6450682, 2.633565, 1.116875, 2.242067], [1.659394, 2.098062, 2.237933]),
    ("BinaryCrossentropy", {}, "MQ",
        [0.88642, 1.705332, 0.324287, 0.8017239], [0.9294407, 1.214007, 1.294941]),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, "MQ",
        [0.8684535, 1.557638, 0.4392866, 0.924779], [0.9475393, 1.176369, 1.254794]),
    ("BinaryCrossentropy", {"from_logits": True}, "MZ",
        [0.4377414, 1.369193, 0.7930595, 1.587939], [1.046983, 1.235545, 1.317915]),
    ("CategoricalFocalCrossentropy", {}, "HQ",
        [0.0433217, 0.2575101, 0.02043303, 0.0002634013], [0.08038205, 0.1342526, 0.1432027]),
    ("CategoricalFocalCrossentropy", {"alpha": [0.1, 0.5, 0.3], "gamma": 1.5}, "HQ",
        [0.07351936, 0.57581, 0.01292298, 0.0009995377], [0.165813, 0.2974073, 0.3172344]),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "HZ",
        [0.05395186, 0.5513308, 0.1316509, 0.4466981], [0.2959079, 0.4220025, 0.450136]),
    ("BinaryFocalCrossentropy", {}, "MQ",
        [0.4118093, 1.161694, 0.03829548, 0.6217834], [0.5583955, 0.8266304, 0.881739]),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1}, "MQ",
        [0.1883796, 0.5326366, 0.04785869, 0.4847398], [0.3134037, 0.4413469, 0.47077]),
    ("BinaryFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "MZ",
        [0.07328043, 0.8088918, 0.2903774, 1.01042], [0.5457425, 0.7293623, 0.7779865]),
]  # fmt: skip
IDS = [f"{name}-{arrays}{settings or ''}" for name, settings, arrays, _, _ in KERAS]


@pytest.mark.parametrize(("name", "settings", "arrays", "values", "reduced"), KERAS, ids=IDS)
def test_losses_equal_those_of_keras(
    name: str, settings: dict[str, Any], arrays: str, values: list[float], reduced: list[float]
) -> None:
    t, p = (ARRAYS[key] for key in arrays)
    kind = getattr(losses, name)

    def close(expected: Any) -> Any:
        return pytest.approx(expected, rel=1e-5, abs=1e-6)  # Keras computes in float32

    assert kind(**settings, reduction="none")(t, p) == close(values)
    assert kind(**settings)(t, p) == close(reduced[0])
    assert kind(**settings)(t.tolist(), p.tolist(), sample_weight=SAMPLE_WEIGHT) == close(reduced[1])
    by_weight = kind(**settings, reduction="mean_with_sample_weight", name="own")
    assert by_weight(t, p, SAMPLE_WEIGHT) == close(reduced[2])
    assert kind(**settings, reduction="sum")(t, p) == close(4 * reduced[0])
    function = next(alias for alias, known in LOSSES.items() if known is kind)
    assert getattr(losses, function)(t, p, **settings) == close(values)
    assert get_loss(getattr(losses, function)) == kind()


@pytest.mark.parametrize(("name", "settings", "arrays", "values", "reduced"), KERAS, ids=IDS)
def test_gradients_equal_differences(
    name: str, settings: dict[str, Any], arrays: str, values: list[float], reduced: list[float]
) -> None:
    t, p = (ARRAYS[key] for key in arrays)
    loss: Loss = getattr(losses, name)(**settings)
    p = p + 0.01 * np.cos(np.arange(p.size)).reshape(p.shape)  # away from kinks
    forms: list[OutputForm] = [loss.call_output_form]
    if loss.call_output_form == "probabilities" and "Q" in arrays and loss.target_kind != "labels":
        forms.append("log_probabilities")
    for form in forms:
        x = np.log(p) if form == "log_probabilities" else p

        def total(x: Array, form: OutputForm = form) -> float:
            return float(loss.differentiate(t, x, form)[0].sum())

        slopes = loss.differentiate(t, x, form)[1]
        expected = numerical_gradient(total, x.copy(), step=1e-4)
        np.testing.assert_allclose(slopes, expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max())


def test_every_name_of_keras_is_known_or_refused_with_a_reason() -> None:
    every = (  # keras.src.losses.ALL_OBJECTS_DICT, and the names of Keras 2
        "BCE BinaryCrossentropy BinaryFocalCrossentropy CTC CategoricalCrossentropy CategoricalFocalCrossentropy "
        "CategoricalGeneralizedCrossEntropy CategoricalHinge Circle CosineSimilarity Dice Hinge Huber KLD KLDivergence "
        "LogCosh MAE MAPE MSE MSLE MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError "
        "MeanSquaredLogarithmicError Poisson SparseCategoricalCrossentropy SquaredHinge Tversky bce "
        "binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy "
        "categorical_hinge circle cosine_similarity ctc dice hinge huber kl_divergence kld log_cosh mae mape "
        "mean_absolute_error mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error mse msle "
        "poisson sparse_categorical_crossentropy squared_hinge tversky logcosh kullback_leibler_divergence"
    )
    assert set(NAMES) == set(losses.__all__) - {"Loss", "get", "get_loss"}
    for name in every.split():
        if name in NAMES:
            assert type(get_loss(name)) is NAMES[name]
            assert type(get_loss(getattr(losses, name))) is NAMES[name]
        else:
            with pytest.raises(UsageError, match=f"Striate does not have the loss '{name}': "):
                get_loss(name)
            with pytest.raises(UsageError, match=f"Striate does not have the loss '{name}': "):
                getattr(losses, name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.Huber(delta=0), "delta must be above 0; received 0"),
        (lambda: losses.BinaryFocalCrossentropy(gamma=-1), "gamma must be 0 or more"),
        (lambda: losses.BinaryFocalCrossentropy(alpha=2), "alpha must be 0 to 1"),
        (lambda: losses.MeanSquaredError(reduction="average"), "reduction must be one of sum_over_batch_size, .*'aver"),
        (lambda: losses.CategoricalCrossentropy(axis=1), "axis must be -1"),
        (lambda: losses.SparseCategoricalCrossentropy(ignore_class=3), "the weight 0 with sample_weight"),
        (
            lambda: losses.MeanSquaredError()([[1.0, 2.0]], [[1.0]]),
            r"y_true has the shape \(1, 2\) and y_pred \(1, 1\)",
        ),
        (lambda: losses.MeanSquaredError()("a", [[1.0]]), "y_true must be numbers; received 'a'"),
        (lambda: losses.CategoricalCrossentropy()([5], [[0.5, 0.5]]), "class numbers must be integers 0 … 1"),
        (lambda: losses.CategoricalCrossentropy()([[1, 0, 0]], [[0.5, 0.5]]), "y_true must be class numbers"),
    ],
)
def test_wrong_settings_and_arrays_raise(make: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


def test_losses_of_tensors_and_of_columns() -> None:
    torch = pytest.importorskip("torch")
    assert losses.mse(torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 2.0]], requires_grad=True)) == [2.5]
    assert losses.MeanSquaredError()([0, 1], [[1.0], [1.0]]) == 0.5
    assert losses.MeanSquaredError()(1.0, 3.0) == 4
