"""AlexNet and ResNet-18 in Keras on TensorFlow, fed by `image_dataset_from_directory` as in its tutorials."""

import os
import time

import common
import photos_common

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")

import keras
import tensorflow as tf
from keras import layers


def lrn(x):
    normalize = layers.Lambda(lambda y: tf.nn.local_response_normalization(y, 2, bias=1.0, alpha=2e-5, beta=0.75))
    return normalize(x)


def alexnet(x):
    x = lrn(layers.Conv2D(96, 11, strides=4, activation="relu")(x))
    x = layers.MaxPooling2D(3, 2)(x)
    x = lrn(layers.Conv2D(256, 5, padding="same", activation="relu")(x))
    x = layers.MaxPooling2D(3, 2)(x)
    for filters in (384, 384, 256):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    x = layers.Flatten()(layers.MaxPooling2D(3, 2)(x))
    for _ in range(2):
        x = layers.Dropout(0.5)(layers.Dense(4096, activation="relu")(x))
    return x


def conv_bn(x, filters, size, strides=1):
    """Apply a convolution and batch normalization, padded evenly as in the paper."""
    if size > 1:
        x = layers.ZeroPadding2D(size // 2)(x)
    return layers.BatchNormalization()(layers.Conv2D(filters, size, strides, use_bias=False)(x))


def block(x, filters, strides):
    out = layers.ReLU()(conv_bn(x, filters, 3, strides))
    out = conv_bn(out, filters, 3)
    shortcut = x if strides == 1 and x.shape[-1] == filters else conv_bn(x, filters, 1, strides)
    return layers.ReLU()(layers.Add()([out, shortcut]))


def resnet18(x):
    x = layers.ReLU()(conv_bn(x, 64, 7, 2))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for filters, first in ((64, 1), (128, 2), (256, 2), (512, 2)):
        x = block(block(x, filters, first), filters, 1)
    return layers.GlobalAveragePooling2D()(x)


def photographs(args, size):
    """Return batches of augmented images, float32 0 … 255 (N, H, W, C), with their classes, and the class names."""
    dataset = keras.utils.image_dataset_from_directory(
        args.photos, image_size=(size, size), batch_size=args.batch, crop_to_aspect_ratio=True, verbose=False
    )
    names = dataset.class_names
    if args.cache:
        dataset = dataset.cache()
    flip, zoom = layers.RandomFlip("horizontal"), layers.RandomZoom((-0.4, 0.0))
    augmented = dataset.map(lambda x, y: (zoom(flip(x, training=True), training=True), y), tf.data.AUTOTUNE)
    return augmented.prefetch(tf.data.AUTOTUNE), names


class Clock(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def main():
    args = photos_common.arguments("--cache")
    tf.config.threading.set_intra_op_parallelism_threads(common.THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(common.THREADS)
    keras.utils.set_random_seed(0)
    size = photos_common.SIZES[args.network]
    batches, classes = photographs(args, size)
    x = pixels = keras.Input((size, size, 3))
    x = {"alexnet": alexnet, "resnet18": resnet18}[args.network](layers.Rescaling(1 / 255)(x))
    model = keras.Model(pixels, layers.Dense(len(classes), activation="softmax")(x))
    optimizer = keras.optimizers.SGD(photos_common.LEARNING_RATE, momentum=photos_common.MOMENTUM)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    clock = Clock()
    history = model.fit(batches, epochs=args.epochs, verbose=0, callbacks=[clock])
    parameters = sum(int(weight.shape.num_elements()) for weight in model.trainable_weights)
    peer = "Keras on TensorFlow" + (", cached" if args.cache else "")
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    photos_common.report(peer, args, clock.seconds, history.history["loss"][-1], parameters, **versions)


if __name__ == "__main__":
    main()
