"""Fixtures: reports of various sizes and contents."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from striate.evaluation import evaluate
from striate.evaluation.charts import thumbnail
from striate.evaluation.label_cards import LabelCard
from striate.evaluation.report import ReportData
from striate.network import Conv2D, Dense, Flatten, Input, MaxPool2D, Network

MakeReport = Callable[..., ReportData]

NASTY = ("<script>alert(1)</script>", "고양이 & 개", "قطة", "🦊\"'", "${x}{{ y }}</script>")


def make_report(
    classes: tuple[str, ...] = NASTY,
    images: int = 200,
    wrong: float = 0.2,
    size: tuple[int, int, int] = (9, 7, 1),
    **settings: Any,
) -> ReportData:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, len(classes), images)
    answers = np.where(rng.random(images) < wrong, (labels + 1) % len(classes), labels)
    probabilities = np.full((images, len(classes)), 0.1 / (len(classes) - 1), np.float32)
    probabilities[np.arange(images), answers] = 0.9
    names = [f"사진/<b>{n}</b> & 'x'.png" for n in range(images)]
    pixels = rng.integers(0, 256, (images, *size), dtype=np.uint8)
    evaluation = evaluate(probabilities, labels, classes, names)
    return ReportData(model="net <1>", data="my & data", evaluation=evaluation, images=pixels, **settings)


@pytest.fixture
def full_report() -> ReportData:
    """A report with every section."""
    network = Network.sequential(
        [Input((9, 7, 1)), Conv2D(4, 3, name="C1", padding=((1, 0), (2, 1))), MaxPool2D(2), Flatten(), Dense(5)]
    )
    down = [0.9, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02]
    up = [0.8, 0.6, 0.5, 0.6, 0.8, 1.0, 1.2]
    kernel = np.random.default_rng(1).normal(size=(3, 3, 1, 4)).astype(np.float32)
    return make_report(
        history={"loss": down, "val_loss": up, "accuracy": [1 - v for v in down], "val_accuracy": [0.7] * 7},
        splits={"train": 800, "validation": 100, "test": 200},
        notes=("<i>3 files</i> were left out.",),
        recipe={"optimizer": "adam", "learning_rate": 0.001},
        versions={"numpy": "2.4"},
        seed=7,
        hardware="2 cores",
        seconds=83.4,
        started="2026-03-02 14:05",
        filters_before=np.zeros((3, 3, 1, 4), np.float32),
        filters_after=kernel,
        table=network.table(),
        unknown_threshold=0.42,
        suspicious=[LabelCard(thumbnail(np.zeros((9, 7, 1), np.uint8)), NASTY[0], NASTY[4], NASTY[2], "1.2% → 97.1%")],
    )
