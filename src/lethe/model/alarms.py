"""Alarms: what is asked for, and one for each thing that happened.

They are decided in kernels/stream/alarms.hpp; this file gives them names and words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from lethe import _kernel
from lethe._printable import printable
from lethe.core._checks import as_float, check_choice, check_int
from lethe.core._objects import shown
from lethe.storage.fields import Fields, list_of

__all__ = [
    "PEAK",
    "SEEN",
    "Alarm",
    "AlarmRule",
    "Kind",
    "Rules",
    "State",
    "alarm_of",
    "checked_rules",
    "open_alarms",
    "rules_from_json",
    "rules_to_json",
    "set_rules",
    "short",
]

Direction = Literal["both", "up", "down"]
State = Literal["begin", "going on", "end"]
Kind = Literal[
    "spike", "dip", "level shift", "drift", "change of noise", "too quiet", "stuck",
    "missing data", "unseen category", "unlikely category", "out of range",
]  # fmt: skip

# In the order of `AlarmKind`, `AlarmState` and `AlarmNumber` in kernels/stream/stream_layout.hpp.
_KINDS: tuple[Kind, ...] = get_args(Kind)
_STATES: tuple[State, ...] = get_args(State)
#: By `AlarmChannel`: in what something was seen to be anomalous.
SEEN = (
    "",
    "large errors in some 16 events",
    "unusual errors in some 128 events",
    "unusually small errors in some 32 events",
    "beyond its range so far",
    "its level is far from what it was",
    "the same value again and again",
    "no value for a long time",
    "out of the range that was asked for",
    "close to what was unusual",
    "unusual together with others",
)
_SIDES: dict[Direction, float] = {"both": 0.0, "up": 1.0, "down": -1.0}
_STATE, _KIND, _BEGIN, PEAK, _END, _ODDS, _EXPECTED, _LOW, _HIGH, _ACTUAL = 0, 1, *range(3, 11)


#: Nothing is said to be rarer.
LEAST_RATE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """Which alarms are wanted of a column.

    Parameters
    ----------
    rate : float
        False alarms in an event, at most, on a stream that goes on as before: from 1e-9 to 0.1.
    direction : {"both", "up", "down"}
        To which side a value, or lately the values of a run, must deviate.
    least : float
        The least deviation from what is expected, in the column's unit.
    least_relative : float
        The same as a part of what is expected.
    low, high : float, optional
        What is below or above is out of range, however usual.
    warm_up : int
        Events that must have been scored before.
    cooldown : int
        Events after the end of an alarm before the next can begin, but for `low` and `high`.

    Raises
    ------
    ValueError
        If an argument is not one of these.

    Examples
    --------
    >>> AlarmRule(rate=1e-4, direction="down").rate
    0.0001
    """

    rate: float = 1e-3
    direction: Direction = "both"
    least: float = 0.0
    least_relative: float = 0.0
    low: float | None = None
    high: float | None = None
    warm_up: int = 100
    cooldown: int = 0

    def __post_init__(self) -> None:
        """Check the arguments; numbers of any kind become plain ones."""
        if not LEAST_RATE <= as_float(self.rate) <= 0.1:
            raise ValueError(
                f"rate must be at least {LEAST_RATE:g} and at most 0.1, got {shown(self.rate)}"
            )
        direction: Direction = check_choice("direction", self.direction, get_args(Direction))
        object.__setattr__(self, "direction", str(direction))
        for name in ("least", "least_relative"):
            if not 0 <= as_float(getattr(self, name)) < math.inf:
                raise ValueError(
                    f"{name} must be a finite number of at least 0, "
                    f"got {shown(getattr(self, name))}"
                )
        for name in ("rate", "least", "least_relative"):
            object.__setattr__(self, name, as_float(getattr(self, name)))
        low, high = self._range()
        if not low < high or low == math.inf or high == -math.inf:
            raise ValueError(
                "low and high must be two numbers, the lower one first, or None, "
                f"got {shown(self.low)} and {shown(self.high)}"
            )
        object.__setattr__(self, "low", None if low == -math.inf else low)
        object.__setattr__(self, "high", None if high == math.inf else high)
        for name in ("warm_up", "cooldown"):
            object.__setattr__(self, name, check_int(name, getattr(self, name), 0, 1 << 40))

    def _range(self) -> tuple[float, float]:
        low = -math.inf if self.low is None else as_float(self.low)
        return low, math.inf if self.high is None else as_float(self.high)

    def numbers(self) -> list[float]:
        """As the compiled code reads it: `AlarmRule` in kernels/stream/stream_layout.hpp."""
        low, high = self._range()
        return [
            float(self.rate), _SIDES[self.direction], float(self.least),
            float(self.least_relative), low, high, float(self.warm_up), float(self.cooldown),
        ]  # fmt: skip

    def to_json(self) -> dict[str, object]:
        """As plain JSON values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The rule that `to_json` wrote; a ValueError where it is something else."""
        given = Fields("an alarm rule", value, [field.name for field in fields(cls)])
        return cls(
            rate=given.number("rate"),
            direction=given.one_of("direction", get_args(Direction)),
            least=given.number("least"),
            least_relative=given.number("least_relative"),
            low=given.optional("low", given.number),
            high=given.optional("high", given.number),
            warm_up=given.integer("warm_up"),
            cooldown=given.integer("cooldown"),
        )


#: Which rule belongs to which column; "" is every other one.
Rules = tuple[tuple[str, AlarmRule], ...]


def checked_rules(value: object) -> Rules:
    """One rule for all columns, or one for each that is named.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if value is None:
        return ()
    if isinstance(value, AlarmRule):
        return (("", value),)
    if isinstance(value, Mapping):
        found = [(str(name), rule) for name, rule in value.items() if isinstance(name, str)]
        if len(found) == len(value) and all(isinstance(rule, AlarmRule) for _, rule in found):
            return tuple(found)
    raise ValueError(
        f"alarms must be an AlarmRule, or one for each column by its name, got {shown(value)}"
    )


def rules_to_json(rules: Rules) -> list[object]:
    """As plain JSON values."""
    return [[name, rule.to_json()] for name, rule in rules]


def rules_from_json(value: object) -> dict[str, AlarmRule]:
    """What `rules_to_json` wrote; a ValueError where it is something else."""

    def pair(item: object) -> tuple[str, AlarmRule]:
        name, rule = list_of("an alarm rule", item, 2, lambda part: part)
        if not isinstance(name, str):
            raise ValueError(f"an alarm rule must name a column, got {shown(name)}")
        return name, AlarmRule.from_json(rule)

    return dict(list_of("alarms", value, None, pair))


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that happened: an alarm begins, goes on and ends.

    Attributes
    ----------
    state : {"begin", "going on", "end"}
        What the last event has done to it.
    kind : str
        "spike", "dip", "level shift", "drift", "change of noise", "too quiet", "stuck", "missing
        data", "unseen category", "unlikely category" or "out of range". At the beginning of an
        alarm what it looks like; at its end what it was.
    column : str
        The target.
    begin, peak : int
        The numbers of the events, from 1, that it began with and that was the least likely so far.
    end : int or None
        That of the event by which it was over.
    score : float
        From 0 to 1: how anomalous that event was.
    expected, low, high : object, float
        What was expected of it, and between what 99 in 100 events would be (of classes: NaN).
    actual : object
        What came; NaN where it was missing. Of classes, both are None but in the report of the
        event itself.
    """

    state: State
    kind: Kind
    column: str
    begin: int
    peak: int
    end: int | None
    score: float
    expected: object
    low: float
    high: float
    actual: object

    @property
    def every(self) -> float:
        """Such a thing comes once in so many events, at most."""
        return 1 / max(1 - self.score, 1e-12)

    @property
    def words(self) -> str:
        """The alarm in a sentence.

        Examples
        --------
        >>> Alarm("begin", "spike", "flow", 70, 70, None, 0.99999, 5.0, 3.0, 7.0, 93.0).words
        'flow: spike at event 70, expected 5 (3 to 7), got 93; once in 100,000 events'
        """
        of = f"{self.column}: {self.kind} at event {self.peak:,}"
        if self.begin != self.peak:
            of = f"{self.column}: {self.kind} from event {self.begin:,}, peak at {self.peak:,}"
        if self.end is not None:
            of += f", over at {self.end:,}"
        if self.kind == "missing data":
            return f"{of}; no value"
        if self.actual is None:
            return f"{of}; once in {_rounded(self.every)} events"
        expected = short(self.expected)
        if isinstance(self.expected, float):
            expected += f" ({short(self.low)} to {short(self.high)})"
        said = f"{of}, expected {expected}, got {short(self.actual)}"
        if self.kind == "out of range":
            return said
        return f"{said}; once in {_rounded(self.every)} events"


def short(value: object) -> str:
    """A value as sentences have it: a number with six digits."""
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def _rounded(number: float) -> str:
    """A number with two digits that count."""
    digits = max(math.floor(math.log10(number)) - 1, 0)
    return f"{round(number / 10**digits) * 10**digits:,}"


def alarm_of(
    row: NDArray[np.float64], column: str, labels: tuple[object, object] | None = None
) -> Alarm:
    """The alarm that a row of a block's part "alarm" holds.

    Of classes the block knows no names: `labels` are what was expected and what came with the
    alarm's peak, or None each.
    """
    expected, actual = labels or (float(row[_EXPECTED]), float(row[_ACTUAL]))
    state = _STATES[int(row[_STATE]) - 1]
    return Alarm(
        state,
        _KINDS[int(row[_KIND]) - 1],
        column,
        int(row[_BEGIN]),
        int(row[PEAK]),
        int(row[_END]) if state == "end" else None,
        1 - float(row[_ODDS]),
        expected,
        math.nan if labels else float(row[_LOW]),
        math.nan if labels else float(row[_HIGH]),
        actual,
    )


def open_alarms(
    stream: _kernel.NumberStream | _kernel.ClassStream, columns: tuple[str, ...]
) -> list[Alarm]:
    """The alarms that have begun and are not over."""
    rows = stream.view("alarm")
    labels = (None, None) if isinstance(stream, _kernel.ClassStream) else None
    return [
        alarm_of(row, column, labels)
        for row, column in zip(rows, columns, strict=False)
        if row[_STATE] in (1, 2)
    ]


def set_rules(
    stream: _kernel.NumberStream | _kernel.ClassStream,
    columns: tuple[str, ...],
    rules: Rules,
    later: tuple[str, ...] = (),
) -> None:
    """Write the rule of each column into a new block; one of `later` may be a target yet.

    Raises
    ------
    ValueError
        If a rule names no target.
    """
    by_name = dict(rules)
    unknown = [name for name in by_name if name and name not in (*columns, *later)]
    if unknown:
        raise ValueError(
            f"alarms must name targets ({printable(', '.join(columns[:5]))}), "
            f"got {shown(unknown[0])}"
        )
    rows = stream.view("alarm rule")
    usual = by_name.get("", AlarmRule())
    for row, column in zip(rows, columns, strict=False):
        row[:] = by_name.get(column, usual).numbers()
