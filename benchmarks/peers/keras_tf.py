"""The three networks in Keras on TensorFlow, trained by `model.fit` with its defaults (compiled graph)."""

import os
import time

import common

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers


def simple_convnet():
    small = keras.initializers.RandomNormal(stddev=0.01, seed=0)
    return [
        layers.Conv2D(30, 5, activation="relu", kernel_initializer=small),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(100, activation="relu", kernel_initializer=small),
        layers.Dense(10, activation="softmax", kernel_initializer=small),
    ]


def lenet5():
    start = {
        "kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.1, seed=0),
        "bias_initializer": keras.initializers.Constant(0.1),
    }
    return [
        layers.ZeroPadding2D(2),
        layers.Conv2D(6, 5, activation="tanh", **start),
        layers.AveragePooling2D(2),
        layers.Conv2D(16, 5, activation="tanh", **start),
        layers.AveragePooling2D(2),
        layers.Conv2D(120, 5, activation="tanh", **start),
        layers.Flatten(),
        layers.Dense(84, activation="tanh", **start),
        layers.Dense(10, activation="softmax", **start),
    ]


def mnist_cnn():
    blocks = [
        layer
        for filters in (32, 64, 128)
        for layer in (
            layers.Conv2D(filters, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2, padding="same"),
        )
    ]
    head = [
        layers.Flatten(),
        layers.Dense(256, activation="relu"),
        layers.Dropout(0.4),
        layers.Dense(10, activation="softmax"),
    ]
    return blocks + head


class Clock(keras.callbacks.Callback):
    """Record when each call into the graph ends; differences include fetching the data."""

    def __init__(self):
        super().__init__()
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(time.perf_counter())


def main():
    parser = common.parser()
    parser.add_argument("--steps-per-execution", type=int, default=1, help="steps per call into the graph")
    args = parser.parse_args()
    together = args.steps_per_execution
    tf.config.threading.set_intra_op_parallelism_threads(common.THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(common.THREADS)
    keras.utils.set_random_seed(0)
    parts = {"simple-convnet": simple_convnet, "lenet5": lenet5, "mnist-cnn": mnist_cnn}[args.network]()
    model = keras.Sequential([keras.Input((28, 28, 1), dtype="uint8"), layers.Rescaling(1 / 255), *parts])
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy", steps_per_execution=together
    )

    executions = common.WARM_UP + 1 + args.steps // together
    images, classes = zip(*common.batches(executions * together, args.batch), strict=True)
    clock = Clock()
    history = model.fit(
        np.concatenate(images),
        np.concatenate(classes),
        batch_size=args.batch,
        shuffle=False,
        verbose=0,
        callbacks=[clock],
    )
    seconds = np.diff(clock.ends)[common.WARM_UP :] / together
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    peer = "Keras on TensorFlow" + (f", {together} steps per execution" if together > 1 else "")
    common.report(peer, args, seconds.tolist(), history.history["loss"][-1], **versions)


if __name__ == "__main__":
    main()
