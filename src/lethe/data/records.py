"""Events from CSV and from JSON lines, in a file or a pipe that may never end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count, islice
from pathlib import PurePath
from typing import BinaryIO, Literal

from lethe.core._checks import check_int
from lethe.data.blocks import open_blocks
from lethe.data.followed import Followed
from lethe.data.kinds import Kinds, kinds_in
from lethe.data.lines import LONGEST, Chunk, Lines, Place
from lethe.data.places import Otherwise, check_otherwise, inode_at
from lethe.data.record import (
    MOST_SKIP,
    Policy,
    Record,
    Refusals,
    columns_at,
    count_at,
    string_at,
    text_at,
)
from lethe.data.rotation import AnotherFileError
from lethe.data.rows import Before, Rows
from lethe.data.waiting import Loss, Notice, Wait, no_notice

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

    A followed path is read through every rotation, as ``tail -F`` does: a file that is renamed, cut
    (from its copy, if there is one), removed or not there yet. Where a position is resumed, the
    file that it belongs to is found under whatever name it has now, by the SHA-256 of its
    beginning; the rest of it comes first, then what was written later. Where another file begins,
    a header that comes again is no record; its columns may stand in another order.

    Parameters
    ----------
    source : str, os.PathLike or binary file object
        The path of a file or named pipe, or an open binary file such as ``sys.stdin.buffer``.
    form : 'csv' or 'jsonl', optional
        By default what the file's suffix says (`FORMS`), else the first character.
    position : dict, optional
        The attribute `position` of a stream that stopped there. The file, or one beside it whose
        name begins in the same way, must hold the same bytes up to it. Only for a path: what comes
        from a pipe must say how much to `skip`.
    skip : int, optional
        Begin at the start of the source, whatever `position` says, and pass over so many records.
        The columns must still be those of `position`, if there is one.
    follow : bool
        Wait at the end of a file for more, until interrupted, and for the next writer of a named
        pipe. Any other pipe ends where its writer closes it.
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

    wait : Wait, optional
        Called wherever nothing has arrived yet. It may raise: then `position` is right, and the
        stream is over. By default it waits.
    notice : callable, optional
        Is told in one sentence what happened to the source.
    otherwise : 'raise', 'start' or 'end'
        Where to begin if no file holds what was read before `position`: nowhere, at the start of
        the file that is there now, or after all its lines.

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
        If the source cannot be read, or a parameter is wrong. While reading: at a bad record or
        header, and where the source holds nothing. After an error the stream is over.
    AnotherFileError
        If no file holds what was read before `position`, unless `otherwise` says what to do.

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
        wait: Wait | None = None,
        notice: Notice | None = None,
        otherwise: Otherwise = "raise",
    ) -> None:
        if form not in (None, "csv", "jsonl"):
            raise ValueError(f"form must be 'csv' or 'jsonl', got {form!r}")
        check_otherwise(otherwise)
        kinds = Kinds(text, numbers, missing)
        self._skip = 0 if skip is None else check_int("skip", skip, 0, MOST_SKIP)
        longest = check_int("longest", longest, 0)
        self._has_path = isinstance(source, str | os.PathLike)
        suffix = PurePath(os.fspath(source)).suffix.lower() if self._has_path else ""  # type: ignore[arg-type]
        self._rows = Rows(form or FORMS.get(suffix, ""), kinds, longest)
        self._last = Record(0, {}, 0)  # the last line that was dealt with, whatever it was
        # Where the file before ended, until there is a record of the present one.
        self._left: dict[str, object] | None = None
        self._entered: dict[str, object] | None = None  # `_left` before the first record, `_first`
        self._first = 0
        if position is not None and (known := text_at(position)) is not None:
            kinds.know(columns_at(position), known)
        resume = position is not None and skip is None
        self._blocks = open_blocks(source, follow=follow, resume=resume, wait=wait, notice=notice)
        self.name = self._blocks.name
        try:
            self._refusals = Refusals(self.name, bad)
            self._lines = Lines(self._blocks, longest=longest, strict=self._refusals.strict)
            if position is not None and skip is not None:
                self._rows.expected = columns_at(position)
            elif position is not None:
                self._go_to(position, form, otherwise, notice or no_notice)
        except ValueError:
            if self._has_path:
                self._blocks.close()
            raise
        self._records = self._read()

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names; empty before the first record."""
        return self._rows.columns

    @property
    def source(self) -> str:
        """The file that the last record came from."""
        return self._lines.here

    @property
    def unit(self) -> str:
        """What the number of a record counts."""
        return "line"

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

        Bytes and lines of the present file so far, their SHA-256, the form, the columns, those of
        text, the separator, the number of bad records, and the file's name and inode.
        """
        if self._left is not None:
            return dict(self._left)
        last, lines = self._last, self._lines
        digest = lines.digest(last.offset)
        return self._position(Place(last.offset, last.number, digest, lines.inode))

    def _position(self, place: Place) -> dict[str, object]:
        rows = self._rows
        return {
            "form": rows.form,
            "offset": place.offset,
            "line": place.line,
            "sha256": place.sha256,
            "columns": list(rows.columns),
            "separator": rows.separator,
            "skipped": self.skipped,
            "text": None if rows.kinds.text is None else list(rows.kinds.text),
            "name": self.name,
            "inode": place.inode,
        }

    @property
    def before(self) -> Before:
        """What a stream needs that goes on with another source."""
        return Before(self.name, self.columns, self._rows.kinds)

    def go_on_from(self, before: Before) -> None:
        """Be what comes after another source: the columns and what they hold are the same.

        Only before the first record. A header must name these columns, in whatever order.
        """
        self._rows.go_on_from(before)
        self._refusals.any_read = True

    def take_back(self) -> None:
        """Be before the last record again, for whoever asks for the `position`; nothing follows."""
        number = self._last.number
        start = self._lines.start_of(number)
        if self._first == number and self._entered is not None:
            self._left = self._entered
        else:
            self._last = Record(number - 1, {}, start)

    def understood(self) -> dict[str, str]:
        """What each column holds, in words; empty before the first record."""
        return self._rows.kinds.understood() or kinds_in(self._last.event)

    def __iter__(self) -> Iterator[Record]:
        return self._records

    def __next__(self) -> Record:
        return next(self._records)

    def close(self) -> None:
        """Close the file, whoever opened it. At its end and after an error a path's is closed."""
        with suppress(OSError):  # all that counts was read
            self._blocks.close()

    def _go_to(
        self,
        position: Mapping[str, object],
        form: str | None,
        otherwise: Otherwise,
        notice: Notice,
    ) -> None:
        before, digest, separator = (
            string_at(position, key) for key in ("form", "sha256", "separator")
        )
        offset, line, skipped = (count_at(position, key) for key in ("offset", "line", "skipped"))
        columns = columns_at(position)
        if not isinstance(self._blocks, Followed) or not self._blocks.has_path:
            raise ValueError(
                f"{self.name} must be a file for its position to be found again, got a pipe or "
                "stream; say how many records to skip instead (none, if only new ones come)"
            )
        if form is not None and form != before:
            raise ValueError(f"form must be {before!r} as before, got {form!r}")
        try:
            head = self._lines.resume(offset, line, digest, inode_at(position))
        except AnotherFileError as error:
            if otherwise == "raise":
                raise
            head = self._lines.go_to_end() if otherwise == "end" else b""
            offset, line = self._lines.place()[:2]
            notice(Loss(f"{error}; it is read from {'its end' if offset else 'its start'}"))
        self._last = Record(line, {}, offset)
        self._rows.know(before, separator, columns)
        if offset and before == "csv":
            self._rows.find_order(head)
        elif not offset:
            self._rows.restart()
        self._refusals.name = self._lines.here
        self._refusals.skipped = skipped
        self._refusals.any_read = True

    def _read(self) -> Iterator[Record]:
        try:
            yield from self._after_skipped(self._read_all())
        finally:
            if self._has_path:
                self.close()

    def _after_skipped(self, records: Iterator[Record]) -> Iterator[Record]:
        passed = sum(1 for _ in islice(records, self._skip))
        if passed < self._skip:
            raise ValueError(
                f"skip must be at most the {passed:,} records of {self.name}, got {self._skip:,}"
            )
        yield from records

    def _read_all(self) -> Iterator[Record]:
        rows = self._rows
        for chunk in self._lines:
            if chunk.begins is not None:
                self._enter(chunk.begins)
            if not rows.begun or rows.again:
                chunk = self._begin(chunk)
            rows.decide(chunk)
            events = rows.at_once(chunk)
            if events is None:
                yield from self._one_by_one(chunk)
                continue
            self._leave(chunk.first)
            self._refusals.any_read = True
            for record in map(_record, zip(count(chunk.first), events, chunk.ends, strict=False)):
                self._last = record
                yield record
        if not self.columns and not self.skipped:
            raise ValueError(f"{self.name} must hold at least one record, got nothing")
        self._refusals.expect_one_read()

    def _enter(self, begins: Place) -> None:
        """Begin with another file."""
        if begins.lost or not self._rows.begun:
            self._left = self._position(begins)
        elif self._left is None:
            last = self._last
            self._left = self._position(begins._replace(offset=last.offset, line=last.number))
        self._last, self._refusals.name = Record(0, {}, 0), self._lines.here
        if not begins.offset or not begins.lost:
            self._rows.restart()

    def _leave(self, number: int) -> None:
        """Leave the file before behind: this is the first line of the present one that counts."""
        if self._left is not None:
            self._entered, self._left, self._first = self._left, None, number

    def _begin(self, chunk: Chunk) -> Chunk:
        """Read the header where there is one, and find the form; what follows in the chunk."""
        rows = self._rows
        for n, line in enumerate(chunk.lines):
            number = chunk.first + n
            try:
                taken = (rows.begin_again if rows.again else rows.begin)(number, line)
            except ValueError as error:
                raise ValueError(f"{self.source} line {number}: {error}") from None
            if not taken:
                return chunk.after(n)
            self._last = Record(number, {}, chunk.ends[n])
            if rows.begun and not rows.again:
                return chunk.after(n + 1)
        return chunk.after(len(chunk.lines))

    def _one_by_one(self, chunk: Chunk) -> Iterator[Record]:
        for number, line, end in zip(count(chunk.first), chunk.lines, chunk.ends, strict=False):
            event, reason = None, ""
            try:
                event = self._rows.event(number, line)
            except ValueError as error:
                reason = str(error)
            if reason:
                self._refusals.add(number, reason)
            if event or reason:
                self._leave(number)
            self._last = record = Record(number, event or {}, end)
            if event:
                self._refusals.any_read = True
                yield record
