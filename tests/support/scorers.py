"""The compiled scorer of anomalies alone: a small stream whose predictions are overwritten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from oracles.anomaly import Anomaly, AnomalyScorer
from oracles.number_records import Sizes
from support.number_blocks import groups_of, number_stream, record_of

from lethe import _kernel
from lethe.model.networks import Ensemble

#: Those of the event that waits, or that are the stream's.
OTHERS = {"window level", "level odds", "level window", "level window sum", "held count",
          "held values"}  # fmt: skip
PARTS = tuple(name for name in AnomalyScorer(2).parts() if name not in OTHERS)


class Scorer:
    """The compiled scorer of a small stream, whose predictions are overwritten.

    The stream learns nothing: it takes no last value for known.
    """

    def __init__(self, targets: int = 1) -> None:
        self.sizes = Sizes(targets, 1, 1, 0, False)
        ensemble = Ensemble(groups_of(self.sizes, 1, 1, 1), np.random.default_rng(0))
        self.redraw = lambda *which: ensemble.redraw(self.stream, *which)
        self.stream = number_stream(self.sizes, 1, ensemble, scored=True)
        self.stream.start()
        ensemble.draw_first_weights(self.stream)
        self._learn(np.zeros(targets))

    def _event(self, actual: np.ndarray) -> Any:
        return _kernel.EncodedEvent(np.empty(0), [], math.nan, actual)

    def _learn(self, actual: np.ndarray) -> Any:
        return self.stream.learn(self._event(actual), None, 1, self.redraw)

    def _predicted(self, predicted: Sequence[float] | np.ndarray) -> None:
        """Writes into the event that waits."""
        record = record_of(self.stream, self.sizes)
        record["blended"][...] = predicted
        record["last value"][...] = math.nan
        record["predictions"][...] = 0.0

    def update(self, actual: Sequence[float], predicted: Sequence[float]) -> Any:
        """Whether it was scored, the score, the most anomalous target, expected and actual."""
        self._predicted(predicted)
        return self._learn(np.array(actual, float))[1:]

    def score(self, actual: Sequence[float], predicted: Sequence[float]) -> Any:
        self._predicted(predicted)
        return self.stream.score(self._event(np.array(actual, float)))[1:]

    def follow(self, actual: Sequence[float], predicted: Sequence[float]) -> Any:
        self._predicted(predicted)
        return self.stream.follow(self._event(np.array(actual, float)))[1:]

    def parts(self) -> dict[str, np.ndarray]:
        return {name: self.stream.view(name).copy() for name in PARTS}


def assert_close(ours: Any, theirs: Anomaly) -> None:
    is_scored, score, target, _, _, _, alarm, alarm_target = ours
    assert is_scored
    # The logarithms and powers of two libraries differ by some ulp.
    np.testing.assert_allclose(score, theirs.score, rtol=1e-9, atol=1e-12)
    assert target == theirs.target
    assert (alarm, alarm_target) == (theirs.alarm, theirs.alarm_target)


def same(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> None:
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(array, after[name])
