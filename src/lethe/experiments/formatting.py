"""What stands in a cell of a table: percentages with their intervals, means in brackets."""

from __future__ import annotations

import math

from lethe.experiments.results import interval

__all__ = ["beside", "percentage"]


def beside(value: float | None, marks: str, decimals: int = 0) -> str:
    """A mean in its brackets, or a dash where there was nothing to take it of.

    Examples
    --------
    >>> beside(7441.2, "()"), beside(4.61, "<>", 1), beside(None, "()")
    ('(7441)', '<4.6>', '(-)')
    """
    if value is None or math.isnan(value):
        return f"{marks[0]}-{marks[1]}"
    return f"{marks[0]}{value:.{decimals}f}{marks[1]}"


def percentage(successes: int, trials: int) -> tuple[float, str]:
    """Successes in per cent, and their 95 % interval (Wilson) as text.

    Examples
    --------
    >>> percentage(62, 100)
    (62.0, '[52, 71]')
    """
    low, high = (100 * bound for bound in interval(successes, trials))
    return 100 * successes / max(1, trials), f"[{low:.0f}, {high:.0f}]"
