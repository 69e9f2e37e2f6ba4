"""Arguments of Keras that layers do not have: accepted if without effect, else an error that says what to write."""

from collections.abc import Collection
from dataclasses import fields
from functools import wraps
from typing import Any, NamedTuple

ANYTHING: tuple[Any, ...] = (object(),)


class _Argument(NamedTuple):
    accepted: Collection[Any]  # values without effect
    advice: str


_CONSTRAINT = _Argument((None,), "There are no constraints on weights; kernel_regularizer='l2' keeps them small.")
_PENALTY = _Argument(
    (None,), "Only kernels and biases can be regularized: kernel_regularizer='l2', bias_regularizer='l2'."
)
_SEED = _Argument(ANYTHING, "")
_NO_CHANGE = _Argument((None, False), "Striate has no equivalent; leave it out.")
_SHAPE = _Argument(ANYTHING, "")
_ASPECT = _Argument(
    (None, False),
    "This layer changes the aspect ratio. To keep it, crop or pad images when they are loaded: st.data.load(folder).",
)

ARGUMENTS: dict[str, _Argument] = {
    "dtype": _Argument(
        (None, "float32"),
        "Layers compute in float32. Half precision is chosen for a whole model: model.compile(precision='bfloat16').",
    ),
    "data_format": _Argument(
        (None, "channels_last"),
        "Feature maps are (H, W, C) in all layers. For data with the channels first, say so in the input: "
        "Input((C, H, W), data_format='channels_first').",
    ),
    "kernel_constraint": _CONSTRAINT,
    "bias_constraint": _CONSTRAINT,
    "depthwise_constraint": _CONSTRAINT,
    "pointwise_constraint": _CONSTRAINT,
    "alpha_constraint": _CONSTRAINT,
    "beta_constraint": _CONSTRAINT,
    "gamma_constraint": _CONSTRAINT,
    "activity_regularizer": _PENALTY,
    "beta_regularizer": _PENALTY,
    "gamma_regularizer": _PENALTY,
    "alpha_regularizer": _PENALTY,
    "seed": _SEED,  # dropout is a function of the model's seed, the step and the layer
    "noise_shape": _Argument(
        (None,), "To drop entire feature maps, write SpatialDropout2D; Dropout drops each value by itself."
    ),
    "autocast": _Argument((None, True, False), ""),
    "lora_rank": _NO_CHANGE,
    "lora_alpha": _NO_CHANGE,
    "quantization_config": _NO_CHANGE,
    "synchronized": _Argument((None, True, False), ""),  # the statistics are always those of all processes
    "renorm": _NO_CHANGE,
    "renorm_clipping": _NO_CHANGE,
    "renorm_momentum": _Argument(ANYTHING, ""),  # without renorm it has no effect
    "virtual_batch_size": _NO_CHANGE,
    "batch_size": _Argument(ANYTHING, ""),  # of Input: batches may have any size
    "sparse": _NO_CHANGE,
    "ragged": _NO_CHANGE,
    "tensor": _NO_CHANGE,
    "optional": _NO_CHANGE,
    "crop_to_aspect_ratio": _ASPECT,
    "pad_to_aspect_ratio": _ASPECT,
    "fill_mode": _Argument((None, "constant"), "The layer does not pad."),
    "fill_value": _Argument(ANYTHING, ""),  # the layer does not pad
    "antialias": _NO_CHANGE,
}
SHAPE_ARGUMENTS = ("input_shape", "batch_input_shape", "batch_shape", "input_dim")  # of a first layer
STATES = ("trainable",)  # set after construction


def accept_keras_arguments(kind: type) -> None:
    """Let a layer class accept the arguments in this module that it does not declare itself.

    Args:
        kind: The class, a dataclass. Its constructor is replaced.
    """
    if "__init__" not in vars(kind):
        return
    original: Any = kind.__init__  # type: ignore[misc]
    own = {each.name for each in fields(kind)}
    known = {*ARGUMENTS, *SHAPE_ARGUMENTS, *STATES} - own

    @wraps(original)
    def initialize(self: Any, *args: Any, **kwargs: Any) -> None:
        if "shape" in own and not args and "shape" not in kwargs:  # Input(batch_shape=…)
            for name in ("batch_shape", "batch_input_shape"):
                if isinstance(kwargs.get(name), list | tuple):
                    kwargs["shape"] = tuple(kwargs.pop(name)[1:])
        if "dtype" in own and kwargs.get("dtype", "") is None:
            del kwargs["dtype"]
        extra = {name: kwargs.pop(name) for name in tuple(kwargs) if name in known}
        original(self, *args, **kwargs)
        for name, value in extra.items():
            _apply(self, name, value)

    kind.__init__ = initialize  # type: ignore[misc]


def _apply(layer: Any, name: str, value: Any) -> None:
    if name in STATES:
        if value is not True:
            setattr(layer, name, value)
    elif name in SHAPE_ARGUMENTS:
        vars(layer)["_given_shape"] = _shape(layer, name, value)
    elif (known := ARGUMENTS[name]).accepted is not ANYTHING and value not in known.accepted:
        raise layer.error(f"{name}={value!r} is not supported. {known.advice}")


def _shape(layer: Any, name: str, value: Any) -> tuple[int, ...]:
    """Return the shape, without the batch, in an argument of the first layer of a sequential model."""
    if name == "input_dim":
        return (value,)
    if not isinstance(value, list | tuple):
        raise layer.error(f"{name}: expected (H, W, C) or (F,), received {value!r}.")
    return tuple(value[1:] if name.startswith("batch") else value)


def given_shape(layer: Any) -> tuple[int, ...] | None:
    """Return the shape passed as `input_shape=`, `input_dim=` or `batch_shape=`, without the batch; None without."""
    shape: tuple[int, ...] | None = vars(layer).get("_given_shape")
    return shape
