"""How far from its predictions a stream has been: intervals that hold what they promise."""

from __future__ import annotations

import numpy as np

from lethe.model.scaling import Values

__all__ = ["interval"]


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
    >>> interval(np.arange(-50.0, 51.0), 10.0, 0.1, 0.8)
    (5.9, 14.1)
    """
    n = len(residuals)
    tail = (1 - level) / 2
    if n * tail < 1:
        return -np.inf, np.inf
    # The outer of two neighbouring residuals: few of them promise no more than they know.
    low = np.quantile(residuals, max(0.0, tail - 1 / n), method="lower")
    high = np.quantile(residuals, min(1.0, 1 - tail + 1 / n), method="higher")
    return predicted + usual * float(low), predicted + usual * float(high)
