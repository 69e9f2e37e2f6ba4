"""Metrics and intervals compared with scikit-learn, SciPy and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import beta, binomtest, norm  # type: ignore[import-untyped]
from sklearn.metrics import accuracy_score, log_loss, precision_recall_fscore_support

from striate.errors import DataError
from striate.evaluation import Evaluation, cross_entropy, evaluate, f1_interval, wilson_interval
from striate.evaluation.intervals import design_effect, macro_metrics, share_beyond

CLASSES = ("a", "b", "c", "d")


def predictions(images: int = 400, classes: int = 4, seed: int = 3) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return probabilities of a model that is mostly correct, and the true labels of classes of different sizes."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(classes, images, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    scores = rng.normal(size=(images, classes))
    scores[np.arange(images), labels] += 1.5
    odds = np.exp(scores)
    return odds / odds.sum(axis=1, keepdims=True), labels


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate(*predictions(), CLASSES)


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_equals_that_of_scipy(case: tuple[int, int]) -> None:
    successes, trials = case
    expected = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    found = wilson_interval(successes, trials)
    assert found.value == successes / trials
    assert found.low == pytest.approx(expected.low, abs=1e-12)
    assert found.high == pytest.approx(expected.high, abs=1e-12)


def test_proportion_without_trials_is_unknown() -> None:
    assert vars(wilson_interval(0, 0)) == {"value": None, "low": None, "high": None}


def test_metrics_equal_those_of_scikit_learn(evaluation: Evaluation) -> None:
    probabilities, labels = predictions()
    predicted = probabilities.argmax(axis=1)
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted)
    assert evaluation.accuracy.value == accuracy_score(labels, predicted)
    assert evaluation.loss.value == pytest.approx(log_loss(labels, probabilities))
    assert [c.support for c in evaluation.per_class] == support.tolist()
    assert [c.precision.value for c in evaluation.per_class] == pytest.approx(precision.tolist())
    assert [c.recall.value for c in evaluation.per_class] == pytest.approx(recall.tolist())
    assert [c.f1.value for c in evaluation.per_class] == pytest.approx(f1.tolist())
    macro = precision_recall_fscore_support(labels, predicted, average="macro")[:3]
    assert [evaluation.macro[name].value for name in ("precision", "recall", "f1")] == pytest.approx(list(macro))


def test_loss_interval_is_the_normal_interval_of_the_mean() -> None:
    probabilities, labels = predictions()
    losses = -np.log(probabilities[np.arange(len(labels)), labels])
    low, high = norm.interval(0.95, losses.mean(), losses.std(ddof=1) / np.sqrt(len(losses)))
    found = cross_entropy(probabilities, labels)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_probability_of_zero_gives_a_finite_loss() -> None:
    found = cross_entropy(np.array([[1.0, 0.0], [1.0, 0.0]], np.float32), np.array([1, 0]))
    assert found.value == pytest.approx(-np.log(1e-7) / 2)


@pytest.mark.parametrize("truth", [(30, 10, 5), (95, 2, 3), (8, 1, 2)])
def test_f1_interval_covers_the_truth_about_95_times_in_100(truth: tuple[int, int, int]) -> None:
    tp, fp, fn = truth
    total, rng = 3 * sum(truth), np.random.default_rng(5)
    shares = [*(count / total for count in truth), 2 / 3]
    true_f1 = 2 * tp / (2 * tp + fp + fn)
    draws = rng.multinomial(total, shares, 2000)
    intervals = [f1_interval(int(draw[0]), int(draw[1] + draw[2])) for draw in draws]
    covered = np.mean([e.low is not None and e.high is not None and e.low <= true_f1 <= e.high for e in intervals])
    assert 0.92 < covered < 0.985


def test_macro_intervals_cover_the_truth_about_95_times_in_100() -> None:
    cells = np.array([[60, 4, 1], [8, 20, 2], [3, 0, 30]]) / 128
    truth = macro_metrics(cells * 1e9)
    rng = np.random.default_rng(11)
    found = [macro_metrics(draw.reshape(3, 3)) for draw in rng.multinomial(256, cells.ravel(), 1500)]
    for name, exact in truth.items():
        hits = [(e[name].low or 0) <= (exact.value or 0) <= (e[name].high or 0) for e in found]
        assert 0.925 < np.mean(hits) < 0.975, name


RNG = np.random.default_rng(2)
RECALLS = {
    "240 classes of one image": (np.ones(240, int), np.full(240, 0.66)),
    "194 classes of one or two images": (RNG.integers(1, 3, 194), RNG.beta(2, 1, 194)),
    "two small classes": (np.full(2, 14), np.full(2, 0.95)),
    "ten classes, few errors": (np.full(10, 100), np.full(10, 0.98)),
    "six different classes": (np.full(6, 30), np.linspace(0.5, 1, 6)),
    "one rare class": (np.array([1000, 8]), np.array([0.99, 0.9])),
    "five large classes and 45 rare ones": (np.repeat([200, 2], [5, 45]), np.repeat([0.97, 0.6], [5, 45])),
    "classes of falling sizes": (np.geomspace(200, 2, 20).astype(int), np.linspace(0.98, 0.4, 20)),
}


@pytest.mark.parametrize("case", RECALLS)
def test_interval_of_the_mean_recall_covers_the_truth(case: str) -> None:
    sizes, recalls = RECALLS[case]
    rng = np.random.default_rng(7)
    hits = []
    for _ in range(500):
        correct = rng.binomial(sizes, recalls)
        counts = np.diag(correct)
        counts[np.arange(len(sizes)), np.roll(np.arange(len(sizes)), 1)] += sizes - correct
        found = macro_metrics(counts)["recall"]
        assert found.low is not None and found.high is not None
        hits.append(found.low <= recalls.mean() <= found.high)
    assert np.mean(hits) >= 0.93


def test_mean_recall_of_one_class_has_the_wilson_interval() -> None:
    found, expected = macro_metrics(np.diag([20]))["recall"], wilson_interval(20, 20)
    assert (found.low, found.high) == (expected.low, expected.high)


@pytest.mark.parametrize("correlation", [0.0, 0.2, 0.6, 1.0])
@pytest.mark.parametrize("accuracy", [0.8, 0.95])
def test_intervals_of_grouped_images_cover_the_truth(accuracy: float, correlation: float) -> None:
    rng = np.random.default_rng(3)
    hits = []
    for _ in range(500):
        sizes = np.maximum(rng.poisson(10, 30), 1)
        groups, rest = np.repeat(np.arange(30), sizes), (1 - correlation) / max(correlation, 1e-6)
        means = rng.beta(accuracy * rest, (1 - accuracy) * rest, 30) if 0 < correlation < 1 else np.full(30, accuracy)
        means = (rng.random(30) < accuracy).astype(float) if correlation == 1 else means
        correct = rng.random(len(groups)) < means[groups]
        found = wilson_interval(float(correct.sum()), len(correct), design_effect(correct, groups))
        assert found.low is not None and found.high is not None
        hits.append(found.low <= accuracy <= found.high)
    assert np.mean(hits) >= 0.93


def test_groups_widen_all_intervals_and_change_no_value() -> None:
    probabilities, labels = predictions()
    predicted = probabilities.argmax(axis=1)
    groups = labels * 2 + (predicted == labels)  # all images of a group are right or wrong together
    independent, grouped = (
        evaluate(probabilities, labels, CLASSES),
        evaluate(probabilities, labels, CLASSES, None, groups),
    )
    pairs = [
        (independent.accuracy, grouped.accuracy),
        *((independent.macro[name], grouped.macro[name]) for name in grouped.macro),
    ]
    pairs += [(a.recall, b.recall) for a, b in zip(independent.per_class, grouped.per_class, strict=True)]
    for single, group in pairs:
        assert single.value == group.value
        assert (group.high or 0) - (group.low or 0) > 1.5 * ((single.high or 0) - (single.low or 0))


def test_groups_of_one_image_change_nothing() -> None:
    probabilities, labels = predictions()
    alone = evaluate(probabilities, labels, CLASSES, None, np.arange(len(labels)))
    assert alone.to_dict() == evaluate(probabilities, labels, CLASSES).to_dict()


def test_macro_intervals_have_a_width_without_errors() -> None:
    perfect = macro_metrics(np.diag([10, 20, 30]))["recall"]
    assert perfect.value == perfect.high == 1
    assert perfect.low is not None and 0.85 < perfect.low < 0.97


def test_class_without_test_images_is_excluded_from_the_averages() -> None:
    probabilities = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.7, 0.3, 0.0]])
    found = evaluate(probabilities, np.array([0, 1, 0]), ("a", "b", "never"))
    absent = found.per_class[2]
    assert (absent.support, absent.recall.value, absent.precision.value, absent.f1.value) == (0, None, None, None)
    assert found.macro["recall"].value == found.macro["precision"].value == 1


def test_class_that_was_never_predicted_has_precision_zero_in_the_average() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2]])
    found = evaluate(probabilities, np.array([0, 1]), ("a", "b"))
    assert found.per_class[1].precision.value is None
    assert found.macro["precision"].value == 0.25


def test_calibration_error_equals_a_hand_computed_value() -> None:
    top = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55])  # 3 of 4 correct at 95 %, 1 of 2 at 55 %
    labels = np.array([0, 0, 0, 1, 0, 1])
    found = evaluate(np.stack([top, 1 - top], axis=1), labels, ("a", "b"))
    assert found.calibration_error == pytest.approx(4 / 6 * 0.2 + 2 / 6 * 0.05)
    assert [(b.count, b.accuracy.value) for b in found.bins] == [(2, 0.5), (4, 0.75)]


def test_one_test_image() -> None:
    found = evaluate(np.array([[0.3, 0.7]], np.float32), np.array([1]), ("a", "b"))
    assert (found.accuracy.value, found.correct, found.n_images) == (1, 1, 1)
    assert found.loss.low is None and found.errors == () and found.pairs == ()


@pytest.mark.parametrize(
    ("probabilities", "labels", "names", "message"),
    [
        (np.ones((0, 2)), [], None, "There are no test images"),
        (np.full((2, 3), 0.3), [0, 1], None, r"expected outputs of shape \(2, 2\).*received \(2, 3\)"),
        (np.full((2, 2), 0.5), [0, 2], None, "label 2, but labels of 2 classes are 0 to 1"),
        (np.full((2, 2), 0.5), [-1, 0], None, "label -1"),
        (np.array([[0.5, 0.5], [np.nan, 1]]), [0, 1], None, "between 0 and 1"),
        (np.array([[0.5, 0.5], [3.0, 1]]), [0, 1], None, "ends in a softmax"),
        (np.full((2, 2), 0.5), [0, 1], ["one.png"], "one file name for each of 2 images, received 1"),
    ],
)
def test_invalid_arguments_are_errors(
    probabilities: NDArray[np.float64], labels: list[int], names: list[str] | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        evaluate(probabilities, np.array(labels, dtype=np.int64), ("a", "b"), names)


def test_intervals_of_cross_validation_are_wider() -> None:
    """The errors of its models vary together."""
    probabilities, labels = predictions()
    tested, folds = evaluate(probabilities, labels, CLASSES), evaluate(probabilities, labels, CLASSES, folds=5)
    for one, other in ((tested.accuracy, folds.accuracy), (tested.macro["f1"], folds.macro["f1"])):
        assert one.value == other.value
        width = ((other.high or 0) - (other.low or 0)) / ((one.high or 0) - (one.low or 0))
        assert width == pytest.approx(np.sqrt(1.75), abs=0.02)


@given(st.integers(4, 5000), st.floats(0.005, 0.3))
def test_share_beyond_a_threshold_is_beta_distributed(images: int, rate: float) -> None:
    expected = beta.ppf((0.025, 0.975), rate * (images + 1), (1 - rate) * (images + 1))
    assert share_beyond(rate, images) == pytest.approx(tuple(expected), rel=0.01, abs=1e-4)
