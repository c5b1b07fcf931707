"""An event as a mapping, whatever hands it over: a dict, a row, or one of another library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

import numpy as np

from lethe.core._objects import is_from, shape_of, shown
from lethe.model.values import MOST_TEXT, plain_name

__all__ = ["check_name", "plain_event", "row_of"]

#: How the rows of a table are learned from, one at a time.
_REMEDIES = (
    ("pandas", "DataFrame", 'for row in frame.to_dict("records"): model.learn(row)'),
    ("polars", "DataFrame", "for row in frame.iter_rows(named=True): model.learn(row)"),
    ("polars", "LazyFrame", "for row in frame.collect().iter_rows(named=True): model.learn(row)"),
    ("pyarrow", "Table", "for row in table.to_pylist(): model.learn(row)"),
    ("pyarrow", "RecordBatch", "for row in batch.to_pylist(): model.learn(row)"),
)

#: What the libraries call the way from an array with one axis to a list.
_LISTS = ("tolist", "to_list", "to_pylist")


def plain_event(event: object) -> Mapping[str, object]:
    """An event as a mapping: a row with names by them, another row by numbers from 0.

    Raises
    ------
    ValueError
        If it is neither a mapping nor a row.
    """
    if type(event) is dict:
        return event
    row = row_of(event)
    if row is None:
        raise ValueError(
            f"event must be a mapping (such as a dict) or a row of values, got {shown(event)}"
            f"{_remedy(event)}"
        )
    if isinstance(row, Mapping):
        return row
    return {str(n): value for n, value in enumerate(row)}


def check_name(what: str, name: str) -> str:
    """A name as a str and no more.

    Raises
    ------
    ValueError
        If it is so long that it is none.
    """
    name = plain_name(name)
    if len(name) > MOST_TEXT:
        raise ValueError(
            f"{what} must be at most {MOST_TEXT:,} characters long, "
            f"got {name[:40]!r}… of {len(name):,}"
        )
    return name


def row_of(value: object) -> Mapping[str, object] | Sequence[object] | None:
    """The values of a row, by name where it has names; None of what is no row."""
    try:
        return _row_of(value)
    except ValueError:
        raise
    except Exception:  # whatever a library's own code may raise
        return None


def _row_of(value: object) -> Mapping[str, object] | Sequence[object] | None:
    if isinstance(value, Mapping):
        return dict(value)  # of keys that are there twice, one value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=True))  # as pandas' itertuples gives them
    if isinstance(value, np.void) and value.dtype.names:
        return {name: value[name] for name in value.dtype.names}
    if is_from(value, "sqlite3", "Row"):
        row = cast(Mapping[str, object], value)
        return {name: row[name] for name in row.keys()}  # noqa: SIM118  # it yields its values
    if is_from(value, "pandas", "Series"):
        return _named(cast(Mapping[object, object], value))
    if isinstance(value, str | bytes | bytearray | memoryview):
        return None
    shape = shape_of(value)
    if shape is not None:
        return _listed(value) if len(shape) == 1 else None
    if is_from(value, "pyarrow", "Array", "ChunkedArray"):
        return _listed(value)
    return value if isinstance(value, Sequence) else None


def _named(series: Mapping[object, object]) -> Mapping[str, object] | Sequence[object]:
    """A row of a frame of pandas: its index has the names; numbers count as names, too."""
    names, values = [], []
    for name, value in series.items():
        names.append(f"{name}" if isinstance(name, int | np.integer) else name)
        values.append(value)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"event must have each column once, got {shown(twice)} twice")
    return cast(Mapping[str, object], dict(zip(names, values, strict=True)))


def _listed(value: object) -> Sequence[object] | None:
    """An array, a tensor or a column as a list of its values."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "mM":
        return list(value)  # as a list of Python's, its nanoseconds would be numbers
    for name in _LISTS:
        method: Callable[[], Iterable[object]] | None = getattr(value, name, None)
        if method is not None:
            return list(method())
    return None


def _remedy(event: object) -> str:
    for library, kind, remedy in _REMEDIES:
        if is_from(event, library, kind):
            return f"; learn from one row at a time: {remedy}"
    shape = shape_of(event)
    return "; learn from one row at a time" if shape and len(shape) == 2 else ""
