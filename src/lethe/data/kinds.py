"""What columns hold, numbers or text, and which words mean that a value is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lethe.data.fields import value, values
from lethe.data.record import Value

__all__ = ["MISSING", "SAMPLE", "Kinds", "kinds_in"]

#: What stands for a missing value in a column of numbers, in capital or small letters.
MISSING = ("", "NA", "N/A", "#N/A", "#NA", "<NA>", "null", "None", "nan", "-nan", "?", "-",
           "*")  # fmt: skip

#: Records of CSV that decide what the columns hold, of those that arrive first.
SAMPLE = 1000

_WORDS = frozenset(
    form for word in MISSING for form in (word, word.lower(), word.upper(), word.capitalize())
) | {"NaN", "n/A"}


class Kinds:
    """Which columns are text and which are numbers, and what is missing in them.

    A column of CSV is text where any cell of the first records is neither a number nor missing.
    Its cells all stay as they are written: ``1.10`` is not ``1.1``, and ``007`` keeps its zeros.
    Any other column holds numbers. `MISSING` counts in columns of numbers only, since ``NA`` may
    be a country in a column of text; the words of `missing` count in both.

    Parameters
    ----------
    text, numbers : sequence of str
        Columns that are text or numbers, whatever they hold. A source need not have them.
    missing : sequence of str
        More words for a missing value. One that is a number stands for all ways to write it.

    Attributes
    ----------
    text : tuple of str or None
        The columns of text; None where they are not known yet, and where values have types.

    Raises
    ------
    ValueError
        If a parameter is no sequence of strings, or a column is to be both.

    Examples
    --------
    >>> kinds = Kinds(missing=["-999"])
    >>> kinds.decide(("level", "valve"), [["0.5", "open"], ["?", "7"], ["-999.0", "NA"]])
    >>> kinds.text
    ('valve',)
    >>> list(kinds.rows([["0.7", "7"], ["-999.0", "NA"]]))
    [(0.7, '7'), (None, 'NA')]
    """

    def __init__(
        self,
        text: Sequence[str] = (),
        numbers: Sequence[str] = (),
        missing: Sequence[str] = (),
    ) -> None:
        for name, words in (("text", text), ("numbers", numbers), ("missing", missing)):
            if isinstance(words, str) or not all(isinstance(word, str) for word in words):
                raise ValueError(f"{name} must be a sequence of strings, got {words!r:.60}")
        self._given = frozenset(text)
        self._numbers = frozenset(numbers)
        both = sorted(self._given & self._numbers)
        if both:
            raise ValueError(f"a column must be either text or numbers, got {both[0]!r} as both")
        self._missing = frozenset(word.strip() for word in missing)
        self._words = _WORDS | self._missing
        found = (value(word) for word in self._missing)
        self._sentinels = frozenset(one for one in found if isinstance(one, int | float))
        self.text: tuple[str, ...] | None = None
        self._is_text: tuple[bool, ...] = ()
        self._notes: dict[str, str] = {}

    def decide(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Find out what the columns hold, from the cells of some records."""
        text = []
        for name, cells in zip(columns, zip(*rows, strict=True), strict=True):
            found = self._read_numbers(cells)
            strings = [one for one in found if isinstance(one, str)]
            numbers = sum(type(one) in (int, float) for one in found)
            if name in self._given:
                text.append(name)
            elif name in self._numbers:
                pass
            elif strings:
                text.append(name)
                if numbers:
                    beside = f"{strings[0]!r:.40} beside {numbers:,} numbers"
                    self._notes[name] = f"text, since it holds {beside}"
            elif not numbers:
                self._notes[name] = "numbers (none yet)"
        self.know(columns, text)

    def know(self, columns: Sequence[str], text: Iterable[str]) -> None:
        """Take the columns of text as another stream of CSV has found them.

        Raises
        ------
        ValueError
            If one is no column, or the parameters say that it is the other.
        """
        found = frozenset(text)
        for name in sorted(found - set(columns)):
            raise ValueError(f"the columns of text must be of the source, got {name!r}")
        if not columns:
            return
        for name in columns:
            if name in (self._numbers if name in found else self._given):
                was, now = ("text", "numbers") if name in found else ("numbers", "text")
                raise ValueError(f"column {name!r} must be {was} as before, got {now}")
        self.text = tuple(name for name in columns if name in found)
        self._is_text = tuple(name in found for name in columns)
        for name in columns:
            self._notes.setdefault(name, "text" if name in found else "numbers")

    def understood(self) -> dict[str, str]:
        """What each column of CSV holds, in words; empty where that is not known yet."""
        return dict(self._notes)

    def rows(self, rows: Iterable[Sequence[str]]) -> Iterator[tuple[Value, ...]]:
        """The values of many rows of cells."""
        readers = (self._read_text if text else self._read_numbers for text in self._is_text)
        columns = zip(*rows, strict=True)
        return zip(
            *(read(cells) for read, cells in zip(readers, columns, strict=True)), strict=True
        )

    def row(self, cells: Sequence[str]) -> list[Value]:
        """The values of one row, as `rows` gives them."""
        return [
            self._string(cell) if text else self._number(cell)
            for text, cell in zip(self._is_text, cells, strict=True)
        ]

    @property
    def changes_objects(self) -> bool:
        """Whether `object` has anything to do."""
        return bool(self._given or self._missing)

    def object(self, event: Mapping[str, Value]) -> dict[str, Value]:
        """An event whose values have types already, as `text` and `missing` want it."""
        return {name: self._typed(name, one) for name, one in event.items()}

    def _typed(self, name: str, one: Value) -> Value:
        if one is None or (isinstance(one, str) and one.strip() in self._missing):
            return None
        if not isinstance(one, bool | str) and one in self._sentinels:
            return None
        return written(one) if name in self._given else one

    def _read_text(self, cells: Sequence[str]) -> Sequence[Value]:
        if self._missing:
            return list(map(self._string, cells))
        return [cell.strip() or None for cell in cells]

    def _read_numbers(self, cells: Sequence[str]) -> Sequence[Value]:
        found = values(cells, self._words)
        if not self._sentinels:
            return found
        return [None if one in self._sentinels else one for one in found]

    def _string(self, cell: str) -> str | None:
        cell = cell.strip()
        return None if not cell or cell in self._missing else cell

    def _number(self, cell: str) -> Value:
        number = value(cell)
        missing = self._words if type(number) is str else self._sentinels
        return None if number in missing else number


def written(one: bool | int | float | str) -> str:
    """A value as text: as JSON writes it.

    Examples
    --------
    >>> written(7), written(0.5), written(True), written("open")
    ('7', '0.5', 'true', 'open')
    """
    return str(one).lower() if isinstance(one, bool) else str(one)


def kinds_in(event: Mapping[str, Value]) -> dict[str, str]:
    """What each column of an event holds, in words.

    Examples
    --------
    >>> kinds_in({"level": 0.5, "valve": "open", "pump": None})
    {'level': 'numbers', 'valve': 'text', 'pump': 'nothing yet'}
    """
    words = {bool: "booleans", str: "text", type(None): "nothing yet"}
    return {name: words.get(type(one), "numbers") for name, one in event.items()}
