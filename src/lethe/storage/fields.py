"""JSON from a file, checked field by field; a ValueError names the field that is wrong."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MOST_INTEGER",
    "MOST_JSON_BYTES",
    "Fields",
    "array_of",
    "is_integer",
    "list_of",
    "parse_json",
]

T = TypeVar("T")
Word = TypeVar("Word", bound=str)

MOST_INTEGER = 2**63 - 1

# What JSON may take: a value is at least one of the marks, and up to some 100 bytes in memory.
MOST_JSON_BYTES = 2**26
_MOST_VALUES = 200_000
# Possessive, and without its end too: linear in time, and no memory for what could be tried again.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


def parse_json(data: NDArray[np.generic], most_values: int = _MOST_VALUES) -> object:
    """Decode JSON that `json.dumps` wrote, as bytes in an array.

    Parameters
    ----------
    data : ndarray of uint8
        The bytes.
    most_values : int
        How many values it may hold, before any memory is taken for them.

    Raises
    ------
    ValueError
        If it is something else, repeats a key, or is too large.
    """
    if data.dtype != np.uint8 or data.ndim != 1 or data.size > MOST_JSON_BYTES:
        raise ValueError(f"JSON must be at most {MOST_JSON_BYTES:,} bytes, got shape {data.shape}")
    text = data.tobytes()
    if _marks(text) > most_values and not _has_at_most(text, most_values):
        raise ValueError(f"JSON must hold at most {most_values:,} values, got more")
    try:
        found: object = json.loads(text.decode("ascii"))
        written = json.dumps(found)
    except RecursionError:
        raise ValueError(
            "JSON must be flat enough to read, got some that is nested too deeply"
        ) from None
    except ValueError:
        raise ValueError("JSON must be whole, got what is none") from None
    if written.encode("ascii") != text:
        raise ValueError("JSON must be written as Lethe writes it, got another form")
    return found


def _marks(text: bytes, start: int = 0, end: int | None = None) -> int:
    return sum(text.count(mark, start, end) for mark in (b",", b"[", b"{"))


def _has_at_most(text: bytes, most: int) -> bool:
    """Whether JSON has at most so many values: marks that do not stand in strings."""
    marks = start = 0
    for n, string in enumerate(_STRING.finditer(text)):
        marks += _marks(text, start, string.start())
        start = string.end()
        if marks > most or n > 2 * most:  # no value has more than its key and itself
            return False
    return marks + _marks(text, start) <= most


def is_integer(value: object, low: int = 0, high: int = MOST_INTEGER) -> bool:
    """Whether a value is an int, and no bool, within these bounds."""
    return type(value) is int and low <= value <= high


def list_of(name: str, value: object, length: int | None, check: Callable[[object], T]) -> list[T]:
    """Check that a value is a list of `length` items (None: of any), each as `check` returns it."""
    if type(value) is not list or length not in (None, len(value)):
        words = "a list" if length is None else f"a list of {length:,}"
        raise ValueError(f"{name} must be {words}, got {value!r:.40}")
    return [check(item) for item in value]


def array_of(
    name: str, arrays: dict[str, NDArray[np.generic]], shape: Sequence[int | None]
) -> NDArray[np.float64]:
    """Take the array `name` out of `arrays`, of float64 and this shape; None is any length.

    Raises
    ------
    ValueError
        If it is missing or another.
    """
    array = arrays.pop(name, None)
    if array is None:
        raise ValueError(f"the array {name} must be there, got none")
    fits = len(shape) == array.ndim and all(
        expected in (None, got) for expected, got in zip(shape, array.shape, strict=True)
    )
    if array.dtype != np.float64 or not fits:
        raise ValueError(
            f"the array {name} must be float64 of shape {tuple(shape)}, got {array.dtype} "
            f"of shape {array.shape}"
        )
    return array.astype(np.float64)


class Fields:
    """The fields of a JSON object, which must be these and no others.

    Parameters
    ----------
    name : str
        The object's, for messages.
    value : object
        What JSON gave.
    keys : collection of str
        The fields that it must have.

    Raises
    ------
    ValueError
        Here and in every method: if a field is missing, unknown, of another type or out of range.
    """

    def __init__(self, name: str, value: object, keys: Collection[str]) -> None:
        if not isinstance(value, dict) or set(value) != set(keys):
            got = sorted(value) if isinstance(value, dict) else value
            raise ValueError(f"{name} must have the fields {', '.join(keys)}, got {got!r:.60}")
        self._name = name
        self._fields: dict[str, object] = value

    def __contains__(self, key: str) -> bool:
        return key in self._fields

    def __getitem__(self, key: str) -> object:
        return self._fields[key]

    def _wrong(self, key: str, expected: str) -> ValueError:
        return ValueError(f"{self._name}: {key} must be {expected}, got {self._fields[key]!r:.40}")

    def integer(self, key: str, low: int = 0, high: int = MOST_INTEGER) -> int:
        """A whole number from `low` to `high`."""
        value = self._fields[key]
        if type(value) is not int or not low <= value <= high:
            raise self._wrong(key, f"a whole number from {low} to {high}")
        return value

    def number(self, key: str, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite float from `low` to `high`."""
        value = self._fields[key]
        if type(value) is not float or not math.isfinite(value) or not low <= value <= high:
            raise self._wrong(key, f"a finite number from {low:g} to {high:g}")
        return value

    def boolean(self, key: str) -> bool:
        """True or false."""
        value = self._fields[key]
        if type(value) is not bool:
            raise self._wrong(key, "true or false")
        return value

    def string(self, key: str) -> str:
        """A string."""
        value = self._fields[key]
        if type(value) is not str:
            raise self._wrong(key, "a string")
        return value

    def one_of(self, key: str, choices: Collection[Word]) -> Word:
        """One of some strings."""
        value = self._fields[key]
        for choice in choices:
            if type(value) is str and value == choice:
                return choice
        raise self._wrong(key, f"one of {', '.join(choices)}")

    def digest(self, key: str) -> str:
        """A SHA-256 as 64 hexadecimal digits."""
        value = self._fields[key]
        if type(value) is not str or len(value) != 64 or set(value) - set("0123456789abcdef"):
            raise self._wrong(key, "a SHA-256 as 64 hexadecimal digits")
        return value

    def strings(self, key: str) -> list[str]:
        """A list of different strings."""
        value = self._fields[key]
        if (
            type(value) is not list
            or not all(type(item) is str for item in value)
            or len(set(value)) < len(value)
        ):
            raise self._wrong(key, "a list of different strings")
        return list(value)

    def optional(self, key: str, check: Callable[[str], T]) -> T | None:
        """What one of the other methods returns, or None where the field is null."""
        return None if self._fields[key] is None else check(key)
