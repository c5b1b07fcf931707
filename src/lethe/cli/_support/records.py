"""Sources of records, for the commands."""

from __future__ import annotations

import contextlib
import glob
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from lethe.cli._support.learn_options import Bad
from lethe.cli._support.log import LOG
from lethe.cli._support.signals import Signals
from lethe.data import BUNDLED, AnotherFileError, Record, RecordSource, TextStream, open_records
from lethe.data.places import Otherwise, natural_key
from lethe.data.records import FORMS
from lethe.data.sources import PARQUET_SUFFIXES, Form
from lethe.data.waiting import Loss

__all__ = [
    "HOW_TO_RESUME",
    "closed",
    "expanded",
    "is_table",
    "lag_of",
    "lasting",
    "opened",
    "say",
    "where",
    "with_columns",
]

#: What to do where a position cannot be found again.
HOW_TO_RESUME = (
    "--resume-from start reads it from its start, --resume-from end what comes from now on, and "
    "--skip N all but its first N records"
)


def expanded(sources: Sequence[str]) -> list[str]:
    """Sources, with the files that a pattern such as ``day*.csv`` stands for, in natural order.

    Raises
    ------
    ValueError
        If a pattern stands for none, or standard input is not the only source.
    """
    found: list[str] = []
    for source in sources:
        if not glob.has_magic(source) or os.path.lexists(source):
            found.append(source)
            continue
        files = sorted(glob.glob(source, recursive=True), key=natural_key)
        if not files:
            raise ValueError(f"SOURCE must be there, got no file like {source}")
        found += files
    if "-" in found and len(found) > 1:
        raise ValueError("SOURCE must be - alone, or files, got both")
    return found


def is_table(source: str | None) -> bool:
    """Whether a source is a table by its suffix, or a bundled series."""
    if source is None or source == "-":
        return False
    suffix = PurePath(source).suffix.lower()
    return (
        suffix in FORMS
        or suffix in PARQUET_SUFFIXES
        or (source in BUNDLED and not os.path.exists(source))
    )


def opened(
    sources: Sequence[str],
    *,
    form: Form | None,
    skip: int | None,
    follow: bool,
    bad: Bad,
    signals: Signals,
    position: Mapping[str, object] | None = None,
    otherwise: Otherwise = "raise",
    text: Sequence[str] = (),
    numbers: Sequence[str] = (),
    missing: Sequence[str] = (),
) -> RecordSource:
    """The records of SOURCE, one file after the other; ``-`` is standard input.

    Raises
    ------
    ValueError
        If they cannot be read, or are not those of `position`.
    """
    if sources == ["-"] and sys.stdin is None:
        raise ValueError("SOURCE - needs standard input, which is closed")
    one = sys.stdin.buffer if sources == ["-"] else sources[0]
    try:
        return open_records(
            one if len(sources) == 1 else sources,
            form=form,
            position=position,
            skip=skip,
            follow=follow,
            bad="skip" if bad == "skip" else "raise",
            wait=signals.wait,
            notice=say,
            otherwise=otherwise,
            text=text,
            numbers=numbers,
            missing=missing,
        )
    except AnotherFileError as error:
        raise ValueError(f"{error}: {HOW_TO_RESUME}") from None


def say(notice: str) -> None:
    """Log what happened to a source."""
    LOG.log(logging.WARNING if isinstance(notice, Loss) else logging.INFO, "%s", notice)


def closed(stream: RecordSource | TextStream) -> None:
    """Close a source. An error then has cost nothing, since all was read."""
    with contextlib.suppress(OSError):
        stream.close()


def where(stream: RecordSource) -> str:
    """What an event's number counts, with the name of the file that it is in."""
    return f"{stream.source} {stream.unit}"


def lasting(position: Mapping[str, object], several: bool) -> dict[str, object]:
    """A position without what is true on one machine alone, so that equal runs save equal bits.

    Of several sources the file's name stays, without its folder: two of them may hold the same.
    """
    kept = {key: value for key, value in position.items() if key not in ("name", "inode")}
    name = position.get("name")
    return {**kept, "name": os.path.basename(name)} if several and isinstance(name, str) else kept


def lag_of(stream: RecordSource) -> int | None:
    """Bytes of the present file that are not read yet; None where that is not known."""
    offset = stream.position.get("offset")
    if stream.unit != "line" or not isinstance(offset, int):
        return None
    try:
        return max(os.stat(stream.source).st_size - offset, 0)
    except OSError:
        return None


def with_columns(
    stream: RecordSource, wanted: Mapping[str, Sequence[str | None]]
) -> Iterator[Record]:
    """Yield the records, if the first has the columns that options name; None is no column.

    Raises
    ------
    ValueError
        If it lacks one.
    """
    for n, record in enumerate(stream):
        for option, names in wanted.items() if not n else ():
            for name in names:
                if name is not None and name not in record.event:
                    columns = ", ".join(list(record.event)[:20])
                    raise ValueError(
                        f"{where(stream)} {record.number}: --{option} must be one of its columns "
                        f"({columns}), got {name!r}"
                    )
        yield record
