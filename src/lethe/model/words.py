"""What a model's names take of its checkpoint: columns, categories, classes, ids. It has an end.

A checkpoint holds names as JSON, whose size is limited (`lethe.storage.fields`). So an event that
brings more names than fit is refused when it comes: a run never ends with a model that cannot be
saved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring_ascii
from typing import TypeVar

from lethe.storage.fields import MOST_JSON_BYTES

__all__ = [
    "MOST_BYTES",
    "REMOVED",
    "Edit",
    "Key",
    "TooManyNamesError",
    "Value",
    "Words",
    "item_size",
    "size_of",
    "size_of_targets",
]

#: A dict and the key and new value of an item, or an object and the name and value of an attribute.
Edit = tuple[object, object, object]

#: The value of an edit that takes an item out of a dict.
REMOVED = ...

Key = TypeVar("Key", str, int, str | int)
Value = TypeVar("Value")

#: Of a state, besides the size of its block: it takes some times as much to read.
MOST_BYTES = 10_000_000

#: What a state has besides names: options, a generator, brackets.
_RESERVE = 200_000

#: What stands beside a name: a number, quotation marks and commas.
_BESIDE = 16


class TooManyNamesError(ValueError):
    """An event brings more names than a checkpoint can hold; nothing has changed."""


class Words:
    """The bytes that a model's names take of its checkpoint.

    Attributes
    ----------
    size : int
        At most so many.
    """

    def __init__(self) -> None:
        self.size = 0

    def remove(self, items: dict[Key, Value], key: Key) -> None:
        """Take an item out of a dict, now."""
        self.size -= item_size(key, items[key])
        del items[key]

    def check(self, growth: int, block: int) -> None:
        """Refuse names that take so many bytes more."""
        most = min(MOST_BYTES + block, MOST_JSON_BYTES) - _RESERVE
        if self.size + growth > most:
            raise TooManyNamesError(
                "columns, categories and ids must have fewer or shorter texts, of "
                f"{most:,} bytes in a model's checkpoint, got {self.size + growth:,}; "
                "a smaller categories= keeps fewer"
            )


def size_of(names: Iterable[str | int]) -> int:
    """The bytes that names take in a checkpoint, with what stands beside them."""
    return sum(map(_size, names))


def size_of_targets(targets: Iterable[str]) -> int:
    """The bytes that the names of targets take: each stands in a checkpoint up to three times."""
    return 3 * size_of(targets)


def item_size(key: str | int, value: object) -> int:
    """The bytes that an item of a dict with names takes, or will."""
    if isinstance(value, str):  # a class that waits: it will be one of the classes and categories
        return _size(key) + 2 * _size(value)
    slots: object = getattr(value, "slots", None)
    return _size(key) + (size_of(slots) if isinstance(slots, Mapping) else 0)


def _size(name: str | int) -> int:
    length = len(encode_basestring_ascii(name) if isinstance(name, str) else str(name))
    return length + _BESIDE
