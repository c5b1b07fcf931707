"""Results files: finished trials as lines of JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from lethe.experiments.records import NO_FIELDS, Fields, Record, TrialKey, key

__all__ = ["Record", "append", "key", "make", "read"]


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
        If the file cannot be read, or if a line other than a cut-off last one is no record.
    """
    try:
        text = Path(path).read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ValueError(f"the results file {path} cannot be read: {error.strerror}") from None
    # What follows the last line end is empty or cut off.
    lines = text.split(b"\n")[:-1]
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(_parsed(line, result))
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"line {number} of the results file {path} is no record") from None
    return records


def _parsed(line: bytes, result: Fields) -> Record:
    values: Mapping[str, object] = json.loads(line)
    key(cast(TrialKey, values))
    for name, kind in result.items():
        if not isinstance(values[name], kind):
            raise TypeError(name)
    return cast(Record, values)


def make(path: str | os.PathLike[str]) -> None:
    """Create a results file and its folder where they are missing; check that it is writable.

    Parameters
    ----------
    path : str or os.PathLike
        The file; its content is kept.

    Raises
    ------
    ValueError
        If the file cannot be written.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab"):
            pass
    except OSError as error:
        raise _unwritable(path, error) from None


def append(path: str | os.PathLike[str], record: Record) -> None:
    """Append one finished trial to a file and flush it to disk.

    A last line that is cut off is removed first.

    Parameters
    ----------
    path : str or os.PathLike
        The file; it and its folder are created where they are missing.
    record : dict
        Plain JSON values, with at least "experiment", "row", "seed" and "configuration".

    Raises
    ------
    ValueError
        If the file cannot be written, or if the record is not plain JSON.
    """
    key(record)
    line = json.dumps(record, allow_nan=False).encode() + b"\n"
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a+b") as file:
            file.truncate(_whole_lines(file.seek(0, os.SEEK_END), Path(path)))
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: str | os.PathLike[str], error: OSError) -> ValueError:
    return ValueError(f"the results file {path} cannot be written: {error.strerror}")


def _whole_lines(size: int, path: Path) -> int:
    """The size of a file up to its last line end."""
    with path.open("rb") as file:
        while size:
            start = max(0, size - 4096)
            file.seek(start)
            found = file.read(size - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            size = start
    return 0
