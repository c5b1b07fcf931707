"""Predicting classes and symbols: how often, the last again, experts, networks; all are weighed.

All of that is computed by kernels/stream/classes.hpp on one block of memory; this file knows the
classes' names.
"""

from __future__ import annotations

import copy
from typing import Self

import numpy as np

from lethe import _kernel
from lethe.core.topology import Topology
from lethe.model.alarms import PEAK, SEEN, alarm_of, set_rules
from lethe.model.encoder import Encoder, Fields
from lethe.model.networks import Ensemble, Group
from lethe.model.parameters import Parameters
from lethe.model.prediction import Classes, Prediction
from lethe.model.predictor import INITIAL_CAPACITY, Reading, Waiting, capacity
from lethe.model.report import Report
from lethe.model.rows import plain_event
from lethe.model.slots import SlotPlan, use_slot
from lethe.model.values import ABSURD, category_of, is_missing, label_of
from lethe.model.words import size_of_targets

__all__ = ["EXPERTS", "NAIVE", "SYMBOL", "ClassPredictor", "network_topology"]

Outcome = tuple[bytes | None, int, bool, float, int, int]

#: The naive predictors: how often each class came lately, and the last class again.
NAIVE = ("frequency", "last class")

#: The experts that learn from an event's columns: the classes of the nearest of the last events,
#: trees grown from these, naive Bayes, softmax regression by gradients and by Newton's method.
#: Streams of symbols have none.
EXPERTS = (
    "4 nearest events", "20 nearest events", "forest", "naive Bayes", "softmax regression",
    "softmax, Newton",
)  # fmt: skip

#: The column that a symbol stands in.
SYMBOL = "symbol"

_WAVES = 5  # of the calendar: day, half day, week, year, half year


def network_topology(inputs: int, outputs: int, cells: int, layers: int) -> Topology:
    """The network for classes: shortcuts make it a superset of logistic regression."""
    return Topology(
        inputs=inputs,
        outputs=outputs,
        blocks=cells,
        layers=layers,
        shortcuts=True,
        output_units="softmax",
        cell_input="tanh",
        cell_output="tanh",
        input_gate_bias=0.0,
        forget_gate_bias=1.0,
        output_gate_bias=0.0,
        initial_range=0.1,
    )


class ClassPredictor:
    """A distribution over the classes so far, and the chance of one that is new.

    Parameters
    ----------
    parameters : Parameters
        What the model was made with.
    column : str
        The column of classes.
    encoder : Encoder
        The columns by name; `column` is declared.
    generator : numpy.random.Generator
        Draws weights.
    timed : bool
        Whether events have times.
    slots, classes, pending : int
        Room for what columns say, for classes, and for events that wait for theirs.
    """

    def __init__(
        self,
        parameters: Parameters,
        column: str,
        encoder: Encoder,
        generator: np.random.Generator,
        *,
        timed: bool,
        slots: int,
        classes: int = INITIAL_CAPACITY,
        pending: int = 1,
    ) -> None:
        self.parameters = parameters
        self.column = column
        self.targets: tuple[str, ...] = (column,)
        self.encoder = encoder
        encoder.words.size = size_of_targets([column])
        self.waiting = Waiting(encoder.words)
        self.symbols = symbols = parameters.task == "symbols"
        self.timed = timed
        self.classes: dict[str, int] = {}  # the place of each, the least recently used first
        self.keys: list[str] = [""]  # by place; 0 is any new class
        inputs = slots + (2 * _WAVES if timed and not symbols else 0)
        topology = network_topology(inputs, classes, parameters.cells, parameters.layers)
        self.ensemble = Ensemble([Group.of_rates(topology, parameters.rates)], generator)
        self.stream = _kernel.ClassStream(
            parameters.horizon,
            timed,
            symbols,
            slots,
            classes,
            pending,
            parameters.detect,
            *self.ensemble.groups[0].described(),
        )

    @classmethod
    def first(
        cls,
        parameters: Parameters,
        column: str,
        encoder: Encoder,
        generator: np.random.Generator,
        event: object,
    ) -> Self:
        """A predictor for a stream that begins with this event.

        Raises
        ------
        ValueError
            If the event cannot be read.
        """
        symbols = parameters.task == "symbols"
        skip = () if symbols else (column,)
        fields = encoder.read(_columns(event, symbols), skip)
        plan = SlotPlan(1)
        encoder.plan(fields, lambda: np.zeros(0), plan)
        timed = encoder.time is not None or plan.time is not None
        slots = capacity(plan.used)
        made = cls(parameters, column, encoder, generator, timed=timed, slots=slots)
        made.stream.start()
        set_rules(made.stream, (made.column,), parameters.alarms)
        made.ensemble.draw_first_weights(made.stream)
        return made

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        twin = copy.copy(self)
        twin.encoder, twin.waiting, twin.ensemble = copy.deepcopy(
            (self.encoder, self.waiting, self.ensemble), memo
        )
        twin.classes, twin.keys = self.classes.copy(), self.keys.copy()
        twin.stream = self.stream.clone()
        return twin

    # ---- reading: nothing changes ----

    def read(
        self, event: object, target: object, has_target: bool, id: str | int | None
    ) -> Reading:
        """Take an event and its class apart."""
        if self.symbols:
            symbol = self.encoder.read(_columns(event, True))
            return Reading(None, symbol, category_of(SYMBOL, event))
        read = None
        if type(event) is dict and self.encoder.is_plain:
            names, time = self.encoder.number_names, self.encoder.time
            read = _kernel.read_event(event, names, (), self.column, time, ABSURD)
        columns = plain_event(event)
        fields = self.encoder.read(columns, self.targets) if read is None else None
        if not has_target and id is not None and self.column not in columns:
            return Reading(read, fields, is_late=True)
        if not has_target:
            target = columns.get(self.column)
        return Reading(read, fields, self._given(target))

    def _given(self, target: object) -> str | None:
        missing = is_missing(self.column, target, self.encoder.bad)
        return None if missing else category_of(self.column, target)

    def _encoded(self, fields: Fields, slots: list[int], more: list[float]) -> _kernel.EncodedEvent:
        """An event for the compiled code: the slots that its categories fill, new numbers."""
        numbers = np.concatenate((fields.numbers, more)) if more else fields.numbers
        symbol = slots[0] if self.symbols and slots else 0
        return _kernel.EncodedEvent(
            numbers, [] if self.symbols else slots, fields.seconds, None, symbol
        )

    def _known(self, reading: Reading) -> _kernel.EncodedEvent:
        if reading.event is not None:
            return reading.event
        fields = reading.known_fields()
        return self._encoded(fields, self.encoder.slots(fields), [])

    def _arrival(self, key: str | None) -> _kernel.Arrival:
        """A class that came, while nothing is learned of it."""
        before = 0 if key is None else self.classes.get(key, 0)
        return _kernel.Arrival(before, before or len(self.keys), 0, False, key is None)

    # ---- taking events in ----

    def learn(self, reading: Reading, id: str | int | None) -> Report:
        """Take an event in, and learn from every class that is there."""
        self.settle()
        stream, keys = self.stream, self.keys
        number = stream.pending_sequence + stream.pending_count
        plan = SlotPlan(stream.slots_used)
        arrival = None
        key = _class_of(reading)
        ahead = self.parameters.horizon > 0
        learned_at_once = not reading.is_late and (ahead or not stream.pending_count)
        # With a horizon the class comes before the event's columns, unless columns are new.
        is_class_first = ahead and not (reading.fields and reading.fields.new)
        if learned_at_once and is_class_first:
            arrival = self._plan_class(key, plan)
        event = reading.event
        if event is None:
            fields = reading.known_fields()
            self.encoder.plan(fields, lambda: stream.view("column missing slot"), plan)
            event = self._encoded(fields, plan.filled, plan.new_numbers)
        used = plan.used
        if learned_at_once and not is_class_first:
            arrival = self._plan_class(key, plan)
            plan.used = used  # the class takes its slot when it is learned
        elif not learned_at_once and not reading.is_late:
            arrival = self._arrival(key)
            plan.add(self.waiting.complete, number, key)
        if id is not None:
            plan.add(self.waiting.ids, id, number)
        outcome = stream.learn(
            event, self._changes(plan), arrival, self.parameters.max_delay, self._redraw
        )
        self.settle()
        return self._report(outcome, key, keys)

    def learn_target(self, number: int, target: object) -> Report:
        """Take in the class of an event that waits for it."""
        self.settle()
        key, keys = self._given(target), self.keys
        plan = SlotPlan(-1)
        plan.add(self.waiting.complete, number, key)
        outcome = self.stream.set_pending_class(number, self._arrival(key), self._changes(plan))
        self.settle()
        return self._report(outcome, key, keys)

    def settle(self) -> None:
        """Learn from every event that no earlier one holds up, one call each.

        Ctrl-C may end this between two of them; whatever comes next goes on with it.
        """
        stream = self.stream
        while stream.is_first_complete():
            number = stream.pending_sequence
            plan = SlotPlan(stream.slots_used)
            arrival = self._plan_class(self.waiting.complete.get(number), plan)
            if number in self.waiting.complete:
                plan.remove(self.waiting.complete, number)
            stream.learn_complete(arrival, plan.changes(self.encoder.words, None), self._redraw)
        if self.waiting.ids:
            self.waiting.prune(stream.pending_sequence)

    def _plan_class(self, key: str | None, plan: SlotPlan) -> _kernel.Arrival:
        """Use a class: it becomes the most recently used, and takes a place if it is new."""
        if key is None:
            return self._arrival(None)
        slot, before, most = 0, self.classes.get(key, 0), self.parameters.categories
        if not self.symbols:
            slot, _ = use_slot(self.encoder.categories[self.column].slots, key, most, plan)
        if before:
            if next(reversed(self.classes)) != key:
                plan.move_to_end(self.classes, key)
            return _kernel.Arrival(before, before, slot, False, False)
        if len(self.classes) < most:
            place = len(self.keys)
            plan.edits.append((self.keys, None, key))
            plan.add(self.classes, key, place)
            return _kernel.Arrival(0, place, slot, False, False)
        # The class that was used least recently gives way. Earlier predictions keep their names.
        oldest = next(iter(self.classes))
        place = self.classes[oldest]
        keys = self.keys.copy()
        keys[place] = key
        plan.edits.append((self, "keys", keys))
        plan.remove(self.classes, oldest)
        plan.add(self.classes, key, place)
        return _kernel.Arrival(0, place, slot, True, False)

    def follow(self, reading: Reading) -> Report:
        """Take an event in without learning from it."""
        self.settle()
        key = _class_of(reading)
        outcome = self.stream.follow(self._known(reading), self._arrival(key))
        return self._report(outcome, key, self.keys)

    def score(self, reading: Reading) -> Report:
        """What `learn` would report; nothing changes."""
        self.settle()
        key = _class_of(reading)
        outcome = self.stream.score(self._known(reading), self._arrival(key))
        return self._report(outcome, key, self.keys)

    def predict(self, event: object = None) -> Prediction:
        """What was answered to the last event, or would be to this one; nothing changes."""
        self.settle()
        if event is None:
            return self._prediction(self.stream.predict(None), self.keys)
        known = self._known(self.read(event, None, True, None))
        return self._prediction(self.stream.predict(known), self.keys)

    def _changes(self, plan: SlotPlan) -> _kernel.Changes | None:
        return self.encoder.changes(plan, self.stream.size)

    def _redraw(self, network: int, layer: int, block: int) -> None:
        self.ensemble.redraw(self.stream, network, layer, block)

    # ---- answers ----

    @staticmethod
    def _prediction(answer: bytes | None, keys: list[str]) -> Prediction:
        return Prediction(None if answer is None else Classes(answer, keys))

    def _report(self, outcome: Outcome, key: str | None, keys: list[str]) -> Report:
        answer, _, scored, score, channel, alarm = outcome
        prediction = self._prediction(answer, keys)
        if not scored or key is None:
            return Report(prediction)
        expected, actual, seen = prediction.value, label_of(key), SEEN[channel]
        report = Report(prediction, score, self.column, expected, actual, seen=seen)
        if alarm:
            row = self.stream.view("alarm")[0]
            is_now = row[PEAK] == self.stream.view("watched event")[0]
            report.alarm = alarm_of(
                row, self.column, (expected, actual) if is_now else (None, None)
            )
        return report

    @property
    def places(self) -> dict[str, int]:
        """The place of each class, the least recently used first."""
        return self.classes

    @property
    def input_names(self) -> list[str]:
        """What the networks' inputs are, in order."""
        slots = [f"slot {slot}" for slot in range(self.stream.slots)]
        if self.symbols or not self.timed:
            return slots
        return [f"{wave} {n + 1}" for wave in ("sine", "cosine") for n in range(_WAVES)] + slots


def _columns(event: object, symbols: bool) -> dict[str, object]:
    if not symbols:
        return dict(plain_event(event))
    if event is None:
        raise ValueError("event must be a symbol, got None")
    return {SYMBOL: event}


def _class_of(reading: Reading) -> str | None:
    return reading.target if isinstance(reading.target, str) else None
