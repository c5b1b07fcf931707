"""Events of named columns become vectors; the columns' kinds and scales are learned on the way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from numbers import Real
from typing import Any, ClassVar, NamedTuple

import numpy as np

from lethe.core._views import kernel
from lethe.model.cycles import seconds_of
from lethe.model.scaling import RunningScale, Values
from lethe.storage.state import part

__all__ = [
    "ABSURD",
    "Encoder",
    "Seen",
    "category_of",
    "is_missing",
    "label_of",
    "number_of",
    "plain_event",
]

#: Numbers beyond this are no measurements: their squares would overflow.
ABSURD = 1e150

#: Columns that all events together may have: names that never repeat must not fill the memory.
MOST_COLUMNS = 10_000


class Seen(NamedTuple):
    """An event as the encoder read it; nothing has changed yet.

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
    whole : bool
        Whether nothing needs a place: no number is missing and there are no categories.
    """

    numbers: Values
    categories: tuple[tuple[str, str], ...]
    seconds: float
    new: tuple[tuple[str, Any], ...]
    whole: bool = False


def plain_event(event: Any) -> Mapping[str, Any]:
    """An event as a mapping: a row becomes one, its columns numbered from 0.

    Raises
    ------
    ValueError
        If it is neither a mapping nor a row.
    """
    if isinstance(event, Mapping):
        return event
    if isinstance(event, np.ndarray):
        event = event.tolist()
    if isinstance(event, Sequence) and not isinstance(event, str | bytes):
        return {str(n): value for n, value in enumerate(event)}
    raise ValueError(f"event must be a mapping or a row, got {type(event).__name__}")


def is_missing(name: str, value: Any, bad: str) -> bool:
    """Whether nothing was measured: None, "", pandas' NA and NaT, and NaN.

    Raises
    ------
    ValueError
        If it is NaN where `bad` is not "missing".
    """
    if value is None or isinstance(value, str):
        return not value
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    if not isinstance(value, float | np.floating) or value == value:
        return False
    if bad == "missing":
        return True
    raise ValueError(f"column {name!r} must be a number, a category or None, got {value!r}")


def number_of(name: str, value: Any, bad: str) -> float:
    """A number, or NaN where it is missing.

    Raises
    ------
    ValueError
        If it is no number, or is NaN, infinite or absurd where `bad` is not "missing".
    """
    if is_missing(name, value, bad):
        return math.nan
    if isinstance(value, bool | np.bool_):
        value = float(value)
    if not isinstance(value, Real | Decimal):
        raise ValueError(f"column {name!r} must be a number, got {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if -ABSURD < number < ABSURD:
        return number
    if bad == "missing":
        return math.nan
    raise ValueError(f"column {name!r} must be a number within ±{ABSURD:g}, got {value!r}")


def category_of(name: str, value: Any) -> str:
    """The category's own name: the text of what it is, and of what kind.

    Raises
    ------
    ValueError
        If it is no text, truth value, whole number or time.
    """
    if isinstance(value, str):
        return f"s{value}"
    if isinstance(value, bool | np.bool_):
        return f"b{bool(value)}"
    if isinstance(value, int | np.integer):
        return f"i{int(value)}"
    if isinstance(value, bytes):
        return f"y{value.hex()}"
    if isinstance(value, Real) and float(value).is_integer():
        return f"i{int(float(value))}"  # equal numbers are one class
    if isinstance(value, date | np.datetime64):
        return f"s{value}"
    raise ValueError(f"column {name!r} must be a category (text, bool, int), got {value!r}")


def label_of(category: str) -> Any:
    """What `category_of` made a category's name of.

    Examples
    --------
    >>> label_of(category_of("column", "Lethe")), label_of(category_of("column", 7))
    ('Lethe', 7)
    """
    kind, text = category[0], category[1:]
    if kind == "b":
        return text == "True"
    if kind == "y":
        return bytes.fromhex(text)
    return {"s": str, "i": int}[kind](text)


@part
@dataclass
class Category:
    """A column of categories: where each known value has its place, the least recent first."""

    LIFE: ClassVar = ("places", "other")

    places: dict[str, int]
    other: int


@part
class Encoder:
    """Columns by name, each with one place in the vector or more.

    A number has a place for its value in units of its spread and, as soon as it was missing once,
    one that is 1 where it is missing. A category has a place for each value, up to `most` values,
    and one for "other"; when all places are taken the value that was used least recently gives its
    place to a new one and counts as other from then on.

    Parameters
    ----------
    time : str, optional
        The column with the event's time; without it the first column that holds times.
    most : int
        Places for values of one column of categories.
    new_columns : {"raise", "grow"}
        What happens when an event has a column that the first did not have.
    bad : {"raise", "missing"}
        What becomes of infinite and absurd numbers.
    """

    LIFE: ClassVar = (
        "time", "most", "new_columns", "bad", "started", "numbers", "names", "number_places",
        "missing_places", "categories", "ignored", "scale", "used",
    )  # fmt: skip

    def __init__(self, time: str | None, most: int, new_columns: str, bad: str) -> None:
        self.time = time
        self.most = most
        self.new_columns = new_columns
        self.bad = bad
        self.started = False
        self.numbers: dict[str, int] = {}  # column: its index among the numbers
        self.names: tuple[str, ...] = ()
        self.number_places = np.zeros(0, np.int64)
        self.missing_places = np.zeros(0, np.int64)  # -1 until one is missing
        self.categories: dict[str, Category] = {}
        self.ignored: dict[str, bool] = {}  # columns that nothing but missing values was seen of
        self.scale = RunningScale(0)
        self.used = 0  # places taken so far

    # ---- reading: nothing changes ----

    def read(self, event: Mapping[str, Any], skip: tuple[str, ...] = ()) -> Seen:
        """Take an event apart.

        Parameters
        ----------
        event : mapping
            Values by column. What is not in it is missing.
        skip : tuple of str
            Columns that are not read: the targets.

        Raises
        ------
        ValueError
            If a column is unknown, or its value is not of the column's kind.
        """
        numbers = np.empty(len(self.numbers))
        # Most events of most streams are floats in the columns of the first; the rest is for those
        # that are not.
        if type(event) is dict and kernel().read_numbers(event, self.names, ABSURD, numbers):
            return Seen(numbers, (), math.nan, (), True)
        numbers.fill(math.nan)
        categories: list[tuple[str, str]] = []
        new: list[tuple[str, Any]] = []
        seconds = math.nan
        places = self.numbers
        whole = 0
        for name, value in event.items():
            place = places.get(name)
            if place is not None:
                if type(value) is float and -ABSURD < value < ABSURD:
                    numbers[place] = value
                    whole += 1
                else:
                    numbers[place] = number_of(name, value, self.bad)
            elif name in skip:
                continue
            elif name == self.time:
                seconds = self._seconds(name, value)
            elif name in self.categories:
                if not is_missing(name, value, self.bad):
                    categories.append((name, category_of(name, value)))
            else:
                new.append((name, value))
        if new:
            seconds = self._check_new(new, seconds)
        known = whole == len(places) and not categories
        return Seen(numbers, tuple(categories), seconds, tuple(new), known)

    def number_columns(self, seen: Seen) -> tuple[str, ...]:
        """The columns of a first event that hold numbers."""
        return tuple(name for name, value in seen.new if self._kind(name, value) == "number")

    def _seconds(self, name: str, value: Any) -> float:
        if is_missing(name, value, self.bad):
            return math.nan
        seconds = seconds_of(value)
        if seconds is None:
            if isinstance(value, Real) and value is not True and value is not False:
                return number_of(name, value, self.bad)  # seconds since 1970
            raise ValueError(f"column {name!r} must be a time (ISO 8601 or seconds), got {value!r}")
        return seconds

    def _check_new(self, new: list[tuple[str, Any]], seconds: float) -> float:
        known = len(self.numbers) + len(self.categories) + len(self.ignored)
        if known + sum(name not in self.ignored for name, _ in new) > MOST_COLUMNS:
            raise ValueError(
                f"events must have at most {MOST_COLUMNS:,} columns in all, "
                f"got {known:,} before and now {len(new):,} more"
            )
        for name, value in new:
            if not isinstance(name, str):
                raise ValueError(f"columns must be named by texts, got {name!r}")
            if self.started and self.new_columns == "raise" and name not in self.ignored:
                names = ", ".join([*self.numbers, *self.categories][:20])
                raise ValueError(f"column {name!r} must be one of {names or 'none'}: it is new")
            kind = self._kind(name, value)
            if kind == "time" and self.time is None:
                seconds = self._seconds(name, value)
        return seconds

    def _kind(self, name: str, value: Any) -> str | None:
        """What a new column holds, or None where its first value is missing."""
        if is_missing(name, value, self.bad):
            return None
        if seconds_of(value) is not None:
            return "time"
        if isinstance(value, bool | np.bool_ | str | bytes):
            return "category"
        if isinstance(value, Real | Decimal):
            number_of(name, value, self.bad)
            return "number"
        raise ValueError(
            f"column {name!r} must hold a number, a text, a truth value or a time, got {value!r}"
        )

    def places(self, seen: Seen, out: Values) -> None:
        """Write what the columns say into `out`, from its start."""
        if self.numbers:
            self.scale.place(seen.numbers, self.number_places, self.missing_places, out)
        for name, value in seen.categories:
            category = self.categories[name]
            out[category.places.get(value, category.other)] = 1.0

    def configuration(self) -> dict[str, Any]:
        """Where each column stands and what it is measured in, as plain JSON values."""
        spread = np.sqrt(self.scale.variance)
        numbers = {
            name: {
                "slot": int(self.number_places[n]),
                "slot_where_missing": int(self.missing_places[n]),  # -1: there is none
                "mean": float(self.scale.mean[n]),
                "spread": float(spread[n]),
            }
            for name, n in self.numbers.items()
        }
        categories = {
            name: {
                "slots": {str(label_of(key)): place for key, place in category.places.items()},
                "other": category.other,
            }
            for name, category in self.categories.items()
        }
        return {"time": self.time, "numbers": numbers, "categories": categories}

    # ---- learning ----

    def declare(self, name: str) -> None:
        """Say that a column holds categories, whatever they look like."""
        self.categories[name] = Category({}, self.used)
        self.used += 1

    def use(self, name: str, value: str) -> list[int]:
        """Take in one category, as `observe` does for those of an event."""
        return self._use(self.categories[name], value)

    def admit(self, seen: Seen) -> list[int]:
        """Give the event's new columns and categories their places.

        Returns
        -------
        list of int
            Places that changed their meaning, whose weights must be forgotten.
        """
        changed = []
        if self.numbers:
            missing = seen.numbers != seen.numbers
            for index in np.flatnonzero(missing & (self.missing_places < 0)):
                self.missing_places[index] = self.used
                self.used += 1
        for name, value in seen.categories:
            changed += self._use(self.categories[name], value)
        for name, value in seen.new:
            changed += self._discover(name, value)
        self.started = True
        return changed

    def observe(self, seen: Seen) -> None:
        """Take an event's numbers into their scales."""
        if len(self.numbers):
            self.scale.observe(seen.numbers)

    def _use(self, category: Category, value: str) -> list[int]:
        places = category.places
        place = places.pop(value, None)
        forgotten = []
        if place is None and len(places) < self.most:
            place = self.used
            self.used += 1
        elif place is None:
            place = places.pop(next(iter(places)))
            forgotten.append(place)
        places[value] = place  # now the last: used most recently
        return forgotten

    def _discover(self, name: str, value: Any) -> list[int]:
        kind = self._kind(name, value)
        if kind is None:
            self.ignored[name] = True
            return []
        self.ignored.pop(name, None)
        if kind == "time" and self.time is None:
            self.time = name
        elif kind == "number":
            self.numbers[name] = len(self.numbers)
            self.names = tuple(self.numbers)
            self.number_places = np.append(self.number_places, self.used)
            self.missing_places = np.append(self.missing_places, -1)
            self.used += 1
            self.scale.grow(len(self.numbers))
        else:  # a category, or a second column of times
            category = self.categories[name] = Category({}, self.used)
            self.used += 1
            return self._use(category, category_of(name, value))
        return []
