"""The methods of compare.py that learn event by event: Lethe, naive predictors, river, skaters."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from compare_scoring import LEVELS, Answers, Values, from_errors
from compare_series import Series, events_of

import lethe
from lethe.evaluate.naive import Season

LAGS = 24
LEARNED = 10  # targets; until then a regressor's answer is the last value
#: A method: what it says of a series at its origins, by how many events ahead, of those asked for.
Method = Callable[[Series, Sequence[int]], dict[int, Answers]]
Features = dict[str, float]


class Clock:
    """Processor time of learning, by event, and of answering, by answer."""

    def __init__(self) -> None:
        self.spent = {"learn": 0.0, "answer": 0.0}
        self.times = {"learn": 0, "answer": 0}

    def count(self, what: str, started: float, times: int = 1) -> None:
        """Count what has been done since `started`."""
        self.spent[what] += time.process_time() - started
        self.times[what] += times

    def microseconds(self) -> float:
        """Of an event that is learned and answered."""
        return 1e6 * sum(self.spent[what] / max(self.times[what], 1) for what in self.spent)


def distribution(prediction: lethe.Prediction, ahead: int) -> tuple[float, float, Values]:
    """Point, mean and quantiles of a prediction of Lethe."""
    head = max(ahead, 1)
    point = prediction.forecast[head - 1]
    assert isinstance(point, float)
    if hasattr(prediction, "quantile"):
        found = [prediction.quantile(level, ahead=head) for level in LEVELS.tolist()]
    else:
        found = list(_of_intervals(prediction, head, point))
    quantiles = np.nan_to_num(np.array(found, float), nan=point, posinf=point, neginf=point)
    mean = getattr(prediction, "mean", None)
    if callable(mean):
        mean = mean(ahead=head)
    elif isinstance(mean, tuple):
        mean = mean[head - 1]
    elif head > 1 or mean is None:
        mean = quantiles.mean()
    return point, float(mean), np.sort(quantiles)


def _of_intervals(prediction: lethe.Prediction, head: int, point: float) -> Iterator[float]:
    for level in LEVELS.tolist():
        low, high = (
            (point, point)
            if abs(level - 0.5) < 1e-9
            else prediction.interval(abs(1 - 2 * level), ahead=head)
        )
        yield low if level < 0.5 else high


def lethe_model(series: Series, aheads: Sequence[int]) -> dict[int, Answers]:
    """`lethe.Model` with its defaults, one model for each distance."""
    found = {}
    for ahead in aheads:
        model = lethe.Model(
            "value",
            horizon=ahead,
            time="time" if series.times else None,
            period=None if series.times else series.season,
        )
        clock, origins, rows = Clock(), series.origins(ahead), []
        wanted = set(origins.tolist())
        for known, event in enumerate(events_of(series)):
            if known in wanted:
                started = time.process_time()
                asked = {name: x for name, x in event.items() if name != "value"}
                prediction = model.predict(asked) if ahead == 0 else model.predict()
                rows.append(distribution(prediction, ahead))
                clock.count("answer", started)
            started = time.process_time()
            model.learn(event)
            clock.count("learn", started)
        if len(series.values) in wanted:
            rows.append(distribution(model.predict(), ahead))
        points, means, quantiles = (np.array(part) for part in zip(*rows, strict=True))
        found[ahead] = Answers(origins, points, means, quantiles, clock.microseconds())
    return found


class Forecaster(Protocol):
    """Learns a value at a time; says what comes 1, 2, … events later."""

    def learn(self, value: float) -> None:
        """The next value."""

    def forecast(self, ahead: int) -> float:
        """The value so many events later."""


def by_errors(make: Callable[[Series], Forecaster]) -> Method:
    """A forecaster of points; its last errors give the quantiles."""

    def method(series: Series, aheads: Sequence[int]) -> dict[int, Answers]:
        values, n = series.filled(), len(series.values)
        found = {}
        for ahead in aheads:
            forecaster, clock, said = make(series), Clock(), np.full(n, math.nan)
            for known, value in enumerate(values.tolist()):
                started = time.process_time()
                if known + max(ahead, 1) - 1 < n and known:
                    said[known + max(ahead, 1) - 1] = forecaster.forecast(max(ahead, 1))
                forecaster.learn(value)
                clock.count("learn", started)
            found[ahead] = answers_of(said, series, ahead, clock)
        return found

    return method


def answers_of(said: Values, series: Series, ahead: int, clock: Clock) -> Answers:
    """Of a method that says a number for each event."""
    origins = series.origins(ahead)
    started = time.process_time()
    points, quantiles = from_errors(said, series.values, origins, ahead)
    clock.count("answer", started, len(origins))
    return Answers(origins, points, points, quantiles, clock.microseconds())


class LastValue(Forecaster):
    """The last value; with `drift`, plus the mean change so far for each event ahead."""

    def __init__(self, drift: bool = False) -> None:
        self.first = self.last = math.nan
        self.events, self.drift = 0, drift

    def learn(self, value: float) -> None:  # noqa: D102
        self.first = value if self.events == 0 else self.first
        self.last = value
        self.events += 1

    def forecast(self, ahead: int) -> float:  # noqa: D102
        change = (self.last - self.first) / max(self.events - 1, 1)
        return self.last + (ahead * change if self.drift else 0.0)


class Mean(Forecaster):
    """Of all values so far."""

    def __init__(self) -> None:
        self.total, self.events = 0.0, 0

    def learn(self, value: float) -> None:  # noqa: D102
        self.total += value
        self.events += 1

    def forecast(self, ahead: int) -> float:  # noqa: D102
        return self.total / self.events


class LastPeriod(Forecaster):
    """The value one season ago; the last value where no season is told."""

    def __init__(self, season: int | None) -> None:
        self.season, self.last = Season(1, season or 1), math.nan

    def learn(self, value: float) -> None:  # noqa: D102
        self.season.append([value], math.nan)
        self.last = value

    def forecast(self, ahead: int) -> float:  # noqa: D102
        guess = self.season.guess(ahead, math.nan)
        return self.last if guess is None else guess[0]


class Learner(Protocol):
    """One of river's forecasters, or of deep-river's."""

    def learn_one(self, y: float) -> None:
        """The next value."""

    def forecast(self, horizon: int) -> list[float]:
        """The values that follow."""


class OfRiver(Forecaster):
    """Such a one, of values in units of what is usual."""

    def __init__(self, model: Learner, scaled: bool = False) -> None:
        self.model, self.scaled = model, scaled
        self.total, self.squares, self.events, self.last = 0.0, 0.0, 0, 0.0

    def _usual(self) -> tuple[float, float]:
        if not self.scaled or self.events < 2:
            return 0.0, 1.0
        mean = self.total / self.events
        return mean, math.sqrt(max(self.squares / self.events - mean**2, 1e-12)) or 1.0

    def learn(self, value: float) -> None:  # noqa: D102
        self.total, self.squares = self.total + value, self.squares + value**2
        self.events, self.last = self.events + 1, value
        mean, spread = self._usual()
        self.model.learn_one((value - mean) / spread)

    def forecast(self, ahead: int) -> float:  # noqa: D102
        try:
            said = self.model.forecast(horizon=ahead)[ahead - 1]
        except (IndexError, ZeroDivisionError):  # it has not seen a season yet
            said = None
        mean, spread = self._usual()
        good = said is not None and math.isfinite(said) and abs(said) < 1e12
        return said * spread + mean if good else self.last


class Regressor(Protocol):
    """One of river's, or of deep-river's."""

    def predict_one(self, x: Features) -> float:
        """The value that belongs to some features."""

    def learn_one(self, x: Features, y: float) -> None:
        """Features and their value."""


def lagged(series: Series, now: int, ahead: int, values: Values) -> Features:
    """What is known of event `now + ahead - 1` before event `now`: lags, and its columns."""
    target = now + max(ahead, 1) - 1
    found = {f"lag {lag}": float(values[max(now - lag, 0)]) for lag in range(1, LAGS + 1)}
    if series.season and series.season > 1:
        ago = target - series.season * math.ceil((target - now + 1) / series.season)
        found["season"] = float(values[max(ago, 0)])
    for name, column in (series.columns or {}).items():
        found[name] = float(column[target])
    return found


def by_lags(make: Callable[[], Regressor]) -> Method:
    """One of river's regressors, on lags, for each distance; its last errors give the quantiles."""

    def method(series: Series, aheads: Sequence[int]) -> dict[int, Answers]:
        values, n = series.filled(), len(series.values)
        found = {}
        for ahead in aheads:
            model, clock, said = make(), Clock(), np.full(n, math.nan)
            waiting: dict[int, Features] = {}
            first = LEARNED + 2 * max(ahead, 1)
            for now in range(1, n):
                started = time.process_time()
                target = now + max(ahead, 1) - 1
                if target < n:
                    x = waiting[target] = lagged(series, now, ahead, values)
                    answer = float(model.predict_one(x))
                    good = math.isfinite(answer) and abs(answer) < 1e12 and target >= first
                    said[target] = answer if good else values[now - 1]
                if now in waiting:
                    model.learn_one(waiting.pop(now), float(values[now]))
                clock.count("learn", started)
            found[ahead] = answers_of(said, series, ahead, clock)
        return found

    return method


class Dist(Protocol):
    """A distribution of skaters."""

    @property
    def mean(self) -> float:
        """Its mean."""

    def quantile(self, p: float) -> float:
        """What a share `p` lies below."""


State = Mapping[str, object] | None
Skater = Callable[[float, State], tuple[list[Dist], State]]


def of_skaters(make: Callable[[int], Skater]) -> Method:
    """One of the skaters, one for each distance, with its own distribution."""

    def method(series: Series, aheads: Sequence[int]) -> dict[int, Answers]:
        found = {}
        for ahead in aheads:
            skater, clock, rows = make(max(ahead, 1)), Clock(), []
            state: State = None
            said: list[Dist] = []
            origins = series.origins(ahead)
            wanted = set(origins.tolist())
            for known, value in enumerate([*series.values.tolist(), math.nan]):
                if known in wanted:
                    started = time.process_time()
                    dist = said[-1]
                    quantiles = np.array([dist.quantile(level) for level in LEVELS.tolist()])
                    rows.append((float(quantiles[len(LEVELS) // 2]), dist.mean, quantiles))
                    clock.count("answer", started)
                if known < len(series.values):
                    started = time.process_time()
                    said, state = skater(value, state)
                    clock.count("learn", started)
            points, means, quantiles = (np.array(part) for part in zip(*rows, strict=True))
            found[ahead] = Answers(origins, points, means, quantiles, clock.microseconds())
        return found

    return method
