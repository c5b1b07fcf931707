"""What lethe.model.prediction computes of residuals, a second time: by counting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction


def interval(
    residuals: Sequence[float], predicted: float, usual: float, level: Fraction
) -> tuple[float, float]:
    """Where, with probability `level`, a value will be.

    Exactly, in fractions: from the residual that is one rank below the lower quantile to the one
    that is one rank above the higher.
    """
    n, tail = len(residuals), (1 - level) / 2
    if n * tail < 1:
        return -math.inf, math.inf
    ordered = sorted(residuals)
    low = (n - 1) * (tail - Fraction(1, n))
    high = (n - 1) * (1 - tail + Fraction(1, n))
    first = ordered[max(0, math.floor(low))]
    last = ordered[min(n - 1, math.ceil(high))]
    return predicted + usual * first, predicted + usual * last
