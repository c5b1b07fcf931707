"""What kernels/stream/anomaly.hpp computes, a second time: slowly, in plain Python."""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from math import exp, log, nan
from typing import Literal, NamedTuple

import numpy as np
from oracles.events import Values

SAMPLE_SIZE = 1000
SAMPLED_EVENTS = 16 * SAMPLE_SIZE
RUN_LENGTH = 64
SHARE_OF_SINGLE = 0.1
TAIL_SIZE = 20
NEGLIGIBLE, RAREST, STEEPEST_TAIL, ROUNDING_ERROR = 1e-3, 1e-6, 0.01, 1e-12
FIRST_FRACTION, SECOND_FRACTION = 0.7548776662466927, 0.5698402909980532


class Anomaly(NamedTuple):
    """The score of an event, its most anomalous target, and each target's own score."""

    score: float
    target: int
    scores: tuple[float, ...]


class Sample:
    """A sample of all numbers so far, in order of size; in a long stream, of the last of them."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.count = 0

    def add(self, value: float) -> None:
        self.count = n = self.count + 1
        if n > SAMPLE_SIZE:
            if n * FIRST_FRACTION % 1.0 * min(n, SAMPLED_EVENTS) >= SAMPLE_SIZE:
                return
            del self.values[int(n * SECOND_FRACTION % 1.0 * SAMPLE_SIZE)]
        insort(self.values, value)

    def above(self, value: float, run: int = 1) -> float:
        """The part of the past that was at least as large, the value itself included."""
        values, n = self.values, len(self.values)
        own = run * n / min(self.count, SAMPLED_EVENTS) if run > 1 and n else 1.0
        if n > 10 * TAIL_SIZE and value > (start := values[-TAIL_SIZE - 1]) > 0:
            spread = sum(map(log, values[-TAIL_SIZE:])) / TAIL_SIZE - log(start)
            beyond = (log(start) - log(value)) / max(spread, STEEPEST_TAIL)
            return max(RAREST, (TAIL_SIZE + own) / (n + own) * exp(beyond))
        return (n - bisect_left(values, value) + own) / (n + own)

    def below(self, value: float) -> float:
        """The part of the past that was at most as large, the value itself included."""
        values, n = self.values, len(self.values)
        if n:
            value = max(value, NEGLIGIBLE * values[-(n * TAIL_SIZE // SAMPLE_SIZE) - 1])
        return (bisect_right(values, value) + 1) / (n + 1)

    def part(self) -> list[float]:
        return self.values + [0.0] * (SAMPLE_SIZE - len(self.values))


class AnomalyScorer:
    """Scores how anomalous the values of targets are, compared with what was predicted."""

    def __init__(self, targets: int) -> None:
        self.errors = [Sample() for _ in range(targets)]
        self.means = [Sample() for _ in range(targets)]
        self.mean = [0.0] * targets

    def score(
        self,
        actual: Sequence[float] | Values,
        predicted: Sequence[float] | Values,
        how: Literal["learn", "follow", "score"] = "learn",
    ) -> Anomaly:
        scores = []
        least, worst, known = 2.0, 0, 0
        for target in range(len(self.mean)):
            p, mean = self._rareness(target, float(actual[target]), float(predicted[target]), how)
            if how != "score":
                self.mean[target] = mean
            scores.append(1.0 - p)
            if p == p:
                known += 1
                if p < least:
                    least, worst = p, target
        least = least * known if known else nan
        return Anomaly(0.0 if least > 1.0 else 1.0 - least, worst, tuple(scores))

    def _rareness(self, target: int, value: float, guess: float, how: str) -> tuple[float, float]:
        """How often something as anomalous comes, and the mean of the run then."""
        error = abs(value - guess)
        if error != error:
            return nan, self.mean[target]
        if error > sys.float_info.max:
            error = sys.float_info.max
        elif error <= ROUNDING_ERROR * abs(value):
            error = 0.0
        errors, means, mean = self.errors[target], self.means[target], self.mean[target]
        above = errors.above(error)
        rarer = above if above < 0.5 else errors.below(error)
        surprise = -log(2.0 * rarer) if rarer < 0.5 else 0.0
        events = errors.count + 1
        p = above / SHARE_OF_SINGLE
        if events <= RUN_LENGTH:
            mean += (surprise - mean) / events
        else:
            mean += (surprise - mean) / RUN_LENGTH
            p = min(p, means.above(mean, RUN_LENGTH) / (1.0 - SHARE_OF_SINGLE))
            if how == "learn":
                means.add(mean)
        if how == "learn":
            errors.add(error)
        return min(p, 1.0), mean

    def parts(self) -> dict[str, Values]:
        size = (len(self.mean), SAMPLE_SIZE)
        return {
            "error sample": np.reshape([sample.part() for sample in self.errors], size),
            "surprise sample": np.reshape([sample.part() for sample in self.means], size),
            "error count": np.array([sample.count for sample in self.errors]),
            "surprise count": np.array([sample.count for sample in self.means]),
            "mean surprise": np.array(self.mean),
        }
