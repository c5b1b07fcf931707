"""What a model does with an event, behind its public face. Calls are serialised by their caller."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping
from dataclasses import replace
from types import EllipsisType
from typing import Self, get_args

import numpy as np
from numpy.typing import NDArray

from lethe.core._checks import check_choice
from lethe.core._objects import plain, shown
from lethe.model.alarms import Alarm
from lethe.model.beginning import first_predictor
from lethe.model.early import NOTHING, Early
from lethe.model.parameters import Bad, Parameters
from lethe.model.prediction import Prediction
from lethe.model.predictor import Predictor, Reading
from lethe.model.report import Report
from lethe.model.rows import check_name, plain_event
from lethe.model.state import (
    MOST_COUNT,
    arrays_of,
    checked_arrays,
    early_from_json,
    generator_from_json,
    predictor_from_json,
)
from lethe.model.values import MOST_INTEGER
from lethe.model.words import TooManyNamesError

__all__ = ["ABSENT", "Engine"]

Arrays = Mapping[str, NDArray[np.generic]]

#: What the own code of a value may raise when it is read, such as Decimal's.
FAILING = (TypeError, ArithmeticError, AttributeError, LookupError)

#: A target that was not given.
ABSENT: EllipsisType = ...


def plain_id(id: object) -> str | int:
    """An id as a str or int and no more, so that it can be looked up and saved.

    Raises
    ------
    ValueError
        If it is neither, or too large.
    """
    found = plain(id)
    if isinstance(found, str):
        return check_name("id", found)
    if isinstance(found, int | np.integer) and not isinstance(found, bool | np.timedelta64):
        whole = int(found)
        if abs(whole) < MOST_INTEGER:
            return whole
    raise _wrong_id(id)


def _wrong_id(id: object) -> ValueError:
    return ValueError(
        f"id must be a string or whole number that no waiting event has, got {shown(id)}"
    )


def _failing(error: Exception) -> ValueError:
    return ValueError(
        f"event must hold values that can be read, got {type(error).__name__} from one: {error}"
    )


class Engine:
    """Parameters, a generator, and from the first event on a predictor.

    Parameters
    ----------
    parameters : Parameters
        The model's.
    generator : numpy.random.Generator
        Draws weights.

    Raises
    ------
    ValueError
        If it is a generator that no checkpoint can hold.
    """

    def __init__(self, parameters: Parameters, generator: np.random.Generator) -> None:
        if not isinstance(generator.bit_generator, np.random.PCG64):
            kind = type(generator.bit_generator).__name__
            raise ValueError(f"seed must be a whole number or a Generator of PCG64, got {kind}")
        self.parameters = parameters
        self.generator = generator
        self.predictor: Predictor | None = None
        self.early: Early | None = None  # while a column of the first event has had no value
        self.skipped_first = 0  # events that were skipped before the first

    # ---- nothing changes ----

    def predict(self, event: object) -> Prediction:
        """As `Model.predict`."""
        if self.parameters.horizon and event is not None:
            twin = self.copy()
            (twin.follow if twin.is_following else twin.learn)(event, ABSENT)
            return twin.predict(None)
        if not self.parameters.horizon and event is None:
            raise ValueError("event must be given where horizon is 0, got None")
        if self.predictor is None:
            if event is not None:
                self._try_first(event, None)
            return self._unknown()
        return self._unknown() if self.is_blind else self.predictor.predict(event)

    def score(self, event: object, target: object) -> Report:
        """As `Model.score`."""
        if self.predictor is None:
            self._try_first(event, target)
            return Report(self._unknown())
        return self._told(self.predictor.score(self._read(self.predictor, event, target, None)))

    def _told(self, report: Report) -> Report:
        """A report, as it is before the first event where there is nothing to predict yet."""
        return Report(self._unknown()) if self.is_blind else report

    def _read(
        self, predictor: Predictor, event: object, target: object, id: str | int | None
    ) -> Reading:
        """Take an event and its target apart; a ValueError where they cannot be read."""
        parameters = self.parameters
        if id is not None:
            if parameters.horizon:
                raise ValueError(f"id must be left out where horizon is not 0, got {shown(id)}")
            predictor.settle()
            if id in predictor.waiting.ids:
                raise _wrong_id(id)
        has_target = target is not ABSENT
        if has_target and parameters.horizon:
            predictor.read(event, None, True, None)  # a fault of the event comes first
            if parameters.task == "symbols":
                raise ValueError("target must be left out for symbols: the event is its own")
            raise ValueError("target must be left out where horizon is not 0: events bring it")
        try:
            return predictor.read(event, target, has_target, id)
        except FAILING as error:
            raise _failing(error) from error

    def _unknown(self) -> Prediction:
        """What is answered before the first event."""
        if self.parameters.task == "regression":
            return Prediction(None, (self.parameters.target, max(self.parameters.horizon, 1)))
        return Prediction(None)

    # ---- taking events in ----

    def learn(self, event: object, target: object, id: str | int | None = None) -> Report:
        """As `Model.learn`."""
        if self.is_following:
            raise RuntimeError("a model that has followed does not learn again; load it again")
        try:
            id = None if id is None else plain_id(id)
            if self.predictor is None:
                return self._learn_first(event, target, id)
            reading = self._read(self.predictor, event, target, id)
            if self.early is not None:
                self._keep(self.early, self.predictor, event, reading)
        except ValueError as error:
            return self._skip(error)
        try:
            report = self._told(self.predictor.learn(reading, id))
            if self.early is not None:
                report.alarm = self._settle_columns(self.early, self.predictor) or report.alarm
            return report
        except TooManyNamesError as error:
            return self._skip(error)
        except BaseException:  # Ctrl-C while weights were drawn, too
            self.predictor.ensemble.take_back_draws(self.predictor.stream)
            raise

    def learn_target(self, id: object, target: object) -> Report:
        """As `Model.learn_target`."""
        predictor, number = self.predictor, None
        if predictor is not None:
            predictor.settle()
            with contextlib.suppress(ValueError):
                number = predictor.waiting.find(plain_id(id))
        if predictor is None or number is None:
            raise ValueError(
                f"id must be that of an event that waits for its target, got {shown(id)}"
            )
        try:
            return predictor.learn_target(number, target)
        except FAILING as error:
            return self._skip(_failing(error))
        except ValueError as error:
            return self._skip(error)

    def follow(self, event: object, target: object) -> Report:
        """As `Model.follow`."""
        predictor = self.predictor
        if predictor is None:
            raise ValueError("a model must have learned from an event before it can follow")
        try:
            reading = self._read(predictor, event, target, None)
        except ValueError as error:
            return self._skip(error)
        return self._told(predictor.follow(reading))

    def _skip(self, error: ValueError) -> Report:
        """Leave out an event that cannot be read, or raise the ValueError that says why."""
        if self.parameters.bad != "skip":
            raise
        if self.predictor is None:
            self.skipped_first = min(self.skipped_first + 1, MOST_COUNT)
        else:
            self.predictor.stream.skip()
        return Report(None, skipped=True, reason=str(error))

    # ---- the first event ----

    def _learn_first(self, event: object, target: object, id: str | int | None) -> Report:
        """Learn from the first event; a ValueError where it cannot be read."""
        drawn = copy.deepcopy(self.generator)
        predictor = self._first(drawn, event)
        reading, early = self._read(predictor, event, target, id), None
        if self.parameters.task == "regression" and not self.parameters.target:
            early = Early(copy.deepcopy(self.generator))
            early.add(plain_event(event))
        report = predictor.learn(reading, id)
        if early is not None:
            early.columns = tuple(name for name in early.names if name in predictor.encoder.ignored)
        predictor.ensemble.generator = self.generator
        # One statement, so that Ctrl-C cannot come between the two.
        self.generator.bit_generator.state, self.predictor, self.early = (
            drawn.bit_generator.state, predictor, early if early and early.columns else None,
        )  # fmt: skip
        return self._told(report)

    def _first(self, generator: np.random.Generator, event: object) -> Predictor:
        try:
            return first_predictor(self.parameters, generator, event)
        except FAILING as error:
            raise _failing(error) from error

    def _try_first(self, event: object, target: object) -> None:
        """See whether an event could be the first."""
        predictor = self._first(copy.deepcopy(self.generator), event)
        self._read(predictor, event, target, None)

    # ---- columns that are empty in the first event ----

    @property
    def is_blind(self) -> bool:
        """Whether no number has been seen yet that could be predicted."""
        return self.predictor is not None and self.predictor.targets == NOTHING

    def _keep(self, early: Early, predictor: Predictor, event: object, reading: Reading) -> None:
        """Keep an event that will be learned; a ValueError where nothing is left to wait for."""
        if self.is_blind and reading.fields is not None:
            early.check_some(predictor.encoder, reading.fields)
        del early.rows[predictor.stream.events :]  # what was not learned after all
        try:
            early.add(plain_event(event))
        except FAILING as error:
            raise _failing(error) from error

    def _settle_columns(self, early: Early, predictor: Predictor) -> Alarm | None:
        """Once all columns have had a value, begin again where that changes the targets.

        An alarm that is going on then has not been told yet: it begins.
        """
        alarm: Alarm | None = None
        if not early.is_over(predictor.encoder):
            return None
        later = early.numbers(predictor.encoder, self.is_blind)
        if not later:
            self.early = None
            return None
        # What was read once can be read again, whatever has become of `bad` since.
        parameters, drawn = replace(self.parameters, bad="missing"), copy.deepcopy(early.generator)
        events = early.events()
        try:
            made = first_predictor(parameters, drawn, events[0], later)
            for event in events:
                alarm = made.learn(made.read(event, None, False, None), None).alarm
        except ValueError:  # from a checkpoint that somebody has changed: go on as before
            self.early = None
            return None
        made.encoder.bad = predictor.encoder.bad
        made.ensemble.generator = self.generator
        skipped = min(self.skipped_first + predictor.stream.skipped, MOST_COUNT)
        self.generator.bit_generator.state, self.predictor, self.early, self.skipped_first = (
            drawn.bit_generator.state, made, None, skipped,
        )  # fmt: skip
        return alarm and replace(alarm, state="begin" if alarm.end is None else "end")

    # ---- what it holds, and copies ----

    @property
    def is_following(self) -> bool:
        """Whether it has followed, and so does not learn again."""
        return self.predictor is not None and self.predictor.stream.is_following

    def set_bad(self, bad: Bad) -> None:
        """Treat bad values in another way from now on."""
        self.parameters = replace(self.parameters, bad=check_choice("bad", bad, get_args(Bad)))
        if self.predictor is not None:
            self.predictor.encoder.bad = "missing" if bad == "missing" else "raise"

    def copy(self) -> Self:
        """An independent one that continues with the same bits."""
        twin = copy.copy(self)
        twin.generator = copy.deepcopy(self.generator)
        if self.predictor is not None:
            self.predictor.settle()
        twin.predictor = copy.deepcopy(self.predictor)
        twin.early = copy.deepcopy(self.early)
        if twin.predictor is not None:
            twin.predictor.ensemble.generator = twin.generator
        return twin

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The arrays of a checkpoint."""
        if self.predictor is not None:
            self.predictor.settle()
        return arrays_of(
            self.parameters, self.generator, self.skipped_first, self.predictor, self.early
        )

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """The engine whose `to_arrays` these are; a ValueError where they are those of none."""
        state, block = checked_arrays(arrays)
        parameters = Parameters.from_json(state["parameters"])
        made = cls(parameters, generator_from_json(state["generator"]))
        made.skipped_first = state.integer("skipped", high=MOST_COUNT)
        if state["predictor"] is not None:
            made.predictor = predictor_from_json(
                state["predictor"], block, parameters, made.generator
            )
            made.early = early_from_json(state, parameters)
        elif block.nbytes:
            raise ValueError("it has a block and nothing that it belongs to")
        return made
