"""What kernels/stream/mixture.hpp computes, a second time: in NumPy."""

from __future__ import annotations

import math

import numpy as np
from oracles.events import Values

BLEND_FORGETTING, MOST_PROMISED = 0.999, 3.0
LEAST_UNIT, ROUNDING, MOST_COUNTED = 1e-100, 1e-12, 50.0
LAST, SEASON = 0, 5  # the predictors that are believed first


def first_weights(predictors: int) -> Values:
    start = np.full(predictors, 0.1)
    start[[LAST, SEASON]] = 1.0
    return start / start.sum()


class Blend:
    """Weights of several predictors, by their regrets.

    Parameters
    ----------
    weights : ndarray
        The first ones.
    """

    def __init__(self, weights: Values) -> None:
        self.weights = weights.copy()
        self.regret, self.squares = np.zeros(len(weights)), np.zeros(len(weights))
        self.most = 0.0

    def of(self, predictions: Values) -> float:
        return float(predictions[0] + self.weights @ (predictions - predictions[0]))

    def learn(
        self,
        predictions: Values,
        blended: float,
        target: float,
        usual: float,
        slow_unit: float = 0.0,
        says: Values | float = 1.0,
    ) -> None:
        unit = slow_unit if slow_unit > 0 else usual
        if not unit > LEAST_UNIT:
            return
        apart = blended - predictions
        promised = np.minimum(
            np.sign(blended - target) / unit * apart, MOST_PROMISED * usual / unit
        )
        gained = (abs(blended - target) - np.abs(predictions - target)) / unit
        r = np.clip(np.maximum(promised, gained), -MOST_COUNTED, MOST_COUNTED)
        other = np.abs(apart) > ROUNDING * abs(blended)
        self.regret = np.where(other, BLEND_FORGETTING * self.regret + r, self.regret)
        self.squares = np.where(other, BLEND_FORGETTING * self.squares + r * r, self.squares)
        self.most = max(BLEND_FORGETTING**2 * self.most, float((r * r)[other].max(initial=0.0)))
        least = self.most if slow_unit > 0 else 1.0
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = says * np.maximum(self.regret, 0.0) / (least + self.squares)
            total = float(shares.sum())
            if 0 < total < math.inf:
                self.weights = shares / total
