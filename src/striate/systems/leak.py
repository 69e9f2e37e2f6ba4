"""A leak: a split that is redrawn at each start of a program, and an accuracy that rises for the wrong reason."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from striate._types import Array, Echo
from striate.data import from_arrays, load
from striate.errors import RunError
from striate.evaluation.charts import line_chart
from striate.evaluation.demonstration_page import DemonstrationPage, Figure, render_demonstration
from striate.evaluation.sections import t
from striate.language import Language, localized, translate, use_language
from striate.models import Model
from striate.systems.system import DemoResult
from striate.text import table
from striate.training import Recipe
from striate.training.run import Run, RunRecord

IMAGES, UNTOUCHED = 1_000, 3_000  # the images that the program splits, and those that are never used
TEST_PART, RUNS, EPOCHS, BATCH_SIZE = 0.2, 5, 6, 50
LINES = (("line-1", "leak_redrawn"), ("line-2", "leak_untouched"), ("line-3", "leak_striate"))


@dataclass(frozen=True)
class Start:
    """What was measured at one start of the programs; all values are shares.

    Attributes:
        seen: Test images, of the redrawn test part, that the network was trained on at an earlier start.
        before: Accuracy on the redrawn test part before training.
        redrawn: The same after training.
        untouched: Accuracy of the same network on images that were never used.
        striate_seen: Images of Striate's test part that its network was ever trained on.
        striate: Accuracy on Striate's test part, of a network of the same initial weights.
    """

    seen: float
    before: float
    redrawn: float
    untouched: float
    striate_seen: float
    striate: float


def leak(echo: Echo, seed: int = 0) -> DemoResult:
    """Train with a split that is redrawn at each start, and with Striate's; print and draw both accuracies.

    Args:
        echo: Prints a line.
        seed: Seed of weights and splits.

    Returns:
        The result, with a page.
    """
    x, y, untouched = _images(seed)
    text = "{n:,} digits, split again at each of {starts} starts; {epochs} epochs each; {m:,} digits are never used"
    echo(translate(text, n=IMAGES, starts=RUNS, epochs=EPOCHS, m=UNTOUCHED))
    starts = measure(x, y, untouched, seed)
    for line in table([_heads(), *(_cells(number, start) for number, start in enumerate(starts, 1))], range(1, 7)):
        echo(line)
    refusal = refusal_message(x, y, seed)
    echo(translate("Resuming a run of Striate with another split raises an error: {error}", error=localized(refusal)))
    first, last = starts[0], starts[-1]
    jump = f"{100 * first.redrawn:.1f} → {100 * last.redrawn:.1f} %"
    honest = f"{100 * first.untouched:.1f} → {100 * last.untouched:.1f} %"
    measured = f"redrawn test split {jump}, unused images {honest}"
    gap = last.redrawn - last.untouched
    passed = gap > 0.05 and not any(start.striate_seen for start in starts) and bool(refusal)
    return DemoResult(measured, passed, render_demonstration("leak", _page(starts, refusal)))


def _images(seed: int) -> tuple[Array, Array, tuple[Array, Array]]:
    """Return images and labels to split, and those that stay apart."""
    digits = load("mnist5k")
    parts = digits.train, digits.validation, digits.test
    x, y = (np.concatenate([np.asarray(getattr(part, name)) for part in parts]) for name in ("x", "y"))
    order = np.random.default_rng([seed, 1]).permutation(len(x))
    used, apart = order[:IMAGES], order[IMAGES : IMAGES + UNTOUCHED]
    return x[used], y[used], (x[apart], y[apart])


def measure(x: Array, y: Array, untouched: tuple[Array, Array], seed: int) -> list[Start]:
    """Train both networks; return what was measured at each start.

    Args:
        x: Images (N, 28, 28, 1).
        y: Labels (N,).
        untouched: Images and labels that are never used.
        seed: Seed of weights and splits.

    Returns:
        One entry for each start.
    """
    model, striate_model = _network(seed), _network(seed)
    trained_on, striate_trained_on = np.zeros(len(x), bool), set[bytes]()
    starts = []
    for number in range(RUNS):
        order = np.random.default_rng([seed, 2, number]).permutation(len(x))  # the mistake
        test, train = np.split(order, [round(TEST_PART * len(x))])
        seen, before = float(trained_on[test].mean()), _accuracy(model, x[test], y[test])
        _train(model, x[train], y[train])
        trained_on[train] = True
        # Loaded in another order each time, the same images are in the same part.
        data = from_arrays(x[order], y[order], seed=seed, validation_split=0, test_split=TEST_PART)
        _train(striate_model, data.train.x, data.train.y)
        striate_trained_on |= set(map(bytes, np.asarray(data.train.x)))
        striate_seen = np.mean([bytes(image) in striate_trained_on for image in np.asarray(data.test.x)])
        starts.append(
            Start(
                seen, before, _accuracy(model, x[test], y[test]), _accuracy(model, *untouched),
                float(striate_seen), _accuracy(striate_model, data.test.x, data.test.y),
            )
        )  # fmt: skip
    return starts


def refusal_message(x: Array, y: Array, seed: int) -> str:
    """Return the message with which a run refuses to continue on another split; empty if it does not.

    Args:
        x: Images (N, 28, 28, 1).
        y: Labels (N,).
        seed: Seed of the split.

    Returns:
        The message.
    """
    data, other = (from_arrays(x, y, seed=each) for each in (seed, seed + 1))
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(RunRecord(Recipe(), data.fingerprint), Path(folder) / "run")
        try:
            run.require_data(other.fingerprint)
        except RunError as error:
            return str(error).replace(str(run.path), "run")
    return ""


def _network(seed: int) -> Model:
    from striate.zoo import build

    model = build("mlp", seed=seed, hidden=(100,), dropout=0.0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _train(model: Model, x: Array, y: Array) -> None:
    model.fit(x, y, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0)


def _accuracy(model: Model, x: Array, y: Array) -> float:
    return float((model.predict(x).argmax(axis=1) == y).mean())


def _heads() -> tuple[str, ...]:
    names = ("start", "trained on before", "before training", "redrawn", "never used", "Striate", "trained on")
    return tuple(map(translate, names))


def _cells(number: int, start: Start) -> tuple[str, ...]:
    shares = (start.seen, start.before, start.redrawn, start.untouched, start.striate, start.striate_seen)
    return str(number), *(f"{100 * share:.1f} %" for share in shares)


def _page(starts: Sequence[Start], refusal: str) -> DemonstrationPage:
    first, last = starts[0], starts[-1]
    values = {"leak_redrawn": "redrawn", "leak_untouched": "untouched", "leak_striate": "striate"}
    lines = [
        (style, [(float(number), float(getattr(start, values[key]))) for number, start in enumerate(starts, 1)])
        for style, key in LINES
    ]
    heads = ("leak_start", "leak_seen", "leak_before", "leak_redrawn", "leak_untouched", "leak_striate")
    return DemonstrationPage(
        title="leak",
        headline=t("leak_headline", before=f"{100 * first.redrawn:.1f}%", after=f"{100 * last.redrawn:.1f}%"),
        texts=[
            t("leak_what", images=f"{IMAGES:,}", untouched=f"{UNTOUCHED:,}"), t("leak_cannot"),
            t("leak_refusal") + Markup(" ") + _in_both_languages(refusal),
            t("leak_remedy"),
        ],
        figures=[
            Figure(
                "leak_chart", line_chart("leak_chart", lines, "leak_start", percent=True), False,
                [(style, t(key)) for style, key in LINES], [*map(t, heads), t("leak_striate_seen")],
                [_cells(number, start) for number, start in enumerate(starts, 1)],
            )
        ],
    )  # fmt: skip


def _in_both_languages(message: str) -> Markup:
    texts = []
    for language in Language:
        with use_language(language):
            texts.append(Markup('<code lang="{}">{}</code>').format(language, localized(message)))
    return Markup("").join(texts)
