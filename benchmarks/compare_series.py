"""The series of compare.py, all to be had without a network, and the origins of the forecasts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import series_data
from numpy.typing import NDArray

Values = NDArray[np.float64]
MOST_EVENTS = 2000
MOST_ORIGINS = 120
FAR = 24
BURN_IN = 200
DAY, WEEK, YEAR = 86400, 7 * 86400, 365 * 86400
#: Kinds of series, in the order of the page.
REAL, GENERATED, SEASONAL, SHORT, COUNTS, COLUMNS, NAB = (
    "real",
    "generated",
    "seasonal, no period given",
    "short and seasonal",
    "counts",
    "columns",
    "NAB",
)


@dataclass(frozen=True)
class Series:
    """A series to forecast.

    `chosen_on`: whether constants of Lethe were chosen with a look at it or at another of its kind.
    `season`: events after which it repeats, told to every method that can be told; None where
    nobody is told. `columns`: numbers of each event that are known before its value. `asked`:
    the events that are scored, where not all are.
    """

    name: str
    kind: str
    values: Values
    times: list[datetime] | None = None
    season: int | None = None
    columns: dict[str, Values] | None = None
    asked: NDArray[np.bool_] | None = None
    chosen_on: bool = False

    def aheads(self) -> tuple[int, ...]:
        """How many events ahead are asked for; 0 where columns are known first."""
        if self.columns is not None:
            return (0,)
        return (1, FAR) if len(self.values) >= 120 else (1,)

    def origins(self, ahead: int) -> NDArray[np.int64]:
        """Numbers of events that are known when a forecast is made, 120 at most, drawn evenly.

        Those of 24 ahead are among those of one ahead, so that one forecast serves both.
        """
        n = len(self.values)
        candidates = np.arange(min(BURN_IN, n // 5), n)
        if self.asked is not None:
            candidates = candidates[self.asked[candidates]]
        random = np.random.default_rng(n)
        if len(candidates) > MOST_ORIGINS:
            candidates = np.sort(random.choice(candidates, MOST_ORIGINS, replace=False))
        if ahead > 1:
            first = min(BURN_IN, n // 5) + ahead
            candidates = candidates[(candidates >= first) & (candidates <= n - ahead)]
        found: NDArray[np.int64] = candidates.astype(np.int64)
        return found

    def filled(self) -> Values:
        """With the last known value in the place of what is missing."""
        places = np.where(np.isnan(self.values), 0, np.arange(len(self.values)))
        found: Values = self.values[np.maximum.accumulate(places)]
        return found

    def fingerprint(self) -> str:
        """Of all that a score depends on."""
        parts = [self.values, *(self.origins(ahead) for ahead in self.aheads())]
        parts += (self.columns or {}).values()
        told = f"{self.season}{bool(self.times)}".encode()
        return sha256(b"".join(part.tobytes() for part in parts) + told).hexdigest()[:12]


def collect(nab: Path | None = None) -> list[Series]:
    found = [*real(), *generated(), *seasonal(), *short(), *counts(), *columns()]
    if nab is not None:
        found += [_of(NAB, one) for one in series_data.numenta(nab)]
    return found


def _of(kind: str, one: series_data.Series) -> Series:
    values = one.values[:MOST_EVENTS]
    times = one.times[:MOST_EVENTS] if one.times else None
    season = _season(times) if times else one.period
    return Series(one.name, kind, values, times, season, chosen_on=True)


def _season(times: list[datetime]) -> int | None:
    """Events in a day, a week or a year, by the usual distance, as naive predictors have it."""
    gap = float(np.median([(b - a).total_seconds() for a, b in pairwise(times)]))
    length = DAY if gap <= DAY / 2 else WEEK if gap <= WEEK / 2 else YEAR
    return max(1, round(length / gap)) if gap > 0 else None


def real() -> Iterator[Series]:
    for one in [*series_data.given(), *series_data.unseen()]:
        if one.name == "FriedmanDrift":
            continue
        yield _of(GENERATED if "bundled" in one.name else REAL, one)
    from statsmodels.datasets import danish_data, elec_equip, interest_inflation, macrodata

    table = macrodata.load_pandas().data
    for column in ("realgdp", "realinv", "unemp", "tbilrate"):
        yield Series(f"US {column}", REAL, table[column].to_numpy(float), season=4)
    data = elec_equip.load().data
    yield Series("electrical equipment", REAL, data.iloc[:, -1].to_numpy(float), season=12)
    data = interest_inflation.load_pandas().data
    yield Series("German inflation", REAL, data["Dp"].to_numpy(float), season=4)
    data = danish_data.load_pandas().data
    yield Series("Danish income", REAL, data["lry"].to_numpy(float), season=4)
    try:
        from river.datasets.sp500 import SP500Stocks
    except ImportError:  # an older river
        return
    daily = list(SP500Stocks())
    for name in ("AAPL", "XOM"):
        yield Series(f"{name}, daily return", REAL, np.array([float(x[name]) for x, _ in daily]))
    yield Series("XOM, absolute return", REAL, np.array([abs(float(x["XOM"])) for x, _ in daily]))


def generated() -> Iterator[Series]:
    for one in series_data.generated(0, 2000):
        yield _of(GENERATED, one)


def seasonal() -> Iterator[Series]:
    """A pattern that repeats, without times; nobody is told after how many events."""
    for period in (12, 24, 37, 48, 96, 168):
        random = np.random.default_rng([7, period])
        n = 2000
        values = _repeating(random, n, period)
        yield Series(f"period {period}", SEASONAL, values, chosen_on=True)


def short() -> Iterator[Series]:
    for number, (n, period) in enumerate(
        [(100, 12), (120, 4), (144, 12), (168, 24), (200, 7), (240, 12), (300, 24), (365, 7)]
    ):
        random = np.random.default_rng([8, number])
        shape = random.standard_normal(period)
        level = 100 + 0.3 * np.arange(n) * random.standard_normal() + _walk(random, n)
        factor = 1 + 0.1 * shape[np.arange(n) % period]
        values = level * factor + 2 * random.standard_normal(n)
        name = f"short, {n} events, period {period}"
        yield Series(name, SHORT, values, season=period, chosen_on=True)


def counts() -> Iterator[Series]:
    n = 1500
    hours = np.arange(n)
    makers: dict[str, Callable[[np.random.Generator], Values]] = {
        "Poisson 0.7": lambda random: random.poisson(0.7, n),
        "Poisson by the hour": lambda random: random.poisson(
            np.exp(1 + 1.2 * np.sin(2 * np.pi * hours / 24))
        ),
        "counts that follow themselves": lambda random: _follow(random, n),
        "overdispersed counts": lambda random: random.negative_binomial(1, 0.1, n),
        "intermittent demand": lambda random: (
            (random.random(n) < 0.15) * (1 + random.poisson(4, n))
        ),
        "demand in lumps": lambda random: (
            (random.random(n) < 0.05) * np.round(random.lognormal(3, 0.7, n))
        ),
        "demand on weekdays": lambda random: (
            (hours % 7 < 5) * (random.random(n) < 0.4) * random.poisson(6, n)
        ),
    }
    for number, (name, make) in enumerate(makers.items()):
        values = np.asarray(make(np.random.default_rng([9, number])), float)
        hourly, weekly = name == "Poisson by the hour", name == "demand on weekdays"
        start, step = datetime(2024, 1, 1), timedelta(hours=1 if hourly else 24)
        times = [start + i * step for i in range(n)] if hourly or weekly else None
        season = 24 if hourly else 7 if weekly else None
        yield Series(name, COUNTS, values, times, season, chosen_on=True)


def columns() -> Iterator[Series]:
    """Streams of columns; scored are the events that memory or a rare event decides."""
    n = 5000
    for number, make in enumerate((_latch, _modes, _rare, _echo, _friedman)):
        name, table, values, asked = make(np.random.default_rng([10, number]), n)
        yield Series(name, COLUMNS, values, columns=table, asked=asked, chosen_on=True)


Columns = tuple[str, dict[str, Values], Values, NDArray[np.bool_]]


def _latch(random: np.random.Generator, n: int) -> Columns:
    on, off = random.random(n) < 0.01, random.random(n) < 0.01
    asked = random.random(n) < 0.1
    state, out = 1.0, np.empty(n)
    for i in range(n):
        state = -1.0 if off[i] and not on[i] else 1.0 if on[i] else state
        out[i] = state * asked[i]
    table = {"set": on * 1.0, "reset": (off & ~on) * 1.0, "ask": asked * 1.0}
    return "set and reset", table, out + 0.05 * random.standard_normal(n), asked


def _modes(random: np.random.Generator, n: int) -> Columns:
    """One of two slopes, chosen by an event 100 to 500 events ago."""
    mode, table = np.empty(n), {"a": np.zeros(n), "b": np.zeros(n)}
    following, now = 0, 0
    for i in range(n):
        if i == following:
            now, following = int(random.integers(2)), i + int(random.integers(100, 501))
            table["ab"[now]][i] = 1.0
        mode[i] = 1 - 2 * now
    x = random.standard_normal(n)
    values = mode * x + 0.1 * random.standard_normal(n)
    return "modes of a machine", {**table, "x": x}, values, np.ones(n, bool)


def _rare(random: np.random.Generator, n: int) -> Columns:
    rare = random.random(n) < 0.02
    values = 50.0 * rare + random.standard_normal(n)
    return "rare jumps", {"x": rare * 1.0}, values, rare


def _echo(random: np.random.Generator, n: int) -> Columns:
    x = random.standard_normal(n) * (random.random(n) < 0.1)
    values = 0.05 * random.standard_normal(n)
    values[40:] += x[:-40]
    asked = np.zeros(n, bool)
    asked[40:] = x[:-40] != 0
    return "echo after 40 events", {"x": x}, values, asked


def _friedman(random: np.random.Generator, n: int) -> Columns:
    x = random.random((n, 10))
    values = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
    values += 10 * x[:, 3] + 5 * x[:, 4] + random.standard_normal(n)
    table = {f"x{i}": x[:, i] for i in range(10)}
    return "Friedman's function", table, values, np.ones(n, bool)


def _repeating(random: np.random.Generator, n: int, period: int) -> Values:
    corners = np.append(random.standard_normal(6), 0.0)
    shape = np.interp(np.arange(period), np.linspace(0, period, 7), corners)
    wave = (shape - shape.mean())[np.arange(n) % period] * (1 + 0.2 * np.sin(np.arange(n) / 700))
    values: Values = 50 + 10 * wave + 0.3 * _walk(random, n) + 2 * random.standard_normal(n)
    return values


def _walk(random: np.random.Generator, n: int) -> Values:
    return np.cumsum(random.standard_normal(n))


def _follow(random: np.random.Generator, n: int) -> Values:
    out: list[float] = [5.0]
    for _ in range(n - 1):
        out.append(float(random.poisson(1 + 0.8 * out[-1])))
    return np.array(out)


def events_of(series: Series) -> Iterator[dict[str, Any]]:
    """What Lethe is given of each event, its value apart for a series with columns."""
    for i, value in enumerate(series.values.tolist()):
        event: dict[str, Any] = {"time": series.times[i]} if series.times else {}
        if series.columns is not None:
            event |= {name: float(column[i]) for name, column in series.columns.items()}
        yield event | {"value": value if value == value else None}
