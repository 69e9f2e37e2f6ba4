"""Rates of images that `Model.fit_unknown` and ensembles of networks trained from scratch report as unknown.

python benchmarks/unknown_ensemble.py FOLDER [--model mnist-cnn] [--seeds 3] [--members 3] [--epochs 20]

The folder is split 70/10/20 by each seed. A small network is trained with `Model.fit` on images of 32 × 32 pixels and
then gets its detector from the validation images, and so does an ensemble in a run folder. Unknown images are those of
$STRIATE_DATA/other, and noise and patterns.
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from machine import description
from unknown import synthetic

import striate as st
from striate._types import Array
from striate.data import Dataset, load_folder
from striate.data.split import digests_of, divide_pooled, pool
from striate.engines.choose import EngineSettings
from striate.images import ImagePolicy, find_images
from striate.workflows.cross_validate import assign_folds
from striate.workflows.plan import make_plan
from striate.workflows.prepare import prepare
from striate.workflows.run_folder import start
from striate.workflows.train import train
from striate.workflows.trained_model import open_trained_model

SHAPE = (32, 32, 3)


def split(data: Dataset, seed: int) -> Dataset:
    """Return the images divided again: a fifth for testing."""
    everything = pool(data)
    images = everything.train
    keyed = np.random.default_rng(seed).integers(0, 2**63, len(images)).astype(np.uint64)
    fold = assign_folds(replace(everything, train=replace(images, digests=digests_of(images) ^ keyed)), 5)
    return divide_pooled(everything, fold == 0)[0]


def fitted_in_python(name: str, data: Dataset, seed: int, epochs: int) -> st.Model:
    """Return a network trained with `fit`, saved and loaded again."""
    model = st.zoo.build(name, input_shape=SHAPE, classes=len(data.classes))
    model.seed = seed
    model.compile("adam", "sparse_categorical_crossentropy", learning_rate=0.001)
    held_out = (data.validation.x[:], data.validation.y)
    model.fit(data.train.x[:], data.train.y, epochs=epochs, validation_data=held_out, verbose=0)
    model.fit_unknown(data.train.x[:], data.train.y, validation_data=held_out)
    with TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.safetensors")
        return st.load(Path(folder) / "model.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--model", default="mnist-cnn")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    args = parser.parse_args()
    print(description(), st.__version__)
    policy = ImagePolicy(*SHAPE)
    photographs = np.stack([policy.read(file) for file in find_images([Path(os.environ["STRIATE_DATA"]) / "other"])])
    noise = np.stack([policy.apply(image) for image in synthetic()])
    shares: dict[str, list[list[float]]] = {}
    for seed in range(args.seeds):
        data = split(load_folder(args.folder, policy), seed)
        images: list[Array] = [data.test.x[:], photographs, noise]
        model = fitted_in_python(args.model, data, seed, args.epochs)
        accuracy = float((model.predict(images[0]).argmax(axis=1) == data.test.y).mean())
        shares.setdefault("Model.fit", []).append([accuracy, *(float(model.is_unknown(x).mean()) for x in images)])
        plan = make_plan(
            args.folder, args.model, sets={"input_shape": str(list(SHAPE))}, ensemble=args.members, seed=seed,
            epochs=args.epochs, engine=EngineSettings("numpy"),
        )  # fmt: skip
        prepared = prepare(plan, data=data)
        with TemporaryDirectory() as folder:
            train(prepared, start(prepared, Path(folder) / "run"), verbose=0, echo=lambda line: None)
            trained = open_trained_model(Path(folder) / "run")
            outputs = [trained.predict_open_set(x) for x in images]
        accuracy = float((outputs[0][0].argmax(axis=1) == data.test.y).mean())
        shares.setdefault(f"ensemble of {args.members}", []).append([accuracy, *(float(u.mean()) for _, u in outputs)])
    for name, rows in shares.items():
        mean, low, high = (100 * f(rows, axis=0) for f in (np.mean, np.min, np.max))
        cells = [f"{m:.1f} % ({a:.1f} … {b:.1f})" for m, a, b in zip(mean, low, high, strict=True)]
        print(f"| {Path(args.folder).name} | {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
