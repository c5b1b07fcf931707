"""Events from the rows of a Parquet file. Needs pyarrow: the extra ``parquet``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count, repeat
from typing import TYPE_CHECKING

from lethe.core._checks import check_int
from lethe.data.fields import MOST_COLUMNS
from lethe.data.kinds import Kinds
from lethe.data.lines import LONGEST
from lethe.data.record import (
    MOST_SKIP,
    Record,
    Value,
    columns_at,
    count_at,
    expect_short_names,
    names,
    string_at,
)

if TYPE_CHECKING:
    import pyarrow
from lethe.data.rotation import open_regular
from lethe.data.waiting import close_quietly

__all__ = ["ParquetStream"]

ROWS = 4096  # that are values of Python at once
CELLS = 1 << 18  # in all columns of these
BYTES = 1 << 24  # of these in the file, before they were compressed
BUFFER = 1 << 24  # bytes that are read at once, of all columns together

# Cells may be of very different lengths: of so many bytes of strings fewer rows are read at once,
# and where that many are compressed to so small a part, none.
MOST_STRINGS = 1 << 26
NUMBER = 16  # bytes of any other cell
ROWS_OF_MANY = 64
MOST_COMPRESSED = 100


class ParquetStream:
    """The events of a Parquet file, one for each row, in constant memory.

    Numbers, strings and booleans stay the same; decimals become floats; dates and times become
    strings such as ``2024-01-31 08:00:00``. Other columns are an error, and so is a string of more
    than `LONGEST` bytes. Memory follows what is in the file: a string that a dictionary holds once
    is in memory once, however many rows have it.

    Parameters
    ----------
    source : str or os.PathLike
        The path of a file.
    position : dict, optional
        The attribute `position` of a stream that stopped there. The file must be the same.
    skip : int, optional
        Begin at the start, whatever `position` says, and pass over so many rows. The columns must
        still be those of `position`, if there is one.
    text : sequence of str
        Columns that become text, whatever their type. They need not be there.
    missing : sequence of str
        Strings, or numbers as strings, that stand for a missing value.

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
        text: Sequence[str] = (),
        missing: Sequence[str] = (),
    ) -> None:
        if not isinstance(source, str | os.PathLike):
            raise ValueError(
                f"source must be the path of a file for Parquet, got {type(source).__name__}"
            )
        self.name = os.fspath(source)
        self.skipped = 0
        self.reasons: list[str] = []
        self._sha256 = ""  # of the file, once someone asks
        self._kinds = Kinds(text, (), missing)
        self._words: dict[str, str] = {}
        # Of each column of strings the dictionary that came last, and its strings.
        self._strings: dict[str, tuple[pyarrow.Array, list[Value]]] = {}
        self._open()
        try:
            self._casts = self._read_schema(frozenset(text))
            self.columns = tuple(self._casts)
            self._row = 0 if skip is None else check_int("skip", skip, 0, MOST_SKIP)
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

    def take_back(self) -> None:
        """Be before the last record again, for whoever asks for the `position`; nothing follows."""
        self._row -= 1

    def understood(self) -> dict[str, str]:
        """What each column holds, in words."""
        return dict(self._words)

    def __iter__(self) -> Iterator[Record]:
        return self._records

    def __next__(self) -> Record:
        return next(self._records)

    def close(self) -> None:
        """Close the file."""
        close_quietly(self._file)

    def _open(self) -> None:
        try:
            import pyarrow
            from pyarrow.parquet import ParquetFile
        except ModuleNotFoundError:
            raise ValueError(
                f"pyarrow must be installed to read {self.name}, got none: "
                "pip install 'lethe-ml[parquet]'"
            ) from None
        try:
            close_quietly(open_regular(self.name))  # a named pipe would be waited for
        except OSError as error:
            raise ValueError(
                f"source must be readable as Parquet, got {self.name}: {error.strerror}"
            ) from None
        # What a broken file ends with: text that is no UTF-8, and numbers that are too large, too.
        self._errors = (pyarrow.ArrowException, OSError, UnicodeDecodeError, OverflowError)
        try:
            self._file = ParquetFile(self.name, buffer_size=BUFFER // 256)
            columns = self._file.metadata.num_columns
            if columns > MOST_COLUMNS:
                raise ValueError(
                    f"{self.name} must have at most {MOST_COLUMNS:,} columns, got {columns:,}"
                )
            strings = self._string_columns()
            close_quietly(self._file)
            size = min(max(BUFFER // max(columns, 1), 1 << 12), 1 << 20)
            self._file = ParquetFile(self.name, buffer_size=size, read_dictionary=strings)
        except self._errors as error:
            raise self._unreadable(error) from None

    def _string_columns(self) -> list[str]:
        strings = ("string", "large_string", "string_view")
        return [field.name for field in self._file.schema_arrow if str(field.type) in strings]

    def _unreadable(self, error: Exception) -> ValueError:
        why = " ".join(str(error).split())
        return ValueError(f"source must be readable as Parquet, got {self.name}: {why:.200}")

    def _read_schema(self, text: Collection[str]) -> dict[str, pyarrow.DataType | None]:
        """The columns, each with the type that its values take on the way, None for its own."""
        import pyarrow as arrow

        casts: dict[str, arrow.DataType | None] = {}
        expect_short_names(self._file.schema_arrow.names)
        for field in self._file.schema_arrow:
            kind = field.type
            is_a = arrow.types
            if is_a.is_dictionary(kind):
                kind = kind.value_type
            if field.name in casts:
                raise ValueError(
                    f"{self.name} must name each column once, got {field.name!r} twice"
                )
            word = self._word_of(kind)
            if not word:
                raise ValueError(
                    f"column {field.name!r} of {self.name} must hold numbers, strings, booleans, "
                    f"dates or times, got {kind!s:.60}"
                )
            casts[field.name] = None
            if word == "times" or (field.name in text and word in ("numbers", "booleans")):
                casts[field.name] = arrow.string()
            elif is_a.is_decimal(kind) or is_a.is_float16(kind):
                casts[field.name] = arrow.float64()
            self._words[field.name] = "text" if field.name in text else word
        if not casts or not self._file.metadata.num_rows:
            raise ValueError(f"{self.name} must hold at least one record, got nothing")
        return casts

    @staticmethod
    def _word_of(kind: pyarrow.DataType) -> str:
        """What a column of this type holds; empty where no event can have it."""
        from pyarrow import types

        tests = {
            "booleans": (types.is_boolean,),
            "numbers": (types.is_integer, types.is_floating, types.is_decimal, types.is_duration),
            "text": (types.is_string, types.is_large_string),
            "times": (types.is_timestamp, types.is_date, types.is_time),
            "nothing": (types.is_null,),
        }
        found = (word for word, those in tests.items() if any(test(kind) for test in those))
        return next(found, "")

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
                        one = self._kinds.object(event) if self._kinds.changes_objects else event
                        yield Record(number, one, number)
                row += len(columns[0])

    def _batches(self, group: int) -> Iterator[pyarrow.RecordBatch]:
        rows = self._rows_at_once(self._file.metadata.row_group(group))
        yield from self._file.iter_batches(batch_size=rows, row_groups=[group])

    def _rows_at_once(self, group: pyarrow.RowGroupMetaData) -> int:
        """How many rows of a group to read at once, by what they take in memory.

        What pyarrow says of a single column is left alone: where a file is broken there, asking
        ends the process.
        """
        rows: int = group.num_rows
        size: int = group.total_byte_size
        is_string = [
            word == "text" and self._casts[name] is None for name, word in self._words.items()
        ]
        others = NUMBER * rows * (len(is_string) - sum(is_string))
        strings = size - others if any(is_string) else 0
        on_disk = os.path.getsize(self.name)
        if strings > max(MOST_STRINGS, MOST_COMPRESSED * on_disk):
            raise ValueError(
                f"{self.name} must not grow to more than {MOST_COMPRESSED} times its size when it "
                f"is read, got {on_disk:,} bytes with {size:,} in one row group: write smaller row "
                "groups"
            )
        at_once = min(ROWS, CELLS // len(is_string), BYTES * rows // max(size, 1))
        return max(1, min(at_once, ROWS_OF_MANY) if strings > MOST_STRINGS else at_once)

    def _next_of(self, batches: Iterator[pyarrow.RecordBatch]) -> list[list[Value]] | None:
        """The next rows, column by column, as values of Python."""
        try:
            batch = next(batches, None)
            if batch is None:
                return None
            return [
                self._values(name, column, cast)
                for (name, cast), column in zip(self._casts.items(), batch.columns, strict=True)
            ]
        except self._errors as error:
            raise self._unreadable(error) from None

    def _values(
        self, name: str, column: pyarrow.Array, cast: pyarrow.DataType | None
    ) -> list[Value]:
        from pyarrow import types

        if types.is_dictionary(column.type):
            self._expect_within(name, column)
            if cast is None and self._word_of(column.type.value_type) == "text":
                strings = self._strings_of(name, column.dictionary)
                places = column.indices.to_pylist()
                return [None if place is None else strings[place] for place in places]
            column = column.dictionary_decode()
        if types.is_duration(column.type):
            column = _seconds(column)
        values: list[Value] = (
            column if cast is None else column.cast(cast, safe=False)
        ).to_pylist()
        return values

    def _expect_within(self, name: str, column: pyarrow.DictionaryArray) -> None:
        """Refuse indices beyond their dictionary, which only a broken file has."""
        from pyarrow import compute

        least, most = compute.min_max(column.indices).as_py().values()
        if least is not None and not 0 <= least <= most < len(column.dictionary):
            raise ValueError(
                f"source must be readable as Parquet, got {self.name}: column {name!r} has an "
                "index beyond its dictionary"
            )

    def _strings_of(self, name: str, dictionary: pyarrow.Array) -> list[Value]:
        """The strings of a dictionary, each once; most batches have that of the one before."""
        from pyarrow import compute

        before = self._strings.get(name)
        if before is not None and _place(before[0]) == _place(dictionary):
            return before[1]
        longest = compute.max(compute.binary_length(dictionary)).as_py() or 0
        if longest > LONGEST:
            raise ValueError(
                f"a cell of column {name!r} of {self.name} must be at most {LONGEST:,} bytes, "
                f"got {longest:,}"
            )
        strings: list[Value] = dictionary.to_pylist()
        self._strings[name] = dictionary, strings
        return strings


def _place(array: pyarrow.Array) -> list[int]:
    """Where an array lies in memory."""
    buffers = (0 if buffer is None else buffer.address for buffer in array.buffers())
    return [len(array), array.offset, *buffers]


def _seconds(durations: pyarrow.Array) -> pyarrow.Array:
    """Durations as numbers of seconds."""
    import pyarrow as arrow
    from pyarrow import compute

    each = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[durations.type.unit]
    return compute.divide(durations.cast(arrow.int64()).cast(arrow.float64(), safe=False), each)
