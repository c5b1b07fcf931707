"""Small series that come with the package: they are generated, so nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

import numpy as np

from lethe.core._checks import check_int
from lethe.data.kinds import kinds_in
from lethe.data.record import MOST_SKIP, Record, Value, columns_at, count_at, string_at

__all__ = ["BUNDLED", "BundledStream"]

#: The bundled series, with what each is.
BUNDLED: dict[str, str] = {
    "sine": "a daily cycle with noise, every 5 minutes; spikes and flat lines are its anomalies",
    "steps": "a level that takes four heights in turn, with noise, every 5 minutes",
    "machine": "temperature, load and state of a machine in two shifts, with missing values",
}

START = datetime(2024, 1, 1)
STEP = timedelta(minutes=5)
DAY = 288  # rows

_Columns = dict[str, list[Value]]
_Days = Callable[[int, np.random.Generator], tuple[_Columns, set[int]]]


class BundledStream:
    """A series of `BUNDLED`, the same whenever it is read.

    Parameters
    ----------
    name : str
    position : dict, optional
        The attribute `position` of a stream that stopped there.
    skip : int, optional
        Begin at the start, whatever `position` says, and pass over so many rows.
    rows : int
        After how many to end.

    Attributes
    ----------
    name : str
    columns : tuple of str
        The first is ``time``.
    skipped : int
        0.
    reasons : list of str
        Empty.

    Raises
    ------
    ValueError
        If there is no such series, `position` belongs to another, or a parameter is wrong.

    Examples
    --------
    >>> stream = BundledStream("sine")
    >>> next(stream)
    Record(number=1, event={'time': '2024-01-01 00:00:00', 'value': 20.038}, offset=1)
    >>> again = BundledStream("sine", position=stream.position)
    >>> next(stream) == next(again)
    True
    """

    def __init__(
        self,
        name: str,
        *,
        position: Mapping[str, object] | None = None,
        skip: int | None = None,
        rows: int = 20_000,
    ) -> None:
        if name not in BUNDLED:
            raise ValueError(f"a bundled series must be one of {', '.join(BUNDLED)}, got {name!r}")
        self.name = name
        self.skipped = 0
        self.reasons: list[str] = []
        self._rows = check_int("rows", rows, 0)
        self._row = 0 if skip is None else check_int("skip", skip, 0, MOST_SKIP)
        self.columns = ("time", *self._day(0)[0])
        if position is not None and skip is None:
            form, series = string_at(position, "form"), string_at(position, "series")
            if (form, series) != ("bundled", name):
                raise ValueError(f"position must belong to {name!r}, got {position!r:.80}")
            self._row = count_at(position, "offset")
        if position is not None and columns_at(position) != self.columns:
            raise ValueError(f"position must belong to {name!r}, got {position!r:.80}")
        self._records = self._read()

    @property
    def position(self) -> dict[str, object]:
        """Where the stream stands: values that JSON can hold."""
        return {
            "form": "bundled",
            "series": self.name,
            "offset": self._row,
            "columns": list(self.columns),
        }

    @property
    def source(self) -> str:
        """The name of what the records come from."""
        return self.name

    @property
    def unit(self) -> str:
        """What the number of a record counts."""
        return "row"

    @property
    def anomalies(self) -> frozenset[int]:
        """The numbers of the records that are anomalies."""
        found = (
            day * DAY + row + 1 for day in range(-(-self._rows // DAY)) for row in self._day(day)[1]
        )
        return frozenset(number for number in found if number <= self._rows)

    def take_back(self) -> None:
        """Be before the last record again, for whoever asks for the `position`; nothing follows."""
        self._row -= 1

    def understood(self) -> dict[str, str]:
        """What each column holds, in words."""
        columns: _Columns = {"time": [str(START)], **self._day(0)[0]}
        return kinds_in({name: column[0] for name, column in columns.items()})

    def __iter__(self) -> Iterator[Record]:
        return self._records

    def __next__(self) -> Record:
        return next(self._records)

    def close(self) -> None:
        """Nothing is open."""

    def _day(self, day: int) -> tuple[_Columns, set[int]]:
        """The columns of one day but the time, and its anomalies. No day needs another."""
        return _DAYS[self.name](day, np.random.default_rng([list(BUNDLED).index(self.name), day]))

    def _read(self) -> Iterator[Record]:
        while self._row < self._rows:
            day, start = divmod(self._row, DAY)
            rows = list(zip(*self._day(day)[0].values(), strict=True))
            for row in range(start, min(DAY, self._rows - day * DAY)):
                self._row = number = day * DAY + row + 1
                time = str(START + (number - 1) * STEP)
                event = dict(zip(self.columns, (time, *rows[row]), strict=True))
                yield Record(number, event, number)


def _sine(day: int, generator: np.random.Generator) -> tuple[_Columns, set[int]]:
    """Every third day has a spike, every fifth a flat line of an hour; the first week has none."""
    values = 20 + 5 * np.sin(2 * np.pi * np.arange(DAY) / DAY) + generator.normal(0, 0.3, DAY)
    spike, flat = (int(row) for row in generator.integers(0, DAY - 12, 2))
    anomalies: set[int] = set()
    if day >= 7 and day % 3 == 0:
        values[spike] += 8
        anomalies.add(spike)
    if day >= 7 and day % 5 == 0:
        values[flat : flat + 12] = values[flat]
        anomalies.update(range(flat + 1, flat + 12))
    return {"value": values.round(3).tolist()}, anomalies


def _steps(day: int, generator: np.random.Generator) -> tuple[_Columns, set[int]]:
    """Each height lasts about six hours."""
    levels = np.array([10.0, 40.0, 20.0, 80.0])
    ends = DAY // 4 * np.arange(1, 5) + np.append(generator.integers(-9, 10, 3), 0)
    level = levels[np.searchsorted(ends, np.arange(DAY), side="right")]
    return {"value": (level + generator.normal(0, 0.5, DAY)).round(3).tolist()}, set()


def _machine(day: int, generator: np.random.Generator) -> tuple[_Columns, set[int]]:
    """It runs from about 6 to 22 hours but on Sundays, warms up in an hour and cools down again."""
    row = np.arange(DAY)
    begin, end = 72 + generator.integers(-6, 7), 264 + generator.integers(-6, 7)
    runs = (row >= begin) & (row < end) & (day % 7 != 6)
    warmth = np.zeros(DAY)
    for i in range(1, DAY):
        warmth[i] = warmth[i - 1] + (runs[i] - warmth[i - 1]) / 12
    load = np.where(runs, generator.normal(0.7, 0.1, DAY), 0).clip(0, 1).round(3)
    temperature = (20 + 45 * warmth + generator.normal(0, 0.4, DAY)).round(2)
    lost = generator.random(DAY) < 0.02
    return {
        "state": ["run" if run else "idle" for run in runs],
        "load": load.tolist(),
        "temperature": [
            None if gone else t for gone, t in zip(lost, temperature.tolist(), strict=True)
        ],
    }, set()


_DAYS: dict[str, _Days] = {"sine": _sine, "steps": _steps, "machine": _machine}
