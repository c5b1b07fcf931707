"""The methods of compare.py that are fitted to a history: statsforecast, fracast, FLAIR, trees."""

import math
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
from compare_peers import Clock, Method, answers_of, lagged
from compare_scoring import LEVELS, Answers, Values
from compare_series import FAR, Series
from numpy.typing import NDArray

EVERY = 40  # origins from one fit to the next
WINDOW = 500  # the last events, which a statistical model is fitted on and continued from
CONTEXT = 2000  # the last events that fracast and FLAIR are given
LONGEST_SEASON = 60  # for statsforecast's models, which a longer one keeps for minutes
WIDTHS = list(range(10, 100, 10))  # of intervals, in percent: their ends are the 19 levels

#: At one origin: point, mean and quantiles, (horizon,), (horizon,) and (horizon, 19).
Said = tuple[Values, Values, Values]


def at_origins(
    series: Series, aheads: Sequence[int], answer: Callable[[Values, int], Said]
) -> dict[int, Answers]:
    """One forecast at each origin serves every distance."""
    values, clock, said = series.filled(), Clock(), {}
    for number, origin in enumerate(series.origins(1).tolist()):
        started = time.process_time()
        said[origin] = answer(values[:origin], number)
        clock.count("answer", started)
    found = {}
    for ahead in aheads:
        origins = series.origins(ahead)
        parts = (
            [said[origin][part][ahead - 1] for origin in origins.tolist()] for part in range(3)
        )
        points, means, quantiles = (np.array(part) for part in parts)
        found[ahead] = Answers(origins, points, means, quantiles, clock.microseconds())
    return found


class Fitted(Protocol):
    """A model of statsforecast."""

    def fit(self, y: Values) -> "Fitted":
        """To a history."""

    def forward(self, y: Values, h: int, level: list[int]) -> dict[str, Values]:
        """What follows another history, by what was fitted."""

    def predict(self, h: int, level: list[int]) -> dict[str, Values]:
        """What follows the history that it was fitted to."""


def of_statsforecast(make: Callable[[int], Fitted]) -> Method:
    """Fitted on the last 500 events, every 40 origins; in between continued with what came."""

    def method(series: Series, aheads: Sequence[int]) -> dict[int, Answers]:
        season = series.season or 1
        model = make(season if season <= LONGEST_SEASON else 1)

        def answer(known: Values, number: int) -> Said:
            recent = known[-WINDOW:]
            if number % EVERY == 0:
                model.fit(recent)
                found = model.predict(h=FAR, level=WIDTHS)
            else:
                found = model.forward(recent, h=FAR, level=WIDTHS)
            return of_intervals({name: np.asarray(part) for name, part in found.items()})

        return at_origins(series, aheads, answer)

    return method


def of_intervals(found: dict[str, Values]) -> Said:
    mean = found["mean"]
    low = [found[f"lo-{width}"] for width in reversed(WIDTHS)]
    high = [found[f"hi-{width}"] for width in WIDTHS]
    return mean, mean, np.stack([*low, mean, *high], axis=1)


def fracast(series: Series, aheads: Sequence[int]) -> dict[int, Answers]:
    """Fracast-0 with the weights in its package; no fit. Its nine quantiles are extended."""
    from fracast import FracastModel

    model = FracastModel.from_pretrained()
    median = int(np.argmin(np.abs(np.array(model.quantiles) - 0.5)))

    def answer(known: Values, number: int) -> Said:
        nine = np.sort(model.forecast(known[-CONTEXT:], horizon=FAR).astype(float), axis=1)
        quantiles = extended(np.array(model.quantiles), nine)
        return nine[:, median], quantiles.mean(axis=1), quantiles

    return at_origins(series, aheads, answer)


def extended(levels: Values, quantiles: Values) -> Values:
    """At `LEVELS`, from fewer: straight lines over the normal's quantiles, continued beyond."""
    from scipy.stats import norm

    x, wanted = norm.ppf(levels), norm.ppf(LEVELS)
    place = np.clip(np.searchsorted(x, wanted) - 1, 0, len(x) - 2)
    share = (wanted - x[place]) / (x[place + 1] - x[place])
    found: Values = quantiles[:, place] * (1 - share) + quantiles[:, place + 1] * share
    return found


#: The pandas-like names that tell FLAIR a season.
FREQUENCIES = {4: "Q", 7: "D", 12: "M", 24: "H", 48: "30T", 52: "W", 288: "5T"}


def flair(series: Series, aheads: Sequence[int]) -> dict[int, Answers]:
    """FLAIR, fitted at every origin, 200 paths."""
    from flaircast import forecast

    name = FREQUENCIES.get(series.season or 1, "Y")

    def answer(known: Values, number: int) -> Said:
        paths = np.asarray(forecast(known[-CONTEXT:], horizon=FAR, freq=name, seed=0))
        return (
            np.median(paths, axis=0),
            paths.mean(axis=0),
            np.quantile(paths, LEVELS, axis=0).T,
        )

    return at_origins(series, aheads, answer)


def gradient_boosting(series: Series, aheads: Sequence[int]) -> dict[int, Answers]:
    """scikit-learn's HistGradientBoostingRegressor on lags, a model for each distance.

    Fitted on all that is known, at half the events before the first origin, so that there are
    errors to take quantiles from, there, and then every 40 origins.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    values, n = series.filled(), len(series.values)
    found = {}
    for ahead in aheads:
        origins, step = series.origins(ahead), max(ahead, 1) - 1
        clock, said = Clock(), np.full(n, math.nan)
        # Row r is what is known before event r, of event r + step.
        table = np.array(
            [[*lagged(series, now, ahead, values).values()] for now in range(1, n - step)]
        )
        fits = [int(origins[0]) // 2, *origins[::EVERY].tolist(), n]
        for start, end in pairwise(fits):
            if start - 1 - step < 4:
                continue
            started = time.process_time()
            model = HistGradientBoostingRegressor(random_state=0)
            known = _known(series, start, step)
            model.fit(table[: start - 1 - step][known], values[1 + step : start][known])
            rows = np.arange(start, min(end, n - step))
            if len(rows):
                said[rows + step] = model.predict(table[rows - 1])
            clock.count("learn", started, end - start)
        found[ahead] = answers_of(said, series, ahead, clock)
    return found


def _known(series: Series, start: int, step: int) -> NDArray[np.bool_]:
    """Which of the targets before event `start` were not missing."""
    known: NDArray[np.bool_] = ~np.isnan(series.values[1 + step : start])
    return known
