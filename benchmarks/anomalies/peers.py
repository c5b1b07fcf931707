"""Other detectors: windowed Gaussians, and what River, rrcf, skaters and timemachines have.

Their settings are their defaults or, where there are none, those of their documentation. A stream
of several columns gets the highest score of any column from those that know one column only. Events
with missing values are left out, and have the score 0.
"""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import numpy as np
from common import Detector, Scored, Stream, Values

__all__ = ["PEERS", "gaussian_of_nab", "installed", "windowed_gaussian"]

NAB_WINDOW, NAB_STEP = 6400, 100  # the benchmark's own detector's


def _of_columns(score: Callable[[Values], Values]) -> Detector:
    """A detector of any columns from one of a single one without gaps."""

    def detector(stream: Stream) -> Scored:
        found: Values = np.zeros_like(stream.values)
        for column in range(found.shape[1]):
            known = ~np.isnan(stream.values[:, column])
            found[known, column] = score(stream.values[known, column])
        return Scored(found.max(axis=1))

    return detector


def _of_events(make: Callable[[int], Callable[[Values], float]]) -> Detector:
    """A detector from a function that scores and learns one event; `make` is told the columns."""

    def detector(stream: Stream) -> Scored:
        score = make(stream.values.shape[1])
        found = np.zeros(len(stream.values))
        for place in np.flatnonzero(~np.isnan(stream.values).any(axis=1)):
            found[place] = score(stream.values[place])
        return Scored(found)

    return detector


def _deviations(values: Values, window: int, step: int) -> Values:
    """How many standard deviations a value is from the mean of so many before it."""
    out = np.zeros(len(values))
    spread, middle = 1.0, 0.0
    for i in range(1, len(values)):
        late = i - window
        if late <= 0 or late % step == 0:
            past = values[max(0, late) : i]
            middle, spread = float(past.mean()), float(past.std()) or 1e-6  # as the benchmark does
        out[i] = abs(values[i] - middle) / spread
    return out


def windowed_gaussian(window: int) -> Detector:
    """1 - the two-sided tail of a value in the normal distribution of so many before it."""

    def score(values: Values) -> Values:
        away = _deviations(values, window, 1).tolist()
        return np.array([math.erf(z / math.sqrt(2)) for z in away])

    return _of_columns(score)


def gaussian_of_nab() -> Detector:
    """The benchmark's own: 6,400 values, 100 of them new at a time, and the tail on one side.

    The order of its scores is nearly the same, not the number of those that are rounded to 1.
    """

    def score(values: Values) -> Values:
        away = _deviations(values, NAB_WINDOW, NAB_STEP).tolist()
        found = np.array([1 - 0.5 * math.erfc(z / math.sqrt(2)) for z in away])
        found[:1] = 0
        return found.round(12)  # as the benchmark's files of results have them

    return _of_columns(score)


def _half_space_trees() -> Detector:
    from river import anomaly, preprocessing

    def make(columns: int) -> Callable[[Values], float]:
        # They take values between 0 and 1.
        model = preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=0)

        def score(event: Values) -> float:
            named = dict(enumerate(event.tolist()))
            found = float(model.score_one(named))
            model.learn_one(named)
            return found

        return score

    return _of_events(make)


def _random_cut_forest(trees: int = 40, shingle: int = 4, size: int = 256) -> Detector:
    import rrcf

    def make(columns: int) -> Callable[[Values], float]:
        np.random.seed(0)  # rrcf has no other way
        forest = [rrcf.RCTree() for _ in range(trees)]
        last: deque[Values] = deque(maxlen=shingle)
        count = 0

        def score(event: Values) -> float:
            nonlocal count
            last.append(event)
            if len(last) < shingle:
                return 0.0
            point, depth = np.concatenate(last), 0.0
            for tree in forest:
                if len(tree.leaves) >= size:
                    tree.forget_point(count - size)
                tree.insert_point(point, index=count)
                depth += tree.codisp(count)
            count += 1
            return depth / trees

        return score

    return _of_events(make)


State = Mapping[str, object] | None


class _Dist(Protocol):
    """A distribution of skaters."""

    def cdf(self, x: float) -> float:
        """What share lies below."""


def _skaters() -> Detector:
    from skaters import laplace

    def score(values: Values) -> Values:
        skater: Callable[[float, State], tuple[list[_Dist], State]] = laplace(k=1)
        found = np.zeros(len(values))
        state: State = None
        said: list[_Dist] = []
        for place, value in enumerate(values.tolist()):
            if said:
                below = said[0].cdf(value)
                found[place] = 1 - 2 * min(below, 1 - below)
            said, state = skater(value, state)
        return found

    return _of_columns(score)


def _timemachines() -> Detector:
    from timemachines import wald

    def score(values: Values) -> Values:
        skater: Callable[[float, State], tuple[list[_Dist], State]] = wald(k=1)
        found = np.zeros(len(values))
        state: State = None
        for place, value in enumerate(values.tolist()):
            _, state = skater(value, state)
            chance = state and state["pvalue"]
            found[place] = 1 - chance if isinstance(chance, float) else 0
        return found

    return _of_columns(score)


#: By name: the package, and how to make the detector, which imports it.
PEERS: dict[str, tuple[str, Callable[[], Detector]]] = {
    "River's HalfSpaceTrees": ("river", _half_space_trees),
    "rrcf": ("rrcf", _random_cut_forest),
    "skaters laplace": ("skaters", _skaters),
    "timemachines wald": ("timemachines", _timemachines),
}


def installed() -> Iterator[tuple[str, Detector]]:
    """Those of `PEERS` whose packages are here; for each other a line on stderr."""
    for name, (package, make) in PEERS.items():
        try:
            yield name, make()
        except ImportError as error:
            print(f"without {name} ({error}): pip install {package}", file=sys.stderr)
