"""What kernels/stream/features.hpp computes, a second time: slowly, in plain Python."""

from __future__ import annotations

import math

import numpy as np
from oracles.anchors import Anchors
from oracles.columns import Columns
from oracles.events import Event, Values
from oracles.heads import Heads
from oracles.history import DAY, WEEK, YEAR
from oracles.scales import clamp
from oracles.seasons import Seasons

FARTHEST = 20.0
CIRCLE = 6.283185307179586
TURNS = (1 / DAY, 2 / DAY, 1 / WEEK, 1 / YEAR, 2 / YEAR)


class Features:
    """The past of the targets, seasons, the calendar, and an event's columns."""

    def __init__(
        self, seasons: Seasons, columns: Columns, heads: Heads, slots: int, *, timed: bool
    ) -> None:
        self.seasons, self.history = seasons, seasons.history
        self.columns, self.heads, self.timed = columns, heads, timed
        self.slots = slots
        self.anchors = Anchors(heads.targets + slots)

    def make_room(self, slots: int) -> None:
        self.slots = slots
        self.anchors.make_room(self.heads.targets + slots)

    def encode(self, event: Event) -> Values:
        """One number for the constant and for each input of the networks."""
        history, t = self.history, self.heads.targets
        newest = history.newest()
        f = [1.0]
        f += [self.anchors.encode(i, float(newest[i])) for i in range(t)]
        f += [history.past_change(lag, i) for lag in range(history.lags) for i in range(t)]
        if history.seasonal:
            f += self._seasons(event.seconds)
        if self.timed:
            for turn in TURNS:
                angle = event.seconds * turn * CIRCLE
                known = math.isfinite(angle)
                f += [math.sin(angle), math.cos(angle)] if known else [0.0, 0.0]
        return np.concatenate((f, self.heads.surprise, self._columns(event)))

    def _columns(self, event: Event) -> Values:
        """One number for each slot."""
        out, columns = np.zeros(self.slots), self.columns
        for value, slot, missing in zip(
            event.numbers, columns.slot, columns.missing_slot, strict=False
        ):
            out[slot] = self.anchors.encode(self.heads.targets + slot, float(value))
            if missing:
                out[missing - 1] = math.isnan(value)
        out[event.slots] = 1
        return out

    def _seasons(self, seconds: float) -> list[float]:
        """What each season brings now: its distance from now, its next step and its far one."""
        history, seasons, horizon = self.history, self.seasons, self.heads.horizon
        newest, found = history.newest(), list[float]()
        for s in range(2):
            season = history.season(s)
            zero, one, far = (
                history.season_before(history.kept - 1, ahead, season, seconds)
                for ahead in (0, 1, horizon)
            )
            for i in range(self.heads.targets):
                if zero < 0 or one < 0:
                    found += [0.0, 0.0, 0.0]
                    continue
                before, after = seasons.brought(s, zero, i), seasons.brought(s, one, i)
                later = seasons.brought(s, far, i) if far >= 0 else before
                level = seasons.profiles[s][i].fast if history.profiled else 0.0
                near_scale = self.heads.head[i * horizon].scale.mean
                far_scale = self.heads.head[(i + 1) * horizon - 1].scale.mean
                for step, usual in (
                    (level + after - float(newest[i]), near_scale),
                    (after - before, near_scale),
                    (later - before, far_scale),
                ):
                    found.append(clamp(step / usual, FARTHEST) if usual > 0 else 0.0)
        return found
