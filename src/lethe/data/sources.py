"""One name for every source of events."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Literal

from lethe.data.bundled import BUNDLED, BundledStream
from lethe.data.lines import LONGEST
from lethe.data.parquet import ParquetStream
from lethe.data.record import Policy, RecordSource
from lethe.data.records import RecordStream

__all__ = ["PARQUET_SUFFIXES", "Form", "open_records"]

Form = Literal["csv", "jsonl", "parquet"]

PARQUET_SUFFIXES = (".parquet", ".pq")


def open_records(
    source: str | os.PathLike[str] | BinaryIO,
    *,
    form: Form | None = None,
    position: Mapping[str, object] | None = None,
    skip: int | None = None,
    follow: bool = False,
    bad: Policy = "raise",
    longest: int = LONGEST,
    text: Sequence[str] = (),
    numbers: Sequence[str] = (),
    missing: Sequence[str] = (),
) -> RecordSource:
    """The events of a file, a pipe or a bundled series.

    Parameters
    ----------
    source : str, os.PathLike or binary file object
        The path of a file, or an open binary file such as ``sys.stdin.buffer``, or a name in
        `BUNDLED` that no file has.
    form : 'csv', 'jsonl' or 'parquet', optional
        By default what the file's suffix says, else the first character.
    position, skip, follow, bad, longest, text, numbers, missing
        As for `RecordStream`. Parquet and bundled series cannot be followed, and hold nothing bad;
        columns of Parquet have types, and are text where `text` says so.

    Returns
    -------
    RecordSource
        `RecordStream`, `ParquetStream` or `BundledStream`.

    Raises
    ------
    ValueError
        If the source cannot be read or is not what `position` belongs to, or a parameter is wrong.

    Examples
    --------
    >>> for record in open_records("steps", skip=19_999):
    ...     print(record.event)
    {'time': '2024-03-10 10:35:00', 'value': 40.059}
    """
    if form not in (None, "csv", "jsonl", "parquet"):
        raise ValueError(f"form must be 'csv', 'jsonl' or 'parquet', got {form!r}")
    path = Path(source) if isinstance(source, str | os.PathLike) else None
    bundled = form is None and isinstance(source, str) and source in BUNDLED
    if bundled and path and not path.exists():
        _cannot_grow(follow, f"the series {source!r}")
        return BundledStream(str(source), position=position, skip=skip)
    suffix = path.suffix.lower() if path else ""
    if form == "parquet" or (form is None and suffix in PARQUET_SUFFIXES):
        _cannot_grow(follow, "a Parquet file")
        if path is None:
            raise ValueError("source must be the path of a file for Parquet, got a pipe or stream")
        return ParquetStream(path, position=position, skip=skip, text=text, missing=missing)
    return RecordStream(
        source,
        form=form,
        position=position,
        skip=skip,
        follow=follow,
        bad=bad,
        longest=longest,
        text=text,
        numbers=numbers,
        missing=missing,
    )


def _cannot_grow(follow: bool, what: str) -> None:
    if follow:
        raise ValueError(f"follow must be False for {what}, which does not grow, got True")
