"""What kernels/stream/newton.hpp computes, a second time: slowly, in NumPy."""

from __future__ import annotations

import numpy as np
from oracles import linear
from oracles.events import Values

NEWTON_FORGETTING, NEWTON_PRIOR, NEWTON_STEP = 0.998, 1.0, 4.0


class Newton:
    """Softmax regression by Newton's method online; the constant comes before the features."""

    def __init__(self, features: int, classes: int) -> None:
        self.weights = np.zeros((classes, 1 + features))
        self.covariance = NEWTON_PRIOR * np.eye(1 + features)
        self.active = np.zeros(1 + features)

    def predict(self, x: Values, known: int) -> Values:
        """The probabilities of the classes from 1 to below `known`."""
        sums = self.weights[1:known, : 1 + len(x)] @ np.concatenate(([1.0], x))
        p = np.exp(sums - sums.max())
        return p / p.sum()

    def learn(self, x: Values, known: int, place: int) -> None:
        phi = np.concatenate(([1.0], x))
        n = len(phi)
        self.active[:n][phi != 0] = 1
        if place >= len(self.weights):
            return
        errors = (np.arange(1, known) == place) - self.predict(x, known)
        gain, self.covariance[:n, :n] = linear.linear_gain(
            self.covariance[:n, :n], phi, self.active[:n], NEWTON_FORGETTING, NEWTON_PRIOR
        )
        self.weights[1:known, :n] += NEWTON_STEP * np.outer(errors, gain)

    def forget_feature(self, feature: int) -> None:
        linear.forget_feature(self.covariance, 1 + feature, NEWTON_PRIOR)
        self.weights[:, 1 + feature] = 0

    def forget_class(self, place: int) -> None:
        if place < len(self.weights):
            self.weights[place] = 0

    def grow(self, features: int, classes: int) -> None:
        """Room for so many more."""
        self.weights = np.pad(self.weights, ((0, classes), (0, features)))
        self.active = np.pad(self.active, (0, features))
        larger = NEWTON_PRIOR * np.eye(len(self.active))
        n = len(self.covariance)
        larger[:n, :n] = self.covariance
        self.covariance = larger

    def parts(self) -> dict[str, Values]:
        return {
            "newton weights": self.weights,
            "newton covariance": linear.packed(self.covariance),
            "newton active": self.active,
        }
