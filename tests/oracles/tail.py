"""What kernels/stream/tail.hpp computes, a second time: slowly, in plain Python and NumPy."""

from __future__ import annotations

import math

import numpy as np

MOST_IN_TAIL = 131_072
STEEPEST_TAIL, UNKNOWN_TAIL = 0.01, 1.0
RAREST, RAREST_OF_FEW, FADING_MOST = 1e-12, 10, 0.5


class Tail:
    """How often numbers as large have come: counts in bins of equal ratio."""

    def __init__(self, bins: int, per_octave: float, first: float, largest: float) -> None:
        self.at_least = np.zeros(bins)
        self.bins, self.per_octave, self.largest = bins, per_octave, largest
        self.base, self.most = first * per_octave, 0.0

    @property
    def count(self) -> float:
        return float(self.at_least[0])

    def above(self, x: float, own: float = 1.0, unit: float = 0.0) -> float:
        """The part of the past that was at least as large."""
        whole = self.count + own
        as_large = float(self.at_least[self.bin(x)])
        part = (as_large + own) / whole
        if self.count > 0 and x > 0 and (as_large < 1 or not self.most > 0):
            start = self.most if self.most > 0 else unit
            part = min(part, own / whole)
            if start > 0 and x > start:
                part *= math.exp(math.log(start / x) / self.spread())
        return max(part, self.least_part())

    def least_part(self) -> float:
        return max(RAREST_OF_FEW / max(self.count * self.count, RAREST_OF_FEW), RAREST)

    def below(self, x: float) -> float:
        """The part of the past that was at most as large."""
        at = self.bin(x)
        larger = float(self.at_least[at + 1]) if at + 1 < self.bins else 0.0
        return (self.count - larger + 1) / (self.count + 1)

    def quantile(self, part: float) -> float:
        """The largest number that all but such a part of the past were below."""
        at = int((self.at_least > part * self.count).sum()) - 1
        return 2.0 ** ((self.base + at + 1) / self.per_octave) if at > 0 else 0.0

    def forget(self, part: float) -> None:
        self.at_least *= part

    def share(self, x: float) -> float:
        return float(self.at_least[self.bin(x)]) / self.count if self.count > 0 else 0.0

    def add(self, x: float, *, anchored: bool = False) -> None:
        self._fade()
        if anchored and x > 0:
            self._anchor(x)
        self.at_least[: self.bin(x) + 1] += 1
        self.most = max(self.most, x)

    def add_run(self, length: float) -> None:
        """Takes in 1, 2, ... up to a whole number."""
        self._fade()
        self.at_least[0] += length
        for i in range(1, self.bins):
            least = max(math.ceil(2.0 ** ((self.base + i) / self.per_octave)), 1)
            self.at_least[i] += max(length - least + 1, 0)
        self.most = max(self.most, length)

    def _fade(self) -> None:
        if self.count >= MOST_IN_TAIL:
            self.forget(0.5)
            self.most *= 2.0 ** (-FADING_MOST / self.per_octave)

    def _place(self, x: float) -> float:
        return math.floor(math.log2(x) * self.per_octave) - self.base

    def bin(self, x: float) -> int:
        return int(min(max(self._place(x), 0), self.bins - 1)) if x > 0 else 0

    def spread(self) -> float:
        """One over the exponent of the power law of the largest (Hill 1975)."""
        if self.count < 10 * self.largest:
            return UNKNOWN_TAIL
        start = int((self.at_least >= self.largest).sum()) - 1
        if start <= 0:
            return UNKNOWN_TAIL
        total = 0.5 * self.at_least[start] + self.at_least[start + 1 :].sum()
        octaves = float(total / self.at_least[start]) / self.per_octave
        return max(octaves * math.log(2), STEEPEST_TAIL)

    def _anchor(self, x: float) -> None:
        quarter = self.bins // 4
        if not self.most > 0:
            self.base = math.floor(math.log2(x) * self.per_octave) - 3 * quarter
        elif self._place(x) >= self.bins:
            self.at_least[1:] = np.append(self.at_least[1 + quarter :], np.zeros(quarter))
            self.base += quarter
        elif (
            self._place(x) < 0
            and self.at_least[1] < 0.5 * self.count
            and self.at_least[self.bins - quarter] < 1
        ):
            first = np.full(quarter, self.at_least[1])
            self.at_least[1:] = np.append(first, self.at_least[1 : self.bins - quarter])
            self.base -= quarter
