"""VGG16: thirteen 3×3 convolutions, one after the other.

Source: Simonyan, Zisserman 2014, "Very deep convolutional networks for large-scale image recognition", table 1, D.
"""

from striate.network import Dense, Dropout, Flatten, Input, MaxPool2D, Network, Tensor
from striate.zoo.photographs import conv_relu, standardize
from striate.zoo.registry import architecture

# For each stage its filters and how many convolutions it has.
STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


@architecture("vgg16")
def vgg16(input_shape: tuple[int, ...] = (224, 224, 3), classes: int = 1000, dropout: float = 0.5) -> Network:
    """Maps of 224, 112, 56, 28, 14 and 7; images of at least 32×32. Weights begin as in He et al. 2015."""
    image = Input(input_shape)
    x: Tensor = standardize(input_shape[-1])(image)
    for stage, (filters, count) in enumerate(STAGES, start=1):
        for number in range(1, count + 1):
            x = conv_relu(x, filters, 3, f"conv{stage}_{number}", padding="same")
        x = MaxPool2D(2, name=f"pool{stage}")(x)
    x = Flatten(name="flatten")(x)
    for number in (6, 7):
        x = Dense(4096, activation="relu", kernel_initializer="he_normal", name=f"fc{number}")(x)
        x = Dropout(dropout, name=f"drop{number}")(x)
    return Network(image, Dense(classes, activation="softmax", name="output")(x), name="vgg16")
