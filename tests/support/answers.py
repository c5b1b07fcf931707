"""What a model answers on a stream, as arrays; and how a record of it compares with another.

Of every action the outcome is kept: "" or the kind of the error, "skipped" where the event was.
Values, scores and what was expected are kept for the first and the last actions and for some
between; forecasts, intervals and probabilities for fewer. With the entries of each quantity go
the numbers of the actions that gave them (``…_at``).
"""

from __future__ import annotations

import copy
import math
import pickle
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from support.stream_parts import Action, Stream

import lethe

__all__ = ["TOLERANCE", "difference", "first_difference", "replay"]

#: Actions at the start and at the end of which every answer is kept, and between them one of so
#: many; and one of so many of which the long answers are kept.
FIRST, LAST, EVERY, LONG = 50, 150, 7, 25

#: Of streams of thousands of actions fewer are kept.
THOUSANDS, SELDOM = 5000, 7

#: After so many actions a prediction is asked for its intervals again.
HELD = 10

LEVELS = (0.9, 0.5)

#: What a number may differ by from the record's, in units of its size (see `difference`): what
#: another order of the same sums in float64 does. An input that moves by its last bit moves most
#: streams' answers by less than 1e-13, since it is less than one rounding to float32.
TOLERANCE = 1e-9

_Entries = tuple[NDArray[np.int32], NDArray[np.float64] | NDArray[np.str_]]
Answers = dict[str, NDArray[np.float64] | NDArray[np.int32] | NDArray[np.str_]]


class _Notes:
    """Entries by quantity, each with the number of its action."""

    def __init__(self) -> None:
        self.numbers: dict[str, tuple[list[int], list[float]]] = {}
        self.words: dict[str, tuple[list[int], list[str]]] = {}

    def number(self, quantity: str, at: int, *values: float) -> None:
        places, entries = self.numbers.setdefault(quantity, ([], []))
        places.extend([at] * len(values))
        entries.extend(values)

    def word(self, quantity: str, at: int, *values: str) -> None:
        places, entries = self.words.setdefault(quantity, ([], []))
        places.extend([at] * len(values))
        entries.extend(values)

    def arrays(self) -> Answers:
        found: Answers = {}
        for quantity, (places, numbers) in self.numbers.items():
            found[quantity] = np.array(numbers, np.float64)
            found[f"{quantity}_at"] = np.array(places, np.int32)
        for quantity, (places, words) in self.words.items():
            found[quantity] = np.array(words, np.str_)
            found[f"{quantity}_at"] = np.array(places, np.int32)
        return found


def replay(stream: Stream) -> Answers:
    """Do all of a stream's actions with a new model, and keep what it answers.

    Parameters
    ----------
    stream : Stream
        What is done.

    Returns
    -------
    dict of str to ndarray
        By quantity: numbers (float64) or words, and the numbers of their actions.
    """
    model = lethe.Model(**stream.arguments)
    notes = _Notes()
    number = len(stream.actions)
    seldom = SELDOM if number > THOUSANDS else 1
    held: lethe.Prediction | None = None
    for at, action in enumerate(stream.actions):
        if action.do in ("copy", "pickle", "save_load"):
            model = _replaced(model, action.do)
            continue
        try:
            answer = _done(model, action)
        except (ValueError, RuntimeError) as error:  # what a model refuses; no other is expected
            notes.word("outcome", at, type(error).__name__)
            continue
        skipped = isinstance(answer, lethe.Report) and answer.skipped
        notes.word("outcome", at, "skipped" if skipped else "")
        if at < FIRST or at >= number - LAST or at % (EVERY * seldom) == 0:
            _note(notes, at, answer)
        prediction = answer.prediction if isinstance(answer, lethe.Report) else answer
        if at % (LONG * seldom) == 0 and prediction is not None:
            _note_long(notes, at, prediction)
        if at % LONG == HELD and held is not None:
            notes.number("held_interval", at, *_intervals(held))
        if at % LONG in (0, HELD):
            held = prediction if at % LONG == 0 else None
    notes.number("counters", number, model.events, model.skipped, model.missed)
    return notes.arrays()


def _done(model: lethe.Model, action: Action) -> lethe.Report | lethe.Prediction:
    answer: lethe.Report | lethe.Prediction = getattr(model, action.do)(
        *action.arguments, **action.keywords
    )
    return answer


def _replaced(model: lethe.Model, how: str) -> lethe.Model:
    """The same model, as it comes back from where it was kept."""
    if how == "copy":
        return copy.deepcopy(model)
    if how == "pickle":
        return pickle.loads(pickle.dumps(model))  # type: ignore[no-any-return]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        model.save(path)
        loaded = lethe.load(path)
    assert isinstance(loaded, lethe.Model)
    return loaded


def _note(notes: _Notes, at: int, answer: lethe.Report | lethe.Prediction) -> None:
    prediction: lethe.Prediction | None
    if isinstance(answer, lethe.Report):
        notes.number("anomaly", at, answer.anomaly)
        notes.word("column", at, repr(answer.column))
        _note_value(notes, "expected", at, answer.expected)
        _note_value(notes, "actual", at, answer.actual)
        prediction = answer.prediction
    else:
        prediction = answer
    if prediction is not None:
        _note_value(notes, "value", at, prediction.value)
        notes.number("new", at, prediction.new)


def _note_value(notes: _Notes, quantity: str, at: int, value: object) -> None:
    """Numbers as numbers, by target; classes and None as the words that Python has for them."""
    if isinstance(value, Mapping):
        notes.number(quantity, at, *value.values())
    elif isinstance(value, float):
        notes.number(quantity, at, value)
    else:
        notes.word(f"{quantity}_label", at, repr(value))


def _note_long(notes: _Notes, at: int, prediction: lethe.Prediction) -> None:
    notes.number("probabilities", at, *prediction.probabilities.values())
    notes.word("classes", at, *map(repr, prediction.probabilities))
    if isinstance(prediction.value, float | Mapping):
        for value in prediction.forecast:
            _note_value(notes, "forecast", at, value)
        notes.number("interval", at, *_intervals(prediction))


def _intervals(prediction: lethe.Prediction) -> list[float]:
    """Near, half-way and far ahead, for every target."""
    value = prediction.value
    if not isinstance(value, float | Mapping):
        return []
    targets: Sequence[str | None] = list(value) if isinstance(value, Mapping) else [None]
    horizon = len(prediction.forecast)
    found: list[float] = []
    for target in targets:
        for ahead in sorted({1, (horizon + 1) // 2, horizon}):
            for level in LEVELS:
                try:
                    found += prediction.interval(level, target=target, ahead=ahead)
                except ValueError:  # before the first event says what the targets are
                    found += [math.nan, math.nan]
    return found


# ---- comparing ----


def difference(record: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each number is from the record's, in units of that number's size.

    Parameters
    ----------
    record, now : ndarray, shape (entries,)
        NaN equals NaN, and what is infinite only itself.

    Returns
    -------
    ndarray, shape (entries,)
        Of what is smaller than 1, the distance itself, unless the whole record is smaller: then in
        units of its largest number. Infinite where just one of two is a number.
    """
    finite = np.isfinite(record) & np.isfinite(now)
    same = (record == now) | (np.isnan(record) & np.isnan(now))
    size = np.where(np.isfinite(record), np.abs(record), 0.0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        apart = np.abs(now - record) / np.maximum(size, min(1.0, size.max(initial=0.0)))
    return np.where(same, 0.0, np.where(finite, apart, math.inf))


def first_difference(
    record: Mapping[str, NDArray[np.generic]],
    now: Answers,
    tolerance: float = TOLERANCE,
    until: float = math.inf,
) -> tuple[int, str] | None:
    """The first action whose answer is another than the record's, and what it is.

    Parameters
    ----------
    record, now : mapping of str to ndarray
        As `replay` gives them.
    tolerance : float
        What numbers may differ by: see `difference`. Everything else must be equal.
    until : float
        From this action on numbers and labels may differ. Outcomes and counters may not.

    Returns
    -------
    tuple of int and str, or None
        None where all is the same.
    """
    quantities = sorted(name for name in record if f"{name}_at" in record)
    extra = sorted(name for name in now if name not in record)
    found = [(0, f"{name} is new") for name in extra]
    for quantity in quantities:
        if quantity not in now:
            found.append((int(record[f"{quantity}_at"][0]), f"{quantity} is missing"))
            continue
        before = record[f"{quantity}_at"], record[quantity]
        after = now[f"{quantity}_at"], now[quantity]
        end = math.inf if quantity in ("outcome", "counters") else until
        found += _first_of(quantity, before, after, tolerance, end)
    return min(found) if found else None


def _first_of(
    quantity: str, before: _Entries, after: _Entries, tolerance: float, until: float
) -> list[tuple[int, str]]:
    """The first difference of one quantity, if there is one."""
    (places, entries), (places_now, entries_now) = before, after
    number = min(len(places), len(places_now))
    wrong = places[:number] != places_now[:number]
    if entries.dtype.kind == "f":
        wrong |= ~(difference(entries[:number], entries_now[:number]) <= tolerance)
    else:
        wrong |= entries[:number] != entries_now[:number]
    if wrong.any():
        n = int(np.argmax(wrong))
        at = int(min(places[n], places_now[n]))
        text = f"{quantity} was {entries[n]!s}, now {entries_now[n]!s}"
    elif len(places) != len(places_now):
        at = int((places if len(places) > number else places_now)[number])
        text = f"{quantity} had {len(places)} entries, now {len(places_now)}"
    else:
        return []
    return [(at, text)] if at < until else []
