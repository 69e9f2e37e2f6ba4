"""In place of Keras's global precision: the precision belongs to a model."""

from typing import Any

from striate.errors import UsageError

__all__ = ["set_global_policy"]


def set_global_policy(policy: str) -> None:
    """Accept "float32"; the precision is chosen for each model with `compile(precision=…)`.

    Args:
        policy: Name of the policy.

    Raises:
        UsageError: If it is another policy.
    """
    if policy != "float32":
        raise UsageError(
            f"There is no global precision; received {policy!r}. Write model.compile(precision='bfloat16'), or "
            "precision='auto', which measures whether it is faster."
        )


set_dtype_policy = set_global_policy


def __getattr__(name: str) -> Any:
    if name in ("DTypePolicy", "LossScaleOptimizer", "Policy", "dtype_policy", "global_policy"):
        raise UsageError(
            f"Striate has no mixed_precision.{name}: layers compute in float32, and "
            "model.compile(precision='bfloat16') or 'float16' chooses half precision, which scales the loss by itself."
        )
    raise AttributeError(f"module 'striate.mixed_precision' has no attribute '{name}'")
