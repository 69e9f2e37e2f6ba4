"""Feature extraction as in Keras's guides, end to end: a frozen base at 224 pixels, features once, a dense head.

The base has random weights, which take the same time as published ones. Run it in a Python with TensorFlow:
python benchmarks/peers/transfer_keras.py FOLDER [--base EfficientNetB0]
"""

import argparse
import os
import resource
import time
from collections.abc import Callable

began = time.perf_counter()
os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402

BATCH, EPOCHS = 32, 20
BASES = ("MobileNetV2", "EfficientNetB0")


def features(
    run: Callable[..., tf.Tensor], scale: layers.Layer, folder: str, part: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return features (N, F) and class numbers (N,)."""
    images = keras.utils.image_dataset_from_directory(
        folder, image_size=(224, 224), batch_size=BATCH, crop_to_aspect_ratio=True, validation_split=0.1, seed=0,
        subset=part, shuffle=True, verbose=False,
    )  # fmt: skip
    parts = [(run(scale(x)).numpy(), y.numpy()) for x, y in images.prefetch(2)]
    x, y = zip(*parts, strict=True)
    return np.concatenate(x), np.concatenate(y)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--base", choices=BASES, default=BASES[0])
    args = parser.parse_args()
    base = getattr(keras.applications, args.base)(
        weights=None, include_top=False, pooling="avg", input_shape=(224, 224, 3)
    )
    base.trainable = False
    run = tf.function(lambda x: base(x, training=False))  # one graph, as in predict
    scale = layers.Rescaling(1 / 127.5, -1) if args.base == "MobileNetV2" else layers.Rescaling(1.0)
    x, y = features(run, scale, args.folder, "training")
    test = features(run, scale, args.folder, "validation")
    extracted = time.perf_counter() - began
    head = keras.Sequential([layers.Dropout(0.2), layers.Dense(int(y.max()) + 1, activation="softmax")])
    head.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    head.fit(x, y, batch_size=BATCH, epochs=EPOCHS, validation_split=0.1, verbose=0)
    head.evaluate(*test, verbose=0)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{args.base}: {time.perf_counter() - began:.1f} s in total, {extracted:.1f} s for the features, "
          f"{used.ru_utime + used.ru_stime:.1f} s CPU; {len(x) + len(test[0])} images")  # fmt: skip


if __name__ == "__main__":
    main()
