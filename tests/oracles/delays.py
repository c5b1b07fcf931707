"""What kernels/stream/delays.hpp computes, a second time: in NumPy."""

from __future__ import annotations

import math

import numpy as np
from oracles.events import Values
from oracles.linear import forget_feature, linear_gain, packed
from oracles.scales import clamp

LAGS, TAPS, MOST_SOURCES, MOST_TARGETS = 512, 8, 16, 4
RING = 2 * LAGS
MEMORY, OUTSTANDING = 0.9998, 6.0
TAP_FORGETTING, TAP_VARIANCE, MOST_TAP_VARIANCE = 0.9999, 1.0, 100.0
MOST_DELAYED, LAGS_LOOKED_AT, SCARCE = 20.0, 32, 30


class Delays:
    """Columns that act after a delay: found by cross-correlation, predicted from a few taps."""

    def __init__(self, targets: int, slots: int) -> None:
        self.targets = targets if targets <= MOST_TARGETS else 0
        n = self._sources(slots)
        self.past = np.zeros((n, RING))  # the newest first
        self.power, self.events_seen = np.zeros(n), 0
        self.correlation = np.zeros((self.targets, n, LAGS))
        self.noise, self.events = np.zeros(self.targets), np.zeros(self.targets)
        self.source, self.lag, self.weights = np.zeros((3, self.targets, TAPS))
        self.covariance = [TAP_VARIANCE * np.eye(TAPS) for _ in range(self.targets)]

    def _sources(self, slots: int) -> int:
        return min(slots, MOST_SOURCES) if self.targets else 0

    def make_room(self, slots: int) -> None:
        more = self._sources(slots) - len(self.past)
        self.past, self.power = (
            np.pad(self.past, ((0, more), (0, 0))),
            np.pad(self.power, (0, more)),
        )
        self.correlation = np.pad(self.correlation, ((0, 0), (0, more), (0, 0)))

    def predict(self, i: int) -> tuple[Values, float]:
        """A number for each tap, and what they say together."""
        values = np.zeros(TAPS)
        for k in np.flatnonzero(self.lag[i]):
            values[k] = self.past[int(self.source[i, k]) - 1, int(self.lag[i, k]) - 1]
        return values, float(self.weights[i] @ values)

    def observe(self, slots: Values) -> None:
        """An event's columns become part of the past."""
        n = len(self.past)
        if not n:
            return
        now = np.clip(slots[:n], -MOST_DELAYED, MOST_DELAYED)
        self.past = np.concatenate((now[:, None], self.past[:, :-1]), axis=1)
        self.power += (1 - MEMORY) * (now * now - self.power)
        self.events_seen += 1

    def learn(
        self, i: int, values: Values, said: float, left: float, unit: float, before: int
    ) -> None:
        """What was left of a target so many events ago, in units of large errors."""
        if not (self.targets and unit > 0):
            return
        error = clamp((left - said) / unit, MOST_DELAYED)
        active = (self.lag[i] > 0).astype(float)
        gain, self.covariance[i] = linear_gain(
            self.covariance[i], values, active, TAP_FORGETTING, MOST_TAP_VARIANCE
        )
        self.weights[i] += active * error * unit * gain
        if before < 0 or before + LAGS > RING:
            return
        self.noise[i] = MEMORY**2 * self.noise[i] + error * error
        self.events[i] += 1
        window = self.past[:, before : before + LAGS]
        self.correlation[i] = MEMORY * self.correlation[i] + error * window
        self._look_for_taps(i)

    def forget(self, slot: int) -> None:
        """A slot gets another meaning."""
        if slot >= len(self.past):
            return
        self.past[slot] = self.power[slot] = self.correlation[:, slot] = 0
        for i, k in np.argwhere(self.source == slot + 1):
            self.source[i, k] = self.lag[i, k] = self.weights[i, k] = 0
            forget_feature(self.covariance[i], k, TAP_VARIANCE)

    def _look_for_taps(self, i: int) -> None:
        """The lag that stands out the most takes a tap that is free, or that says the least."""
        events, parts = int(self.events[i]), LAGS // LAGS_LOOKED_AT
        if events < SCARCE:
            return
        source, part = divmod(events % (parts * len(self.past)), parts)
        first = part * LAGS_LOOKED_AT
        noise = self.noise[i] * self.power[source]
        if not noise > 0:
            return
        found = np.abs(self.correlation[i, source, first : first + LAGS_LOOKED_AT])
        best = int(np.argmax(found))
        if not found[best] / math.sqrt(noise) > OUTSTANDING:
            return
        lag = first + best + 1
        if ((self.lag[i] == lag) & (self.source[i] == source + 1)).any():
            return
        powers = self.power[np.maximum(self.source[i].astype(int) - 1, 0)]
        sizes = np.where(self.lag[i] > 0, np.abs(self.weights[i]) * np.sqrt(powers), -1.0)
        place = int(np.argmin(sizes))
        self.source[i, place], self.lag[i, place] = source + 1, lag
        self.weights[i, place] = 0
        forget_feature(self.covariance[i], place, TAP_VARIANCE)

    def parts(self) -> dict[str, Values]:
        at = (np.arange(RING) + self.events_seen) % RING  # how many events ago, at each place
        return {
            "delayed columns": np.tile(self.past[:, at], 2),
            "delay newest": np.array([-self.events_seen % RING]),
            "delay power": self.power,
            "correlation": self.correlation,
            "delay noise": self.noise,
            "delay events": self.events,
            "tap source": self.source,
            "tap lag": self.lag,
            "tap weights": self.weights,
            "tap covariance": np.array([packed(c) for c in self.covariance]).reshape(
                self.targets, TAPS * (TAPS + 1) // 2
            ),
        }
