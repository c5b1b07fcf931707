"""Prequential evaluation: predict each event, score the prediction, then learn the event."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from lethe.core.network import Network
from lethe.data.record import Record
from lethe.evaluate.naive import ClassScores, NumberScores, number_or_nan
from lethe.model import Model, Report
from lethe.model.calendar import seconds_of

__all__ = [
    "EventScores",
    "Score",
    "Scored",
    "SymbolStream",
    "Tally",
    "predict_events",
    "predict_symbols",
]


class SymbolStream(Protocol):
    """A source of symbols, such as `lethe.data.TextStream`."""

    def take(self, n: int) -> NDArray[np.integer[Any]]:
        """At least one and at most `n` of the next symbols, or none at the end of the stream."""


@dataclass(frozen=True)
class Score:
    """How well a stream of symbols is predicted so far.

    Parameters
    ----------
    symbols : int
        Symbols seen.
    bits_per_symbol : float
        Mean of -log2 of the probability that was predicted for each symbol.
    recent_bits_per_symbol : float
        The same over about the last 10,000 symbols.
    microseconds_per_symbol : float
        Time spent in the network, predicting and learning, without waiting for the stream.
    """

    symbols: int
    bits_per_symbol: float
    recent_bits_per_symbol: float
    microseconds_per_symbol: float


#: Symbols in each chunk of a `Tally`'s window.
WINDOW_CHUNK = 100


@dataclass
class Tally:
    """The state of `predict_symbols` besides the network; it is updated in place.

    Its bits depend on the symbols alone, and not on how a source handed them out: they are added
    one by one, and the chunks of the window end at multiples of 100 symbols.

    Parameters
    ----------
    symbols : int
        Symbols seen.
    bits : float
        Bits of all of them.
    last : int, optional
        The last symbol, which the network has not read yet.
    window : deque of (int, float)
        Numbers of symbols and bits of the last chunks.
    """

    symbols: int = 0
    bits: float = 0.0
    last: int | None = None
    window: deque[tuple[int, float]] = field(default_factory=deque)

    def add(self, bits: NDArray[np.float64], recent: int) -> None:
        """Count further symbols by their bits, and keep a window of the `recent` last ones."""
        self.bits = _sum_in_order(self.bits, bits)
        kept = sum(symbols for symbols, _ in self.window)
        while bits.size:
            filled = self.symbols % WINDOW_CHUNK
            part, bits = np.split(bits, [WINDOW_CHUNK - filled])
            count, sum_before = self.window.pop() if filled and self.window else (0, 0.0)
            self.window.append((count + part.size, _sum_in_order(sum_before, part)))
            self.symbols += part.size
            kept += part.size
        while kept - self.window[0][0] >= recent:
            kept -= self.window.popleft()[0]

    def recent_bits(self) -> float:
        """The mean of the window."""
        return sum(bits for _, bits in self.window) / sum(symbols for symbols, _ in self.window)


def _sum_in_order(start: float, terms: NDArray[np.float64]) -> float:
    """A sum from left to right, which np.sum's is not; so its bits do not depend on the pieces."""
    return float(np.add.accumulate(np.concatenate(([start], terms)))[-1])


def predict_symbols(
    net: Network,
    stream: SymbolStream,
    *,
    limit: int | None = None,
    chunk: int = 1000,
    recent: int = 10_000,
    tally: Tally | None = None,
    learn: bool = True,
) -> Iterator[Score]:
    """Predict each symbol from those before it, and learn it at once.

    The first symbol counts log2(outputs) bits, those of a uniform guess.

    Parameters
    ----------
    net : Network
        With softmax outputs, one for each symbol. It continues from its current state.
    stream : SymbolStream
        Read only as far as it is learned.
    limit : int, optional
        Number of symbols after which to stop (default: the end of the stream).
    chunk : int
        Largest number of symbols between two scores. It does not change the network.
    recent : int
        Number of symbols in the running mean, rounded up to a whole chunk.
    tally : Tally, optional
        Of earlier symbols, which count in the scores and in `limit`.
    learn : bool
        False: the network is frozen.

    Yields
    ------
    Score
        After each complete chunk.

    Raises
    ------
    ValueError
        If a symbol is not one of the network's.
    """
    tally = Tally() if tally is None else tally
    seconds, before = 0.0, tally.symbols
    while limit is None or tally.symbols < limit:
        events = stream.take(min(chunk, limit - tally.symbols) if limit is not None else chunk)
        if not events.size:
            return
        bits, spent = _bits(net, tally.last, events, learn)
        seconds += spent
        tally.last = int(events[-1])
        tally.add(bits, recent)
        cost = 1e6 * seconds / (tally.symbols - before)
        yield Score(tally.symbols, tally.bits / tally.symbols, tally.recent_bits(), cost)


def _bits(
    net: Network, last: int | None, events: NDArray[np.integer[Any]], learn: bool
) -> tuple[NDArray[np.float64], float]:
    """The bits of each of some symbols after the last one, and the seconds spent on them."""
    known = events if last is None else np.concatenate(([last], events))
    first = [math.log2(net.topology.outputs)] if last is None else []
    if known.size == 1:
        return np.array(first), 0.0
    began = time.perf_counter()
    run = net.run(known[:-1], known[1:], learn=learn, record=("loss",))
    spent = time.perf_counter() - began
    losses = np.asarray(run["loss"], np.float64).reshape(-1)
    return np.concatenate((first, losses / math.log(2.0))), spent


class EventScores:
    """How well the events of a stream are predicted so far, compared with naive predictors.

    Parameters
    ----------
    model : Model
        The model that predicts them.

    Attributes
    ----------
    scores : NumberScores, ClassScores or None
        None before the first event, which determines what is predicted.
    time : str or None
        The column with the time of an event: the given one, or the first that contains a time.
    """

    def __init__(self, model: Model, time: str | None = None) -> None:
        self._model = model
        self.scores: NumberScores | ClassScores | None = None
        self.time = time

    def update(self, event: dict[str, Any], report: Report) -> None:
        """Score the model's report of an event that it has learned."""
        model, prediction = self._model, report.prediction
        if model.task == "regression" and not model.targets:
            return  # no column of numbers has had a value yet
        if isinstance(self.scores, NumberScores) and self.scores.targets != model.targets:
            self._begin(event)  # a column that was empty has had its first value
            return
        if self.scores is None:
            self._begin(event)
        if prediction is None:
            return
        if isinstance(self.scores, NumberScores):
            actual = [number_or_nan(event.get(name)) for name in self.scores.targets]
            forecast = cast(tuple[float | dict[str, float], ...], prediction.forecast)
            self.scores.update(forecast, actual, self._seconds(event))
        elif self.scores is not None:
            given = prediction.probabilities, prediction.new, event.get(model.targets[0])
            self.scores.update(prediction.value, *given)

    def _begin(self, event: dict[str, Any]) -> None:
        model = self._model
        if self.time is None:
            times = (name for name, value in event.items() if seconds_of(value) is not None)
            self.time = next(times, None)
        if model.task == "regression":
            period = model.parameters.periods[0] or None
            self.scores = NumberScores(model.targets, model.horizon, period)
        else:
            self.scores = ClassScores()

    def _seconds(self, event: dict[str, Any]) -> float:
        value: object = None if self.time is None else event.get(self.time)
        seconds = seconds_of(value)
        return number_or_nan(value) if seconds is None else seconds


class Scored(NamedTuple):
    """One event, and the model's report of it.

    Attributes
    ----------
    record : Record
        The event and its position in the stream.
    report : Report
        What the model predicted, and how anomalous the event is.
    """

    record: Record
    report: Report


def predict_events(
    model: Model,
    stream: Iterable[Record],
    *,
    name: str | Callable[[], str] = "the stream",
    scores: EventScores | None = None,
    limit: int | None = None,
    learn: bool = True,
    skipped: Callable[[Record, Report], None] | None = None,
) -> Iterator[Scored]:
    """Predict each event, score the prediction, and learn the event, in constant memory.

    Parameters
    ----------
    model : Model
        It continues from its current state.
    stream : iterable of Record
        Such as from `lethe.data.open_records`. It is read only as far as it is learned.
    name : str or callable
        Name of the stream in messages, with the unit of its records: ``"pump.csv line"``; or what
        returns it, for the record that was read last.
    scores : EventScores, optional
        Updated with every event.
    limit : int, optional
        Total number of the model's events after which to stop (default: the end of the stream).
    learn : bool
        False: the model follows the events, and its weights do not change.
    skipped : callable, optional
        Called with each event that the model skips.

    Yields
    ------
    Scored
        For each event that is not skipped, after it is learned.

    Raises
    ------
    ValueError
        If the model rejects an event; the message gives its position. The model is unchanged.

    Examples
    --------
    >>> from lethe.data import open_records
    >>> model = Model("value", horizon=1)
    >>> scores = EventScores(model)
    >>> events = list(predict_events(model, open_records("sine"), scores=scores, limit=2000))
    >>> errors = scores.scores.mean_errors(0, 0)
    >>> errors["model"] < min(errors["last value"], errors["mean"])
    True
    """
    take = model.learn if learn else model.follow
    most = math.inf if limit is None else limit
    for record in stream if model.events < most else ():
        try:
            report = take(record.event)
        except ValueError as error:
            words = name() if callable(name) else name
            raise ValueError(f"{words} {record.number}: {error}") from None
        if report.skipped:
            if skipped is not None:
                skipped(record, report)
            continue
        if scores is not None:
            scores.update(record.event, report)
        yield Scored(record, report)
        if model.events >= most:
            return
