"""Values of an event: numbers, categories, and what is missing."""

from __future__ import annotations

import hashlib
import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from numbers import Rational, Real
from typing import Protocol, cast

import numpy as np

from lethe.core._objects import plain, shown
from lethe.model.calendar import check_year, duration_of

__all__ = [
    "ABSURD",
    "MOST_TEXT",
    "Label",
    "category_of",
    "is_missing",
    "label_of",
    "number_of",
    "plain_name",
    "shortened",
]

#: Numbers beyond this are no measurements: their squares would overflow.
ABSURD = 1e150

#: Whole numbers that are classes or ids are smaller; Python does not write much longer ones.
MOST_INTEGER = 1 << 4096

#: Characters (or bytes) of a category, of a column's name and of an id. A longer category is kept
#: as its beginning, its length and its SHA-256.
MOST_TEXT = 1000

#: Characters of a longer category that are kept.
_BEGINNING = 100

#: What a category or class is to the user.
Label = str | bool | int | bytes | date | np.datetime64

_NUMPY_TIME = re.compile(r"-?\d{3,}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,18})?)?")


class _Timestamp(Protocol):
    """A datetime of pandas."""

    def to_datetime64(self) -> np.datetime64:
        """The same with its nanoseconds."""
        ...


def is_missing(name: str, value: object, bad: str) -> bool:
    """Whether nothing was measured: None, "", NaN, and what pandas, NumPy and Arrow have for it.

    Raises
    ------
    ValueError
        If it is NaN where `bad` is not "missing".
    """
    kind = type(value)
    if kind is str or kind is int:
        return value == ""
    value = plain(value)
    if value is None or isinstance(value, str):
        return not value
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    if isinstance(value, Decimal):
        if not value.is_nan():  # a signaling one does not compare
            return False
    elif not isinstance(value, float | np.floating) or not math.isnan(value):
        return False
    if bad == "missing":
        return True
    raise ValueError(f"column {name!r} must be a number, a category or None, got {shown(value)}")


def plain_name(name: str) -> str:
    """A name that is a str and no more: nothing of its own can fail when it is looked up."""
    return name if type(name) is str else str.__str__(name)


def number_of(name: str, value: object, bad: str) -> float:
    """A number, or NaN where it is missing; a duration is a number of seconds.

    Raises
    ------
    ValueError
        If it is no number, or is NaN, infinite or absurd where `bad` is not "missing".
    """
    value = plain(value)
    if is_missing(name, value, bad):
        return math.nan
    if isinstance(value, bool | np.bool_):
        return float(value)
    try:
        if isinstance(value, timedelta | np.timedelta64):
            number = duration_of(value)
        elif isinstance(value, float):
            number = float.__float__(value)
        elif isinstance(value, Real | Decimal):
            number = float(value)
        else:
            raise ValueError
    except OverflowError:
        number = math.inf
    except (TypeError, ValueError):
        raise ValueError(f"column {name!r} must be a number, got {shown(value)}") from None
    if -ABSURD < number < ABSURD:
        return number
    if bad == "missing":
        return math.nan
    raise ValueError(f"column {name!r} must be a number within ±{ABSURD:g}, got {shown(value)}")


def shortened(text: str) -> str:
    """A text itself, or, beyond `MOST_TEXT` characters, how it begins, its length and SHA-256.

    Equal texts have equal ones, and different texts different ones.

    Examples
    --------
    >>> shortened("to be"), len(shortened("to be " * 1_000_000)) < 250
    ('to be', True)
    """
    if len(text) <= MOST_TEXT:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[:_BEGINNING]}… ({len(text):,} characters, SHA-256 {digest})"


def _shortened_bytes(data: bytes) -> bytes:
    if len(data) <= MOST_TEXT:
        return data
    digest = hashlib.sha256(data).hexdigest()
    return data[:_BEGINNING] + f"... ({len(data):,} bytes, SHA-256 {digest})".encode()


def category_of(name: str, value: object) -> str:
    """The category's own name: a letter for its type, and its text, which is cut short.

    Raises
    ------
    ValueError
        If it is no string, boolean, whole number, bytes or time.
    """
    value = plain(value)
    if isinstance(value, str):
        return f"s{shortened(plain_name(value))}"
    if isinstance(value, bool | np.bool_):
        return f"b{bool(value)}"
    if isinstance(value, bytes):
        return f"y{_shortened_bytes(value).hex()}"
    whole = None if isinstance(value, np.timedelta64) else _whole(value)
    if whole is not None and abs(whole) < MOST_INTEGER:
        return f"i{whole}"
    if isinstance(value, date | np.datetime64):
        try:
            return _time_category(value)
        except (ValueError, TypeError, OverflowError, AttributeError) as error:
            raise ValueError(
                f"column {name!r} must be a time that can be written, got {shown(value)}: {error}"
            ) from None
    raise ValueError(f"column {name!r} must be a category (str, bool, int), got {shown(value)}")


def _whole(value: object) -> int | None:
    """The whole number that a number is; None of any other value. Equal numbers are one class."""
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        return int(number) if number.is_integer() else None
    if isinstance(value, Rational):
        return int(value.numerator) if value.denominator == 1 else None
    if isinstance(value, Decimal) and value.is_finite() and abs(value) < MOST_INTEGER:
        return int(value) if value == value.to_integral_value() else None
    return None


def _time_category(value: date | np.datetime64) -> str:
    """A time's category: equal times of one type have one, in whichever unit or zone."""
    if isinstance(value, datetime):
        if value != value:
            raise ValueError("it is missing")
        if value.tzinfo is None and getattr(value, "nanosecond", 0):  # type: ignore[arg-type]
            return _time_category(cast(_Timestamp, value).to_datetime64())
        written = datetime.combine(value.date(), value.time())
        offset = value.utcoffset()
        if offset is not None:
            written = (written - offset).replace(tzinfo=UTC)
        return f"t{written.isoformat()}"
    if isinstance(value, date):
        return f"d{date(value.year, value.month, value.day).isoformat()}"
    if np.isnat(value):
        raise ValueError("it is missing")
    check_year(value)
    unit, _ = np.datetime_data(value.dtype)
    if unit in ("Y", "M", "W"):
        value = value.astype("datetime64[D]")
    elif unit in ("h", "m"):
        value = value.astype("datetime64[s]")
    text = str(value)
    if "." in text:
        text = text.rstrip("0").removesuffix(".")
    return f"n{text.removesuffix('T00:00:00')}"


def label_of(category: str) -> Label:
    """What `category_of` made a category's name of; of a long text, what is kept of it.

    A datetime with a zone comes back in UTC, and one of pandas as Python's (or, with nanoseconds,
    NumPy's): equal to what was given.

    Examples
    --------
    >>> label_of(category_of("column", "Lethe")), label_of(category_of("column", 7))
    ('Lethe', 7)
    >>> label_of(category_of("column", date(2026, 12, 1)))
    datetime.date(2026, 12, 1)
    """
    kind, text = category[0], category[1:]
    if kind == "b":
        return text == "True"
    if kind == "y":
        return bytes.fromhex(text)
    if kind == "i":
        return int(text)
    if kind == "s":
        return text
    if kind == "d":
        return date.fromisoformat(text)
    if kind == "t":
        return datetime.fromisoformat(text)
    if kind == "n" and _NUMPY_TIME.fullmatch(text):
        return np.datetime64(text)
    raise ValueError(f"category must begin with a letter for its type, got {category!r:.60}")
