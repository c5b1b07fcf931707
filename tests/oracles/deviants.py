"""What kernels/stream/deviants.hpp computes, a second time: in NumPy."""

from __future__ import annotations

import math

import numpy as np
from oracles.events import Values
from oracles.scales import clamp, followed

UNUSUALLY_APART, FAR_APART = 10.0, 4.0
MOST_BENEFIT, TRUST_RATE, NEAR = 50.0, 0.02, 0.1


class Deviants:
    """How far each predictor of a target usually is from the blend, and the trust in it."""

    def __init__(self, predictors: int) -> None:
        self.apart, self.trust, self.trusted, self.benefit = np.zeros((4, predictors))

    def corrected(self, predictions: Values, plain: float, usual: float) -> float:
        """The blend, or some way to the predictor that deviates and has helped the most."""
        found, most = plain, 0.0
        for i in self._deviating(predictions, plain, usual):
            if self.benefit[i] > most:
                most = float(self.benefit[i])
                found = plain + float(self.trust[i]) * (float(predictions[i]) - plain)
        return found

    def learn(
        self, predictions: Values, plain: float, target: float, usual: float, events: float
    ) -> None:
        for i in self._deviating(predictions, plain, usual):
            self._judge(i, float(predictions[i]) - plain, target - plain, usual)
        for i, distance in enumerate(np.abs(predictions - plain)):
            self.apart[i] = followed(float(self.apart[i]), events + 1, float(distance))

    def _deviating(self, predictions: Values, plain: float, usual: float) -> list[int]:
        distance = np.abs(predictions - plain)
        far = (distance > FAR_APART * usual) & (distance > UNUSUALLY_APART * self.apart)
        return [int(i) for i in np.flatnonzero(far & (self.apart > 0))] if usual > 0 else []

    def _judge(self, i: int, way: float, right_way: float, usual: float) -> None:
        of_way, trust = right_way / way, float(self.trust[i])
        if not math.isfinite(of_way):
            return
        gained = abs(right_way) - abs(right_way - trust * way)
        self.trusted[i] += 1
        self.benefit[i] += clamp(gained / usual, MOST_BENEFIT) - TRUST_RATE * self.benefit[i]
        step = max(1 / (1 + float(self.trusted[i])), TRUST_RATE)
        self.trust[i] = min(max(trust + step * clamp((of_way - trust) / NEAR, 1.0), 0.0), 1.0)
