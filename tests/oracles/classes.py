"""What kernels/stream/classes.hpp computes, a second time: slowly, in plain Python and NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from oracles.anomaly import AnomalyScorer
from oracles.columns import Columns
from oracles.ensemble import Ensemble
from oracles.ensemble import parts_of as parts_of_networks
from oracles.events import Arrival, Change, Event, Values, doubled
from oracles.experts import EXPERTS, Experts, no_parts
from oracles.history import DAY, WEEK, YEAR
from oracles.pending import Pending
from oracles.stacking import Stacking

from lethe import Network

CLASS_FADING, FIRST_COUNT = 0.999, 0.5
LEAST_OUTPUT, LEAST_PROBABILITY, SHARED_WEIGHT = 1e-6, 1e-12, 0.002
NAIVE_CLASSES = 2
TURNS = np.array([1 / DAY, 2 / DAY, 1 / WEEK, 1 / YEAR, 2 / YEAR]) * 6.283185307179586


@dataclass
class Record:
    """An event whose class is not there yet."""

    seconds: float
    symbol: int
    features: Values
    predictions: Values  # (predictors, classes known then); class 0 is any new one
    answered: Values
    then: int = 0  # the class's place when it was predicted; 0 where it was new
    stepped: bool = False
    complete: bool = False


class Outcome(NamedTuple):
    answer: Values | None = None
    best: int = 0
    scored: bool = False
    score: float = 0.0
    channel: int = 0
    alarm: int = 0


class ClassStreamOracle:
    """A stream of classes, or symbols: naive predictors, experts and networks, weighed, stacked."""

    def __init__(
        self,
        *,
        ahead: bool,
        timed: bool,
        symbols: bool,
        slots: int,
        classes: int,
        networks: list[Network],
        scored: bool,
    ) -> None:
        self.ahead, self.timed, self.symbols = ahead, timed and not symbols, symbols
        self.slots, self.classes = slots, classes
        self.fixed = 10 * self.timed
        self.columns = Columns(used=1)  # the slot of other classes
        self.ensemble = Ensemble(networks)
        self.pending: Pending[Record] = Pending()
        self.scorer = AnomalyScorer(1) if scored else None
        # What is scored instead of this oracle's own answer, which differs by rounding: equal
        # surprises must be equal to the bit, since the scorer ranks them.
        self.scored: Values | None = None
        self.known, self.last, self.events = 1, 0, 0
        self.counts = np.zeros(classes)
        self.slot = np.zeros(classes)
        self.repeats, self.fresh = np.array([1.0, 2.0]), np.array([1.0, 2.0])
        predictors = NAIVE_CLASSES + len(networks) + (0 if symbols else EXPERTS)
        self.weights = np.full(predictors, 1 / predictors)
        self.experts = None if symbols else Experts(self.fixed, slots, classes)
        self.stacking = None if symbols else Stacking(predictors)

    # ---- what is called ----

    def learn(
        self, event: Event, change: Change | None, came: Arrival | None, max_delay: int = 1000
    ) -> Outcome:
        change = change or Change()
        records = self.pending.records
        if self.ahead:
            assert came is not None
            if change.early:
                self._admit(change)
            outcome = self._compare(self.pending.newest, came, "learn", len(records))
            for record in records:
                self._set_class(record, came)
            if not came.missing:
                self._observe(came)
            if records:
                self._learn_first(came)
            self._take(event, Change() if change.early else change)
            return outcome
        record = self._take(event, change)
        outcome = self._compare(record, came, "learn", len(records) - 1)
        if came is not None:
            self._set_class(record, came)
            record.complete = True
            if len(records) == 1:
                self.learn_complete(came)
                return outcome
        if len(records) > max_delay:
            self.pending.missed += 1
            records[0].complete = True
        return outcome

    def set_pending_class(self, sequence: int, came: Arrival) -> Outcome:
        nth = sequence - self.pending.sequence
        record = self.pending.records[nth]
        outcome = self._compare(record, came, "learn", nth)
        self._set_class(record, came)
        record.complete = True
        return outcome

    @property
    def is_first_complete(self) -> bool:
        return bool(self.pending.records) and self.pending.records[0].complete

    def learn_complete(self, came: Arrival) -> None:
        if not came.missing:
            self._observe(came)
        self._learn_first(came)

    def follow(self, event: Event, came: Arrival) -> Outcome:
        self.pending.following = True
        self.ensemble.fork()
        if self.ahead:
            waiting = len(self.pending.records)
            outcome = self._compare(self.pending.newest, came, "follow", waiting)
            self.last = self.last if came.missing else came.before
        self.pending.clear()
        record = self._encode(event)
        self._predict(record, self.ensemble.step(self._inputs(record), ahead=True))
        self.pending.events += 1
        if self.ahead:
            self.pending.records.append(record)
            return outcome
        outcome = self._compare(record, came, "follow")
        self.last = self.last if came.missing else came.before
        self.pending.sequence += 1
        return outcome

    def score(self, event: Event, came: Arrival) -> Outcome:
        return self._compare(
            self.pending.newest if self.ahead else self._look_at(event), came, "score"
        )

    def predict(self, event: Event | None) -> Values | None:
        record = self.pending.newest if event is None else self._look_at(event)
        return None if record is None else record.answered

    # ---- an event ----

    def _inputs(self, record: Record) -> NDArray[np.float32] | int:
        if self.symbols:
            return record.symbol
        inputs = self.fixed + self.slots
        return np.pad(record.features, (0, inputs - len(record.features))).astype(np.float32)

    def _take(self, event: Event, change: Change) -> Record:
        self._admit(change)
        records = self.pending.records
        ahead = len(records) > 0
        if self.pending.is_inspection_due and not (ahead and records[0].stepped):
            self.ensemble.inspect()
        record = self._encode(event)
        self._predict(record, self.ensemble.step(self._inputs(record), ahead=ahead))
        record.stepped = not ahead
        records.append(record)
        self.columns.observe(event)
        self.pending.events += 1
        return record

    def _look_at(self, event: Event) -> Record:
        record = self._encode(event)
        self._predict(record, self.ensemble.peek(self._inputs(record)))
        return record

    def _admit(self, change: Change) -> None:
        if change.forgotten or change.used > self.slots:
            self.ensemble.complete_step()
        self._reserve(change.used, self.classes)
        used = self.columns.used
        self.columns.admit(change)
        self._start_slots(used)
        for slot in change.forgotten:
            self._forget_slot(slot)

    def _start_slots(self, used: int) -> None:
        if self.experts is not None:
            self.experts.start_slots(used, self.columns.used)

    def _forget_slot(self, slot: int) -> None:
        self.ensemble.forget_input(self.fixed + slot)
        if self.experts is not None:
            self.experts.forget_slot(slot)

    def _reserve(self, slots: int, classes: int) -> None:
        """Room for so many slots and classes."""
        slots, classes = doubled(self.slots, slots), doubled(self.classes, classes)
        if (slots, classes) == (self.slots, self.classes):
            return
        self.ensemble.grow(self.fixed + slots, classes)
        self.counts = np.pad(self.counts, (0, classes - self.classes))
        self.slot = np.pad(self.slot, (0, classes - self.classes))
        self.slots, self.classes = slots, classes
        if self.experts is not None:
            self.experts.grow(slots, classes)

    def _compare(
        self,
        record: Record | None,
        came: Arrival | None,
        how: Literal["learn", "follow", "score"],
        nth: int = 0,
    ) -> Outcome:
        event = self.pending.sequence + nth + 1
        if self.scorer is not None and how != "score":
            self.scorer.event = event
        if record is None:
            return Outcome()
        answered = record.answered.copy()
        best = 1 + int(np.argmax(answered[1:])) if len(answered) > 1 else 0
        if came is None or came.missing or self.scorer is None:
            return Outcome(answered, best)
        known = came.before if came.before < len(answered) else 0
        probability = float((answered if self.scored is None else self.scored)[known])
        surprise = -math.log(max(probability, LEAST_PROBABILITY))
        of: Literal["classes", "new_class"] = "classes" if came.before else "new_class"
        found = self.scorer.score([surprise], [0.0], how, event=event, of=of)
        return Outcome(answered, best, True, found.score, found.channel, found.alarm)

    def _encode(self, event: Event) -> Record:
        features = np.zeros(0)
        if not self.symbols:
            columns = self.columns.encode(event, self.slots)
            if self.last:
                columns[int(self.slot[self.last])] = 1.0
            angles = event.seconds * TURNS
            known = math.isfinite(event.seconds)
            calendar = np.concatenate((np.sin(angles), np.cos(angles))) if known else np.zeros(10)
            features = np.concatenate((calendar[: self.fixed], columns))
        nothing = np.empty((0, 0))
        return Record(event.seconds, event.symbol, features, nothing, nothing)

    def _predict(self, record: Record, outputs: NDArray[np.float32]) -> None:
        """What all predictors say, and their mean."""
        n = self.known
        predictions = np.zeros((len(self.weights), n))
        record.predictions = predictions
        if n == 1:
            predictions[:, 0] = 1.0
            record.answered = np.ones(1)
            return
        frequency = self.counts[1:n] + FIRST_COUNT
        frequency /= frequency.sum()
        predictions[0, 1:] = frequency
        again = self.repeats[0] / self.repeats[1] if self.last else 0.0
        predictions[1, 1:] = (1 - again) * frequency
        predictions[1, self.last] += again
        if self.experts is not None:
            predictions[NAIVE_CLASSES : NAIVE_CLASSES + EXPERTS, 1:] = self.experts.predict(
                record.features, frequency, self.slot[1:n]
            )
        for r, output in enumerate(outputs, len(self.weights) - len(outputs)):
            given = output[1:n].astype(np.float64) + LEAST_OUTPUT
            predictions[r, 1:] = given / given.sum()
        fresh = self.fresh[0] / self.fresh[1]
        predictions *= 1 - fresh
        predictions[:, 0] = fresh
        record.answered = self.weights @ predictions
        if self.stacking is not None:
            stacked = self.stacking.predict(predictions[:, 1:])
            record.answered[1:] = self.stacking.share[0] * (1 - fresh) * stacked + (
                self.stacking.share[1] * record.answered[1:]
            )

    # ---- learning ----

    @staticmethod
    def _set_class(record: Record, came: Arrival) -> None:
        record.then = came.before if came.before < len(record.answered) else 0

    def _observe(self, came: Arrival) -> None:
        """A class becomes part of the past."""
        self.events += 1
        rate = max(1 / (self.events + 2), 1 - CLASS_FADING)
        again = float(came.before == self.last and came.before > 0)
        self.repeats += rate * (np.array([again, 1.0]) - self.repeats)
        self.fresh += [float(came.before == 0), 1.0]
        if not came.before:
            self._admit_class(came)
        self.counts *= CLASS_FADING
        self.counts[came.place] += 1.0
        self.last = came.place

    def _admit_class(self, came: Arrival) -> None:
        """A class that is new takes a place that is free, or that of the least recently used."""
        before = self.classes
        if came.place >= self.classes or came.slot >= self.slots:
            self.ensemble.complete_step()
            self._reserve(came.slot + 1, came.place + 1)
            if self.classes > before:
                self.ensemble.start_outputs_low(before)
        self.slot[came.place] = came.slot
        if came.evicts:
            self.ensemble.complete_step()
            self.counts[came.place] = 0.0
            self.ensemble.forget_output(came.place)
            if self.experts is not None:
                self.experts.forget_class(came.place)
                self._forget_slot(came.slot)
            return
        self.known = came.place + 1
        if not self.symbols:
            used = self.columns.used
            self.columns.used = max(used, came.slot + 1)
            self._start_slots(used)

    def _learn_first(self, came: Arrival) -> None:
        record = self.pending.records[0]
        target = None
        if not came.missing:
            likelihoods = record.predictions[:, record.then]
            if self.stacking is not None and record.then and len(record.answered) > 2:
                said = self.stacking.learn(record.predictions[:, 1:], record.then - 1)
                self.stacking.learn_share(
                    (1 - record.predictions[0, 0]) * said, float(self.weights @ likelihoods)
                )
            weights = self.weights * np.maximum(likelihoods, LEAST_PROBABILITY)
            weights /= weights.sum()
            self.weights = (1 - SHARED_WEIGHT) * weights + SHARED_WEIGHT / len(weights)
            target = came.place
            if self.experts is not None:
                self.experts.learn(record.features, came.place, self.known)
        self.ensemble.learn(self._inputs(record), stepped=record.stepped, target=target)
        self.pending.remove_first()
        if not self.pending.records:
            self.ensemble.merge()

    # ---- what it holds, by the names of the block's parts ----

    def parts(self) -> dict[str, Values]:
        scorer = self.scorer or AnomalyScorer(0)
        return {
            **self.columns.parts(self.slots),
            **parts_of_networks([self.ensemble]),
            **scorer.parts(),
            **self.pending.parts(),
            "classes known": np.array([self.known]),
            "last class": np.array([self.last]),
            "class events": np.array([self.events]),
            "class counts": self.counts,
            "class slot": self.slot,
            "repeats": self.repeats,
            "fresh": self.fresh,
            "weights": self.weights,
            **(no_parts() if self.experts is None else self.experts.parts()),
            **(Stacking(0) if self.stacking is None else self.stacking).parts(),
        }

    def records(self) -> list[dict[str, Values]]:
        """The events that wait, by the names and in the order of a record's parts."""
        found = []
        for record in self.pending.records:
            known, more = len(record.answered), self.classes - len(record.answered)
            features = np.zeros(0)
            if not self.symbols:
                features = np.zeros(self.fixed + self.slots)
                features[: len(record.features)] = record.features
            found.append(
                {
                    "seconds": np.array(record.seconds),
                    "stepped": np.array(record.stepped),
                    "complete": np.array(record.complete),
                    "symbol": np.array(record.symbol),
                    "features": features,
                    "known": np.array(known),
                    "then": np.array(record.then),
                    "predictions": np.pad(record.predictions, ((0, 0), (0, more))),
                    "answered": np.pad(record.answered, (0, more)),
                }
            )
        return found
