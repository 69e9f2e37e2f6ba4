"""HTML representations of training histories, recipes and runs in notebooks."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from striate import notebook
from striate.text import counted

if TYPE_CHECKING:
    from striate.training.recipe import Recipe
    from striate.training.run import Run


def history_html(history: Mapping[str, Sequence[float]]) -> str:
    """Return the curves of a training, with loss and metrics of the last epoch and of the best."""
    epochs = max(map(len, history.values()), default=0)
    head = notebook.heading("History", counted(epochs, "epoch"))
    return notebook.block(head, notebook.charts(history), _epochs(history, epochs) if epochs else "")


def _epochs(history: Mapping[str, Sequence[float]], epochs: int) -> str:
    """Return a table of loss and metrics in the last epoch and in that with the lowest validation loss."""
    names = [name for name in history if name != "learning_rate"]
    losses = [(loss, epoch) for epoch, loss in enumerate(history.get("val_loss", ()), start=1) if isfinite(loss)]
    chosen = {"last epoch": epochs} | ({"lowest val_loss": min(losses)[1]} if losses else {})
    rows = [[what, epoch, *(f"{history[name][epoch - 1]:.4f}" for name in names)] for what, epoch in chosen.items()]
    return notebook.table(["", "epoch", *names], rows, right=range(1, len(names) + 2))


def recipe_html(recipe: "Recipe") -> str:
    """Return a table of the settings in use."""
    from striate.training.recipe import describe_settings

    return notebook.block(notebook.heading("Recipe"), notebook.facts(describe_settings(recipe) | {"seed": recipe.seed}))


def run_html(run: "Run") -> str:
    """Describe a run folder, with its curves.

    Args:
        run: The run.

    Returns:
        HTML.
    """
    history = run.read_history()
    files = sorted(file.name for file in run.path.iterdir() if file.is_file() and not file.name.startswith("."))
    recipe = {"recipe": f"{run.recipe.epochs} epochs, batch_size {run.recipe.batch_size}"} if history else {}
    shown = recipe | {"files": ", ".join(files)}
    head = notebook.heading(f"Run {run.path}", f"data {run.record.fingerprint}")
    return notebook.block(head, notebook.charts(history), notebook.facts(shown))
