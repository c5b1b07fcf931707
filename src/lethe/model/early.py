"""The first events of a stream, kept while a column of the first one has had no value yet.

Without a target the columns of numbers are predicted, and which are is known from their first
values. A column that is missing in the first event is waited for: the model learns from what is
there, and once all columns have had a value it begins again with the right targets and learns the
same events again, in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from json.encoder import encode_basestring_ascii
from typing import Self

import numpy as np

from lethe.core._objects import plain
from lethe.model.encoder import Encoder, Fields, column_name
from lethe.model.values import MOST_INTEGER, category_of, is_missing, label_of, number_of
from lethe.storage.fields import Fields as JsonFields
from lethe.storage.fields import list_of

__all__ = ["MOST_EVENTS", "NOTHING", "Early"]

#: Events for which a column is waited.
MOST_EVENTS = 100

#: Characters that they may take of a checkpoint, so that wide events are kept for a shorter time.
MOST_LENGTH = 150_000
_NUMBER = 26  # of these for a number

#: The target of a predictor of a stream that no number was seen in yet: no event has it.
NOTHING = ("\0",)

Kept = str | float | None
_CATEGORIES = (str, bool, np.bool_, bytes, int, np.integer, date, np.datetime64)


class Early:
    """The first events, as far as a model reads them.

    Parameters
    ----------
    generator : numpy.random.Generator
        As it was before the first event.

    Attributes
    ----------
    columns : tuple of str
        Of the first event that had no value in it.
    names : list of str
        Of all columns so far.
    rows : list of list
        For each event the values by `names`: a category's own name, a number or None.
    length : int
        Characters that they take of a checkpoint.
    """

    FIELDS = ("generator", "columns", "names", "rows")

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator
        self.columns: tuple[str, ...] = ()
        self.names: list[str] = []
        self.rows: list[list[Kept]] = []
        self.length = 0

    def add(self, event: Mapping[str, object]) -> None:
        """Keep an event that a predictor has read."""
        values = {column_name(name): _kept(name, value) for name, value in event.items()}
        new = [name for name in values if name not in self.names]
        names = [*self.names, *new]
        row = [values.get(name) for name in names]
        self.length += sum(map(_length, row)) + sum(map(_length, new))
        self.names = names
        self.rows.append(row)

    def events(self) -> list[dict[str, object]]:
        """The events; they read as those that were given."""
        return [
            {
                name: label_of(value) if isinstance(value, str) else value
                for name, value in zip(self.names, row, strict=False)
            }
            for row in self.rows
        ]

    def is_over(self, encoder: Encoder) -> bool:
        """Whether all columns have had a value, or were waited for long enough."""
        if len(self.rows) >= MOST_EVENTS or self.length >= MOST_LENGTH:
            return True
        return not any(name in encoder.ignored for name in self.columns)

    def numbers(self, encoder: Encoder, is_blind: bool) -> tuple[str, ...]:
        """Those of the columns that hold numbers; without any, those that may yet hold some."""
        found = tuple(name for name in self.columns if name in encoder.numbers)
        if found or not is_blind:
            return found
        return tuple(name for name in self.columns if name in encoder.ignored)

    def check_some(self, encoder: Encoder, fields: Fields) -> None:
        """Refuse the event by which no column is left that could be predicted."""
        numbers = {*encoder.numbers, *encoder.number_columns(fields)}
        known = {name for name, value in fields.new if not is_missing(name, value, "missing")}
        left = {name for name in self.columns if name in encoder.ignored} - known
        if not left and numbers.isdisjoint(self.columns):
            raise ValueError("event must have a column of numbers to predict, got none")

    def to_json(self, events: int) -> dict[str, object]:
        """The first so many events as plain JSON values."""
        return {
            "generator": self.generator.bit_generator.state,
            "columns": list(self.columns),
            "names": self.names,
            "rows": self.rows[:events],
        }

    @classmethod
    def from_json(cls, fields: JsonFields, generator: np.random.Generator) -> Self:
        """What `to_json` wrote, with the generator of its state; a ValueError where it is none."""
        made = cls(generator)
        made.names = fields.strings("names")
        made.columns = tuple(fields.strings("columns"))
        if len(set(made.names)) < len(made.names) or not set(made.columns) <= set(made.names):
            raise ValueError("early: names must be those of the columns, got others")

        def row(item: object) -> list[Kept]:
            found = list_of("early: rows", item, None, _from_json)
            if len(found) > len(made.names):
                raise ValueError("early: rows must have a value for each name, got more")
            return found

        made.rows = list_of("early: rows", fields["rows"], None, row)
        if not 1 <= len(made.rows) <= MOST_EVENTS:
            raise ValueError(f"early: rows must be at most {MOST_EVENTS}, got another number")
        made.length = sum(map(_length, made.names))
        made.length += sum(_length(one) for found in made.rows for one in found)
        return made


def _kept(name: object, value: object) -> Kept:
    value, name = plain(value), f"{name}"
    if is_missing(name, value, "missing"):
        return None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return f"s{value.isoformat()}"  # a category is in UTC, and holidays go by the zone
    if isinstance(value, _CATEGORIES):
        if not isinstance(value, int | np.integer) or abs(int(value)) < MOST_INTEGER:
            return category_of(name, value)
        return None  # no number that could be measured
    number = number_of(name, value, "missing")
    return number if number == number else None


def _from_json(value: object) -> Kept:
    if isinstance(value, str):
        label_of(value or "?")
    elif value is not None and (type(value) is not float or not abs(value) < np.inf):
        raise ValueError(f"early: rows must hold names, numbers and nulls, got {value!r:.40}")
    return value


def _length(value: Kept) -> int:
    return len(encode_basestring_ascii(value)) if isinstance(value, str) else _NUMBER
