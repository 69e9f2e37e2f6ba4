"""A run folder: everything one training was told, found and left, in one place."""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from striate.errors import RunError
from striate.files import atomic_write
from striate.processes import current_process
from striate.training.checkpoint import CheckpointFolder
from striate.training.recipe import Recipe

ROOT = Path("runs")
"""Where runs go that were given no folder."""


class Run:
    """One run folder. Make a new one with `Run.create`, take up an old one with `Run.open`.

    config: what was asked for, as plain values; "recipe" holds the recipe, "fingerprint" that of the data.
    """

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        self.path = path
        self.config = config
        self.checkpoints = CheckpointFolder(path / "checkpoints")

    @classmethod
    def create(
        cls,
        recipe: Recipe,
        fingerprint: str,
        out: str | os.PathLike[str] | None = None,
        name: str = "run",
        **config: Any,
    ) -> "Run":
        """A new run folder: `out`, or the first of runs/NAME, runs/NAME-2, … that is free.

        config: further plain values to keep, such as the names of model and data.
        Raises RunError when `out` already holds a run: no run is ever written over.
        """
        path = _free_folder(name) if out is None else Path(out)
        if (path / "config.json").exists():
            raise RunError(
                f"{path} already holds a run. Continue it with --resume {path}, or give another folder with --out."
            )
        run = cls(path, dict(config) | {"recipe": recipe.to_dict(), "fingerprint": fingerprint})
        run.write_config()
        return run

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "Run":
        """The run in this folder. Raises RunError when there is none."""
        path = Path(path)
        file = path / "config.json"
        if not file.is_file():
            raise RunError(f"{path} is not a run folder: it has no config.json.")
        try:
            config = json.loads(file.read_text(encoding="utf-8"))
            Recipe.from_dict(config["recipe"])
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(f"{file} is damaged, so the run cannot be continued.") from error
        return cls(path, config)

    @property
    def recipe(self) -> Recipe:
        """How the run trains."""
        return Recipe.from_dict(self.config["recipe"])

    @property
    def written_here(self) -> bool:
        """Whether this process may write into the folder: of several that train together, the first alone."""
        return current_process().rank == 0

    @property
    def model_path(self) -> Path:
        """Where the trained model is, or will be."""
        return self.path / "model.safetensors"

    def extend(self, epochs: int) -> None:
        """Let the run go on to so many epochs in all. Raises RunError for fewer than it has."""
        planned = self.recipe.epochs
        if epochs < planned:
            raise RunError(
                f"{self.path} is planned for {planned} epochs; it can be extended to more, not cut to {epochs}."
            )
        self.config["recipe"]["epochs"] = epochs
        self.write_config()

    def require_data(self, fingerprint: str) -> None:
        """Raise RunError unless the data are those the run began with."""
        if fingerprint == self.config["fingerprint"]:
            return
        raise RunError(
            f"{self.path} began on other data (fingerprint {self.config['fingerprint']}, now {fingerprint}). "
            "Going on could train on images that its test set holds, and the accuracy would leap for a false reason. "
            "Bring the data back as they were, or start a new run."
        )

    def write_history(self, history: Mapping[str, Sequence[float]]) -> None:
        """Write history.csv: one row for each epoch, counted from 1."""
        if not self.written_here:
            return
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["epoch", *history])
        writer.writerows([epoch, *row] for epoch, row in enumerate(zip(*history.values(), strict=True), start=1))
        atomic_write(self.path / "history.csv", text.getvalue())

    def read_history(self) -> dict[str, list[float]]:
        """The columns of history.csv by name; empty before the first epoch has ended."""
        file = self.path / "history.csv"
        if not file.exists():
            return {}
        with file.open(encoding="utf-8", newline="") as lines:
            head, *rows = list(csv.reader(lines))
        columns = {name: [float(row[index]) for row in rows] for index, name in enumerate(head)}
        columns.pop("epoch")
        return columns

    def write_config(self) -> None:
        """Write config.json. Raises RunError when it cannot be written."""
        if self.written_here:
            atomic_write(self.path / "config.json", json.dumps(self.config, indent=2, ensure_ascii=False) + "\n")


def _free_folder(name: str) -> Path:
    number = 1
    while True:
        path = ROOT / (name if number == 1 else f"{name}-{number}")
        if not path.exists():
            return path
        number += 1
