"""Lines to events: CSV under its header, and JSON objects under the names of the first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import count, islice, repeat
from typing import NamedTuple

from lethe.data.fields import header, json_object, separator_of, split, split_all
from lethe.data.kinds import SAMPLE, Kinds
from lethe.data.lines import Chunk, too_long
from lethe.data.record import Value, expect_short_names, names

__all__ = ["Before", "Rows"]


class Before(NamedTuple):
    """A source that this one goes on with.

    Attributes
    ----------
    name : str
    columns : tuple of str
        Of which the events are made, in this order.
    kinds : Kinds or None
        What the columns hold; None if the values had types.
    """

    name: str
    columns: tuple[str, ...]
    kinds: Kinds | None


class Rows:
    """What the lines of a source mean, in whatever file they stand.

    Parameters
    ----------
    form : str
        Empty if the first character will tell.
    kinds : Kinds
    longest : int
        The most bytes of a line.

    Attributes
    ----------
    form, separator : str
    columns : tuple of str
        Empty where they are not known yet.
    begun : bool
        Whether the form is known, and the header of CSV.
    again : bool
        Whether another file has begun, where the header may come again.
    expected : tuple of str
        The columns, where they must be the same as before.
    """

    def __init__(self, form: str, kinds: Kinds, longest: int) -> None:
        self.form = form
        self.separator = ""
        self.kinds = kinds
        self.columns: tuple[str, ...] = ()
        self.expected: tuple[str, ...] = ()
        self.begun = self.again = False
        self._known: frozenset[str] = frozenset()
        self._order: list[int] | None = None  # where the cells of a row stand for the columns
        self._longest = longest
        self._before: Before | None = None

    def know(self, form: str, separator: str, columns: tuple[str, ...]) -> None:
        """Go on as another one."""
        self.form, self.separator = form, separator
        self.columns, self._known = columns, frozenset(columns)
        self.begun = True

    def go_on_from(self, before: Before) -> None:
        """Expect the columns of another source."""
        self._before = before
        self.columns, self._known = before.columns, frozenset(before.columns)
        self.kinds = before.kinds or self.kinds

    def begin(self, number: int, line: bytes | None) -> bool:
        """Take a line before the first record, unless it is the first; `begun` tells the end.

        Raises
        ------
        ValueError
            If it is a bad header.
        """
        text = self._text(number, line)
        if text.strip() and not self.form:
            self.form = "jsonl" if text.lstrip()[:1] in ("{", "[") else "csv"
        if self.form == "jsonl":
            self.begun = True
            return False
        if text.strip():
            self.separator = separator_of(text)
            found = header(split(text, self.separator))
            if self._before is None:
                self._name_columns(found)
                self._put_in_order(found)
            elif sorted(found) == sorted(self.columns):
                self._put_in_order(found)
            else:
                raise ValueError(
                    f"the columns must be those of {self._before.name} ({names(self.columns)}), "
                    f"got {names(found)}"
                )
            self.begun = True
        return True

    def begin_again(self, number: int, line: bytes | None) -> bool:
        """Take a line at the start of another file if it is empty or the header once more.

        Raises
        ------
        ValueError
            If it is the header of other columns.
        """
        if self.form == "jsonl":
            self.again = False
            return False
        try:
            text = self._text(number, line)
            separator = separator_of(text)
            found = tuple(cell.strip() for cell in split(text, separator))
        except ValueError:
            self.again = False
            return False
        if not text.strip():
            return True
        self.again = False
        if sorted(found) == sorted(self.columns):
            self.separator = separator
            self._put_in_order(found)
            return True
        if 2 * len(self._known.intersection(found)) >= len(found):
            raise ValueError(
                f"the columns must be {names(self.columns)} as before, got {names(found)}"
            )
        return False

    def restart(self) -> None:
        """Go on with another file: the header may come again, and in another order."""
        self.again = self.begun
        self._order = None

    def find_order(self, head: bytes) -> None:
        """Find the order of the cells from the first bytes of the file that is read on."""
        self.restart()
        for number, line in enumerate(head.lstrip(b"\0").split(b"\n"), 1):
            with suppress(ValueError):
                separator = self.separator
                self.begin_again(number, line)
                self.separator = separator  # which belongs to this file
            if not self.again:
                return
        self.again = False

    def _put_in_order(self, found: tuple[str, ...]) -> None:
        """Read the cells of a file whose columns stand in another order."""
        self._order = None
        if found != self.columns:
            self._order = [found.index(name) for name in self.columns]

    def _name_columns(self, columns: tuple[str, ...]) -> None:
        if self.expected and sorted(columns) == sorted(self.expected):
            columns = self.expected
        elif self.expected:
            raise ValueError(
                f"the columns must be {names(self.expected)} as before, got {names(columns)}"
            )
        expect_short_names(columns)
        self.columns, self._known = columns, frozenset(columns)

    def decide(self, chunk: Chunk) -> None:
        """Find out what the columns of CSV hold, unless it is known."""
        if self.form == "csv" and self.kinds.text is None:
            rows = list(islice(self._readable(chunk), SAMPLE))
            if rows:
                self.kinds.decide(self.columns, rows)

    def at_once(self, chunk: Chunk) -> Iterator[dict[str, Value]] | None:
        """The events of a chunk of CSV; None where one of its lines needs a closer look."""
        if self.form != "csv" or chunk.first == 1:  # where a byte order mark may be
            return None
        if b"\0" in chunk.data or len(chunk.data) > self._longest:
            return None
        try:
            rows = split_all(chunk.data.decode(), self.separator)
        except UnicodeDecodeError:
            return None
        if rows is None or set(map(len, rows)) != {len(self.columns)}:
            return None
        if self._order is not None:
            rows = [[row[n] for n in self._order] for row in rows]
        return map(dict, map(zip, repeat(self.columns), self.kinds.rows(rows)))

    def _readable(self, chunk: Chunk) -> Iterator[list[str]]:
        """The cells of those rows of a chunk that can be read."""
        for number, line in zip(count(chunk.first), chunk.lines, strict=False):
            with suppress(ValueError):
                cells = split(self._text(number, line), self.separator)
                if len(cells) == len(self.columns) and cells != [""]:
                    yield self._in_order(cells)

    def _in_order(self, cells: list[str]) -> list[str]:
        return cells if self._order is None else [cells[n] for n in self._order]

    def event(self, number: int, line: bytes | None) -> dict[str, Value] | None:
        """The event of one line; None for an empty one.

        Raises
        ------
        ValueError
            If the record is bad.
        """
        text = self._text(number, line)
        return self._row(text) if self.form == "csv" else self._object(text)

    def _text(self, number: int, line: bytes | None) -> str:
        if line is None:
            raise ValueError(too_long(self._longest))
        if b"\0" in line:
            raise ValueError("a line must be text, got a NUL byte")
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            wrong = f"byte 0x{line[error.start]:02x} at place {error.start + 1}"
            raise ValueError(f"a line must be UTF-8, got {wrong}") from None
        if number == 1:
            text = text.removeprefix("\ufeff")  # a byte order mark
        return text.removesuffix("\r")

    def _row(self, text: str) -> dict[str, Value] | None:
        if not text:
            return None
        cells = split(text, self.separator)
        if len(cells) != len(self.columns):
            raise ValueError(
                f"a row must have {len(self.columns)} cells ({names(self.columns)}), "
                f"got {len(cells)}"
            )
        return dict(zip(self.columns, self.kinds.row(self._in_order(cells)), strict=True))

    def _object(self, text: str) -> dict[str, Value] | None:
        if not text or text.isspace():
            return None
        event = json_object(text)
        if self.kinds.changes_objects:
            event = self.kinds.object(event)
        columns = tuple(event)
        if columns == self.columns:
            return event
        if not self.columns:
            if not columns:
                raise ValueError("the first object must name the columns, got {}")
            self._name_columns(columns)
            return {name: event[name] for name in self.columns}
        for name in columns:
            if name not in self._known:
                raise ValueError(
                    f"an object must have the columns of the first ({names(self.columns)}), "
                    f"got {name!r:.60} too"
                )
        return {name: event.get(name) for name in self.columns}
