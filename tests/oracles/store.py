"""What kernels/stream/store.hpp computes, a second time: slowly, in NumPy."""

from __future__ import annotations

import numpy as np
from oracles.events import Values

STORED_EVENTS, NEAREST_EVENTS = 1000, 10
LEAST_DISTANCE, SHARED_DISTANCE = 1e-9, 0.1


class Store:
    """The last events with their classes."""

    def __init__(self, features: int) -> None:
        self.count = 0
        self.features = np.zeros((features, STORED_EVENTS))
        self.classes = np.zeros(STORED_EVENTS, int)  # 0: none

    @property
    def filled(self) -> Values:
        """Where there are events with classes."""
        return np.flatnonzero(self.classes)

    def observe(self, x: Values, place: int) -> None:
        self.features[: len(x), self.count % STORED_EVENTS] = x
        self.classes[self.count % STORED_EVENTS] = place
        self.count += 1

    def vote(self, x: Values, votes: Values) -> float:
        """Add those of the nearest events to the votes of each class; their sum."""
        events = self.filled
        if not len(events):
            return 0.0
        distances = ((self.features[: len(x), events] - x[:, None]) ** 2).sum(axis=0)
        near = np.argsort(distances, kind="stable")[:NEAREST_EVENTS]
        found = distances[near]
        given = 1 / (found + SHARED_DISTANCE * found.mean() + LEAST_DISTANCE)
        np.add.at(votes, self.classes[events[near]], given)
        return float(given.sum())

    def forget_feature(self, feature: int) -> None:
        self.features[feature] = 0

    def forget_class(self, place: int) -> None:
        self.classes[self.classes == place] = 0

    def parts(self) -> dict[str, Values]:
        return {
            "stored count": np.array([self.count]),
            "stored features": self.features,
            "stored class": self.classes,
        }
