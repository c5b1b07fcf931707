"""The series of series.py: those chosen on, real ones added later, and generated ones."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lethe.data import BundledStream

Values = NDArray[np.float64]
WEEK = 7  # of daily events


@dataclass(frozen=True)
class Series:
    """A series to predict.

    `chosen_on`: whether the defaults were chosen with a look at it. `features`: numbers that are
    known before the target of their event (horizon 0). `period`: events, where there are no times.
    """

    name: str
    values: Values
    times: list[datetime] | None = None
    features: list[dict[str, Any]] | None = None
    period: int | None = None
    chosen_on: bool = False
    far: bool = False  # whether 24 events ahead are asked for, too


def given() -> Iterator[Series]:
    """Those of river and statsmodels that the defaults were chosen on."""
    from river import datasets

    events = list(datasets.TrumpApproval())
    features = [dict(x) for x, _ in events]
    yield Series(
        "TrumpApproval", _floats(y for _, y in events), None, features, WEEK, chosen_on=True
    )
    events = list(datasets.WaterFlow())
    times = [x["Time"] for x, _ in events]
    yield Series("WaterFlow", _floats(y for _, y in events), times, chosen_on=True, far=True)
    from statsmodels.datasets import co2

    data = co2.load_pandas().data["co2"]
    times = [when.to_pydatetime() for when in data.index]
    yield Series("co2", data.to_numpy(float), times, chosen_on=True, far=True)


def numenta(folder: Path) -> Iterator[Series]:
    """Every series of a folder of the Numenta Anomaly Benchmark."""
    for path in sorted(folder.glob("*/*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        times = [datetime.fromisoformat(row["timestamp"]) for row in rows]
        yield Series(path.stem, _floats(row["value"] for row in rows), times, chosen_on=True)


def unseen() -> Iterator[Series]:
    """Real series that nobody looked at while the defaults were chosen."""
    from river import datasets
    from statsmodels.datasets import elnino, macrodata, nile, sunspots

    events = list(datasets.AirlinePassengers())
    times = [x["month"] for x, _ in events]
    yield Series("AirlinePassengers", _floats(y for _, y in events), times)
    yield Series("sunspots", sunspots.load_pandas().data["SUNACTIVITY"].to_numpy(float), period=11)
    yield Series("Nile", nile.load_pandas().data["volume"].to_numpy(float))
    table = elnino.load_pandas().data.drop(columns="YEAR").to_numpy(float)
    yield Series("El Niño", table.ravel(), period=12)
    yield Series("US inflation", macrodata.load_pandas().data["infl"].to_numpy(float), period=4)
    for name, column in (("sine", "value"), ("steps", "value"), ("machine", "temperature")):
        records = [record.event for record in BundledStream(name, rows=6000)]
        times = [datetime.fromisoformat(event["time"]) for event in records]
        values = _floats(np.nan if event[column] is None else event[column] for event in records)
        yield Series(f"{name}, bundled", values, times)
    friedman = datasets.synth.FriedmanDrift(
        drift_type="gra", position=(2000, 4000), transition_window=500, seed=1
    )
    events = list(friedman.take(6000))
    features = [{str(name): value for name, value in x.items()} for x, _ in events]
    yield Series("FriedmanDrift", _floats(y for _, y in events), None, features)


def generated(seed: int, events: int = 4000) -> Iterator[Series]:
    """Generated series. The first four are of the kinds that the defaults were chosen on."""
    kinds: dict[str, Callable[[np.random.Generator, int], Values]] = {
        "Mackey-Glass": _mackey_glass,
        "logistic map": _logistic_map,
        "pulses": _pulses,
        "reset ramps": _reset_ramps,
        "random walk": lambda random, n: np.cumsum(random.standard_normal(n)),
        "white noise": lambda random, n: random.standard_normal(n),
        "AR(2)": _autoregression,
        "threshold AR": _threshold,
        "Hénon map": _henon,
        "NARMA-10": _narma,
        "hidden toggle": _toggle,
        "changing sine": _changing_sine,
    }
    for number, (name, make) in enumerate(kinds.items()):
        random = np.random.default_rng([seed, number])
        yield Series(name, make(random, events), chosen_on=number < 4)
    start = datetime(2024, 1, 1)
    hours = np.arange(events)
    random = np.random.default_rng([seed, len(kinds)])
    busy = ((hours % 24 >= 8) & (hours % 24 < 18) & (hours // 24 % 7 < 5)).astype(float)
    values = 20 + 60 * busy + 0.01 * hours + 4 * random.standard_normal(events)
    times = [start + timedelta(hours=int(hour)) for hour in hours]
    yield Series("office hours", values, times)


def _floats(values: Any) -> Values:
    return np.array([float(value) for value in values])


def _mackey_glass(random: np.random.Generator, n: int) -> Values:
    x = [1.2 + 0.1 * random.standard_normal() for _ in range(18)]
    for _ in range(n + 500):
        x.append(x[-1] + 0.2 * x[-18] / (1 + x[-18] ** 10) - 0.1 * x[-1])
    return np.array(x[-n:])


def _logistic_map(random: np.random.Generator, n: int) -> Values:
    """Measured with a little noise."""
    x = np.empty(n)
    x[0] = 0.3
    for i in range(1, n):
        x[i] = 3.8 * x[i - 1] * (1 - x[i - 1])
    return x + 0.01 * random.standard_normal(n)


def _pulses(random: np.random.Generator, n: int) -> Values:
    """Up to 10, down to 0: which way it goes is not to be seen in the level."""
    out, x, way = np.empty(n), 0.0, 1
    for i in range(n):
        x += way * (1 + 0.05 * random.standard_normal())
        way = -1 if x > 10 else 1 if x < 0 else way
        out[i] = x
    return out


def _reset_ramps(random: np.random.Generator, n: int) -> Values:
    out, x = np.empty(n), 0.0
    for i in range(n):
        x += 1 + 0.1 * random.standard_normal()
        x = 0.0 if x > 12 else x
        out[i] = x
    return out


def _autoregression(random: np.random.Generator, n: int) -> Values:
    x = np.zeros(n)
    for i in range(2, n):
        x[i] = 1.6 * x[i - 1] - 0.8 * x[i - 2] + random.standard_normal()
    return x


def _threshold(random: np.random.Generator, n: int) -> Values:
    """One line below zero, another above it."""
    x = np.zeros(n)
    for i in range(1, n):
        x[i] = (0.9 if x[i - 1] < 0 else -0.9) * x[i - 1] + 0.5 + 0.3 * random.standard_normal()
    return x


def _henon(random: np.random.Generator, n: int) -> Values:
    x = np.zeros(n)
    for i in range(2, n):
        x[i] = 1 - 1.4 * x[i - 1] ** 2 + 0.3 * x[i - 2]
    return x + 0.01 * random.standard_normal(n)


def _narma(random: np.random.Generator, n: int) -> Values:
    """Of order 10, its input unknown."""
    u, x = random.uniform(0, 0.5, n), np.zeros(n)
    for i in range(10, n):
        before = x[i - 10 : i].sum()
        x[i] = 0.3 * x[i - 1] + 0.05 * x[i - 1] * before + 1.5 * u[i - 10] * u[i - 1] + 0.1
    return x


def _toggle(random: np.random.Generator, n: int) -> Values:
    """A pulse now and then; each changes the sign of a slow wave until the next."""
    sign, out = 1.0, np.empty(n)
    pulses = random.random(n) < 0.02
    for i in range(n):
        if pulses[i]:
            sign = -sign
        out[i] = 5.0 if pulses[i] else sign * (1 + 0.5 * np.sin(i / 5))
    return out + 0.05 * random.standard_normal(n)


def _changing_sine(random: np.random.Generator, n: int) -> Values:
    """Every 1,000 events another period and height."""
    block = np.arange(n) // 1000
    period = np.array([17.0, 40.0, 9.0, 26.0])[block % 4]
    height = np.array([1.0, 3.0, 0.5, 2.0])[block % 4]
    wave: Values = height * np.sin(2 * np.pi * np.arange(n) / period)
    return wave + 0.1 * random.standard_normal(n)
