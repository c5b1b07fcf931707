"""Values of an event: numbers, categories, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from numbers import Real

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

#: What a category or class is to the user.
Label = str | bool | int | bytes


def plain_event(event: object) -> Mapping[str, object]:
    """An event as a mapping: a named tuple by its names, another row by numbers from 0.

    Raises
    ------
    ValueError
        If it is neither a mapping nor a row.
    """
    if isinstance(event, Mapping):
        return event
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
    if not isinstance(value, float | np.floating) or value == value:
        return False
    if bad == "missing":
        return True
    raise ValueError(f"column {name!r} must be a number, a category or None, got {value!r}")


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
        raise ValueError(f"column {name!r} must be a number, got {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if -ABSURD < number < ABSURD:
        return number
    if bad == "missing":
        return math.nan
    raise ValueError(f"column {name!r} must be a number within ±{ABSURD:g}, got {value!r}")


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
    if isinstance(value, int | np.integer):
        return f"i{int(value)}"
    if isinstance(value, bytes):
        return f"y{value.hex()}"
    if isinstance(value, Real) and float(value).is_integer():
        return f"i{int(float(value))}"  # equal numbers are one class
    if isinstance(value, date | np.datetime64):
        return f"s{value}"
    raise ValueError(f"column {name!r} must be a category (str, bool, int), got {value!r}")


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
