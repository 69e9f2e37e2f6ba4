"""The layers besides convolution and pooling, and the loss.

Each layer keeps in `forward` what its `backward` needs. `backward` takes dy, the gradient of the loss with respect to
the layer's output, and returns dx, that with respect to its input; both have the shapes of y and x.
"""

import numpy as np

from striate._types import Array
from striate.errors import UsageError


class Affine:
    """Fully connected layer: Y = X·W + b, where X holds one flattened sample per row.

    Args:
        W: Weights (F, units), where F is the number of values of one sample.
        b: Biases (units,).

    Attributes:
        dW: Gradient of the weights after backward, (F, units).
        db: Gradient of the biases after backward, (units,).

    Example:
        >>> layer = Affine(np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]), np.array([10.0, 20.0]))
        >>> layer.forward(np.array([[1.0, 2.0, 3.0]]))
        array([[14., 27.]])
        >>> layer.backward(np.array([[1.0, 0.0]]))
        array([[1., 0., 1.]])
        >>> layer.dW
        array([[1., 0.],
               [2., 0.],
               [3., 0.]])
    """

    def __init__(self, W: Array, b: Array) -> None:
        self.W, self.b = W, b

    def forward(self, x: Array) -> Array:
        """Compute Y = X·W + b.

        Args:
            x: Samples (N, F), or maps (N, C, H, W) with C·H·W = F.

        Returns:
            Y (N, units).
        """
        self.x_shape = x.shape
        self.X = x.reshape(len(x), -1)  # (N, F)
        return self.X @ self.W + self.b

    def backward(self, dy: Array) -> Array:
        """Compute dW = Xᵀ·dY, db = Σ rows of dY, and dX = dY·Wᵀ.

        Args:
            dy: Gradient of the output, (N, units).

        Returns:
            Gradient of the input, with the shape of x.
        """
        self.dW = self.X.T @ dy
        self.db = dy.sum(axis=0)
        return (dy @ self.W.T).reshape(self.x_shape)


class Relu:
    """Rectified linear unit: y = max(x, 0); the gradient is 1 where x > 0 and 0 elsewhere.

    Example:
        >>> layer = Relu()
        >>> layer.forward(np.array([-2.0, 0.0, 3.0]))
        array([0., 0., 3.])
        >>> layer.backward(np.array([5.0, 5.0, 5.0]))
        array([0., 0., 5.])
    """

    def forward(self, x: Array) -> Array:
        """Compute y = max(x, 0).

        Args:
            x: An array of any shape.

        Returns:
            y, of the same shape.
        """
        self.positive = x > 0
        return np.where(self.positive, x, 0)

    def backward(self, dy: Array) -> Array:
        """Compute dx = dy where x > 0, and 0 elsewhere.

        Args:
            dy: Gradient of the output.

        Returns:
            Gradient of the input, of the same shape.
        """
        return np.where(self.positive, dy, 0)


class Sigmoid:
    """Logistic function: y = 1 / (1 + exp(−x)), with the derivative y · (1 − y).

    It is computed as (1 + tanh(x / 2)) / 2, which is the same and does not overflow for large negative x.

    Example:
        >>> layer = Sigmoid()
        >>> layer.forward(np.array([-1000.0, 0.0, 1000.0]))
        array([0. , 0.5, 1. ])
        >>> layer.backward(np.array([1.0, 1.0, 1.0]))
        array([0.  , 0.25, 0.  ])
    """

    def forward(self, x: Array) -> Array:
        """Compute y = 1 / (1 + exp(−x)).

        Args:
            x: An array of any shape.

        Returns:
            y, of the same shape.
        """
        self.y = (1 + np.tanh(x / 2)) / 2
        return self.y

    def backward(self, dy: Array) -> Array:
        """Compute dx = dy · y · (1 − y).

        Args:
            dy: Gradient of the output.

        Returns:
            Gradient of the input, of the same shape.
        """
        return dy * self.y * (1 - self.y)


class Dropout:
    """Dropout: in training y = x · m / (1 − ratio), where each m is 0 with probability `ratio`, else 1; afterwards y = x.

    Dividing by 1 − ratio keeps the mean of y equal to x, so nothing needs to be scaled in inference.

    Args:
        ratio: Share of the values that are set to 0, at least 0 and below 1.
        seed: Seed of the random numbers.

    Raises:
        UsageError: If the ratio is out of range.

    Example:
        >>> layer = Dropout(0.5)
        >>> y = layer.forward(np.ones((100, 100)))
        >>> np.unique(y), bool(abs(y.mean() - 1) < 0.05)
        (array([0., 2.]), True)
        >>> layer.forward(np.ones(3), training=False)
        array([1., 1., 1.])
    """  # noqa: E501

    def __init__(self, ratio: float = 0.5, seed: int = 0) -> None:
        if not 0 <= ratio < 1:
            raise UsageError(f"ratio must be at least 0 and below 1; received {ratio}.")
        self.ratio = ratio
        self.rng = np.random.default_rng(seed)

    def forward(self, x: Array, training: bool = True) -> Array:
        """Compute y = x · m / (1 − ratio) in training, and y = x in inference.

        Args:
            x: An array of any shape.
            training: Whether values are set to 0.

        Returns:
            y, of the same shape.
        """
        self.scale = np.ones(x.shape)
        if training:
            self.scale = (self.rng.random(x.shape) >= self.ratio) / (1 - self.ratio)
        return x * self.scale

    def backward(self, dy: Array) -> Array:
        """Compute dx = dy · m / (1 − ratio).

        Args:
            dy: Gradient of the output.

        Returns:
            Gradient of the input, of the same shape.
        """
        return dy * self.scale


class BatchNormalization:
    """Batch normalization: x̂ = (x − μ) / √(σ² + ε), y = γ · x̂ + β, for each channel.

    In training, μ and σ² are the mean and the variance of a channel over the batch (for images also over their
    pixels). Moving averages of both are kept for inference: moving ← momentum · moving + (1 − momentum) · batch.

    Args:
        gamma: Scale γ of each channel, (C,).
        beta: Shift β of each channel, (C,).
        momentum: Weight of the old value in the moving averages.
        epsilon: Constant ε that prevents a division by 0.

    Attributes:
        moving_mean: Moving average of μ, (C,).
        moving_variance: Moving average of σ², (C,).
        dgamma: Gradient of γ after backward, (C,).
        dbeta: Gradient of β after backward, (C,).

    Example:
        >>> layer = BatchNormalization(gamma=np.ones(1), beta=np.array([5.0]))
        >>> layer.forward(np.array([[1.0], [2.0], [3.0]])).round(3)
        array([[3.775],
               [5.   ],
               [6.225]])
        >>> layer.backward(np.ones((3, 1))).round(3) + 0.0  # adding 1 to all x changes nothing
        array([[0.],
               [0.],
               [0.]])
    """

    def __init__(self, gamma: Array, beta: Array, momentum: float = 0.9, epsilon: float = 1e-5) -> None:
        self.gamma, self.beta = gamma, beta
        self.momentum, self.epsilon = momentum, epsilon
        self.moving_mean = np.zeros(len(gamma))
        self.moving_variance = np.ones(len(gamma))

    def forward(self, x: Array, training: bool = True) -> Array:
        """Compute y = γ · (x − μ) / √(σ² + ε) + β.

        Args:
            x: Samples (N, C), or maps (N, C, H, W).
            training: Whether μ and σ² are those of the batch; otherwise they are the moving averages.

        Returns:
            y, of the same shape.
        """
        X = np.moveaxis(x, 1, -1)  # (N, C) or (N, H, W, C)
        axes = tuple(range(X.ndim - 1))  # all but the channels
        mean, variance = self.moving_mean, self.moving_variance
        if training:
            mean, variance = X.mean(axis=axes), X.var(axis=axes)
            self.moving_mean = self.momentum * self.moving_mean + (1 - self.momentum) * mean
            self.moving_variance = self.momentum * self.moving_variance + (1 - self.momentum) * variance
        self.deviation = np.sqrt(variance + self.epsilon)
        self.normalized = (X - mean) / self.deviation
        return np.moveaxis(self.gamma * self.normalized + self.beta, -1, 1)

    def backward(self, dy: Array) -> Array:
        """Compute dx = γ / √(σ² + ε) · (dy − mean(dy) − x̂ · mean(dy · x̂)), after a forward pass in training.

        The two means are there because μ and σ² depend on x as well. dγ = Σ dy · x̂ and dβ = Σ dy, for each channel.

        Args:
            dy: Gradient of the output, (N, C) or (N, C, H, W).

        Returns:
            Gradient of the input, of the same shape.
        """
        dY = np.moveaxis(dy, 1, -1)
        axes = tuple(range(dY.ndim - 1))
        self.dgamma = (dY * self.normalized).sum(axis=axes)
        self.dbeta = dY.sum(axis=axes)
        count = dY.size // len(self.gamma)
        dX = dY - self.dbeta / count - self.normalized * self.dgamma / count
        return np.moveaxis(self.gamma / self.deviation * dX, -1, 1)


def log_softmax(x: Array) -> Array:
    """Return the logarithm of the softmax: log y[n, c] = x[n, c] − log Σ over k of exp(x[n, k]).

    The largest score of each row is subtracted first. This changes nothing in the result, but exp cannot overflow.

    Args:
        x: Scores (N, classes).

    Returns:
        Logarithms of the probabilities, (N, classes).

    Example:
        >>> np.exp(log_softmax(np.array([[0.0, 0.0], [1000.0, 0.0]])))
        array([[0.5, 0.5],
               [1. , 0. ]])
    """
    shifted: Array = x - x.max(axis=1, keepdims=True)
    logarithms: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logarithms


class SoftmaxWithLoss:
    """Softmax and cross-entropy: y = exp(x) / Σ exp(x) for each row, loss = −(1 / N) · Σ t · log y.

    Together they have the simple gradient dx = (y − t) / N.

    Attributes:
        loss: The loss after forward.
        y: Probabilities after forward, (N, classes).

    Example:
        >>> layer = SoftmaxWithLoss()
        >>> round(layer.forward(np.log([[1.0, 2.0, 1.0]]), np.array([1])), 4)  # −log(2 / 4)
        0.6931
        >>> layer.backward().round(4)
        array([[ 0.25, -0.5 ,  0.25]])
    """

    def forward(self, x: Array, t: Array) -> float:
        """Compute loss = −(1 / N) · Σ t · log y: scores x (N, classes), targets t → one number.

        Args:
            x: Scores (N, classes).
            t: Class numbers (N,), or one probability for each class (N, classes), such as one-hot targets.

        Returns:
            The loss.
        """
        if t.ndim == 1:
            t = np.eye(x.shape[1])[t]  # one-hot
        logarithms = log_softmax(x)
        self.t, self.y = t, np.exp(logarithms)
        self.loss = -float((t * logarithms).sum()) / len(x)
        return self.loss

    def backward(self, dout: float = 1.0) -> Array:
        """Compute dx = dout · (y − t) / N.

        Args:
            dout: Gradient with respect to the loss; 1 if nothing follows the loss.

        Returns:
            Gradient of the scores, (N, classes).
        """
        return dout * (self.y - self.t) / len(self.t)
