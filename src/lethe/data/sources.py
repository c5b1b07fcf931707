"""One name for every source of events."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, TypedDict, Unpack, get_args

from lethe.core._checks import check_bool
from lethe.core._objects import shown
from lethe.data.blocks import check_sources
from lethe.data.bundled import BUNDLED, BundledStream
from lethe.data.lines import LONGEST
from lethe.data.parquet import ParquetStream
from lethe.data.places import Otherwise
from lethe.data.record import Policy, RecordSource
from lethe.data.records import RecordStream
from lethe.data.several import SeveralStream
from lethe.data.waiting import Notice, Wait

__all__ = ["PARQUET_SUFFIXES", "Form", "open_records"]

Form = Literal["csv", "jsonl", "parquet"]

PARQUET_SUFFIXES = (".parquet", ".pq")


class _Options(TypedDict):
    bad: Policy
    longest: int
    text: Sequence[str]
    numbers: Sequence[str]
    missing: Sequence[str]
    wait: Wait | None
    notice: Notice | None


def open_records(
    source: str | os.PathLike[str] | BinaryIO | Sequence[str | os.PathLike[str]],
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
    wait: Wait | None = None,
    notice: Notice | None = None,
    otherwise: Otherwise = "raise",
) -> RecordSource:
    """The events of a file, a pipe, several files, or a bundled series.

    Parameters
    ----------
    source : str, os.PathLike, binary file object or sequence of paths
        The path of a file, or an open binary file such as ``sys.stdin.buffer``, or a name in
        `BUNDLED` that no file has. A list or tuple of paths is one stream: the files come in this
        order, and have the same columns.
    form : 'csv', 'jsonl' or 'parquet', optional
        By default what the file's suffix says, else the first character.
    position, skip, bad, longest, text, numbers, missing, wait, notice, otherwise
        As for `RecordStream`. Parquet and bundled series hold nothing bad; columns of Parquet have
        types, and are text where `text` says so.
    follow : bool
        As for `RecordStream`; of several files the last is followed. Parquet and bundled series
        cannot be.

    Returns
    -------
    RecordSource
        `RecordStream`, `ParquetStream`, `BundledStream` or `SeveralStream`.

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
    if form is not None and not (isinstance(form, str) and form in get_args(Form)):
        raise ValueError(f"form must be 'csv', 'jsonl' or 'parquet', got {shown(form)}")
    follow = check_bool("follow", follow)
    open_one = partial(
        _open_one,
        form=form,
        bad=bad,
        longest=longest,
        text=text,
        numbers=numbers,
        missing=missing,
        wait=wait,
        notice=notice,
    )
    if isinstance(source, list | tuple):
        paths = check_sources(source, follow)
        if len(paths) > 1:
            return SeveralStream(
                paths,
                open_one,
                position=position,
                skip=skip,
                follow=follow,
                otherwise=otherwise,
                notice=notice,
            )
        source = paths[0]
    elif isinstance(source, Sequence) and not isinstance(source, str):
        raise ValueError(f"source must be a list of paths, got {type(source).__name__}")
    bundled = form is None and isinstance(source, str) and source in BUNDLED
    if bundled and not os.path.exists(str(source)):
        _cannot_grow(follow, f"the series {source!r}")
        return BundledStream(str(source), position=position, skip=skip)
    return open_one(source, position=position, skip=skip, follow=follow, otherwise=otherwise)


def _open_one(
    source: str | os.PathLike[str] | BinaryIO,
    *,
    form: Form | None,
    position: Mapping[str, object] | None = None,
    skip: int | None = None,
    follow: bool = False,
    otherwise: Otherwise = "raise",
    **options: Unpack[_Options],
) -> RecordSource:
    """The events of one source that is no bundled series."""
    path = Path(source) if isinstance(source, str | os.PathLike) else None
    suffix = path.suffix.lower() if path else ""
    if form == "parquet" or (form is None and suffix in PARQUET_SUFFIXES):
        _cannot_grow(follow, "a Parquet file")
        if path is None:
            raise ValueError("source must be the path of a file for Parquet, got a pipe or stream")
        return ParquetStream(
            path, position=position, skip=skip, text=options["text"], missing=options["missing"]
        )
    return RecordStream(
        source,
        form=form,
        position=position,
        skip=skip,
        follow=follow,
        otherwise=otherwise,
        **options,
    )


def _cannot_grow(follow: bool, what: str) -> None:
    if follow:
        raise ValueError(f"follow must be False for {what}, which does not grow, got True")
