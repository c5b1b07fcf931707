"""What kernels/stream/forest.hpp computes, a second time: slowly, in plain Python."""

from __future__ import annotations

import numpy as np
from oracles.events import Values
from oracles.store import STORED_EVENTS, Indices, Store

TREES, TREE_NODES, RUN_COUNTS = 10, 512, 1024
LEAST_LEAF, TRIES, SLOWEST_GROWTH, GROWTH_SHARE = 3, 16, 40, 0.125
NO_SPLIT = 1e30  # a threshold that all are below
_BITS = (1 << 64) - 1


class Draws:
    """Numbers from 0 to 1 (splitmix64)."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def next(self) -> float:
        self.state = z = (self.state + 0x9E3779B97F4A7C15) & _BITS
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _BITS
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _BITS
        return float((z ^ (z >> 31)) >> 11) * 2.0**-53


class Forest:
    """Trees, each grown from the events stored at one time."""

    def __init__(self) -> None:
        self.grown, self.grown_at = 0, 0
        self.feature = np.zeros((TREES, TREE_NODES), int)  # 0: a leaf; else 1 + feature
        self.threshold = np.zeros((TREES, TREE_NODES))
        self.next = np.zeros((TREES, TREE_NODES), int)
        self.size = np.zeros((TREES, TREE_NODES), int)
        self.runs = np.zeros((TREES, STORED_EVENTS), int)

    def observe(self, store: Store, features: int) -> None:
        due = min(SLOWEST_GROWTH, max(1.0, store.count * GROWTH_SHARE))
        if store.count - self.grown_at < due:
            return
        self.grown_at = store.count
        self._grow(store, features, self.grown % TREES, Draws(self.grown))
        self.grown += 1

    def vote(self, x: Values, votes: Values) -> float:
        """Add what the leaves say to the votes of each class; their sum."""
        given = 0.0
        for tree in range(min(self.grown, TREES)):
            node = 0
            while feature := self.feature[tree, node]:
                is_lesser = x[feature - 1] < self.threshold[tree, node]
                node = self.next[tree, node] + (not is_lesser)
            first = self.next[tree, node]
            places, counts = np.divmod(
                self.runs[tree, first : first + self.size[tree, node]], RUN_COUNTS
            )
            if counts.sum():
                np.add.at(votes, places, counts / counts.sum())
                given += 1
        return given

    def forget_feature(self, feature: int) -> None:
        self.threshold[self.feature == 1 + feature] = NO_SPLIT

    def forget_class(self, place: int) -> None:
        is_of_class = self.runs // RUN_COUNTS == place
        self.runs[is_of_class] = place * RUN_COUNTS

    def _grow(self, store: Store, features: int, tree: int, draws: Draws) -> None:
        branches: list[Indices] = [store.filled]
        runs: list[int] = []
        node = 0
        while node < len(branches):
            events = branches[node]
            places, counts = np.unique(store.classes[events], return_counts=True)
            feature, threshold = -1, 0.0
            if (
                len(branches) + 2 <= TREE_NODES
                and len(events) >= 2 * LEAST_LEAF
                and len(places) > 1
            ):
                feature, threshold = self._split(store, events, features, draws)
            self.feature[tree, node] = 1 + feature
            self.threshold[tree, node] = threshold
            self.size[tree, node] = 0
            if feature < 0:
                self.next[tree, node] = len(runs)
                self.size[tree, node] = len(places)
                runs.extend((places * RUN_COUNTS + counts).tolist())
            else:
                self.next[tree, node] = len(branches)
                is_lesser = store.features[feature, events] < threshold
                branches += [events[is_lesser], events[~is_lesser]]
            node += 1
        self.runs[tree] = 0
        self.runs[tree, : len(runs)] = runs

    @staticmethod
    def _split(store: Store, events: Indices, features: int, draws: Draws) -> tuple[int, float]:
        """A feature and a threshold at random, the best of several; feature -1: none."""
        shuffled = list(range(features))
        best, found, most = -1, 0.0, 0.0
        tried = 0
        for f in range(features):
            if tried >= TRIES and best >= 0:
                break
            other = f + int(draws.next() * (features - f))
            shuffled[f], shuffled[other] = shuffled[other], shuffled[f]
            x = store.features[shuffled[f], events]
            if not x.max() > x.min():
                continue
            tried += 1
            threshold = float(x.min() + draws.next() * (x.max() - x.min()))
            is_lesser = x < threshold
            if min(is_lesser.sum(), (~is_lesser).sum()) < LEAST_LEAF:
                continue
            score = 0.0
            for part in (is_lesser, ~is_lesser):
                counts = np.unique(store.classes[events[part]], return_counts=True)[1]
                score += float((counts**2).sum()) / float(part.sum())
            if score > most:
                best, found, most = shuffled[f], threshold, score
        return best, found

    def parts(self) -> dict[str, Values]:
        return {
            "trees grown": np.array([self.grown]),
            "tree grown at": np.array([self.grown_at]),
            "tree feature": self.feature,
            "tree threshold": self.threshold,
            "tree next": self.next,
            "tree size": self.size,
            "tree runs": self.runs,
        }
