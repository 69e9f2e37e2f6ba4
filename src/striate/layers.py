"""The layers, under the name that Keras uses: `from striate.layers import Conv2D`."""

from collections.abc import Mapping
from typing import Any

from striate.errors import NetworkError
from striate.network import layer_class
from striate.network import layers as _layers
from striate.network.block import Block
from striate.network.custom_objects import custom_object_scope
from striate.network.layers import *  # noqa: F403 - network/layers/__init__.py lists them

__all__ = ["Block", *vars(_layers)["__all__"]]  # noqa: PLE0604 - strings, collected at import

Convolution2D, Convolution2DTranspose, SeparableConvolution2D = Conv2D, Conv2DTranspose, SeparableConv2D  # noqa: F405


def InputLayer(  # noqa: N802 - Keras's name
    shape: Any = None, batch_size: Any = None, dtype: str = "float32", name: str | None = None, **shapes: Any
) -> _layers.Input:
    """Return an `Input`, for code that uses Keras's name of the class.

    Args:
        shape: The shape without the batch.
        batch_size: Accepted as in Keras, without effect.
        dtype: The dtype of the input.
        name: Name of the layer.
        **shapes: `input_shape` or `batch_shape`, in place of `shape`.

    Returns:
        The layer.
    """
    given = {} if shape is None else {"shape": shape}
    if "input_shape" in shapes:
        given["shape"] = shapes.pop("input_shape")
    return _layers.Input(dtype=dtype, name=name, **given, **shapes)


def serialize(layer: _layers.Layer) -> dict[str, Any]:
    """Return the class name and the configuration of a layer, for `deserialize`."""
    return {"class_name": layer.kind, "config": layer.get_config()}


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the layer that `serialize` described.

    Args:
        config: The description.
        custom_objects: Custom classes by name, unless they are registered.

    Returns:
        The layer.

    Raises:
        NetworkError: If there is no such class, or its settings are invalid.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("config"), Mapping):
        raise NetworkError(f"layers.deserialize needs what layers.serialize returns; received {config!r:.60}.")
    with custom_object_scope(custom_objects):
        return layer_class(str(config.get("class_name"))).from_config(dict(config["config"]))


_SEQUENCES = (
    "networks hold feature maps (H, W, C) and vectors (F,), not sequences. For images use Conv2D and pooling; for "
    "text, audio and time series use Keras or PyTorch."
)
_VOLUMES = (
    "networks hold feature maps (H, W, C), not volumes or videos. Pass slices or frames as channels of a Conv2D, or "
    "use Keras or PyTorch."
)
_AUGMENTATION = (
    "images are varied outside of the network, so that it needs no change for prediction. Write "
    "model.fit(x, y, augmentation=striate.data.Augmentation(flip_horizontal=True, rotation=10, shift=0.1))."
)
_PENALTY = "penalties are on kernels: kernel_regularizer='l2'."
_FUNCTION = (
    "a network is data that can be saved, exported and run by three engines, and a Python function is not. Use layers "
    "such as Rescaling, Activation, Reshape and SelectChannels, operators of tensors (x * 2 + y), or a layer class of "
    "your own (CONTRIBUTING.md says what it needs)."
)
_UNSUPPORTED = {
    **dict.fromkeys(
        ("Conv1D", "Conv1DTranspose", "SeparableConv1D", "DepthwiseConv1D", "MaxPooling1D", "AveragePooling1D",
         "MaxPool1D", "AvgPool1D", "GlobalMaxPooling1D", "GlobalAveragePooling1D", "ZeroPadding1D", "Cropping1D",
         "UpSampling1D", "SpatialDropout1D", "Convolution1D", "Convolution1DTranspose", "SeparableConvolution1D",
         "GlobalAvgPool1D", "GlobalMaxPool1D", "AdaptiveAveragePooling1D", "AdaptiveMaxPooling1D",
         "ReversibleEmbedding", "RNN", "LSTM", "LSTMCell", "GRU", "GRUCell", "SimpleRNN", "SimpleRNNCell",
         "Bidirectional", "TimeDistributed", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "StackedRNNCells",
         "Embedding", "Masking", "RepeatVector", "TextVectorization", "StringLookup", "IntegerLookup", "Hashing",
         "Discretization", "CategoryEncoding", "HashedCrossing", "STFTSpectrogram", "MelSpectrogram"), _SEQUENCES,
    ),
    **dict.fromkeys(
        ("MultiHeadAttention", "Attention", "AdditiveAttention", "GroupQueryAttention", "EinsumDense"),
        "Striate has convolutional networks, without attention. Use Keras or PyTorch for transformers; Multiply "
        "weights channels as squeeze-and-excitation does.",
    ),
    **dict.fromkeys(
        ("Conv3D", "Conv3DTranspose", "MaxPooling3D", "AveragePooling3D", "MaxPool3D", "AvgPool3D",
         "GlobalMaxPooling3D", "GlobalAveragePooling3D", "ZeroPadding3D", "Cropping3D", "UpSampling3D",
         "SpatialDropout3D", "Convolution3D", "Convolution3DTranspose", "GlobalAvgPool3D", "GlobalMaxPool3D",
         "AdaptiveAveragePooling3D", "AdaptiveMaxPooling3D"), _VOLUMES,
    ),
    **dict.fromkeys(
        ("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness",
         "RandomCrop", "RandomColorJitter", "RandomHue", "RandomSaturation", "RandomSharpness", "RandomShear",
         "RandomErasing", "RandomGaussianBlur", "RandomGrayscale", "RandomInvert", "RandomPerspective",
         "RandomPosterization", "RandomElasticTransform", "RandomColorDegeneration", "AugMix", "AutoContrast", "CutMix",
         "MixUp", "RandAugment", "Equalization", "Solarization", "Pipeline"), _AUGMENTATION,
    ),
    "ActivityRegularization": _PENALTY,
    "AlphaDropout": "write Dropout or GaussianDropout.",
    "Lambda": _FUNCTION,
    **dict.fromkeys(("Dot", "dot"), "write Multiply, or a Dense layer of the concatenated inputs."),
    **dict.fromkeys(
        ("AdaptiveAveragePooling2D", "AdaptiveMaxPooling2D"),
        "write AveragePool2D or MaxPool2D with the window that gives the size, or GlobalAveragePool2D.",
    ),
    "RMSNormalization": "write LayerNormalization.",
    "ContrastLimitedAdaptiveHistogramEqualization": "change the files before training, or add LayerNormalization.",
    **dict.fromkeys(
        ("JaxLayer", "FlaxLayer", "TFSMLayer", "TorchModuleWrapper"),
        "export the other model as ONNX, and open it with striate.load('model.onnx').",
    ),
    "InputSpec": "layers check the shapes of their inputs themselves.",
    "SpectralNormalization": "write BatchNormalization, or kernel_regularizer='l2'.",
    "Wrapper": _FUNCTION,
    "MaxNumBoundingBoxes": "it is for object detection, and Striate classifies images.",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _UNSUPPORTED:
        raise NetworkError(f"There is no layer {name}: {_UNSUPPORTED[name]}")
    raise AttributeError(f"module 'striate.layers' has no attribute '{name}'")
