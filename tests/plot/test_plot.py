"""Plots show the right values with the right labels, in the axes they are given, and leave Matplotlib as it was."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes

import striate as st
from striate.data import Augmentation, get_augmentation
from striate.errors import DataError, NetworkError, StriateError, UsageError
from striate.evaluation import evaluate
from striate.plot import canvas
from striate.training import Recipe

KOREAN = ("고양이", "강아지", "토끼")
P = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4], [0.6, 0.2, 0.2]], np.float32)
Y = np.array([0, 0, 2, 1])
MODEL = st.zoo.build("lenet5")


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def small_images(count: int = 4, channels: int = 3) -> Any:
    return np.random.default_rng(0).integers(0, 256, (count, 6, 9, channels), np.uint8)


def test_curves_of_training_and_validation() -> None:
    history = {
        "loss": [3.0, 2.0, 1.0],
        "accuracy": [0.1, 0.5, 0.9],
        "val_loss": [3.0, 2.5, 2.0],
        "learning_rate": [1.0],
    }
    loss, accuracy = st.plot.curves(history)
    assert (loss.get_title(), accuracy.get_title()) == ("loss", "accuracy")
    training, validation = loss.lines
    assert (training.get_label(), validation.get_label()) == ("training", "validation")
    np.testing.assert_array_equal(training.get_xydata(), [[1, 3], [2, 2], [3, 1]])
    np.testing.assert_array_equal(validation.get_ydata(), [3, 2.5, 2])
    assert len(accuracy.lines) == 1
    assert loss.get_legend() is not None
    assert accuracy.get_legend() is None


def test_curves_of_what_fit_returns() -> None:
    history = st.callbacks.History()
    history.on_epoch_end(0, {"loss": 1.0})
    (ax,) = st.plot.curves(history)
    assert ax.lines[0].get_ydata().tolist() == [1.0]


def test_curves_compare_trainings() -> None:
    adam, sgd = {"loss": [1.0, 0.5], "val_loss": [1.0, 0.7]}, {"loss": [1.0, 0.9, 0.8]}
    history = st.callbacks.History()
    history.on_epoch_end(0, {"loss": 3.0})
    (ax,) = st.plot.curves({"Adam": adam, "SGD": sgd, "fit": history})
    assert [line.get_label() for line in ax.lines] == ["Adam", "Adam, validation", "SGD", "fit"]
    assert [list(line.get_ydata()) for line in ax.lines] == [[1.0, 0.5], [1.0, 0.7], [1.0, 0.9, 0.8], [3.0]]
    assert [line.get_linestyle() for line in ax.lines] == ["-", "--", "-", "-"]
    assert ax.lines[0].get_color() == ax.lines[1].get_color() != ax.lines[2].get_color()
    (again,) = st.plot.curves(adam, sgd)
    assert [line.get_label() for line in again.lines] == ["training 1", "training 1, validation", "training 2"]


def test_layers_may_be_left_out_or_numbered() -> None:
    image = st.data.load("mnist5k").test.x[0]
    first, second = st.plot.feature_maps(MODEL, image), st.plot.feature_maps(MODEL, image, "C1")
    assert len(first.images) == len(second.images) == 6
    assert len(st.plot.filters(MODEL, 3).images) == len(st.plot.filters(MODEL).images) == 6
    np.testing.assert_array_equal(st.explain.filters(MODEL).kernel, st.explain.filters(MODEL, "C1").kernel)


def test_confusion_matrix_has_true_classes_as_rows() -> None:
    for ax in (
        st.plot.confusion_matrix(Y, P, classes=KOREAN),
        st.plot.confusion_matrix(evaluate(P, Y, KOREAN)),
        st.plot.confusion_matrix(np.eye(3)[Y], P.argmax(axis=1), classes=KOREAN),
    ):
        cells = {(int(text.get_position()[1]), int(text.get_position()[0])): text.get_text() for text in ax.texts}
        assert cells == {(0, 0): "1", (0, 1): "1", (1, 0): "1", (2, 2): "1"}
        assert [label.get_text() for label in ax.get_yticklabels()] == list(KOREAN)
        assert (ax.get_ylabel(), ax.get_xlabel()) == ("true class", "predicted class")


def test_confusion_matrix_of_many_classes_has_no_numbers_and_few_names() -> None:
    y = np.arange(200)
    ax = st.plot.confusion_matrix(y, y)
    assert not ax.texts
    assert 20 <= len(ax.get_xticks()) <= 40


def test_calibration_shows_each_group_of_images() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 500)
    y = np.array([rng.choice(3, p=row) for row in p])
    found = evaluate(p, y, KOREAN)
    ax = st.plot.calibration(y, p)
    dots = np.asarray(ax.collections[0].get_offsets())
    np.testing.assert_allclose(dots, [(b.confidence, b.accuracy.value or 0) for b in found.bins])
    assert np.abs(dots[:, 0] - dots[:, 1]).mean() < 0.1  # the labels were drawn with these probabilities
    np.testing.assert_array_equal(np.asarray(st.plot.calibration(found).collections[0].get_offsets()), dots)


def test_images_with_labels_and_predictions() -> None:
    ax = st.plot.images(small_images(), Y, P, classes=KOREAN)
    assert texts(ax) == ["고양이\n90 %", "고양이 → 강아지\n70 %", "토끼\n40 %", "강아지 → 고양이\n60 %"]
    assert [text.get_color() == canvas.WRONG for text in ax.texts] == [False, True, False, True]
    for image, drawn in zip(small_images(), ax.images, strict=True):
        np.testing.assert_array_equal(drawn.get_array(), image)
    assert texts(st.plot.images(small_images(), predictions=[1, 1, 2, 0])) == ["1", "1", "2", "0"]
    assert texts(st.plot.images(small_images(), ["a", "b", "a", "b"])) == ["a", "b", "a", "b"]


@pytest.mark.parametrize("shape", [(6, 9), (6, 9, 1), (6, 9, 3), (2, 6, 9), (2, 6, 9, 1), (2, 6, 9, 3), (2, 6, 9, 5)])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_images_of_any_shape(shape: tuple[int, ...], dtype: str) -> None:
    ax = st.plot.images(np.random.default_rng(0).integers(0, 200, shape).astype(dtype))
    assert len(ax.images) == (1 if shape[0] == 6 else 2)
    ax.figure.canvas.draw()


def test_images_of_a_part_of_a_data_set_are_of_all_classes() -> None:
    digits = st.data.load("mnist5k")
    shown = texts(st.plot.images(digits.test))
    assert len(shown) == 40
    assert set(shown) == set("0123456789")
    wrong = texts(st.plot.images(digits.test, predictions=(digits.test.y + 1) % 10))
    assert all(
        int(true) + 1 == int(guess) for true, guess in (text.split(" → ") for text in wrong if "9 →" not in text)
    )


def test_augmentation_shows_what_training_sees() -> None:
    x = np.repeat(small_images(1, 1), 12, axis=0)
    settings = Augmentation(rotation=30)
    ax = st.plot.augmentation(x, settings, rows=2, columns=3, seed=5)
    drawn = [np.asarray(image.get_array()) for image in ax.images]
    index = np.array([0, 11])
    for column in range(3):
        for row, image in enumerate(settings.apply(x[index], index, 5, column)):
            np.testing.assert_array_equal(drawn[4 * row + 1 + column], image[:, :, 0])
    assert texts(ax) == ["original", "epoch 1", "epoch 2", "epoch 3"]
    model = st.zoo.build("lenet5")
    model.recipe = Recipe(augmentation=settings)
    again = st.plot.augmentation(x, model, rows=2, columns=3, seed=5)
    np.testing.assert_array_equal(again.images[3].get_array(), drawn[3])
    model.recipe = Recipe()
    with pytest.raises(UsageError, match="settings must be an Augmentation, its name, or a model or recipe with one"):
        st.plot.augmentation(x, model)


def test_augmentation_by_name_knows_photographs() -> None:
    photographs = st.plot.augmentation(small_images(), "strong", rows=1, columns=1)
    expected = (
        get_augmentation("strong", photographs=True).sample(np.array([0]), 0, 0, (6, 9, 3)).apply(small_images()[:1])
    )
    np.testing.assert_array_equal(photographs.images[1].get_array(), expected[0])


def test_filters_are_drawn_with_zero_in_the_middle() -> None:
    model = st.zoo.build("lenet5")
    kernel = model.named_weights["C1/kernel"]
    ax = st.plot.filters(model)
    assert len(ax.images) == 6
    drawn = np.stack([np.asarray(image.get_array()) for image in ax.images], axis=-1)
    np.testing.assert_allclose((drawn - 0.5) * 2 * np.abs(kernel).max(), kernel[:, :, 0], atol=1e-6)
    assert ax.images[0].get_clim() == (0, 1)
    grid = st.plot.filters(model, model.network.layer("C3"))
    assert len(grid.images) == 6 * 16
    np.testing.assert_allclose(
        (np.asarray(grid.images[17].get_array()) - 0.5) * 2 * np.abs(model.named_weights["C3/kernel"]).max(),
        model.named_weights["C3/kernel"][:, :, 1, 1], atol=1e-6,
    )  # fmt: skip


def test_feature_maps_are_those_of_the_image_on_one_scale() -> None:
    digits, model = st.data.load("mnist5k"), st.zoo.build("lenet5")
    maps = st.explain.feature_maps(model, digits.test.x[0], "C3")
    ax = st.plot.feature_maps(model, digits.test.x[0], "C3")
    drawn = np.stack([np.asarray(image.get_array()) for image in ax.images], axis=-1)
    np.testing.assert_array_equal(drawn, maps)
    assert {image.get_clim() for image in ax.images} == {(maps.min(), maps.max())}


def test_values_of_a_vector_are_bars_with_the_names_of_the_classes() -> None:
    digits, model = st.data.load("mnist5k"), st.zoo.build("lenet5")
    model.classes = tuple("영일이삼사오육칠팔구")
    ax = st.plot.feature_maps(model, digits.test.x[0], "output")
    heights = [bar.get_height() for bar in ax.patches]  # type: ignore[attr-defined]
    np.testing.assert_allclose(heights, model.predict(digits.test.x[:1])[0], rtol=1e-5)
    assert [label.get_text() for label in ax.get_xticklabels()] == list(model.classes)
    assert len(st.plot.feature_maps(model, digits.test.x[0], "F6").patches) == 84


def test_attribution_has_zero_in_the_middle_of_its_colors() -> None:
    digits, model = st.data.load("mnist5k"), st.zoo.build("lenet5")
    found = st.explain.occlusion(model, digits.test.x[0])
    ax = st.plot.attribution(found, digits.test.x[0])
    image, colors = ax.images
    np.testing.assert_array_equal(colors.get_array(), found.values)
    low, high = colors.get_clim()
    assert -low == high == np.abs(found.values).max()
    for values in (colors.get_alpha(), image.get_array()):
        assert np.asarray(values).shape == (28, 28)
    with pytest.raises(DataError, match="an image of 28×28; received an array of shape"):
        st.plot.attribution(found, digits.test.x[0][:20])
    assert repr(found).startswith("<Attribution by occlusion: 28×28, class ")


def test_plots_are_drawn_into_given_axes() -> None:
    _, axes = plt.subplots(2, 3)
    digits = st.data.load("mnist5k")
    model = st.zoo.build("lenet5")
    assert st.plot.images(digits.test.x[:3], ax=axes[0, 0]) is axes[0, 0]
    assert st.plot.confusion_matrix(Y, P, ax=axes[0, 1]) is axes[0, 1]
    assert st.plot.calibration(Y, P, ax=axes[0, 2]) is axes[0, 2]
    assert st.plot.filters(model, ax=axes[1, 0]) is axes[1, 0]
    assert list(st.plot.curves({"loss": [1.0], "accuracy": [1.0]}, axes=axes[1, 1:])) == list(axes[1, 1:])
    assert len(plt.get_fignums()) == 1
    axes[0, 0].figure.canvas.draw()


def test_korean_letters_are_drawn_and_settings_of_matplotlib_stay() -> None:
    before = dict(mpl.rcParams)
    ax = st.plot.images(small_images(), Y, P, classes=KOREAN)
    assert dict(mpl.rcParams) == before
    families = ax.texts[0].get_fontfamily()
    installed = set(mpl.font_manager.fontManager.get_font_names())
    usable = [name for name in canvas.KOREAN_FONTS if name in installed]
    assert families[-1:] == (usable[:1] or families[-1:])
    if usable:  # a letter without a glyph would be a warning, which is an error here
        ax.figure.canvas.draw()
        st.plot.confusion_matrix(Y, P, classes=KOREAN).figure.canvas.draw()


def test_first_plot_may_change_other_settings_of_matplotlib() -> None:
    with mpl.rc_context():
        with canvas.fonts():
            plt.ion()  # as the first plot of a notebook does
        assert plt.isinteractive()


def test_long_names_are_cut_where_they_would_cover_the_next_image() -> None:
    ax = st.plot.images(small_images(2), ["a very long name of a class", "가나다라마바사아자차"])
    assert texts(ax) == ["a very long nam…", "가나다라마바사…"]


def test_names_cannot_forge_a_plot() -> None:
    ax = st.plot.images(small_images(1), ["a\u202eb"])
    assert texts(ax) == ["a\\u202eb"]


def test_matplotlib_is_loaded_when_a_plot_is_drawn_and_its_absence_explained() -> None:
    code = (
        "import sys, striate as st\nst.plot.curves\nassert 'matplotlib' not in sys.modules\n"
        "sys.modules['matplotlib'] = None\n"
        "try:\n    st.plot.curves({'loss': [1.0]})\nexcept st.errors.UsageError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert 'pip install "striate[notebook]"' in done.stdout


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: st.plot.curves({}), UsageError, "the history has no epochs"),
        (lambda: st.plot.curves(3), UsageError, "history must be what fit returned, a Run, or a dictionary of them"),
        (lambda: st.plot.curves({"a": 3}), UsageError, "history must be what fit returned"),
        (lambda: st.plot.attribution(small_images(1)[0], MODEL), UsageError, "the first argument, must be what st.exp"),
        (lambda: st.plot.feature_maps(small_images(1)[0], MODEL), UsageError, "model must be a Model or a path; rec"),
        (lambda: st.plot.feature_maps(MODEL, np.zeros((4, 28, 28, 1))), DataError, "Pass one of the images"),
        (lambda: st.plot.filters(MODEL.network.nodes[2].layer), UsageError, "model must be a Model or a path; rec"),  # type: ignore[arg-type]
        (lambda: st.plot.filters(MODEL, 0), UsageError, "Input 'input' has no filters: .*, such as 'C1'"),
        (st.plot.images, UsageError, "images needs the argument .x."),
        (lambda: st.explain.grad_cam(MODEL, np.zeros((28, 28)), "9"), UsageError, "no class names, so '9' is unknown"),
        (lambda: st.plot.curves({"loss": [1.0]}, axes=[]), UsageError, "There are 1 values to plot, and axes has 0"),
        (lambda: st.plot.confusion_matrix(Y), UsageError, "predictions are missing"),
        (lambda: st.plot.confusion_matrix(Y, Y[:2]), DataError, "received 4 labels and 2"),
        (lambda: st.plot.confusion_matrix(Y, [0.5, 1, 1, 1]), DataError, "predictions must be class numbers"),
        (lambda: st.plot.confusion_matrix(Y, P, classes=["a"]), DataError, "There are 1 names of classes"),
        (lambda: st.plot.calibration(Y, Y), UsageError, "probabilities must be rows"),
        (lambda: st.plot.calibration(Y, 3 * P), DataError, "not probabilities"),
        (lambda: st.plot.images([]), DataError, "Images must have shape"),
        (lambda: st.plot.images([np.zeros((2, 2)), np.zeros((3, 3))]), DataError, "The images differ in shape"),
        (lambda: st.plot.images(small_images(), [0, 1]), DataError, "There are 4 images but 2 labels"),
        (lambda: st.plot.images(small_images(), Y, classes=["a"]), DataError, "labels go up to 2, but there are 1"),
        (lambda: st.plot.images(small_images(), Y, ax="left"), UsageError, "ax must be the Axes of a"),
        (lambda: st.plot.augmentation(small_images(), "stong"), UsageError, "Did you mean 'strong'"),
        (lambda: st.plot.filters(MODEL, "C2"), NetworkError, "no layer 'C2'. Did you mean"),
        (lambda: st.plot.filters(st.zoo.build("mlp")), UsageError, "has no convolution"),
    ],
)  # fmt: skip
def test_mistakes_are_explained(call: Any, error: type[StriateError], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
    assert plt.get_fignums() == []
