"""Linear regression as a network: three exam scores predict the final one, H(X) = XW + b."""

from striate.network import Dense, Input, Network, Normal
from striate.zoo.registry import register_architecture


@register_architecture("linear-regression")
def linear_regression() -> Network:
    """Build a dense layer with one unit for inputs of three features; its weights start as samples of N(0, 1)."""
    normal = Normal(stddev=1.0)
    return Network.sequential(
        [Input((3,), dtype="float32"), Dense(1, kernel_initializer=normal, bias_initializer=normal, name="output")],
        name="linear-regression",
    )
