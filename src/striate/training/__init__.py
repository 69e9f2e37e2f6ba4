"""Training: recipes, schedules, callbacks, the loop, run folders and checkpoints."""

from striate.training.loop import fit
from striate.training.measure import measure, predict
from striate.training.recipe import Recipe
from striate.training.run import Run, RunRecord
from striate.training.samples import Samples, check_inputs, check_samples
from striate.training.schedules import Constant, Cosine, OneCycle, Schedule, Step, get_schedule

__all__ = [
    "Constant",
    "Cosine",
    "OneCycle",
    "Recipe",
    "Run",
    "RunRecord",
    "Samples",
    "Schedule",
    "Step",
    "check_inputs",
    "check_samples",
    "fit",
    "get_schedule",
    "measure",
    "predict",
]
