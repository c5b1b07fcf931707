"""Streams of thirteen kinds, and eight kinds of anomalies that can be put into them.

Every stream is a pattern and noise, one beside the other, so that noise alone can be made louder or
quieter. The size of an anomaly is measured in the noise's spread. The same seed makes the same
stream.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from common import Values

__all__ = ["ANOMALIES", "STREAMS", "Injected", "inject", "stream"]

Make = Callable[[np.random.Generator, int], tuple[Values, Values]]


def _autoregressive(g: np.random.Generator, n: int) -> tuple[Values, Values]:
    noise, out, last = g.normal(size=n).tolist(), np.empty(n), 0.0
    for i in range(n):
        last = out[i] = noise[i] + 0.9 * last
    return np.zeros(n), out


def _seasonal(g: np.random.Generator, n: int) -> tuple[Values, Values]:
    return 10 * np.sin(2 * np.pi * np.arange(n, dtype=float) / 48), g.normal(size=n)


def _working_days(g: np.random.Generator, n: int) -> tuple[Values, Values]:
    hour = np.arange(n, dtype=float)
    busy = (hour % 24 >= 8) & (hour % 24 < 18) & (hour // 24 % 7 < 5)
    return np.where(busy, 50.0, 20.0), 2 * g.normal(size=n)


def _volatile(g: np.random.Generator, n: int) -> tuple[Values, Values]:
    """GARCH(1, 1): quiet and loud times."""
    noise, out = g.normal(size=n).tolist(), np.empty(n)
    variance = last = 1.0
    for i in range(n):
        variance = 0.05 + 0.1 * last**2 + 0.85 * variance
        last = out[i] = variance**0.5 * noise[i]
    return np.zeros(n), out


def _trend(g: np.random.Generator, n: int) -> tuple[Values, Values]:
    return 0.01 * np.arange(n, dtype=float), g.normal(size=n)


def _two_levels(g: np.random.Generator, n: int) -> tuple[Values, Values]:
    """A machine that is on or off, some 100 events each."""
    changes = np.cumsum(g.uniform(size=n) < 0.01)
    return np.where(changes % 2 == 1, 10.0, 0.0), g.normal(size=n)


def _bursts(g: np.random.Generator, n: int) -> tuple[Values, Values]:
    """Counts that are mostly zero."""
    return np.zeros(n), np.where(g.uniform(size=n) < 0.01, g.poisson(5, size=n) + 1.0, 0.0)


#: By name: how to make so many events, and the spread of their noise.
STREAMS: dict[str, tuple[Make, float]] = {
    "noise": (lambda g, n: (np.full(n, 50.0), g.normal(size=n)), 1.0),
    "heavy tails": (lambda g, n: (np.zeros(n), g.standard_t(3, size=n)), 1.7),
    "skewed": (lambda g, n: (np.zeros(n), np.exp(g.normal(size=n))), 2.2),
    "autoregressive": (_autoregressive, 2.3),
    "random walk": (lambda g, n: (np.cumsum(g.normal(size=n)), np.zeros(n)), 1.0),
    "seasonal": (_seasonal, 1.0),
    "working days": (_working_days, 2.0),
    "volatile": (_volatile, 1.0),
    "two levels": (_two_levels, 1.0),
    "counts": (lambda g, n: (np.zeros(n), g.poisson(3.0, size=n).astype(float)), 1.7),
    "rare counts": (_bursts, 1.0),
    "rounded": (lambda g, n: (np.full(n, 20.0), np.round(g.normal(size=n))), 1.0),
    "trend": (_trend, 1.0),
}

#: The kinds of anomaly that `inject` knows.
ANOMALIES = (
    "spike",
    "dip",
    "level shift",
    "drift",
    "change of noise",
    "too quiet",
    "stuck",
    "missing data",
)


@dataclass(frozen=True)
class Injected:
    """A stream with one anomaly.

    Attributes
    ----------
    values : ndarray
        NaN where data are missing.
    kind : str
        One of `ANOMALIES`.
    begin, end : int
        The events from `begin` up to `end` are those that it changes (a shift: its first 200).
    """

    values: Values
    kind: str
    begin: int
    end: int


def stream(kind: str, n: int, seed: int) -> tuple[Values, Values]:
    """The pattern and the noise of so many events of one of `STREAMS`.

    Examples
    --------
    >>> pattern, noise = stream("seasonal", 96, seed=0)
    >>> bool(np.allclose(pattern[:48], pattern[48:])), len(noise)
    (True, 96)
    """
    return STREAMS[kind][0](np.random.default_rng([seed, list(STREAMS).index(kind)]), n)


def inject(
    pattern: Values, noise: Values, kind: str, begin: int, *, spread: float, size: float, seed: int
) -> Injected:
    """Put an anomaly of `size` spreads into a stream.

    Spikes and dips last one to three events, a sensor is stuck for 100, and all else lasts 200; a
    level shift does not end, and a drift stays where it has come to.

    Examples
    --------
    >>> pattern, noise = stream("noise", 1000, seed=0)
    >>> made = inject(pattern, noise, "stuck", 500, spread=1, size=6, seed=0)
    >>> made.begin, made.end, len(set(made.values[499:600].tolist()))
    (500, 600, 1)
    """
    g = np.random.default_rng([seed, 1000 + ANOMALIES.index(kind)])
    out, most = pattern + noise, len(noise) - begin
    far, side = size * spread, float(g.choice([-1, 1]))
    length = {"spike": int(g.integers(1, 4)), "dip": int(g.integers(1, 4)), "stuck": 100}
    n = min(length.get(kind, 200), most)
    there = slice(begin, begin + n)
    match kind:
        case "spike":
            out[there] += far
        case "dip":
            out[there] -= far
        case "level shift":
            out[begin:] += far * side
        case "drift":
            out[begin:] += far * side * np.minimum(np.arange(most) / n, 1)
        case "change of noise":
            out[there] = pattern[there] + size / 2 * noise[there]
        case "too quiet":
            out[there] = pattern[there] + noise[there] / size
        case "stuck":
            out[there] = out[begin - 1]
        case "missing data":
            out[there] = np.nan
        case _:
            raise ValueError(f"kind must be one of {', '.join(ANOMALIES)}, got {kind!r}")
    return Injected(out, kind, begin, begin + n)
