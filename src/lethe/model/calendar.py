"""Points in time, whatever they are written as."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import numpy as np

__all__ = ["DAY", "WEEK", "YEAR", "seconds_of"]

DAY = 86_400.0
WEEK = 7 * DAY
YEAR = 365.2425 * DAY


def seconds_of(value: object) -> float | None:
    """A point in time as seconds since 1970, or None where `value` is no time.

    Times are datetime, date, numpy.datetime64 and ISO 8601 strings; one without a zone counts as
    UTC.

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
