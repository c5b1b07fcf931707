"""The alarms of a stream, counted by their kinds, and the last of them."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Sequence
from typing import get_args

from lethe.cli._support.printable import printable
from lethe.model.alarms import Alarm, Kind
from lethe.storage.fields import Fields, is_integer, list_of

__all__ = ["AlarmLog", "alarm_object", "alarms_text"]

#: Of those that are over, as many are kept.
MOST = 100

_KINDS: tuple[Kind, ...] = get_args(Kind)
_STATE = ("kinds", "over", "lines")
_OBJECT = ("line", "column", "kind", "begin", "peak", "end", "score", "expected", "low", "high",
           "actual", "words")  # fmt: skip

Scalar = bool | int | float | str | None


def alarm_object(alarm: Alarm) -> dict[str, object]:
    """An alarm as plain JSON values."""
    return {name: _scalar(getattr(alarm, name)) for name in _OBJECT if name != "line"}


def _scalar(value: object) -> Scalar:
    """JSON has no NaN, no infinities and no times."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


class AlarmLog:
    """Counts alarms by their kinds, and keeps the last ones, in constant memory.

    Attributes
    ----------
    kinds : Counter
        How many are over, by what they were.
    over : deque of dict
        The last of them, as `located` has them.
    lines : dict of str to int
        For each column with an alarm that goes on, the line that it began with.
    """

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.over: deque[dict[str, object]] = deque(maxlen=MOST)
        self.lines: dict[str, int] = {}

    def add(self, alarm: Alarm, line: int) -> None:
        """Take in what an event has done to an alarm."""
        if alarm.state == "begin":
            self.lines[alarm.column] = line
        elif alarm.state == "end":
            self.kinds[alarm.kind] += 1
            self.over.append(self.located(alarm))
            self.lines.pop(alarm.column, None)

    def located(self, alarm: Alarm) -> dict[str, object]:
        """An alarm as JSON, with the line that it began with, where that is known."""
        return {"line": self.lines.get(alarm.column), **alarm_object(alarm)}

    def counts(self, going_on: Sequence[Alarm]) -> dict[str, int]:
        """How many there were, by kind: those that are over, and those that go on."""
        found = self.kinds + Counter(alarm.kind for alarm in going_on)
        return {kind: found[kind] for kind in _KINDS if found[kind]}

    def objects(self, going_on: Sequence[Alarm]) -> list[dict[str, object]]:
        """The last ones, and those that go on."""
        return [*self.over, *map(self.located, going_on)]

    def to_state(self) -> dict[str, object]:
        """Return all of it as JSON."""
        return {"kinds": dict(self.kinds), "over": list(self.over), "lines": self.lines}

    @classmethod
    def from_state(cls, state: object, events: int) -> AlarmLog:
        """Return the log that `to_state` wrote after so many events.

        Raises
        ------
        ValueError
            If it is none.
        """
        fields = Fields("alarms", state, _STATE)
        log = cls()
        for kind, count in _mapping("kinds", fields["kinds"]).items():
            if kind not in _KINDS:
                raise ValueError(f"alarms: kinds must be those of alarms, got {kind!r:.40}")
            log.kinds[kind] = _count("kinds", count, events)
        for column, line in _mapping("lines", fields["lines"]).items():
            log.lines[column] = _count("lines", line, None)
        over = list_of("alarms: over", fields["over"], None, lambda one: _object(one, events))
        if len(over) != min(log.kinds.total(), MOST):
            raise ValueError(f"alarms: over must be the last {MOST}, got another number")
        log.over.extend(over)
        return log


def _mapping(name: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"alarms: {name} must be an object, got {value!r:.40}")
    return value


def _count(name: str, value: object, most: int | None) -> int:
    if type(value) is not int or not (is_integer(value, 1, most) if most else is_integer(value, 1)):
        raise ValueError(f"alarms: {name} must be whole numbers from 1, got {value!r:.40}")
    return value


def _object(value: object, events: int) -> dict[str, object]:
    fields = Fields("an alarm", value, _OBJECT)
    fields.one_of("kind", _KINDS)
    fields.string("column")
    fields.string("words")
    fields.optional("line", lambda key: fields.integer(key, 1))
    peak = fields.integer("peak", fields.integer("begin", 0, events), events)
    fields.integer("end", peak, events)
    fields.number("score", 0, 1)
    for key in ("expected", "low", "high", "actual"):
        one = fields[key]
        if not (one is None or isinstance(one, bool | int | float | str)):
            raise ValueError(f"an alarm: {key} must be a value, got {one!r:.40}")
    return {key: fields[key] for key in _OBJECT}


def alarms_text(log: AlarmLog, going_on: Sequence[Alarm]) -> str:
    """How many alarms there were, and which go on."""
    counts = log.counts(going_on)
    lines = ["no alarms"]
    if counts:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
        total = sum(counts.values())
        lines = [f"{total:,} alarm{'s' if total > 1 else ''} ({kinds})"]
    lines += [f"  still going on: {printable(alarm.words)}" for alarm in going_on]
    return "\n".join(lines)
