"""How far from its predictions a stream has been: intervals that hold what they promise."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lethe.model.scaling import Values

__all__ = ["Past", "interval"]


class Past(NamedTuple):
    """What was answered, and how wrong such answers were before.

    The residuals are those of the model, which goes on: while it has learned from fewer than they
    are since the answer, those that are newer are left out; after that they are all newer.
    An answer before all residuals has an infinite interval for ever.

    Parameters
    ----------
    record : ndarray
        An event's: the answer, how far from what came such answers used to be, and how many
        residuals there had been, each (heads,), lie at `places`.
    places : tuple of slice
        Where.
    residuals : ndarray, shape (heads, kept)
        The last ones, each in units of what was usual, in a ring.
    counts : ndarray, shape (heads,)
        How many there have been by now.
    """

    record: Values
    places: tuple[slice, slice, slice]
    residuals: Values
    counts: Values

    def interval(self, head: int, level: float) -> tuple[float, float]:
        """Where, with probability `level`, the value of a head will be."""
        mixed, usual, seen = (float(self.record[place][head]) for place in self.places)
        ring = self.residuals[head]
        kept, then, now = len(ring), int(seen), int(self.counts[head])
        if not then:
            return -np.inf, np.inf
        first = max(0, now - kept)
        known = ring[np.arange(first, then) % kept] if first < then else ring
        return interval(known, mixed, usual, level)


def interval(
    residuals: Values, predicted: float, usual: float, level: float
) -> tuple[float, float]:
    """Where, with probability `level`, a value will be; infinite while too little is known.

    From one quantile of the last residuals to another, times what is usual now: where the stream
    goes on as it was, so many of the events to come lie in it (split conformal prediction, Vovk et
    al. 2005, over a sliding window).

    Parameters
    ----------
    residuals : ndarray
        The last ones, each in units of what was usual when it came.
    predicted, usual : float
        The prediction, and how far from it values usually are.
    level : float
        In (0, 1).

    Returns
    -------
    tuple of float
        The ends.

    Examples
    --------
    >>> interval(np.arange(-50.0, 51.0), 10.0, 0.5, 0.8)
    (-10.5, 30.5)
    """
    n = len(residuals)
    tail = (1 - level) / 2
    if n * tail < 1:
        return -np.inf, np.inf
    ordered = np.sort(residuals)
    # One residual further out than the quantiles: few of them promise no more than they know.
    low = ordered[max(0, math.floor((n - 1) * (tail - 1 / n)))]
    high = ordered[min(n - 1, math.ceil((n - 1) * (1 - tail + 1 / n)))]
    return predicted + usual * float(low), predicted + usual * float(high)
