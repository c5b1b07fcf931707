"""The entries of a table: percentages with their intervals, means in brackets."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["bracketed", "interval", "mean_interval", "percentage", "ratio_interval"]

_RESAMPLES = 10_000


def bracketed(value: float | None, marks: str, decimals: int = 0) -> str:
    """A mean in brackets, or a dash where there is none.

    Examples
    --------
    >>> bracketed(7441.2, "()"), bracketed(4.61, "<>", 1), bracketed(None, "()")
    ('(7441)', '<4.6>', '(-)')
    """
    if value is None or math.isnan(value):
        return f"{marks[0]}-{marks[1]}"
    return f"{marks[0]}{value:.{decimals}f}{marks[1]}"


def percentage(successes: int, trials: int) -> tuple[float, str]:
    """Successes in per cent, and their 95 % interval (Wilson) as a string.

    Examples
    --------
    >>> percentage(62, 100)
    (62.0, '[52, 71]')
    """
    low, high = (100 * bound for bound in interval(successes, trials))
    return 100 * successes / max(1, trials), f"[{low:.0f}, {high:.0f}]"


def interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a probability, from a number of successes (Wilson 1927).

    Parameters
    ----------
    successes, trials : int
        Number of successes, and of trials.

    Returns
    -------
    tuple of float
        The smallest and the largest probability, from 0 to 1; (0, 1) where there are no trials.

    Examples
    --------
    >>> [round(bound, 3) for bound in interval(62, 100)]
    [0.522, 0.709]
    >>> [round(bound, 3) for bound in interval(0, 100)]
    [0.0, 0.037]
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must be from 0 to {trials}, got {successes!r}")
    if trials == 0:
        return 0.0, 1.0
    z2 = 1.959963984540054**2
    rate = successes / trials
    centre = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    half = math.sqrt(z2 * (rate * (1 - rate) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    # The exact bounds at the ends; rounding would leave them a hair away.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return low, high


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of a mean: percentiles of the means of 10,000 resamples (Efron 1979).

    Parameters
    ----------
    values : sequence of float
        The sample.

    Returns
    -------
    tuple of float or None
        The same for the same sample. None of fewer than two values.

    Examples
    --------
    >>> mean_interval([3.0])
    >>> mean_interval([1.0, 1.0, 1.0])
    (1.0, 1.0)
    >>> low, high = mean_interval([1.0, 2.0, 3.0, 4.0])
    >>> 1 <= low < 2.5 < high <= 4
    True
    """
    return None if len(values) < 2 else _percentiles(_resampled_means(values, seed=0))


def ratio_interval(values: Sequence[float], of: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of a ratio of two means of positive values, like `mean_interval`.

    Parameters
    ----------
    values, of : sequence of float
        The samples: the mean of the first over that of the second.

    Returns
    -------
    tuple of float or None
        None where one of them has fewer than two values, or the second one that is not positive.

    Examples
    --------
    >>> ratio_interval([6.0, 6.0], [2.0, 2.0])
    (3.0, 3.0)
    >>> ratio_interval([6.0, 6.0], [0.0, 2.0])
    """
    if min(len(values), len(of)) < 2 or min(of) <= 0:
        return None
    return _percentiles(_resampled_means(values, seed=0) / _resampled_means(of, seed=1))


def _resampled_means(values: Sequence[float], seed: int) -> NDArray[np.float64]:
    draw = np.random.default_rng(seed)
    sample = np.asarray(values, np.float64)
    size = (_RESAMPLES // 100, len(sample))  # a hundredth at a time: samples may be large
    pieces = [sample[draw.integers(len(sample), size=size)].mean(axis=1) for _ in range(100)]
    return np.concatenate(pieces)


def _percentiles(sample: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.percentile(sample, (2.5, 97.5))
    return float(low), float(high)
