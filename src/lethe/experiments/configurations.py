"""Configurations of trials, compared in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

__all__ = ["Difference", "differences"]


class Difference(NamedTuple):
    """An entry in which two configurations differ: its name and both values, in words."""

    name: str
    one: str
    other: str


def differences(
    one: Mapping[str, object], other: Mapping[str, object], within: str = ""
) -> list[Difference]:
    """The entries in which two configurations differ, by name.

    Parameters
    ----------
    one, other : dict
        Plain JSON values; where both have an object, its entries are compared.
    within : str
        What the names begin with.

    Returns
    -------
    list of Difference
        An entry that one of them lacks has the value "none" there.

    Examples
    --------
    >>> one = {"sequences": 100_000, "topology": {"blocks": 3}}
    >>> other = {"sequences": 300_000, "topology": {"blocks": 4}}
    >>> [f"{name}: {there} and {here}" for name, there, here in differences(one, other)]
    ['sequences: 100,000 and 300,000', 'topology blocks: 3 and 4']
    """
    return list(_differences(one, other, within))


def _differences(
    one: Mapping[str, object], other: Mapping[str, object], within: str
) -> Iterator[Difference]:
    for name in sorted(one.keys() | other.keys()):
        first, second = one.get(name), other.get(name)
        words = f"{within}{name.replace('_', ' ')}"
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            yield from _differences(first, second, f"{words} ")
        elif json.dumps(first) != json.dumps(second):  # tuples are lists there
            yield Difference(words, _words(first), _words(second))


def _words(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return value if isinstance(value, str) else json.dumps(value)
