"""What kernels/stream/deviants.hpp computes, a second time: in NumPy."""

from __future__ import annotations

import numpy as np
from oracles.events import Values
from oracles.scales import clamp, followed

UNUSUALLY_APART, FAR_APART, SAME = 10.0, 4.0, 1e-6
MOST_BENEFIT, TRUST_RATE, NEAR = 50.0, 0.02, 0.1


class Deviants:
    """How far each predictor of a head usually is from the blend, and the trust in it."""

    def __init__(self, predictors: int) -> None:
        self.apart, self.trust, self.trusted, self.benefit = np.zeros((4, predictors))

    def find(self, predictions: Values, plain: float, usual: float) -> int:
        """1 + the predictor that is the furthest from the blend for its kind; 0: none is."""
        found, most = 0, UNUSUALLY_APART
        for i, distance in enumerate(np.abs(predictions - plain)):
            apart = float(self.apart[i])
            if apart > 0 and distance > FAR_APART * usual and distance > most * apart:
                found, most = 1 + i, (1 + SAME) * float(distance) / apart
        return found

    def correct(self, deviant: int, predictions: Values, plain: float) -> float:
        i = deviant - 1
        if not deviant or not self.benefit[i] > 0:
            return plain
        return plain + float(self.trust[i]) * (float(predictions[i]) - plain)

    def learn(
        self,
        deviant: int,
        predictions: Values,
        plain: float,
        target: float,
        usual: float,
        events: float,
    ) -> None:
        if deviant and usual > 0:
            i = deviant - 1
            trust, way = float(self.trust[i]), float(predictions[i]) - plain
            gained = abs(target - plain) - abs(target - (plain + trust * way))
            self.trusted[i] += 1
            self.benefit[i] += clamp(gained / usual, MOST_BENEFIT) - TRUST_RATE * self.benefit[i]
            step = max(1 / (1 + float(self.trusted[i])), TRUST_RATE)
            toward = clamp(((target - plain) / way - trust) / NEAR, 1.0)
            self.trust[i] = min(max(trust + step * toward, 0.0), 1.0)
        for i, distance in enumerate(np.abs(predictions - plain)):
            self.apart[i] = followed(float(self.apart[i]), events + 1, float(distance))
