"""Compute features within a time limit: if they would be late, they are computed in a way that takes less time."""

import time
from dataclasses import replace
from math import inf

from striate._types import Echo
from striate.processes import current_process
from striate.time_limit import Clock, Remaining
from striate.transfer.features import extract_features
from striate.transfer.int8 import measure_ranges
from striate.workflows.plan import FLOAT32, TrainingPlan
from striate.workflows.plan_checks import INPUT_SHAPE
from striate.workflows.prepare import PreparedRun, prepare
from striate.workflows.run_record import TrainingRun
from striate.workflows.strategy import BASE, Method, cheaper_inputs

FEATURE_SHARE = 0.8  # share of the remaining time; the rest is for the head


class _TooSlow(Exception):  # noqa: N818 - not an error: it ends the computation, and another one begins
    def __init__(self, size: int, int8: bool) -> None:
        super().__init__()
        self.size, self.int8 = size, int8


def compute_in_time(
    prepared: PreparedRun, run: TrainingRun, echo: Echo, remaining: Remaining, clock: Clock = time.monotonic
) -> PreparedRun:
    """Compute the features of all images, and store them in the cache.

    After each batch, the time of the images so far tells when the last one will be finished. If that is too late, the
    features are computed in 8-bit integers or from smaller images instead, and the run records it.

    Args:
        prepared: The prepared run.
        run: Its folder, whose record is changed.
        echo: Prints one line.
        remaining: Returns how many seconds are left; infinity leaves everything as it is.
        clock: Returns the time in seconds.

    Returns:
        The prepared run, with what its features were computed from.
    """
    if remaining() == inf or prepared.plan.model != BASE or current_process().world_size > 1:
        return prepared
    because = f"{prepared.plan.because}; " if prepared.plan.because else ""
    while True:
        prepared = with_measured_ranges(prepared)
        assert prepared.base is not None, "prepared with a base"
        try:
            extract_features(prepared.base, prepared.data, _TimeCheck(prepared.plan, remaining, clock))
        except _TooSlow as faster:
            digits = ", in 8-bit integers" if faster.int8 else ""
            echo(f"Because of the time limit: features at {faster.size} pixels{digits}")
            settings = {**prepared.plan.settings, INPUT_SHAPE: (faster.size, faster.size, 3)}
            why = f"{because}because of the time limit, features at {faster.size} pixels{digits}"
            run.record.plan = replace(run.record.plan, settings=settings, int8=faster.int8, because=why)
            prepared = prepare(replace(prepared.plan, settings=settings, int8=faster.int8, because=why))
        else:
            return prepared


def with_measured_ranges(prepared: PreparedRun) -> PreparedRun:
    """Measure the ranges of feature maps, if the base is computed in 8-bit integers.

    Args:
        prepared: The prepared run.

    Returns:
        The run with the ranges.
    """
    base = prepared.base
    if base is None or not prepared.plan.int8 or base.ranges:
        return prepared
    return replace(prepared, base=replace(base, ranges=measure_ranges(base, prepared.data)))


class _TimeCheck:
    """Raises _TooSlow if features will be finished too late and there is a way that takes less time from now on."""

    def __init__(self, plan: TrainingPlan, remaining: Remaining, clock: Clock) -> None:
        from striate.engines.onnxruntime import products_are_exact

        size = plan.settings.get(INPUT_SHAPE, (224,))[0]
        fast_int8 = plan.method is Method.FEATURES and plan.precision != FLOAT32 and products_are_exact()
        self._cheaper = cheaper_inputs(size, plan.int8, fast_int8=fast_int8)
        self._remaining, self._clock, self._began = remaining, clock, clock()

    def __call__(self, done: int, total: int) -> None:
        each = (self._clock() - self._began) / done
        needed, allowed = each * (total - done), FEATURE_SHARE * self._remaining()
        if needed <= allowed:
            return
        faster = [(share, size, int8) for size, int8, share in self._cheaper if share * each * total < needed]
        if not faster:
            return
        fitting = [choice for choice in faster if choice[0] * each * total <= allowed]
        _, size, int8 = fitting[0] if fitting else min(faster)
        raise _TooSlow(size, int8)
