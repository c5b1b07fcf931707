"""What kernels/stream/store.hpp computes, a second time: slowly, in NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from oracles.events import Values

Indices = NDArray[np.intp]

STORED_EVENTS, NEAREST_EVENTS, FEWER_EVENTS = 1000, 20, 4
LEAST_DISTANCE, SHARED_DISTANCE = 1e-9, 0.1


class Store:
    """The last events with their classes."""

    def __init__(self, features: int) -> None:
        self.count = 0
        self.features = np.zeros((features, STORED_EVENTS))
        self.classes = np.zeros(STORED_EVENTS, int)  # 0: none

    @property
    def newest_first(self) -> Indices:
        """Where there are events with classes."""
        places = (self.count - 1 - np.arange(min(self.count, STORED_EVENTS))) % STORED_EVENTS
        return places[self.classes[places] > 0]

    @property
    def filled(self) -> Indices:
        """Where there are events with classes."""
        return np.flatnonzero(self.classes)

    def observe(self, x: Values, place: int) -> None:
        self.features[: len(x), self.count % STORED_EVENTS] = x
        self.classes[self.count % STORED_EVENTS] = place
        self.count += 1

    def look_up(self, x: Values, seen: list[int]) -> tuple[Indices, Values]:
        """The nearest events, of equally near ones the newest, and how far they are."""
        events = self.newest_first
        distances = ((self.features[np.ix_(seen, events)] - x[seen, None]) ** 2).sum(axis=0)
        near = np.argsort(distances, kind="stable")[:NEAREST_EVENTS]
        return events[near], distances[near]

    def vote(self, near: tuple[Indices, Values], most: int, votes: Values) -> float:
        """Add those of the nearest events to the votes of each class; their sum."""
        events, distances = near[0][:most], near[1][:most]
        if not len(events):
            return 0.0
        given = 1 / (distances + SHARED_DISTANCE * distances.mean() + LEAST_DISTANCE)
        np.add.at(votes, self.classes[events], given)
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
