"""What every source of events has in common: its records, and the handling of bad ones."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple, Protocol, TypeAlias

from lethe._printable import printable

__all__ = [
    "REASONS",
    "Policy",
    "Record",
    "RecordSource",
    "Refusals",
    "Value",
    "columns_at",
    "count_at",
    "expect_short_names",
    "names",
    "string_at",
    "text_at",
]

#: What a cell of an event can be. None says that it is missing.
Value: TypeAlias = bool | int | float | str | None

#: What to do with a bad record: end with a ValueError, or skip and count it.
Policy = Literal["raise", "skip"]

LONGEST_NAME = 1000  # characters of a column's
MOST_SKIP = sys.maxsize  # records that are passed over
REASONS = 5  # that are kept
MOST_REASON = 500  # characters of one; a column's name can be long


class Record(NamedTuple):
    """One event of a source.

    Attributes
    ----------
    number : int
        Its number, from 1: its line in a file or pipe, its row in Parquet or a bundled series.
    event : dict
        Every column of the source, always in the same order, with its `Value`.
    offset : int
        How far the source is used up after it: in bytes of a file or pipe, else in rows.
    """

    number: int
    event: dict[str, Value]
    offset: int


class RecordSource(Protocol):
    """A reader of events, from any source.

    Attributes
    ----------
    name : str
        For messages.
    """

    name: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Empty where they are not known yet."""
        ...

    @property
    def source(self) -> str:
        """The file that the last record came from."""
        ...

    @property
    def unit(self) -> str:
        """What the number of a record counts there: 'line' or 'row'."""
        ...

    @property
    def skipped(self) -> int:
        """The bad records before `position`."""
        ...

    @property
    def reasons(self) -> list[str]:
        """Why the first few of them are bad."""
        ...

    @property
    def position(self) -> dict[str, object]:
        """Where to continue later: values that JSON can hold, for the parameter `position`."""
        ...

    def take_back(self) -> None:
        """Be before the last record again, for whoever asks for the `position`; nothing follows."""
        ...

    def understood(self) -> dict[str, str]:
        """What each column holds, in words; empty where that is not known yet."""
        ...

    def __iter__(self) -> Iterator[Record]: ...

    def close(self) -> None:
        """Close what the records are read from."""
        ...


class Refusals:
    """Counts the bad records of a source, or ends at the first.

    Parameters
    ----------
    name : str
        The source's.
    policy : 'raise' or 'skip'

    Examples
    --------
    >>> refusals = Refusals("pump.csv", "skip")
    >>> refusals.add(7, "a row must have 2 cells, got 3")
    >>> refusals.skipped, refusals.reasons
    (1, ['pump.csv line 7: a row must have 2 cells, got 3'])
    """

    def __init__(self, name: str, policy: Policy) -> None:
        if policy not in ("raise", "skip"):
            raise ValueError(f"bad must be 'raise' or 'skip', got {policy!r}")
        self.name = name  # of the present file
        self.strict = policy == "raise"
        self.skipped = 0
        self.reasons: list[str] = []
        self.any_read = False

    def add(self, number: int, reason: str) -> None:
        """Refuse the record on this line.

        Raises
        ------
        ValueError
            If the policy is 'raise'.
        """
        message = f"{self.name} line {number}: {reason[:MOST_REASON]}"
        if self.strict:
            raise ValueError(message)
        self.skipped += 1
        if len(self.reasons) < REASONS:
            self.reasons.append(message)

    def expect_one_read(self) -> None:
        """Refuse a source, at its end, of which every record was bad.

        Raises
        ------
        ValueError
            If it is.
        """
        if self.skipped and not self.any_read:
            raise ValueError(
                f"{self.name} must hold at least one line that can be read, got {self.skipped:,} "
                f"that cannot: {'; '.join(self.reasons[:2])}"
            )


def expect_short_names(columns: Iterable[str]) -> None:
    """Refuse a name that no one can read: it would stand in every sentence about its column.

    Raises
    ------
    ValueError
        If one has more than `LONGEST_NAME` characters.
    """
    for name in columns:
        if len(name) > LONGEST_NAME:
            raise ValueError(
                f"the name of a column must have at most {LONGEST_NAME:,} characters, "
                f"got {len(name):,} in {name!r:.40}"
            )


def names(columns: tuple[str, ...]) -> str:
    """The columns' names for a message, cut where there are too many."""
    text = printable(", ".join(name[:60] for name in columns[:30]))
    return text if len(text) <= 60 else f"{text[:57]}..."


def string_at(position: Mapping[str, object], key: str) -> str:
    """Return a string of a position.

    Raises
    ------
    ValueError
        If it is something else.
    """
    value = _value_at(position, key)
    if type(value) is not str:
        raise _wrong(position, key)
    return value


def count_at(position: Mapping[str, object], key: str) -> int:
    """Return a count of a position, at least 0.

    Raises
    ------
    ValueError
        If it is something else.
    """
    value = _value_at(position, key)
    if type(value) is not int or value < 0:
        raise _wrong(position, key)
    return value


def columns_at(position: Mapping[str, object]) -> tuple[str, ...]:
    """Return the columns of a position.

    Raises
    ------
    ValueError
        If it has none.
    """
    return _names_at(position, "columns")


def text_at(position: Mapping[str, object]) -> tuple[str, ...] | None:
    """Return the columns of a position that hold text; None where that was not known yet.

    Raises
    ------
    ValueError
        If it does not say which, as older ones do not.
    """
    if isinstance(position, Mapping) and "text" in position and position["text"] is None:
        return None
    return _names_at(position, "text")


def _names_at(position: Mapping[str, object], key: str) -> tuple[str, ...]:
    columns = _value_at(position, key)
    if type(columns) is not list:
        raise _wrong(position, key)
    if not all(type(name) is str for name in columns):
        raise ValueError(f"the {key} in position must be names, got {columns!r:.80}")
    return tuple(columns)


def _value_at(position: object, key: str) -> object:
    return position.get(key) if isinstance(position, Mapping) else None


def _wrong(position: object, key: str) -> ValueError:
    return ValueError(
        "position must be what the attribute position of such a source gave, "
        f"got {position!r:.80}, where {key!r} is {_value_at(position, key)!r:.40}"
    )
