"""Predictions and actual values of each event, in complete lines."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import BinaryIO, NamedTuple, TypedDict, TypeVar, cast

from lethe.model import Prediction, Report

__all__ = ["FORMATS", "LEVEL", "EventWriter", "Lines", "OutputState", "open_writer"]

T = TypeVar("T")

FORMATS = ("jsonl", "csv")

#: Of the intervals.
LEVEL = 0.9

#: The most probable classes that a line names.
MOST_CLASSES = 10


class OutputState(TypedDict):
    """How far an output file is: its bytes, and their SHA-256."""

    bytes: int
    sha256: str


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
    """

    def __init__(self, form: str, targets: Sequence[str], horizon: int, classes: bool) -> None:
        self._csv = form == "csv"
        self._targets = tuple(targets)
        self._horizon = horizon
        self._classes = classes

    def header(self) -> bytes:
        """The line before the first event: the names of the columns of CSV."""
        if not self._csv:
            return b""
        columns = ["line"]
        for target in [""] if len(self._targets) == 1 else [f"{name}." for name in self._targets]:
            if self._classes:
                columns += ["prediction", "probability", "new", "actual"]
            else:
                columns += [f"{target}{name}" for name in ("prediction", "low", "high")]
                columns += [f"{target}ahead_{n}" for n in range(2, self._horizon + 1)]
                columns += [f"{target}actual"]
        return _row([*columns, "anomaly", "explanation"])

    def line(self, number: int, event: Mapping[str, object], report: Report) -> bytes:
        """One event: its line in the source, its columns, and what the model reported of it."""
        prediction = report.prediction
        if prediction is None:
            raise ValueError(f"line {number} must have a prediction, got none")
        last = {"anomaly": _finite(report.anomaly), "explanation": report.explanation}
        if self._classes:
            one = _class(prediction, event.get(self._targets[0]))
            if self._csv:
                best = next(iter(one.probabilities.values()), None)
                return _row([number, one.prediction, best, one.new, one.actual, *last.values()])
            return _json({"line": number, **one._asdict(), **last})
        each = [_number(prediction, name, event.get(name)) for name in self._targets]
        if self._csv:
            cells: list[object] = [number]
            for one_of in each:
                cells += [one_of.forecast[0], one_of.low, one_of.high, *one_of.forecast[1:]]
                cells.append(one_of.actual)
            return _row([*cells, *last.values()])
        objects = [self._object(one_of) for one_of in each]
        if len(objects) == 1:
            return _json({"line": number, **objects[0], **last})
        by_target = {
            key: dict(zip(self._targets, (one[key] for one in objects), strict=True))
            for key in objects[0]
        }
        return _json({"line": number, **by_target, **last})

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
    return _Class(prediction.value, probabilities, prediction.new, _finite(actual))


def _row(cells: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _json(cells: Mapping[str, object]) -> bytes:
    return json.dumps(cells, ensure_ascii=False).encode() + b"\n"


def _interval(prediction: Prediction, name: str) -> tuple[float | None, float | None]:
    try:
        low, high = prediction.interval(LEVEL, target=name)
    except ValueError:  # the targets are not known before the first event
        return None, None
    return _finite(low), _finite(high)


def _finite(value: T) -> T | None:
    """JSON has no NaN and no infinities."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


class EventWriter:
    """Writes complete lines, and knows how far the file is.

    Parameters
    ----------
    file : binary file object
        Without a buffer of its own, so that what was written survives this process.
    name : str
        Its path, or ``-`` for standard output.
    temporary : str, optional
        Its path until it is complete.
    """

    def __init__(self, file: io.FileIO | BinaryIO, name: str, temporary: str | None = None) -> None:
        self._file = file
        self._own = name != "-"
        self._name = name
        self._temporary = temporary
        self._hash = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes) -> None:
        """Append complete lines.

        Raises
        ------
        ValueError
            If they cannot be written; then none of them has been.
        """
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) or 0 :]
        except BrokenPipeError:
            raise
        except OSError as error:
            if self._own:
                with contextlib.suppress(OSError):
                    self._file.truncate(self.bytes)
            raise ValueError(
                f"--out {self._name} cannot be written: {error.strerror or error}"
            ) from None
        self._hash.update(data)
        self.bytes += len(data)

    def synced(self) -> OutputState:
        """How far the file is, after all of that has reached the disk."""
        with contextlib.suppress(OSError, ValueError):  # a terminal or pipe has no disk
            os.fsync(self._file.fileno())
        return {"bytes": self.bytes, "sha256": self._hash.hexdigest()}

    def resume(self, state: OutputState) -> None:
        """Continue a file from this state; what was written after it is removed.

        Raises
        ------
        ValueError
            If the file does not begin with the same bytes.
        """
        size = state["bytes"]
        self._file.seek(0)
        while self.bytes < size and (block := self._file.read(min(size - self.bytes, 1 << 20))):
            self._hash.update(block)
            self.bytes += len(block)
        if self.bytes < size or self._hash.hexdigest() != state["sha256"]:
            raise ValueError(
                f"--out {self._name} must begin with the {size:,} bytes that were in it at the "
                "checkpoint, got others: it has changed since"
            )
        self._file.truncate(size)
        self._file.seek(size)

    def close(self, complete: bool) -> None:
        """Close the file; a temporary one takes its name if `complete`, else it is removed."""
        if not self._own:
            return
        self._file.close()
        if self._temporary is None:
            return
        if complete:
            os.replace(self._temporary, self._name)
        else:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)


def open_writer(
    path: str,
    beginning: bytes,
    *,
    in_place: bool,
    ours: bool = False,
    to: OutputState | None = None,
) -> EventWriter:
    """Open the file for the predictions, and write its beginning.

    Parameters
    ----------
    path : str
        A file, or ``-`` for standard output.
    beginning : bytes
        Its first lines.
    in_place : bool
        Write the file itself, as a run does that may be killed, or may never end; otherwise a
        temporary one, which takes the name at the end.
    ours : bool
        The file may be there only if it is one that this run began before it was killed.
    to : OutputState, optional
        Where the file was at a checkpoint; then it must be there, and `beginning` is not written.

    Raises
    ------
    ValueError
        If it cannot be opened, or is not what was written before.
    """
    if path == "-":
        sys.stdout.flush()
        writer = EventWriter(getattr(sys.stdout.buffer, "raw", sys.stdout.buffer), "-")
        writer.write(beginning)
        return writer
    try:
        if to is not None:
            return _resumed(path, to)
        device = os.path.lexists(path) and not os.path.isfile(path)
        if in_place and device:
            raise ValueError(f"--out {path} must be a regular file, to be resumed or followed")
        if in_place or device:
            if ours:
                _expect_ours(path, beginning)
            writer = EventWriter(_unbuffered(path, "w+b" if in_place else "wb"), path)
        else:
            folder, name = os.path.split(os.path.realpath(path))
            temporary = os.path.join(folder, f".{name}.{os.urandom(4).hex()}.tmp")
            file = _unbuffered(temporary, "xb")
            writer = EventWriter(file, os.path.realpath(path), temporary)
    except OSError as error:
        raise ValueError(f"--out {path} cannot be written: {error.strerror or error}") from None
    try:
        writer.write(beginning)
    except BaseException:
        writer.close(False)
        raise
    return writer


def _resumed(path: str, state: OutputState) -> EventWriter:
    writer = EventWriter(_unbuffered(path, "r+b"), path)
    try:
        writer.resume(state)
    except BaseException:
        writer.close(False)
        raise
    return writer


def _unbuffered(path: str, mode: str) -> io.FileIO:
    return io.FileIO(path, mode)


def _expect_ours(path: str, beginning: bytes) -> None:
    """Refuse to write over a file unless it is the beginning of this very run."""
    try:
        with open(path, "rb") as file:
            there = file.read(len(beginning) + 1)
    except FileNotFoundError:
        return
    if not beginning.startswith(there):
        raise ValueError(
            f"--out {path} is there already, and no checkpoint says how far it goes: "
            "remove it, or name another"
        )
