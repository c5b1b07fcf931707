"""Events from several files, one after the other."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

from lethe.core._checks import check_int
from lethe.data.places import Otherwise, begin_in, place_in
from lethe.data.record import MOST_SKIP, REASONS, Record, RecordSource, names
from lethe.data.records import RecordStream
from lethe.data.rotation import AnotherFileError
from lethe.data.rows import Before
from lethe.data.waiting import Loss, Notice, no_notice

__all__ = ["Opener", "SeveralStream"]


class Opener(Protocol):
    """Opens one of several files."""

    def __call__(
        self,
        path: str,
        *,
        position: Mapping[str, object] | None = None,
        skip: int | None = None,
        follow: bool = False,
        otherwise: Otherwise = "raise",
    ) -> RecordSource:
        """Open the file, with the parameters of `RecordStream`."""
        ...


class _At(NamedTuple):
    """A file that is read, and how many bad records came before it."""

    stream: RecordSource
    skipped: int


class SeveralStream:
    """The events of several files, in the order in which they are given.

    All have the same columns, in whatever order. An empty file is passed over.

    Parameters
    ----------
    paths : list of str
        At least two.
    open_one : Opener
    position : dict, optional
        The attribute `position` of such a stream. The file that it belongs to is found among the
        paths by what it holds.
    skip : int, optional
        Begin at the start of the first file, whatever `position` says, and pass over so many
        records.
    follow : bool
        Whether the last one is followed.
    otherwise : 'raise', 'start' or 'end'
        Where to begin if no file holds what was read before `position`: nowhere, at the start of
        the one of its name or else of the next, or at the end of the last.
    notice : Notice, optional

    Attributes
    ----------
    name : str
        The first path, and how many more there are.

    Raises
    ------
    ValueError
        If one cannot be read, or a parameter is wrong. While reading, before the first record: if
        one has other columns than the first.
    """

    def __init__(
        self,
        paths: list[str],
        open_one: Opener,
        *,
        position: Mapping[str, object] | None = None,
        skip: int | None = None,
        follow: bool = False,
        otherwise: Otherwise = "raise",
        notice: Notice | None = None,
    ) -> None:
        self.name = f"{paths[0]} and {len(paths) - 1} more"
        self._open_one = open_one
        self._skip = 0 if skip is None else check_int("skip", skip, 0, MOST_SKIP)
        self._known: Before | None = None  # the columns, once there is a record
        end = len(paths) - 1
        resumed = position is not None and skip is None
        n = place_in(position, paths) if position is not None and resumed else _first(paths)
        try:
            stream = open_one(
                paths[n],
                position=position,
                skip=None if skip is None else 0,
                follow=follow and n == end,
                otherwise="end" if otherwise == "end" else "raise",
            )
        except AnotherFileError as error:
            if otherwise != "start" or position is None:
                raise
            n = begin_in(position, paths)
            (notice or no_notice)(Loss(f"{error}; {paths[n]} is read from its start"))
            stream = open_one(paths[n], position=position, skip=0, follow=follow and n == end)
        if resumed and n:
            passed = f"{paths[0]} and {n - 1} more" if n > 1 else paths[0]
            (notice or no_notice)(f"continues in {paths[n]}; {passed} before it: not read again")
        self._at = _At(stream, 0)  # what has given the last record
        self._next = self._at  # what gives the next one
        self._later = paths[n + 1 :]
        self._last: RecordSource | None = None
        if follow and self._later:  # it may be rotated before it is its turn
            self._last = open_one(paths[end], follow=True)
        self._reasons: list[str] = []
        self._records = self._read()

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the first file; empty before its first record."""
        return self._at.stream.columns if self._known is None else self._known.columns

    @property
    def source(self) -> str:
        """The file that the last record came from."""
        return self._at.stream.source

    @property
    def unit(self) -> str:
        """What the number of a record counts there: 'line' or 'row'."""
        return self._at.stream.unit

    @property
    def skipped(self) -> int:
        """The bad records so far."""
        return self._next.skipped + self._next.stream.skipped

    @property
    def reasons(self) -> list[str]:
        """Why the first few of them are bad."""
        return [*self._reasons, *self._next.stream.reasons][:REASONS]

    @property
    def position(self) -> dict[str, object]:
        """Where the stream stands: the position in the file of the last record."""
        stream, skipped = self._at
        position = stream.position
        if "skipped" in position:
            position["skipped"] = skipped + stream.skipped
        return position

    def take_back(self) -> None:
        """Be before the last record again, for whoever asks for the `position`; nothing follows."""
        self._at.stream.take_back()

    def understood(self) -> dict[str, str]:
        """What each column holds, in words; empty before the first record."""
        return self._at.stream.understood()

    def __iter__(self) -> Iterator[Record]:
        return self._records

    def __next__(self) -> Record:
        return next(self._records)

    def close(self) -> None:
        """Close what is open."""
        self._at.stream.close()
        self._next.stream.close()
        if self._last is not None:
            self._last.close()

    def _read(self) -> Iterator[Record]:
        try:
            passed = 0
            for record in self._read_all():
                passed += 1
                if passed > self._skip:
                    yield record
            if passed < self._skip:
                raise ValueError(
                    f"skip must be at most the {passed:,} records of {self.name}, "
                    f"got {self._skip:,}"
                )
        finally:
            self.close()

    def _read_all(self) -> Iterator[Record]:
        stream: RecordSource | None = self._at.stream
        while stream is not None:
            # The place stays in the file before until there is a record of this one.
            records = iter(stream)
            for record in records:
                self._begin(stream)
                columns = self.columns
                if stream.columns == columns:
                    yield record
                    yield from records
                else:
                    yield _in_order(record, columns)
                    yield from (_in_order(one, columns) for one in records)
            stream = self._go_on()

    def _begin(self, stream: RecordSource) -> None:
        """Take a file as the present one, at its first record."""
        self._at = self._next
        if self._known is None:
            self._known = _before(stream)
            for path in self._later:  # all headers are looked at before anything is learned
                if _may_be_read_twice(path):
                    other = self._open_one(path)
                    try:
                        self._continue(other)
                        next(iter(other), None)
                    finally:
                        other.close()

    def _go_on(self) -> RecordSource | None:
        """Open the next file, if there is one."""
        while self._later and _is_empty(self._later[0]) and not self._last_is_followed():
            self._later.pop(0)
        if not self._later:
            return None
        path = self._later.pop(0)
        if self._last is not None and not self._later:
            stream, self._last = self._last, None
        else:
            stream = self._open_one(path)
        self._reasons = self.reasons
        skipped = self.skipped
        if self._next is not self._at:
            self._next.stream.close()
        self._next = _At(stream, skipped)
        self._continue(stream)
        return stream

    def _last_is_followed(self) -> bool:
        """Whether the next file is the last, and more may come in it though it is empty."""
        return self._last is not None and len(self._later) == 1

    def _continue(self, stream: RecordSource) -> None:
        """Go on in a file that must have the same columns."""
        known = self._known or _before(self._at.stream)
        if not known.columns:
            return
        if isinstance(stream, RecordStream):
            stream.go_on_from(known)
        elif sorted(stream.columns) != sorted(known.columns):
            raise ValueError(
                f"{stream.name}: the columns must be those of {known.name} "
                f"({names(known.columns)}), got {names(stream.columns)}"
            )


def _before(stream: RecordSource) -> Before:
    if isinstance(stream, RecordStream):
        return stream.before
    return Before(stream.name, stream.columns, None)


def _in_order(record: Record, columns: tuple[str, ...]) -> Record:
    return record._replace(event={name: record.event[name] for name in columns})


def _first(paths: list[str]) -> int:
    """The first that is not empty, or the last."""
    return next((n for n, path in enumerate(paths) if not _is_empty(path)), len(paths) - 1)


def _is_empty(path: str) -> bool:
    try:
        status = os.stat(path)
    except OSError:  # opening it will say why
        return False
    return stat.S_ISREG(status.st_mode) and not status.st_size


def _may_be_read_twice(path: str) -> bool:
    try:
        status = os.stat(path)
    except OSError:  # a followed one that is not there yet
        return False
    return stat.S_ISREG(status.st_mode) and bool(status.st_size)
