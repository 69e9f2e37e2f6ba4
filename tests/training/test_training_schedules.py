import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.errors import UsageError
from striate.training.recipe import Recipe
from striate.training.schedules import (
    SCHEDULES,
    ConstantSchedule,
    Cosine,
    OneCycle,
    Schedule,
    StepDecay,
    get_schedule,
)


def factors(schedule: Schedule, steps: int, epochs: int = 1) -> list[float]:
    return [schedule(step, steps, epochs) for step in range(steps)]


def test_constant() -> None:
    assert set(factors(ConstantSchedule(), 7)) == {1.0}


def test_one_cycle_rises_and_falls() -> None:
    found = factors(OneCycle(warmup=0.25, div_factor=10, final_div_factor=100), 101)
    assert found[0] == pytest.approx(0.1)
    assert found[25] == pytest.approx(1)
    assert found[-1] == pytest.approx(0.01)
    assert found[:26] == sorted(found[:26])
    assert found[25:] == sorted(found[25:], reverse=True)
    assert found[12] + found[13] == pytest.approx(1.1)  # the cosine is symmetric about its middle


def test_one_cycle_linear_has_straight_slopes() -> None:
    found = factors(OneCycle(warmup=0.5, div_factor=2, final_div_factor=4, anneal_strategy="linear"), 9)
    assert found == pytest.approx([0.5, 0.625, 0.75, 0.875, 1, 0.8125, 0.625, 0.4375, 0.25])


def test_cosine() -> None:
    found = factors(Cosine(end=0.2), 100)
    assert found[0] == 1
    assert found[50] == pytest.approx(0.6)
    assert found[-1] == pytest.approx(0.2 + 0.8 * (1 + math.cos(math.pi * 0.99)) / 2)


def test_step_halves_every_two_epochs() -> None:
    found = factors(StepDecay(0.5, step_size=2), 50, epochs=5)
    assert found == [1.0] * 20 + [0.5] * 20 + [0.25] * 10


@given(
    st.sampled_from([ConstantSchedule(), OneCycle(), OneCycle(warmup=0), OneCycle(warmup=1), Cosine(), StepDecay()]),
    st.integers(1, 50),
    st.integers(1, 20),
)
def test_factors_stay_in_range(schedule: Schedule, steps_in_epoch: int, epochs: int) -> None:
    assert all(0 <= factor <= 1 + 1e-12 for factor in factors(schedule, steps_in_epoch * epochs, epochs))


@pytest.mark.parametrize("name", SCHEDULES)
def test_names_and_settings_round_trip(name: str) -> None:
    settings = Recipe(schedule=get_schedule(name)).settings()["schedule"]
    assert settings.pop("name") == name
    assert get_schedule(name, **settings) == get_schedule(name)


def test_none_is_constant() -> None:
    assert get_schedule(None) == ConstantSchedule()


def test_invalid_schedules_raise() -> None:
    with pytest.raises(UsageError, match=r"There is no schedule 'one_cicle'\. Did you mean 'one_cycle'\?"):
        get_schedule("one_cicle")
    with pytest.raises(UsageError, match="'cosine' has no setting 'warmup'"):
        get_schedule("cosine", warmup=1)
    with pytest.raises(UsageError, match=r"warmup must be a fraction of the training, 0 to 1; received 1\.5"):
        OneCycle(warmup=1.5)
    with pytest.raises(UsageError, match="1 or more"):
        OneCycle(final_div_factor=0)
    with pytest.raises(UsageError, match="must be 'cosine' or 'linear'; received 'square'"):
        OneCycle(anneal_strategy="square")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="step_size must be an integer, 1 or more; received 0"):
        StepDecay(step_size=0)
