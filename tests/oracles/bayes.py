"""What kernels/stream/bayes.hpp computes, a second time: slowly, in NumPy."""

from __future__ import annotations

import numpy as np
from oracles.events import Values
from oracles.store import Indices

BINS, ZERO_BIN = 8, 3
BIN_EDGES = np.array([-1.2, -0.7, -0.3, 0.0, 0.3, 0.7, 1.2])
BAYES_FADING, MOST_EVENT_WEIGHT = 0.999, 1e6
MARGINAL_COUNT, BIN_COUNT, CLASS_COUNT = 1.0, 1e-3, 0.5


class Bayes:
    """Naive Bayes: how often each class came with each bin of a feature."""

    def __init__(self, features: int, classes: int) -> None:
        self.weight = 1.0  # of the last event
        self.classes = np.zeros(classes)
        self.counts = np.zeros((features, BINS, classes))

    @staticmethod
    def _bins(x: Values) -> tuple[Indices, Indices]:
        """The rows of counts that these features are in."""
        return np.arange(len(x)), np.searchsorted(BIN_EDGES, x)

    def observe(self, x: Values, place: int) -> None:
        self.weight /= BAYES_FADING
        if place < len(self.classes):
            self.classes[place] += self.weight
            self.counts[(*self._bins(x), place)] += self.weight
        if self.weight > MOST_EVENT_WEIGHT:
            self.classes /= self.weight
            self.counts /= self.weight
            self.weight = 1.0

    def predict(self, x: Values, known: int) -> Values | None:
        """The probabilities of the classes from 1 to below `known`."""
        classes = self.classes[1:known] / self.weight
        if not classes.sum():
            return None
        rows = self.counts[self._bins(x)][:, 1:known] / self.weight
        marginal = rows.sum(axis=1, keepdims=True) / classes.sum()
        given = (rows + MARGINAL_COUNT * marginal + BIN_COUNT) / (
            classes + MARGINAL_COUNT + BIN_COUNT
        )
        logs = np.log(classes + CLASS_COUNT) + np.log(given).sum(axis=0)
        p = np.exp(logs - logs.max())
        return p / p.sum()

    def forget_feature(self, feature: int) -> None:
        self.counts[feature] = 0
        self.counts[feature, ZERO_BIN] = self.classes

    def forget_class(self, place: int) -> None:
        if place < len(self.classes):
            self.classes[place] = 0
            self.counts[..., place] = 0

    def parts(self) -> dict[str, Values]:
        return {
            "bayes weight": np.array([self.weight]),
            "bayes classes": self.classes,
            "bayes counts": self.counts,
        }
