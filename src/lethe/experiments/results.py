"""Results: finished trials as lines of JSON in a file, and what may be said of their number."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

__all__ = ["Record", "append", "interval", "key", "make", "mean", "read"]

#: One finished trial, as plain JSON values.
Record = dict[str, Any]

_KEY = ("experiment", "row", "seed", "configuration")
_ANY: Mapping[str, type | tuple[type, ...]] = MappingProxyType({})


def key(record: Record) -> str:
    """What makes a trial the trial it is: experiment, row, seed and configuration."""
    return json.dumps([record[name] for name in _KEY], sort_keys=True)


def read(
    path: str | os.PathLike[str], result: Mapping[str, type | tuple[type, ...]] = _ANY
) -> list[Record]:
    """Read all finished trials of a file.

    A last line that was cut off, as by a power cut, is dropped.

    Parameters
    ----------
    path : str or os.PathLike
        A file that `append` wrote. One that does not exist holds no trials.
    result : dict of str to type, optional
        What each record must hold besides its `key`.

    Returns
    -------
    list of dict
        In the order in which the trials were finished.

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
    # What follows the last line end is empty, or it was cut off.
    lines = text.split(b"\n")[:-1]
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            key(record)
            for name, kind in result.items():
                if not isinstance(record[name], kind):
                    raise TypeError(name)
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"line {number} of the results file {path} is no record") from None
        records.append(record)
    return records


def make(path: str | os.PathLike[str]) -> None:
    """Make a results file and its folder where they are missing, and see whether it is writable.

    Parameters
    ----------
    path : str or os.PathLike
        The file; what it holds is kept.

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
    """Append one finished trial to a file, and see to it that it is on the disk.

    A cut-off last line is removed first.

    Parameters
    ----------
    path : str or os.PathLike
        The file; it and its folder are made where they are missing.
    record : dict
        Plain JSON values, with at least "experiment", "row", "seed" and "configuration".

    Raises
    ------
    ValueError
        If the file cannot be written, or if the record is no plain JSON.
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


def interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a probability, from how often it came true (Wilson 1927).

    Parameters
    ----------
    successes, trials : int
        How often it came true, and out of how many times.

    Returns
    -------
    tuple of float
        The least and the greatest probability, from 0 to 1; (0, 1) where there were no trials.

    Examples
    --------
    >>> [round(bound, 3) for bound in interval(62, 100)]
    [0.522, 0.709]
    >>> [round(bound, 3) for bound in interval(0, 100)]
    [0.0, 0.037]
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must be from 0 to {trials}, got {successes!r}")
    if trials == 0:
        return 0.0, 1.0
    z2 = 1.959963984540054**2
    rate = successes / trials
    centre = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    half = math.sqrt(z2 * (rate * (1 - rate) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    # The exact bounds at the ends; rounding would leave them a hair away.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return low, high


def mean(values: Iterable[float]) -> float:
    """The mean, or NaN where there is nothing to take it of."""
    held = list(values)
    return sum(held) / len(held) if held else math.nan
