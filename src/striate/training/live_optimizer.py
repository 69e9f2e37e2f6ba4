"""The optimizer of a compiled model, whose learning rate can be read and set, as in Keras."""

from typing import Any, Protocol

from striate.arguments import check_number
from striate.engines.optimizers import Optimizer
from striate.engines.schedules import LearningRateSchedule
from striate.errors import UsageError


class OptimizedModel(Protocol):
    """The part of a model that its optimizer shows.

    Attributes:
        learning_rate: The learning rate, before the schedule's factor.
        iterations: Number of steps done since the model was compiled.
    """

    learning_rate: float
    iterations: int


class LearningRate(float):
    """A learning rate that can be assigned, for programs written for Keras."""

    _optimizer: "LiveOptimizer"

    def assign(self, value: Any) -> None:
        """Set the learning rate of the model."""
        self._optimizer.learning_rate = value

    def numpy(self) -> float:
        """Return the number."""
        return float(self)


class LiveOptimizer:
    """The optimizer of a compiled model.

    It has the attributes of its description, such as `beta_1`, and is an instance of its class.

    Args:
        description: The optimizer that was passed to `compile`.
        model: The model.
    """

    description: Optimizer
    _model: OptimizedModel

    def __init__(self, description: Optimizer, model: OptimizedModel) -> None:
        object.__setattr__(self, "description", description)
        object.__setattr__(self, "_model", model)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """The class of the description."""
        return type(self.description)

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a number with a method `assign`, or the schedule."""
        if self.description.scheduled:
            return self.description.learning_rate
        rate = LearningRate(self._model.learning_rate)
        rate._optimizer = self
        return rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if self.description.scheduled or isinstance(value, LearningRateSchedule):
            raise UsageError("The learning rate is a schedule, or is to be one: call compile again to change it.")
        if not (rate := check_number("learning_rate", value)) >= 0:
            raise UsageError(f"The learning rate must be 0 or more; received {value}.")
        self._model.learning_rate = rate

    @property
    def lr(self) -> Any:
        """The same as `learning_rate`."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        self.learning_rate = value

    @property
    def iterations(self) -> int:
        """Number of steps since `compile`."""
        return self._model.iterations

    @property
    def name(self) -> str:
        """The name of the class in lower case."""
        return type(self.description).__name__.lower()

    def get_config(self) -> dict[str, Any]:
        """Return the settings by name, with the current learning rate."""
        settings = self.description.to_dict()
        return settings if self.description.scheduled else settings | {"learning_rate": float(self.learning_rate)}

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "description"), name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("learning_rate", "lr"):
            raise UsageError(f"The optimizer's {name} cannot be changed: call compile again.")
        super().__setattr__(name, value)

    def __eq__(self, other: object) -> bool:
        return bool(self.description == getattr(other, "description", other))

    def __hash__(self) -> int:
        return hash(self.description)

    def __repr__(self) -> str:
        return repr(self.description)
