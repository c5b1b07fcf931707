"""What kernels/stream/periods.hpp computes, a second time: slowly, in plain Python and NumPy."""

from __future__ import annotations

import math

import numpy as np
from oracles.events import Values
from oracles.scales import Level, clamp

MOST_LAG, MOST_LISTENED = 2048, 4
FORGETTING = 1 - 1 / 4096
MOST_INNOVATION = 4.0
CHANCE, CONFIRMED, AS_GOOD, UNCONFIRMED_STRENGTH, KEPT_STRENGTH = 0.05, 0.6, 0.7, 1.3, 0.8
LEAST_HEARD, SLOWEST = 24, 0.002


class Peaks:
    """Peaks among the autocorrelations of so many innovations."""

    def __init__(self, products: Values, heard: int) -> None:
        self.heard, self.lags = heard, min(MOST_LAG, heard - 1)
        k = np.arange(self.lags)
        pairs = (1 - FORGETTING ** (heard - k)) / (1 - FORGETTING**heard)
        self.rho = products[: self.lags] / products[0] / pairs
        self.sum = np.cumsum(self.rho)
        self.squares = np.cumsum(np.where(k > 0, self.rho**2, 0))

    def is_peak(self, k: int) -> bool:
        return bool(self.rho[k] >= self.rho[k - 1] and self.rho[k] >= self.rho[k + 1])

    def pairs(self, k: int) -> float:
        """How many independent pairs are as good as those at lag k."""
        left = FORGETTING ** (self.heard - k)
        return (1 - left) / (1 + left) * (1 + FORGETTING) / (1 - FORGETTING)

    def height(self, k: int, half: int) -> float:
        """How far a lag stands out from those within half a period."""
        first, last = max(k - half, 1), min(k + half, self.lags - 1)
        others = self.sum[last] - self.sum[first - 1] - self.rho[k]
        return float(self.rho[k] - max(others / (last - first), 0))

    def strength(self, k: int, least: float) -> float:
        """The height of a peak that is a period's, else 0."""
        half = max(k // 2, 1)
        found = self.height(k, half)
        spreads = found * math.sqrt(self.pairs(k) / (1 + 2 * float(self.squares[k // 2])))
        if not spreads >= least:
            return 0.0
        multiples = False
        for m in (2, 3, 4):
            wide = m // 2 if k > 8 else 0
            if m * k + wide >= self.lags or self.heard - m * k < max(k, 8):
                break
            highest = m * k - wide + int(np.argmax(self.rho[m * k - wide : m * k + wide + 1]))
            if self.height(highest, half) < CONFIRMED * found:
                return 0.0
            multiples = True
        return found if multiples or spreads >= UNCONFIRMED_STRENGTH * least else 0.0

    def refined(self, period: int) -> float:
        """The period of this peak, from where its multiples lie, as long as they stand out."""
        half, wide = max(period // 2, 1), max(period // 8, 1)
        least = CONFIRMED * self.height(period, half)
        length, along, square, m = float(period), 0.0, 0, 1
        while True:
            first = math.floor(m * length + 0.5) - wide
            last = first + 2 * wide
            if last + 1 >= self.lags or self.heard - last < max(period, 8):
                break
            near = self.rho[first : last + 1]
            if self.height(first + int(np.argmax(near)), half) < least:
                break
            weights = near - near.min()
            if not 0 < weights.sum() < math.inf:
                break
            along += m * (first + float(weights @ np.arange(2 * wide + 1)) / float(weights.sum()))
            square += m * m
            length = along / square
            m += 1
        best = float(period)
        for other in (float(math.floor(length + 0.5)), length):
            if other >= 2 and self._is_better(other, best):
                best = other
        return best

    def _is_better(self, length: float, than: float) -> bool:
        """Whether the autocorrelations at all multiples are higher by more than chance."""
        better, count = 0.0, 0
        while math.floor((count + 1) * max(length, than) + 0.5) < self.lags:
            count += 1
            one, other = (math.floor(count * x + 0.5) for x in (length, than))
            better += float(self.rho[one] - self.rho[other])
        return better > 2 * math.sqrt(count / self.pairs(0))


class Periods:
    """Periods found by running autocorrelations at all lags."""

    def __init__(self, listening: int) -> None:
        self.listening = listening
        self.heard = 0
        self.past = np.zeros((listening, MOST_LAG))  # the newest first
        self.products = np.zeros(MOST_LAG if listening else 0)
        self.last, self.count, self.square, self.product, self.usual = np.zeros((5, listening))
        self.found = [0.0, 0.0]

    def observe(self, given: Values, levels: list[Level]) -> None:
        if not self.listening:
            return
        self.products *= FORGETTING
        for i in range(self.listening):
            now = self._innovation(i, float(given[i]), levels[i])
            self.past[i] = np.concatenate(([now], self.past[i, :-1]))
            self.products += now * self.past[i]
        self.heard += 1
        step = 4 if self.heard < 256 else 64
        if self.heard >= LEAST_HEARD and self.heard % step == 0 and self.products[0] > 0:
            self._find()

    def _innovation(self, i: int, value: float, level: Level) -> float:
        spread = math.sqrt(level.variance)
        if not math.isfinite(value) or not spread > 0:
            return 0.0
        z = clamp((value - level.mean) / spread, MOST_INNOVATION)
        self.count[i] += 1
        rate = max(1 / self.count[i], SLOWEST)
        self.square[i] += rate * (z * z - self.square[i])
        self.product[i] += rate * (z * self.last[i] - self.product[i])
        own = self.square[i]
        kept = min(max(self.product[i] / own, 0), 1) if own > 0 else 0
        fresh = float(z - kept * self.last[i])
        self.last[i] = z
        usual = float(self.usual[i])
        self.usual[i] += rate * (abs(fresh) - usual)
        return clamp(fresh / usual, MOST_INNOVATION) if usual > 0 else 0.0

    def _find(self) -> None:
        peaks = Peaks(self.products, self.heard)
        longest = min(MOST_LAG - 2, self.heard // 3)
        least = math.sqrt(2 * math.log(longest / CHANCE))
        at = [k for k in range(2, longest + 1) if peaks.is_peak(k)]
        found = [(k, strength) for k in at if (strength := peaks.strength(k, least)) > 0]
        if not found:
            return
        highest = max(strength for _, strength in found)
        first, height = next(pair for pair in found if pair[1] >= AS_GOOD * highest)
        self._replace(peaks, 0, first)
        better = 1.05 * (height + 2 / math.sqrt(peaks.pairs(0)))
        longer = [(k, strength) for k, strength in found if k > first and strength > better]
        if longer:
            best = max(strength for _, strength in longer)
            self._replace(peaks, 1, next(k for k, s in longer if s >= 0.9 * best))

    def _replace(self, peaks: Peaks, nth: int, period: int) -> None:
        known, found = self.found[nth], peaks.refined(period)
        before, times = math.floor(known + 0.5), known / found
        whole = math.floor(times + 0.5)
        multiple = whole >= 1 and abs(times - whole) < 0.02
        if multiple and whole == 1:
            stays = abs(known - found) * peaks.lags / found < 1
        else:
            better = 0 < before < peaks.lags and not multiple
            stays = better and peaks.rho[before] >= KEPT_STRENGTH * peaks.rho[period]
        if not stays:
            self.found[nth] = found

    def parts(self) -> dict[str, Values]:
        ago = (np.arange(MOST_LAG) + self.heard - MOST_LAG) % MOST_LAG
        return {
            "heard": np.array([self.heard]),
            "innovations": self.past[:, ago],
            "autocorrelation": self.products,
            "deviation": self.last,
            "deviations": self.count,
            "deviation square": self.square,
            "deviation product": self.product,
            "usual innovation": self.usual,
            "periods": np.array(self.found),
        }
