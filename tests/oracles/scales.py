"""What kernels/stream/scales.hpp computes, a second time: slowly, in plain Python."""

from __future__ import annotations

import math
from dataclasses import dataclass

MOST_SPREADS, WARM_UP, MOST_STANDARDISED = 10.0, 10, 5.0
SLOWEST_LEVEL, SLOWEST_DISTANCE, SLOWEST_UNIT = 0.002, 0.005, 0.002
FAR_BELOW, CALM_EVENTS, FALLING_RATE = 8.0, 50, 0.05


def clamp(value: float, bound: float) -> float:
    return min(max(value, -bound), bound)


@dataclass
class Level:
    """The running mean and variance of one column."""

    mean: float = 0.0
    variance: float = 0.0
    count: float = 0.0

    def observe(self, value: float) -> None:
        if not math.isfinite(value):
            return
        self.count += 1
        rate, spread = max(1 / self.count, SLOWEST_LEVEL), math.sqrt(self.variance)
        d = value - self.mean
        if self.count > WARM_UP and spread > 0:
            d = clamp(d, MOST_SPREADS * spread)
        self.mean += rate * d
        self.variance = (1 - rate) * (self.variance + rate * d * d)

    def standardised(self, value: float) -> float:
        if not (math.isfinite(value) and self.variance > 0):
            return 0.0
        return clamp((value - self.mean) / math.sqrt(self.variance), MOST_STANDARDISED)


def followed(mean: float, count: float, value: float, slowest: float = SLOWEST_DISTANCE) -> float:
    """A running mean after so many values, of which this one is the last."""
    if mean > 0 and count > WARM_UP:
        value = min(value, MOST_SPREADS * mean)
    return mean + max(1 / count, slowest) * (value - mean)


@dataclass
class Distance:
    """A running mean of distances, and how many there were."""

    slowest: float = SLOWEST_DISTANCE
    mean: float = 0.0
    count: float = 0.0

    def follow(self, value: float) -> None:
        self.count += 1
        self.mean = followed(self.mean, self.count, value, self.slowest)


@dataclass
class FallingDistance(Distance):
    """The same, but what is far below the mean for many events in a row brings it down quickly."""

    calm: float = 0.0

    def follow(self, value: float) -> None:
        self.calm = self.calm + 1 if value < self.mean / FAR_BELOW else 0
        self.slowest = FALLING_RATE if self.calm > CALM_EVENTS else SLOWEST_DISTANCE
        super().follow(value)
