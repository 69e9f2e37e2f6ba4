"""In place of Keras's global precision: the precision belongs to a model."""

from striate.errors import UsageError

__all__ = ["set_global_policy"]


def set_global_policy(policy: str) -> None:
    """Accept "float32". Raise UsageError for anything else."""
    if policy != "float32":
        raise UsageError(
            f"There is no global precision; received {policy!r}. Write model.compile(precision='bfloat16'), or "
            "precision='auto', which measures whether it is faster."
        )


set_dtype_policy = set_global_policy
