"""What kernels/stream/experts.hpp computes, a second time: slowly, in NumPy."""

from __future__ import annotations

import numpy as np
from oracles.bayes import Bayes
from oracles.events import Values
from oracles.forest import Forest
from oracles.newton import Newton
from oracles.softmax import Softmax
from oracles.store import FEWER_EVENTS, NEAREST_EVENTS, STORED_EVENTS, Store

EXPERTS = 6
MOST_LOCAL_FEATURES, MOST_EXPERT_CLASSES, FREQUENCY_SHARE = 64, 256, 0.05


class Experts:
    """The nearest of the last events, a forest, naive Bayes, softmax regression."""

    def __init__(self, fixed: int, slots: int, classes: int) -> None:
        self.fixed, self.used = fixed, 1
        self.features = min(fixed + slots, MOST_LOCAL_FEATURES)
        self.classes = min(classes, MOST_EXPERT_CLASSES)
        self.store, self.forest = Store(self.features), Forest()
        self.bayes = Bayes(self.features, self.classes)
        self.softmax = Softmax(self.features, self.classes)
        self.newton = Newton(self.features, self.classes)

    @property
    def all(self) -> tuple[Store, Forest, Bayes, Softmax, Newton]:
        return self.store, self.forest, self.bayes, self.softmax, self.newton

    def _seen(self, features: Values) -> Values:
        return features[: min(self.fixed + self.used, self.features)]

    def _looked_at(self, n: int, class_slots: Values) -> list[int]:
        """The features that tell how near events are: those of the last class only if alone."""
        of_class = {self.fixed + int(slot) for slot in class_slots}
        seen = [f for f in range(n) if f not in of_class and (f or self.fixed)]
        return seen or list(range(n))

    def predict(self, features: Values, frequency: Values, class_slots: Values) -> Values:
        """A row of probabilities for each expert, of the classes from 1, which have these slots."""
        x, known = self._seen(features), 1 + len(frequency)
        rows = np.zeros((EXPERTS, known))
        near = self.store.look_up(x, self._looked_at(len(x), class_slots))
        sums = [
            self.store.vote(near, FEWER_EVENTS, rows[0]),
            self.store.vote(near, NEAREST_EVENTS, rows[1]),
            self.forest.vote(x, rows[2]),
        ]
        told = min(known, self.classes)
        counted = self.bayes.predict(x, told)
        told_apart = (counted, self.softmax.predict(x, told), self.newton.predict(x, told))
        for row, p in zip(rows[3:], told_apart, strict=True):
            row[told:] = frequency[told - 1 :]
            row[1:told] = 0 if p is None else p * (1 - frequency[told - 1 :].sum())
        sums += [0.0 if counted is None else 1.0, 1.0, 1.0]
        for row, total in zip(rows, sums, strict=True):
            row[1:] = (
                (1 - FREQUENCY_SHARE) * row[1:] / total + FREQUENCY_SHARE * frequency
                if total
                else frequency
            )
        return rows[:, 1:]

    def learn(self, features: Values, place: int, known: int) -> None:
        x = np.zeros(min(self.fixed + self.used, self.features))
        given = self._seen(features)
        x[: len(given)] = given
        self.store.observe(x, place)
        self.forest.observe(self.store, len(x))
        self.bayes.observe(x, place)
        self.softmax.learn(x, min(known, self.classes), place)
        self.newton.learn(x, min(known, self.classes), place)

    def start_slots(self, first: int, end: int) -> None:
        """Slots that are used from now on: their features have always been 0."""
        self.used = end
        for feature in range(self.fixed + first, min(self.fixed + end, self.features)):
            self.bayes.forget_feature(feature)

    def forget_slot(self, slot: int) -> None:
        feature = self.fixed + slot
        if feature < self.features:
            for expert in self.all:
                expert.forget_feature(feature)

    def forget_class(self, place: int) -> None:
        for expert in self.all:
            expert.forget_class(place)

    def grow(self, slots: int, classes: int) -> None:
        before = self.features, self.classes
        self.features = min(self.fixed + slots, MOST_LOCAL_FEATURES)
        self.classes = min(classes, MOST_EXPERT_CLASSES)
        features, classes = self.features - before[0], self.classes - before[1]
        self.store.features = np.pad(self.store.features, ((0, features), (0, 0)))
        self.bayes.classes = np.pad(self.bayes.classes, (0, classes))
        self.bayes.counts = np.pad(self.bayes.counts, ((0, features), (0, 0), (0, classes)))
        self.softmax.weights = np.pad(self.softmax.weights, ((0, classes), (0, features)))
        self.softmax.squares = np.pad(self.softmax.squares, ((0, classes), (0, features)))
        self.newton.grow(features, classes)

    def parts(self) -> dict[str, Values]:
        return {
            **self.store.parts(),
            **self.forest.parts(),
            **self.bayes.parts(),
            **self.softmax.parts(),
            **self.newton.parts(),
        }


def no_parts() -> dict[str, Values]:
    """Those of a stream of symbols, which has no experts: counters, and what is empty."""
    empty = Experts(0, 0, 0)
    parts = empty.parts()
    parts["stored class"] = parts["bayes weight"] = np.zeros(0)
    parts["softmax weights"] = parts["softmax squares"] = np.zeros((0, 0))
    parts["newton weights"] = np.zeros((0, 0))
    parts["newton covariance"] = parts["newton active"] = np.zeros(0)
    for name in ("tree feature", "tree threshold", "tree next", "tree size"):
        parts[name] = parts[name][:0]
    parts["tree runs"] = parts["tree runs"][:0]
    assert parts["stored features"].shape == (0, STORED_EVENTS)
    return parts
