"""What kernels/stream/alarms.hpp computes, a second time: slowly, in plain Python."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from oracles.events import Values

(BY_ERROR, BY_SHORT_RUN, BY_LONG_RUN, BY_QUIET_RUN, BY_RANGE, BY_LEVEL, BY_REPEATS, BY_GAP,
 BY_RULE) = range(9)  # fmt: skip
How = Literal["learn", "follow", "score"]

#: What needs time to be forgotten.
RUNS = (BY_SHORT_RUN, BY_LONG_RUN, BY_QUIET_RUN, BY_LEVEL)
CHANNELS, BY_NEIGHBOURS, BY_JOINT = 9, 9, 10
(NO_ALARM, SPIKE, DIP, LEVEL_SHIFT, DRIFT, CHANGE_OF_NOISE, TOO_QUIET, STUCK, MISSING_DATA,
 UNSEEN_CATEGORY, UNLIKELY_CATEGORY, OUT_OF_RANGE) = range(12)  # fmt: skip
IDLE, BEGINS, GOES_ON, ENDS = range(4)

SHARE = (0.4, 0.1, 0.05, 0.05, 0.2, 0.1, 0.05, 0.05, 1.0)
DEVIANT, CALM_ODDS, ARMED_ODDS = 0.01, 0.05, 0.1
CALM_LENGTH, LONGEST_ALARM, LEVEL_REST = 12, 500, 256
MOST_HELD_VALUES, MOST_VALUE = 5, 1e152
PATIENCE = MOST_HELD_VALUES + 1
JUDGED_EVENTS, STAYS_OFF, MOST_STAY = 10, 0.5, 0.6
LATELY_RATE, MOST_BEFORE = 0.125, 0.35
ENOUGH, AT_ONCE, USUAL_PART = 3, 3, 0.01
FIRST_STAYS, STAYS_RATE, LEAST_JUDGED = 0.3, 0.1, 3
HELD_ERRORS, HELD_ODDS, MOST_HELD = 5.0, 0.002, 3.0


@dataclass
class Odds:
    """How often what came comes, in each way a target is watched."""

    of: list[float] = field(default_factory=lambda: [1.0] * CHANNELS)
    least_of_event: list[float] = field(default_factory=lambda: [0.0] * CHANNELS)
    near: float = 1.0
    standardised: float = math.nan
    usual: float = 0.0
    off_level: float = 0.0
    known: bool = False
    upwards: bool = False

    def is_known(self, channel: int) -> bool:
        """Of a value that is missing no more is known than that."""
        return self.known or channel == BY_GAP

    def least(self) -> tuple[float, int]:
        """The least, their shares considered, and by which way."""
        found, channel = self.near, BY_NEIGHBOURS if self.near < 1 else BY_ERROR
        for c in range(BY_GAP):
            p = max(self.of[c], self.least_of_event[c]) / SHARE[c]
            if p < found:
                found, channel = p, c
        return min(found, 1.0), channel


class Rule(NamedTuple):
    rate: float = 1e-3
    direction: float = 0.0
    least: float = 0.0
    least_relative: float = 0.0
    lowest: float = -math.inf
    highest: float = math.inf
    warm_up: float = 100.0
    cooldown: float = 0.0


@dataclass
class AlarmNumbers:
    """In the order of the block's."""

    state: float = 0
    kind: float = 0
    channel: float = 0
    begun: float = 0
    peak_at: float = 0
    end: float = 0
    odds: float = 0
    expected: float = 0
    low: float = 0
    high: float = 0
    actual: float = 0
    elapsed: float = 0
    calm: float = 0
    above: float = 0
    below: float = 0
    jump: float = 0
    is_jump: float = 0
    stayed: float = 0
    joined: float = 0

    @property
    def is_open(self) -> bool:
        return self.state in (BEGINS, GOES_ON)


ALARM_NUMBERS = len(vars(AlarmNumbers()))


@dataclass
class AlarmWatch:
    """One target's alarm, and what it knows between alarms."""

    rule: Rule = field(default_factory=Rule)
    alarm: AlarmNumbers = field(default_factory=AlarmNumbers)
    disarmed: list[bool] = field(default_factory=lambda: [False] * CHANNELS)
    stays: float = FIRST_STAYS
    judged: int = 0
    off_level: float = 0.0
    row: int = 0
    held: bool = False
    held_value: float = 0.0
    #: The kernel's, where an alarm began a moment ago.
    others: list[AlarmWatch] = field(default_factory=list)

    def is_out(self, actual: float) -> bool:
        return actual < self.rule.lowest or actual > self.rule.highest

    def take(
        self,
        odds: Odds,
        actual: float,
        predicted: float,
        *,
        event: float,
        seen: float,
        usual: float,
        far: float,
        level: float,
        of_class: int,
    ) -> int:
        """What this event means for the alarm."""
        for c, p in enumerate(odds.of):
            if odds.is_known(c) and p >= ARMED_ODDS:
                self.disarmed[c] = False
        deviates = self._follow_deviations(odds, actual, predicted, usual, far, level)
        if deviates and self.rule.direction * (actual - predicted) < 0:
            for c in RUNS:
                self.disarmed[c] = True
        goes_on = self.alarm.is_open
        least, channel = self._rarest_channel(odds, actual, predicted, event)
        least *= len(self.others)
        warm = channel == BY_RULE or seen >= self.rule.warm_up
        if not goes_on:
            self.alarm.state = IDLE
            ended = self.alarm.end
            cools = channel != BY_RULE and ended > 0 and event - ended <= self.rule.cooldown
            if not (least < self.rule.rate and warm) or cools:
                if odds.known:
                    self._follow_lately(odds)
                return IDLE
            self._begin(odds, channel, event)
            self._peak(odds, least, actual, predicted, event)
        else:
            self.alarm.state = GOES_ON
            self.alarm.elapsed += 1
            if least < self.alarm.odds:
                self._peak(odds, least, actual, predicted, event)
        return self._go_on(odds, deviates, goes_on, event, of_class)

    def _go_on(self, odds: Odds, deviates: bool, goes_on: bool, event: float, of_class: int) -> int:
        a = self.alarm
        if deviates:
            a.above += odds.upwards
            a.below += not odds.upwards
        if odds.known:
            if a.elapsed < JUDGED_EVENTS and a.jump:
                a.stayed += odds.off_level / a.jump >= STAYS_OFF
            self._follow_lately(odds)
        a.calm = a.calm + 1 if self._is_calm(odds) else 0
        if not of_class:
            a.kind = self._kind()
        elif not goes_on:
            a.kind = of_class
        at_once = self._ends_at_once
        over = a.calm >= (1 if at_once else CALM_LENGTH)
        over = over or (not at_once and a.elapsed >= LONGEST_ALARM)
        if goes_on and over:
            a.state, a.end = ENDS, event
            self.disarmed = [
                (c in RUNS or c == a.channel) and p < ARMED_ODDS for c, p in enumerate(odds.of)
            ]
            self.disarmed[BY_ERROR] = False
            return IDLE if a.joined else ENDS
        return IDLE if a.joined else GOES_ON if goes_on else BEGINS

    @property
    def _ends_at_once(self) -> bool:
        return self.alarm.channel in (BY_REPEATS, BY_GAP, BY_RULE)

    def _rests(self, channel: int, event: float) -> bool:
        """A level that has just been taken over is not told again while its season comes round."""
        a = self.alarm
        of_level = channel == BY_LEVEL and a.kind in (LEVEL_SHIFT, DRIFT)
        return of_level and a.end > 0 and event - a.end < LEVEL_REST

    def _rarest_channel(
        self, odds: Odds, actual: float, predicted: float, event: float
    ) -> tuple[float, int]:
        rule, distance = self.rule, abs(actual - predicted)
        is_enough = not (distance < rule.least or distance < rule.least_relative * abs(predicted))
        found, channel = 1.0, 0
        for c in range(CHANNELS):
            of_value = c in (BY_ERROR, BY_RANGE)
            of_side = of_value or c in (BY_SHORT_RUN, BY_LONG_RUN, BY_LEVEL)
            side = actual - predicted if of_value else self.off_level
            if not odds.is_known(c) or self.disarmed[c] or self._rests(c, event):
                continue
            if of_side and (not is_enough or rule.direction * side < 0):
                continue
            p = odds.of[c] / SHARE[c]
            if p < found:
                found, channel = p, c
        return found, channel

    def _begin(self, odds: Odds, channel: int, event: float) -> None:
        joined = any(
            other is not self and other.alarm.is_open and other.alarm.elapsed <= AT_ONCE
            for other in self.others
        )
        self.alarm = AlarmNumbers(
            state=BEGINS,
            channel=channel,
            begun=event,
            joined=joined,
            jump=odds.off_level if odds.known else 0.0,
            is_jump=abs(self.off_level) < MOST_BEFORE * abs(odds.off_level),
        )

    def _peak(
        self, odds: Odds, least: float, actual: float, predicted: float, event: float
    ) -> None:
        a = self.alarm
        a.peak_at, a.odds, a.expected, a.actual = event, least, predicted, actual
        a.low, a.high = predicted - odds.usual, predicted + odds.usual

    def _follow_deviations(
        self, odds: Odds, actual: float, predicted: float, usual: float, far: float, level: float
    ) -> bool:
        self.held = False
        if not odds.known:
            return False
        if not min(odds.of[BY_ERROR], odds.of[BY_RANGE]) < DEVIANT:
            self.row = 0
            return False
        self.row += 1
        self.held = (
            abs(actual - level) > abs(predicted - level)
            and odds.of[BY_ERROR] < HELD_ODDS
            and abs(odds.standardised) >= HELD_ERRORS
            and self.row < PATIENCE
            and far <= PATIENCE
            and self.judged >= LEAST_JUDGED
            and self.stays < 0.5
        )
        most = MOST_HELD * usual
        near = min(max(actual, predicted - most), predicted + most)
        self.held_value = min(max(near, -MOST_VALUE), MOST_VALUE)
        return True

    def _follow_lately(self, odds: Odds) -> None:
        self.off_level += LATELY_RATE * (odds.off_level - self.off_level)

    def _kind(self) -> int:
        a = self.alarm
        of_channel = {
            BY_RULE: OUT_OF_RANGE, BY_REPEATS: STUCK, BY_GAP: MISSING_DATA, BY_QUIET_RUN: TOO_QUIET,
        }  # fmt: skip
        if a.channel in of_channel:
            return of_channel[int(a.channel)]
        if min(a.above, a.below) >= ENOUGH:
            return CHANGE_OF_NOISE
        seen = min(a.elapsed + 1, JUDGED_EVENTS)
        if a.elapsed + 1 >= PATIENCE and a.stayed >= MOST_STAY * seen:
            return LEVEL_SHIFT if a.is_jump else DRIFT
        if a.channel == BY_LEVEL:
            return DRIFT
        if a.channel in (BY_SHORT_RUN, BY_LONG_RUN):
            return CHANGE_OF_NOISE if min(a.above, a.below) > 0 else DRIFT
        return SPIKE if a.jump >= 0 else DIP

    def _is_calm(self, odds: Odds) -> bool:
        usual = odds.of[int(self.alarm.channel)] >= CALM_ODDS
        if self._ends_at_once:
            return usual
        return odds.known and odds.of[BY_ERROR] >= DEVIANT and usual

    def numbers(self) -> Values:
        return np.array([float(number) for number in vars(self.alarm).values()])


class Held:
    """What alarms is held back from seasons: kernels/stream/held_values.hpp."""

    def __init__(self, watches: list[AlarmWatch], *, profiled: bool) -> None:
        self.watches = watches if profiled else []
        self.values = np.zeros((len(watches), MOST_HELD_VALUES))
        self.count = np.zeros(len(watches), int)

    def hold(self, values: list[Values]) -> None:
        """The newest values, as seasons are to see them."""
        for i, watch in enumerate(self.watches):
            if watch.held:
                values[-1][i] = watch.held_value

    def release(self, values: list[Values], targets: Values, kept: int) -> None:
        """And as they came; what was held before stays so where values have come back."""
        for i, watch in enumerate(self.watches):
            if not math.isfinite(targets[i]):
                continue
            seen, n = float(values[-1][i]), int(self.count[i])
            values[-1][i] = targets[i]
            if watch.row == 0:
                for k in range(n):
                    if n - k < kept:
                        values[-1 - (n - k)][i] = self.values[i, k]
                self.count[i] = 0
            elif n == MOST_HELD_VALUES or (n == 0 and not watch.held):
                self.count[i] = 0
            else:
                self.values[i, n] = seen
                self.count[i] += 1

    def parts(self) -> dict[str, Values]:
        return {"held count": self.count, "held values": self.values}
