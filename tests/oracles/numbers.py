"""What kernels/stream/numbers.hpp computes, a second time: slowly, in plain Python and NumPy."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from oracles.alarms import Held
from oracles.anchors import move_all
from oracles.anomaly import AnomalyScorer
from oracles.columns import Columns
from oracles.delays import TAPS
from oracles.ensemble import Ensemble, parts_of
from oracles.events import Change, Event, Values, doubled
from oracles.features import Features
from oracles.heads import MOST_REMEMBERED, MOST_SURPRISE, Heads
from oracles.history import History
from oracles.linear import FORGETTING, PRIOR_COVARIANCE, forget_feature, linear_gain, packed
from oracles.number_records import Outcome, Record, Sizes
from oracles.number_records import parts_of as parts_of_record
from oracles.pending import Pending
from oracles.scales import Level
from oracles.seasons import Seasons

from lethe import Network

MOST_LINEAR_SLOTS, COVARIANCES = 64, 2
SMOOTHED_SLOW, SEASON_AND_SLOW_LEVEL = 3, 9
OF_NEXT, OF_MEMORY, OF_FAR = range(3)


class NumberStreamOracle:
    """A stream of numbers: the past, naive and linear predictors, networks, and a blend of all.

    Parameters
    ----------
    groups : list of list of Network
        Those of what comes next, that for memory, and, with a horizon above 1, those of what lies
        further ahead.
    """

    def __init__(
        self, sizes: Sizes, slots: int, groups: list[list[Network]], *, scored: bool
    ) -> None:
        self.sizes, self.slots = sizes, slots
        self.ahead = sizes.horizon > 0
        self.horizon = max(sizes.horizon, 1)
        t = sizes.targets
        self.history = History(t, sizes.lags, sizes.period, sizes.long_period, sizes.timed)
        self.seasons = Seasons(self.history)
        self.columns = Columns()
        self.groups = [
            Ensemble(networks, ahead=g == OF_FAR or not self.ahead)
            for g, networks in enumerate(groups)
        ]
        self.pending: Pending[Record] = Pending()
        profiled = self.history.profiled
        self.scorer = AnomalyScorer(t, profiled=profiled) if scored else None
        self.held = self.scorer.held if self.scorer else Held([], profiled=profiled)
        self.fixed = t * (2 + sizes.lags) + 6 * t * self.history.seasonal + 10 * sizes.timed
        n = 1 + self.fixed + min(slots, MOST_LINEAR_SLOTS)
        self.heads = Heads(self.history, self.horizon, len(groups[OF_NEXT]), n, slots)
        self.features = Features(self.seasons, self.columns, self.heads, slots, timed=sizes.timed)
        self.covariance = [np.eye(n) * PRIOR_COVARIANCE for _ in range(COVARIANCES)]
        self.ever_nonzero = np.zeros(n)

    @property
    def linear(self) -> int:
        return self.heads.linear

    # ---- what is called ----

    def learn(self, event: Event, change: Change | None, max_delay: int = 1000) -> Outcome:
        change = change or Change()
        self._make_room(change.used)
        if not self.ahead:
            return self._learn_now(event, change, max_delay)
        assert event.targets is not None
        if change.early:
            self._admit(change)
        records = self.pending.records
        outcome = self._compare(self.pending.newest, event.targets, "learn", len(records))
        for ahead, record in enumerate(reversed(records)):
            record.targets[ahead :: self.horizon] = event.targets
            self._learn_heads(record, ahead)
        if records:
            self._learn_next(records[-1], stepped=True)
        self._observe_targets(event.targets, event.seconds)
        if len(records) == self.horizon:
            self._learn_first()
        self._take(event, Change() if change.early else change)
        return outcome

    def _learn_now(self, event: Event, change: Change, max_delay: int) -> Outcome:
        record = self._take(event, change)
        outcome = self._compare(record, event.targets, "learn", len(self.pending.records) - 1)
        if event.targets is not None:
            self._set_complete(record, event.targets)
        self._learn_complete()
        if len(self.pending.records) > max_delay:
            self.pending.missed += 1
            self.pending.records[0].complete = True
            self._learn_complete()
        return outcome

    def learn_targets(self, sequence: int, targets: Values) -> Outcome:
        nth = sequence - self.pending.sequence
        record = self.pending.records[nth]
        # One that never came is no gap in what was measured.
        came = not np.isnan(targets).all()
        outcome = self._compare(record, targets, "learn", nth) if came else Outcome(record.answer)
        self._set_complete(record, targets)
        self._learn_complete()
        return outcome

    def follow(self, event: Event) -> Outcome:
        assert event.targets is not None
        self.pending.following = True
        for group in self.groups:
            group.fork()
        if self.ahead:
            newest = self.pending.newest
            outcome = self._compare(newest, event.targets, "follow", len(self.pending.records))
            if newest is not None:
                self._keep_surprise(newest, event.targets)
            self._follow_ranges(event.targets)
            self._take_in(event.targets, event.seconds)
        self.pending.clear()
        record = self._encode(event)
        self._predict(record, [g.step(x, ahead=True) for g, x in self._each(record)])
        self._observe_delays(record)
        self.pending.events += 1
        if self.ahead:
            self.pending.records.append(record)
            return outcome
        outcome = self._compare(record, event.targets, "follow", 0)
        self._keep_surprise(record, event.targets)
        self._follow_ranges(event.targets)
        self._take_in(event.targets, event.seconds)
        self.pending.sequence += 1
        return outcome

    def score(self, event: Event) -> Outcome:
        record = self.pending.newest if self.ahead else self._look_at(event)
        return self._compare(record, event.targets, "score")

    def predict(self, event: Event | None) -> Values | None:
        record = self._look_at(event) if event is not None else self.pending.newest
        return None if record is None else record.answer

    # ---- an event ----

    def _take_in(self, targets: Values, seconds: float) -> None:
        self.history.observe(targets, seconds)
        self.held.hold(self.history.values)
        self.seasons.observe(targets)
        self.held.release(self.history.values, targets, self.history.kept)

    def _make_room(self, used: int) -> None:
        before, self.slots = self.linear, doubled(self.slots, max(used, 1))
        self.features.make_room(self.slots)
        more = 1 + self.fixed + min(self.slots, MOST_LINEAR_SLOTS) - before
        features = 1 + self.fixed + self.slots
        for record in self.pending.records:
            record.features = np.pad(record.features, (0, features - len(record.features)))
            record.gains = np.pad(record.gains, ((0, 0), (0, more)))
        self.heads.make_room(before + more, self.slots)
        self.ever_nonzero = np.pad(self.ever_nonzero, (0, more))
        for f in range(COVARIANCES):
            self.covariance[f] = np.pad(self.covariance[f], (0, more))
            for feature in range(before, before + more):
                forget_feature(self.covariance[f], feature)

    def _unseen(self, group: int) -> int:
        """How many features the networks of a group do not see, from the first on."""
        return self.fixed - self.sizes.targets if group == OF_MEMORY else 0

    def _follow_ranges(self, targets: Values) -> None:
        for i, (value, last) in enumerate(zip(targets, self.history.newest(), strict=True)):
            if math.isfinite(value):
                self.heads.ranges[i].observe(float(value), float(last))

    def _admit(self, change: Change) -> None:
        """Slots that get another meaning are forgotten, and networks see those that are new."""
        self.columns.admit(change)
        inputs = self.fixed + self.slots
        grows = inputs > self.groups[OF_NEXT].training[0].topology.inputs
        for g, group in enumerate(self.groups):
            if change.forgotten or grows:
                group.complete_step()
            if grows:
                group.grow(inputs - self._unseen(g), group.training[0].topology.outputs)
        for slot in change.forgotten:
            self.heads.delays.forget(slot)
            feature = 1 + self.fixed + slot
            for g, group in enumerate(self.groups):
                group.forget_input(feature - 1 - self._unseen(g))
            if feature >= self.linear:
                continue
            for f in range(COVARIANCES):
                forget_feature(self.covariance[f], feature)
            self.heads.forget_feature(feature)
            self.ever_nonzero[feature] = 0

    def _take(self, event: Event, change: Change) -> Record:
        self._admit(change)
        records = self.pending.records
        for g, group in enumerate(self.groups):
            if g != OF_MEMORY and self.pending.is_inspection_due and not group.waiting:
                group.inspect()
        ahead = len(records) > 0
        record = self._encode(event)
        self._predict(record, [g.step(x, ahead=ahead) for g, x in self._each(record)])
        record.stepped = not ahead
        records.append(record)
        self._observe_columns(event)
        self._observe_delays(record)
        self.pending.events += 1
        return record

    def _look_at(self, event: Event) -> Record:
        record = self._encode(event)
        self._predict(record, [g.peek(x) for g, x in self._each(record)])
        return record

    def _each(self, record: Record) -> list[tuple[Ensemble, NDArray[np.float32]]]:
        """Each group with what it sees: the one for memory, the last surprises and the columns."""
        return [(group, record.inputs[self._unseen(g) :]) for g, group in enumerate(self.groups)]

    def _encode(self, event: Event) -> Record:
        m, k, t = len(self.heads.head), self.heads.predictors, self.sizes.targets
        return Record(
            seconds=event.seconds,
            features=self.features.encode(event),
            targets=np.full(m, math.nan),
            predictions=np.zeros((m, k)),
            blends=np.zeros((m, 2)),
            gains=np.zeros((COVARIANCES, self.linear)),
            taps=np.zeros((self.heads.delays.targets, TAPS)),
            delayed=np.zeros(t),
            number=self.pending.events + 1,
            **{name: np.zeros(m) for name in ("base", "plain", "blended", "remainder", "useful")},
        )

    def _predict(self, record: Record, outputs: list[NDArray[np.float32]]) -> None:
        self.heads.predict(record, self.seasons, outputs)

    def _compare(
        self,
        record: Record | None,
        targets: Values | None,
        how: Literal["learn", "follow", "score"],
        nth: int = 0,
    ) -> Outcome:
        event = self.pending.sequence + nth + 1
        if self.scorer is not None and how != "score":
            self.scorer.event = event
        if record is None:
            return Outcome()
        answer = record.answer.copy()
        if targets is None or self.scorer is None:
            return Outcome(answer)
        predicted = record.blended[:: self.horizon]
        seasonal = self.history.season(0).length > 0
        reference = SEASON_AND_SLOW_LEVEL if seasonal else SMOOTHED_SLOW
        level = record.predictions[:: self.horizon, reference]
        found = self.scorer.score(targets, predicted, how, level=level, event=event)
        expected, actual = float(predicted[found.target]), float(targets[found.target])
        of_alarm = (found.channel, found.alarm, found.alarm_target)
        return Outcome(answer, True, found.score, found.target, expected, actual, *of_alarm)

    # ---- what becomes part of the past ----

    def _observe_columns(self, event: Event) -> None:
        self.columns.observe(event)
        for value, level, slot in zip(
            event.numbers, self.columns.levels, self.columns.slot, strict=True
        ):
            self._observe_anchored(self.sizes.targets + slot, float(value), level)

    def _observe_delays(self, record: Record) -> None:
        self.heads.delays.observe(record.features[1 + self.fixed :])

    def _observe_targets(self, targets: Values, seconds: float) -> None:
        self._take_in(targets, seconds)
        if self.scorer is not None:
            self.scorer.follow_levels(self.history)
        for i, level in enumerate(self.history.level):
            self._observe_anchored(i, float(targets[i]), level)

    def _observe_anchored(self, nth: int, value: float, level: Level) -> None:
        anchors, targets = self.features.anchors, self.sizes.targets
        anchors.observe(nth, value)
        moved = anchors.follow(nth, level.mean, level.variance)
        feature = 1 + nth + (0 if nth < targets else self.fixed - targets)
        if moved is not None and feature < self.linear:
            weights = (self.heads.weights, self.heads.season_weights)
            active = self.ever_nonzero
            move_all(weights, self.covariance, active, self.pending.records, feature, *moved)

    def _keep_surprise(self, record: Record, targets: Values) -> None:
        for i in range(self.sizes.targets):
            left = self.heads.left_over(record, i, float(targets[i]), MOST_SURPRISE)
            self.heads.surprise[i] = left

    # ---- learning ----

    def _set_complete(self, record: Record, targets: Values) -> None:
        record.targets[:], record.complete = targets, True
        self._learn_heads(record, 0)

    def _learn_heads(self, record: Record, ahead: int) -> None:
        """What does not depend on the order of events, from targets that have just come."""
        there = np.isfinite(record.targets[ahead :: self.horizon]).any()
        if ahead == 0 and (there or self.horizon > 1):
            phi = record.features[: self.linear]
            self.ever_nonzero = np.where(phi != 0, 1.0, self.ever_nonzero)
            for f in range(COVARIANCES):
                record.gains[f], self.covariance[f] = linear_gain(
                    self.covariance[f], phi, self.ever_nonzero, FORGETTING[f]
                )
        for i in range(self.sizes.targets):
            counted, events = self.history.counted[i], self.pending.events
            self.heads.learn(record, i * self.horizon + ahead, counted, events)

    def _learn_complete(self) -> None:
        while self.pending.records and self.pending.records[0].complete:
            first = self.pending.records[0]
            self._observe_targets(first.targets, first.seconds)
            self._learn_next(first, stepped=first.stepped)
            self._learn_first()

    def _learn_next(self, record: Record, *, stepped: bool) -> None:
        """The networks of what comes next learn an event whose targets are there, or missing."""
        near = slice(None, None, self.horizon)
        remembered = [
            self.heads.left_over(record, i, float(target), MOST_REMEMBERED)
            for i, target in enumerate(record.targets[near])
        ]
        self._learn_networks(OF_NEXT, record, record.remainder[near], near, stepped=stepped)
        self._learn_networks(OF_MEMORY, record, np.array(remembered), near, stepped=stepped)

    def _learn_first(self) -> None:
        """Those that look further ahead learn the event that has waited longest."""
        record = self.pending.records[0]
        if len(self.groups) > OF_FAR:
            every = slice(None)
            self._learn_networks(OF_FAR, record, record.remainder, every, stepped=record.stepped)
        self.pending.remove_first()
        if not self.pending.records:
            for group in self.groups:
                group.merge()

    def _learn_networks(
        self, g: int, record: Record, target: Values, heads: slice, *, stepped: bool
    ) -> None:
        group, x = self._each(record)[g]
        useful = record.useful[heads] != 0
        wanted = target.astype(np.float32) if useful.any() else None
        group.learn(x, stepped=stepped, target=wanted, useful=useful)

    # ---- what it holds, by the names of the block's parts ----

    def parts(self) -> dict[str, Values]:
        scorer, anchors = self.scorer or AnomalyScorer(0), self.features.anchors
        return {
            **self.columns.parts(self.slots),
            **parts_of(self.groups),
            **scorer.parts(),
            **self.pending.parts(),
            **self.history.parts(),
            **self.seasons.parts(),
            **self.heads.parts(),
            "covariance": np.array([packed(covariance) for covariance in self.covariance]),
            "ever nonzero": self.ever_nonzero,
            "anchor mean": anchors.mean,
            "anchor spread": anchors.spread,
            "anchor reach": anchors.reach,
        }

    def records(self) -> list[dict[str, Values]]:
        """The events that wait."""
        return [parts_of_record(record) for record in self.pending.records]
