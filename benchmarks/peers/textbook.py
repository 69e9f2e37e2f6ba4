"""simple-convnet as in from-scratch textbooks: float64, N C H W, im2col, one class for each layer."""

import common
import numpy as np


def im2col(images, height, width, stride=1):
    N, C, H, W = images.shape
    OH, OW = (H - height) // stride + 1, (W - width) // stride + 1
    columns = np.zeros((N, C, height, width, OH, OW))
    for y in range(height):
        for x in range(width):
            columns[:, :, y, x] = images[:, :, y : y + stride * OH : stride, x : x + stride * OW : stride]
    return columns.transpose(0, 4, 5, 1, 2, 3).reshape(N * OH * OW, -1)  # (N·OH·OW, C·KH·KW)


def col2im(columns, shape, height, width, stride=1):
    N, C, H, W = shape
    OH, OW = (H - height) // stride + 1, (W - width) // stride + 1
    columns = columns.reshape(N, OH, OW, C, height, width).transpose(0, 3, 4, 5, 1, 2)
    images = np.zeros(shape)
    for y in range(height):
        for x in range(width):
            images[:, :, y : y + stride * OH : stride, x : x + stride * OW : stride] += columns[:, :, y, x]
    return images


class Convolution:
    def __init__(self, W, b):
        self.params = [W, b]  # (O, C, KH, KW), (O,)

    def forward(self, x):
        W, b = self.params
        KH, KW = W.shape[2:]
        N, _, H, width = x.shape
        self.x, self.columns = x, im2col(x, KH, KW)
        out = self.columns @ W.reshape(len(W), -1).T + b
        return out.reshape(N, H - KH + 1, width - KW + 1, len(W)).transpose(0, 3, 1, 2)

    def backward(self, dout):
        W, _ = self.params
        KH, KW = W.shape[2:]
        dout = dout.transpose(0, 2, 3, 1).reshape(-1, len(W))  # (N·OH·OW, O)
        self.grads = [(self.columns.T @ dout).T.reshape(W.shape), dout.sum(axis=0)]
        return col2im(dout @ W.reshape(len(W), -1), self.x.shape, KH, KW)


class Pooling:
    def __init__(self, size):
        self.params, self.grads, self.size = [], [], size

    def forward(self, x):
        N, C, H, W = x.shape
        windows = im2col(x, self.size, self.size, self.size).reshape(-1, self.size * self.size)
        self.shape, self.winners = x.shape, windows.argmax(axis=1)
        return windows.max(axis=1).reshape(N, H // self.size, W // self.size, C).transpose(0, 3, 1, 2)

    def backward(self, dout):
        dout = dout.transpose(0, 2, 3, 1)
        windows = np.zeros((dout.size, self.size * self.size))
        windows[np.arange(dout.size), self.winners] = dout.ravel()
        columns = windows.reshape(dout.shape[0] * dout.shape[1] * dout.shape[2], -1)  # (N·OH·OW, C·size·size)
        return col2im(columns, self.shape, self.size, self.size, self.size)


class Affine:
    def __init__(self, W, b):
        self.params = [W, b]

    def forward(self, x):
        self.shape, self.x = x.shape, x.reshape(len(x), -1)
        return self.x @ self.params[0] + self.params[1]

    def backward(self, dout):
        self.grads = [self.x.T @ dout, dout.sum(axis=0)]
        return (dout @ self.params[0].T).reshape(self.shape)


class Relu:
    params, grads = [], []

    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class SoftmaxWithLoss:
    def forward(self, x, classes):
        x = np.exp(x - x.max(axis=1, keepdims=True))
        self.y, self.classes = x / x.sum(axis=1, keepdims=True), classes
        return -np.log(self.y[np.arange(len(classes)), classes] + 1e-7).mean()

    def backward(self):
        dx = self.y.copy()
        dx[np.arange(len(dx)), self.classes] -= 1
        return dx / len(dx)


class Adam:
    def __init__(self, params, learning_rate=1e-3, beta1=0.9, beta2=0.999):
        self.params, self.learning_rate, self.beta1, self.beta2 = params, learning_rate, beta1, beta2
        self.m, self.v, self.step = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params], 0

    def update(self, grads):
        self.step += 1
        rate = self.learning_rate * np.sqrt(1 - self.beta2**self.step) / (1 - self.beta1**self.step)
        for i, grad in enumerate(grads):
            self.m[i] += (1 - self.beta1) * (grad - self.m[i])
            self.v[i] += (1 - self.beta2) * (grad**2 - self.v[i])
            self.params[i] -= rate * self.m[i] / (np.sqrt(self.v[i]) + 1e-7)


class SimpleConvNet:
    def __init__(self):
        random = np.random.default_rng(0)
        self.layers = [
            Convolution(0.01 * random.standard_normal((30, 1, 5, 5)), np.zeros(30)),
            Relu(),
            Pooling(2),
            Affine(0.01 * random.standard_normal((30 * 12 * 12, 100)), np.zeros(100)),
            Relu(),
            Affine(0.01 * random.standard_normal((100, 10)), np.zeros(10)),
        ]
        self.last = SoftmaxWithLoss()

    def loss(self, x, classes):
        for layer in self.layers:
            x = layer.forward(x)
        return self.last.forward(x, classes)

    def gradient(self):
        dout = self.last.backward()
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return [g for layer in self.layers for g in layer.grads]


def build(_):
    network = SimpleConvNet()
    optimizer = Adam([p for layer in network.layers for p in layer.params])

    def step(images, classes):
        loss = network.loss(images.transpose(0, 3, 1, 2) / 255.0, classes)
        optimizer.update(network.gradient())
        return loss

    return step


if __name__ == "__main__":
    common.run("textbook NumPy, float64", build, common.parser(("simple-convnet",)).parse_args())
