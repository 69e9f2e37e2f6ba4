"""Optimizers: rules that change the parameters w by their gradients g, in place.

All have one method, update(params, grads), which takes dictionaries of arrays with the same keys and shapes. The state
of an optimizer (v, h, m) starts at 0 and has the shape of the parameter.
"""

import numpy as np

from striate._types import Weights


def zeros_like(params: Weights) -> Weights:
    """Return an array of zeros for each parameter, of the same shape.

    Args:
        params: Parameters by name.

    Returns:
        Zeros by the same names.

    Example:
        >>> zeros_like({"W": np.ones((1, 2))})
        {'W': array([[0., 0.]])}
    """
    return {key: np.zeros(w.shape) for key, w in params.items()}


class SGD:
    """Stochastic gradient descent: w ← w − η·g.

    Args:
        lr: Learning rate η.

    Example:
        >>> params = {"w": np.array([1.0, 2.0])}
        >>> SGD(lr=0.1).update(params, {"w": np.array([1.0, -1.0])})
        >>> params
        {'w': array([0.9, 2.1])}
    """

    def __init__(self, lr: float = 0.01) -> None:
        self.lr = lr

    def update(self, params: Weights, grads: Weights) -> None:
        """Apply w ← w − η·g to each parameter.

        Args:
            params: Parameters by name, which are changed in place.
            grads: Gradients with the same keys and shapes.
        """
        for key in params:
            params[key] -= self.lr * grads[key]


class Momentum:
    """Momentum: v ← μ·v − η·g, w ← w + v, like a ball that rolls downhill and is slowed by friction.

    Args:
        lr: Learning rate η.
        momentum: Share μ of the velocity that remains after a step.

    Example:
        >>> params, optimizer = {"w": np.array([1.0])}, Momentum(lr=0.1, momentum=0.5)
        >>> for step in range(2):
        ...     optimizer.update(params, {"w": np.array([1.0])})
        >>> params  # 1 − 0.1 − (0.05 + 0.1)
        {'w': array([0.75])}
    """

    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        self.lr, self.momentum = lr, momentum
        self.v: Weights = {}

    def update(self, params: Weights, grads: Weights) -> None:
        """Apply v ← μ·v − η·g, w ← w + v to each parameter.

        Args:
            params: Parameters by name, which are changed in place.
            grads: Gradients with the same keys and shapes.
        """
        self.v = self.v or zeros_like(params)
        for key in params:
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]
            params[key] += self.v[key]


class Nesterov(Momentum):
    """Nesterov momentum: v ← μ·v − η·g, w ← w + μ·v − η·g. The next step's momentum is applied in advance.

    Args:
        lr: Learning rate η.
        momentum: Share μ of the velocity that remains after a step.

    Example:
        >>> params, optimizer = {"w": np.array([1.0])}, Nesterov(lr=0.1, momentum=0.5)
        >>> optimizer.update(params, {"w": np.array([1.0])})
        >>> params  # 1 − 0.05 − 0.1
        {'w': array([0.85])}
    """

    def update(self, params: Weights, grads: Weights) -> None:
        """Apply v ← μ·v − η·g, w ← w + μ·v − η·g to each parameter.

        Args:
            params: Parameters by name, which are changed in place.
            grads: Gradients with the same keys and shapes.
        """
        self.v = self.v or zeros_like(params)
        for key in params:
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]
            params[key] += self.momentum * self.v[key] - self.lr * grads[key]


class AdaGrad:
    """AdaGrad: h ← h + g², w ← w − η·g / (√h + ε). Parameters that have changed much change less from then on.

    Args:
        lr: Learning rate η.
        epsilon: Constant ε that prevents a division by 0.

    Example:
        >>> params = {"w": np.array([1.0, 1.0])}
        >>> AdaGrad(lr=0.1).update(params, {"w": np.array([0.01, 100.0])})
        >>> params["w"].round(4)  # the first step has the length η whatever the gradient
        array([0.9, 0.9])
    """

    def __init__(self, lr: float = 0.01, epsilon: float = 1e-7) -> None:
        self.lr, self.epsilon = lr, epsilon
        self.h: Weights = {}

    def update(self, params: Weights, grads: Weights) -> None:
        """Apply h ← h + g², w ← w − η·g / (√h + ε) to each parameter.

        Args:
            params: Parameters by name, which are changed in place.
            grads: Gradients with the same keys and shapes.
        """
        self.h = self.h or zeros_like(params)
        for key in params:
            self.h[key] += grads[key] ** 2
            params[key] -= self.lr * grads[key] / (np.sqrt(self.h[key]) + self.epsilon)


class RMSprop:
    """RMSprop: h ← ρ·h + (1 − ρ)·g², w ← w − η·g / (√h + ε). AdaGrad with a decaying average.

    Args:
        lr: Learning rate η.
        rho: Share ρ of h that remains after a step.
        epsilon: Constant ε that prevents a division by 0.

    Example:
        >>> params = {"w": np.array([1.0])}
        >>> RMSprop(lr=0.1, rho=0.75).update(params, {"w": np.array([100.0])})
        >>> params["w"].round(4)  # 1 − 0.1 · 100 / √(0.25 · 100²)
        array([0.8])
    """

    def __init__(self, lr: float = 0.001, rho: float = 0.9, epsilon: float = 1e-7) -> None:
        self.lr, self.rho, self.epsilon = lr, rho, epsilon
        self.h: Weights = {}

    def update(self, params: Weights, grads: Weights) -> None:
        """Apply h ← ρ·h + (1 − ρ)·g², w ← w − η·g / (√h + ε) to each parameter.

        Args:
            params: Parameters by name, which are changed in place.
            grads: Gradients with the same keys and shapes.
        """
        self.h = self.h or zeros_like(params)
        for key in params:
            self.h[key] = self.rho * self.h[key] + (1 - self.rho) * grads[key] ** 2
            params[key] -= self.lr * grads[key] / (np.sqrt(self.h[key]) + self.epsilon)


class Adam:
    """Adam: m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², w ← w − η·m̂ / (√v̂ + ε).

    m and v start at 0 and are too small at first, so step t uses m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ).

    Args:
        lr: Learning rate η.
        beta1: Share β₁ of m that remains after a step.
        beta2: Share β₂ of v that remains after a step.
        epsilon: Constant ε that prevents a division by 0.

    Example:
        >>> params = {"w": np.array([1.0, 1.0])}
        >>> Adam(lr=0.1).update(params, {"w": np.array([0.01, -100.0])})
        >>> params["w"].round(4)  # the first step has the length η whatever the gradient
        array([0.9, 1.1])
    """

    def __init__(self, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-7) -> None:
        self.lr, self.beta1, self.beta2, self.epsilon = lr, beta1, beta2, epsilon
        self.m: Weights = {}
        self.v: Weights = {}
        self.t = 0

    def update(self, params: Weights, grads: Weights) -> None:
        """Apply w ← w − η·m̂ / (√v̂ + ε) to each parameter, after updating m and v.

        Args:
            params: Parameters by name, which are changed in place.
            grads: Gradients with the same keys and shapes.
        """
        self.m = self.m or zeros_like(params)
        self.v = self.v or zeros_like(params)
        self.t += 1
        for key in params:
            self.m[key] += (1 - self.beta1) * (grads[key] - self.m[key])
            self.v[key] += (1 - self.beta2) * (grads[key] ** 2 - self.v[key])
            m_hat = self.m[key] / (1 - self.beta1**self.t)
            v_hat = self.v[key] / (1 - self.beta2**self.t)
            params[key] -= self.lr * m_hat / (np.sqrt(v_hat) + self.epsilon)


Optimizer = SGD | Momentum | AdaGrad | RMSprop | Adam
