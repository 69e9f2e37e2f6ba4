"""Metrics against the numbers of Keras 3.15.1, alone and in training: over the epoch, for any batch size."""

from typing import Any

import numpy as np
import pytest

import striate as st
from striate import metrics
from striate._types import Array
from striate.errors import UsageError

A = np.array
CLASSES = A([2, 0, 1, 1, 2, 0, 2, 1])
ARRAYS = {
    "C": CLASSES,
    "H": np.eye(3)[CLASSES],
    "Q": A([
        [0.2, 0.3, 0.5], [0.5, 0.4, 0.1], [0.29, 0.31, 0.4], [0.1, 0.8, 0.1],
        [0.6, 0.3, 0.1], [0.05, 0.15, 0.8], [0.25, 0.15, 0.6], [0.1, 0.2, 0.7],
    ]),
    "M": A([[1, 0, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 1], [0, 0, 1]]),
    "L": A([
        [0.9, 0.2, 0.4], [0.1, 0.7, 0.9], [0.3, 0.6, 0.2], [0.55, 0.1, 0.05],
        [0.8, 0.35, 0.65], [0.45, 0.5, 0.15], [0.75, 0.05, 0.95], [0.2, 0.4, 0.25],
    ]),
    "B": A([1, 0, 1, 1, 0, 0, 1, 0]),
    "P": A([0.9, 0.4, 0.35, 0.8, 0.55, 0.1, 0.65, 0.5]),
    "Y": A([[0.5, 2.0], [0, 1], [3, 0.75], [1, -1], [2.5, 0], [0.1, 0.2], [-1, 1.5], [0.75, 0.25]]),
    "X": A([[0.6, 1.8], [0.3, 1.05], [2.5, 0.95], [1.25, -0.4], [2.4, -0.4], [0.4, 0.3], [-0.8, 1.3], [0.8, 0.4]]),
}  # fmt: skip
"""Targets C (classes), H (one-hot), M (labels), B (one label), Y (numbers); predictions Q, L, P and X."""
WEIGHTS = A([0.5, 2.0, 0.0, 1.25, 1.0, 0.75, 3.0, 1.0])

# Class, settings, arrays, and the figure without and with weights.
KERAS: list[tuple[str, dict[str, Any], str, Any, Any]] = [
    ("CategoricalAccuracy", {}, "HQ", 0.5, 0.7105263),
    ("SparseCategoricalAccuracy", {}, "CQ", 0.5, 0.7105263),
    ("TopKCategoricalAccuracy", {"k": 2}, "HQ", 0.75, 0.8157895),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "CQ", 0.75, 0.8157895),
    ("BinaryAccuracy", {}, "ML", 0.7083334, 0.8421052),
    ("BinaryAccuracy", {"threshold": 0.3}, "BP", 0.625, 0.5789474),
    ("Precision", {}, "BP", 0.75, 0.8260869),
    ("Precision", {"thresholds": 0.7}, "ML", 1, 1),
    ("Precision", {"thresholds": [0.2, 0.5, 0.8]}, "BP", [0.5714286, 0.75, 1], [0.5428572, 0.8260869, 1]),
    ("Precision", {"class_id": 2}, "HQ", 0.3333333, 0.6315789),
    ("Precision", {"top_k": 2}, "HQ", 0.375, 0.4078947),
    ("Precision", {"top_k": 1, "class_id": 1}, "HQ", 1, 1),
    ("Recall", {}, "BP", 0.75, 1),
    ("Recall", {"thresholds": 0.7}, "ML", 0.4166667, 0.6031746),
    ("Recall", {"class_id": 0}, "HQ", 0, 0),
    ("Recall", {"top_k": 2, "class_id": 2}, "HQ", 0.6666667, 0.7777778),
    ("TruePositives", {}, "ML", 7, 12.5),
    ("FalsePositives", {}, "ML", 2, 1.25),
    ("TrueNegatives", {}, "ML", 10, 11.5),
    ("FalseNegatives", {"thresholds": 0.3}, "ML", 2, 1),
    ("AUC", {}, "BP", 0.8125, 1),
    ("AUC", {"curve": "PR"}, "BP", 0.884387, 1),
    ("AUC", {"num_thresholds": 7}, "BP", 0.84375, 0.933518),
    ("AUC", {"curve": "PR", "summation_method": "majoring"}, "BP", 0.8928571, 1),
    ("AUC", {"summation_method": "minoring", "thresholds": [0.25, 0.5, 0.75]}, "BP", 0.75, 0.867036),
    ("AUC", {}, "HQ", 0.5820312, 0.7003115),
    ("AUC", {"multi_label": True}, "ML", 0.8916667, 0.9845411),
    ("AUC", {"multi_label": True, "curve": "PR", "label_weights": [1.0, 2.0, 0.5], "num_labels": 3}, "ML",
     0.8117155, 0.9639789),
    ("F1Score", {}, "HQ", [0.4999999, 0.5, 0.4999999], [0.6956521, 0.7142857, 0.7179487]),
    ("F1Score", {"average": "macro"}, "HQ", 0.4999999, 0.7092955),
    ("F1Score", {"average": "micro"}, "HQ", 0.4999999, 0.7105262),
    ("F1Score", {"average": "weighted", "threshold": 0.4}, "ML", 0.7013888, 0.8585118),
    ("FBetaScore", {"average": "macro", "beta": 2.0}, "HQ", 0.4909503, 0.6922433),
    ("MeanSquaredError", {}, "YX", 0.076875, 0.06569079),
    ("MeanAbsoluteError", {}, "YX", 0.23125, 0.2164474),
    ("RootMeanSquaredError", {}, "YX", 0.2772634, 0.2563021),
    ("R2Score", {}, "YX", 0.9224229, 0.9258737),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, "YX", 0.93301, 0.931729),
    ("R2Score", {"class_aggregation": None}, "YX", [0.954535, 0.8903108], [0.9572936, 0.8944538]),
    ("CosineSimilarity", {}, "YX", 0.9638362, 0.9661027),
    ("LogCoshError", {}, "YX", 0.03724806, 0.0319238),
    ("KLDivergence", {}, "HQ", 1.274897, 1.021376),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "HQ", 1.283946, 1.056499),
    ("SparseCategoricalCrossentropy", {}, "CQ", 1.2749, 1.021379),
    ("BinaryCrossentropy", {}, "ML", 0.449106, 0.3170557),
    ("CategoricalHinge", {}, "HQ", 1.06125, 0.9302631),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "settings", "arrays", "figure", "weighted"), KERAS, ids=[f"{k[0]}-{k[2]}{k[1] or ''}" for k in KERAS]
)
def test_metrics_equal_those_of_keras(
    name: str, settings: dict[str, Any], arrays: str, figure: Any, weighted: Any
) -> None:
    t, p = (ARRAYS[key] for key in arrays)
    metric = getattr(metrics, name)(**settings)
    metric.update_state(t[:3], p[:3])
    metric.update_state(t[3:].tolist(), p[3:].tolist())
    assert metric.result() == pytest.approx(figure, rel=2e-6)
    metric.reset_state()
    assert metric(t, p, sample_weight=WEIGHTS) == pytest.approx(weighted, rel=2e-6)
    if arrays == "HQ" and name != "KLDivergence":
        assert getattr(metrics, name)(**settings)(CLASSES, p) == pytest.approx(figure, rel=2e-6)


RNG = np.random.default_rng(0)
X = RNG.standard_normal((50, 5)).astype("float32")
Y = (X @ RNG.standard_normal((5, 3))).argmax(axis=1)


def classifier(activation: str = "softmax", units: int = 3, **settings: Any) -> st.Model:
    model = st.Sequential([st.Input((5,), dtype="float32"), st.layers.Dense(units, activation=activation, name="out")])
    model.compile("sgd", learning_rate=0.5, **settings)
    return model


def all_metrics() -> list[Any]:
    return [
        "acc", "top_k_categorical_accuracy", metrics.Precision(class_id=1), metrics.Recall(), metrics.AUC(),
        metrics.F1Score(average="macro"), "mse", "MeanAbsoluteError", metrics.R2Score(), "RootMeanSquaredError",
        "categorical_crossentropy", metrics.Precision(), metrics.Precision, metrics.TruePositives(name="hits"),
    ]  # fmt: skip


NAMES = (
    "acc", "top_k_categorical_accuracy", "precision", "recall", "auc", "f1_score", "mse", "mean_absolute_error",
    "r2_score", "root_mean_squared_error", "categorical_crossentropy", "precision_1", "precision_2", "hits",
)  # fmt: skip


@pytest.mark.parametrize("activation", ["softmax", "linear", "log_softmax"])
def test_figures_are_those_of_the_epoch_and_not_means_of_batches(activation: str) -> None:
    """The same for all sizes of batches, and equal to the metric of all outputs; logits count as probabilities."""
    model = classifier(activation, loss="categorical_crossentropy", metrics=all_metrics())
    assert model.metrics == NAMES
    sizes = [model.evaluate(X, Y, batch_size=size) for size in (50, 7, 1)]
    for scores in sizes[1:]:
        assert scores == pytest.approx(sizes[0], rel=1e-6)
    p = np.exp(model.predict(X)) if activation != "softmax" else model.predict(X)
    p /= p.sum(axis=1, keepdims=True)
    for name, metric in (("auc", metrics.AUC()), ("f1_score", metrics.F1Score("macro")), ("recall", metrics.Recall())):
        assert sizes[0][name] == pytest.approx(metric(Y, p), rel=1e-6)
    assert sizes[0]["acc"] == np.mean(p.argmax(axis=1) == Y)
    assert sizes[0]["r2_score"] == pytest.approx(metrics.R2Score()(np.eye(3)[Y], model.predict(X)), rel=1e-6)
    assert sizes[0]["categorical_crossentropy"] == pytest.approx(sizes[0]["loss"], rel=1e-6)
    assert model.evaluate(X, np.eye(3)[Y]) == sizes[0]


def test_history_and_callbacks_see_the_figures() -> None:
    model = classifier(loss="categorical_crossentropy", metrics=["accuracy", metrics.AUC(name="area")])
    stop = st.callbacks.EarlyStopping(monitor="val_area", mode="max", patience=1)
    history = model.fit(X, Y, epochs=2, batch_size=7, validation_data=(X, Y), verbose=0, callbacks=[stop]).history
    names = ["loss", "accuracy", "area", "val_loss", "val_accuracy", "val_area"]
    assert [name for name in history if name != "learning_rate"] == names
    assert history["val_area"][-1] == pytest.approx(model.evaluate(X, Y)["area"])
    assert model.train_on_batch(X, Y)["area"] == pytest.approx(history["val_area"][-1])
    assert model.metrics_names == ["loss", "accuracy", "area"]


def test_labels_and_numbers() -> None:
    """Logits of labels count above 0; figures of numbers are those of the outputs."""
    labels = (X[:, :3] > 0).astype(int)
    for activation, threshold in (("sigmoid", 0.5), ("linear", 0.0)):
        model = classifier(activation, loss="binary_crossentropy", metrics=["accuracy", "Precision", metrics.AUC()])
        found, scores = model.predict(X) > threshold, model.evaluate(X, labels)
        assert scores["accuracy"] == pytest.approx(np.mean(found == labels))
        assert scores["precision"] == pytest.approx(labels[found].mean())
    numbers = classifier("linear", 2, loss="huber", metrics=["mae", metrics.R2Score(), metrics.CosineSimilarity()])
    y = X[:, :2] * 2
    scores = numbers.evaluate(X, y)
    assert scores["mae"] == pytest.approx(np.abs(numbers.predict(X) - y).mean(), rel=1e-5)
    assert list(dict(scores)) == ["loss", "mae", "r2_score", "cosine_similarity"]
    signs = classifier("linear", 1, loss="hinge", metrics=["accuracy"])
    assert signs.evaluate(X, Y > 0)["accuracy"] == np.mean((signs.predict(X)[:, 0] > 0) == (Y > 0))


def ratio(y_true: Array, y_pred: Array) -> Any:
    return (y_true * y_pred).sum(axis=1)


def test_own_metrics_receive_arrays_and_return_one_or_all_numbers() -> None:
    """Rows for a categorical loss, class numbers for a sparse one, as in Keras."""
    chosen = [ratio, lambda t, p: (t * p).sum(axis=1).mean()]
    scores = classifier(loss="categorical_crossentropy", metrics=chosen).evaluate(X, Y, batch_size=7)
    p = classifier(loss="categorical_crossentropy").predict(X)
    expected = p[np.arange(50), Y].mean()
    assert (scores["ratio"], scores["lambda"]) == pytest.approx((expected, expected), rel=1e-6)
    sparse = classifier(loss="sparse_categorical_crossentropy", metrics=[lambda t, p: np.float32(t.ndim)])
    assert sparse.evaluate(X, Y)["lambda"] == 1
    with pytest.raises(UsageError, match=r"The metric 'ratio' failed with y_true \(50,\) and y_pred \(50, 3\),"):
        classifier(loss="sparse_categorical_crossentropy", metrics=ratio).evaluate(X, Y)
    with pytest.raises(UsageError, match=r"a number, or one for each of 50 samples; it returned the shape \(3,\)"):
        classifier(loss="mse", metrics=[lambda t, p: p.mean(axis=0)]).evaluate(X, np.eye(3)[Y])


def test_weighted_metrics() -> None:
    weights = RNG.random(50)
    model = classifier(loss="categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy", "mse"])
    scores = model.evaluate(X, Y, sample_weight=weights)
    right = model.predict(X).argmax(axis=1) == Y
    assert scores["accuracy"] == right.mean()
    assert scores["weighted_accuracy"] == pytest.approx(weights @ right / weights.sum(), rel=1e-6)
    assert list(dict(scores)) == ["loss", "accuracy", "weighted_accuracy", "mse"]
    batches = [model.evaluate(X, Y, sample_weight=weights, batch_size=size) for size in (7, 50)]
    assert batches[0] == pytest.approx(batches[1], rel=1e-6)


@pytest.mark.parametrize(
    ("activation", "units", "loss", "metric", "message"),
    [
        ("linear", 2, "mse", "accuracy", "The metric 'accuracy' does not match this loss; use 'mean_absolute_error'"),
        ("linear", 2, "mse", metrics.TopKCategoricalAccuracy(), "does not match this loss"),
        ("softmax", 3, "mse", "acuracy", r"There is no metric 'acuracy'. Did you mean 'accuracy'\?"),
        ("softmax", 3, None, metrics.F1Score(), r"use F1Score\(average='macro'\)"),
        ("softmax", 3, None, metrics.Precision(thresholds=[0.2, 0.5]), "one metric for each of its thresholds"),
        ("softmax", 3, None, metrics.Precision(class_id=5), "class_id=5, and there are only 3 outputs"),
        ("softmax", 3, None, "MeanIoU", "Striate does not have the metric 'MeanIoU': it is for the segmentation"),
        ("softmax", 3, None, "PrecisionAtRecall", "use Precision"),
        ("softmax", 3, None, {"head": "accuracy"}, "metrics: there is no output 'head'"),
    ],
)
def test_metrics_that_do_not_match_raise(activation: str, units: int, loss: Any, metric: Any, message: str) -> None:
    y = np.eye(units)[Y % units]
    with pytest.raises(UsageError, match=message):
        classifier(activation, units, loss=loss, metrics=metric).evaluate(X, y)


def test_settings_out_of_range_raise() -> None:
    for make, message in (
        (lambda: metrics.AUC(curve="roc"), "curve must be 'ROC' or 'PR'"),  # type: ignore[arg-type]
        (lambda: metrics.AUC(num_thresholds=1), "num_thresholds must be an integer, 2 or more"),
        (lambda: metrics.Precision(thresholds=2.0), "thresholds must be 0 to 1; received 2.0"),
        (lambda: metrics.F1Score(average="all"), "average must be"),  # type: ignore[arg-type]
        (lambda: metrics.R2Score(num_regressors=2), "num_regressors must be 0"),
        (lambda: metrics.TopKCategoricalAccuracy(k=0), "k must be an integer, 1 or more"),
        (lambda: metrics.MeanIoU, "Striate does not have the metric 'MeanIoU'"),
        (lambda: metrics.Precision()([1, 0], [0.5]), "y_true has the shape"),
        (lambda: metrics.CategoricalAccuracy()([5], [[0.5, 0.5]]), "y_true must be class numbers 0 … 1"),
        (lambda: metrics.Precision()([1, 0], [0.5, 1], [1, 2, 3]), "There are 2 samples but 3 weights"),
    ):
        with pytest.raises(UsageError, match=message):
            make()
    assert (metrics.Precision().result(), metrics.R2Score().result()) == (0, 0)
    assert repr(metrics.AUC()) == "<AUC name=auc>"
