"""Predicting numbers: naive predictors, linear ones, networks that learn what these leave, blended.

All of that is computed by kernels/stream/numbers.hpp; this file knows the columns' names.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lethe import _kernel
from lethe.core._objects import shown
from lethe.model.alarms import SEEN, alarm_of, set_rules
from lethe.model.early import NOTHING
from lethe.model.encoder import Encoder
from lethe.model.networks import Ensemble
from lethe.model.number_parts import input_names, lags_of, number_groups
from lethe.model.parameters import Parameters
from lethe.model.prediction import Numbers, Prediction
from lethe.model.predictor import Reading, Waiting, capacity
from lethe.model.report import Report
from lethe.model.rows import plain_event, row_of
from lethe.model.slots import SlotPlan
from lethe.model.values import ABSURD, number_of
from lethe.model.words import size_of_targets

__all__ = ["NumberPredictor"]

Array = NDArray[np.float64]
Outcome = tuple[bytes | None, bool, float, int, float, float, int, int, int]

#: Columns that are predicted without being named: the networks' weights grow with their square.
MOST_TARGETS = 500


class NumberPredictor:
    """Predicts the targets of a stream of numbers, each so many events ahead.

    Parameters
    ----------
    parameters : Parameters
        What the model was made with.
    targets : tuple of str
        The columns that are predicted.
    encoder : Encoder
        The columns by name.
    generator : numpy.random.Generator
        Draws weights.
    timed : bool
        Whether events have times.
    slots, pending : int
        Room for what columns say, and for events that wait for their targets.
    """

    def __init__(
        self,
        parameters: Parameters,
        targets: tuple[str, ...],
        encoder: Encoder,
        generator: np.random.Generator,
        *,
        timed: bool,
        slots: int,
        pending: int = 1,
    ) -> None:
        self.parameters = parameters
        self.targets = targets
        self.encoder = encoder
        encoder.words.size = size_of_targets(targets)
        self.waiting = Waiting(encoder.words)
        self.timed = timed
        self.ensemble = Ensemble(number_groups(parameters, len(targets), timed, slots), generator)
        self.stream = _kernel.NumberStream(
            len(targets),
            parameters.horizon,
            lags_of(len(targets)),
            *parameters.periods,
            timed,
            slots,
            pending,
            parameters.detect,
            [group.described() for group in self.ensemble.groups],
        )

    @classmethod
    def first(
        cls,
        parameters: Parameters,
        encoder: Encoder,
        generator: np.random.Generator,
        event: object,
        later: tuple[str, ...] = (),
    ) -> Self:
        """A predictor for a stream that begins with this event.

        Without a target the columns of numbers are predicted, and `later`: those that the event
        has no value in, and that hold numbers. Where there is none, and one may yet come, its
        target is `NOTHING`.

        Raises
        ------
        ValueError
            If the event cannot be read, or nothing in it can be predicted.
        """
        columns = plain_event(event)
        read = encoder.read(columns)
        found = encoder.number_columns(read)
        empty = tuple(name for name in encoder.empty_columns(read) if name in columns)
        # Columns that come late must not be too many by that: then the first of them are.
        more = {*found, *later[: max(MOST_TARGETS - len(found), 0)]}
        targets = parameters.target or tuple(name for name, _ in read.new if name in more)
        if not targets and empty:
            targets = NOTHING
        if not targets:
            raise ValueError("event must have a column of numbers to predict, got none")
        if not parameters.target and len(targets) > MOST_TARGETS:
            raise ValueError(
                f"event must have at most {MOST_TARGETS} columns of numbers where no target is "
                f"named, got {len(targets):,}: target says which are to be predicted"
            )
        fields = encoder.read(columns, targets)
        plan = SlotPlan(0)
        encoder.plan(fields, lambda: np.zeros(0), plan)
        timed = encoder.time is not None or plan.time is not None
        made = cls(parameters, targets, encoder, generator, timed=timed, slots=capacity(plan.used))
        encoder.words.check(0, made.stream.size)
        made.stream.start()
        made.stream.view("declared range")[:] = parameters.bounds
        set_rules(made.stream, targets, parameters.alarms, () if parameters.target else empty)
        made.ensemble.draw_first_weights(made.stream)
        return made

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        twin = copy.copy(self)
        twin.encoder, twin.waiting, twin.ensemble = copy.deepcopy(
            (self.encoder, self.waiting, self.ensemble), memo
        )
        twin.stream = self.stream.clone()
        return twin

    # ---- reading: nothing changes ----

    def read(
        self, event: object, target: object, has_target: bool, id: str | int | None
    ) -> Reading:
        """Take an event and its target apart."""
        own = not has_target
        if own and id is not None:
            own = any(name in plain_event(event) for name in self.targets)
        # Most events of most streams are floats in the columns of the first.
        if type(event) is dict and self.encoder.is_plain:
            names, time = self.encoder.number_names, self.encoder.time
            read = _kernel.read_event(event, names, self.targets if own else (), None, time, ABSURD)
            if read is not None:
                if type(target) is float and -ABSURD < target < ABSURD and len(self.targets) == 1:
                    read.set_target(target)
                elif has_target:
                    read.set_targets(self._given(target))
                return Reading(read, None, is_late=not read.has_targets)
        columns = plain_event(event)
        fields = self.encoder.read(columns, self.targets, self._gap)
        if has_target:
            return Reading(None, fields, self._given(target))
        if not own:
            return Reading(None, fields, is_late=True)
        values = [number_of(name, columns.get(name), self.encoder.bad) for name in self.targets]
        return Reading(None, fields, np.array(values))

    def _gap(self) -> float:
        return float(self.stream.view("gap")[0])

    def _given(self, target: object) -> Array:
        """A target that was given apart from its event: a number for each of the targets."""
        names = self.targets
        if target is None:
            return np.full(len(names), math.nan)
        row = row_of(target)
        if isinstance(row, Mapping):
            unknown = [name for name in row if type(name) is not str or name not in names]
            if unknown:
                raise ValueError(
                    f"target must have {', '.join(names)} alone, got {shown(unknown[0])}"
                )
            row = [row.get(name) for name in names]
        values = [target] if row is None else row
        if len(values) != len(names):
            raise ValueError(
                f"target must have {len(names)} numbers ({', '.join(names)}), got {len(values)}"
            )
        bad = self.encoder.bad
        return np.array([number_of(n, value, bad) for n, value in zip(names, values, strict=True)])

    def _encoded(
        self, reading: Reading, slots: list[int], more: Sequence[float] = ()
    ) -> _kernel.EncodedEvent:
        """An event for the compiled code: the slots that its categories fill, new numbers."""
        fields = reading.known_fields()
        target = reading.target if isinstance(reading.target, np.ndarray) else None
        numbers = np.concatenate((fields.numbers, more)) if more else fields.numbers
        return _kernel.EncodedEvent(numbers, slots, fields.seconds, target)

    # ---- taking events in ----

    def learn(self, reading: Reading, id: str | int | None) -> Report:
        """Take an event in, and learn from every target that is there."""
        event, changes = reading.event, None
        if event is None or id is not None:
            plan = SlotPlan(self.stream.slots_used)
            if event is None:
                fields = reading.known_fields()
                self.encoder.plan(fields, lambda: self.stream.view("column missing slot"), plan)
                event = self._encoded(reading, plan.filled, plan.new_numbers)
            if id is not None:
                number = self.stream.pending_sequence + self.stream.pending_count
                plan.add(self.waiting.ids, id, number)
                if not reading.is_late:
                    plan.add(self.waiting.complete, number, None)
            changes = self._changes(plan)
        outcome = self.stream.learn(event, changes, self.parameters.max_delay, self._redraw)
        if self.waiting.ids:
            self.settle()
        return self._report(outcome)

    def learn_target(self, number: int, target: object) -> Report:
        """Take in the target of an event that waits for it."""
        plan = SlotPlan(-1)
        plan.add(self.waiting.complete, number, None)
        outcome = self.stream.learn_targets(number, self._given(target), self._changes(plan))
        self.settle()
        return self._report(outcome)

    def settle(self) -> None:
        """Forget the ids of events that have been learned from."""
        self.waiting.prune(self.stream.pending_sequence)

    def follow(self, reading: Reading) -> Report:
        """Take an event in without learning from it."""
        return self._report(self.stream.follow(self._known(reading)))

    def score(self, reading: Reading) -> Report:
        """What `learn` would report; nothing changes."""
        return self._report(self.stream.score(self._known(reading)))

    def predict(self, event: object = None) -> Prediction:
        """What was answered to the last event, or would be to this one; nothing changes."""
        if event is None:
            return self._prediction(self.stream.predict(None))
        read = None
        if type(event) is dict and self.encoder.is_plain:
            names, time = self.encoder.number_names, self.encoder.time
            read = _kernel.read_event(event, names, (), None, time, ABSURD)
        if read is None:
            fields = self.encoder.read(plain_event(event), self.targets, self._gap)
            read = self._known(Reading(None, fields))
        return self._prediction(self.stream.predict(read))

    def _known(self, reading: Reading) -> _kernel.EncodedEvent:
        if reading.event is not None:
            return reading.event
        return self._encoded(reading, self.encoder.slots(reading.known_fields()))

    def _changes(self, plan: SlotPlan) -> _kernel.Changes | None:
        return self.encoder.changes(plan, self.stream.size)

    def _redraw(self, network: int, layer: int, block: int) -> None:
        self.ensemble.redraw(self.stream, network, layer, block)

    # ---- answers ----

    def _prediction(self, answer: bytes | None) -> Prediction:
        if answer is None:
            return Prediction(None, (self.targets, max(self.parameters.horizon, 1)))
        stream = self.stream
        return Prediction(Numbers(answer, self.targets, stream.residuals, stream.residual_counts))

    def _report(self, outcome: Outcome) -> Report:
        answer, scored, score, which, expected, actual, channel, alarm, alarm_of_target = outcome
        prediction = self._prediction(answer)
        if not scored:
            return Report(prediction)
        column, seen = self.targets[which], SEEN[channel]
        report = Report(prediction, score, column, expected, actual, seen=seen)
        if alarm:
            row = self.stream.view("alarm")[alarm_of_target]
            report.alarm = alarm_of(row, self.targets[alarm_of_target])
        return report

    @property
    def places(self) -> None:
        """Numbers have no classes."""
        return None

    @property
    def input_names(self) -> list[str]:
        """What the networks' inputs are, in order: of the targets' past, then of the columns."""
        return input_names(self.parameters, self.targets, self.timed, self.stream.slots)
