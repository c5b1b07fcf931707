"""The practitioner's protocol: predict each event, then learn from it, one event at a time."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lethe.network import Network

__all__ = ["Score", "SymbolStream", "predict_symbols"]


class SymbolStream(Protocol):
    """A source of symbols, such as `lethe.streams.TextStream`."""

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


def predict_symbols(
    net: Network,
    stream: SymbolStream,
    *,
    limit: int | None = None,
    chunk: int = 1000,
    recent: int = 10_000,
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

    Yields
    ------
    Score
        After each chunk, and only there: an interrupted chunk is in no score.

    Raises
    ------
    ValueError
        If a symbol is none of the network's.
    """
    bits, seconds, symbols = 0.0, 0.0, 0
    window: deque[tuple[int, float]] = deque()
    window_symbols = 0
    last: NDArray[np.integer[Any]] | None = None
    while limit is None or symbols < limit:
        events = stream.take(chunk if limit is None else min(chunk, limit - symbols))
        if not events.size:
            return
        cost = 0.0 if last is not None else math.log2(net.topology.outputs)
        known = events if last is None else np.concatenate((last, events))
        if known.size > 1:
            began = time.perf_counter()
            run = net.run(known[:-1], known[1:], record=("loss",))
            seconds += time.perf_counter() - began
            cost += float(run["loss"].sum()) / math.log(2.0)
        last = known[-1:]
        bits += cost
        symbols += events.size
        window.append((events.size, cost))
        window_symbols += events.size
        while window_symbols - window[0][0] >= recent:
            window_symbols -= window.popleft()[0]
        yield Score(
            symbols=symbols,
            bits_per_symbol=bits / symbols,
            recent_bits_per_symbol=sum(cost for _, cost in window) / window_symbols,
            microseconds_per_symbol=1e6 * seconds / symbols,
        )
