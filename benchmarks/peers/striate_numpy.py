"""The three networks in Striate on its NumPy engine, through the engine's public methods."""

import common  # sets the number of BLAS threads: before NumPy

from striate import zoo
from striate.engines.base import TrainingSettings
from striate.engines.initialization import initial_weights
from striate.engines.losses import CategoricalCrossentropy
from striate.engines.numpy import NumpyEngine
from striate.engines.optimizers import Adam


def build(name):
    network = zoo.network(name)
    engine = NumpyEngine(network, initial_weights(network, seed=0))
    engine.compile(TrainingSettings(Adam(), [CategoricalCrossentropy()], seed=0))
    done = 0

    def step(images, classes):
        nonlocal done
        result = engine.train_step([images], [classes], learning_rate=1e-3, step=done)
        done += 1
        return result.loss

    return step


if __name__ == "__main__":
    common.run("Striate", build, common.parser().parse_args())
