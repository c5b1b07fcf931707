"""What kernels/stream/anomaly.hpp computes, a second time: slowly, in plain Python."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from oracles import alarms
from oracles.alarms import AlarmWatch, Held, How, Odds
from oracles.events import Values
from oracles.history import History
from oracles.linear import forget_feature, linear_gain, packed
from oracles.scales import MOST_STANDARDISED
from oracles.tail import MOST_IN_TAIL, Tail
from oracles.watched_column import (
    DELAYS,
    NAMES,
    OF_ERRORS,
    OF_GAPS,
    OF_LEVELS,
    OF_LONG_RUNS,
    OF_NEIGHBOURHOODS,
    OF_QUIET_RUNS,
    OF_RANGES,
    OF_REPEATS,
    OF_SHORT_RUNS,
    SHAPES,
    Column,
)

SHAPE_OF_SCORES, SHAPE_OF_JOINT_ERRORS = (512, 8, 0, 20), (256, 16, -6, 20)
SHORT_LENGTH, LONG_LENGTH, QUIET_LENGTH = 16, 128, 32
MOST_OF_SURPRISE, OF_NEIGHBOURS = 5.0, 0.05
NEGLIGIBLE, ROUNDING_ERROR = 1e-4, 1e-12
AS_SMALL, OF_LARGE = 1e-3, 0.02
RANGE_WARM_UP, UNKNOWN_RANGE = 100, 0.05
FAR_ERROR, LOOKED_BACK, FEW_FAR, MANY_FAR, KEPT_OF_LEARNING = 8.0, 256, 1, 0.025, 0.125
WINDOW_TOLERANCE = 0.05
MUCH_RARER, SHARE_OF_JOINT, MOST_JOINT = 0.3, 0.05, 16
JOINT_FORGETTING, JOINT_PRIOR, MOST_JOINT_COVARIANCE = 0.999, 1.0, 1e6
SLOW_RATE = 0.05
OF_CLASS = {
    "numbers": alarms.NO_ALARM,
    "classes": alarms.UNLIKELY_CATEGORY,
    "new_class": alarms.UNSEEN_CATEGORY,
}


class Anomaly(NamedTuple):
    """The score of an event, its most anomalous target, by what, and what becomes of an alarm."""

    score: float
    target: int
    channel: int
    alarm: int
    alarm_target: int


class AnomalyScorer:
    """Scores how anomalous the values of targets are, compared with what was predicted."""

    def __init__(self, targets: int, *, profiled: bool = False) -> None:
        self.columns = [Column() for _ in range(targets)]
        watches = [column.watch for column in self.columns]
        for watch in watches:
            watch.others = watches
        self.held = Held(watches, profiled=profiled)
        self.window, self.window_sum = 0.0, np.zeros(targets)
        self.scores = Tail(*SHAPE_OF_SCORES)
        self.joint = Tail(*SHAPE_OF_JOINT_ERRORS)
        self.together = targets if 1 < targets <= MOST_JOINT else 0
        self.inverse = np.zeros((self.together, self.together))
        for i in range(self.together):
            forget_feature(self.inverse, i, JOINT_PRIOR)
        self.event = 0.0
        #: Where nothing is learned: what each column was like before.
        self.frozen: list[tuple[int, float, int, float]] | None = None

    @property
    def watches(self) -> list[AlarmWatch]:
        return [column.watch for column in self.columns]

    def follow_levels(self, history: History) -> None:
        """How far the level of a season, or of the last events, is from what it was."""
        season, gap = history.season(0), history.gap
        length = season.length if season.in_events or not gap > 0 else season.length / gap
        length = float(math.floor(length + 0.5))
        if abs(length - self.window) > WINDOW_TOLERANCE * self.window:
            self.window = length
        n = int(self.window)
        is_there = 1 < n < history.kept
        for i, column in enumerate(self.columns):
            mean = float(history.slow[i])
            if is_there:
                self.window_sum[i] = math.fsum(values[i] for values in history.values[-n:])
                mean = float(self.window_sum[i]) / n
            column.follow_level(mean)

    def score(
        self,
        actual: Sequence[float] | Values,
        predicted: Sequence[float] | Values,
        how: How = "learn",
        *,
        level: Sequence[float] | Values | None = None,
        event: float = 0.0,
        of: Literal["numbers", "classes", "new_class"] = "numbers",
    ) -> Anomaly:
        if how != "learn":
            twin = copy.deepcopy(self)
            twin.frozen = [(c.seen, c.usual, c.far, c.level) for c in self.columns]
            found = twin.score(actual, predicted, level=level, event=event, of=of)
            if how == "score":
                return found._replace(alarm=0, alarm_target=0)
            self._take_over(twin)
            return found
        self.event = event
        least, target, channel, known = 2.0, 0, 0, 0
        alarm, alarm_target = alarms.IDLE, 0
        errors = []
        for i, column in enumerate(self.columns):
            value, guess = float(actual[i]), float(predicted[i])
            odds = self._look(column, value, guess, of)
            _tell_once(column, odds)
            if level is not None and odds.known:
                odds.off_level = value - float(level[i])
            errors.append(odds.standardised)
            now = (column.seen, column.usual, column.far, column.level)
            seen, usual, far, at_level = self.frozen[i] if self.frozen else now
            state = column.watch.take(
                odds,
                value,
                guess,
                event=event,
                seen=seen,
                usual=usual,
                far=far,
                level=at_level,
                of_class=OF_CLASS[of],
            )
            if state and _is_first(state, column, alarm, self.columns[alarm_target]):
                alarm, alarm_target = state, i
            if odds.known:
                known += 1
                p, by = odds.least()
                if p < least:
                    least, target, channel = p, i, by
        score = math.nan
        if known:
            q = least * known
            joint = self._joint_odds(np.array(errors)) if self.together else 1.0
            if joint < q:
                q, channel = joint, alarms.BY_JOINT
            q = min(q, 1.0)
            score = 1 - min(q, self.scores.above(1 / q))
            self.scores.add(1 / q)
        return Anomaly(score, target, channel, alarm, alarm_target)

    def _take_over(self, twin: AnomalyScorer) -> None:
        """Where nothing is learned only runs and alarms go on."""
        self.event = twin.event
        for mine, other in zip(self.columns, twin.columns, strict=True):
            for name in ("short_run", "long_run", "neighbourhood", "quiet_run", "repeats", "gaps"):
                setattr(mine, name, getattr(other, name))
            mine.told = other.told
            stays, judged = mine.watch.stays, mine.watch.judged
            others = mine.watch.others
            vars(mine.watch).update(vars(other.watch))
            mine.watch.stays, mine.watch.judged, mine.watch.others = stays, judged, others

    def _look(self, c: Column, actual: float, predicted: float, of: str) -> Odds:
        odds = Odds(usual=c.tails[OF_ERRORS].quantile(alarms.USUAL_PART))
        numbers = of == "numbers"
        if c.watch.is_out(actual):
            odds.of[alarms.BY_RULE] = 0.0
        odds.of[alarms.BY_LEVEL] = c.level_odds if numbers else 1.0
        odds.least_of_event[alarms.BY_LEVEL] = c.least_of(OF_LEVELS, LONG_LENGTH)
        if numbers:
            odds.of[alarms.BY_GAP], c.gaps = c.repeated(OF_GAPS, c.gaps, math.isnan(actual))
        error = abs(actual - predicted)
        if math.isnan(error):
            return odds
        odds.known = True
        if error > sys.float_info.max:
            error = sys.float_info.max
        if error <= ROUNDING_ERROR * abs(actual) or error <= NEGLIGIBLE * c.change:
            error = 0.0
        self._look_at_error(c, error, odds, numbers, actual >= predicted)
        if not numbers:
            return odds
        most = max(c.tails[OF_REPEATS].most, 1.0)
        odds.least_of_event[alarms.BY_REPEATS] = c.least_of(OF_REPEATS, most)
        again = actual == c.last
        odds.of[alarms.BY_REPEATS], c.repeats = c.repeated(OF_REPEATS, c.repeats, again)
        odds.of[alarms.BY_RANGE] = self._beyond_range(c, actual)
        self._judge_whether_it_stays(c, actual, predicted, odds)
        if not math.isnan(c.last):
            c.change = c.follow_unbiased(c.change, c.seen - 1, abs(actual - c.last))
        c.level += max(1 / c.seen, SLOW_RATE) * (actual - c.level)
        c.last = actual
        return odds

    def _look_at_error(
        self, c: Column, error: float, odds: Odds, numbers: bool, upwards: bool
    ) -> None:
        errors = c.tails[OF_ERRORS]
        above = errors.above(error, 1, abs(c.level))
        smallest = max(NEGLIGIBLE * c.change, AS_SMALL * errors.quantile(OF_LARGE))
        below = errors.below(max(error, smallest))
        odds.of[alarms.BY_ERROR], odds.upwards = above, upwards
        surprise, calm = -math.log(above), -math.log(min(below, 1.0))
        either = -math.log(min(2 * min(above, below), 1.0)) if numbers else surprise
        events = c.seen + 1

        def in_run(mean: float, value: float, length: int) -> float:
            return mean + max(1 / events, 1 / length) * (value - mean)

        def of_run(kind: int, mean: float, warm_up: int, own: float) -> float:
            if events <= warm_up:
                return 1.0
            part = c.tails[kind].above(mean, own)
            c.add_later(kind, mean)
            return part

        c.short_run = in_run(c.short_run, min(surprise, MOST_OF_SURPRISE), SHORT_LENGTH)
        c.long_run = in_run(c.long_run, min(either, MOST_OF_SURPRISE), LONG_LENGTH)
        c.neighbourhood = in_run(c.neighbourhood, either, LONG_LENGTH)
        c.quiet_run = in_run(c.quiet_run, min(calm, MOST_OF_SURPRISE), QUIET_LENGTH)
        of, least = odds.of, odds.least_of_event
        least[alarms.BY_SHORT_RUN] = c.least_of(OF_SHORT_RUNS, SHORT_LENGTH)
        least[alarms.BY_LONG_RUN] = c.least_of(OF_LONG_RUNS, LONG_LENGTH)
        least[alarms.BY_QUIET_RUN] = c.least_of(OF_QUIET_RUNS, QUIET_LENGTH)
        of[alarms.BY_SHORT_RUN] = of_run(OF_SHORT_RUNS, c.short_run, 4 * SHORT_LENGTH, 1)
        of[alarms.BY_LONG_RUN] = of_run(OF_LONG_RUNS, c.long_run, 2 * LONG_LENGTH, 1)
        if numbers:
            of[alarms.BY_QUIET_RUN] = of_run(OF_QUIET_RUNS, c.quiet_run, 2 * QUIET_LENGTH, 1)
        near = of_run(OF_NEIGHBOURHOODS, c.neighbourhood, LONG_LENGTH // 2, LONG_LENGTH)
        odds.near = max(near, OF_NEIGHBOURS)
        odds.standardised = 0.0
        if c.usual > 0:
            z = (error if upwards else -error) / c.usual
            odds.standardised = min(max(z, -MOST_STANDARDISED), MOST_STANDARDISED)
        errors.add(error, anchored=True)
        self._forget_learning(c, error, events)
        c.usual = c.follow_unbiased(c.usual, events, error)
        c.seen = events

    def _forget_learning(self, c: Column, error: float, events: int) -> None:
        least, errors = FAR_ERROR * c.usual, c.tails[OF_ERRORS]
        c.far += error > least
        if events % LOOKED_BACK:
            return
        if c.far <= FEW_FAR and errors.share(least) > MANY_FAR:
            errors.forget(KEPT_OF_LEARNING)
        c.far = 0

    def _beyond_range(self, c: Column, value: float) -> float:
        part = 1.0
        if c.seen > RANGE_WARM_UP:
            out = max(value - c.high, c.low - value)
            unit = c.high - c.low if c.high - c.low > 0 else abs(c.level)
            far = out / unit if out > ROUNDING_ERROR * abs(value) and unit > 0 else 0.0
            if far > 0:
                part = c.tails[OF_RANGES].above(far, 1, UNKNOWN_RANGE)
            c.tails[OF_RANGES].add(far)
        if math.isnan(c.last):
            c.low = c.high = value
        else:
            fading = 1 / MOST_IN_TAIL
            c.low = min(c.low + fading * (c.level - c.low), value)
            c.high = max(c.high + fading * (c.level - c.high), value)
        return part

    def _judge_whether_it_stays(
        self, c: Column, actual: float, predicted: float, odds: Odds
    ) -> None:
        came, expected = c.awaited
        if not math.isnan(came):
            stayed = abs(actual - came) < abs(actual - expected)
            watch = c.watch
            watch.judged += 1
            rate = max(1 / (watch.judged + 1), alarms.STAYS_RATE)
            watch.stays += rate * (float(stayed) - watch.stays)
        deviates = odds.of[alarms.BY_ERROR] < alarms.DEVIANT
        c.awaited = (actual, predicted) if deviates else (math.nan, math.nan)

    def _joint_odds(self, errors: Values) -> float:
        if np.isnan(errors).any():
            return 1.0
        far = max(float(errors @ self.inverse @ errors), 0.0)
        distance = far * min(self.joint.count + 1, 1 / (1 - JOINT_FORGETTING))
        part = self.joint.above(distance) / SHARE_OF_JOINT
        self.joint.add(distance)
        _, self.inverse = linear_gain(
            self.inverse, errors, np.ones(len(errors)), JOINT_FORGETTING, MOST_JOINT_COVARIANCE
        )
        return part

    def parts(self) -> dict[str, Values]:
        """What it holds, by the names of the block's parts; rings are told by `delayed_count`."""
        cs, n = self.columns, len(self.columns)
        watches = self.watches
        any_, joint = self.columns[:1], self.together > 0
        return {
            **{
                name: np.reshape([c.tails[k].at_least for c in cs], (n, SHAPES[k][0]))
                for k, name in enumerate(NAMES)
            },
            "largest so far": np.reshape([[t.most for t in c.tails] for c in cs], (n, len(NAMES))),
            "first bins": np.reshape([[t.base for t in c.tails] for c in cs], (n, len(NAMES))),
            "delayed": np.reshape([np.concatenate(c.delayed) for c in cs], (n, sum(DELAYS))),
            "delayed count": np.reshape([c.delayed_count for c in cs], (n, len(NAMES))),
            "scores so far": np.reshape([self.scores.at_least for _ in any_], (len(any_), -1))
            if n
            else np.zeros((0, SHAPE_OF_SCORES[0])),
            "largest score so far": np.array([self.scores.most for _ in any_]),
            "largest joint error so far": np.array([self.joint.most])[: int(joint)],
            "joint errors so far": self.joint.at_least[None][: int(joint)],
            "joint inverse": packed(self.inverse),
            **self.held.parts(),
            "level window": np.array([self.window for _ in any_]),
            "level window sum": self.window_sum,
            "watched event": np.array([self.event for _ in any_]),
            "scored events": np.array([c.seen for c in cs]),
            "short run": np.array([c.short_run for c in cs]),
            "long run": np.array([c.long_run for c in cs]),
            "neighbourhood": np.array([c.neighbourhood for c in cs]),
            "quiet run": np.array([c.quiet_run for c in cs]),
            "usual error": np.array([c.usual for c in cs]),
            "far errors": np.array([c.far for c in cs]),
            "last scored": np.array([c.last for c in cs]),
            "scored level": np.array([c.level for c in cs]),
            "scored change": np.array([c.change for c in cs]),
            "scored range": np.reshape([[c.low, c.high] for c in cs], (n, 2)),
            "repeats": np.array([c.repeats for c in cs]),
            "missing in a row": np.array([c.gaps for c in cs]),
            "window level": np.array([c.window_level for c in cs]),
            "level odds": np.array([c.level_odds for c in cs]),
            "deviations that stay": np.array([w.stays for w in watches]),
            "deviations judged": np.array([w.judged for w in watches]),
            "awaited": np.reshape([c.awaited for c in cs], (n, 2)),
            "alarm rule": np.reshape([w.rule for w in watches], (n, len(alarms.Rule()))),
            "held value": np.array([w.held_value for w in watches]),
            "alarm": np.reshape(
                [w.numbers() for w in watches], (n, len(vars(alarms.AlarmNumbers())))
            ),
            "disarmed": np.reshape([w.disarmed for w in watches], (n, alarms.CHANNELS)),
            "told": np.reshape([c.told for c in cs], (n, alarms.CHANNELS)),
            "held": np.array([float(w.held) for w in watches]),
            "off level": np.array([w.off_level for w in watches]),
            "deviations in a row": np.array([w.row for w in watches]),
        }


def _tell_once(c: Column, odds: Odds) -> None:
    """Of a run, one event stands for all where it is a good deal rarer than the last that did."""
    for channel, p in enumerate(odds.of):
        if not odds.is_known(channel):
            continue
        is_rarer = p <= MUCH_RARER * c.told[channel]
        if is_rarer:
            odds.least_of_event[channel] = 0.0
        if p >= alarms.ARMED_ODDS:
            c.told[channel] = 1.0
        elif is_rarer:
            c.told[channel] = p


def _is_first(state: int, column: Column, alarm: int, lead: Column) -> bool:
    """A beginning is told first, then an end, and then the least likely."""

    def rank(state: int) -> int:
        return 2 if state == alarms.BEGINS else int(state == alarms.ENDS)

    if not alarm or rank(state) > rank(alarm):
        return True
    return rank(state) == rank(alarm) and column.watch.alarm.odds < lead.watch.alarm.odds
