"""What anomaly scores know of one target's past: the tails of kernels/stream/anomaly.hpp."""

from __future__ import annotations

import math

import numpy as np
from oracles import alarms
from oracles.alarms import AlarmWatch
from oracles.scales import MOST_SPREADS, SLOWEST_DISTANCE, SLOWEST_LEVEL, WARM_UP
from oracles.tail import Tail

(OF_ERRORS, OF_SHORT_RUNS, OF_LONG_RUNS, OF_NEIGHBOURHOODS, OF_QUIET_RUNS, OF_RANGES, OF_LEVELS,
 OF_REPEATS, OF_GAPS) = range(9)  # fmt: skip
NAMES = (
    "errors so far", "short runs so far", "long runs so far", "neighbourhoods so far",
    "quiet runs so far", "ranges so far", "levels so far", "repeats so far", "gaps so far",
)  # fmt: skip
SHAPES = (
    (640, 16, 0, 20), (256, 32, -4, 100), (256, 32, -4, 200), (256, 32, -4, 200),
    (256, 32, -4, 100), (128, 8, -10, 20), (256, 16, -11, 100), (64, 4, -1, 20), (64, 4, -1, 20),
)  # fmt: skip
DELAYS = (0, 32, 256, 0, 64, 0, 128, 0, 0)
RARE_PART = 0.002


class Column:
    """What is known of the past of one target."""

    def __init__(self) -> None:
        self.tails = [Tail(*shape) for shape in SHAPES]
        self.delayed = [np.zeros(delay) for delay in DELAYS]
        self.delayed_count = [0] * len(SHAPES)
        self.watch = AlarmWatch()
        self.seen = 0
        self.short_run = self.long_run = self.neighbourhood = self.quiet_run = 0.0
        self.usual = self.change = self.level = 0.0
        self.far = 0
        self.last = self.window_level = math.nan
        self.level_odds = 1.0
        self.low = self.high = 0.0
        self.repeats = self.gaps = 0.0
        self.awaited = (math.nan, math.nan)
        self.told = [1.0] * alarms.CHANNELS

    # ---- looking: nothing changes ----

    def add_later(self, kind: int, x: float, *, anchored: bool = False) -> None:
        if not DELAYS[kind]:
            self.tails[kind].add(x)
            return
        ring, count = self.delayed[kind], self.delayed_count[kind]
        if count >= len(ring):
            self.tails[kind].add(float(ring[count % len(ring)]), anchored=anchored)
        ring[count % len(ring)] = x
        self.delayed_count[kind] += 1

    def least_of(self, kind: int, own: float) -> float:
        return own / (self.tails[kind].count + own)

    def follow_unbiased(self, mean: float, events: float, value: float) -> float:
        most = max(MOST_SPREADS * mean, self.tails[OF_ERRORS].quantile(RARE_PART))
        if events > WARM_UP:
            value = min(value, most)
        return mean + max(1 / max(events, 1.0), SLOWEST_DISTANCE) * (value - mean)

    def repeated(self, kind: int, before: float, again: bool) -> tuple[float, float]:
        """How often so many repetitions come, and how many there are now."""
        past = self.tails[kind]
        n = before + 1 if again else 0.0
        part = 1.0
        if n > past.most:
            repeats, every, more = past.share(1) * past.count, past.count, n - past.most
            part = math.exp(
                math.lgamma(1 + repeats + more)
                + math.lgamma(1 + every)
                - math.lgamma(1 + repeats)
                - math.lgamma(1 + every + more)
            )
            if past.most > 0:
                part /= every + 1
        elif n > 0:
            part = past.above(n)
        if not again:
            if before > 0:
                past.add_run(before)
            past.add(0.0)
        return max(part, past.least_part()), n

    def follow_level(self, mean: float) -> None:
        if math.isnan(self.window_level):
            self.window_level = mean
        far = abs(mean - self.window_level)
        self.level_odds = self.tails[OF_LEVELS].above(far) if far > 0 else 1.0
        self.add_later(OF_LEVELS, far, anchored=True)
        rate = max(1 / self.delayed_count[OF_LEVELS], SLOWEST_LEVEL)
        self.window_level += rate * (mean - self.window_level)
