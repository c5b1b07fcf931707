"""What kernels/stream/history.hpp computes, a second time: slowly, in plain Python.

It keeps the whole past; the kernel keeps a ring that is long enough.
"""

from __future__ import annotations

import math

import numpy as np
from oracles.events import Values
from oracles.scales import MOST_SPREADS, MOST_STANDARDISED, WARM_UP, Distance, Level, clamp

DAY = 86_400.0
WEEK, YEAR = 7 * DAY, 365.2425 * DAY
REMEMBERED_EVENTS = 4096
FAST_RATE, SLOW_RATE, GAP_RATE = 0.3, 0.05, 0.05


class History:
    """The past of the targets, running levels, and what was one season ago."""

    def __init__(self, targets: int, lags: int, period: int, timed: bool) -> None:
        self.targets, self.lags, self.period, self.timed = targets, lags, period, timed
        looked_up = period + 1 if period else REMEMBERED_EVENTS if timed else 0
        self.depth = max(looked_up, lags + 2)
        self.values: list[Values] = []
        self.times: list[float] = []
        self.gap = 0.0
        self.level = [Level() for _ in range(targets)]
        self.change = [Distance() for _ in range(targets)]
        self.total, self.counted = np.zeros(targets), np.zeros(targets)
        self.fast, self.slow, self.median = (np.zeros(targets) for _ in range(3))

    def newest(self, before: int = 0) -> Values:
        """The values so many events before the last; zeros where there were none."""
        if before < len(self.values):
            return self.values[-1 - before]
        return np.zeros(self.targets)

    def past_change(self, lag: int, i: int) -> float:
        usual = self.change[i].mean
        if lag + 1 >= len(self.values) or not usual > 0:
            return 0.0
        moved = float(self.newest(lag)[i] - self.newest(lag + 1)[i])
        return clamp(moved / usual, MOST_STANDARDISED)

    def season_lengths(self) -> tuple[float, float]:
        if self.period:
            return float(self.period), 0.0
        if not (self.timed and self.gap > 0):
            return 0.0, 0.0
        if self.gap <= DAY / 2:
            return DAY, WEEK
        return (WEEK, YEAR) if self.gap <= WEEK / 2 else (YEAR, 0.0)

    def last_season(self, ahead: int, length: float, seconds: float) -> Values:
        """The values one season before the event so many ahead of the last."""
        if not length or not self.values:
            return self.newest()
        values, times = self.values[-self.depth :], self.times[-self.depth :]
        nth = -1
        if self.period:
            nth = len(values) - 1 + ahead - self.period
        else:
            now = seconds - self.gap if seconds > times[-1] else times[-1]
            then = now + ahead * self.gap - length
            # As std::lower_bound finds it, where times are not in order too.
            first, count = 0, len(times)
            while count > 0:
                step = count // 2
                if times[first + step] < then - self.gap / 2:
                    first, count = first + step + 1, count - step - 1
                else:
                    count = step
            near = first < len(times) and abs(times[first] - then) <= 1.5 * self.gap
            nth = first if near else -1
        return values[nth] if 0 <= nth < len(values) else self.newest()

    def observe(self, given: Values, seconds: float) -> None:
        """Targets become part of the past; one that is missing repeats its last value."""
        before = self.newest()
        value = np.where(np.isfinite(given), given, before)
        for i in range(self.targets):
            self._observe_one(i, float(given[i]), float(value[i]), float(before[i]))
            self.level[i].observe(float(given[i]))
        then = self.times[-1] if self.times else math.nan
        if seconds - then > 0:
            step = seconds - then
            longest = min(step, 2 * self.gap)
            self.gap = self.gap + GAP_RATE * (longest - self.gap) if self.gap > 0 else step
        self.values.append(value)
        self.times.append(seconds if math.isfinite(seconds) else then + self.gap)

    def _observe_one(self, i: int, given: float, value: float, before: float) -> None:
        missing, seen = not math.isfinite(given), self.counted[i] > 0
        if not missing and seen:
            self.change[i].follow(abs(value - before))
        if seen:
            self.fast[i] += FAST_RATE * (value - self.fast[i])
            self.slow[i] += SLOW_RATE * (value - self.slow[i])
            self.median[i] += np.sign(value - self.median[i]) * SLOW_RATE * self.change[i].mean
        else:
            self.fast[i] = self.slow[i] = self.median[i] = value
        if not missing:
            level = self.level[i]
            far = MOST_SPREADS * math.sqrt(level.variance)
            bounded = level.count > WARM_UP and far > 0
            self.total[i] += level.mean + clamp(value - level.mean, far) if bounded else value
            self.counted[i] += 1

    def parts(self) -> dict[str, Values]:
        ring, times = np.zeros((self.depth, self.targets)), np.zeros(self.depth)
        for n in range(max(0, len(self.values) - self.depth), len(self.values)):
            ring[n % self.depth] = self.values[n]
            times[n % self.depth] = self.times[n]
        return {
            "remembered": np.array([len(self.values)]),
            "gap": np.array([self.gap]),
            "values": ring,
            "times": times if self.timed else np.zeros(0),
            "level mean": np.array([level.mean for level in self.level]),
            "level variance": np.array([level.variance for level in self.level]),
            "level count": np.array([level.count for level in self.level]),
            "mean change": np.array([change.mean for change in self.change]),
            "changes": np.array([change.count for change in self.change]),
            "total": self.total,
            "counted": self.counted,
            "fast": self.fast,
            "slow": self.slow,
            "median": self.median,
        }
