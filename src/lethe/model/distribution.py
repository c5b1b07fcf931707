"""The distribution of a number to come, from what came after earlier predictions.

The last 1,000 or so residuals of a head, each in units of the mean absolute error at its time, are
weighed by how much the state of the stream then is like its state now: how large errors are, where
the forecast lies, how far from the last value, and how far apart the predictors are (a kernel
regression of the residuals' distribution; Nadaraya 1964, Hall, Wolff & Yao 1999). What comes again
to the bit (a repeated value, zero, an end of the range) has a probability of its own; a lattice,
such as whole numbers, and a range that the data keep to are kept.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Distribution", "HeadState", "distribution_of", "point"]

Array = NDArray[np.float64]

#: Where the state of the stream is this much different, in units of the mean absolute error or as
#: a logarithm, a residual counts a quarter of one in the same state.
ERROR_WIDTH, LEVEL_WIDTH, CHANGE_WIDTH, SPREAD_WIDTH = 0.4, 2.8, 4.2, 1.4
#: Residuals in quite another state count together as much as so many in the same state.
OTHER_STATES = 5.0
#: Independent residuals by which their skewness and their median are believed by half.
TRUSTED = 10.0
#: How much wider a distribution from one independent residual is.
STRETCH = 0.5
#: The power of tails, F(x) ~ |x|**-TAIL, beyond all residuals.
TAIL = 4.0
#: Errors that are all zero by then are expected to stay so.
ENOUGH = 10
#: Cumulative probabilities at which a distribution is kept.
_LOWER = np.array([0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1])
_OF_TAIL = np.array([0.001, 0.01, 0.05, 0.1, 0.25, 0.5])
_LEVELS = np.concatenate((_LOWER, np.arange(0.15, 0.86, 0.05), 1 - _LOWER[::-1]))


class HeadState(NamedTuple):
    """What was answered about one head, and the state of the stream at that time."""

    predicted: float
    usual: float
    spread: float
    last: float
    low: float
    high: float
    ahead: int


class Distribution:
    """A distribution: continuous pieces, points with probabilities of their own, tails.

    Parameters
    ----------
    x : ndarray
        Increasing places.
    below, up_to : ndarray
        The probability of less than each place, and of at most it; between two places the
        distribution is uniform.
    left, right : float
        The scales of the tails before the first place and after the last.
    step : float
        Of the lattice that all values lie on; 0: there is none.
    """

    __slots__ = ("_below", "_left", "_right", "_step", "_up_to", "_x")

    def __init__(
        self, x: Array, below: Array, up_to: Array, left: float, right: float, step: float = 0.0
    ) -> None:
        self._x, self._below, self._up_to = x, below, up_to
        self._left, self._right, self._step = left, right, step

    def cdf(self, x: Array) -> Array:
        """The probability of at most x."""
        if self._step:
            x = (np.floor(x / self._step + 1e-9) + 0.5) * self._step
        return self._continuous_cdf(x)

    def _continuous_cdf(self, x: Array) -> Array:
        places, below, up_to = self._x, self._below, self._up_to
        at = np.searchsorted(places, x, side="right") - 1
        inside = np.clip(at, 0, max(len(places) - 2, 0))
        if len(places) > 1:
            share = (x - places[inside]) / (places[inside + 1] - places[inside])
            found = up_to[inside] + share * (below[inside + 1] - up_to[inside])
        else:
            found = np.zeros_like(x)
        left = below[0] * _tail(places[0] - x, self._left)
        right = 1 - (1 - up_to[-1]) * _tail(x - places[-1], self._right)
        found = np.where(at < 0, left, np.where(at >= len(places) - 1, right, found))
        return np.where(np.isnan(x), np.nan, np.clip(found, 0.0, 1.0))

    def _less(self, x: Array) -> Array:
        """The probability of less than x."""
        at = np.searchsorted(self._x, x)
        here = np.minimum(at, len(self._x) - 1)
        return np.where(self._x[here] == x, self._below[here], self._continuous_cdf(x))

    def quantile(self, q: Array) -> Array:
        """The least x with a probability of at least q of at most x."""
        x, u = np.repeat(self._x, 2), np.empty(2 * len(self._x))
        u[0::2], u[1::2] = self._below, self._up_to
        found = np.interp(q, u, x)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            left = self._x[0] - TAIL * self._left * ((q / u[0]) ** (-1 / TAIL) - 1)
            above = ((1 - q) / (1 - u[-1])) ** (-1 / TAIL) - 1
            right = self._x[-1] + TAIL * self._right * above
        found = np.where(q < u[0], left, np.where(q > u[-1], right, found))
        if self._step:
            found = np.ceil(found / self._step - 0.5 - 1e-9) * self._step + 0.0
        return found

    def log_density(self, x: Array) -> Array:
        """The logarithm of the density at x, or of the probability of x where it has one."""
        with np.errstate(divide="ignore"):
            if self._step:
                k = np.round(x / self._step)
                half = 0.5 * self._step
                mass = self._continuous_cdf(k * self._step + half) - self._continuous_cdf(
                    k * self._step - half
                )
                on = np.abs(x / self._step - k) < 1e-6
                return np.where(on, np.log(np.maximum(mass, 0) / self._step), -np.inf)
            return np.log(self._density(x))

    def _density(self, x: Array) -> Array:
        places, below, up_to = self._x, self._below, self._up_to
        at = np.searchsorted(places, x, side="right") - 1
        here = np.clip(at, 0, None)
        found = np.zeros_like(x)
        if len(places) > 1:
            inside = np.minimum(here, len(places) - 2)
            slopes = (below[1:] - up_to[:-1]) / (places[1:] - places[:-1])
            found = slopes[inside]
        with np.errstate(invalid="ignore", divide="ignore"):
            left = below[0] / self._left * (1 + (places[0] - x) / (TAIL * self._left)) ** -(TAIL + 1)
            right = (1 - up_to[-1]) / self._right
            right = right * (1 + (x - places[-1]) / (TAIL * self._right)) ** -(TAIL + 1)
        found = np.where(at < 0, left if below[0] > 0 else 0.0, found)
        found = np.where(at >= len(places) - 1, right if up_to[-1] < 1 else 0.0, found)
        own = (up_to - below)[here]
        return np.where((own > 0) & (x == places[here]), own, found)

    @property
    def mean(self) -> float:
        """Its mean."""
        if self._step:
            k, up_to = self._lattice()
            if len(k):
                shares = np.diff(up_to, prepend=0.0)
                return float(k @ shares / up_to[-1])
        places, below, up_to = self._x, self._below, self._up_to
        sum_ = float((places * (up_to - below)).sum())
        sum_ += float((0.5 * (places[1:] + places[:-1]) * (below[1:] - up_to[:-1])).sum())
        excess = TAIL / (TAIL - 1)  # of the tails' means, in their scales
        left, right = below[0], 1 - up_to[-1]
        if math.isinf(self._left):  # nothing is known, on either side
            return float(places[0])
        sum_ += left * (places[0] - excess * self._left)
        return float(sum_ + right * (places[-1] + excess * self._right))

    def _lattice(self, *more: float) -> tuple[Array, Array]:
        """The points of the lattice, but for rare ones, and the probability of at most each."""
        ends = self.quantile(np.array([1e-5, 1 - 1e-5]))
        first = round(min(ends[0], *more, ends[0]) / self._step)
        last = round(max(ends[1], *more, ends[1]) / self._step)
        if last - first > 4096:
            return np.zeros(0), np.zeros(0)
        k = np.arange(first, last + 1) * self._step
        return k, self._continuous_cdf(k + 0.5 * self._step)

    def crps(self, x: float) -> float:
        """The continuous ranked probability score where x comes: the less the better."""
        if self._step:
            k, up_to = self._lattice(x)
            if len(k):
                return float(self._step * ((up_to - (k >= x)) ** 2).sum())
        cut = np.searchsorted(self._x, x)
        u = float(self._continuous_cdf(np.array([x]))[0])
        places, below, up_to = self._x, self._below, self._up_to
        if cut == len(places) or places[cut] != x:
            places = np.insert(places, cut, x)
            below, up_to = np.insert(below, cut, u), np.insert(up_to, cut, u)
        width, a, b = places[1:] - places[:-1], up_to[:-1], below[1:]
        if len(places) > 1 and cut:
            a, b = a.copy(), b.copy()
        a, b = np.where(places[:-1] >= x, 1 - a, a), np.where(places[:-1] >= x, 1 - b, b)
        # A piece before the first place or after the last, as x makes one, is of the tail.
        score = float((width * (a * a + a * b + b * b) / 3).sum())
        return score + self._tail_score(places, below[0], 1 - up_to[-1])

    def _tail_score(self, places: Array, left: float, right: float) -> float:
        score = 0.0
        if left > 0:
            scale = self._left + max(float(self._x[0] - places[0]), 0.0) / TAIL
            score += left * left * TAIL * scale / (2 * TAIL - 1)
        if right > 0:
            scale = self._right + max(float(places[-1] - self._x[-1]), 0.0) / TAIL
            score += right * right * TAIL * scale / (2 * TAIL - 1)
        return score


def _tail(beyond: Array, scale: float) -> Array:
    """The part of a tail that lies so far beyond its beginning."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (1 + np.maximum(beyond, 0.0) / (TAIL * scale)) ** -TAIL if scale else 1.0 * (beyond <= 0)


def point(x: float) -> Distribution:
    """All probability at one value."""
    return Distribution(np.array([x]), np.zeros(1), np.ones(1), 0.0, 0.0)


def unknown(x: float, low: float, high: float) -> Distribution:
    """Nothing is known but the range: half of the probability on each side, however far."""
    if low == high:
        return point(low)
    x = min(max(x, low), high)
    return Distribution(np.array([x]), np.array([0.5]), np.array([0.5]), math.inf, math.inf)


def distribution_of(state: HeadState, rows: Array) -> Distribution:
    """The distribution of what comes, from the residuals so far.

    Parameters
    ----------
    state : HeadState
        What was answered.
    rows : ndarray, shape (residuals, 5)
        What came, what had been predicted, the mean absolute error, the last value and the spread
        of the predictors, in the order of time.
    """
    if not len(rows):
        return unknown(state.predicted, state.low, state.high)
    if not state.usual > 0:
        if len(rows) < ENOUGH:
            return unknown(state.predicted, state.low, state.high)
        return point(state.predicted)
    actual, predicted, usual, last, _ = rows.T
    with np.errstate(all="ignore"):
        similar, other = _similarity(state, rows)
        z = np.nan_to_num((actual - predicted) / np.where(usual > 0, usual, state.usual))
        weights = similar + other
        sum_ = weights.sum()
        independent = sum_**2 / (weights @ weights) / _run(z, state.ahead)
        similar /= sum_
        exact = [(actual == state.low, state.low), (actual == state.high, state.high)]
        exact += [(actual == 0, 0.0), (actual == last, state.last)]
        points, similar = _points(state, exact, similar)
        pieces = None
        if 1 - sum(points.values()) > 1e-12:
            z, shares = _shrunk(z, similar + other / sum_, max(independent, 0.25))
            pieces = _continuous(state, z, shares, independent)
        return _joined(state, pieces, points, _step(actual), len(rows))


def _similarity(state: HeadState, rows: Array) -> tuple[Array, Array]:
    """How much the state of the stream at each residual was like it is now: from 0 to 1.

    And how much a residual counts whatever the state was, but for how large errors were.
    """
    _, predicted, usual, last, spread = rows.T
    now = state.usual
    usual = np.maximum(usual, 1e-9 * now)
    apart = np.maximum(spread / usual, 1e-2) / max(state.spread / now, 1e-2)
    far = (np.log(usual / now) / ERROR_WIDTH) ** 2
    other = OTHER_STATES / max(len(rows), 1024) / (1 + far)
    weights = 1 / (1 + far) ** 2
    change = (predicted - last) - (state.predicted - state.last)
    for distance in (
        (predicted - state.predicted) / (LEVEL_WIDTH * now),
        change / (CHANGE_WIDTH * now),
        np.log(apart) / SPREAD_WIDTH,
    ):
        weights = weights / (1 + distance * distance) ** 2
    return np.nan_to_num(weights), np.nan_to_num(other)


def _run(z: Array, ahead: int) -> float:
    """How many residuals in a row say about the same: those of one head overlap."""
    n = len(z)
    if ahead == 1:
        return 1.0
    length = min(ahead, max(n // 2, 1))
    z = np.clip(z, -20, 20)
    means = z[n - n // length * length :].reshape(-1, length).mean(axis=1)
    spread, run = float(z.var()), float(ahead)
    if len(means) > 1 and spread > 0:
        run = min(max(length * float(means.var(ddof=1)) / spread, 1.0), float(length))
    return run + (ahead - run) * 2 * ahead / (n + 2 * ahead)


def _step(actual: Array) -> float:
    """The step of a lattice that all values lie on, or 0."""
    n = len(actual)
    for scale in (1.0, 10.0, 100.0, 1000.0):
        scaled = actual * scale
        whole = np.round(scaled)
        if np.abs(whole).max() < 2**52 and (np.abs(scaled - whole) <= 1e-9 * (1 + np.abs(whole))).all():
            break
    else:
        return 0.0
    if n < ENOUGH:
        return 0.0
    step = int(np.gcd.reduce(np.abs(whole).astype(np.int64)))
    if len(set(whole.tolist())) < 8:
        step = 5 if step % 5 == 0 and scale > 1 else 1
    return max(step, 1) / scale


def _points(
    state: HeadState, exact: list[tuple[NDArray[np.bool_], float]], shares: Array
) -> tuple[dict[float, float], Array]:
    """Values that came to the bit, their probabilities, and the shares of all other residuals."""
    points: dict[float, float] = {}
    for which, value in exact:
        if math.isfinite(value) and np.count_nonzero(which) > 1:
            value = min(max(value, state.low), state.high)
            points[value] = points.get(value, 0.0) + float(shares[which].sum())
            shares = np.where(which, 0.0, shares)
    return points, shares


def _shrunk(z: Array, shares: Array, independent: float) -> tuple[Array, Array]:
    """Residuals, as little skewed and as little off as so few independent ones can say.

    They are spread by what their own number leaves open, too.
    """
    order = np.argsort(z)
    z, shares = z[order], shares[order]
    sums = np.cumsum(shares)
    middle = float(z[min(int(np.searchsorted(sums, 0.5 * sums[-1])), len(z) - 1)])
    trust = independent / (independent + TRUSTED)
    apart = (1 + STRETCH / independent) * (z - middle)
    middle *= trust
    both = np.concatenate((middle + apart, middle - apart))
    return both, np.concatenate((shares * (1 + trust), shares * (1 - trust)))


def _continuous(
    state: HeadState, z: Array, shares: Array, independent: float
) -> tuple[Array, Array, float, float]:
    """Places, the probabilities of less than them, and the scales of the tails beyond."""
    order = np.argsort(z)
    z, shares = z[order], shares[order] / shares.sum()
    sums = np.cumsum(shares)
    middles = sums - 0.5 * shares
    least = max(0.5 * float(shares @ shares), 1e-4)
    levels = _LEVELS[(_LEVELS > least) & (_LEVELS < 1 - least)]
    levels = np.concatenate(([least], levels, [1 - least])) if least < 0.5 else np.array([0.5])
    z_at = np.interp(levels, middles, z)
    stretch = 1 + STRETCH / max(independent, 0.25)
    left = right = stretch
    if len(z) >= 2 * ENOUGH and len(levels) > 2:
        inner = min(4 * levels[0], 0.25)
        place = np.interp([inner, 1 - inner], levels, z_at)
        slope = math.log(inner / levels[0]) or 1.0
        left, right = (place[0] - z_at[0]) / slope, (z_at[-1] - place[1]) / slope
    x = np.maximum.accumulate(state.predicted + state.usual * z_at)
    least_scale = 1e-3 * stretch
    return x, levels, max(left, least_scale) * state.usual, max(right, least_scale) * state.usual


def _joined(
    state: HeadState,
    pieces: tuple[Array, Array, float, float] | None,
    points: dict[float, float],
    step: float,
    n: int,
) -> Distribution:
    """One table of points and pieces, within the range."""
    rest = 1 - sum(points.values()) if pieces else 0.0
    knots, left, right, smooth = np.zeros(0), 0.0, 0.0, None
    if pieces:
        knots, levels, left, right = pieces
        places, at = np.unique(knots, return_index=True)
        last = len(knots) - 1 - np.unique(knots[::-1], return_index=True)[1]
        smooth = Distribution(places, levels[at], levels[last], left, right)
    fixed = [*points, *(end for end in (state.low, state.high) if math.isfinite(end))]
    if smooth and fixed:  # uniform pieces in the place of tails that are cut off
        if min(fixed) < knots[0]:
            knots = np.concatenate((smooth.quantile(levels[0] * _OF_TAIL), knots))
        if max(fixed) > knots[-1]:
            knots = np.concatenate((knots, smooth.quantile(1 - (1 - levels[-1]) * _OF_TAIL)))
    x = np.array(sorted({*knots.tolist(), *fixed}))
    x = np.unique(np.clip(x, state.low, state.high))
    up_to = rest * smooth._continuous_cdf(x) if smooth else np.zeros(len(x))
    below = rest * smooth._less(x) if smooth else np.zeros(len(x))
    if x[0] == state.low:
        below[0] = 0.0
    if x[-1] == state.high:
        up_to[-1] = rest
    for value, share in points.items():
        at_value = int(np.searchsorted(x, value))
        up_to[at_value:] += share
        below[at_value + 1 :] += share
    if smooth:  # beyond the first place and the last: what is left of the tails
        left += max(float(smooth._x[0] - x[0]), 0.0) / TAIL
        right += max(float(x[-1] - smooth._x[-1]), 0.0) / TAIL
    if up_to[-1] > 1 - 1e-12:
        up_to[-1] = 1.0
    return Distribution(x, below, up_to, left, right, step)

