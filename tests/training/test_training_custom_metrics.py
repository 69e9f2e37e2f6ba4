"""Custom metric classes, written as for Keras: alone, in training, and wrong ones."""

from typing import Any

import numpy as np
import pytest

import striate as st
from striate import metrics, ops
from striate.errors import UsageError

X = np.random.default_rng(0).integers(0, 256, (70, 4, 4, 1)).astype("float32")
Y = np.arange(70) % 3


class TruePositives(metrics.Metric):
    """Counts as in Keras's guide, with a weight for each sample."""

    def __init__(self, name: str = "true_positives", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.true_positives = self.add_variable(shape=(), initializer="zeros", name="tp")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        values = ops.cast(ops.equal(ops.argmax(y_pred, axis=-1), y_true), "float32")
        if sample_weight is not None:
            values = values * sample_weight
        self.true_positives.assign_add(ops.sum(values))

    def result(self) -> Any:
        return self.true_positives


class MeanConfidence(metrics.Metric):
    """A quotient of two sums, one of them with an axis, and a start that is not 0."""

    def __init__(self) -> None:
        super().__init__()
        self.total = self.add_weight(shape=(3,), initializer="zeros")
        self.count = self.add_weight(name="count", initializer="ones")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.total.assign_add(y_pred.sum(axis=0))
        self.count.assign_add(len(y_pred))

    def result(self) -> Any:
        return self.total.max() / (self.count - 1)

    def reset_state(self) -> None:
        self.total.assign(0)
        self.count.assign(1)


def model(*chosen: Any, weighted: Any = None) -> st.Sequential:
    network = [st.Input((4, 4, 1)), st.layers.Rescaling(1 / 255), st.layers.Flatten()]
    made = st.Sequential([*network, st.layers.Dense(3, activation="softmax")], seed=3)
    made.compile("sgd", "sparse_categorical_crossentropy", metrics=list(chosen), weighted_metrics=weighted)
    return made


def test_alone_it_keeps_its_state_until_reset() -> None:
    metric = TruePositives()
    metric.update_state(np.array([0, 1, 1]), np.eye(3)[[0, 1, 2]])
    assert float(metric(np.array([2]), np.eye(3)[[2]], sample_weight=np.array([0.5]))) == 2.5
    metric.reset_state()
    assert float(metric.result()) == 0
    assert [variable.name for variable in metric.variables] == ["tp"]


def test_in_training_it_is_the_figure_over_all_samples_whatever_the_batches() -> None:
    trained = model(TruePositives(), MeanConfidence())
    history = trained.fit(X, Y, epochs=2, batch_size=16, validation_data=(X, Y), verbose=0).history
    outputs = trained.predict(X)
    right, confidence = (outputs.argmax(1) == Y).sum(), outputs.mean(axis=0).max()
    assert history["val_true_positives"][-1] == right
    for batch_size in (7, 70):
        figures = trained.evaluate(X, Y, batch_size=batch_size, verbose=0, return_dict=True)
        assert figures["true_positives"] == right
        assert figures["mean_confidence"] == pytest.approx(confidence, rel=1e-6)


def test_weights_of_samples_reach_weighted_metrics() -> None:
    trained = model(weighted=[TruePositives()])
    weights = np.linspace(0, 2, len(X)).astype("float32")
    figures = trained.evaluate(X, Y, sample_weight=weights, verbose=0, return_dict=True)
    expected = weights[trained.predict(X).argmax(1) == Y].sum()
    assert figures["true_positives"] == pytest.approx(expected, rel=1e-6)


def test_training_leaves_the_state_of_the_object_alone() -> None:
    metric = TruePositives()
    metric.update_state(np.array([0]), np.eye(3)[[0]])
    model(metric).fit(X, Y, verbose=0)
    assert float(metric.result()) == 1


class Greatest(TruePositives):
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.true_positives.assign(max(float(self.true_positives), float(y_pred.max())))


class Failing(TruePositives):
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_pred.no_such_method()


class Text(TruePositives):
    def result(self) -> Any:
        return "much"


class Plain(metrics.Metric):
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.total = len(y_true)

    def result(self) -> Any:
        return self.total


@pytest.mark.parametrize(("metric", "message"), [
    (Greatest(), "The state of the metric 'true_positives' is not a sum"),
    (Failing(), r"'true_positives' failed with y_true \(32,\) and y_pred \(32, 3\).*no_such_method"),
    (Text(), r"result\(\) of the metric 'true_positives' must return a number"),
    (Plain(), r"The metric 'plain' has no state that training could add up.*self\.add_weight"),
    (metrics.Accuracy(), r"metrics=\['accuracy'\]"),
])  # fmt: skip
def test_metrics_that_cannot_work_in_training_say_why(metric: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        model(metric).fit(X, Y, verbose=0)


def test_configurations_of_metrics() -> None:
    precision = metrics.Precision(0.7, top_k=None, name="p")
    again = metrics.Precision.from_config(precision.get_config())
    assert (again.name, again.get_config()) == ("p", precision.get_config())
    assert type(metrics.get("auc")).__name__ == "AUC"
    with pytest.raises(UsageError, match=r"There is no metric .recal.\. Did you mean .recall."):
        metrics.get("recal")


def test_functions_of_metrics_give_the_value_of_each_sample() -> None:
    p = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]])
    assert metrics.sparse_categorical_accuracy([1, 2], p).tolist() == [1, 0]
    assert metrics.top_k_categorical_accuracy(np.eye(3)[[2, 2]], p, k=2).tolist() == [1, 0]
    assert metrics.binary_accuracy([[0, 1, 0], [0, 0, 0]], p).tolist() == [1, 1]
    assert metrics.mean_absolute_error([[0.0, 0, 0]], [[1.0, 2, 3]]).tolist() == [2]
    history = model(metrics.sparse_categorical_accuracy).fit(X, Y, verbose=0).history
    assert set(history) == {"loss", "sparse_categorical_accuracy"}


def test_variables_are_arrays_that_can_be_assigned() -> None:
    variable = st.Variable([1.0, 2.0], name="v")
    variable.assign_add([1, 1])
    variable.assign_sub(0.5)
    assert (variable * 2).tolist() == [3, 5]
    assert (str(variable.dtype), variable.name, variable.shape) == ("float32", "v", (2,))
    assert st.Variable("ones", shape=(2, 2)).value.sum() == 4
    with pytest.raises(UsageError, match=r"'v' has the shape \(2,\); received values of the shape \(3,\)"):
        variable.assign([1, 2, 3])
    with pytest.raises(UsageError, match="The value of a variable must be numbers; received 'a'"):
        st.Variable("a")
