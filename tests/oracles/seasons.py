"""What kernels/stream/seasons.hpp computes, a second time: slowly, in plain Python and NumPy."""

from __future__ import annotations

import math

import numpy as np
from oracles.events import Values
from oracles.history import History, Season
from oracles.scales import MOST_SPREADS, Distance, clamp

PROFILE_RATE, FAST_RATE, SLOW_RATE, DRIFT_RATE, MOST_SCALED = 0.2, 0.3, 0.05, 0.005, 2.0


class Profile:
    """One season of one target: what each of its times brings, and the level without it."""

    def __init__(self) -> None:
        self.of: list[float] = []  # for each event
        self.fast = self.slow = self.drifted = self.level = 0.0
        self.error = Distance()

    def drift(self) -> float:
        """How far the level drifts with each event, as far as that is more than chance."""
        n = min(self.error.count, 2 / DRIFT_RATE)
        spread = 1.25 * FAST_RATE * self.error.mean
        square = self.drifted * self.drifted
        return self.drifted - spread * spread / n / self.drifted if square * n > spread**2 else 0.0

    def scaled(self, level: float) -> float:
        """How much a season grows because its level has grown since."""
        if not (level > 0 and self.level > 0):
            return 1.0
        return min(max(level / self.level, 1 / MOST_SCALED), MOST_SCALED)

    def begin(self, first: bool, value: float) -> float:
        if first:
            self.fast = self.slow = self.level = value
        else:
            self.fast += self.drifted
            self.slow += self.drifted
        return value - self.fast

    def follow(self, value: float, then: float, events: float) -> float:
        seen, off = math.floor(self.error.count / events), value - then - self.fast
        rate = max(1 / (self.error.count + 1), DRIFT_RATE)
        self.drifted += rate * (FAST_RATE * off - self.drifted)
        self.fast += FAST_RATE * off
        self.slow += SLOW_RATE * (value - then - self.slow)
        self.error.follow(abs(off))
        rate = max(1 / (2 + seen), PROFILE_RATE)
        self.level += min(rate / events, 1) * (self.fast - self.level)
        return then + rate * clamp(value - then - self.fast, MOST_SPREADS * self.error.mean)


class Seasons:
    """Two seasons of each target."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.lengths = [0.0, 0.0]
        t = history.targets if history.profiled else 0
        self.profiles = [[Profile() for _ in range(t)] for _ in range(2)]

    def observe(self, given: Values) -> None:
        """After the history has taken an event in."""
        history = self.history
        if not history.profiled:
            return
        for s, profiles in enumerate(self.profiles):
            season = history.season(s)
            known = season.length > 0
            two = known and len(history.values) == 2 * self._in_events(season)
            for profile in profiles:
                profile.of.append(0.0)
            if self.lengths[s] != season.length or two:
                self._begin(s, season)
            elif known:
                self._fold(s, season, history.kept - 1, given)

    def brought(self, s: int, nth: int, i: int) -> float:
        """What a season brought then, beside its level; with it where there are no profiles."""
        at = self.history.of_kept(nth)
        return self.profiles[s][i].of[at] if self.profiles[s] else float(self.history.values[at][i])

    def _in_events(self, season: Season) -> int:
        events = season.length if season.in_events else season.length / self.history.gap
        return int(min(max(events, 1), 1e6) + 0.5)

    def _begin(self, s: int, season: Season) -> None:
        kept = self.history.kept
        self.lengths[s] = season.length
        for profile in self.profiles[s]:
            profile.error, profile.drifted = Distance(), 0.0
        if not season.length > 0:
            return
        length = self._in_events(season)
        if 2 * length <= kept:
            for i, profile in enumerate(self.profiles[s]):
                values = [self.history.bounded(nth, i) for nth in range(2 * length)]
                profile.drifted = (sum(values[length:]) - sum(values[:length])) / length / length
        for nth in range(kept):
            self._fold(s, season, nth, None)

    def _fold(self, s: int, season: Season, nth: int, given: Values | None) -> None:
        history = self.history
        before = history.season_before(nth, 0, season, history.time_of(nth))
        events = season.length if season.in_events else season.length / history.gap
        at = history.of_kept(nth)
        for i, profile in enumerate(self.profiles[s]):
            value = self.history.bounded(nth, i)
            if before < 0:
                profile.of[at] = profile.begin(nth == 0, value)
                continue
            then = profile.of[history.of_kept(before)]
            is_new = given is None or math.isfinite(given[i])
            profile.of[at] = profile.follow(value, then, events) if is_new else then

    def parts(self) -> dict[str, Values]:
        def of(part: str) -> Values:
            return np.array([[getattr(p, part) for p in row] for row in self.profiles])

        history = self.history
        ring = np.zeros((2, history.depth, len(self.profiles[0])))
        for s, row in enumerate(self.profiles):
            for i, profile in enumerate(row):
                for n in range(len(history.values) - history.kept, len(history.values)):
                    ring[s, n % history.depth, i] = profile.of[n]
        return {
            "profile length": np.array(self.lengths),
            "profile": ring,
            "folded": np.array([[p.error.count for p in row] for row in self.profiles]),
            "season error": np.array([[p.error.mean for p in row] for row in self.profiles]),
            "drift": of("drifted"),
            "profile level": of("level"),
            "season fast": of("fast"),
            "season slow": of("slow"),
        }
