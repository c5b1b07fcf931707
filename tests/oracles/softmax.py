"""What kernels/stream/softmax.hpp computes, a second time: slowly, in NumPy."""

from __future__ import annotations

import numpy as np
from oracles.events import Values

SOFTMAX_RATE, SOFTMAX_FADING, FIRST_SQUARE = 0.3, 0.999, 0.01


class Softmax:
    """Softmax regression; the constant comes before the features."""

    def __init__(self, features: int, classes: int) -> None:
        self.weights = np.zeros((classes, 1 + features))
        self.squares = np.zeros((classes, 1 + features))

    def predict(self, x: Values, known: int) -> Values:
        """The probabilities of the classes from 1 to below `known`."""
        sums = self.weights[1:known, : 1 + len(x)] @ np.concatenate(([1.0], x))
        p = np.exp(sums - sums.max())
        return p / p.sum()

    def learn(self, x: Values, known: int, place: int) -> None:
        if place >= len(self.weights):
            return
        errors = self.predict(x, known) - (np.arange(1, known) == place)
        given = np.concatenate(([1.0], x))
        there = np.flatnonzero(given)
        where = np.ix_(range(1, known), there)
        gradients = np.outer(errors, given[there])
        self.squares[where] = SOFTMAX_FADING * self.squares[where] + gradients**2
        self.weights[where] -= (
            SOFTMAX_RATE * gradients / np.sqrt(self.squares[where] + FIRST_SQUARE)
        )

    def forget_feature(self, feature: int) -> None:
        self.weights[:, 1 + feature] = self.squares[:, 1 + feature] = 0

    def forget_class(self, place: int) -> None:
        if place < len(self.weights):
            self.weights[place] = self.squares[place] = 0

    def parts(self) -> dict[str, Values]:
        return {"softmax weights": self.weights, "softmax squares": self.squares}
