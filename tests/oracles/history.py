"""What kernels/stream/history.hpp computes, a second time: slowly, in plain Python.

It keeps the whole past; the kernel keeps a ring that is long enough.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from oracles.events import Values
from oracles.periods import MOST_LISTENED, Periods
from oracles.scales import MOST_SPREADS, MOST_STANDARDISED, WARM_UP, Distance, Level, clamp

DAY = 86_400.0
WEEK, YEAR = 7 * DAY, 365.2425 * DAY
REMEMBERED_EVENTS, MOST_PROFILED = 4096, 16
FAST_RATE, SLOW_RATE, GAP_RATE = 0.3, 0.05, 0.05


class Season(NamedTuple):
    """In events, or in seconds; a length of 0 is none."""

    length: float
    in_events: bool


def round_half_up(x: float) -> float:
    return math.floor(x + 0.5)


class History:
    """The past of the targets, running levels, and what was one season ago."""

    def __init__(self, targets: int, lags: int, period: int, long_period: int, timed: bool) -> None:
        self.targets, self.lags, self.timed = targets, lags, timed
        self.period, self.long_period = period, long_period
        self.profiled = targets <= MOST_PROFILED
        self.seasonal = timed or period > 0 or self.profiled
        looked_up = REMEMBERED_EVENTS if timed or self.profiled else 0
        self.depth = max(looked_up, period + 1, long_period + 1, lags + 2)
        listens = not period and self.seasonal
        self.periods = Periods(min(targets, MOST_LISTENED) if listens else 0)
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

    def bounded(self, nth: int, i: int) -> float:
        """A value that is kept, ten spreads at most from where its level is."""
        came, level = float(self.values[self.of_kept(nth)][i]), self.level[i]
        if not (level.count > WARM_UP and level.variance > 0):
            return came
        far = MOST_SPREADS * math.sqrt(level.variance)
        return came if abs(came - level.mean) <= far else level.mean + clamp(came - level.mean, far)

    @property
    def kept(self) -> int:
        return min(len(self.values), self.depth)

    def of_kept(self, nth: int) -> int:
        """Which event is the nth of those that are kept, from the oldest."""
        return len(self.values) - self.kept + nth

    def time_of(self, nth: int) -> float:
        return self.times[self.of_kept(nth)] if self.timed else math.nan

    def _is_looked_up(self, length: float) -> bool:
        return 0 < length < self.gap * self.depth

    def season(self, s: int) -> Season:
        """One of two seasons to look back over."""
        if self.period:
            return Season(float(self.long_period if s else self.period), True)
        lengths = (0.0, 0.0)
        if self.timed and self.gap > 0:
            if self.gap <= DAY / 2:
                lengths = (DAY, WEEK)
            else:
                lengths = (WEEK, YEAR) if self.gap <= WEEK / 2 else (YEAR, 0.0)
        found = [p for p in self.periods.found if not self._is_known(p * self.gap, lengths)]
        if self._is_looked_up(lengths[s]):
            return Season(lengths[s], False)
        nth = s - sum(map(self._is_looked_up, lengths[:s]))
        return Season(float(found[nth]) if nth < len(found) else 0.0, True)

    def _is_known(self, length: float, lengths: tuple[float, float]) -> bool:
        """Whether a season is none, or a multiple of one that is looked up by times."""
        if not self.timed:
            return False
        if not length > 0:
            return True
        times = [length / known for known in lengths if self._is_looked_up(known)]
        return any(n > 0.9 and abs(n - round_half_up(n)) < 0.05 for n in times)

    def _events_before(self, nth: int, ahead: int, length: float) -> int:
        def begin(s: int) -> int:
            return math.floor(s * length + 0.5)

        first = len(self.values) - self.kept
        at = first + nth + ahead
        season = math.floor((at + 0.5) / length)
        back, beyond = 1 + math.floor(max(ahead - 1, 0) / length), at - begin(season) - first
        if begin(season - back) + beyond > nth:
            back += 1
        return max(begin(season - back) + beyond, -1)

    def season_before(
        self, nth: int, ahead: int, season: Season, seconds: float, likely: int = -1
    ) -> int:
        """Which of those that are kept lies a season before the event so many ahead of the nth."""
        length = season.length
        if not length > 0 or nth < 0:
            return -1
        if season.in_events:
            return self._events_before(nth, ahead, length)
        times = self.times[-self.depth :]
        now = seconds - self.gap if seconds > times[nth] else times[nth]
        on = ahead * self.gap
        then = now + on - length * max(math.ceil(on / length), 1)

        def is_before(i: int) -> bool:
            return times[i] < then - self.gap / 2

        first = likely
        if likely < 1 or likely > nth or is_before(likely) or not is_before(likely - 1):
            # As std::lower_bound finds it, where times are not in order too.
            first, count = 0, nth + 1
            while count > 0:
                step = count // 2
                if is_before(first + step):
                    first, count = first + step + 1, count - step - 1
                else:
                    count = step
        return first if first <= nth and abs(times[first] - then) <= 1.5 * self.gap else -1

    def observe(self, given: Values, seconds: float) -> None:
        """Targets become part of the past; one that is missing repeats its last value."""
        self.periods.observe(given, self.level)
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
            **self.periods.parts(),
        }
