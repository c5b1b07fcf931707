"""The entries of a table: percentages with their intervals, means in brackets."""

from __future__ import annotations

import math

__all__ = ["bracketed", "interval", "percentage"]


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
