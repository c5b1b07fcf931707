"""What kernels/stream/distribution.hpp computes, a second time: in plain Python and NumPy.

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

from lethe.model.distribution import TAIL, Distribution, point, unknown

Array = NDArray[np.float64]

#: Where the state of the stream is this much different, in units of the mean absolute error or as
#: a logarithm, a residual counts a quarter of one in the same state.
ERROR_WIDTH, LEVEL_WIDTH, CHANGE_WIDTH, SPREAD_WIDTH = 0.4, 2.8, 4.2, 1.4
#: A forecast far from the last value is one of a jump: levels and changes are then as much
#: different as they are in parts of it.
JUMP_WIDTH = 0.05
#: So are they where predictors are far apart, in parts of how far.
DOUBT_WIDTH = 0.3
#: Residuals in quite another state count together as much as so many in the same state.
OTHER_STATES = 1.0
#: Independent residuals by which their skewness and their median are believed by half.
TRUSTED = 10.0
#: The share of residuals that overlap of which a tail knows less: the power of their run.
RUN_POWER = 2 / 3
#: Standard errors that the mean must lie off the forecast for any of it to be believed.
DOUBTED_ERRORS = 2.0
#: A little below a half, so that rounding does not decide between two in the middle.
HALF = 0.5 * (1 - 1e-12)
#: Errors count at most as so many mean ones.
FARTHEST = 1e12
#: After so many errors of zero, and none else, nothing else is expected.
ENOUGH = 10
#: Cumulative probabilities at which a distribution is kept.
_LOWER = np.array([0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1])
_OF_TAIL = np.array([0.001, 0.01, 0.05, 0.1, 0.25, 0.5])
_FAR_IN_TAIL = np.array([3e1, 2e2, 1e3, 1e4])
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


def distribution_of(state: HeadState, rows: Array, near: HeadState | None = None) -> Distribution:
    """The distribution of what comes, from the residuals so far.

    Parameters
    ----------
    state : HeadState
        What was answered.
    rows : ndarray, shape (residuals, 5)
        What came, what had been predicted, the mean absolute error, the last value and the spread
        of the predictors, in the order of time.
    near : HeadState, optional
        That of the head whose residuals these are, where it is another.
    """
    near = near or state
    if not len(rows) or not near.usual > 0:
        if len(rows) < ENOUGH:
            return unknown(state.predicted, state.low, state.high)
        return point(state.predicted)
    state, near = _moderate(state), _moderate(near)
    actual, predicted, usual, last, _ = rows.T
    with np.errstate(all="ignore"):
        similar, other = _similarity(near, rows)
        z = (actual - predicted) / np.where(usual > 0, usual, near.usual)
        z = np.clip(np.nan_to_num(z, nan=0.0), -FARTHEST, FARTHEST)
        weights = similar + other
        sum_ = weights.sum()
        effective, run = sum_**2 / (weights @ weights), _run(z, near.ahead)
        similar /= sum_
        exact = [(actual == state.low, state.low), (actual == state.high, state.high)]
        exact += [(actual == 0, 0.0), (actual == last, state.last)]
        points, similar = _points(state, exact, similar)
        pieces = None
        if 1 - sum(points.values()) > 1e-12:
            independent = max(effective / run, 0.25)
            z_shrunk, shares = _shrunk(z, similar + other / sum_, independent)
            pieces = _continuous(state, z_shrunk, shares, max(effective / run**RUN_POWER, 0.25))
        believed = _believed_mean(z, weights / sum_, effective / run)
        return _joined(state, pieces, points, _step(actual), len(rows), believed)


def _believed_mean(z: Array, shares: Array, independent: float) -> float:
    """Of how far the mean lies off the forecast: what is beyond chance."""
    mean = float(shares @ z)
    error = float(shares @ (z - mean) ** 2) / independent
    return max(1 - DOUBTED_ERRORS**2 * error / mean**2, 0.0) if mean**2 > 0 else 0.0


def _moderate(state: HeadState) -> HeadState:
    """With numbers that can be computed with, as those of a stream are."""
    usual = min(max(state.usual, 1e-290), 1e150)
    predicted = min(max(state.predicted, state.low, -1e160), state.high, 1e160)
    return state._replace(usual=usual, predicted=predicted)


def _similarity(state: HeadState, rows: Array) -> tuple[Array, Array]:
    """How much the state of the stream at each residual was like it is now: from 0 to 1.

    And how much a residual counts whatever the state was, but for how large errors were.
    """
    _, predicted, usual, last, spread = rows.T
    now, ahead_of_last = state.usual, state.predicted - state.last
    usual = np.maximum(usual, 1e-9 * now)
    apart = np.clip(spread / usual, 1e-2, 1e200) / min(max(state.spread / now, 1e-2), 1e200)
    jump = JUMP_WIDTH * abs(ahead_of_last) + DOUBT_WIDTH * state.spread
    far = 1 + (np.log(np.minimum(usual / now, 1e300)) / ERROR_WIDTH) ** 2
    product = far.copy()
    for distance in (
        (predicted - state.predicted) / (LEVEL_WIDTH * now + jump),
        (predicted - last - ahead_of_last) / (CHANGE_WIDTH * now + jump),
        np.log(apart) / SPREAD_WIDTH,
    ):
        product *= 1 + distance * distance
    similar, other = 1 / product**2, OTHER_STATES / max(len(rows), 1024) / far
    return np.nan_to_num(similar, nan=0.0), np.nan_to_num(other, nan=0.0) + 1e-100


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
    return run + (ahead - run) * 0.5 * ahead / (n + 0.5 * ahead)


def _step(actual: Array) -> float:
    """The step of a lattice that all values lie on, or 0."""
    if len(actual) < ENOUGH:
        return 0.0
    largest = float(np.abs(actual).max())
    for scale in (1.0, 10.0, 100.0, 1000.0):
        if _is_whole(actual * scale, largest * scale):
            whole = np.round(actual * scale)
            step = int(np.gcd.reduce(np.abs(whole).astype(np.int64)))
            if len(set(whole.tolist())) < 8:  # few values have much in common by chance
                step = 5 if step % 5 == 0 and scale > 1 else 1
            return max(step, 1) / scale
    return 0.0


def _is_whole(x: Array, largest: float) -> bool:
    whole, last = np.round(x), 8 * 2.220446049250313e-16
    apart = np.abs(x - whole) - last * np.abs(x) - min(last * largest, 1e-9)
    return bool(apart.max() <= 0 and np.abs(whole).max() < 2**52)


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
    """Residuals, as little skewed and as little off zero as so few independent ones can say."""
    order = np.argsort(z, kind="stable")
    z, shares = z[order], shares[order]
    sums = np.cumsum(shares)
    middle = float(z[min(int(np.searchsorted(sums, HALF * sums[-1])), len(z) - 1)])
    trust = independent / (independent + TRUSTED)
    apart = z - middle
    middle *= trust
    both = np.concatenate((middle + apart, (middle - apart)[::-1]))
    return both, np.concatenate((shares * (1 + trust), shares[::-1] * (1 - trust)))


def _continuous(
    state: HeadState, z: Array, shares: Array, independent: float
) -> tuple[Array, Array, float, float]:
    """Places, the probabilities of less than them, and the scales of the tails beyond."""
    order = np.argsort(z, kind="stable")
    z, shares = z[order], shares[order] / shares.sum()
    sums = np.cumsum(shares)
    middles = sums - 0.5 * shares
    least = max(0.5 * float(shares @ shares), 1e-4)
    levels = _LEVELS[(least < _LEVELS) & (1 - least > _LEVELS)]
    levels = np.concatenate(([least], levels, [1 - least])) if least < 0.5 else np.array([0.5])
    z_at = np.interp(levels, middles, z)
    # One of n + 1 lies beyond n independent ones.
    levels = (independent * levels + 0.5) / (independent + 1)
    left = right = 1.0
    if levels[0] < 0.1:
        inner = min(4 * levels[0], 0.25)
        place = np.interp([inner, 1 - inner], levels, z_at)
        slope = math.log(inner / levels[0])
        left, right = (place[0] - z_at[0]) / slope, (z_at[-1] - place[1]) / slope
    x = np.maximum.accumulate(state.predicted + state.usual * z_at)
    return x, levels, max(left, 1e-3) * state.usual, max(right, 1e-3) * state.usual


def _joined(
    state: HeadState,
    pieces: tuple[Array, Array, float, float] | None,
    points: dict[float, float],
    step: float,
    n: int,
    believed: float,
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
        first, end = smooth._x[0], smooth._x[-1]
        if min(fixed) < first:
            knots = np.concatenate((first - _FAR_IN_TAIL * TAIL * smooth._left, knots))
        if max(fixed) > end:
            knots = np.concatenate((knots, end + _FAR_IN_TAIL * TAIL * smooth._right))
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
    doubt = 1 / (n + 2)
    return Distribution(x, below, up_to, left, right, step, doubt, state.usual, believed)
