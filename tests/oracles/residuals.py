"""What kernels/stream/residuals.hpp computes, a second time: in plain Python and NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from oracles.events import Values

MOST_RESIDUALS, RESIDUALS_IN_ALL, LEAST_RESIDUALS = 1024, 24576, 64
MANY_VALUES, OFTEN_REACHED = 30, 10


def kept(heads: int) -> int:
    """Residuals that each head keeps."""
    return min(max(RESIDUALS_IN_ALL // heads, LEAST_RESIDUALS), MOST_RESIDUALS)


def spread(predictions: Values, naive: int, blended: float) -> float:
    """How far from the forecast the predictors are that have learned."""
    return float(np.abs(predictions[naive:] - blended).mean())


@dataclass
class Range:
    """The range of one target."""

    low: float = 0.0
    high: float = 0.0
    low_reached: float = 0.0
    high_reached: float = 0.0
    count: float = 0.0
    declared: tuple[float, float] = field(default=(-math.inf, math.inf))

    def observe(self, value: float, last: float) -> None:
        if not self.count or value < self.low:
            self.low, self.low_reached = value, 0.0
        if not self.count or value > self.high:
            self.high, self.high_reached = value, 0.0
        self.low_reached += value == self.low and value != last
        self.high_reached += value == self.high and value != last
        self.count += 1

    def bounds(self) -> tuple[float, float]:
        """Where values have to lie."""
        least, most = self.declared
        if self.count >= MANY_VALUES:
            if self.low_reached >= OFTEN_REACHED:
                least = max(least, self.low)
            elif self.low >= 0:
                least = max(least, 0.0)
            if self.high_reached >= OFTEN_REACHED:
                most = min(most, self.high)
            elif self.high <= 0:
                most = min(most, 0.0)
        least = min(least, self.declared[1])
        return least, max(least, most)
