"""Positions of streams that come from outside, such as from a checkpoint."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from typing import Literal, TypeAlias

from lethe.data.record import columns_at, count_at, string_at, text_at
from lethe.data.rotation import hash_of, open_regular

__all__ = [
    "Otherwise",
    "begin_in",
    "check_otherwise",
    "check_place",
    "check_position",
    "inode_at",
    "natural_key",
    "place_in",
]

#: Where to begin if no file holds what was read before a position.
Otherwise: TypeAlias = Literal["raise", "start", "end"]

_OPTIONAL = {"name", "inode"}
_KEYS = {
    "parquet": {"form", "offset", "sha256", "columns"},
    "bundled": {"form", "series", "offset", "columns"},
}
_LINES = {"form", "offset", "line", "sha256", "columns", "separator", "skipped", "text"}
_LARGEST = 1 << 63


def check_otherwise(otherwise: str) -> None:
    """Raise ValueError if it is no `Otherwise`."""
    if otherwise not in ("raise", "start", "end"):
        raise ValueError(f"otherwise must be 'raise', 'start' or 'end', got {otherwise!r}")


def inode_at(position: Mapping[str, object]) -> int:
    """The inode of a position's file; 0 where it is not known."""
    return count_at(position, "inode") if "inode" in position else 0


def place_in(position: Mapping[str, object], paths: list[str]) -> int:
    """Which of several files a position belongs to, by what it holds; the last if none does.

    A file that has the same inode is looked at first, then one of the same name.
    """
    offset, digest = count_at(position, "offset"), string_at(position, "sha256")
    inode, name = inode_at(position), os.path.basename(str(position.get("name", "")))
    found = []
    for n, path in enumerate(paths):
        with suppress(OSError):
            status = os.stat(path)
            if stat.S_ISREG(status.st_mode):
                found.append((status.st_ino != inode, os.path.basename(path) != name, n, path))
    for _, _, n, path in sorted(found):
        with suppress(OSError), open_regular(path) as file:
            if position.get("form") == "parquet":
                offset = os.fstat(file.fileno()).st_size
            known = hash_of(file, offset)
            if known is not None and known.hexdigest() == digest:
                return n
    return len(paths) - 1


def begin_in(position: Mapping[str, object], paths: list[str]) -> int:
    """Where among several files to go on if none of them holds what was read.

    At the file of the same name, which is another one now; where it is gone, at the first whose
    name comes after its name, in natural order; else at the last.
    """
    name = position.get("name")
    names = [os.path.basename(path) for path in paths]
    if not isinstance(name, str):
        return len(paths) - 1
    name = os.path.basename(name)
    if name in names:
        return names.index(name)
    later = [n for n, one in enumerate(names) if natural_key(one) > natural_key(name)]
    return later[0] if later else len(paths) - 1


def natural_key(name: str) -> list[tuple[int, str]]:
    """Sorts names with numbers: day9 comes before day10."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)
    ]


def check_position(value: object) -> dict[str, object]:
    """Return the position of any source of records, if it is one.

    Parameters
    ----------
    value : object
        The attribute `position` of a source, or what came back from JSON for it.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If a value is missing, unknown, of another type or out of range.
    """
    position = _mapping(value)
    form = string_at(position, "form")
    _expect_keys(position, _KEYS.get(form, _LINES))
    offset = _count(position, "offset")
    if form == "bundled":
        string_at(position, "series")
    else:
        _digest(position)
    if form not in _KEYS:
        separators = {"csv": (",", ";", "\t"), "jsonl": ("",)}.get(form)
        if separators is None:
            raise ValueError(f"position: form must be that of a source, got {form!r:.40}")
        if string_at(position, "separator") not in separators:
            separator = position["separator"]
            raise ValueError(f"position: separator must fit {form}, got {separator!r:.40}")
        line = _count(position, "line")
        _count(position, "skipped")
        if line > offset:
            raise ValueError(f"position: line must be at most the offset {offset}, got {line}")
        text = text_at(position)
        if text is not None and not set(text) <= set(columns_at(position)):
            raise ValueError("position: text must be some of the columns, got others")
    if not columns_at(position):
        raise ValueError("position: columns must be at least one, got none")
    return position


def check_place(value: object) -> dict[str, object]:
    """Return the place of a text, if it is one: the attribute `place` of a `TextStream`.

    Raises
    ------
    ValueError
        If a value is missing, unknown, of another type or out of range.
    """
    place = _mapping(value)
    _expect_keys(place, {"offset", "sha256"})
    _count(place, "offset")
    _digest(place)
    return place


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"position must be an object, got {value!r:.60}")
    return {str(key): one for key, one in value.items()}


def _expect_keys(position: Mapping[str, object], keys: set[str]) -> None:
    wrong = (keys - set(position)) or (set(position) - keys - _OPTIONAL)
    if wrong:
        verb = "have" if min(wrong) in keys else "not have"
        raise ValueError(f"position must {verb} {min(wrong)!r:.60}, got {sorted(position)!r:.200}")
    if "name" in position:
        string_at(position, "name")
    if "inode" in position:
        _count(position, "inode", 2 * _LARGEST)


def _count(position: Mapping[str, object], key: str, largest: int = _LARGEST) -> int:
    count = count_at(position, key)
    if count >= largest:
        raise ValueError(f"position: {key} must be less than {largest}, got {count}")
    return count


def _digest(position: Mapping[str, object]) -> None:
    digest = string_at(position, "sha256")
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise ValueError(f"position: sha256 must be 64 hexadecimal digits, got {digest!r:.80}")
