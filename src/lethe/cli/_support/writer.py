"""Predictions and actual values of each event, as lines."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar, cast

from lethe._printable import csv_text, json_text
from lethe.cli._support.alarm_log import alarm_object
from lethe.model import Alarm, Prediction, Report
from lethe.model.values import shortened

__all__ = ["FORMATS", "LEVEL", "Lines"]

T = TypeVar("T")

FORMATS = ("jsonl", "csv")

#: Of the intervals.
LEVEL = 0.9

#: The most probable classes that a line names.
MOST_CLASSES = 10


class _Number(NamedTuple):
    """What was predicted of one target, and its actual value."""

    forecast: Sequence[float]
    low: float | None
    high: float | None
    actual: object


class _Class(NamedTuple):
    """What was predicted of a class, and the actual one."""

    prediction: object
    probabilities: dict[str, float]
    new: float
    actual: object


class Lines:
    """Events as lines of JSON or CSV.

    Parameters
    ----------
    form : 'jsonl' or 'csv'
    targets : sequence of str
    horizon : int
    classes : bool
        Whether classes are predicted, or else numbers.
    several : bool
        Whether each line names its source, since there are several.
    alarms : bool
        Whether each line has the alarm that begins, goes on or ends with it.
    """

    def __init__(
        self,
        form: str,
        targets: Sequence[str],
        horizon: int,
        classes: bool,
        *,
        several: bool = False,
        alarms: bool = False,
    ) -> None:
        self._alarms = alarms
        self._several = several
        self._csv = form == "csv"
        self._targets = tuple(targets)
        self._horizon = horizon
        self._classes = classes

    def are_of_others(self, targets: Sequence[str]) -> bool:
        """Whether these are other targets, and lines can still have them: CSV has its header."""
        return not self._csv and self._targets != tuple(targets)

    def header(self) -> bytes:
        """The line before the first event: the names of the columns of CSV."""
        if not self._csv:
            return b""
        columns = ["source", "line"] if self._several else ["line"]
        for target in [""] if len(self._targets) == 1 else [f"{name}." for name in self._targets]:
            if self._classes:
                columns += ["prediction", "probability", "new", "actual"]
            else:
                columns += [f"{target}{name}" for name in ("prediction", "low", "high")]
                columns += [f"{target}ahead_{n}" for n in range(2, self._horizon + 1)]
                columns += [f"{target}actual"]
        return _row([*columns, "anomaly", "explanation", *(["alarm"] if self._alarms else [])])

    def line(
        self, number: int, event: Mapping[str, object], report: Report, source: str = ""
    ) -> bytes:
        """One event: its line in the source, its columns, and what the model reported of it."""
        prediction = report.prediction
        if prediction is None:
            raise ValueError(f"line {number} must have a prediction, got none")
        first: dict[str, object] = {"source": source} if self._several else {}
        first["line"] = number
        last: dict[str, object] = {
            "anomaly": _finite(report.anomaly),
            "explanation": report.explanation,
        }
        if self._alarms:
            last["alarm"] = self._alarm(report.alarm)
        if self._classes:
            one = _class(prediction, event.get(self._targets[0]))
            if self._csv:
                best = next(iter(one.probabilities.values()), None)
                cells = [one.prediction, best, one.new, one.actual]
                return _row([*first.values(), *cells, *last.values()])
            return _json({**first, **one._asdict(), **last})
        each = [_number(prediction, name, event.get(name)) for name in self._targets]
        if self._csv:
            cells = list(first.values())
            for one_of in each:
                cells += [one_of.forecast[0], one_of.low, one_of.high, *one_of.forecast[1:]]
                cells.append(one_of.actual)
            return _row([*cells, *last.values()])
        objects = [self._object(one_of) for one_of in each]
        if len(objects) == 1:
            return _json({**first, **objects[0], **last})
        by_target = {
            key: dict(zip(self._targets, (one[key] for one in objects), strict=True))
            for key in objects[0]
        }
        return _json({**first, **by_target, **last})

    def _alarm(self, alarm: Alarm | None) -> object:
        """An alarm as an object, or in CSV its state and its words."""
        if alarm is None:
            return "" if self._csv else None
        if self._csv:
            return f"{alarm.state}: {alarm.words}"
        return {"state": alarm.state, **alarm_object(alarm)}

    def _object(self, number: _Number) -> dict[str, object]:
        cells: dict[str, object] = {
            "prediction": number.forecast[0],
            "interval": [number.low, number.high],
        }
        if self._horizon > 1:
            cells["forecast"] = number.forecast
        return {**cells, "actual": number.actual}


def _number(prediction: Prediction, name: str, actual: object) -> _Number:
    each = cast(tuple[float | dict[str, float], ...], prediction.forecast)
    forecast = [one[name] if isinstance(one, dict) else one for one in each]
    low, high = _interval(prediction, name)
    return _Number(forecast, low, high, _finite(actual))


def _class(prediction: Prediction, actual: object) -> _Class:
    best = sorted(prediction.probabilities.items(), key=lambda item: -item[1])[:MOST_CLASSES]
    probabilities = {str(label): probability for label, probability in best}
    actual = shortened(actual) if isinstance(actual, str) else actual  # as the prediction is
    return _Class(prediction.value, probabilities, prediction.new, _finite(actual))


def _row(cells: Sequence[object]) -> bytes:
    text = io.StringIO()
    plain = (int, float, type(None))  # what is no text cannot be a formula
    shown = (cell if isinstance(cell, plain) else csv_text(str(cell)) for cell in cells)
    csv.writer(text, lineterminator="\n").writerow(shown)
    return text.getvalue().encode()


def _json(cells: Mapping[str, object]) -> bytes:
    return json_text(cells).encode() + b"\n"


def _interval(prediction: Prediction, name: str) -> tuple[float | None, float | None]:
    try:
        low, high = prediction.interval(LEVEL, target=name)
    except ValueError:  # the targets are not known before the first event
        return None, None
    return _finite(low), _finite(high)


def _finite(value: T) -> T | None:
    """JSON has no NaN and no infinities."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
