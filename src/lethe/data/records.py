"""Events from CSV and from JSON lines, in a file or a pipe that may never end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count, islice, repeat
from pathlib import PurePath
from typing import BinaryIO, Literal, cast

from lethe.core._checks import check_int
from lethe.data.fields import header, json_object, separator_of, split, split_all
from lethe.data.kinds import SAMPLE, Kinds, kinds_in
from lethe.data.lines import LONGEST, Chunk, Lines, too_long
from lethe.data.record import (
    Policy,
    Record,
    Refusals,
    Value,
    columns_at,
    count_at,
    names,
    string_at,
    text_at,
)

__all__ = ["FORMS", "RecordStream"]

#: The form of a file by its suffix. Others show by their first character: JSON starts with a brace.
FORMS: dict[str, str] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}

_record = partial(tuple.__new__, Record)  # half of what a call of Record takes


class RecordStream:
    r"""The events of CSV or JSON lines, one for each line, in constant memory.

    CSV has a header with the names of the columns, which also tells whether comma, semicolon or tab
    separates the cells. Blanks around a cell do not count, and an empty cell is missing. A column
    is text where any cell of the first records (up to `SAMPLE`, of those that arrive first) is
    neither a number nor a word for a missing value such as ``NA`` (`MISSING`); its cells stay as
    they are written. In another column a number becomes an int or a float (also ``inf``, and what
    64 bits do not hold), and anything else stays text. A record ends with its line, even within
    quotes: a lost quote costs one record of an endless stream and not all that follow.

    JSON lines hold one object each, of numbers, strings, booleans and nulls. The first one names
    the columns; what a later one lacks is missing.

    Empty lines do not count. Lines end with ``\n`` or ``\r\n``, and the last with nothing, unless
    the file is followed. A byte order mark is dropped.

    Parameters
    ----------
    source : str, os.PathLike or binary file object
        The path of a file, or an open binary file such as ``sys.stdin.buffer``.
    form : 'csv' or 'jsonl', optional
        By default what the file's suffix says (`FORMS`), else the first character.
    position : dict, optional
        The attribute `position` of a stream that stopped there. The file must hold the same bytes
        up to it. Only for a path: what comes from a pipe must say how much to `skip`.
    skip : int, optional
        Begin at the start of the source, whatever `position` says, and pass over so many records.
        The columns must still be those of `position`, if there is one.
    follow : bool
        Wait at the end of the file for more, until interrupted. The file must only grow. A file
        that is cut and has grown past its old length within 0.2 s is not noticed.
    bad : 'raise' or 'skip'
        What to do with a bad record: one with another number of cells, an unknown column, a
        repeated one or an array in JSON, or a line that is no UTF-8, holds a NUL byte or is too
        long. A bad header is always an error.
    longest : int
        The most bytes of a line.
    text, numbers : sequence of str
        Columns that are text, or numbers, whatever the first records hold. They need not be there.
    missing : sequence of str
        More words for a missing value, in columns of numbers and of text, such as ``-999``.

    Attributes
    ----------
    name : str
        The source's, for messages.
    columns : tuple of str
        Empty before the first record.
    skipped : int
        The bad records before `position`, those before the stream was resumed too.
    reasons : list of str
        Why the first few of them are bad.

    Raises
    ------
    ValueError
        If the source cannot be read or has changed before `position`, or a parameter is wrong.
        While reading: at a bad record or header, where the source holds nothing, and where a
        followed file was cut or replaced. After an error the stream is over.

    Examples
    --------
    >>> import io
    >>> stream = RecordStream(io.BytesIO(b"time,level\n08:00,0.5\n08:05,\n"))
    >>> for record in stream:
    ...     print(record)
    Record(number=2, event={'time': '08:00', 'level': 0.5}, offset=21)
    Record(number=3, event={'time': '08:05', 'level': None}, offset=28)
    >>> stream.position["offset"], stream.position["line"], stream.columns
    (28, 3, ('time', 'level'))

    >>> lines = b'{"level": 0.5}\n{"level": [1]}\n{"level": 1}\n'
    >>> stream = RecordStream(io.BytesIO(lines), bad="skip")
    >>> [record.event for record in stream], stream.skipped
    ([{'level': 0.5}, {'level': 1}], 1)
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | BinaryIO,
        *,
        form: Literal["csv", "jsonl"] | None = None,
        position: Mapping[str, object] | None = None,
        skip: int | None = None,
        follow: bool = False,
        bad: Policy = "raise",
        longest: int = LONGEST,
        text: Sequence[str] = (),
        numbers: Sequence[str] = (),
        missing: Sequence[str] = (),
    ) -> None:
        if form not in (None, "csv", "jsonl"):
            raise ValueError(f"form must be 'csv' or 'jsonl', got {form!r}")
        self._kinds = Kinds(text, numbers, missing)
        self._path, self.name, self._file = _opened(source)
        suffix = PurePath(self._path or "").suffix.lower()
        self._form: str = form or FORMS.get(suffix, "")  # empty: the first character will tell
        self._separator = ""
        self.columns: tuple[str, ...] = ()
        self._known: frozenset[str] = frozenset()  # the columns
        self._expected: tuple[str, ...] = ()  # columns, where they must be the same as before
        self._last = Record(0, {}, 0)  # the last line that was dealt with, whatever it was
        try:
            self._refusals = Refusals(self.name, bad)
            self._skip = 0 if skip is None else check_int("skip", skip, 0)
            self._longest = check_int("longest", longest, 0)
            self._lines = Lines(
                self._file,
                self.name,
                path=self._path,
                follow=follow,
                longest=longest,
                strict=self._refusals.strict,
            )
            if position is not None and (before := text_at(position)) is not None:
                self._kinds.know(columns_at(position), before)
            if position is not None and skip is not None:
                self._expected = columns_at(position)
            elif position is not None:
                self._go_to(position, form)
        except ValueError:
            if self._path is not None:
                self._file.close()
            raise
        self._records = self._read()

    @property
    def skipped(self) -> int:
        """The bad records so far."""
        return self._refusals.skipped

    @property
    def reasons(self) -> list[str]:
        """Why the first few of them are bad."""
        return self._refusals.reasons

    @property
    def position(self) -> dict[str, object]:
        """Where the stream stands, after the last record that it gave: values that JSON can hold.

        Bytes and lines so far, the SHA-256 of these bytes, the form, the columns, those of text
        and the separator, and the number of bad records.
        """
        return {
            "form": self._form,
            "offset": self._last.offset,
            "line": self._last.number,
            "sha256": self._lines.digest(self._last.offset),
            "columns": list(self.columns),
            "separator": self._separator,
            "skipped": self.skipped,
            "text": None if self._kinds.text is None else list(self._kinds.text),
        }

    def understood(self) -> dict[str, str]:
        """What each column holds, in words; empty before the first record."""
        return self._kinds.understood() or kinds_in(self._last.event)

    def __iter__(self) -> Iterator[Record]:
        return self._records

    def __next__(self) -> Record:
        return next(self._records)

    def close(self) -> None:
        """Close the file, whoever opened it. At its end and after an error a path's is closed."""
        self._file.close()

    def _go_to(self, position: Mapping[str, object], form: str | None) -> None:
        before, digest, separator = (
            string_at(position, key) for key in ("form", "sha256", "separator")
        )
        offset, line, skipped = (count_at(position, key) for key in ("offset", "line", "skipped"))
        columns = columns_at(position)
        if self._path is None or not self._lines.is_regular():
            raise ValueError(
                f"{self.name} must be a file for its position to be found again, got a pipe or "
                "stream; say how many records to skip instead (none, if only new ones come)"
            )
        if form is not None and form != before:
            raise ValueError(f"form must be {before!r} as before, got {form!r}")
        self._lines.resume(offset, line, digest)
        self._last = Record(line, {}, offset)
        self._form, self._separator = before, separator
        self.columns, self._known = columns, frozenset(columns)
        self._refusals.skipped = skipped
        self._refusals.any_read = True

    def _read(self) -> Iterator[Record]:
        try:
            yield from self._after_skipped(self._read_all())
        finally:
            if self._path is not None:
                self.close()

    def _after_skipped(self, records: Iterator[Record]) -> Iterator[Record]:
        passed = sum(1 for _ in islice(records, self._skip))
        if passed < self._skip:
            raise ValueError(
                f"skip must be at most the {passed:,} records of {self.name}, got {self._skip:,}"
            )
        yield from records

    def _read_all(self) -> Iterator[Record]:
        for chunk in self._lines:
            if not self._form or (self._form == "csv" and not self.columns):
                chunk = self._begin(chunk)
            if self._form == "csv" and self._kinds.text is None:
                rows = list(islice(self._readable(chunk), SAMPLE))
                if rows:
                    self._kinds.decide(self.columns, rows)
            events = self._at_once(chunk) if self._form == "csv" else None
            if events is None:
                yield from self._one_by_one(chunk)
                continue
            self._refusals.any_read = True
            for record in map(_record, zip(count(chunk.first), events, chunk.ends, strict=False)):
                self._last = record
                yield record
        if not self.columns and not self.skipped:
            raise ValueError(f"{self.name} must hold at least one record, got nothing")
        self._refusals.expect_one_read()

    def _begin(self, chunk: Chunk) -> Chunk:
        """Find the form, and read the header where there is one; what follows in the chunk."""
        for n, line in enumerate(chunk.lines):
            number = chunk.first + n
            try:
                text = self._text(number, line)
                if text.strip() and not self._form:
                    self._form = "jsonl" if text.lstrip()[:1] in ("{", "[") else "csv"
                if self._form == "jsonl":
                    return chunk.after(n)
                if text.strip():
                    self._separator = separator_of(text)
                    self._name_columns(header(split(text, self._separator)))
            except ValueError as error:
                raise ValueError(f"{self.name} line {number}: {error}") from None
            self._last = Record(number, {}, chunk.ends[n])
            if self.columns:
                return chunk.after(n + 1)
        return chunk.after(len(chunk.lines))

    def _name_columns(self, columns: tuple[str, ...]) -> None:
        if self._expected and columns != self._expected:
            raise ValueError(
                f"the columns must be {names(self._expected)} as before, got {names(columns)}"
            )
        self.columns, self._known = columns, frozenset(columns)

    def _at_once(self, chunk: Chunk) -> Iterator[dict[str, Value]] | None:
        """The events of a chunk of CSV; None where one of its lines needs a closer look."""
        if b"\0" in chunk.data or len(chunk.data) > self._longest:
            return None
        try:
            rows = split_all(chunk.data.decode(), self._separator)
        except UnicodeDecodeError:
            return None
        if rows is None or set(map(len, rows)) != {len(self.columns)}:
            return None
        return map(dict, map(zip, repeat(self.columns), self._kinds.rows(rows)))

    def _readable(self, chunk: Chunk) -> Iterator[list[str]]:
        """The cells of those rows of a chunk that can be read."""
        for number, line in zip(count(chunk.first), chunk.lines, strict=False):
            with suppress(ValueError):
                cells = split(self._text(number, line), self._separator)
                if len(cells) == len(self.columns) and cells != [""]:
                    yield cells

    def _one_by_one(self, chunk: Chunk) -> Iterator[Record]:
        read = self._row if self._form == "csv" else self._object
        for number, line, end in zip(count(chunk.first), chunk.lines, chunk.ends, strict=False):
            event, reason = None, ""
            try:
                event = read(self._text(number, line))
            except ValueError as error:
                reason = str(error)
            if reason:
                self._refusals.add(number, reason)
            self._last = record = Record(number, event or {}, end)
            if event:
                self._refusals.any_read = True
                yield record

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
        cells = split(text, self._separator)
        if len(cells) != len(self.columns):
            raise ValueError(
                f"a row must have {len(self.columns)} cells ({names(self.columns)}), "
                f"got {len(cells)}"
            )
        return dict(zip(self.columns, self._kinds.row(cells), strict=True))

    def _object(self, text: str) -> dict[str, Value] | None:
        if not text or text.isspace():
            return None
        event = json_object(text)
        if self._kinds.changes_objects:
            event = self._kinds.object(event)
        columns = tuple(event)
        if columns == self.columns:
            return event
        if not self.columns:
            if not columns:
                raise ValueError("the first object must name the columns, got {}")
            self._name_columns(columns)
            return event
        for name in columns:
            if name not in self._known:
                raise ValueError(
                    f"an object must have the columns of the first ({names(self.columns)}), "
                    f"got {name!r} too"
                )
        return {name: event.get(name) for name in self.columns}


def _opened(source: object) -> tuple[str | None, str, BinaryIO]:
    """The path, if there is one, the name and the file."""
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        try:
            return path, path, open(path, "rb", buffering=0)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ValueError(f"source must be readable, got {path}: {reason}") from None
    if not hasattr(source, "read") or hasattr(source, "encoding"):
        raise ValueError(f"source must be a path or a binary file, got {type(source).__name__}")
    name = str(getattr(source, "name", type(source).__name__))
    return None, "standard input" if name == "<stdin>" else name, cast(BinaryIO, source)
