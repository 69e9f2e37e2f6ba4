"""AlexNet and ResNet-18 in Striate, in its default precision; torchrun can start it in several processes."""

import time
from importlib.metadata import version

import photos_common
import torch
from common import THREADS

import striate as st
from striate.callbacks import Callback
from striate.processes import current_process
from striate.training import ConstantSchedule, Recipe


class Clock(Callback):
    """Record the seconds of each epoch's training steps, including fetching the data, without validation."""

    def __init__(self):
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.seconds.append(0.0)
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.seconds[-1] = time.perf_counter() - self.start


def main():
    args = photos_common.arguments()
    torch.set_num_threads(THREADS // current_process().world_size)
    start = time.perf_counter()
    size = photos_common.SIZES[args.network]
    data = st.data.load(args.photos.parent, size=(size, size), channels=3)  # the folder that contains "train"
    reading = time.perf_counter() - start
    model = st.zoo.build(args.network, input_shape=data.shape, classes=len(data.classes))
    model.use_engine("torch", device="cpu")
    augmentation = st.data.Augmentation(
        flip_horizontal=True, crop=photos_common.AREA, crop_aspect=photos_common.ASPECT, fill="edge"
    )
    optimizer = st.optimizers.SGD(photos_common.LEARNING_RATE, momentum=photos_common.MOMENTUM)
    recipe = Recipe(args.epochs, args.batch, optimizer, ConstantSchedule(), augmentation)
    clock = Clock()
    history = model.train(data, recipe, callbacks=[clock], verbose=False).history
    clock.seconds[0] += reading
    if current_process().rank:
        return
    parameters = sum(model.named_weights[each.name].size for each in model.network.parameters if each.trainable)
    versions = {"torch": torch.__version__, "simplejpeg": version("simplejpeg"), "chosen": model.engine.precision}
    peer = "Striate" if current_process().world_size == 1 else f"Striate in {current_process().world_size} processes"
    photos_common.report(peer, args, clock.seconds, history["loss"][-1], parameters, **versions)


if __name__ == "__main__":
    main()
