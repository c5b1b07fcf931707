"""Points in time, and durations, whatever they are written as."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np

from lethe.core._objects import plain

__all__ = ["DAY", "WEEK", "YEAR", "duration_of", "seconds_of"]

DAY = 86_400.0
WEEK = 7 * DAY
YEAR = 365.2425 * DAY

#: Strings that are times are shorter.
_LONGEST = 64

#: NumPy's units of a fixed length, as a fraction of a second, or as seconds.
_SECONDS = {"W": 604_800, "D": 86_400, "h": 3600, "m": 60, "s": 1}
_FRACTIONS = {"ms": 10**3, "us": 10**6, "ns": 10**9, "ps": 10**12, "fs": 10**15, "as": 10**18}

#: Microseconds since 1970 are int64 for these years.
_YEARS = 290_000


def seconds_of(value: object) -> float | None:
    """A point in time as seconds since 1970, or None where `value` is no time.

    Times are datetime, date, numpy.datetime64, what pandas and Arrow have for them, and ISO 8601
    strings; one without a zone counts as UTC. A period is its start.

    Raises
    ------
    ValueError
        If it is a time that has no such number, such as one in the year 300,000.

    Examples
    --------
    >>> seconds_of("1970-01-02 00:00:01")
    86401.0
    >>> seconds_of("soon") is None
    True
    """
    value = plain(value)
    if isinstance(value, str):
        if not 8 <= len(value) <= _LONGEST or not value[:4].isdigit():
            return None
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, np.datetime64):
        if np.isnat(value):
            return math.nan
        check_year(value)
        return float(value.astype("datetime64[us]").astype(np.int64)) / 1e6
    try:
        if isinstance(value, datetime):
            if value != value:  # pandas' NaT is a datetime that equals nothing
                return math.nan
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    except (OverflowError, TypeError) as error:
        raise ValueError(f"a time must have a number of seconds since 1970, but {error}") from None
    return None


def check_year(value: np.datetime64) -> None:
    """Refuse a time that is so far away that other units cannot hold it."""
    years = int(value.astype("datetime64[Y]").astype(np.int64))
    if abs(years) > _YEARS:
        raise ValueError(f"a time must be within {_YEARS:,} years of 1970, got {years:,}")


def duration_of(value: timedelta | np.timedelta64) -> float:
    """A duration in seconds; NaN for NaT.

    Raises
    ------
    ValueError
        If it is of months or years, which have no fixed length, or has no unit.

    Examples
    --------
    >>> duration_of(np.timedelta64(90, "m")), duration_of(timedelta(milliseconds=1))
    (5400.0, 0.001)
    """
    if isinstance(value, timedelta):
        return value.total_seconds()
    if np.isnat(value):
        return math.nan
    unit, count = np.datetime_data(value.dtype)
    number = int(value.astype(np.int64)) * count
    if unit in _SECONDS:
        return float(number * _SECONDS[unit])
    if unit in _FRACTIONS:
        return number / _FRACTIONS[unit]
    raise ValueError(f"a duration must be in weeks or a shorter unit, got {value!r}")
