"""The practitioner's protocol: predict each event, then learn from it, one event at a time."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lethe.core.network import Network
from lethe.data.record import Record
from lethe.evaluate.naive import ClassScores, NumberScores, number_or_nan
from lethe.model import Model, Report
from lethe.model.cycles import seconds_of

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
        """At least one and at most `n` of the next symbols, or none where the stream ends."""


@dataclass(frozen=True)
class Score:
    """How well a stream of symbols has been predicted so far.

    Parameters
    ----------
    symbols : int
        Symbols seen.
    bits_per_symbol : float
        Mean of -log2 of the probability that each symbol had been given before it was seen.
    recent_bits_per_symbol : float
        The same over about the last 10,000 symbols.
    microseconds_per_symbol : float
        Time spent in the network, predicting and learning; waiting for the stream is not counted.
    """

    symbols: int
    bits_per_symbol: float
    recent_bits_per_symbol: float
    microseconds_per_symbol: float


@dataclass
class Tally:
    """What `predict_symbols` has to remember beside the network; it is brought up to date.

    Parameters
    ----------
    symbols : int
        Symbols seen.
    bits : float
        Of all of them.
    last : int, optional
        The last, which the network has not taken in yet.
    window : deque of (int, float)
        Symbols and bits of the last chunks.
    """

    symbols: int = 0
    bits: float = 0.0
    last: int | None = None
    window: deque[tuple[int, float]] = field(default_factory=deque)


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
    """Predict each symbol from those before it, and learn from each at once.

    The first symbol has nothing before it: it counts log2(outputs) bits, those of a uniform guess,
    so that the mean is over all symbols.

    Parameters
    ----------
    net : Network
        With softmax outputs, one for each symbol. It goes on from the state it is in.
    stream : SymbolStream
        It is read as far as it is learned from and no further.
    limit : int, optional
        Symbols after which to stop; by default, where the stream ends.
    chunk : int
        Symbols between two scores, at most. It changes no bits of the network.
    recent : int
        Symbols over which the running mean goes, to the next whole chunk.
    tally : Tally, optional
        Of the symbols before these; they count in the scores and in `limit`.
    learn : bool
        False: the network is frozen.

    Yields
    ------
    Score
        After each chunk, and only there: an interrupted chunk is in no score.

    Raises
    ------
    ValueError
        If a symbol is none of the network's.
    """
    tally = Tally() if tally is None else tally
    seconds, before = 0.0, tally.symbols
    window = tally.window
    window_symbols = sum(symbols for symbols, _ in window)
    last = None if tally.last is None else np.array([tally.last])
    while limit is None or tally.symbols < limit:
        events = stream.take(chunk if limit is None else min(chunk, limit - tally.symbols))
        if not events.size:
            return
        cost = 0.0 if last is not None else math.log2(net.topology.outputs)
        known = events if last is None else np.concatenate((last, events))
        if known.size > 1:
            began = time.perf_counter()
            run = net.run(known[:-1], known[1:], learn=learn, record=("loss",))
            seconds += time.perf_counter() - began
            cost += float(run["loss"].sum()) / math.log(2.0)
        last = known[-1:]
        tally.last = int(last[0])
        tally.bits += cost
        tally.symbols += events.size
        window.append((events.size, cost))
        window_symbols += events.size
        while window_symbols - window[0][0] >= recent:
            window_symbols -= window.popleft()[0]
        yield Score(
            symbols=tally.symbols,
            bits_per_symbol=tally.bits / tally.symbols,
            recent_bits_per_symbol=sum(bits for _, bits in window) / window_symbols,
            microseconds_per_symbol=1e6 * seconds / (tally.symbols - before),
        )


class EventScores:
    """How well the events of a stream have been predicted so far, beside the naive predictors.

    Parameters
    ----------
    model : Model
        Whose predictions they are.

    Attributes
    ----------
    scores : NumberScores, ClassScores or None
        None before the first event, which says what is predicted.
    time : str or None
        The column with the time of an event: the model's, or the first that holds one.
    """

    def __init__(self, model: Model, time: str | None = None) -> None:
        self._model = model
        self.scores: NumberScores | ClassScores | None = None
        self.time = time

    def update(self, event: dict[str, Any], report: Report) -> None:
        """Take in what the model said of an event that it has learned from."""
        model, prediction = self._model, report.prediction
        if self.scores is None:
            self._begin(event)
        if prediction is None:
            return
        if isinstance(self.scores, NumberScores):
            came = [number_or_nan(event.get(name)) for name in self.scores.targets]
            self.scores.update(prediction.forecast, came, self._seconds(event))
        elif self.scores is not None:
            given = prediction.probabilities, prediction.new, event.get(model.targets[0])
            self.scores.update(prediction.value, *given)

    def _begin(self, event: dict[str, Any]) -> None:
        model = self._model
        if self.time is None:
            times = (name for name, value in event.items() if seconds_of(value) is not None)
            self.time = next(times, None)
        if model.task == "regression":
            self.scores = NumberScores(model.targets, model.horizon, model.period)
        else:
            self.scores = ClassScores()

    def _seconds(self, event: dict[str, Any]) -> float:
        value = None if self.time is None else event.get(self.time)
        seconds = seconds_of(value)
        return number_or_nan(value) if seconds is None else seconds


class Scored(NamedTuple):
    """One event, and what the model said before and after it saw its target.

    Attributes
    ----------
    record : Record
        The event and its place in the stream.
    report : Report
        What was expected of it, and how odd it is.
    """

    record: Record
    report: Report


def predict_events(
    model: Model,
    stream: Iterable[Record],
    *,
    name: str = "the stream",
    scores: EventScores | None = None,
    limit: int | None = None,
    learn: bool = True,
) -> Iterator[Scored]:
    """Predict each event, compare, and learn from it, in constant memory.

    Parameters
    ----------
    model : Model
        It goes on from the state it is in.
    stream : iterable of Record
        Such as `lethe.data.open_records` opens. It is read no further than it is learned from.
    name : str
        The stream's, for messages, with what its records are counted in: ``"pump.csv line"``.
    scores : EventScores, optional
        Kept up to date.
    limit : int, optional
        Events of the model's life after which to stop; by default, where the stream ends.
    learn : bool
        False: the model is frozen; it follows the events, and its weights stay as they are.

    Yields
    ------
    Scored
        For each event that was not skipped, after it was learned from.

    Raises
    ------
    ValueError
        If the model refuses an event; the message says where it stands. The model is as it was.

    Examples
    --------
    >>> import lethe
    >>> from lethe.data import open_records
    >>> model = lethe.Model("value", horizon=1)
    >>> scores = EventScores(model)
    >>> stream = open_records("sine")
    >>> for record, report in predict_events(model, stream, scores=scores, limit=2000):
    ...     odd = report.anomaly > 0.9999
    >>> errors = scores.scores.mean_errors(0, 0)
    >>> errors["model"] < min(errors["last value"], errors["mean"])
    True
    """
    take = model.learn if learn else model.follow
    if limit is not None and model.events >= limit:
        return
    for record in stream:
        try:
            report = take(record.event)
        except ValueError as error:
            raise ValueError(f"{name} {record.number}: {error}") from None
        if report.skipped:
            continue
        if scores is not None:
            scores.update(record.event, report)
        yield Scored(record, report)
        if limit is not None and model.events >= limit:
            return
