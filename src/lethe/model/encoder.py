"""Events of named columns become numbers and slots: what is about words.

A slot is a place in the vector of features. A number fills one, in units of its spread, and, as
soon as it is missing once, another that is 1 where it is missing. A category has a slot for each
value, up to a limit, and one for "other"; when all are taken, the value that was used least
recently gives its slot to a new one and counts as other from then on.

Reading an event changes nothing. What an event would change is planned first (`SlotPlan`) and made
by the compiled call that learns from the event.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from numbers import Real
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lethe import _kernel
from lethe.core._objects import plain, shown
from lethe.model.calendar import seconds_of
from lethe.model.holidays import OWN_COLUMNS, HolidayColumns
from lethe.model.rows import check_name
from lethe.model.slots import Category, SlotPlan, use_slot
from lethe.model.values import ABSURD, category_of, is_missing, number_of, plain_name
from lethe.model.words import TooManyNamesError, Words

__all__ = ["Encoder", "Fields"]

Numbers = NDArray[np.float64]

#: Columns that all events together may have: names that never repeat must not fill the memory.
MOST_COLUMNS = 10_000

#: What is a number, a duration among them.
_NUMBERS = (Real, Decimal, timedelta, np.timedelta64)


class Fields(NamedTuple):
    """An event, taken apart.

    Parameters
    ----------
    numbers : ndarray, shape (number columns,)
        NaN where missing.
    categories : tuple of (str, str)
        Column and category, for each column of categories that has a value.
    seconds : float
        The event's time, or NaN.
    new : tuple of (str, object)
        Columns that are not known yet, with their values.
    """

    numbers: Numbers
    categories: tuple[tuple[str, str], ...]
    seconds: float
    new: tuple[tuple[str, object], ...]


def column_name(name: object) -> str:
    """A column's name as a str and no more.

    Raises
    ------
    ValueError
        If it is no string.
    """
    if isinstance(name, str):
        return plain_name(name)
    raise ValueError(f"columns must be named by strings, got {shown(name)}")


class Encoder:
    """Columns by name, and the slots of categories.

    Parameters
    ----------
    time : str, optional
        The column with the event's time; without it the first column that holds times.
    most : int
        Values of one column of categories that are told apart.
    new_columns : {"raise", "grow"}
        What happens when an event has a column that the first did not have.
    bad : {"raise", "missing"}
        What becomes of infinite and absurd numbers.
    holidays : HolidayColumns, optional
        Columns of its own that each event gets.
    """

    def __init__(
        self,
        time: str | None,
        most: int,
        new_columns: Literal["raise", "grow"],
        bad: Literal["raise", "missing"],
        holidays: HolidayColumns | None = None,
    ) -> None:
        self.time = time
        self.most = most
        self.new_columns = new_columns
        self.bad = bad
        self.holidays = holidays
        self.started = False
        self.numbers: dict[str, int] = {}  # column: its index among the numbers
        self.categories: dict[str, Category] = {}
        self.ignored: dict[str, bool] = {}  # columns that only missing values were seen of
        self.words = Words()
        self._names: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether compiled code can read an event of floats: columns are known, none is added."""
        return self.started and self.holidays is None

    @property
    def number_names(self) -> tuple[str, ...]:
        """The number columns, in order."""
        if len(self._names) != len(self.numbers):
            self._names = tuple(self.numbers)
        return self._names

    # ---- reading: nothing changes ----

    def read(
        self,
        event: Mapping[str, object],
        skip: tuple[str, ...] = (),
        gap: Callable[[], float] = float,
    ) -> Fields:
        """Take an event apart.

        Parameters
        ----------
        event : mapping
            Values by column. What is not in it is missing.
        skip : tuple of str
            Columns that are not read: the targets.
        gap : callable
            Gives the seconds from one event to the next, for holidays; 0 while unknown.

        Raises
        ------
        ValueError
            If a column is unknown, or its value is not of the column's kind.
        """
        numbers = np.full(len(self.numbers), math.nan)
        categories: list[tuple[str, str]] = []
        new: list[tuple[str, object]] = []
        seconds = math.nan
        indices = self.numbers
        for name, value in event.items():
            if type(name) is not str:
                name = column_name(name)
            index = indices.get(name)
            if index is not None:
                if type(value) is float and -ABSURD < value < ABSURD:
                    numbers[index] = value
                else:
                    numbers[index] = number_of(name, value, self.bad)
            elif name in skip:
                continue
            elif name == self.time:
                seconds = self._seconds(name, value)
            elif name in self.categories:
                if not is_missing(name, value, self.bad):
                    categories.append((name, category_of(name, value)))
            else:
                new.append((name, plain(value)))
        if new:
            seconds = self._check_new(new, seconds)
        if self.holidays is not None:
            self._add_holidays(event, seconds, gap(), categories, new)
        return Fields(numbers, tuple(categories), seconds, tuple(new))

    def _add_holidays(
        self,
        event: Mapping[str, object],
        seconds: float,
        gap: float,
        categories: list[tuple[str, str]],
        new: list[tuple[str, object]],
    ) -> None:
        """Give an event the columns of the days that are holidays, as if it had come with them."""
        if self.holidays is None:
            return
        if not set(OWN_COLUMNS).isdisjoint(event):
            raise ValueError(
                f"columns must be none of {', '.join(OWN_COLUMNS)} where holidays are given, "
                "got an event with one"
            )
        if self.time is not None:
            time = event.get(self.time)
        else:
            time = next((value for name, value in new if self._kind(name, value) == "time"), None)
            if time is None:
                raise ValueError("event must have a time where holidays are given, got none")
        days = self.holidays.of(time, seconds, gap)
        for name, is_holiday in zip(self.holidays.names, days, strict=True):
            if name not in self.categories:
                new.append((name, is_holiday))
            elif is_holiday is not None:
                categories.append((name, category_of(name, is_holiday)))

    def number_columns(self, fields: Fields) -> tuple[str, ...]:
        """The columns of a first event that hold numbers."""
        return tuple(name for name, value in fields.new if self._kind(name, value) == "number")

    def empty_columns(self, fields: Fields) -> tuple[str, ...]:
        """The new columns of an event that it has no value in."""
        return tuple(name for name, value in fields.new if self._kind(name, value) is None)

    def slots(self, fields: Fields) -> list[int]:
        """The slots that an event's categories fill; a value that is not known counts as other."""
        known = ((self.categories[name], value) for name, value in fields.categories)
        return [category.slots.get(value, category.other) for category, value in known]

    def _seconds(self, name: str, value: object) -> float:
        value = plain(value)
        if is_missing(name, value, self.bad):
            return math.nan
        try:
            seconds = seconds_of(value)
        except ValueError as error:
            raise ValueError(f"column {name!r} must be a time, but {error}") from None
        if seconds is None:
            if not isinstance(value, bool | np.bool_) and isinstance(value, _NUMBERS):
                return number_of(name, value, self.bad)  # seconds since 1970
            raise ValueError(
                f"column {name!r} must be a time (ISO 8601 or seconds), got {shown(value)}"
            )
        return seconds

    def _check_new(self, new: list[tuple[str, object]], seconds: float) -> float:
        known = len(self.numbers) + len(self.categories) + len(self.ignored)
        if known + sum(name not in self.ignored for name, _ in new) > MOST_COLUMNS:
            raise ValueError(
                f"events must have at most {MOST_COLUMNS:,} columns in all, "
                f"got {known:,} before and now {len(new):,} more"
            )
        has_time = self.time is not None
        for name, value in new:
            check_name("a column's name", name)
            if self.started and self.new_columns == "raise" and name not in self.ignored:
                names = ", ".join([*self.numbers, *self.categories][:20])
                raise ValueError(
                    f"column {name!r} must be one of those of the first event"
                    f"{f' ({names})' if names else ''}, got a new one; "
                    "new_columns='grow' accepts it"
                )
            kind = self._kind(name, value)
            if kind == "time" and not has_time:  # the first of them: a second one holds categories
                seconds, has_time = self._seconds(name, value), True
        return seconds

    def _kind(self, name: str, value: object) -> Literal["time", "category", "number"] | None:
        """What a new column holds, or None where its first value is missing."""
        if is_missing(name, value, self.bad):
            return None
        try:
            if seconds_of(value) is not None:
                return "time"
        except ValueError as error:
            raise ValueError(f"column {name!r} must be a time, but {error}") from None
        if isinstance(value, bool | np.bool_ | str | bytes):
            return "category"
        if isinstance(value, _NUMBERS):
            number_of(name, value, self.bad)
            return "number"
        raise ValueError(
            f"column {name!r} must hold a number, a string, a boolean or a time, got {shown(value)}"
        )

    # ---- what learning from an event changes: planned, not made ----

    def declare(self, name: str) -> None:
        """Say, before the first event, that a column holds categories, whatever they look like."""
        self.categories[name] = Category({}, len(self.categories))

    def plan(self, fields: Fields, missing_slots: Callable[[], Numbers], plan: SlotPlan) -> None:
        """Give the event's missing values, new columns and new categories their slots.

        Parameters
        ----------
        fields : Fields
            The event.
        missing_slots : callable
            Gives an ndarray, shape (slots,): of each number column, 0 while none was missing.
        plan : SlotPlan
            Where it is written.
        """
        missing = fields.numbers != fields.numbers
        if missing.any():
            unknown = missing_slots()[: len(missing)] == 0
            for index in np.flatnonzero(missing & unknown):
                plan.missing_columns.append(int(index))
                plan.missing_slots.append(plan.take())
        for name, key in fields.categories:
            slot, oldest = use_slot(self.categories[name].slots, key, self.most, plan)
            plan.filled.append(slot)
            if oldest is not None:
                plan.forgotten.append(slot)
        plan.has_new_columns = bool(fields.new)
        for name, value in fields.new:
            self._plan_column(name, value, plan)
        if not self.started:
            plan.edits.append((self, "started", True))

    def changes(self, plan: SlotPlan, block: int) -> _kernel.Changes | None:
        """A plan for the compiled call; None where nothing changes.

        Raises
        ------
        TooManyNamesError
            If names would take too much beside a block of this size; it says which brings more.
        """
        try:
            return plan.changes(self.words, block)
        except TooManyNamesError as error:
            raise TooManyNamesError(
                f"{self._longest(plan)!r:.60} has one text too many: {error}"
            ) from None

    def _longest(self, plan: SlotPlan) -> str:
        """The column that has the longest of the names that an event brings."""
        names = [
            (items, key)
            for items, key, _ in plan.edits
            if isinstance(items, dict) and isinstance(key, str)
        ]
        items, name = max(names, key=lambda item: len(item[1]), default=(None, "id"))
        slots = ((column, category.slots) for column, category in self.categories.items())
        return next((column for column, known in slots if known is items), name)

    def _plan_column(self, name: str, value: object, plan: SlotPlan) -> None:
        kind = self._kind(name, value)
        if kind is None:
            if name not in self.ignored:
                plan.add(self.ignored, name, True)
            return
        if name in self.ignored:
            plan.remove(self.ignored, name)
        if kind == "time" and self.time is None and plan.time is None:
            plan.edits.append((self, "time", name))
            plan.time = name
            return
        if kind == "number":
            index = len(self.numbers) + len(plan.new_numbers)
            plan.add(self.numbers, name, index)
            plan.column_slots.append(plan.take())
            plan.new_numbers.append(number_of(name, value, self.bad))
        else:  # a category, or a second column of times
            other, slot = plan.take(), plan.take()
            category = Category({category_of(name, value): slot}, other)
            plan.add(self.categories, name, category)
            plan.filled.append(slot)
