"""What kernels/stream/anchors.hpp computes, a second time: on whole matrices, in NumPy."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from oracles.events import Values
from oracles.linear import MOST_COVARIANCE, bound_variance, forget_feature
from oracles.number_records import Record
from oracles.scales import clamp

MOST_STRETCH = 2.0
FIRST_REACH, REACH_GROWTH, REACH_FADING, ERROR_REACH_FADING = 5.0, 4.0, 0.99999, 0.999
LEAST_SPREAD, MOST_REACH, MOST_MOVE = 1e-140, 1e6, 1e6
MOST_WEIGHT, MOST_GAIN = 1e170, 1e15


class Anchors:
    """What the targets' levels, and then the columns by their slots, are measured from."""

    def __init__(self, count: int) -> None:
        self.mean, self.spread, self.reach = np.zeros(count), np.zeros(count), np.zeros(count)

    def make_room(self, count: int) -> None:
        more = count - len(self.mean)
        self.mean, self.spread, self.reach = (
            np.pad(part, (0, more)) for part in (self.mean, self.spread, self.reach)
        )

    def encode(self, nth: int, value: float) -> float:
        spread = float(self.spread[nth])
        if not (math.isfinite(value) and spread > 0):
            return 0.0
        reach = max(float(self.reach[nth]), FIRST_REACH)
        return clamp((value - float(self.mean[nth])) / spread, reach)

    def observe(self, nth: int, value: float) -> None:
        spread = float(self.spread[nth])
        if not (math.isfinite(value) and spread > 0):
            return
        reach = max(float(self.reach[nth]) * REACH_FADING, FIRST_REACH)
        size = abs(value - float(self.mean[nth])) / spread
        self.reach[nth] = min(size, REACH_GROWTH * reach, MOST_REACH) if size > reach else reach

    def follow(self, nth: int, mean: float, variance: float) -> tuple[float, float] | None:
        """Ratio and shift, where the anchor moves and was set before."""
        anchor, spread = float(self.mean[nth]), float(self.spread[nth])
        square, moved = spread * spread, mean - anchor
        if not (variance > 0 and math.isfinite(variance)):
            return None
        stays = variance <= MOST_STRETCH**2 * square and variance * MOST_STRETCH**2 >= square
        to = math.sqrt(variance)
        if (stays and moved * moved <= variance) or not to > LEAST_SPREAD:
            return None
        self.mean[nth], self.spread[nth] = mean, to
        return (to / spread, moved / spread) if spread > 0 else None


def move_weights(weights: Values, feature: int, ratio: float, shift: float, most: float) -> None:
    """Old feature = ratio * new feature + shift; the last axis is that of the features."""
    constant, own = weights[..., 0] + shift * weights[..., feature], ratio * weights[..., feature]
    weights[..., 0], weights[..., feature] = (
        np.clip(constant, -most, most),
        np.clip(own, -most, most),
    )


def move_covariance(covariance: Values, feature: int, ratio: float, shift: float) -> Values:
    """T P T', as the weights are moved by T."""
    t = np.eye(len(covariance))
    t[0, feature], t[feature, feature] = shift, ratio
    moved = t @ covariance @ t.T
    for i in (0, feature):
        moved = bound_variance(moved, i, MOST_COVARIANCE)
    return moved


def is_same(ratio: float, shift: float) -> bool:
    """Whether what was learned of a feature says anything of it as measured from there."""
    return ratio < MOST_MOVE and ratio * MOST_MOVE > 1 and abs(shift) < MOST_MOVE


def move_all(
    weights: Iterable[Values],
    covariance: list[Values],
    active: Values,
    records: Iterable[Record],
    feature: int,
    ratio: float,
    shift: float,
) -> None:
    """What was learned of a feature, and events that wait, follow its anchor."""
    if not is_same(ratio, shift):
        active[feature] = 0
        for each in weights:
            each[..., feature] = 0
        for each in covariance:
            forget_feature(each, feature)
        for record in records:
            record.features[feature] = record.gains[:, feature] = 0
        return
    if active[feature]:
        for each in weights:
            move_weights(each, feature, ratio, shift, MOST_WEIGHT)
        covariance[:] = [move_covariance(each, feature, ratio, shift) for each in covariance]
    for record in records:
        there = (float(record.features[feature]) - shift) / ratio
        record.features[feature] = clamp(there, MOST_REACH)
        move_weights(record.gains, feature, ratio, shift, MOST_GAIN)
