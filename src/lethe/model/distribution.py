"""A distribution of a number: points, uniform pieces between places, and tails."""

from __future__ import annotations

import math
from bisect import bisect_right
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Distribution", "point", "unknown"]

Array = NDArray[np.float64]

#: The power of tails, F(x) ~ |x|**-TAIL, beyond all residuals.
TAIL = 4.0


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
    doubt : float
        The probability that the lattice or the range does not hold, of which a density tells alone.
    scale : float
        How far from the median values then are.
    believed : float
        How much of what the mean is off a forecast is more than chance.
    """

    def __init__(
        self,
        x: Array,
        below: Array,
        up_to: Array,
        left: float,
        right: float,
        step: float = 0.0,
        doubt: float = 0.0,
        scale: float = 1.0,
        believed: float = 1.0,
    ) -> None:
        self._x, self._below, self._up_to = x, below, up_to
        self._left, self._right, self._step = left, right, step
        self._doubt, self._scale, self.believed = doubt, scale, believed

    @classmethod
    def made_of(cls, numbers: Array) -> Distribution:
        """The one that compiled code has made (kernels/stream/distribution.hpp)."""
        made = numbers.tolist()
        n = (len(made) - 6) // 3
        found = cls(numbers[6 : 6 + n], numbers[6 + n :: 2], numbers[7 + n :: 2], *made[:6])
        found._lists = made[6 : 6 + n], made[6 + n :]
        return found

    @cached_property
    def _lists(self) -> tuple[list[float], list[float]]:
        """The places, and the probabilities of less than each and of at most it in turn."""
        u = np.empty(2 * len(self._x))
        u[0::2], u[1::2] = self._below, self._up_to
        return self._x.tolist(), u.tolist()

    def quantile_at(self, q: float) -> float:
        """The same as `quantile`, of one number."""
        x, u = self._lists
        found: float
        q = min(q, 1 - 2**-53)
        if q < u[0]:
            found = x[0] - TAIL * self._left * ((q / u[0]) ** (-1 / TAIL) - 1)
        elif q > u[-1]:
            found = x[-1] + TAIL * self._right * (((1 - q) / (1 - u[-1])) ** (-1 / TAIL) - 1)
        else:
            at = bisect_right(u, q) - 1
            found = x[at // 2]
            if at % 2 and at + 1 < len(u):
                found += (x[at // 2 + 1] - found) / (u[at + 1] - u[at]) * (q - u[at])
        if self._step and math.isfinite(found):
            found = math.ceil(found / self._step - 0.5 - 1e-9) * self._step + 0.0
        return found

    def cdf_at(self, x: float) -> float:
        """The same as `cdf`, of one number."""
        if self._step and math.isfinite(x):
            x = (math.floor(x / self._step + 1e-9) + 0.5) * self._step
        return self._cdf_at(x)

    def _cdf_at(self, x: float) -> float:
        places, u = self._lists
        at = bisect_right(places, x) - 1
        if at < 0:
            found = u[0] * _tail_of(places[0] - x, self._left)
        elif at + 1 == len(places):
            found = 1 - (1 - u[-1]) * _tail_of(x - places[-1], self._right)
        else:
            share = (x - places[at]) / (places[at + 1] - places[at])
            found = u[2 * at + 1] + share * (u[2 * at + 2] - u[2 * at + 1])
        return min(max(found, 0.0), 1.0)

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
            with np.errstate(over="ignore", invalid="ignore"):
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

    def log_density_at(self, x: float) -> float:
        """The same as `log_density`, of one number."""
        found = self._mass_at(x) if self._step else self._density_at(x)
        if not self._doubt:
            return math.log(found) if found > 0 else -math.inf
        z = abs(x - self.quantile_at(0.5)) / self._scale
        other = math.log(self._doubt / math.pi) - math.log(self._scale)
        other -= 2 * math.log(math.hypot(1.0, z)) if z < 1e300 else math.inf
        return max(math.log(found), other) if found > 0 else other

    def _mass_at(self, x: float) -> float:
        k, half = round(x / self._step), 0.5 * self._step
        if not abs(x / self._step - k) < 1e-6:
            return 0.0
        mass = self._less_at(k * self._step + half) - self._less_at(k * self._step - half)
        return max(mass, 0.0) / self._step

    def _less_at(self, x: float) -> float:
        places, u = self._lists
        at = bisect_right(places, x) - 1
        return u[2 * at] if at >= 0 and places[at] == x else self._cdf_at(x)

    def _density_at(self, x: float) -> float:
        places, u = self._lists
        at = bisect_right(places, x) - 1
        if at < 0:
            return _tail_density(u[0], places[0] - x, self._left)
        if places[at] == x and u[2 * at + 1] > u[2 * at]:
            return u[2 * at + 1] - u[2 * at]
        if at + 1 == len(places):
            return _tail_density(1 - u[-1], x - places[-1], self._right)
        return (u[2 * at + 2] - u[2 * at + 1]) / (places[at + 1] - places[at])

    def log_density(self, x: Array) -> Array:
        """The logarithm of the density at x, or of the probability of x where it has one."""
        with np.errstate(divide="ignore", over="ignore"):
            found = np.log(self._mass(x) if self._step else self._density(x))
            if not self._doubt:
                return found
            z = (x - self.quantile(np.array(0.5))) / self._scale
            other = math.log(self._doubt / math.pi) - math.log(self._scale)
            return np.maximum(found, other - 2 * np.log(np.hypot(1.0, z)))

    def _mass(self, x: Array) -> Array:
        """The probability of a place in the lattice, by its step."""
        k, half = np.round(x / self._step), 0.5 * self._step
        mass = self._less(k * self._step + half) - self._less(k * self._step - half)
        on = np.abs(x / self._step - k) < 1e-6
        return np.where(on, np.maximum(mass, 0.0) / self._step, 0.0)

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
            left = (
                below[0] / self._left * (1 + (places[0] - x) / (TAIL * self._left)) ** -(TAIL + 1)
            )
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
        places, u = self._lists
        if math.isinf(self._left):  # nothing is known, on either side
            return places[0]
        sum_, before = 0.0, places[0]
        for at, place in enumerate(places):
            if at:
                sum_ += 0.5 * (place + before) * (u[2 * at] - u[2 * at - 1])
            sum_ += place * (u[2 * at + 1] - u[2 * at])
            before = place
        excess = TAIL / (TAIL - 1)  # of the tails' means, in their scales
        sum_ += u[0] * (places[0] - excess * self._left)
        return sum_ + (1 - u[-1]) * (places[-1] + excess * self._right)

    def _lattice(self, *more: float) -> tuple[Array, Array]:
        """The points of the lattice, but for rare ones, and the probability of at most each."""
        ends = self.quantile(np.array([1e-5, 1 - 1e-5]))
        if not max(abs(place) for place in (*ends, *more)) < 2**52 * self._step:
            return np.zeros(0), np.zeros(0)  # as far as that, floats do not tell its points apart
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
        places, u = self._lists
        inside = min(max(x, places[0]), places[-1])
        score, start = 0.0, places[0]
        for at, end in enumerate(places[1:], 1):
            a, b = u[2 * at - 1], u[2 * at]
            if start < inside < end:  # a piece before what came, and one after it
                middle = a + (inside - start) / (end - start) * (b - a)
                score += (inside - start) * (a * a + a * middle + middle * middle)
                a, start = middle, inside
            if end > inside:
                a, b = 1 - a, 1 - b
            score += (end - start) * (a * a + a * b + b * b)
            start = end
        score /= 3
        score += _tail_score(u[0], self._left, max(places[0] - x, 0.0))
        return score + _tail_score(1 - u[-1], self._right, max(x - places[-1], 0.0))


def _tail_score(mass: float, scale: float, beyond: float) -> float:
    """What a tail of so much probability adds to a score, where what came is so far out in it."""
    if not mass or math.isinf(scale):
        return mass * scale if mass else beyond
    score = mass * mass * TAIL * scale / (2 * TAIL - 1)
    if beyond:
        part = 1 - (1 + beyond / (TAIL * scale)) ** (1 - TAIL)
        score += beyond - 2 * mass * TAIL * scale / (TAIL - 1) * part
    return score


def _tail(beyond: Array, scale: float) -> Array:
    """The part of a tail that lies so far beyond its beginning."""
    if not scale:
        return np.where(beyond <= 0, 1.0, 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found: Array = (1 + np.maximum(beyond, 0.0) / (TAIL * scale)) ** -TAIL
    return found


def _tail_of(beyond: float, scale: float) -> float:
    if not scale:
        return 1.0 if beyond <= 0 else 0.0
    return 0.0 if beyond == math.inf else float((1 + beyond / (TAIL * scale)) ** -TAIL)


def _tail_density(mass: float, beyond: float, scale: float) -> float:
    if not mass or not scale or math.isinf(scale):
        return 0.0
    return mass / scale * float((1 + beyond / (TAIL * scale)) ** -(TAIL + 1))


def point(x: float) -> Distribution:
    """All probability at one value."""
    return Distribution(np.array([x]), np.zeros(1), np.ones(1), 0.0, 0.0)


def unknown(x: float, low: float, high: float) -> Distribution:
    """Nothing is known but the range: uniform in it, or half of the probability on each side."""
    if low == high:
        return point(low)
    known = [(low, 0.0), (high, 1.0)]
    if math.isinf(low) or math.isinf(high):
        known.insert(1, (min(max(x, low), high), 0.5))
    known = [each for each in known if math.isfinite(each[0])]
    up_to = dict(known)
    below = dict(reversed(known))
    left, right = (math.inf if math.isinf(end) else 0.0 for end in (low, high))
    return Distribution(
        np.array(list(up_to)),
        np.array([below[place] for place in up_to]),
        np.array(list(up_to.values())),
        left,
        right,
    )
