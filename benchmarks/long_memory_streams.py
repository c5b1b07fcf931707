"""Streams whose next value depends on what happened tens or hundreds of events ago."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]
Stream = tuple[dict[str, Values], Values, Mask]  # columns, target, the events that decide
NOISE = 0.05


def latch(random: np.random.Generator, n: int) -> Stream:
    """One column sets it, another resets it, a third asks which it was."""
    is_set, is_reset = random.random((2, n)) < 0.01
    is_reset &= ~is_set
    asked = random.random(n) < 0.1
    state = _held(is_set | is_reset, np.where(is_set, 1.0, -1.0), 1.0)
    columns = {"set": _ones(is_set), "reset": _ones(is_reset), "ask": _ones(asked)}
    return columns, asked * state + _noise(random, n), asked


def modes(random: np.random.Generator, n: int) -> Stream:
    """An event every 100 to 500 sets which of three ways a column acts."""
    begins, modes = np.zeros((3, n), bool), np.zeros(n, int)
    for start in _starts(random, n, 100, 501):
        mode = int(random.integers(3))
        begins[mode, start] = True
        modes[start:] = mode
    x = random.standard_normal(n)
    y = np.array([1.0, -1.0, 0.0])[modes] * x + np.array([0.0, 0.0, 1.0])[modes]
    columns = {"a": _ones(begins[0]), "b": _ones(begins[1]), "c": _ones(begins[2]), "x": x}
    return columns, y + 2 * _noise(random, n), np.ones(n, bool)


def order(random: np.random.Generator, n: int) -> Stream:
    """One of two orders; 50 to 300 events later it is carried out, up or down."""
    first, second, fires, y = (np.zeros(n) for _ in range(4))
    for start, end in _spans(random, n):
        up = random.random() < 0.5
        (first if up else second)[start] = 1.0
        fires[end] = 1.0
        y[end] = 2.0 if up else -2.0
    columns = {"first": first, "second": second, "fire": fires}
    return columns, y + _noise(random, n), fires > 0


def amount(random: np.random.Generator, n: int) -> Stream:
    """The same, but of an amount."""
    ordered, fires, y = (np.zeros(n) for _ in range(3))
    for start, end in _spans(random, n):
        ordered[start] = y[end] = random.uniform(0.5, 2.0) * random.choice([-1, 1])
        fires[end] = 1.0
    return {"order": ordered, "fire": fires}, y + _noise(random, n), fires > 0


def temporal_order(random: np.random.Generator, n: int) -> Stream:
    """Two symbols, tens of events apart, in one of four orders; later the answer is asked for."""
    columns = {name: np.zeros(n) for name in ("X", "Y", "fire")}
    y = np.zeros(n)
    start = 0
    while start < n - 300:
        kinds = random.integers(2, size=2)
        places = start + np.cumsum(random.integers((1, 10, 10), (50, 100, 100)))
        for kind, place in zip(kinds, places[:2], strict=True):
            columns["X" if kind else "Y"][place] = 1.0
        columns["fire"][places[2]] = 1.0
        y[places[2]] = (-3.0, -1.0, 1.0, 3.0)[2 * kinds[0] + kinds[1]]
        start = int(places[2])
    return columns, y + _noise(random, n), columns["fire"] > 0


def hold(random: np.random.Generator, n: int) -> Stream:
    """A value that is taken at a gate and asked for later."""
    gate, asked = random.random(n) < 0.02, random.random(n) < 0.1
    x = random.uniform(-1.0, 1.0, n)
    columns = {"gate": _ones(gate), "x": x, "ask": _ones(asked)}
    return columns, asked * _held(gate, x, 0.0) + _noise(random, n), asked


def parity(random: np.random.Generator, n: int) -> Stream:
    """Whether an even number of bits has come so far."""
    bits, asked = random.random(n) < 0.02, random.random(n) < 0.1
    even = np.where(np.cumsum(bits) % 2, 1.0, -1.0)
    return {"bit": _ones(bits), "ask": _ones(asked)}, asked * even + _noise(random, n), asked


def timer(random: np.random.Generator, n: int) -> Stream:
    """An order that is carried out 60 events later, unasked."""
    ordered, y = np.zeros(n), np.zeros(n)
    for start in _starts(random, n - 60, 61, 161):
        ordered[start], y[start + 60] = 1.0, 2.0
    return {"order": ordered}, y + _noise(random, n), y > 0


def echo(random: np.random.Generator, n: int) -> Stream:
    """Pulses that come again 40 events later."""
    x = random.standard_normal(n) * (random.random(n) < 0.05)
    y = np.concatenate((np.zeros(40), x[:-40]))
    return {"x": x}, y + _noise(random, n), y != 0


def delay(random: np.random.Generator, n: int) -> Stream:
    """A slow column that acts 200 events later, and one that does not."""
    x, shocks = np.zeros(n), 0.3 * random.standard_normal(n)
    for i in range(1, n):
        x[i] = 0.95 * x[i - 1] + shocks[i]
    y = np.concatenate((np.zeros(200), 2 * x[:-200]))
    columns = {"x": x, "z": random.standard_normal(n)}
    return columns, y + 4 * _noise(random, n), np.arange(n) >= 200


STREAMS: dict[str, Callable[[np.random.Generator, int], Stream]] = {
    made.__name__.replace("_", " "): made
    for made in (
        latch,
        modes,
        order,
        amount,
        temporal_order,
        hold,
        parity,
        timer,
        echo,
        delay,
    )
}


def without_memory(stream: Stream) -> float:
    """The mean absolute error, where it counts, of the best answer to an event by itself.

    Least squares on the columns and their sizes, or the median, whichever is better: what the
    streams above allow who remembers nothing.
    """
    columns, y, decides = stream
    rows = [np.ones_like(y), *columns.values(), *map(np.abs, columns.values())]
    features = np.array(rows).T
    weights = np.linalg.lstsq(features, y, rcond=None)[0]
    by_columns = np.abs(features @ weights - y)[decides].mean()
    return float(min(by_columns, np.abs(y - np.median(y))[decides].mean()))


def _ones(mask: Mask) -> Values:
    return mask.astype(float)


def _noise(random: np.random.Generator, n: int) -> Values:
    return NOISE * random.standard_normal(n)


def _held(when: Mask, values: Values, first: float) -> Values:
    """The last value that came when it was asked to be kept."""
    places = np.maximum.accumulate(np.where(when, np.arange(len(values)), -1))
    return np.where(places < 0, first, values[places])


def _starts(random: np.random.Generator, n: int, least: int, end: int) -> Iterator[int]:
    start = 0
    while start < n:
        yield start
        start += int(random.integers(least, end))


def _spans(random: np.random.Generator, n: int) -> Iterator[tuple[int, int]]:
    """An order, and 50 to 300 events later what it asked for."""
    start = 5
    while start < n - 400:
        end = start + int(random.integers(50, 301))
        yield start, end
        start = end + int(random.integers(1, 100))
