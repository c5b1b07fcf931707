"""Holidays as columns of an event: whether its day is one, and the days that are predicted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Self

import numpy as np

from lethe.core._objects import items_of, plain, shown
from lethe.model.calendar import DAY

__all__ = ["OWN_COLUMNS", "HolidayColumns", "checked_holidays"]

#: The columns: whether the event's own day is a holiday, the next event's, and the day of the event
#: that lies furthest ahead.
OWN_COLUMNS = ("holiday:day", "holiday:next", "holiday:farthest")

#: Dates that can be given.
MOST_DATES = 10_000

#: Of the gap between two events, what the next may come earlier.
_EARLY = 0.05

_EPOCH = date(1970, 1, 1).toordinal()


def checked_holidays(value: object) -> str | tuple[str, ...] | None:
    """A country as it was given, or dates in order as ISO 8601 has them.

    Raises
    ------
    ValueError
        If it is neither.
    ModuleNotFoundError
        If it is a country, and the package that knows their holidays is not installed.
    """
    if value is None:
        return None
    if isinstance(value, str):
        code = str.__str__(value)
        days_of_year(code, 2000)
        return code
    given = list(value) if isinstance(value, Mapping) else value
    items = items_of(given, MOST_DATES, ordered=False)
    dates = [_date(item) for item in items or ()]
    if not dates or len(dates) > MOST_DATES or None in dates:
        raise ValueError(
            f"holidays must be a country ('DE', 'US-CA') or 1 to {MOST_DATES:,} dates, "
            f"got {shown(value)}"
        )
    return tuple(sorted({day.isoformat() for day in dates if day is not None}))


def _date(value: object) -> date | None:
    """The date of a day, however it is written; None of what is none."""
    value = plain(value)
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, np.datetime64):
            value = value.astype("datetime64[D]").item()
        if value != value:  # pandas' NaT
            return None
    except (ValueError, TypeError):
        return None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None


@lru_cache(maxsize=1000)
def days_of_year(code: str, year: int) -> frozenset[int]:
    """The holidays of a country, or a part of it, in a year: days since 1970."""
    try:
        import holidays
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            'holidays is not installed: pip install "lethe-ml[holidays]"', name=missing.name
        ) from None
    country, dash, part = code.partition("-")
    try:
        if country not in holidays.list_supported_countries() or (dash and not part):
            raise NotImplementedError
        found = holidays.country_holidays(country, subdiv=part or None, years=year)
    except NotImplementedError:
        raise ValueError(
            f"holidays must be a country ('DE') or a part of one ('US-CA') that the package "
            f"holidays knows, or dates, got {shown(code)}"
        ) from None
    return frozenset(day.toordinal() - _EPOCH for day in found)


def offset_of(time: object) -> float:
    """Seconds by which a time's own zone is ahead of UTC; 0 where it has none."""
    time = plain(time)
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    offset = time.utcoffset() if isinstance(time, datetime) else None
    return 0.0 if offset is None else offset.total_seconds()


class HolidayColumns:
    """Columns that say of an event which of its days are holidays.

    Parameters
    ----------
    holidays : str or tuple of str
        As `checked_holidays` returns them.
    horizon : int
        Events ahead that are predicted.
    """

    def __init__(self, holidays: str | tuple[str, ...], horizon: int) -> None:
        self.names = OWN_COLUMNS[: 1 + min(horizon, 2)]
        self._horizon = horizon
        self._country = holidays if isinstance(holidays, str) else None
        given = () if isinstance(holidays, str) else holidays
        self._days = frozenset(date.fromisoformat(day).toordinal() - _EPOCH for day in given)

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self  # nothing in it changes

    def of(self, time: object, seconds: float, gap: float) -> tuple[bool | None, ...]:
        """Whether each of the days is a holiday; None where the time is missing.

        Parameters
        ----------
        time : object
            The event's time as it was given.
        seconds : float
            The same in seconds since 1970; NaN where it is missing.
        gap : float
            Seconds from one event to the next; 0 while unknown.
        """
        if seconds != seconds:
            return (None,) * len(self.names)
        local = seconds + offset_of(time)
        aheads = (0, 1, self._horizon)[: len(self.names)]
        return tuple(self._has(_day_of(local, ahead, gap)) for ahead in aheads)

    def _has(self, day: int) -> bool:
        if self._country is None:
            return day in self._days
        if not 0 < day + _EPOCH <= date.max.toordinal():
            return False
        return day in days_of_year(self._country, date.fromordinal(day + _EPOCH).year)


def _day_of(local: float, ahead: int, gap: float) -> int:
    """The day, since 1970, of the event so many ahead of one at this local time.

    Events that come about once a day, or less often, come whole days later: a day that is an hour
    short, when clocks change, is one.
    """
    if gap > DAY / 2:
        return int(local // DAY) + round(ahead * gap / DAY)
    early = _EARLY * gap if ahead else 0.0
    return int((local + ahead * gap + early) // DAY)
