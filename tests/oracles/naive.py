"""What kernels/stream/naive.hpp computes, a second time: slowly, in plain Python."""

from __future__ import annotations

from oracles.history import History


def naive_predictions(history: History, target: int, ahead: int, seconds: float) -> list[float]:
    """The last value, means, and what was one season ago."""
    i = target
    mean = history.total[i] / max(history.counted[i], 1)
    p = [float(history.newest()[i]), mean, history.fast[i], history.slow[i], history.median[i]]
    for length in history.season_lengths():
        p.append(history.last_season(ahead, length, seconds)[i])
    return [float(value) for value in p]
