"""Training: recipes, schedules, callbacks, the loop, run folders and checkpoints."""

from striate.training.inference import evaluate_in_batches, predict_in_batches
from striate.training.loop import fit
from striate.training.recipe import Recipe
from striate.training.run import Run, RunRecord
from striate.training.samples import Samples, check_inputs, check_samples
from striate.training.schedules import ConstantSchedule, Cosine, OneCycle, Schedule, StepDecay, get_schedule

__all__ = [
    "ConstantSchedule",
    "Cosine",
    "OneCycle",
    "Recipe",
    "Run",
    "RunRecord",
    "Samples",
    "Schedule",
    "StepDecay",
    "check_inputs",
    "check_samples",
    "evaluate_in_batches",
    "fit",
    "get_schedule",
    "predict_in_batches",
]
