"""How good distributions of numbers are: coverage, CRPS and the logarithmic score."""

from __future__ import annotations

import math
from collections import deque

from lethe.model import Prediction

__all__ = ["DistributionScores"]

_SCORES = ("coverage", "width", "crps", "log score", "absolute error", "squared error of mean")


class DistributionScores:
    """The scores of a model's distributions, so many events ahead of each.

    Parameters
    ----------
    ahead : int
        How many events ahead.
    target : str, optional
        Which, where there are several.
    level : float
        Of the interval whose coverage is counted.

    Attributes
    ----------
    count : int
        Events that count: those whose target is known, and of whose distribution something was.

    Examples
    --------
    >>> import numpy as np
    >>> from lethe import Model
    >>> scores, model = DistributionScores(), Model("y", horizon=1, cells=4)
    >>> for y in np.random.default_rng(0).normal(size=600).tolist():
    ...     scores.update(model.predict(), y)
    ...     report = model.learn({"y": y})
    >>> found = scores.means()
    >>> 0.85 < found["coverage"] < 0.95, found["crps"] < 0.6 < found["absolute error"]
    (True, True)
    """

    def __init__(self, ahead: int = 1, target: str | None = None, level: float = 0.9) -> None:
        self.ahead, self.target, self.level = ahead, target, level
        self.count = 0
        self._waiting: deque[Prediction] = deque()
        self._sums = dict.fromkeys(
            ("coverage", "width", "crps", "log score", "absolute error", "squared error of mean"),
            0.0,
        )

    def update(self, prediction: Prediction, actual: float) -> None:
        """Score what was predicted of an event.

        Parameters
        ----------
        prediction : Prediction
            Made before this event, of it and those that follow.
        actual : float
            The event's target; NaN is missing.
        """
        self._waiting.append(prediction)
        if len(self._waiting) < self.ahead:
            return
        self.score(self._waiting.popleft(), actual)

    def score(self, made: Prediction, actual: float) -> None:
        """Score one prediction, where this came of it `ahead` events later."""
        low, high = made.interval(self.level, target=self.target, ahead=self.ahead)
        if not math.isfinite(high - low) or actual != actual:
            return
        target, ahead = self.target, self.ahead
        value = made.forecast[self.ahead - 1]
        expected = value[self.target] if isinstance(value, dict) and self.target else value
        assert isinstance(expected, float)
        self.count += 1
        for name, score in (
            ("coverage", float(low <= actual <= high)),
            ("width", high - low),
            ("crps", made.crps(actual, target=target, ahead=ahead)),
            ("log score", -made.log_density(actual, target=target, ahead=ahead)),
            ("absolute error", abs(actual - expected)),
            ("squared error of mean", (actual - made.mean(target=target, ahead=ahead)) ** 2),
        ):
            self._sums[name] += score

    def means(self) -> dict[str, float]:
        """The mean of each score; NaN before the first event that counts."""
        return {
            name: total / self.count if self.count else math.nan
            for name, total in self._sums.items()
        }
