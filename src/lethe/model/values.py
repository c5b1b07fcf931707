"""Values of an event: numbers, categories, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from numbers import Rational, Real

import numpy as np

__all__ = [
    "ABSURD",
    "Label",
    "category_of",
    "is_missing",
    "label_of",
    "number_of",
    "plain_event",
]

#: Numbers beyond this are no measurements: their squares would overflow.
ABSURD = 1e150

#: Whole numbers that are classes or ids are smaller; Python does not write much longer ones.
MOST_INTEGER = 1 << 4096

#: What a category or class is to the user.
Label = str | bool | int | bytes


def plain_event(event: object) -> Mapping[str, object]:
    """An event as a mapping: a named tuple by its names, another row by numbers from 0.

    Raises
    ------
    ValueError
        If it is neither a mapping nor a row.
    """
    if type(event) is dict:
        return event
    if isinstance(event, Mapping):
        return dict(event)  # of keys that are there twice, one value
    if isinstance(event, np.ndarray):
        event = event.tolist()
    if isinstance(event, tuple) and hasattr(event, "_fields"):
        return dict(zip(event._fields, event, strict=True))  # as pandas' itertuples gives them
    if isinstance(event, Sequence) and not isinstance(event, str | bytes):
        return {str(n): value for n, value in enumerate(event)}
    raise ValueError(
        f"event must be a mapping (such as a dict) or a row of values, got {type(event).__name__}"
    )


def is_missing(name: str, value: object, bad: str) -> bool:
    """Whether nothing was measured: None, "", pandas' NA and NaT, and NaN.

    Raises
    ------
    ValueError
        If it is NaN where `bad` is not "missing".
    """
    if value is None or isinstance(value, str):
        return not value
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, Decimal):
        if not value.is_nan():  # a signaling one does not compare
            return False
    elif not isinstance(value, float | np.floating) or value == value:
        return False
    if bad == "missing":
        return True
    raise ValueError(f"column {name!r} must be a number, a category or None, got {shown(value)}")


def shown(value: object) -> str:
    """A value for a message, cut short."""
    try:
        return f"{value!r:.200}"
    except (RecursionError, ValueError):  # lists in lists; a number of thousands of digits
        return f"a {type(value).__name__} that is too large to show"


def plain_name(name: str) -> str:
    """A name that is a str and no more: nothing of its own can fail when it is looked up."""
    return name if type(name) is str else str.__str__(name)


def number_of(name: str, value: object, bad: str) -> float:
    """A number, or NaN where it is missing.

    Raises
    ------
    ValueError
        If it is no number, or is NaN, infinite or absurd where `bad` is not "missing".
    """
    if is_missing(name, value, bad):
        return math.nan
    if isinstance(value, bool | np.bool_):
        return float(value)
    if not isinstance(value, Real | Decimal):
        raise ValueError(f"column {name!r} must be a number, got {shown(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    except TypeError:  # numpy.timedelta64 is a Real
        raise ValueError(f"column {name!r} must be a number, got {shown(value)}") from None
    if -ABSURD < number < ABSURD:
        return number
    if bad == "missing":
        return math.nan
    raise ValueError(f"column {name!r} must be a number within ±{ABSURD:g}, got {shown(value)}")


def category_of(name: str, value: object) -> str:
    """The category's own name: a letter for its type, and its text.

    Raises
    ------
    ValueError
        If it is no string, boolean, whole number, bytes or time.
    """
    if isinstance(value, str):
        return f"s{value}"
    if isinstance(value, bool | np.bool_):
        return f"b{bool(value)}"
    if isinstance(value, int | np.integer) and abs(number := int(value)) < MOST_INTEGER:
        return f"i{number}"
    if isinstance(value, bytes):
        return f"y{value.hex()}"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return f"i{int(float(value))}"  # equal numbers are one class
    if (
        isinstance(value, Rational)
        and value.denominator == 1
        and abs(whole := int(value.numerator)) < MOST_INTEGER
    ):
        return f"i{whole}"
    if isinstance(value, date | np.datetime64):
        return f"s{value}"
    raise ValueError(f"column {name!r} must be a category (str, bool, int), got {shown(value)}")


def label_of(category: str) -> Label:
    """What `category_of` made a category's name of.

    Examples
    --------
    >>> label_of(category_of("column", "Lethe")), label_of(category_of("column", 7))
    ('Lethe', 7)
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
    raise ValueError(f"category must begin with a letter for its type, got {category!r:.60}")
