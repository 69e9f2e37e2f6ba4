"""VGG16: thirteen 3×3 convolutions in sequence.

Source: Simonyan, Zisserman 2014, "Very deep convolutional networks for large-scale image recognition", table 1, D.
"""

from striate.network import Dense, Dropout, Flatten, Input, MaxPool2D, Network, Tensor
from striate.zoo.photographs import conv_relu, photo_recipe, standardize, torchvision_weights
from striate.zoo.registry import WeightNames, register_architecture

# For each stage its filters and number of convolutions.
STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))

# torchvision's names of layers; it numbers convolutions together with the relus and poolings between them.
TORCHVISION_NAMES = {
    "conv1_1": "features.0", "conv1_2": "features.2", "conv2_1": "features.5", "conv2_2": "features.7",
    "conv3_1": "features.10", "conv3_2": "features.12", "conv3_3": "features.14",
    "conv4_1": "features.17", "conv4_2": "features.19", "conv4_3": "features.21",
    "conv5_1": "features.24", "conv5_2": "features.26", "conv5_3": "features.28",
    "fc6": "classifier.0", "fc7": "classifier.3", "output": "classifier.6",
}  # fmt: skip
# timm's, where they differ.
TIMM_NAMES = TORCHVISION_NAMES | {"fc6": "pre_logits.fc1", "fc7": "pre_logits.fc2", "output": "head.fc"}


@register_architecture(
    "vgg16",
    recipe=photo_recipe(2e-4),
    weights=torchvision_weights("vgg16-397923af.pth", TORCHVISION_NAMES.__getitem__),
    other_names=(WeightNames(TIMM_NAMES.__getitem__, timm="vgg16"),),
)
def vgg16(input_shape: tuple[int, ...] = (224, 224, 3), classes: int = 1000, dropout: float = 0.5) -> Network:
    """Build VGG16 for images of at least 32×32, with maps of 224, 112, 56, 28, 14 and 7 pixels at 224.

    Args:
        input_shape: (H, W, C) of the images.
        classes: The number of classes.
        dropout: The fraction of features dropped after fc6 and fc7.

    Returns:
        The network; weights are initialized as in He et al. 2015.
    """
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
