"""Text to values: the cells of CSV, and the objects of JSON lines."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import repeat
from operator import contains

from lethe.data.record import Value, names

__all__ = [
    "MOST_COLUMNS",
    "header",
    "json_object",
    "separator_of",
    "split",
    "split_all",
    "value",
    "values",
]

SEPARATORS = ",;\t"

#: The most columns of a source. More are a file of another kind, and each costs memory and time
#: at every event.
MOST_COLUMNS = 10_000

# The first group is a whole number. Python's own int and float read 1_000 and digits of other
# scripts too. Possessive: a cell of a million digits that is no number takes linear time.
_NUMBER = re.compile(
    r"([-+]?\d++)|[-+]?(?:(?:\d++(?:\.\d*+)?|\.\d++)(?:e[-+]?\d++)?|inf(?:inity)?)",
    re.ASCII | re.IGNORECASE,
).fullmatch

_QUOTED = re.compile(r'"[^"]*"')

_SIMPLE = frozenset({bool, int, float, str, type(None)})
_SCALE = 1 << 63  # a whole number from here on is a float


def _integer(digits: str) -> int | float:
    """The integer, or a float where 64 bits do not hold it."""
    if len(digits) < 19:
        return int(digits)
    number = float(digits)
    if abs(number) > _SCALE or len(digits) > 300:
        return number
    exact = int(digits)
    return exact if -_SCALE <= exact < _SCALE else number


def value(cell: str) -> Value:
    """The value of one cell; blanks around it do not count.

    Examples
    --------
    >>> [value(cell) for cell in ("", "7", "-0.5", "1e3", "inf", "1_000", " Lethe ")]
    [None, 7, -0.5, 1000.0, inf, '1_000', 'Lethe']
    """
    cell = cell.strip()
    if not cell:
        return None
    number = _NUMBER(cell)
    if number is None:
        return cell
    return float(cell) if number.lastindex is None else _integer(cell)


def values(cells: Sequence[str], missing: Collection[str] = ()) -> list[Value]:
    """The values of many cells, such as a column's: those of `value`, at a fraction of its time.

    Text that is in `missing` becomes None.

    Examples
    --------
    >>> values(["1", "2"]), values(["1.0", "2"]), values(["1.5", "2.5"])
    ([1, 2], [1.0, 2], [1.5, 2.5])
    """
    together = "".join(cells)
    if together.isascii() and "_" not in together:
        try:
            if together.replace("-", "").isdigit() and len(max(cells, key=len)) < 19:
                return list(map(int, cells))
            if all(map(contains, cells, repeat("."))):  # none is a whole number
                return list(map(float, cells))
        except ValueError:  # some are missing, or text
            pass
    found = list(map(value, cells))
    if not missing or str not in set(map(type, found)):
        return found
    return [None if type(one) is str and one in missing else one for one in found]


def split(text: str, separator: str) -> list[str]:
    """The cells of a line of CSV. A quoted cell ends on its line.

    Raises
    ------
    ValueError
        If a closing quote is missing or stands elsewhere, or a carriage return is left.

    Examples
    --------
    >>> split('7,"a, b",c', ",")
    ['7', 'a, b', 'c']
    """
    if "\r" in text:
        raise ValueError("lines must end with a line feed, got a carriage return within one")
    if '"' not in text:
        return text.split(separator)
    try:
        [cells] = _reader([text], separator)
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise ValueError(
                f"a quoted cell must end on its line, got no closing quote in {text!r:.60}"
            ) from None
        if "field limit" in str(error):
            raise ValueError(
                f"a cell must be at most {csv.field_size_limit():,} characters where its row has "
                f"quotes, got more in {text!r:.60}"
            ) from None
        raise ValueError(f"a row must be readable as CSV, got {text!r:.60}: {error}") from None
    return cells


def split_all(text: str, separator: str) -> list[list[str]] | None:
    r"""The cells of many lines of CSV; None where `split` must look at each.

    Examples
    --------
    >>> split_all('7,"a, b"\n8,c\n', ",")
    [['7', 'a, b'], ['8', 'c']]
    >>> split_all('7,"a\n8,b"\n', ",")
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").removesuffix("\r")
    lines = text.removesuffix("\n").split("\n")
    if "\r" in text or "" in lines:
        return None
    if '"' not in text:
        return [line.split(separator) for line in lines]
    try:
        rows = list(_reader(lines, separator))
    except csv.Error:
        return None
    return rows if len(rows) == len(lines) else None  # no quote reaches over the end of a line


def _reader(lines: list[str], separator: str) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)


def separator_of(text: str) -> str:
    """Of comma, semicolon and tab the one that stands most often in a header, outside of quotes."""
    return max(SEPARATORS, key=_QUOTED.sub("", text).count)


def header(cells: list[str]) -> tuple[str, ...]:
    """The names of the columns.

    Raises
    ------
    ValueError
        If they are no names, or one is empty or there twice.
    """
    columns = tuple(cell.strip() for cell in cells)
    if len(columns) > MOST_COLUMNS:
        raise ValueError(
            f"the header must name at most {MOST_COLUMNS:,} columns, got {len(columns):,}"
        )
    if "" in columns:
        raise ValueError(
            f"the header must name every column, got no name for number {columns.index('') + 1} "
            f"of {names(columns)}"
        )
    if all(isinstance(value(name), int | float) for name in columns):
        raise ValueError(f"the first line must name the columns, got numbers: {names(columns)}")
    if len(set(columns)) < len(columns):
        twice = Counter(columns).most_common(1)[0][0]
        raise ValueError(f"the header must name each column once, got {twice!r:.60} twice")
    return columns


# A line is read into some 50 bytes for each of these marks; so longer ones are looked at before.
_MARKS = ",:[{"
_MOST_MARKS = 4 * MOST_COLUMNS
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)

# Pairs as a tuple: nothing else in JSON becomes one, and a name that comes twice can be seen.
_read_json = json.JSONDecoder(object_pairs_hook=tuple, parse_int=_integer).raw_decode


def json_object(text: str) -> dict[str, Value]:
    """The object of one line of JSON. ``NaN`` and ``Infinity`` are floats.

    Raises
    ------
    ValueError
        If it is something else, holds an array or object, or a name twice.

    Examples
    --------
    >>> json_object('{"level": 0.5, "valve": "open"}')
    {'level': 0.5, 'valve': 'open'}
    """
    text = text.strip(" \t\r")
    if len(text) > _MOST_MARKS and _marks(text) > _MOST_MARKS < _marks(_STRING.sub("", text)):
        raise ValueError(
            f"an object must have at most {MOST_COLUMNS:,} columns of one value each, got more "
            f"in {text!r:.60}"
        )
    try:
        pairs, end = _read_json(text)
    except RecursionError:
        raise ValueError("a line must be one JSON object, got one nested too deeply") from None
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at character {error.pos + 1}"
        raise ValueError(f"a line must be one JSON object, got {text!r:.60}: {reason}") from None
    if type(pairs) is tuple and len(pairs) > MOST_COLUMNS:
        raise ValueError(
            f"an object must have at most {MOST_COLUMNS:,} columns, got {len(pairs):,}"
        )
    if type(pairs) is not tuple or end != len(text):
        raise ValueError(f"a line must be one JSON object, got {text!r:.60}")
    event: dict[str, Value] = dict(pairs)
    if len(event) != len(pairs) or not _SIMPLE.issuperset(map(type, event.values())):
        raise ValueError(_wrong_in(event, len(pairs)))
    if "\\u" in text:
        _expect_text(event)
    return event


def _marks(text: str) -> int:
    return sum(map(text.count, _MARKS))


def _wrong_in(event: Mapping[str, object], pairs: int) -> str:
    if len(event) != pairs:
        return f"an object must name each column once, got one twice: {names(tuple(event))}"
    name, found = next(item for item in event.items() if type(item[1]) not in _SIMPLE)
    kind = "an array" if type(found) is list else "an object"
    return f"column {name!r:.60} must be a number, text, true, false or null, got {kind}"


def _expect_text(event: Mapping[str, object]) -> None:
    """Half a surrogate pair is no text."""
    for name, found in event.items():
        try:
            f"{name}{found}".encode()
        except UnicodeEncodeError:
            raise ValueError(f"column {name!a:.60} must be text, got half a character") from None
