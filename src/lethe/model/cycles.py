"""Times of day, week and year as places on circles."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

__all__ = ["DAY", "FEATURES", "WEEK", "YEAR", "cyclic_features", "seconds_of"]

DAY = 86_400.0
WEEK = 7 * DAY
YEAR = 365.2425 * DAY

# One turn and, where one sine is too round for what people do, two.
_TURNS = np.array([1 / DAY, 2 / DAY, 1 / WEEK, 1 / YEAR, 2 / YEAR]) * 2 * math.pi

#: How many numbers `cyclic_features` gives.
FEATURES = 2 * len(_TURNS)


def cyclic_features(seconds: float) -> np.ndarray:
    """Sine and cosine of the time of day (twice: one and two turns), week and year (twice).

    Parameters
    ----------
    seconds : float
        Since 1970-01-01; NaN is an unknown time.

    Returns
    -------
    ndarray, shape (FEATURES,)
        In [-1, 1]; zeros where the time is unknown.

    Examples
    --------
    >>> cyclic_features(0.25 * DAY).round(3)[[0, 5]]  # a quarter of the day: at the circle's top
    array([1., 0.])
    """
    if not math.isfinite(seconds):
        return np.zeros(FEATURES)
    angles = seconds * _TURNS
    return np.concatenate((np.sin(angles), np.cos(angles)))


def seconds_of(value: Any) -> float | None:
    """A point in time as seconds since 1970, or None where `value` is no time.

    Times are datetime, date, numpy.datetime64 and ISO 8601 texts; one without a zone counts as UTC.

    Examples
    --------
    >>> seconds_of("1970-01-02 00:00:01")
    86401.0
    >>> seconds_of("soon") is None
    True
    """
    if isinstance(value, str):
        if len(value) < 8 or not value[:4].isdigit():
            return None
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, np.datetime64):
        if np.isnat(value):
            return math.nan
        return float(value.astype("datetime64[us]").astype(np.int64)) / 1e6
    if isinstance(value, datetime):
        if value != value:  # pandas' NaT is a datetime that equals nothing
            return math.nan
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    return None
