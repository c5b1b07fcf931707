"""Results files: finished trials as lines of JSON."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from lethe.experiments.records import NO_FIELDS, Fields, Record, TrialKey, check_record, key
from lethe.storage.disk import sync, write_all
from lethe.storage.output import open_in_place, output_errors
from lethe.storage.reading import read_bytes, strict_json

__all__ = ["MOST_BYTES", "MOST_LINE", "Record", "append", "key", "opened", "read"]

#: The most bytes of a file and of a line of it, read or written; those of the whole tables have a
#: few million and 3,000.
MOST_BYTES = 1 << 28
MOST_LINE = 1 << 16


def read(path: str | os.PathLike[str], result: Fields = NO_FIELDS) -> list[Record]:
    """Read all finished trials of a file.

    A last line that is cut off, as after a power failure, is dropped.

    Parameters
    ----------
    path : str or os.PathLike
        A file that `append` wrote. One that does not exist holds no trials.
    result : dict of str to type, optional
        What each record must contain in addition to its `key`.

    Returns
    -------
    list of dict
        In the order in which the trials finished.

    Raises
    ------
    ValueError
        If the file cannot be read or has more than `MOST_BYTES`, or if a line other than a cut-off
        last one is no record, as where it counts less than nothing (`records.check_record`).
    """
    try:
        text = read_bytes(path, MOST_BYTES)
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise ValueError(f"the results file {error}") from None
    except OSError as error:
        raise ValueError(f"the results file {path} cannot be read: {error.strerror}") from None
    # What follows the last line end is empty or cut off.
    records = []
    for number, line in enumerate(io.BytesIO(text[: text.rfind(b"\n") + 1]), start=1):
        if len(line) > MOST_LINE:
            raise ValueError(
                f"line {number} of the results file {path} must be at most {MOST_LINE:,} bytes, "
                f"got {len(line):,}"
            )
        try:
            records.append(_parsed(line, result))
        except ValueError as wrong:
            raise ValueError(
                f"line {number} of the results file {path} is no record: {wrong}"
            ) from None
    return records


def _parsed(line: bytes, result: Fields) -> Record:
    try:
        values = strict_json(line)
    except (json.JSONDecodeError, UnicodeDecodeError):
        values = None
    if not isinstance(values, dict):
        raise ValueError("it must be a JSON object")
    check_record(values)
    for name, kind in result.items():
        if name not in values:
            raise ValueError(f"it lacks {name!r}")
        if not isinstance(values[name], kind):
            raise ValueError(f"{name} has a value of another kind")
    record = cast(Record, values)
    try:
        key(record)
    except RecursionError:
        raise ValueError("its configuration has too many levels") from None
    return record


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Callable[[Record], None]]:
    """Open a results file for one run, which alone appends to it; its content is kept.

    A last line that is cut off is removed.

    Parameters
    ----------
    path : str or os.PathLike
        The file; it and its folder are created where they are missing.

    Yields
    ------
    callable
        Appends one finished trial, which is on the disk then: a dict of plain JSON values, with at
        least "experiment", "row", "seed" and "configuration".

    Raises
    ------
    ValueError
        If the file cannot be written, or another process writes it; of the callable also if the
        record is not plain JSON, or is one that `read` would not take, or the file is full.
    """
    with _opened(path, patient=False) as append_line:
        yield lambda record: append_line(_line(record))


def append(path: str | os.PathLike[str], record: Record) -> None:
    """Append one finished trial to a file that may not be open, as `opened` does.

    Parameters
    ----------
    path : str or os.PathLike
        As in `opened`.
    record : dict
        As in `opened`.

    Raises
    ------
    ValueError
        As in `opened`.
    """
    line = _line(record)
    with _opened(path, patient=True) as append_line:
        append_line(line)


def _line(record: Record) -> bytes:
    identity: TrialKey = {
        "experiment": record["experiment"],
        "row": record["row"],
        "seed": record["seed"],
        "configuration": record["configuration"],
    }
    check_record(identity)
    line = json.dumps(record, allow_nan=False).encode() + b"\n"
    if len(line) > MOST_LINE:
        raise ValueError(f"a record must take at most {MOST_LINE:,} bytes, got {len(line):,}")
    return line


@contextmanager
def _opened(path: str | os.PathLike[str], patient: bool) -> Iterator[Callable[[bytes], None]]:
    what = f"the results file {path}"
    with output_errors(what):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        output = open_in_place(path, patient=patient, follow=False)
    try:
        file = output.file
        with output_errors(what):
            size = file.truncate(_whole_lines(file))
            file.seek(size)

        def append_line(line: bytes) -> None:
            nonlocal size
            if size + len(line) > MOST_BYTES:
                raise ValueError(
                    f"{what} must be at most {MOST_BYTES:,} bytes, and is full: keep it elsewhere "
                    "and begin another"
                )
            with output_errors(what):
                output.check(size)
                try:
                    write_all(file, line)
                except BaseException:
                    file.truncate(size)
                    file.seek(size)
                    raise
                sync(file.fileno())
            size += len(line)

        yield append_line
    finally:
        output.abandon()


def _whole_lines(file: io.FileIO) -> int:
    """The size of a file up to its last line end."""
    size = file.seek(0, os.SEEK_END)
    while size:
        start = max(0, size - 4096)
        file.seek(start)
        found = file.read(size - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        size = start
    return 0
