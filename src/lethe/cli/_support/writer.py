"""What was predicted of each event and what came, in whole lines."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import math
import os
import sys
from collections.abc import Sequence
from typing import Any

from lethe.model import Prediction, Report

__all__ = ["FORMATS", "LEVEL", "EventWriter", "Lines", "open_writer"]

FORMATS = ("jsonl", "csv")

#: Of the intervals.
LEVEL = 0.9

#: The most probable classes that a line names.
MOST_CLASSES = 10


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
        """What comes before the first line: the names of the columns of CSV."""
        if not self._csv:
            return b""
        columns = ["line"]
        for target in [""] if len(self._targets) == 1 else [f"{name}." for name in self._targets]:
            if self._classes:
                columns += ["prediction", "probability", "new", "came"]
            else:
                columns += [f"{target}{name}" for name in ("prediction", "low", "high")]
                columns += [f"{target}ahead_{n}" for n in range(2, self._horizon + 1)]
                columns += [f"{target}came"]
        return self._row([*columns, "anomaly", "why"])

    def line(self, number: int, event: dict[str, Any], report: Report) -> bytes:
        """One event."""
        prediction = report.prediction
        assert prediction is not None
        cells: dict[str, Any] = {"line": number}
        if self._classes:
            cells |= self._class(prediction, event)
        elif len(self._targets) == 1:
            cells |= self._number(prediction, self._targets[0], event)
        else:
            each = [self._number(prediction, name, event) for name in self._targets]
            for key in each[0]:
                cells[key] = {name: of[key] for name, of in zip(self._targets, each, strict=True)}
        cells["anomaly"] = _finite(report.anomaly)
        cells["why"] = report.explanation
        if self._csv:
            return self._row(_flat(cells, self._targets))
        return json.dumps(cells, ensure_ascii=False).encode() + b"\n"

    def _number(self, prediction: Prediction, name: str, event: dict[str, Any]) -> dict[str, Any]:
        forecast = [f[name] if isinstance(f, dict) else f for f in prediction.forecast]
        low, high = _interval(prediction, name)
        cells: dict[str, Any] = {"prediction": forecast[0], "interval": [low, high]}
        if self._horizon > 1:
            cells["forecast"] = forecast
        cells["came"] = _finite(event.get(name))
        return cells

    def _class(self, prediction: Prediction, event: dict[str, Any]) -> dict[str, Any]:
        best = sorted(prediction.probabilities.items(), key=lambda item: -item[1])[:MOST_CLASSES]
        return {
            "prediction": prediction.value,
            "probabilities": {str(label): probability for label, probability in best},
            "new": prediction.new,
            "came": _finite(event.get(self._targets[0])),
        }

    def _row(self, cells: Sequence[Any]) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)
        return text.getvalue().encode()


def _flat(cells: dict[str, Any], targets: Sequence[str]) -> list[Any]:
    """A line's values in the order of the header."""
    row = [cells["line"]]
    if "probabilities" in cells:
        best = next(iter(cells["probabilities"].values()), None)
        row += [cells["prediction"], best, cells["new"], cells["came"]]
    else:
        for name in targets:
            of = {
                key: value[name] if isinstance(value, dict) else value
                for key, value in cells.items()
            }
            row += [of["prediction"], *of["interval"], *of.get("forecast", [])[1:], of["came"]]
    return [*row, cells["anomaly"], cells["why"]]


def _interval(prediction: Prediction, name: str) -> tuple[float | None, float | None]:
    try:
        low, high = prediction.interval(LEVEL, target=name)
    except ValueError:  # before the first event nobody knows what the targets are
        return None, None
    return _finite(low), _finite(high)


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinities."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


class EventWriter:
    """Writes whole lines, and says how far it is.

    Parameters
    ----------
    file : binary file object
        Without a buffer of its own: what was written is the system's, whatever happens here.
    name : str
        Its path, or ``-`` for standard output.
    temporary : str, optional
        Its path until it is whole.
    """

    def __init__(self, file: Any, name: str, temporary: str | None = None) -> None:
        self._file = file
        self._own = name != "-"
        self._name = name
        self._temporary = temporary
        self._hash = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes) -> None:
        """Append whole lines.

        Raises
        ------
        ValueError
            If they cannot be written; then none of them is.
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

    def synced(self) -> dict[str, Any]:
        """How far the file is, after all of that has reached the disk."""
        with contextlib.suppress(OSError, ValueError):  # a terminal or pipe has no disk
            os.fsync(self._file.fileno())
        return {"bytes": self.bytes, "sha256": self._hash.hexdigest()}

    def go_on(self, state: dict[str, Any]) -> None:
        """Go on where a file was when it said so; what was written after that goes.

        Raises
        ------
        ValueError
            If the file does not begin with the same bytes.
        """
        size: int = state["bytes"]
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

    def close(self, whole: bool) -> None:
        """Close the file; a temporary one takes its name if it is `whole`, else it goes."""
        if not self._own:
            return
        self._file.close()
        if self._temporary is None:
            return
        if whole:
            os.replace(self._temporary, self._name)
        else:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)


def open_writer(
    path: str, beginning: bytes, *, in_place: bool, ours: bool = False, to: Any = None
) -> EventWriter:
    """Open the file for what is predicted, and write its beginning.

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
    to : dict, optional
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
            writer = EventWriter(_unbuffered(path, "r+b"), path)
            try:
                writer.go_on(to)
            except BaseException:
                writer.close(False)
                raise
            return writer
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


def _unbuffered(path: str, mode: str) -> Any:
    return open(path, mode, buffering=0)


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
