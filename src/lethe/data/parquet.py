"""Events from the rows of a Parquet file. Needs pyarrow: the extra ``parquet``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from itertools import count, repeat
from typing import TYPE_CHECKING

from lethe.core._checks import check_int
from lethe.data.record import Record, Value, columns_at, count_at, names, string_at

if TYPE_CHECKING:
    import pyarrow

__all__ = ["ParquetStream"]

ROWS = 4096  # that are values of Python at once
BUFFER = 1 << 20  # bytes of a column that are read at once


class ParquetStream:
    """The events of a Parquet file, one for each row, in constant memory.

    Numbers, strings and booleans stay the same; decimals become floats; dates and times become
    strings such as ``2024-01-31 08:00:00``. Other columns are an error.

    Parameters
    ----------
    source : str or os.PathLike
        The path of a file.
    position : dict, optional
        The attribute `position` of a stream that stopped there. The file must be the same.
    skip : int, optional
        Begin at the start, whatever `position` says, and pass over so many rows. The columns must
        still be those of `position`, if there is one.

    Attributes
    ----------
    name : str
        The file's, for messages.
    columns : tuple of str
    skipped : int
        0, since rows of a Parquet file are all of one kind.
    reasons : list of str
        Empty.

    Raises
    ------
    ValueError
        If the file cannot be read, holds no row or such a column, has changed since `position`, or
        a parameter is wrong, or pyarrow is not installed.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        *,
        position: Mapping[str, object] | None = None,
        skip: int | None = None,
    ) -> None:
        if not isinstance(source, str | os.PathLike):
            raise ValueError(
                f"source must be the path of a file for Parquet, got {type(source).__name__}"
            )
        self.name = os.fspath(source)
        self.skipped = 0
        self.reasons: list[str] = []
        self._sha256 = ""  # of the file, once someone asks
        self._open()
        try:
            self._casts = self._understood()
            self.columns = tuple(self._casts)
            self._row = 0 if skip is None else check_int("skip", skip, 0)
            if position is not None:
                self._go_to(position, skip is None)
            self._check_row("position" if skip is None else "skip")
        except ValueError:
            self.close()
            raise
        self._records = self._read()

    @property
    def position(self) -> dict[str, object]:
        """Where the stream stands: values that JSON can hold.

        The rows so far, the SHA-256 of the whole file (which is read for it once) and the columns.
        """
        return {
            "form": "parquet",
            "offset": self._row,
            "sha256": self._digest(),
            "columns": list(self.columns),
        }

    @property
    def source(self) -> str:
        """The name of what the records come from."""
        return self.name

    @property
    def unit(self) -> str:
        """What the number of a record counts."""
        return "row"

    def __iter__(self) -> Iterator[Record]:
        return self._records

    def __next__(self) -> Record:
        return next(self._records)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _open(self) -> None:
        try:
            import pyarrow
            from pyarrow.parquet import ParquetFile
        except ModuleNotFoundError:
            raise ValueError(
                f"pyarrow must be installed to read {self.name}, got none: "
                "pip install 'lethe-ml[parquet]'"
            ) from None
        self._errors = (pyarrow.ArrowException, OSError)
        try:
            self._file = ParquetFile(self.name, buffer_size=BUFFER)
        except self._errors as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> ValueError:
        return ValueError(f"source must be readable as Parquet, got {self.name}: {error}")

    def _understood(self) -> dict[str, pyarrow.DataType | None]:
        """The columns, each with the type that its values take on the way, None for its own."""
        import pyarrow as arrow

        casts: dict[str, arrow.DataType | None] = {}
        for field in self._file.schema_arrow:
            kind = field.type
            is_a = arrow.types
            if is_a.is_dictionary(kind):
                kind = kind.value_type
            if field.name in casts:
                raise ValueError(
                    f"{self.name} must name each column once, got {field.name!r} twice"
                )
            if is_a.is_decimal(kind) or is_a.is_float16(kind):
                casts[field.name] = arrow.float64()
            elif is_a.is_timestamp(kind) or is_a.is_date(kind) or is_a.is_time(kind):
                casts[field.name] = arrow.string()
            elif any(
                test(kind)
                for test in (
                    is_a.is_boolean,
                    is_a.is_integer,
                    is_a.is_floating,
                    is_a.is_string,
                    is_a.is_large_string,
                    is_a.is_null,
                )
            ):
                casts[field.name] = None
            else:
                raise ValueError(
                    f"column {field.name!r} of {self.name} must hold numbers, strings, booleans, "
                    f"dates or times, got {kind}"
                )
        if not casts or not self._file.metadata.num_rows:
            raise ValueError(f"{self.name} must hold at least one record, got nothing")
        return casts

    def _go_to(self, position: Mapping[str, object], resume: bool) -> None:
        columns = columns_at(position)
        if resume:
            form, digest = string_at(position, "form"), string_at(position, "sha256")
            row = count_at(position, "offset")
            if form != "parquet":
                raise ValueError(f"form must be {form!r} as before, got 'parquet'")
            if self._digest() != digest:
                raise ValueError(
                    f"{self.name} must have the SHA-256 {digest}, got {self._digest()}: "
                    "it has changed; say how many records to skip instead"
                )
            self._row = row
        if columns != self.columns:
            raise ValueError(
                f"the columns must be {names(columns)} as before, got {names(self.columns)}"
            )

    def _check_row(self, name: str) -> None:
        rows = self._file.metadata.num_rows
        if self._row > rows:
            raise ValueError(
                f"{name} must be at most the {rows:,} records of {self.name}, got {self._row:,}"
            )

    def _digest(self) -> str:
        if not self._sha256:
            try:
                with open(self.name, "rb") as file:
                    self._sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise self._unreadable(error) from None
        return self._sha256

    def _read(self) -> Iterator[Record]:
        first, row = self._row, 0
        for group in range(self._file.metadata.num_row_groups):
            rows = self._file.metadata.row_group(group).num_rows
            if row + rows <= first:
                row += rows
                continue
            batches = self._batches(group)
            while (columns := self._next_of(batches)) is not None:
                events = map(dict, map(zip, repeat(self.columns), zip(*columns, strict=True)))
                for number, event in zip(count(row + 1), events, strict=False):
                    if number > first:
                        self._row = number
                        yield Record(number, event, number)
                row += len(columns[0])

    def _batches(self, group: int) -> Iterator[pyarrow.RecordBatch]:
        yield from self._file.iter_batches(batch_size=ROWS, row_groups=[group])

    def _next_of(self, batches: Iterator[pyarrow.RecordBatch]) -> list[list[Value]] | None:
        """The next rows, column by column, as values of Python."""
        try:
            batch = next(batches, None)
            if batch is None:
                return None
            return [
                (column if cast is None else column.cast(cast, safe=False)).to_pylist()
                for column, cast in zip(batch.columns, self._casts.values(), strict=True)
            ]
        except self._errors as error:
            raise self._unreadable(error) from None
