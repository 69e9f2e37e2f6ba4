"""simple-convnet in striate.textbook, the package for reading."""

import common  # sets the number of BLAS threads: before NumPy

from striate.textbook import Adam, SimpleConvNet


def build(_):
    network, optimizer = SimpleConvNet(), Adam()

    def step(images, classes):
        grads = network.gradient(images.transpose(0, 3, 1, 2) / 255.0, classes)
        optimizer.update(network.params, grads)
        return network.last_layer.loss

    return step


if __name__ == "__main__":
    common.run("striate.textbook", build, common.parser(("simple-convnet",)).parse_args())
