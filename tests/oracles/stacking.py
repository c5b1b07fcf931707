"""What kernels/stream/stacking.hpp computes, a second time: slowly, in NumPy."""

from __future__ import annotations

import numpy as np
from oracles.events import Values

LEAST_STACKED, STACK_MEMORY, STACK_RIDGE, STACK_SHARING = 1e-4, 0.998, 10.0, 0.01
MOST_WEIGHT = 20.0


class Stacking:
    """All predictors' logarithms, weighed, the weights found by Newton's method online."""

    def __init__(self, predictors: int) -> None:
        self.weights = np.full(predictors, 1 / max(predictors, 1))
        self.curvature = STACK_RIDGE * np.eye(predictors)
        self.share = np.full(2 if predictors else 0, 0.5)

    def predict(self, rows: Values) -> Values:
        """Probabilities; `rows` are those of the predictors, (predictors, classes)."""
        sums = self.weights @ np.log(np.maximum(rows, LEAST_STACKED))
        p = np.exp(sums - sums.max())
        return p / p.sum()

    def learn(self, rows: Values, came: int) -> float:
        """What had been said of the class that came."""
        p = self.predict(rows)
        logs = np.log(np.maximum(rows, LEAST_STACKED))
        mean = logs @ p
        self.curvature *= STACK_MEMORY
        self.curvature += (1 - STACK_MEMORY) * STACK_RIDGE * np.eye(len(rows))
        self.curvature += (p * logs) @ logs.T - np.outer(mean, mean)
        self.weights = np.clip(
            self.weights - np.linalg.solve(self.curvature, mean - logs[:, came]),
            -MOST_WEIGHT,
            MOST_WEIGHT,
        )
        return float(p[came])

    def learn_share(self, stacked: float, mixed: float) -> None:
        share = self.share * [stacked, mixed]
        self.share = (1 - STACK_SHARING) * share / share.sum() + STACK_SHARING / 2

    def parts(self) -> dict[str, Values]:
        return {
            "stack weights": self.weights,
            "stack curvature": self.curvature,
            "stack share": self.share,
        }
